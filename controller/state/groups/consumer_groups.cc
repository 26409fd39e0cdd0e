#include "controller/state/groups/consumer_groups.h"

#include <algorithm>
#include <utility>

#include "common/base/check.h"
#include "controller/state/groups/consumer_target.h"
#include "controller/state/groups/group_replies.h"

namespace weir::state {

using metadata::Group;
using metadata::GroupMember;
using metadata::GroupState;

void ConsumerGroups::Load(const MetadataImage& image, const std::string& group_id,
                          const Group& group, MonoTime now) {
  ConsumerSoftState& soft = groups_[group_id];
  soft = {};
  for (const auto& [member_id, member] : group.members) {
    const Duration session = SessionTimeout(image, group_id, member);
    soft.sessions[member_id] = {session, now, std::nullopt};
    timers_.Set(TimerOf(GroupTimerKind::kSession, group_id, member_id), now + session);
    if (member.subscription != nullptr) CountSubscription(image, soft, *member.subscription, +1);
    CountOwned(soft, metadata::Get(member.assigned), +1);
    CountOwned(soft, metadata::Get(member.pending_revocation), +1);
    if (IsExpected(group, member)) {
      timers_.Set(TimerOf(GroupTimerKind::kRevocation, group_id, member_id),
                  now + std::chrono::milliseconds(member.rebalance_timeout_ms));
    }
  }
  if (group.generation > group.assignment_epoch) {
    timers_.Set(TimerOf(GroupTimerKind::kAssignment, group_id), now);
  }
  if (HashTopics(image, SubscribedTopics(image, soft)) != group.topics_hash) {
    timers_.Set(TimerOf(GroupTimerKind::kTopics, group_id), now);
  }
}

void ConsumerGroups::Forget(std::string_view group_id, std::vector<GroupAnswer>* answers) {
  const auto found = groups_.find(group_id);
  if (found == groups_.end()) return;
  for (const auto& [owner, join] : found->second.waiting_joins) {
    timers_.Cancel(TimerOf(GroupTimerKind::kTakeover, group_id, owner));
    waiting_calls_.erase(join.call);
    answers->push_back({join.call, NotAvailable(ConsumerHeartbeatReply())});
  }
  for (const auto& [member_id, session] : found->second.sessions) {
    timers_.Cancel(TimerOf(GroupTimerKind::kSession, group_id, member_id));
    timers_.Cancel(TimerOf(GroupTimerKind::kRevocation, group_id, member_id));
  }
  timers_.Cancel(TimerOf(GroupTimerKind::kAssignment, group_id));
  timers_.Cancel(TimerOf(GroupTimerKind::kTopics, group_id));
  groups_.erase(found);
}

ConsumerGroups::Step ConsumerGroups::StepFor(GroupEvent& event, const std::string& group_id) {
  GroupDraft& draft = event.DraftOf(group_id);
  ConsumerSoftState& soft = groups_[group_id];
  WEIR_CHECK(soft.sessions.size() == draft.group().members.size(),
             "the working image is what was decided before");
  return {event, draft, soft};
}

void ConsumerGroups::Settle(GroupEvent&, GroupDraft& draft) {
  const Group& group = draft.group();
  if (group.members.empty()) return draft.SetState(GroupState::kEmpty);
  if (group.generation > group.assignment_epoch) return draft.SetState(GroupState::kAssigning);
  const bool stable =
      std::all_of(group.members.begin(), group.members.end(), [&group](const auto& entry) {
        const GroupMember& member = entry.second;
        return member.state == metadata::ConsumerMemberState::kStable &&
               member.member_epoch == group.assignment_epoch;
      });
  draft.SetState(stable ? GroupState::kStable : GroupState::kReconciling);
}

// ---- time and signs of life -----------------------------------------------------------

void ConsumerGroups::OnTimer(GroupEvent& event, const GroupTimer& timer) {
  if (!Knows(timer.group_id)) return;
  Step step = StepFor(event, timer.group_id);
  switch (timer.kind) {
    case GroupTimerKind::kSession:
      return ExpireSession(step, timer.member_id);
    case GroupTimerKind::kRevocation:
      return ExpireRevocation(step, timer.member_id);
    case GroupTimerKind::kAssignment:
      if (step.group().generation > step.group().assignment_epoch) AssignAnew(step);
      return;
    case GroupTimerKind::kTopics:
      return LookAtTopics(step);
    case GroupTimerKind::kTakeover:
      return Decide(step, timer.member_id);
    case GroupTimerKind::kJoin:
    case GroupTimerKind::kSync:
      return;
  }
}

void ConsumerGroups::ExpireSession(Step& step, const std::string& member_id) {
  if (step.group().FindMember(member_id) == nullptr) return;
  RemoveMember(step, member_id, "was silent for its session timeout");
  UpdateTarget(step);
}

void ConsumerGroups::ExpireRevocation(Step& step, const std::string& member_id) {
  const GroupMember* member = step.group().FindMember(member_id);
  if (member == nullptr || !IsExpected(step.group(), *member)) return;
  RemoveMember(step, member_id, "did not give up partitions within its rebalance timeout");
  UpdateTarget(step);
}

void ConsumerGroups::LookAtTopics(Step& step) {
  const uint64_t hash = HashTopics(step.image(), SubscribedTopics(step.image(), step.soft));
  if (hash == step.group().topics_hash || step.group().members.empty()) return;
  step.event.Note(step.group_id(), "topics that it subscribes to have changed");
  BumpEpoch(step);
  UpdateTarget(step);
}

void ConsumerGroups::OnAlive(std::string_view group_id, std::string_view member_id,
                             MonoTime heard_at) {
  const auto group = groups_.find(group_id);
  if (group == groups_.end()) return;
  const auto session = group->second.sessions.find(member_id);
  if (session == group->second.sessions.end()) return;
  session->second.heard_at = std::max(session->second.heard_at, heard_at);
  timers_.Extend(TimerOf(GroupTimerKind::kSession, group_id, member_id),
                 heard_at + session->second.timeout);
}

void ConsumerGroups::OnConfigsChanged(const MetadataImage& image, std::string_view group_id) {
  const auto refresh = [&](const std::string& id, ConsumerSoftState& soft) {
    const Group* group = image.FindGroup(id);
    for (auto& [member_id, session] : soft.sessions) {
      session.timeout = SessionTimeout(image, id, *group->FindMember(member_id));
    }
  };
  if (group_id.empty()) {
    for (auto& [id, soft] : groups_) refresh(id, soft);
  } else if (const auto found = groups_.find(group_id); found != groups_.end()) {
    refresh(found->first, found->second);
  }
}

void ConsumerGroups::OnTopicsChanged(const MetadataImage& image, const std::set<std::string>& names,
                                     MonoTime now) {
  for (auto& [group_id, soft] : groups_) {
    bool concerned = false;
    for (const std::string& name : names) {
      concerned = concerned || soft.topic_counts.contains(name);
      const metadata::Topic* topic = image.FindTopic(name);
      for (auto& [expression, pattern] : soft.patterns) {
        if (!pattern.pattern.Matches(name)) continue;
        concerned = true;
        if (topic != nullptr && !topic->internal) {
          pattern.topics.insert(name);
        } else {
          pattern.topics.erase(name);
        }
      }
    }
    if (concerned) timers_.Set(TimerOf(GroupTimerKind::kTopics, group_id), now);
  }
}

const ConsumerSoftState* ConsumerGroups::FindSoftStateForTest(std::string_view group_id) const {
  const auto found = groups_.find(group_id);
  return found == groups_.end() ? nullptr : &found->second;
}

}  // namespace weir::state
