// ClusterGroup: a consumer group of the simulated cluster: clients that join, sync, send
// heartbeats, fetch and commit offsets through brokers' real handlers and gateways, over a network
// that loses, delays and repeats. They give up waiting, change gateways, fall silent, leave, come
// back, and (the static ones) restart.
//
// Laws:
//  1. A member acts on what it was last told; the group's laws are checked by group_checkers.h.
//  2. Once the faults are over the group becomes stable with all its members, each of which knows
//     its offsets (G-07).
// Thread rule: one thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "broker/wire/messages/group_offsets.h"
#include "broker/wire/messages/groups.h"
#include "common/base/ids.h"
#include "tests/sim/cluster/client_calls.h"
#include "tests/sim/cluster/group_checkers.h"

namespace weir::sim {

class ClusterWorld;

class ClusterGroup {
 public:
  explicit ClusterGroup(ClusterWorld& world) : world_(world), calls_(world) {}

  void Start(int32_t members);
  // Nobody leaves, restarts or falls silent any more.
  void BecomeCalm() { calm_ = true; }
  // Every member is in the newest generation, has its assignment and knows its offsets.
  bool Settled();
  std::string Describe() const;

  // ---- scripted worlds ----------------------------------------------------------------

  // A static member's process starts again.
  void Restart(size_t member) { members_[member].Forget(); }
  bool IsStatic(size_t member) const { return !members_[member].instance_id.empty(); }

 private:
  // The versions that a client speaks.
  struct Versions {
    int16_t join = 9;
    int16_t sync = 5;
    int16_t heartbeat = 4;
    int16_t leave = 5;
  };
  struct Member {
    Versions versions;
    // Empty: a dynamic member.
    std::string instance_id;
    std::string id;
    int32_t generation = -1;
    bool synced = false;
    // As the leader was told; empty: this one does not lead.
    std::vector<std::string> members;
    std::string leader;
    // What it owns, and where it is; -1: not known yet.
    std::map<int32_t, int64_t> positions;
    ClientSlot membership;
    ClientSlot offsets;
    int64_t silent_until_ms = 0;
    // It has heard of a rebalance and takes its time.
    int64_t joins_at_ms = 0;
    NodeId gateway{1};

    void Forget() {
      id.clear();
      LeaveGeneration();
    }
    void LeaveGeneration() {
      generation = -1;
      synced = false;
      members.clear();
      positions.clear();
    }
  };

  void ActLater(size_t index);
  void Act(size_t index);
  // Leaves, restarts or falls silent. False: it does none of it.
  bool Churn(size_t index);
  void ActOnOffsets(size_t index);
  void Join(size_t index);
  void Sync(size_t index);
  void Beat(size_t index);
  void Leave(size_t index);
  void FetchOffsets(size_t index);
  void CommitOffsets(size_t index);
  bool LeavesGateway(Member& member, ErrorCode error);
  void TakeJoin(Member& member, const wire::JoinGroupResponse& response);
  void TakeSync(Member& member, const wire::SyncGroupResponse& response);
  void TakeOffsets(Member& member, int32_t generation, const std::map<int32_t, Offset>& known,
                   const wire::OffsetFetchResponse& response);
  // What a member hears of its membership from a heartbeat or a commit.
  void TakeVerdict(Member& member, ErrorCode error, const std::string& asked_id,
                   int32_t asked_generation, bool was_member);
  std::vector<wire::SyncGroupRequest::MemberAssignment> Assign(const Member& leader) const;

  NodeId GatewayOf(Member& member);
  // What was waited for too long is given up, and asked of another broker.
  bool IsFree(Member& member, ClientSlot& slot);
  // As ClientCalls::Ask, with the member that asked; a connection that is closed is left.
  template <class Response, class Make, class Take>
  void Ask(size_t index, ClientSlot Member::*slot, NodeId broker, int16_t version, Make make,
           Take take);

  ClusterWorld& world_;
  ClientCalls calls_;
  std::vector<Member> members_;
  bool calm_ = false;
};

}  // namespace weir::sim
