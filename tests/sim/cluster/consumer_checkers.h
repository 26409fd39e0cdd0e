// ConsumerCheckers: what must be true of a simulated group whose members speak the consumer
// protocol (KIP-848), the classic one, or either in turn; seen from outside, after every event.
//
//   G-01, G-04 a stable group        every member has all that the target gives it, in the group's
//                                    epoch, of topics it subscribes to; nothing is left over
//   G-02 no double ownership         no partition is in two members' assignments, pending
//                                    revocations included; none is handed out while another member
//                                    whose epoch still counts holds it, by what it was told and has
//                                    not given up; within an epoch a partition has one owner
//   G-05 turned away                 only who is no member, or of another epoch
//   G-06 epochs                      never go back, in the metadata and at a member; what a member
//                                    is told is committed
//   G-10 committed offsets           offset_history.h
//   G-11 sessions, revocations       last as long as they may since the last sign of life, and
//                                    since the controller became active
//   G-17 no zombie commit            no commit of a partition that came after it was handed to
//                                    another member; epochs grow along the log of a partition
//   G-19 static members              an instance id that is in use is not taken over; who comes
//                                    back to a stable group moves nobody
//   (G-07 is for the world: the group settles.)
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

#include "broker/wire/messages/consumer_groups.h"
#include "common/base/time.h"
#include "common/metadata/image.h"
#include "tests/sim/cluster/group_watch.h"
#include "tests/sim/cluster/offset_history.h"
#include "tests/sim/cluster/sim_controller.h"

namespace weir::sim {

class ClusterWorld;

using OwnedPartition = std::pair<Uuid, int32_t>;
using OwnedPartitions = std::set<OwnedPartition>;

// What one client believes of its membership.
struct MemberView {
  std::string member_id;
  // Empty: a dynamic member.
  std::string instance_id;
  // Its generation if it speaks the classic protocol; 0: it is in none.
  int32_t epoch = 0;
  // What it was told that it owns, and has not given up.
  OwnedPartitions owned;
};

// "<topic id>-<number>".
std::string NameOf(const OwnedPartition& partition);
OwnedPartitions ToOwned(const metadata::PartitionsByTopic& partitions);
// Whether somebody with that subscription subscribes to the topic.
bool Subscribes(const metadata::GroupSubscription& subscription, const std::string& topic);

class ConsumerCheckers : public GroupWatch {
 public:
  explicit ConsumerCheckers(ClusterWorld& world) : world_(world), offsets_(world) {}

  void AfterTask(SimController& controller) override;
  void OnMetadata(const metadata::MetadataImage& newest) override;
  void OnHeartbeat(SimController& controller, const group::v1::HeartbeatRequest& request) override;
  void OnReport(SimController& controller, const group::v1::LivenessReport& report) override;
  void OnLeaving(const group::v1::LeaveGroupRequest& request) override;
  void OnConsumerLeaving(const group::v1::ConsumerGroupHeartbeatRequest& request) override;
  void OnSyncAnswered(SimController& controller, const group::v1::SyncGroupRequest& request,
                      const group::v1::SyncGroupReply& reply) override;
  void OnConsumerAnswered(SimController& controller,
                          const group::v1::ConsumerGroupHeartbeatRequest& request,
                          const group::v1::ConsumerGroupHeartbeatReply& reply,
                          MonoTime arrived) override;
  void OnOffsetRecord(Offset position, std::string_view value) override;

  // ---- at members ---------------------------------------------------------------------

  // It has been told this epoch, and perhaps what it owns.
  void OnTold(const MemberView& member);
  // Names how long that member has been in that epoch; 0: it is not.
  uint64_t StandingOf(const MemberView& member) const;
  // It is told that it is no member, or not of that epoch. `standing`: when it asked.
  void OnTurnedAway(const MemberView& member, uint64_t standing);
  // What a ConsumerGroupDescribe says that was asked when the group's epoch was `at_least`.
  void OnDescribed(int32_t at_least, const wire::ConsumerGroupDescribeResponse& response);
  // Of the newest metadata; 0: there is no such group.
  int32_t newest_epoch() const { return newest_ ? newest_->generation : 0; }

  // A commit has reached a broker.
  CommitNumber OnCommitArrived(NodeId broker, const MemberView& member,
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
    // The last end of a connection of a static member that it was told of.
    std::map<std::string, MonoTime> lost;
    // Who has to give up partitions, or to join again, and since when.
    std::map<std::string, MonoTime> expected;
  };
  // To whom a partition was handed last.
  struct Handed {
    int32_t epoch = 0;
    std::string member_id;
  };
  struct Commit {
    std::string member_id;
    int32_t epoch = 0;
    // When it came, by partition; nothing at a broker that was fenced.
    std::map<int32_t, Handed> handed;
  };

  Coordinator& CoordinatorAt(SimController& controller);
  void Hear(SimController& controller, const std::string& member_id, MonoTime at);
  void CheckChange(SimController& controller, const Coordinator& known,
                   const metadata::Group& before, const metadata::Group& after);
  void CheckStaticReturns(SimController& controller, const Coordinator& known,
                          const metadata::Group& before, const metadata::Group& after);
  void CheckGone(SimController& controller, const Coordinator& known, const metadata::Group& before,
                 const std::string& member_id);
  static Duration SilenceOf(SimController& controller, const Coordinator& known,
                            const std::string& member_id);
  int32_t SessionMsOf(const metadata::GroupMember& member) const;
  bool SessionIsOver(SimController& controller, const Coordinator& known,
                     const std::string& member_id, const metadata::GroupMember& member) const;
  static bool RevocationIsOver(SimController& controller, const Coordinator& known,
                               const std::string& member_id, const metadata::GroupMember& member);
  void NoteExpected(SimController& controller, Coordinator& known, const metadata::Group& group);
  void CheckOwners(const metadata::Group& group);
  void CheckStable(const metadata::MetadataImage& image, const metadata::Group& group);
  void NoteStandings(const metadata::Group* before, const metadata::Group& after);
  void HandOut(const MemberView& member);
  bool Counts(const MemberView& member) const;
  void CheckExclusive(const MemberView& member);
  OwnedPartition OrdersPartition(int32_t partition) const;
  void Fail(const std::string& what);

  ClusterWorld& world_;
  std::map<NodeId, Coordinator> coordinators_;
  // Of the newest metadata.
  std::optional<metadata::Group> newest_;
  // Changes whenever the member comes, goes, or gets into another epoch.
  std::map<std::string, uint64_t> standings_;
  // Named by a leave.
  std::set<std::string> leaving_;
  std::map<OwnedPartition, Handed> handed_;
  // Epoch and partition -> who it is, across its lives.
  std::map<std::pair<int32_t, OwnedPartition>, std::string> owners_;
  // By member id.
  std::map<std::string, int32_t> told_;
  OffsetHistory offsets_;
  // By number.
  std::vector<Commit> commits_;
  // Of the last record in the log, by partition.
  std::map<int32_t, int32_t> log_epochs_;
};

}  // namespace weir::sim
