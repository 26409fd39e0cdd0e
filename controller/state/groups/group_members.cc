// GroupCoordinator, the members: their soft state, who waits, and how they go.
#include <algorithm>
#include <utility>

#include "common/base/check.h"
#include "common/base/limits.h"
#include "controller/state/groups/group_coordinator.h"
#include "controller/state/groups/group_replies.h"
#include "controller/state/groups/subscription_bytes.h"

namespace weir::state {

GroupReply NotAvailable(const GroupReply& reply) {
  constexpr ErrorCode kError = ErrorCode::kCoordinatorNotAvailable;
  if (const auto* join = std::get_if<group::v1::JoinGroupReply>(&reply)) {
    return JoinFailure(kError, join->member_id());
  }
  if (std::holds_alternative<group::v1::SyncGroupReply>(reply)) return SyncFailure(kError);
  if (std::holds_alternative<group::v1::LeaveGroupReply>(reply)) {
    group::v1::LeaveGroupReply leave;
    leave.set_error_code(static_cast<int32_t>(kError));
    return leave;
  }
  if (std::holds_alternative<group::v1::ConsumerGroupHeartbeatReply>(reply)) {
    return ConsumerHeartbeatFailure({kError, "the change was not appended; send it again"});
  }
  group::v1::DeleteGroupsReply deleted = std::get<group::v1::DeleteGroupsReply>(reply);
  for (group::v1::DeletedGroup& group : *deleted.mutable_groups()) {
    if (group.error_code() == 0) group.set_error_code(static_cast<int32_t>(kError));
  }
  return deleted;
}

GroupTimer GroupCoordinator::SessionTimer(std::string_view group_id,
                                          std::string_view member_id) const {
  return {GroupTimerKind::kSession, std::string(group_id), std::string(member_id)};
}

void GroupCoordinator::CountSubscription(GroupSoftState& soft, const metadata::GroupMember& member,
                                         int sign) {
  if (member.subscription != nullptr) {
    for (const metadata::GroupProtocol& protocol : member.subscription->protocols) {
      const auto count = soft.support.try_emplace(protocol.name, 0).first;
      if (sign > 0) {
        ++count->second;
      } else if (--count->second == 0) {
        soft.support.erase(count);
      }
    }
  }
  const size_t bytes = SubscriptionBytes(member.subscription.get());
  soft.subscription_bytes += sign > 0 ? bytes : -bytes;
}

// REQUIRES: the member is in the draft.
GroupMemberSoftState& GroupCoordinator::AddSoftMember(Step& step, const std::string& member_id) {
  const metadata::GroupMember* member = step.group().FindMember(member_id);
  WEIR_CHECK(member != nullptr);
  CountSubscription(step.soft, *member, +1);
  GroupMemberSoftState& soft = step.soft.members[member_id];
  soft.session_timeout = config_.SessionTimeout(member->session_timeout_ms);
  return soft;
}

// REQUIRES: the member is in the draft still.
void GroupCoordinator::ForgetSoftMember(Step& step, const std::string& member_id, ErrorCode error) {
  const bool told = error == ErrorCode::kFencedInstanceId;
  FailJoin(step, member_id, error, told ? std::string_view(member_id) : std::string_view());
  FailSync(step, member_id, error);
  MarkSynced(step, member_id);
  CountSubscription(step.soft, *step.group().FindMember(member_id), -1);
  timers_.Cancel(SessionTimer(step.group_id(), member_id));
  step.soft.members.erase(member_id);
}

void GroupCoordinator::WaitForJoin(Step& step, const std::string& member_id, GroupCallId call) {
  FailJoin(step, member_id, ErrorCode::kRebalanceInProgress, member_id);
  FailSync(step, member_id, ErrorCode::kRebalanceInProgress);
  GroupMemberSoftState& member = *step.soft.Find(member_id);
  member.join_call = call;
  ++step.soft.joined;
  calls_[call] = {step.group_id(), member_id};
  const Duration timeout = member.is_new ? config_.new_member_join_timeout : member.session_timeout;
  // Queued where its session will end at the earliest: when a generation begins the sessions of
  // thousands at once, no timer needs another place in the queue.
  const GroupTimer timer = SessionTimer(step.group_id(), member_id);
  timers_.Set(timer, step.now() + std::min(timeout, member.session_timeout));
  timers_.Extend(timer, step.now() + timeout);
}

void GroupCoordinator::WaitForSync(Step& step, const std::string& member_id, GroupCallId call) {
  FailSync(step, member_id, ErrorCode::kRebalanceInProgress);
  GroupMemberSoftState& member = *step.soft.Find(member_id);
  member.sync_call = call;
  calls_[call] = {step.group_id(), member_id};
  StartSession(step, member_id, member);
}

void GroupCoordinator::StartSession(Step& step, const std::string& member_id,
                                    const GroupMemberSoftState& member) {
  timers_.Set(SessionTimer(step.group_id(), member_id), step.now() + member.session_timeout);
}

void GroupCoordinator::Answer(Event& event, GroupCallId call, GroupReply reply) {
  calls_.erase(call);
  GroupAnswer& answer = event.outcome.answers.emplace_back();
  answer.call = call;
  answer.reply = std::move(reply);
}

void GroupCoordinator::FailJoin(Step& step, const std::string& member_id, ErrorCode error,
                                std::string_view told_member_id) {
  GroupMemberSoftState* member = step.soft.Find(member_id);
  if (member->join_call == 0) return;
  --step.soft.joined;
  Answer(step.event, std::exchange(member->join_call, 0), JoinFailure(error, told_member_id));
}

void GroupCoordinator::FailSync(Step& step, const std::string& member_id, ErrorCode error) {
  GroupMemberSoftState* member = step.soft.Find(member_id);
  if (member->sync_call == 0) return;
  Answer(step.event, std::exchange(member->sync_call, 0), SyncFailure(error));
}

void GroupCoordinator::RemoveMembers(Step& step, const std::vector<std::string>& member_ids) {
  for (const std::string& id : member_ids) {
    ForgetSoftMember(step, id, ErrorCode::kUnknownMemberId);
  }
  step.draft.RemoveMembers(member_ids);
  const metadata::Group& group = step.group();
  if (group.leader.empty() || group.FindMember(group.leader) != nullptr) return;
  step.draft.SetLeader(group.members.empty() ? std::string() : group.members.begin()->first);
}

bool GroupCoordinator::AddPendingId(Step& step, const std::string& member_id, Duration lifetime) {
  const size_t bytes = PendingIdBytes(step.group_id(), member_id);
  if (pending_id_bytes_ + bytes > limits::kGroupPendingIdBytesMax) return false;
  step.soft.pending_ids.insert(member_id);
  pending_id_bytes_ += bytes;
  timers_.Set(SessionTimer(step.group_id(), member_id), step.now() + lifetime);
  return true;
}

void GroupCoordinator::RemovePendingId(Step& step, const std::string& member_id) {
  if (step.soft.pending_ids.erase(member_id) == 0) return;
  pending_id_bytes_ -= PendingIdBytes(step.group_id(), member_id);
  timers_.Cancel(SessionTimer(step.group_id(), member_id));
}

void GroupCoordinator::AfterRemoval(Step& step, std::string_view reason) {
  if (!step.draft.exists() || step.draft.state() == metadata::GroupState::kEmpty) return;
  PrepareOrComplete(step, reason);
}

void GroupCoordinator::ExpireSession(Step& step, const std::string& member_id) {
  GroupMemberSoftState* member = step.soft.Find(member_id);
  if (member == nullptr) {
    RemovePendingId(step, member_id);
    if (step.draft.exists() && step.draft.state() == metadata::GroupState::kPreparingRebalance) {
      AfterRemoval(step, "");
    }
    return;
  }
  // Who waits for others is alive as long as its call is; only a new member must join in time.
  const bool waits = member->join_call != 0 || member->sync_call != 0;
  if (waits && !member->is_new) return StartSession(step, member_id, *member);
  RemoveMembers(step, {member_id});
  AfterRemoval(step, "member " + member_id + " was silent for its session timeout");
}

}  // namespace weir::state
