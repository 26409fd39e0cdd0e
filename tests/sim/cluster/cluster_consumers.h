// ClusterConsumers: clients of the simulated group that speak the consumer protocol (KIP-848), the
// classic one, or either in turn (online migration), over a network that loses, delays and repeats.
// They subscribe to topics that come and go, give up waiting, change gateways, fall silent, leave,
// crash, and come back as another process, perhaps of the other protocol.
//
// A client of the consumer protocol, as Kafka's:
//   joins (epoch 0) --told its epoch and what to own--> gives up what it is not to own any more,
//   takes what is new, and says so with its next heartbeat --told to own something else--> again;
//   after an answer that was lost it says all it knows; fenced: it gives all up and joins again
// One of the classic protocol is eager: it gives all up before it joins.
//
// Laws:
//  1. A client acts on what it was last told; the group's laws are checked by consumer_checkers.h.
//  2. Once the faults are over every partition of every topic that somebody subscribes to is owned
//     by one client, who knows it (G-07).
// Thread rule: one thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "broker/wire/messages/consumer_groups.h"
#include "broker/wire/messages/group_offsets.h"
#include "broker/wire/messages/groups.h"
#include "common/base/ids.h"
#include "tests/sim/cluster/client_calls.h"
#include "tests/sim/cluster/consumer_checkers.h"

namespace weir::sim {

class ClusterWorld;

class ClusterConsumers {
 public:
  explicit ClusterConsumers(ClusterWorld& world) : world_(world), calls_(world) {}

  // As many of each kind as the profile says; none: there is no such group.
  void Start();
  // Nobody leaves, crashes, changes or falls silent any more.
  void BecomeCalm() { calm_ = true; }
  bool Settled();
  std::vector<MemberView> Views() const;
  std::string Describe() const;

  // ---- scripted worlds ----------------------------------------------------------------

  size_t size() const { return members_.size(); }
  bool IsStatic(size_t member) const { return !members_[member].instance_id.empty(); }
  // A static client leaves for a while, and is back as another process.
  void RestartInOrder(size_t member);
  // Its process is killed, and is back as another.
  void CrashAndRestart(size_t member);
  // It leaves, and comes back as one that speaks the other protocol.
  void SwitchProtocol(size_t member);

 private:
  struct Member {
    // Empty: a dynamic member.
    std::string instance_id;
    std::vector<std::string> topics;
    bool uses_regex = false;

    // One process.
    bool speaks_classic = false;
    // The consumer protocol's: in version 0 its gateway draws the member id.
    int16_t version = 1;
    std::string id;
    // 0: it is in no epoch; a generation in the classic protocol.
    int32_t epoch = 0;
    // What it owns, and where it is in it; -1: not known yet.
    std::map<OwnedPartition, int64_t> positions;
    // What it is told to own and does not yet.
    std::optional<OwnedPartitions> target;
    int64_t reconciles_at_ms = 0;
    // Its next heartbeat says all; or what it owns.
    bool tells_all = false;
    bool tells_owned = false;
    bool tells_topics = false;
    // Of the classic protocol.
    bool synced = false;
    int64_t joins_at_ms = 0;
    // Whom it leads, and what they subscribe to; and the topics that it has assigned.
    std::map<std::string, std::vector<std::string>> led;
    std::set<Uuid> assigned_topics;
    bool assigns = false;

    ClientSlot membership;
    ClientSlot offsets;
    ClientSlot description;
    int64_t silent_until_ms = 0;
    NodeId gateway{1};

    // It owns nothing any more, and is in no epoch.
    void GiveAllUp();
  };
  // What was said in a heartbeat, for who hears its answer.
  struct Asked {
    MemberView view;
    uint64_t standing = 0;
  };

  void ActLater(size_t index);
  void Act(size_t index);
  void ActOnMembership(size_t index);
  void ActOnOffsets(size_t index);
  // Leaves, crashes, falls silent, or subscribes to something else. Whether it does.
  bool Churn(size_t index);
  void ChooseTopics(Member& member);
  // Another process takes its place.
  void BeginAnew(Member& member);

  // cluster_consumers.cc: the consumer protocol
  void Heartbeat(size_t index);
  wire::ConsumerGroupHeartbeatRequest MakeHeartbeat(const Member& member) const;
  void TakeHeartbeat(Member& member, const Asked& asked,
                     const wire::ConsumerGroupHeartbeatResponse& response);
  void TakeRefusal(Member& member, const Asked& asked, ErrorCode error);
  void Reconcile(Member& member);
  void LeaveConsumer(size_t index, int32_t epoch);
  void DescribeGroup(size_t index);

  // cluster_consumers_classic.cc: the classic protocol
  void Join(size_t index);
  void Sync(size_t index);
  void Beat(size_t index);
  void LeaveClassic(size_t index);
  void TakeJoin(Member& member, const wire::JoinGroupResponse& response);
  void TakeSync(Member& member, const wire::SyncGroupResponse& response);
  std::vector<wire::SyncGroupRequest::MemberAssignment> Assign(const Member& leader) const;
  // Those that exist of what its members subscribe to.
  std::set<Uuid> TopicsLedBy(const Member& leader) const;
  bool IsToJoinAgain(const Member& member) const;

  // cluster_consumers_offsets.cc
  void FetchOffsets(size_t index);
  void CommitOffsets(size_t index);
  void TakeOffsets(Member& member, int32_t epoch, const std::map<int32_t, Offset>& known,
                   const wire::OffsetFetchResponse& response);
  // Its positions in the topic whose offsets are committed.
  OffsetHistory::Offsets PositionsIn(const Member& member) const;

  // What a heartbeat of the classic protocol, or a commit, says of a membership.
  void TakeVerdict(Member& member, const Asked& asked, ErrorCode error);
  Asked AskedBy(const Member& member) const;
  static MemberView ViewOf(const Member& member);
  bool LeavesGateway(Member& member, ErrorCode error);
  NodeId GatewayOf(Member& member);
  // What was waited for too long is given up, and asked of another broker.
  bool IsFree(Member& member, ClientSlot& slot);
  // An answer was lost: another broker is asked, and told all there is.
  void Lose(Member& member);
  int64_t PatienceMs(bool waits_for_others);
  // As ClientCalls::Ask, with the member that asked.
  template <class Response, class Make, class Take>
  void Ask(size_t index, ClientSlot Member::*slot, NodeId broker, int16_t version, Make make,
           Take take);

  ClusterWorld& world_;
  ClientCalls calls_;
  std::vector<Member> members_;
  bool calm_ = false;
};

template <class Response, class Make, class Take>
void ClusterConsumers::Ask(size_t index, ClientSlot Member::*slot, NodeId broker, int16_t version,
                           Make make, Take take) {
  constexpr bool kWaitsForOthers = std::is_same_v<Response, wire::JoinGroupResponse> ||
                                   std::is_same_v<Response, wire::SyncGroupResponse>;
  calls_.Ask<Response>(members_[index].*slot, broker, version, kDynamicPrefix,
                       PatienceMs(kWaitsForOthers), std::move(make),
                       [this, index, take = std::move(take)](
                           uint64_t number, const std::optional<Response>& response) {
                         Member& member = members_[index];
                         if (response) return take(member, number, *response);
                         Lose(member);
                       });
}

}  // namespace weir::sim
