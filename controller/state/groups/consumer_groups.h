// ConsumerGroups: groups of the consumer protocol (KIP-848), as the active controller decides them;
// the part of the GroupCoordinator that knows their members' heartbeats.
//
//   Empty --join--> (the group epoch rises, the target assignment is made) --> Reconciling --all
//   members own their targets--> Stable --a member comes, changes or goes, or topics change-->
//   Assigning (while the assignment interval lasts) --> Reconciling; nobody left --> Empty
//
// A member's own way is in consumer_reconciler.h. It moves only with its own heartbeats, so that
// nobody is given anything unasked; a heartbeat that moves nothing makes no record (G-08).
//
// Laws:
//  1. No partition is in the current assignments of two members, pending revocations included
//     (G-02): what is taken away is another's only once its owner has confirmed that, or is gone.
//  2. Whoever names another epoch than its own is fenced, except in the epoch before, with nothing
//     but what it still owns: its last answer may be lost (G-03).
//  3. The target assignment of an epoch is complete: each partition of each subscribed topic has
//     one owner who subscribes to it (G-01); it is made when the group epoch rises, at most once in
//     an assignment interval.
//  4. A member that does not confirm a revocation within its rebalance timeout is removed; so is
//     one that is silent for the session timeout, and one that uses the classic protocol and does
//     not join again in time.
//  5. A static member that leaves for a while (epoch -2) keeps what it owns for its session, and
//     moves nobody when it is back (G-19).
//  6. Another process with the same instance id takes the place of a static member at once, as if
//     that had left for a while, if its connection to its gateway has ended and nothing has been
//     heard of it since (a process that was killed). Otherwise its join waits for such news for
//     kTakeoverPatience, and is refused then. Gateways tell, so a broker that falls tells of none
//     of its connections; and what a controller was told is not known to the next one.
//  7. Members that use the classic protocol (online migration, group_migration.h) are in the same
//     epochs as the others; their joins and syncs are answered at once.
//  8. Soft state may be lost: Load makes it anew, with fresh session and rebalance timeouts. Nobody
//     moves unless topics have changed meanwhile.
// Thread rule: one owner, that of the GroupCoordinator.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "controller/state/groups/consumer_soft_state.h"
#include "controller/state/groups/group_config.h"
#include "controller/state/groups/group_event.h"
#include "controller/state/groups/group_timers.h"
#include "proto/group.pb.h"

namespace weir::state {

using ConsumerHeartbeatRequest = group::v1::ConsumerGroupHeartbeatRequest;
using ConsumerHeartbeatReply = group::v1::ConsumerGroupHeartbeatReply;

// The end of a connection is told at once, and takes as long as a call to the controller does.
inline constexpr Duration kTakeoverPatience = std::chrono::seconds(1);

class ConsumerGroups {
 public:
  // The timers are shared with the coordinator, which hands those of consumer groups back.
  ConsumerGroups(const GroupConfig& config, GroupTimers& timers)
      : config_(config), timers_(timers) {}

  void Clear() {
    groups_.clear();
    waiting_calls_.clear();
  }
  // Answers to all joins that wait: to be sent again.
  void AnswerWaiting(std::vector<GroupAnswer>* answers);
  // Begins from what the records say (law 8). REQUIRES: it is a consumer group.
  void Load(const MetadataImage& image, const std::string& group_id, const metadata::Group& group,
            MonoTime now);
  // The group is gone, or is no consumer group any more. Joins that wait are to be sent again.
  void Forget(std::string_view group_id, std::vector<GroupAnswer>* answers);
  bool Knows(std::string_view group_id) const { return groups_.contains(group_id); }

  // Errors of the request itself: kInvalidRequest, kUnsupportedAssignor.
  Status Check(const MetadataImage& image, const ConsumerHeartbeatRequest& request) const;
  // Answered in this event, unless it waits (law 6); the group comes into being, or becomes a
  // consumer group, with its first member. REQUIRES: it is no classic group with members. Errors of
  // joins: kUnreleasedInstanceId, kGroupMaxSizeReached, kInvalidRegularExpression,
  // kUnknownServerError (too large); of others: kUnknownMemberId, kFencedMemberEpoch,
  // kFencedInstanceId.
  void Heartbeat(GroupEvent& event, GroupCallId call, const ConsumerHeartbeatRequest& request);

  // Calls of the classic protocol about a consumer group that has members. Members are removed by
  // instance id, or if they use the classic protocol; `reply` gets one entry for each.
  void LeaveClassic(GroupEvent& event, const group::v1::LeaveGroupRequest& request,
                    group::v1::LeaveGroupReply* reply);
  void JoinClassic(GroupEvent& event, GroupCallId call, const group::v1::JoinGroupRequest& request);
  void SyncClassic(GroupEvent& event, GroupCallId call, const group::v1::SyncGroupRequest& request);
  // Whether a member that uses the classic protocol has to join again to get on: what it waits for
  // has been released, or there is a newer target.
  bool IsToJoinAgain(const metadata::Group& group, std::string_view group_id,
                     const metadata::GroupMember& member) const;

