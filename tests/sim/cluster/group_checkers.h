// GroupCheckers: what must be true of the simulated consumer group, after every event, seen from
// outside: at controllers, in the metadata, in the log of committed offsets, and at its members.
//
//   G-01, G-04 an assignment in force   gives every partition to one member of that generation
//   G-02 no double assignment           no two members are ever handed one partition in one
//                                       generation
//   G-03 assignments                    come from that generation's leader, for that generation
//   G-05 turned away                    only who is no member, or of an older generation
//   G-06 generations                    never go back, in the metadata and at a member; what a
//                                       member is told is committed
//   G-10 committed offsets              offset_history.h
//   G-11 sessions                       last as long as they may since the last sign of life, and
//                                       since the controller became active
//   G-12 who waits for others           is not removed
//   G-17 no zombie commit               no commit of a generation that came after a newer one's
//                                       assignment was handed out; generations grow along the log
//   G-19 a static member that returns   to a stable group moves nobody
//   (G-07 is for the world: the group settles. G-08 for a test: heartbeats make no entries.)
// Thread rule: one thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/time.h"
#include "common/metadata/image.h"
#include "controller/state/groups/group_soft_state.h"
#include "proto/group.pb.h"
#include "tests/sim/cluster/group_watch.h"
#include "tests/sim/cluster/offset_history.h"
#include "tests/sim/cluster/sim_controller.h"

namespace weir::sim {

class ClusterWorld;

// What a leader assigns to one member: "<generation>:<leader>:<partition>,...".
struct GroupAssignment {
  int32_t generation = 0;
  std::string leader;
  std::set<int32_t> partitions;

  std::string ToString() const;
  // An empty assignment for what no leader wrote.
  static GroupAssignment Parse(std::string_view text);
};

class GroupCheckers : public GroupWatch {
 public:
  explicit GroupCheckers(ClusterWorld& world) : world_(world), offsets_(world) {}

  // ---- at controllers -----------------------------------------------------------------

  void AfterTask(SimController& controller) override;
  void OnMetadata(const metadata::MetadataImage& newest) override;
  void OnJoinArrived(SimController& controller, state::GroupCallId call,
                     const group::v1::JoinGroupRequest& request) override;
  void OnJoinAnswered(SimController& controller, const group::v1::JoinGroupRequest& request,
                      const group::v1::JoinGroupReply& reply) override;
  void OnSyncArrived(SimController& controller, state::GroupCallId call,
                     const group::v1::SyncGroupRequest& request) override;
  void OnSyncAnswered(SimController& controller, const group::v1::SyncGroupRequest& request,
                      const group::v1::SyncGroupReply& reply) override;
  void OnWithdrawn(SimController& controller, state::GroupCallId call) override;
  void OnHeartbeat(SimController& controller, const group::v1::HeartbeatRequest& request) override;
  void OnReport(SimController& controller, const group::v1::LivenessReport& report) override;
  void OnLeaving(const group::v1::LeaveGroupRequest& request) override;

  // ---- in the log of committed offsets ------------------------------------------------

  void OnOffsetRecord(Offset position, std::string_view value) override;

  // ---- at members ---------------------------------------------------------------------

  void OnTold(const std::string& member_id, int32_t generation, const std::string& leader);
  void OnAssigned(const std::string& member_id, int32_t generation, const std::string& assignment);
  // The member of that generation is told that it is none. `was_member`: it was one when it asked.
  void OnTurnedAway(const std::string& member_id, int32_t generation, bool was_member);
  bool IsMember(const std::string& member_id, int32_t generation) const;

  // A commit of that generation has reached a broker.
  CommitNumber OnCommitArrived(NodeId broker, int32_t generation,
                               const OffsetHistory::Offsets& offsets);
  OffsetHistory& offsets() { return offsets_; }

 private:
  // What is known of the coordinator on one controller, while it is active.
  struct Coordinator {
    const SimProcess* life = nullptr;
    Term term;
    MonoTime active_since;
    // As of its last task.
    LogIndex offset;
    std::optional<metadata::Group> group;
    // The last sign of life that it was told of.
    std::map<std::string, MonoTime> heard;
    // Who waits there for others, and in which call.
    std::map<std::string, state::GroupCallId> joining;
    std::map<std::string, state::GroupCallId> syncing;
    // Who has asked for its assignment, and of which generation.
    std::map<std::string, int32_t> synced;
  };
  struct Commit {
    int32_t generation = 0;
    // The newest generation of which an assignment had been handed out when it came; 0 at a broker
    // that was fenced.
    int32_t handed_out = 0;
  };

  Coordinator& CoordinatorAt(SimController& controller);
  const metadata::Group* GroupAt(SimController& controller) const;
  void CheckChange(SimController& controller, Coordinator& known, const metadata::Group& before,
                   const metadata::Group& after);
  void CheckGone(SimController& controller, const Coordinator& known, const metadata::Group& before,
                 const std::string& member_id);
  void CheckSessionIsOver(SimController& controller, const Coordinator& known,
                          const metadata::GroupMember& member, const std::string& member_id);
  void CheckStable(const metadata::Group& group);
  void Own(int32_t generation, const std::string& member_id, const GroupAssignment& assignment);
  void Fail(const std::string& what);

  ClusterWorld& world_;
  std::map<NodeId, Coordinator> coordinators_;
  // Of the newest metadata.
  std::optional<metadata::Group> newest_;
  // Named by a LeaveGroup.
  std::set<std::string> leaving_;
  int32_t handed_out_ = 0;
  std::map<int32_t, std::string> leaders_;
  // Generation and partition -> its owner.
  std::map<std::pair<int32_t, int32_t>, std::string> owners_;
  std::map<std::string, int32_t> told_;
  OffsetHistory offsets_;
  // By number.
  std::vector<Commit> commits_;
  // Of the last record in the log, by partition.
  std::map<int32_t, int32_t> log_generations_;
};

}  // namespace weir::sim
