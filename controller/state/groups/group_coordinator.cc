#include "controller/state/groups/group_coordinator.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "common/base/check.h"
#include "common/metadata/group_checks.h"
#include "controller/state/groups/group_replies.h"

namespace weir::state {
namespace {

using metadata::Group;

// Timers that one outcome works off, and the bytes of records after which it takes no further one:
// what comes on top is bounded by the largest group.
constexpr int kTimersPerOutcomeMax = 500;
constexpr size_t kTimerRecordBytesMax = 1024 * 1024;

}  // namespace

void GroupCoordinator::BecomeActive(const MetadataImage& image, MonoTime now) {
  ForgetAll();
  for (const auto& [group_id, group] : image.groups()) Load(image, group_id, now);
}

std::vector<GroupAnswer> GroupCoordinator::Deactivate() {
  std::vector<GroupAnswer> answers;
  for (auto& [group_id, soft] : groups_) AnswerAllOf(soft, &answers);
  consumers_.AnswerWaiting(&answers);
  ForgetAll();
  return answers;
}

void GroupCoordinator::ForgetAll() {
  groups_.clear();
  timers_.Clear();
  calls_.clear();
  pending_id_bytes_ = 0;
  consumers_.Clear();
}

std::vector<GroupAnswer> GroupCoordinator::Rejected(const GroupContext& context,
                                                    GroupOutcome outcome) {
  std::vector<GroupAnswer> answers;
  for (GroupAnswer& answer : outcome.answers) {
    answers.push_back({answer.call, NotAvailable(answer.reply)});
  }
  for (const std::string& group_id : outcome.group_ids) {
    const auto found = groups_.find(group_id);
    if (found != groups_.end()) AnswerAllOf(found->second, &answers);
    ForgetClassic(group_id);
    consumers_.Forget(group_id, &answers);
    if (context.image.FindGroup(group_id) != nullptr) Load(context.image, group_id, context.now);
  }
  return answers;
}

void GroupCoordinator::ForgetClassic(const std::string& group_id) {
  const auto found = groups_.find(group_id);
  if (found == groups_.end()) return;
  for (const auto& [id, member] : found->second.members) {
    timers_.Cancel(SessionTimer(group_id, id));
  }
  for (const std::string& id : found->second.pending_ids) {
    timers_.Cancel(SessionTimer(group_id, id));
    pending_id_bytes_ -= PendingIdBytes(group_id, id);
  }
  timers_.Cancel({GroupTimerKind::kJoin, group_id, ""});
  timers_.Cancel({GroupTimerKind::kSync, group_id, ""});
  groups_.erase(found);
}

void GroupCoordinator::Load(const MetadataImage& image, const std::string& group_id, MonoTime now) {
  const Group& group = *image.FindGroup(group_id);
  if (group.type == metadata::GroupType::kConsumer) {
    return consumers_.Load(image, group_id, group, now);
  }
  LoadClassic(group_id, group, now);
}

// What can be known of a group from its records alone (law 7).
void GroupCoordinator::LoadClassic(const std::string& group_id, const Group& group, MonoTime now) {
  GroupSoftState& soft = groups_[group_id];
  const bool completing = group.state == metadata::GroupState::kCompletingRebalance;
  for (const auto& [member_id, member] : group.members) {
    GroupMemberSoftState& state = soft.members[member_id];
    state.session_timeout = config_.SessionTimeout(member.session_timeout_ms);
    state.is_pending_sync = completing;
    CountSubscription(soft, member, +1);
    timers_.Set(SessionTimer(group_id, member_id), now + state.session_timeout);
  }
  if (completing) soft.pending_sync = soft.members.size();
  const MonoTime deadline = now + RebalanceTimeout(group);
  if (group.state == metadata::GroupState::kPreparingRebalance) {
    timers_.Set({GroupTimerKind::kJoin, group_id, ""}, group.members.empty() ? now : deadline);
  } else if (completing) {
    timers_.Set({GroupTimerKind::kSync, group_id, ""}, deadline);
  }
  if (std::cmp_greater(group.members.size(), config_.size_max)) {
    timers_.Set({GroupTimerKind::kJoin, group_id, ""}, now);
  }
}

void GroupCoordinator::AnswerAllOf(GroupSoftState& soft, std::vector<GroupAnswer>* answers) {
  for (auto& [member_id, member] : soft.members) {
    if (member.join_call != 0) {
      calls_.erase(member.join_call);
      answers->push_back({std::exchange(member.join_call, 0),
                          JoinFailure(ErrorCode::kCoordinatorNotAvailable, member_id)});
    }
    if (member.sync_call != 0) {
      calls_.erase(member.sync_call);
      answers->push_back(
          {std::exchange(member.sync_call, 0), SyncFailure(ErrorCode::kCoordinatorNotAvailable)});
    }
  }
  soft.joined = 0;
}

GroupCoordinator::Step GroupCoordinator::StepFor(Event& event, const std::string& group_id) {
  const bool is_new = !event.drafts.contains(group_id);
  GroupDraft& draft = event.DraftOf(group_id);
  GroupSoftState& soft = groups_[group_id];
  WEIR_CHECK(!is_new || soft.members.size() == draft.group().members.size(),
             "the working image is what was decided before");
  return {event, draft, soft};
}

// Each group's soft state is that of its type.
GroupOutcome GroupCoordinator::Finish(Event& event) {
  for (auto& [group_id, draft] : event.drafts) {
    event.outcome.group_ids.push_back(group_id);
    DowngradeIfAllClassic(event, group_id, draft);
    const bool is_consumer = draft.exists() && draft.group().type == metadata::GroupType::kConsumer;
    if (is_consumer) {
      consumers_.Settle(event, draft);
    } else {
      consumers_.Forget(group_id, &event.outcome.answers);
    }
    const auto soft = groups_.find(group_id);
    const bool is_pending = soft != groups_.end() && !soft->second.pending_ids.empty();
    const bool is_joinable = !is_consumer || draft.group().members.empty();
    if (!(draft.exists() && !is_consumer) && !(is_pending && is_joinable)) ForgetClassic(group_id);
    Records records = draft.TakeRecords();
    event.outcome.records.insert(event.outcome.records.end(),
                                 std::make_move_iterator(records.begin()),
                                 std::make_move_iterator(records.end()));
  }
  return std::move(event.outcome);
}

GroupOutcome GroupCoordinator::OnCallGone(const GroupContext& context, GroupCallId call) {
  consumers_.OnCallGone(call);
  const auto found = calls_.find(call);
  if (found == calls_.end()) return {};
  const WaitingCall waiting = found->second;
  calls_.erase(found);
  Event event{context, {}, {}};
  Step step = StepFor(event, waiting.group_id);
  GroupMemberSoftState* member = step.soft.Find(waiting.member_id);
  WEIR_CHECK(member != nullptr, "a call that waits is a member's");
  if (member->join_call == call) {
    member->join_call = 0;
    --step.soft.joined;
    if (member->is_anonymous) {
      RemoveMembers(step, {waiting.member_id});
      AfterRemoval(step, "the client of " + waiting.member_id + " is gone");
      return Finish(event);
    }
  } else {
    member->sync_call = 0;
  }
  StartSession(step, waiting.member_id, *member);
  return Finish(event);
}

group::v1::HeartbeatReply GroupCoordinator::Heartbeat(const GroupContext& context,
                                                      const group::v1::HeartbeatRequest& request) {
  ErrorCode verdict = metadata::CheckHeartbeat(context.image, request.group_id(),
                                               {request.member_id(), request.instance_id()},
                                               request.generation_id());
  if (verdict == ErrorCode::kCoordinatorNotAvailable) {
    // Of a consumer group, and known here: who owns what decides.
    const Group& known = *context.image.FindGroup(request.group_id());
    const bool again =
        consumers_.IsToJoinAgain(known, request.group_id(), *known.FindMember(request.member_id()));
    verdict = again ? ErrorCode::kRebalanceInProgress : ErrorCode::kNone;
  }
  const auto group = groups_.find(request.group_id());
  if (metadata::IsAnswerOfGateway(verdict)) {
    consumers_.OnAlive(request.group_id(), request.member_id(), context.now);
  }
  if (metadata::IsAnswerOfGateway(verdict) && group != groups_.end()) {
    if (const GroupMemberSoftState* member = group->second.Find(request.member_id())) {
      timers_.Extend(SessionTimer(request.group_id(), request.member_id()),
                     context.now + member->session_timeout);
    }
  }
  group::v1::HeartbeatReply reply;
  reply.set_error_code(static_cast<int32_t>(verdict));
  return reply;
}

void GroupCoordinator::OnReport(MonoTime now, const group::v1::LivenessReport& report) {
  for (const group::v1::LiveGroup& group : report.groups()) {
    const auto found = groups_.find(group.group_id());
    for (const group::v1::LiveMember& live : group.members()) {
      const Duration age = std::chrono::milliseconds(std::max(0, live.heard_ms_ago()));
      consumers_.OnAlive(group.group_id(), live.member_id(), now - age);
      const GroupMemberSoftState* member =
          found == groups_.end() ? nullptr : found->second.Find(live.member_id());
      if (member == nullptr) continue;
      timers_.Extend(SessionTimer(group.group_id(), live.member_id()),
                     now - age + member->session_timeout);
    }
    for (const group::v1::LostMember& lost : group.lost()) {
      const Duration age = std::chrono::milliseconds(std::max(0, lost.lost_ms_ago()));
      consumers_.OnConnectionLost(group.group_id(), lost.member_id(), now - age, now);
    }
  }
}

GroupOutcome GroupCoordinator::OnTime(const GroupContext& context) {
  Event event{context, {}, {}};
  size_t bytes = 0;
  for (int i = 0; i < kTimersPerOutcomeMax && bytes < kTimerRecordBytesMax; ++i) {
    const std::optional<GroupTimer> timer = timers_.PopDue(context.now);
    if (!timer) break;
    GroupDraft& draft = event.DraftOf(timer->group_id);
    const size_t before = draft.record_bytes();
    OnTimer(event, *timer);
    bytes += draft.record_bytes() - before;
  }
  return Finish(event);
}

void GroupCoordinator::OnTimer(Event& event, const GroupTimer& timer) {
  const auto classic = groups_.find(timer.group_id);
  const bool is_pending_id =
      classic != groups_.end() && classic->second.pending_ids.contains(timer.member_id);
  if (consumers_.Knows(timer.group_id) && !is_pending_id) {
    return consumers_.OnTimer(event, timer);
  }
  Step step = StepFor(event, timer.group_id);
  switch (timer.kind) {
    case GroupTimerKind::kJoin:
      return OnJoinTimer(step);
    case GroupTimerKind::kSync: {
      std::vector<std::string> late;
      for (const auto& [member_id, member] : step.soft.members) {
        if (member.is_pending_sync) late.push_back(member_id);
      }
      if (late.empty()) return;
      RemoveMembers(step, late);
      return Prepare(step, "members have not asked for their assignment in time");
    }
    case GroupTimerKind::kSession:
      return ExpireSession(step, timer.member_id);
    case GroupTimerKind::kRevocation:
    case GroupTimerKind::kAssignment:
    case GroupTimerKind::kTopics:
    case GroupTimerKind::kTakeover:
      return;
  }
}

void GroupCoordinator::OnJoinTimer(Step& step) {
  if (step.draft.state() != metadata::GroupState::kPreparingRebalance) {
    if (std::cmp_greater(step.group().members.size(), config_.size_max)) {
      Prepare(step, "the group has more members than group.max.size allows");
    }
    return;
  }
  GroupSoftState& soft = step.soft;
  if (!soft.is_initial_rebalance || !soft.new_member_added ||
      soft.initial_remaining == Duration::zero()) {
    return CompleteJoin(step);
  }
  soft.new_member_added = false;
  const Duration delay = std::min(config_.initial_rebalance_delay, soft.initial_remaining);
  soft.initial_remaining = std::max(soft.initial_remaining - soft.initial_delay, Duration::zero());
  soft.initial_delay = delay;
  timers_.Set({GroupTimerKind::kJoin, step.group_id(), ""}, step.now() + delay);
}

void GroupCoordinator::Note(Step& step, const std::string& text) {
  step.event.Note(step.group_id(), text);
}

const GroupSoftState* GroupCoordinator::FindSoftStateForTest(std::string_view group_id) const {
  const auto found = groups_.find(group_id);
  return found == groups_.end() ? nullptr : &found->second;
}

}  // namespace weir::state