  void OnTimer(GroupEvent& event, const GroupTimer& timer);
  // A sign of life. Members that are not known are passed over.
  void OnAlive(std::string_view group_id, std::string_view member_id, MonoTime heard_at);
  // The group's times may have been configured anew; empty: those of all. A member that is told to
  // send heartbeats less often is not expected more often.
  void OnConfigsChanged(const MetadataImage& image, std::string_view group_id);
  // The member's connection to its gateway has ended. Who waits for that is answered when timers
  // fire.
  void OnConnectionLost(std::string_view group_id, std::string_view member_id, MonoTime lost_at,
                        MonoTime now);
  // Nobody waits for the answer any more. Calls that do not wait here are passed over.
  void OnCallGone(GroupCallId call);
  // These topics were created or removed, or got partitions: groups that subscribe to them are
  // looked at when their timers fire.
  void OnTopicsChanged(const MetadataImage& image, const std::set<std::string>& names,
                       MonoTime now);
  // At the end of an event that touched the group: its state follows from its members'.
  void Settle(GroupEvent& event, GroupDraft& draft);

  // Joins that wait.
  size_t waiting_count() const { return waiting_calls_.size(); }
  // Null when there is no such group here.
  const ConsumerSoftState* FindSoftStateForTest(std::string_view group_id) const;

 private:
  // One group of an event.
  struct Step {
    GroupEvent& event;
    GroupDraft& draft;
    ConsumerSoftState& soft;

    const std::string& group_id() const { return draft.group_id(); }
    const metadata::Group& group() const { return draft.group(); }
    const MetadataImage& image() const { return event.context.image; }
    MonoTime now() const { return event.context.now; }
  };
  // Whose heartbeat it is.
  struct Caller {
    std::string member_id;
    // As it was before the event; none: a new member.
    std::optional<metadata::GroupMember> known;
    // The id that the same static member had until now; empty: none.
    std::string replaces;
  };

  // consumer_groups.cc
  Step StepFor(GroupEvent& event, const std::string& group_id);
  void ExpireSession(Step& step, const std::string& member_id);
  void ExpireRevocation(Step& step, const std::string& member_id);
  void LookAtTopics(Step& step);

  // consumer_heartbeat.cc
  // `caller`: as FindCaller says.
  void Answer(Step& step, GroupCallId call, const ConsumerHeartbeatRequest& request,
              const Result<Caller>& caller);
  Result<Caller> FindCaller(const Step& step, const ConsumerHeartbeatRequest& request) const;
  Result<Caller> FindStaticCaller(const Step& step, const ConsumerHeartbeatRequest& request) const;
  Status CheckRoom(const Step& step, const Caller& caller,
                   const metadata::GroupSubscription& subscription) const;
  void Leave(Step& step, GroupCallId call, const ConsumerHeartbeatRequest& request);
  void LeaveForAWhile(Step& step, const std::string& member_id);
  // Whether the group has to assign anew for it.
  bool PutMember(Step& step, const Caller& caller, const GroupDraft::MemberFields& fields,
                 metadata::GroupSubscription subscription);
  ConsumerHeartbeatReply ReplyTo(const Step& step, const std::string& member_id,
                                 bool with_assignment) const;

  // consumer_takeover.cc. `owner`: the member id whose place is to be taken.
  static bool IsReleased(const Step& step, const std::string& owner);
  void WaitForRelease(Step& step, const std::string& owner, GroupCallId call,
                      const ConsumerHeartbeatRequest& request);
  // It may be released: who waits for it is answered soon.
  void DecideSoon(std::string_view group_id, const ConsumerSoftState& soft,
                  const std::string& owner, MonoTime now);
  void Decide(Step& step, const std::string& owner);

  // consumer_classic.cc. Errors: as told to clients; the message is the member id that goes with
  // it.
  Result<Caller> FindClassicCaller(const Step& step,
                                   const group::v1::JoinGroupRequest& request) const;

  // consumer_members.cc: sums over members, and what follows from records about them
  GroupTimer TimerOf(GroupTimerKind kind, std::string_view group_id,
                     std::string_view member_id = "") const;
  Duration SessionTimeout(const MetadataImage& image, const std::string& group_id,
                          const metadata::GroupMember& member) const;
  // Counts a member's subscription in (+1) or out (-1).
  void CountSubscription(const MetadataImage& image, ConsumerSoftState& soft,
                         const metadata::GroupSubscription& subscription, int sign);
  static void CountOwned(ConsumerSoftState& soft, const PartitionsByTopic& partitions, int sign);
  void StartSession(Step& step, const std::string& member_id);
  void RemoveMember(Step& step, const std::string& member_id, std::string_view reason);
  // Brings the member one step further, from there.
  void Advance(Step& step, const std::string& member_id, const MemberProgress& from,
               const PartitionsByTopic* owned);
  // The group epoch rises, unless the target assignment is behind it already.
  void BumpEpoch(Step& step);
  // Makes the target assignment of the group epoch, now or when the interval is over.
  void UpdateTarget(Step& step);
  // Whether somebody waits for it: it has to give something up, or, using the classic protocol, to
  // join again. It has its rebalance timeout for that.
  static bool IsExpected(const metadata::Group& group, const metadata::GroupMember& member);
  void AssignAnew(Step& step);

  const GroupConfig& config_;
  GroupTimers& timers_;
  std::map<std::string, ConsumerSoftState, std::less<>> groups_;
  struct WaitingPlace {
    std::string group_id;
    std::string owner;
  };
  // Where in groups_ a join waits.
  std::map<GroupCallId, WaitingPlace> waiting_calls_;
};

}  // namespace weir::state
