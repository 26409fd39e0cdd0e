// ConsumerGroups, static members whose place another process takes (law 6 of consumer_groups.h).
//
//   the process is killed --its connection ends: the gateway tells--> released --the next join with
//   its instance id--> it has its partitions, and the old member id is fenced
//
// A new process may be faster than that news: its join waits a moment, since clients take
// UNRELEASED_INSTANCE_ID for the end.
#include <algorithm>
#include <utility>

#include "common/metadata/consumer_group_config.h"
#include "controller/state/groups/consumer_groups.h"
#include "controller/state/groups/group_replies.h"

namespace weir::state {

bool ConsumerGroups::IsReleased(const Step& step, const std::string& owner) {
  const metadata::GroupMember& member = *step.group().FindMember(owner);
  if (member.member_epoch == metadata::kStaticMemberAwayEpoch) return true;
  // One that speaks the classic protocol cannot say that it leaves for a while.
  if (member.uses_classic_protocol) return true;
  return step.soft.sessions.at(owner).HasLostConnection();
}

void ConsumerGroups::WaitForRelease(Step& step, const std::string& owner, GroupCallId call,
                                    const ConsumerHeartbeatRequest& request) {
  const auto [waiting, is_first] = step.soft.waiting_joins.try_emplace(owner);
  WaitingJoin& join = waiting->second;
  if (!is_first) {
    waiting_calls_.erase(join.call);
    step.event.outcome.answers.push_back(
        {join.call, ConsumerHeartbeatFailure(
                        {ErrorCode::kUnreleasedInstanceId, "Another process asks for instance id " +
                                                               request.instance_id() + " too."})});
  }
  join = {call, request};
  waiting_calls_[call] = {step.group_id(), owner};
  timers_.Set(TimerOf(GroupTimerKind::kTakeover, step.group_id(), owner),
              step.now() + kTakeoverPatience);
}

void ConsumerGroups::DecideSoon(std::string_view group_id, const ConsumerSoftState& soft,
                                const std::string& owner, MonoTime now) {
  if (!soft.waiting_joins.contains(owner)) return;
  timers_.Set(TimerOf(GroupTimerKind::kTakeover, group_id, owner), now);
}

void ConsumerGroups::Decide(Step& step, const std::string& owner) {
  const auto waiting = step.soft.waiting_joins.extract(owner);
  if (waiting.empty()) return;
  const WaitingJoin& join = waiting.mapped();
  waiting_calls_.erase(join.call);
  Answer(step, join.call, join.request, FindCaller(step, join.request));
}

void ConsumerGroups::OnConnectionLost(std::string_view group_id, std::string_view member_id,
                                      MonoTime lost_at, MonoTime now) {
  const auto group = groups_.find(group_id);
  if (group == groups_.end()) return;
  const auto session = group->second.sessions.find(member_id);
  if (session == group->second.sessions.end()) return;
  session->second.lost_at = std::max(session->second.lost_at.value_or(lost_at), lost_at);
  if (!session->second.HasLostConnection()) return;
  DecideSoon(group_id, group->second, session->first, now);
}

void ConsumerGroups::OnCallGone(GroupCallId call) {
  const auto place = waiting_calls_.extract(call);
  if (place.empty()) return;
  const auto& [group_id, owner] = place.mapped();
  timers_.Cancel(TimerOf(GroupTimerKind::kTakeover, group_id, owner));
  groups_.find(group_id)->second.waiting_joins.erase(owner);
}

void ConsumerGroups::AnswerWaiting(std::vector<GroupAnswer>* answers) {
  for (const auto& [call, place] : std::exchange(waiting_calls_, {})) {
    answers->push_back({call, NotAvailable(ConsumerHeartbeatReply())});
  }
  for (auto& [group_id, soft] : groups_) soft.waiting_joins.clear();
}

}  // namespace weir::state
