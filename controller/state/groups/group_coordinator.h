// GroupCoordinator: consumer groups, as the active controller decides them (DESIGN D6). Events of
// gateways and of time go in; records and answers come out. What follows is the classic protocol;
// groups of the consumer protocol (KIP-848) are consumer_groups.h, to which it hands their events.
//
//   Empty --first join--> PreparingRebalance --all have joined, or time is up--> Completing-
//   Rebalance --the leader's assignment--> Stable --a member comes, changes, leaves or expires, or
//   the leader will assign anew--> PreparingRebalance; CompletingRebalance --the same--> Preparing-
//   Rebalance; PreparingRebalance --nobody is left--> Empty --delete--> gone (Kafka's Dead)
//
// What is a record and what is not. A member is a record from the moment its join is accepted, so a
// new active controller knows all who were let in; state, generation, protocol and leader are one
// small record, assignments are records when the leader has handed them in and only where they
// changed. Soft state (group_soft_state.h) is who waits, member ids handed out (KIP-394), and
// deadlines. Heartbeats never make a record (G-08).
//
// Laws:
//  1. Every answer that depends on records leaves after they are committed. Whoever gets an answer
//     with a generation is in the group's records with it.
//  2. A generation is formed once, and all members of it are told the same number, protocol and
//     leader; the leader is one of them and has joined.
//  3. Whoever does not name the newest generation gets no assignment (G-03, G-17).
//  4. A static member that comes back within its session keeps its assignment and moves nobody
//     (KIP-345, G-19).
//  5. A waiting call is answered exactly once, except one that OnCallGone named.
//  6. No member expires while it waits for others (a new one for new_member_join_timeout at most),
//     and none within a session timeout of BecomeActive (G-11).
//  7. Soft state may be lost. Deactivate answers all calls COORDINATOR_NOT_AVAILABLE, which
//     gateways send again; BecomeActive gives every member a fresh session timeout. A stable group
//     notices nothing. A group that prepares a rebalance goes on as its members join again, within
//     a fresh rebalance timeout. A generation that was formed stays: members that join again with
//     the same protocols are told of it, and the leader assigns. Member ids that were handed out
//     are forgotten: their clients hear UNKNOWN_MEMBER_ID and ask for others, as with Kafka.
//
// How it is wired, on the controller's loop (controller/quorum/group_calls.h does):
//  - A call (proto/group.proto) becomes one of the functions below with an id of its own. The
//    outcome's records are one batch: append it, apply it to the working image, and send the
//    answers when it is committed (without records: when all that is in the working image is).
//    A batch that cannot be appended: send what Rejected gives instead; nothing of the outcome is
//    true then.
//  - The image in the context is always the working one: what was decided before is in it.
//  - A SyncGroup answer without error, moreover, waits for commit_fence.h: from then on commits of
//    older generations are refused (D7). A JoinGroup answer need not wait.
//  - metadata_offset of an answer is the offset of its batch.
//  - When NextDeadline comes: OnTime. A read (describe, list) needs no coordinator:
//    describe_groups.h.
//  - Gateways judge heartbeats and commits with common/metadata/group_checks.h on their own image,
//    ask Heartbeat where that must be confirmed, and report who is alive (OnReport).
// Thread rule: one owner. Time is handed in and never runs backwards.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/time.h"
#include "controller/state/groups/consumer_groups.h"
#include "controller/state/groups/group_config.h"
#include "controller/state/groups/group_event.h"
#include "controller/state/groups/group_soft_state.h"
#include "controller/state/groups/group_timers.h"
#include "proto/group.pb.h"

namespace weir::state {

class GroupCoordinator {
 public:
  explicit GroupCoordinator(GroupConfig config)
      : config_(std::move(config)), consumers_(config_, timers_) {}
  GroupCoordinator(const GroupCoordinator&) = delete;
  GroupCoordinator& operator=(const GroupCoordinator&) = delete;

  // Forgets everything and begins from the image (law 7).
  void BecomeActive(const MetadataImage& image, MonoTime now);
  // Answers to all that wait.
  std::vector<GroupAnswer> Deactivate();
  // The outcome's batch was not appended: these groups begin anew as after BecomeActive, at
  // `context.now`, which may lie ahead. Answers to all that wait for them, and those that replace
  // the outcome's.
  std::vector<GroupAnswer> Rejected(const GroupContext& context, GroupOutcome outcome);

