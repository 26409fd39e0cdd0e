// ClusterGroup: a consumer group of the simulated cluster. Its members' gateways judge heartbeats
// by what some broker's metadata say, and send the rest to the controllers over a network that
// loses and repeats; members give up waiting, fall silent, leave and come back.
//
// Laws:
//  1. What a member is told is committed; its generations never go back (G-06).
//  2. All members of a generation are told of one leader (G-04), and everybody gets the assignment
//     that this leader made for it in that generation (G-03).
//  3. Once the faults are over the group becomes stable with all its members (G-07).
// Thread rule: one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "common/base/ids.h"
#include "common/base/result.h"
#include "proto/group.pb.h"

namespace weir::sim {

class ClusterWorld;

class ClusterGroup {
 public:
  explicit ClusterGroup(ClusterWorld& world) : world_(world) {}

  void Start(int32_t members);
  // Nobody leaves or falls silent any more.
  void BecomeCalm() { calm_ = true; }
  // Every member is in the newest generation and has its assignment.
  bool Settled();
  std::string Describe() const;

 private:
  struct Member {
    std::string id;
    int32_t generation = -1;
    bool synced = false;
    // As the leader was told.
    std::vector<std::string> members;
    int32_t newest_told = 0;
    // Of the call under way, and how long it is waited for; 0: none.
    uint64_t asked = 0;
    int64_t waits_until_ms = 0;
    int64_t silent_until_ms = 0;

    void Forget() {
      id.clear();
      generation = -1;
      synced = false;
    }
  };

  void ActLater(size_t index);
  void Act(size_t index);
  void Join(size_t index);
  void Sync(size_t index);
  void Beat(size_t index);
  void Leave(size_t index);
  void Report(const Member& member);
  void TakeJoin(Member& member, const group::v1::JoinGroupReply& reply);
  void TakeSync(Member& member, const group::v1::SyncGroupReply& reply);
  void TakeHeartbeat(Member& member, const group::v1::HeartbeatReply& reply);

  // Has `serve(groups, done)` run at some controller; `take(member, reply)` if the member still
  // waits for it then, and the gateway's image has reached the reply's offset.
  template <class Reply, class Serve, class Take>
  void Ask(size_t index, Serve serve, Take take);
  template <class Reply, class Take>
  void Arrived(size_t index, uint64_t asked, NodeId gateway, const Reply& reply, Take take);
  NodeId SomeController();

  ClusterWorld& world_;
  std::vector<Member> members_;
  // Generation -> its leader.
  std::map<int32_t, std::string> leaders_;
  uint64_t last_asked_ = 0;
  bool calm_ = false;
};

}  // namespace weir::sim
