// GroupWorld: the loop that all simulated members live on, and what a run does with it from the
// main thread.
//
// Laws: (1) members and links are touched on the shard only, inside Run; (2) whatever takes longer
// than options.timeout_ms ends the run with Fatal.
// Thread rule: the main thread, unless said otherwise.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/bench/groups/simulated_group.h"
#include "tests/bench/options.h"

namespace weir::bench {

class GroupWorld {
 public:
  explicit GroupWorld(const Options& options);
  ~GroupWorld();

  net::Shard& shard() { return shard_; }
  net::TcpDialer& dialer() { return dialer_; }
  // On the shard.
  GroupCounts& counts() { return counts_; }

  // Runs `task` on the shard and returns after it.
  void Run(const std::function<void()>& task);
  // Returns once `holds`, asked on the shard every millisecond, says so.
  void WaitUntil(const std::function<bool()>& holds, const std::string& what);
  void Pause(double seconds);

  std::unique_ptr<BrokerLink> Connect(const Endpoint& at);
  // Sends one request and waits for its answer.
  template <wire::Message Response, wire::Message Request>
  Response Ask(BrokerLink& link, int16_t version, const Request& request) {
    std::optional<Response> answer;
    Run([&] {
      link.Send<Response>(version, request,
                          [&answer](Response response) { answer = std::move(response); });
    });
    WaitUntil([&] { return answer.has_value(); }, "an answer");
    return *std::move(answer);
  }

  // Of each group, in their order.
  std::vector<Endpoint> Coordinators(const std::vector<std::string>& group_ids);
  // Groups with so many connected members each, which have not joined.
  std::vector<std::unique_ptr<SimulatedGroup>> MakeGroups(const GroupSettings& settings, int groups,
                                                          int members_each);
  // One group of the protocol, alike.
  std::unique_ptr<MemberGroup> MakeGroup(Protocol protocol, const GroupSettings& settings,
                                         int members);
  // Lets all join; returns once all are settled.
  void Settle(const std::vector<std::unique_ptr<SimulatedGroup>>& groups);
  // All members leave; the groups are gone afterwards.
  void End(std::vector<std::unique_ptr<SimulatedGroup>>& groups);
  void End(std::unique_ptr<MemberGroup>& group);

 private:
  // `in_wave`: connections that may not be open yet.
  void AddMembers(MemberGroup& group, int count, int* in_wave);

  const Options& options_;
  net::Shard shard_{0};
  net::TcpDialer dialer_;
  GroupCounts counts_;
};

}  // namespace weir::bench
