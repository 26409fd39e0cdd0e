// ConsumerGroups, ConsumerGroupHeartbeat: who it is, what is new about it, and what it is told.
#include <algorithm>
#include <string_view>
#include <utility>

#include "common/base/limits.h"
#include "common/metadata/consumer_group_config.h"
#include "controller/state/groups/consumer_groups.h"
#include "controller/state/groups/group_replies.h"
#include "controller/state/groups/subscription_bytes.h"

namespace weir::state {
namespace {

using metadata::GroupMember;
using metadata::GroupSubscription;
using metadata::kJoinEpoch;
using metadata::kLeaveEpoch;

// A member that waits for something asks again this soon, or as many milliseconds later as its
// group has members: they all ask.
constexpr int32_t kUnsettledIntervalMs = 500;

Status Invalid(std::string_view what) {
  return Fail(ErrorCode::kInvalidRequest, std::string(what));
}

Status CheckJoin(const ConsumerHeartbeatRequest& request) {
  if (request.rebalance_timeout_ms() < 0) {
    return Invalid("RebalanceTimeoutMs must be provided in the first request.");
  }
  if (!request.has_topic_partitions() || !request.topic_partitions().topic_partitions().empty()) {
    return Invalid("TopicPartitions must be empty when (re-)joining.");
  }
  if (!request.has_subscribed_topic_names() && !request.has_subscribed_topic_regex()) {
    return Invalid("SubscribedTopicNames or SubscribedTopicRegex must be set when (re-)joining.");
  }
  return {};
}

Status CheckEpoch(const ConsumerHeartbeatRequest& request) {
  const int32_t epoch = request.member_epoch();
  if (request.member_id().empty()) return Invalid("MemberId can't be empty.");
  if (epoch == kJoinEpoch) return CheckJoin(request);
  if (epoch < metadata::kStaticMemberAwayEpoch) return Invalid("MemberEpoch is invalid.");
  if (epoch == metadata::kStaticMemberAwayEpoch && !request.has_instance_id()) {
    return Invalid("InstanceId can't be null.");
  }
  return {};
}

// Kafka: the epoch before, with no more than is its own, is that of a member whose last answer was
// lost.
Status CheckMemberEpoch(const GroupMember& member, const ConsumerHeartbeatRequest& request) {
  const int32_t epoch = request.member_epoch();
  if (epoch == member.member_epoch) return {};
  if (epoch == member.previous_member_epoch && epoch < member.member_epoch &&
      request.has_topic_partitions()) {
    const auto owned = metadata::ParsePartitions(request.topic_partitions().topic_partitions());
    if (metadata::IsSubset(*owned, metadata::Get(member.assigned))) return {};
  }
  return Fail(ErrorCode::kFencedMemberEpoch,
              "The member's epoch is " + std::to_string(member.member_epoch) + ", not " +
                  std::to_string(epoch) + "; it has to give up its partitions and join again.");
}

// As known until now, with what the request says.
GroupSubscription SubscriptionOf(const ConsumerHeartbeatRequest& request,
                                 const GroupMember* known) {
  GroupSubscription subscription;
  if (known != nullptr && known->subscription != nullptr) subscription = *known->subscription;
  subscription.protocols.clear();
  subscription.client_id = request.client_id();
  subscription.client_host = request.client_host();
  if (request.has_rack_id()) subscription.rack_id = request.rack_id();
  if (request.has_server_assignor()) subscription.server_assignor = request.server_assignor();
  if (request.has_subscribed_topic_regex()) {
    subscription.topic_regex = request.subscribed_topic_regex();
  }
  if (request.has_subscribed_topic_names()) {
    const auto& names = request.subscribed_topic_names().names();
    subscription.topic_names.assign(names.begin(), names.end());
    std::sort(subscription.topic_names.begin(), subscription.topic_names.end());
    const auto repeated =
        std::unique(subscription.topic_names.begin(), subscription.topic_names.end());
    subscription.topic_names.erase(repeated, subscription.topic_names.end());
  }
  return subscription;
}

GroupDraft::MemberFields FieldsOf(const ConsumerHeartbeatRequest& request,
                                  const GroupMember* known) {
  GroupDraft::MemberFields fields;
  if (known != nullptr) {
    fields.instance_id = known->instance_id;
    fields.rebalance_timeout_ms = known->rebalance_timeout_ms;
  }
  if (request.has_instance_id()) fields.instance_id = request.instance_id();
  if (request.rebalance_timeout_ms() >= 0) {
    fields.rebalance_timeout_ms = request.rebalance_timeout_ms();
  }
  return fields;
}

// It begins, or has lost sight: it is to hear all there is (KIP-848).
bool IsFullRequest(const ConsumerHeartbeatRequest& request) {
  return request.rebalance_timeout_ms() >= 0 && request.has_topic_partitions() &&
         (request.has_subscribed_topic_names() || request.has_subscribed_topic_regex());
}

}  // namespace

Status ConsumerGroups::Check(const MetadataImage& image,
                             const ConsumerHeartbeatRequest& request) const {
  if (request.group_id().empty()) return Invalid("GroupId can't be empty.");
  for (const std::string* name :
       {&request.group_id(), &request.member_id(), &request.instance_id()}) {
    if (name->size() <= limits::kGroupNameBytesMax) continue;
    return Invalid("GroupId, MemberId and InstanceId have " +
                   std::to_string(limits::kGroupNameBytesMax) + " bytes at most.");
  }
  if (request.has_instance_id() && request.instance_id().empty()) {
    return Invalid("InstanceId can't be empty.");
  }
  if (request.has_rack_id() && request.rack_id().empty()) return Invalid("RackId can't be empty.");
  WEIR_RETURN_IF_ERROR(CheckEpoch(request));
  if (!metadata::ParsePartitions(request.topic_partitions().topic_partitions())) {
    return Invalid("TopicPartitions name a partition twice, or one that cannot be.");
  }
  if (request.ByteSizeLong() > limits::kGroupMemberBytesMax) {
    return Fail(ErrorCode::kUnknownServerError, "the request is too large");
  }
  const std::string& wish = request.server_assignor();
  if (!request.has_server_assignor()) return {};
  const std::vector<std::string> known = metadata::ConsumerAssignors(config_.View(image));
  if (std::find(known.begin(), known.end(), wish) != known.end()) return {};
  std::string names;
  for (const std::string& name : known) names += (names.empty() ? "" : ", ") + name;
  return Fail(ErrorCode::kUnsupportedAssignor,
              "ServerAssignor " + wish + " is not supported. Supported assignors: " + names + ".");
}

void ConsumerGroups::Heartbeat(GroupEvent& event, GroupCallId call,
                               const ConsumerHeartbeatRequest& request) {
  Step step = StepFor(event, request.group_id());
  const Result<Caller> caller = FindCaller(step, request);
  if (!caller && caller.error().code == ErrorCode::kUnreleasedInstanceId) {
    const std::string owner = *step.group().FindStaticMember(request.instance_id());
    return WaitForRelease(step, owner, call, request);
  }
  Answer(step, call, request, caller);
}

void ConsumerGroups::Answer(Step& step, GroupCallId call, const ConsumerHeartbeatRequest& request,
                            const Result<Caller>& caller) {
  std::vector<GroupAnswer>& answers = step.event.outcome.answers;
  const auto fail = [&](const Error& error) {
    answers.push_back({call, ConsumerHeartbeatFailure(error)});
  };
  if (!caller) return fail(caller.error());
  if (request.member_epoch() < 0) return Leave(step, call, request);
  const GroupMember* known = caller->known ? &*caller->known : nullptr;
  GroupSubscription subscription = SubscriptionOf(request, known);
  if (const Status room = CheckRoom(step, *caller, subscription); !room) return fail(room.error());

  const std::string& id = caller->member_id;
  if (PutMember(step, *caller, FieldsOf(request, known), std::move(subscription))) BumpEpoch(step);
  UpdateTarget(step);
  StartSession(step, id);
  const bool joins = request.member_epoch() == kJoinEpoch;
  const auto owned = metadata::ParsePartitions(request.topic_partitions().topic_partitions());
  // Who joins again begins from nothing: what it had is free.
  Advance(step, id, joins ? MemberProgress{} : ProgressOf(*step.group().FindMember(id)),
          request.has_topic_partitions() ? &*owned : nullptr);
  // A request may be sent again by a gateway whose first answer was lost: that nothing changes by
  // it does not mean that the member has heard of what it owns.
  const PartitionsByTopic& now = metadata::Get(step.group().FindMember(id)->assigned);
  const bool knows = request.has_topic_partitions() && *owned == now;
  answers.push_back({call, ReplyTo(step, id, !knows || IsFullRequest(request))});
}

// ---- who it is ------------------------------------------------------------------------

Result<ConsumerGroups::Caller> ConsumerGroups::FindCaller(
    const Step& step, const ConsumerHeartbeatRequest& request) const {
  if (request.has_instance_id()) return FindStaticCaller(step, request);
  Caller caller;
  caller.member_id = request.member_id();
  if (const GroupMember* known = step.group().FindMember(caller.member_id)) caller.known = *known;
  if (request.member_epoch() == kJoinEpoch) return caller;
  if (!caller.known) {
    return Fail(ErrorCode::kUnknownMemberId,
                "Member " + caller.member_id + " is not a member of the group.");
  }
  if (request.member_epoch() > 0) {
    WEIR_RETURN_IF_ERROR(CheckMemberEpoch(*caller.known, request));
  }
  return caller;
}

Result<ConsumerGroups::Caller> ConsumerGroups::FindStaticCaller(
    const Step& step, const ConsumerHeartbeatRequest& request) const {
  const std::string* owner = step.group().FindStaticMember(request.instance_id());
  Caller caller;
  caller.member_id = request.member_id();
  if (owner != nullptr) caller.known = *step.group().FindMember(*owner);
  if (request.member_epoch() == kJoinEpoch) {
    if (owner == nullptr) {
      const GroupMember* same = step.group().FindMember(caller.member_id);
      if (same != nullptr) caller.known = *same;
      return caller;
    }
    if (*owner == caller.member_id) return caller;
    if (!IsReleased(step, *owner)) {
      return Fail(ErrorCode::kUnreleasedInstanceId,
                  "Instance id " + request.instance_id() + " is in use by member " + *owner + ".");
    }
    if (step.group().FindMember(caller.member_id) != nullptr) {
      return Fail(ErrorCode::kInvalidRequest, "Member " + caller.member_id +
                                                  " is in the group already, and not as instance " +
                                                  request.instance_id() + ".");
    }
    caller.replaces = *owner;
    return caller;
  }
  if (owner == nullptr) {
    return Fail(ErrorCode::kUnknownMemberId,
                "Instance id " + request.instance_id() + " is not a member of the group.");
  }
  if (*owner != caller.member_id) {
    return Fail(ErrorCode::kFencedInstanceId,
                "Instance id " + request.instance_id() + " is in use by member " + *owner + ".");
  }
  if (request.member_epoch() > 0) {
    WEIR_RETURN_IF_ERROR(CheckMemberEpoch(*caller.known, request));
  }
  return caller;
}

Status ConsumerGroups::CheckRoom(const Step& step, const Caller& caller,
                                 const GroupSubscription& subscription) const {
  const auto configured =
      static_cast<size_t>(metadata::ConsumerGroupSizeMax(config_.View(step.image())));
  const size_t size_max = std::min(configured, limits::kGroupMembersMax);
  if (!caller.known && step.group().members.size() >= size_max) {
    return Fail(ErrorCode::kGroupMaxSizeReached, "The group has reached its maximum capacity of " +
                                                     std::to_string(size_max) + " members.");
  }
  const bool has_said = caller.known && caller.known->subscription != nullptr;
  const size_t before = has_said ? SubscriptionBytes(caller.known->subscription.get()) : 0;
  const size_t bytes = SubscriptionBytes(&subscription);
  const size_t others = step.soft.subscription_bytes - before;
  if (bytes > before && others + bytes > limits::kGroupSubscriptionBytesMax) {
    return Fail(ErrorCode::kGroupMaxSizeReached, "The group's subscriptions are too large.");
  }
  const std::string& expression = subscription.topic_regex;
  if (expression.empty() || step.soft.patterns.contains(expression)) return {};
  if (step.soft.patterns.size() >= limits::kTopicPatternsPerGroupMax) {
    return Fail(ErrorCode::kInvalidRegularExpression,
                "The group's members subscribe with too many different regular expressions.");
  }
  if (const Result<TopicPattern> pattern = TopicPattern::Parse(expression); !pattern) {
    return tl::unexpected<Error>(pattern.error());
  }
  return {};
}

// ---- what is new about it -------------------------------------------------------------

bool ConsumerGroups::PutMember(Step& step, const Caller& caller,
                               const GroupDraft::MemberFields& fields,
                               GroupSubscription subscription) {
  const std::string& id = caller.member_id;
  const GroupSubscription* before =
      caller.known && caller.known->subscription ? caller.known->subscription.get() : nullptr;
  const bool anew = before == nullptr || before->topic_names != subscription.topic_names ||
                    before->topic_regex != subscription.topic_regex ||
                    before->server_assignor != subscription.server_assignor;
  // In this order: a pattern that stays is not compared with all topics again.
  CountSubscription(step.image(), step.soft, subscription, +1);
  if (before != nullptr) CountSubscription(step.image(), step.soft, *before, -1);
  if (!caller.replaces.empty()) {
    step.soft.sessions.erase(caller.replaces);
    timers_.Cancel(TimerOf(GroupTimerKind::kSession, step.group_id(), caller.replaces));
    timers_.Cancel(TimerOf(GroupTimerKind::kRevocation, step.group_id(), caller.replaces));
    step.event.Note(step.group_id(), "a static member is back as " + id);
  } else if (!caller.known) {
    step.event.Note(step.group_id(), "member " + id + " joins");
  }
  if (step.group().type != metadata::GroupType::kConsumer) {
    // Generations of the other type are behind.
    step.draft.SetAssignmentEpoch(step.group().generation);
  }
  step.draft.SetType(metadata::GroupType::kConsumer);
  step.draft.SetProtocolType("consumer");
  step.draft.SetLeader("");
  step.draft.PutMember(id, fields, caller.replaces);
  step.draft.PutSubscription(id, std::move(subscription));
  return anew;
}

void ConsumerGroups::Leave(Step& step, GroupCallId call, const ConsumerHeartbeatRequest& request) {
  const std::string& id = request.member_id();
  if (request.member_epoch() == kLeaveEpoch) {
    RemoveMember(step, id, "leaves");
    UpdateTarget(step);
  } else {
    LeaveForAWhile(step, id);
  }
  ConsumerHeartbeatReply reply;
  reply.set_member_id(id);
  reply.set_member_epoch(request.member_epoch());
  step.event.outcome.answers.push_back({call, std::move(reply)});
}

// It keeps what it owns; what it was to give up it has given up.
void ConsumerGroups::LeaveForAWhile(Step& step, const std::string& member_id) {
  MemberProgress progress = ProgressOf(*step.group().FindMember(member_id));
  CountOwned(step.soft, progress.pending_revocation, -1);
  progress.pending_revocation.clear();
  if (progress.member_epoch != metadata::kStaticMemberAwayEpoch) {
    progress.previous_member_epoch = progress.member_epoch;
    progress.member_epoch = metadata::kStaticMemberAwayEpoch;
  }
  progress.state = metadata::ConsumerMemberState::kStable;
  step.draft.PutProgress(member_id, progress);
  timers_.Cancel(TimerOf(GroupTimerKind::kRevocation, step.group_id(), member_id));
  StartSession(step, member_id);
  DecideSoon(step.group_id(), step.soft, member_id, step.now());
  step.event.Note(step.group_id(), "static member " + member_id + " leaves for a while");
}

ConsumerHeartbeatReply ConsumerGroups::ReplyTo(const Step& step, const std::string& member_id,
                                               bool with_assignment) const {
  const metadata::Group& group = step.group();
  const GroupMember& member = *group.FindMember(member_id);
  ConsumerHeartbeatReply reply;
  reply.set_member_id(member_id);
  reply.set_member_epoch(member.member_epoch);
  int32_t interval_ms =
      metadata::ConsumerHeartbeatIntervalMs(config_.View(step.image()), step.group_id());
  if (member.state != metadata::ConsumerMemberState::kStable ||
      group.generation > group.assignment_epoch) {
    const auto size = static_cast<int32_t>(group.members.size());
    interval_ms = std::min(interval_ms, std::max(kUnsettledIntervalMs, size));
  }
  reply.set_heartbeat_interval_ms(interval_ms);
  if (with_assignment) {
    metadata::FillPartitions(metadata::Get(member.assigned),
                             reply.mutable_assignment()->mutable_topic_partitions());
  }
  return reply;
}

}  // namespace weir::state