  // The call is answered in this outcome or in a later one. Errors stand in the reply.
  GroupOutcome Join(const GroupContext& context, GroupCallId call,
                    const group::v1::JoinGroupRequest& request);
  GroupOutcome Sync(const GroupContext& context, GroupCallId call,
                    const group::v1::SyncGroupRequest& request);
  // Answered in this outcome.
  GroupOutcome Leave(const GroupContext& context, GroupCallId call,
                     const group::v1::LeaveGroupRequest& request);
  GroupOutcome Delete(const GroupContext& context, GroupCallId call,
                      const group::v1::DeleteGroupsRequest& request);
  // KIP-848. A join may wait to take a static member's place (consumer_groups.h, law 6).
  GroupOutcome ConsumerHeartbeat(const GroupContext& context, GroupCallId call,
                                 const group::v1::ConsumerGroupHeartbeatRequest& request);
  // The call's client or gateway is gone: nobody waits any more. The member's session begins.
  GroupOutcome OnCallGone(const GroupContext& context, GroupCallId call);

  // The verdict on a member whose gateway is not sure, and a sign of life.
  group::v1::HeartbeatReply Heartbeat(const GroupContext& context,
                                      const group::v1::HeartbeatRequest& request);
  // Signs of life, and whose connection has ended. Members that are not known are passed over. What
  // it makes due is done by OnTime.
  void OnReport(MonoTime now, const group::v1::LivenessReport& report);

  // Topics of these names were created or removed, or got partitions: consumer groups that
  // subscribe to them are assigned anew, when OnTime is called.
  void OnTopicsChanged(const GroupContext& context, const std::set<std::string>& names);

  // The configuration of that group was changed, or, empty, what is configured for all.
  void OnConfigsChanged(const MetadataImage& image, std::string_view group_id);

  // Does what is due, as much as one batch holds: ask NextDeadline again.
  GroupOutcome OnTime(const GroupContext& context);
  std::optional<MonoTime> NextDeadline() const { return timers_.Next(); }

  // Calls that wait.
  size_t call_count() const { return calls_.size() + consumers_.waiting_count(); }
  // Null when there is no such group here.
  const GroupSoftState* FindSoftStateForTest(std::string_view group_id) const;
  const ConsumerGroups& consumers_for_test() const { return consumers_; }

 private:
  using Event = GroupEvent;
  // One group of an event.
  struct Step {
    Event& event;
    GroupDraft& draft;
    GroupSoftState& soft;

    const std::string& group_id() const { return draft.group_id(); }
    const metadata::Group& group() const { return draft.group(); }
    MonoTime now() const { return event.context.now; }
  };
  struct WaitingCall {
    std::string group_id;
    std::string member_id;
  };

  // group_coordinator.cc
  Step StepFor(Event& event, const std::string& group_id);
  GroupOutcome Finish(Event& event);
  // Begins from the image.
  void Load(const MetadataImage& image, const std::string& group_id, MonoTime now);
  void LoadClassic(const std::string& group_id, const metadata::Group& group, MonoTime now);
  void ForgetClassic(const std::string& group_id);
  void ForgetAll();
  void AnswerAllOf(GroupSoftState& soft, std::vector<GroupAnswer>* answers);
  void OnTimer(Event& event, const GroupTimer& timer);
  void OnJoinTimer(Step& step);
  void Note(Step& step, const std::string& text);

  // group_members.cc: soft state of members and calls
  GroupTimer SessionTimer(std::string_view group_id, std::string_view member_id) const;
  void CountSubscription(GroupSoftState& soft, const metadata::GroupMember& member, int sign);
  GroupMemberSoftState& AddSoftMember(Step& step, const std::string& member_id);
  void ForgetSoftMember(Step& step, const std::string& member_id, ErrorCode error);
  void WaitForJoin(Step& step, const std::string& member_id, GroupCallId call);
  void WaitForSync(Step& step, const std::string& member_id, GroupCallId call);
  void StartSession(Step& step, const std::string& member_id, const GroupMemberSoftState& member);
  // Ends the waiting, if there is any, with that error.
  void FailJoin(Step& step, const std::string& member_id, ErrorCode error,
                std::string_view told_member_id);
  void FailSync(Step& step, const std::string& member_id, ErrorCode error);
  void Answer(Event& event, GroupCallId call, GroupReply reply);
  void RemoveMembers(Step& step, const std::vector<std::string>& member_ids);
  // Members are gone: their group begins a rebalance, or ends one that waited for them alone. An
  // initial rebalance keeps its delay while anybody is left.
  void AfterRemoval(Step& step, std::string_view reason);
  // False: too many are pending.
  bool AddPendingId(Step& step, const std::string& member_id, Duration lifetime);
  void RemovePendingId(Step& step, const std::string& member_id);
  void ExpireSession(Step& step, const std::string& member_id);

