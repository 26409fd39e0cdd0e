// GroupCoordinator, the rebalance: from the first reason for it to the new generation.
#include <algorithm>
#include <utility>

#include "common/base/check.h"
#include "controller/state/groups/group_coordinator.h"

namespace weir::state {

using metadata::Group;
using metadata::GroupState;

namespace {

// Between two looks whether a member has joined, at least: a client may ask for a timeout of 0.
constexpr Duration kAbsentLeaderRetry = std::chrono::seconds(1);

}  // namespace

Duration GroupCoordinator::RebalanceTimeout(const Group& group) const {
  int32_t timeout_ms = 0;
  for (const auto& [id, member] : group.members) {
    timeout_ms = std::max(timeout_ms, member.rebalance_timeout_ms);
  }
  return std::chrono::milliseconds(timeout_ms);
}

bool GroupCoordinator::HaveAllJoined(const Step& step) const {
  const bool nobody = step.group().members.empty();
  return nobody ||
         (step.soft.joined == step.group().members.size() && step.soft.pending_ids.empty());
}

void GroupCoordinator::PrepareOrComplete(Step& step, std::string_view reason) {
  if (step.draft.state() == GroupState::kPreparingRebalance) return CompleteIfAllJoined(step);
  Prepare(step, reason);
}

void GroupCoordinator::CompleteIfAllJoined(Step& step) {
  const bool waits = step.soft.is_initial_rebalance && !step.group().members.empty();
  if (!waits && HaveAllJoined(step)) CompleteJoin(step);
}

void GroupCoordinator::Prepare(Step& step, std::string_view reason) {
  GroupSoftState& soft = step.soft;
  for (const auto& [member_id, member] : soft.members) {
    if (member.sync_call != 0) FailSync(step, member_id, ErrorCode::kRebalanceInProgress);
  }
  ClearPendingSync(step);
  soft.is_initial_rebalance = step.draft.state() == GroupState::kEmpty;
  step.draft.SetState(GroupState::kPreparingRebalance);
  Note(step, "rebalance after generation " + std::to_string(step.group().generation) + ": " +
                 std::string(reason));
  const Duration timeout = RebalanceTimeout(step.group());
  const GroupTimer timer{GroupTimerKind::kJoin, step.group_id(), ""};
  if (soft.is_initial_rebalance) {
    soft.new_member_added = false;
    soft.initial_delay = config_.initial_rebalance_delay;
    soft.initial_remaining = std::max(timeout - soft.initial_delay, Duration::zero());
    if (soft.initial_delay <= Duration::zero()) return CompleteJoin(step);
    return timers_.Set(timer, step.now() + soft.initial_delay);
  }
  if (HaveAllJoined(step)) return CompleteJoin(step);
  timers_.Set(timer, step.now() + timeout);
}

// The time to join is over. Dynamic members that have not joined are out; static ones stay, absent,
// for their session (KIP-345).
void GroupCoordinator::CompleteJoin(Step& step) {
  std::vector<std::string> absent;
  for (const auto& [member_id, member] : step.soft.members) {
    if (member.join_call != 0 || step.group().FindMember(member_id)->is_static()) continue;
    absent.push_back(member_id);
  }
  if (!absent.empty()) {
    Note(step, std::to_string(absent.size()) + " members did not join in time and are out");
    RemoveMembers(step, absent);
  }
  step.soft.is_initial_rebalance = false;
  const GroupTimer timer{GroupTimerKind::kJoin, step.group_id(), ""};
  if (!step.group().members.empty() && !ElectJoinedLeader(step)) {
    // Only absent static members are left: wait until one is back or all have expired.
    timers_.Set(timer, step.now() + std::max(RebalanceTimeout(step.group()), kAbsentLeaderRetry));
    return;
  }
  timers_.Cancel(timer);
  FormGeneration(step);
}

bool GroupCoordinator::ElectJoinedLeader(Step& step) {
  const GroupMemberSoftState* leader = step.soft.Find(step.group().leader);
  if (leader != nullptr && leader->join_call != 0) return true;
  for (const auto& [member_id, member] : step.soft.members) {
    if (member.join_call == 0) continue;
    step.draft.SetLeader(member_id);
    return true;
  }
  return false;
}

void GroupCoordinator::FormGeneration(Step& step) {
  const int32_t last = step.group().generation;
  step.draft.SetGeneration(last == INT32_MAX ? 1 : last + 1);
  const std::string generation = "generation " + std::to_string(step.group().generation);
  if (step.group().members.empty()) {
    step.draft.SetProtocolName("");
    step.draft.SetLeader("");
    step.draft.SetState(GroupState::kEmpty);
    return Note(step, generation + " is empty");
  }
  step.draft.SetProtocolName(SelectProtocol(step));
  step.draft.SetState(GroupState::kCompletingRebalance);
  Note(step, generation + " has " + std::to_string(step.soft.members.size()) +
                 " members, protocol " + step.group().protocol_name + ", leader " +
                 step.group().leader);
  step.event.outcome.answers.reserve(step.event.outcome.answers.size() + step.soft.joined);
  for (auto& [member_id, member] : step.soft.members) {
    member.is_new = false;
    member.is_anonymous = false;
    member.is_pending_sync = true;
    StartSession(step, member_id, member);
    if (member.join_call == 0) continue;
    Answer(step.event, std::exchange(member.join_call, 0), JoinReply(step, member_id));
  }
  step.soft.joined = 0;
  step.soft.pending_sync = step.soft.members.size();
  timers_.Set({GroupTimerKind::kSync, step.group_id(), ""},
              step.now() + RebalanceTimeout(step.group()));
}

// Each member votes for the first of its protocols that all support; most votes win, the smaller
// name where they are equal. Joins are let in only if that leaves one (CheckProtocols).
std::string GroupCoordinator::SelectProtocol(const Step& step) const {
  const size_t members = step.group().members.size();
  std::map<std::string_view, size_t> votes;
  for (const auto& [member_id, member] : step.group().members) {
    if (member.subscription == nullptr) continue;
    for (const metadata::GroupProtocol& protocol : member.subscription->protocols) {
      const auto support = step.soft.support.find(protocol.name);
      if (support == step.soft.support.end() || support->second != members) continue;
      ++votes[protocol.name];
      break;
    }
  }
  const auto winner = std::max_element(
      votes.begin(), votes.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  return winner == votes.end() ? std::string() : std::string(winner->first);
}

group::v1::JoinGroupReply GroupCoordinator::JoinReply(const Step& step,
                                                      const std::string& member_id) const {
  const Group& group = step.group();
  group::v1::JoinGroupReply reply;
  reply.set_generation_id(group.generation);
  reply.set_protocol_type(group.protocol_type);
  reply.set_protocol_name(group.protocol_name);
  reply.set_leader(group.leader);
  reply.set_member_id(member_id);
  if (member_id != group.leader) return reply;
  for (const auto& [id, member] : group.members) {
    group::v1::JoinedMember* joined = reply.add_members();
    joined->set_member_id(id);
    joined->set_instance_id(member.instance_id);
    if (member.subscription == nullptr) continue;
    const std::string* data = member.subscription->FindMetadata(group.protocol_name);
    if (data != nullptr) joined->set_metadata(*data);
  }
  return reply;
}

void GroupCoordinator::ClearPendingSync(Step& step) {
  for (auto& [member_id, member] : step.soft.members) member.is_pending_sync = false;
  step.soft.pending_sync = 0;
  timers_.Cancel({GroupTimerKind::kSync, step.group_id(), ""});
}

void GroupCoordinator::MarkSynced(Step& step, const std::string& member_id) {
  GroupMemberSoftState* member = step.soft.Find(member_id);
  if (!std::exchange(member->is_pending_sync, false)) return;
  if (--step.soft.pending_sync > 0) return;
  timers_.Cancel({GroupTimerKind::kSync, step.group_id(), ""});
}

}  // namespace weir::state
