// SimulatedGroup: the members of one consumer group, each with a connection of its own and the
// classic protocol as consumers speak it: join, sync, heartbeats, and join again when told so.
//
//   connected --Join--> joining --leader assigns, all sync--> stable --heartbeat says so--> joining
//
// Laws:
//  1. The group is settled once every living member has an assignment of the newest generation;
//     then each partition is assigned to exactly one of them, or the run ends with Fatal.
//  2. Whatever a consumer would not try again ends the run with Fatal.
// Thread rule: the shard's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "broker/wire/messages/groups.h"
#include "tests/bench/groups/broker_link.h"
#include "tests/bench/histogram.h"

namespace weir::bench {

struct GroupSettings {
  std::string group_id;
  std::string topic;
  int partitions = 1;
  int32_t session_timeout_ms = 45'000;
  // How long members wait for each other: Kafka's max.poll.interval.ms.
  int32_t rebalance_timeout_ms = 300'000;
  // 0: no heartbeats.
  int32_t heartbeat_ms = 3'000;
};

// What all members of a run add up.
struct GroupCounts {
  Histogram heartbeats;
  int64_t rejoins = 0;
};

class SimulatedGroup;

class SimulatedMember {
 public:
  SimulatedMember(SimulatedGroup& group, const Endpoint& coordinator, size_t number);
  ~SimulatedMember();

  bool open() const { return link_->open(); }
  void Join();
  // Does nothing any more.
  void Rest();

  BrokerLink& link() { return *link_; }
  const std::string& id() const { return id_; }
  // 0: none yet.
  int32_t generation() const { return generation_; }
  // Has an assignment of its generation, and has not been told to join again.
  bool stable() const { return stable_; }
  const std::vector<int32_t>& partitions() const { return partitions_; }

 private:
  void OnJoined(const wire::JoinGroupResponse& response);
  void OnJoinFailed(ErrorCode error, const std::string& told_id);
  void Sync(const wire::JoinGroupResponse& joined);
  void OnSynced(const wire::SyncGroupResponse& response);
  void BeatAfter(int64_t delay_ms);
  void Beat();
  void OnBeat(ErrorCode error);
  void RejoinFor(ErrorCode error);
  void After(int64_t delay_ms, std::function<void()> task);

  SimulatedGroup& group_;
  const size_t number_;
  std::unique_ptr<BrokerLink> link_;
  std::string id_;
  int32_t generation_ = 0;
  bool stable_ = false;
  std::vector<int32_t> partitions_;
  Executor::TimerId timer_ = 0;
};

class SimulatedGroup {
 public:
  SimulatedGroup(GroupSettings settings, net::Shard& shard, net::TcpDialer& dialer,
                 GroupCounts& counts, Endpoint coordinator)
      : settings_(std::move(settings)),
        shard_(shard),
        dialer_(dialer),
        counts_(counts),
        coordinator_(std::move(coordinator)) {}

  // Adds a member, which has not joined.
  void AddMember();
  bool IsConnected() const;
  void JoinAll();
  // The last so many members go: with one farewell, or without; `left` runs once it was heard.
  void Leave(size_t count, std::function<void()> left = nullptr);
  void Crash(size_t count);

  bool IsSettled() const { return settled_us_ > 0; }
  // When law 1 came true.
  int64_t settled_us() const { return settled_us_; }
  int32_t generation() const { return newest_; }

  SimulatedMember& member(size_t number) { return *members_[number]; }
  size_t size() const { return members_.size(); }
  const GroupSettings& settings() const { return settings_; }
  const Endpoint& coordinator() const { return coordinator_; }

 private:
  friend class SimulatedMember;

  void OnStable(int32_t generation);
  void CheckAssignments() const;
  // Only a later generation settles the group.
  void ExpectRebalance();

  const GroupSettings settings_;
  net::Shard& shard_;
  net::TcpDialer& dialer_;
  GroupCounts& counts_;
  const Endpoint coordinator_;
  std::vector<std::unique_ptr<SimulatedMember>> members_;
  int32_t newest_ = 0;
  int32_t expected_min_ = 1;
  // Members with an assignment of the newest generation.
  size_t settled_ = 0;
  int64_t settled_us_ = 0;
};

}  // namespace weir::bench