  // group_join.cc
  void HandleJoin(Event& event, GroupCallId call, const group::v1::JoinGroupRequest& request);
  void JoinNewMember(Step& step, GroupCallId call, const group::v1::JoinGroupRequest& request);
  void JoinKnownMember(Step& step, GroupCallId call, const group::v1::JoinGroupRequest& request);
  void AddMember(Step& step, const std::string& member_id, GroupCallId call,
                 const group::v1::JoinGroupRequest& request);
  void BecomeClassic(Step& step, const std::string& protocol_type);
  void UpdateMember(Step& step, const std::string& member_id, GroupCallId call,
                    const group::v1::JoinGroupRequest& request);
  void ReplaceStaticMember(Step& step, const std::string& old_id, const std::string& new_id,
                           GroupCallId call, const group::v1::JoinGroupRequest& request);
  void AnswerReplacedInStable(Step& step, const std::string& member_id,
                              const std::string& old_leader,
                              const group::v1::JoinGroupRequest& request);
  void PutMember(Step& step, const std::string& member_id, const std::string& replaces,
                 const group::v1::JoinGroupRequest& request);
  void RefuseForSize(Step& step, const std::string& member_id);
  bool HasRoom(const Step& step, const group::v1::JoinGroupRequest& request) const;
  ErrorCode CheckProtocols(const Step& step, const group::v1::JoinGroupRequest& request) const;

  // group_rebalance.cc
  // Nobody is waited for; also true where nobody is left.
  bool HaveAllJoined(const Step& step) const;
  void PrepareOrComplete(Step& step, std::string_view reason);
  void Prepare(Step& step, std::string_view reason);
  void CompleteIfAllJoined(Step& step);
  void CompleteJoin(Step& step);
  void FormGeneration(Step& step);
  bool ElectJoinedLeader(Step& step);
  std::string SelectProtocol(const Step& step) const;
  Duration RebalanceTimeout(const metadata::Group& group) const;
  group::v1::JoinGroupReply JoinReply(const Step& step, const std::string& member_id) const;
  void ClearPendingSync(Step& step);
  void MarkSynced(Step& step, const std::string& member_id);

  // group_sync.cc
  void HandleSync(Event& event, GroupCallId call, const group::v1::SyncGroupRequest& request);
  void TakeAssignments(Step& step, const group::v1::SyncGroupRequest& request);

  // group_consumers.cc
  // Whether the group is a consumer group that has members.
  static bool IsConsumerGroup(const MetadataImage& image, std::string_view group_id);
  Status CheckConsumerGroup(const Event& event,
                            const group::v1::ConsumerGroupHeartbeatRequest& request) const;

  // Whether a classic group with members may become a consumer group, so that this one can join.
  Status CheckUpgrade(const MetadataImage& image, const metadata::Group& group,
                      const group::v1::ConsumerGroupHeartbeatRequest& request) const;
  // Online migration (group_migration.h): the group's draft and soft state become the other type's.
  void Upgrade(Event& event, const std::string& group_id);
  void DowngradeIfAllClassic(Event& event, const std::string& group_id, GroupDraft& draft);

  // group_leave.cc
  ErrorCode LeaveOne(Step& step, const group::v1::LeavingMember& leaving);

  const GroupConfig config_;
  std::map<std::string, GroupSoftState, std::less<>> groups_;
  GroupTimers timers_;
  std::map<GroupCallId, WaitingCall> calls_;
  // Of all groups.
  size_t pending_id_bytes_ = 0;
  ConsumerGroups consumers_;
};

}  // namespace weir::state
