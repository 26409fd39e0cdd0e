// ConsumerGroups, the members: sums over them, how they advance and how they go.
#include <chrono>
#include <utility>

#include "common/base/check.h"
#include "common/metadata/consumer_group_config.h"
#include "controller/state/groups/consumer_groups.h"
#include "controller/state/groups/consumer_target.h"
#include "controller/state/groups/subscription_bytes.h"

namespace weir::state {
namespace {

using metadata::ConsumerMemberState;
using metadata::GroupMember;

// Every topic there is that matches, but the cluster's own.
std::set<std::string, std::less<>> MatchingTopics(const MetadataImage& image,
                                                  const TopicPattern& pattern) {
  std::set<std::string, std::less<>> names;
  for (const auto& [name, id] : image.topic_ids()) {
    if (!pattern.Matches(name) || image.FindTopic(id)->internal) continue;
    names.insert(names.end(), name);
  }
  return names;
}

}  // namespace

GroupTimer ConsumerGroups::TimerOf(GroupTimerKind kind, std::string_view group_id,
                                   std::string_view member_id) const {
  return {kind, std::string(group_id), std::string(member_id)};
}

Duration ConsumerGroups::SessionTimeout(const MetadataImage& image, const std::string& group_id,
                                        const GroupMember& member) const {
  return config_.SessionTimeout(member.uses_classic_protocol ? member.session_timeout_ms
                                                             : metadata::ConsumerSessionTimeoutMs(
                                                                   config_.View(image), group_id));
}

void ConsumerGroups::CountSubscription(const MetadataImage& image, ConsumerSoftState& soft,
                                       const metadata::GroupSubscription& subscription, int sign) {
  const size_t bytes = SubscriptionBytes(&subscription);
  soft.subscription_bytes += sign > 0 ? bytes : -bytes;
  for (const std::string& name : subscription.topic_names) {
    if (sign > 0) {
      ++soft.topic_counts[name];
      continue;
    }
    const auto count = soft.topic_counts.find(name);
    if (--count->second == 0) soft.topic_counts.erase(count);
  }
  const std::string& expression = subscription.topic_regex;
  if (expression.empty()) return;
  auto pattern = soft.patterns.find(expression);
  if (sign < 0) {
    if (pattern != soft.patterns.end() && --pattern->second.members == 0) {
      soft.patterns.erase(pattern);
    }
    return;
  }
  if (pattern == soft.patterns.end()) {
    // It was valid when the member came; a library that thinks otherwise today matches nothing.
    Result<TopicPattern> parsed = TopicPattern::Parse(expression);
    if (!parsed) return;
    std::set<std::string, std::less<>> topics = MatchingTopics(image, *parsed);
    pattern = soft.patterns
                  .emplace(expression, SubscribedPattern{*std::move(parsed), 0, std::move(topics)})
                  .first;
  }
  ++pattern->second.members;
}

void ConsumerGroups::CountOwned(ConsumerSoftState& soft, const PartitionsByTopic& partitions,
                                int sign) {
  for (const auto& [topic, numbers] : partitions) {
    std::set<int32_t>& owned = soft.owned[topic];
    for (const int32_t partition : numbers) {
      const bool changed = sign > 0 ? owned.insert(partition).second : owned.erase(partition) > 0;
      WEIR_CHECK(changed, "a partition has one owner");
    }
    if (owned.empty()) soft.owned.erase(topic);
  }
}

void ConsumerGroups::StartSession(Step& step, const std::string& member_id) {
  const Duration session =
      SessionTimeout(step.image(), step.group_id(), *step.group().FindMember(member_id));
  ConsumerSession& known = step.soft.sessions[member_id];
  known.timeout = session;
  known.heard_at = step.now();
  timers_.Set(TimerOf(GroupTimerKind::kSession, step.group_id(), member_id), step.now() + session);
}

void ConsumerGroups::RemoveMember(Step& step, const std::string& member_id,
                                  std::string_view reason) {
  const GroupMember member = *step.group().FindMember(member_id);
  if (member.subscription != nullptr) {
    CountSubscription(step.image(), step.soft, *member.subscription, -1);
  }
  CountOwned(step.soft, metadata::Get(member.assigned), -1);
  CountOwned(step.soft, metadata::Get(member.pending_revocation), -1);
  step.soft.sessions.erase(member_id);
  timers_.Cancel(TimerOf(GroupTimerKind::kSession, step.group_id(), member_id));
  timers_.Cancel(TimerOf(GroupTimerKind::kRevocation, step.group_id(), member_id));
  step.draft.RemoveMembers({member_id});
  step.event.Note(step.group_id(), "member " + member_id + " " + std::string(reason));
  DecideSoon(step.group_id(), step.soft, member_id, step.now());
  BumpEpoch(step);
}

void ConsumerGroups::Advance(Step& step, const std::string& member_id, const MemberProgress& from,
                             const PartitionsByTopic* owned) {
  const GroupMember before = *step.group().FindMember(member_id);
  CountOwned(step.soft, metadata::Get(before.assigned), -1);
  CountOwned(step.soft, metadata::Get(before.pending_revocation), -1);
  const MemberProgress to =
      Reconcile(from, metadata::Get(before.target), step.group().assignment_epoch, owned,
                [&step](const Uuid& topic, int32_t partition) {
                  return !step.soft.IsOwned(topic, partition);
                });
  CountOwned(step.soft, to.assigned, +1);
  CountOwned(step.soft, to.pending_revocation, +1);
  step.draft.PutProgress(member_id, to);
  const GroupTimer timer = TimerOf(GroupTimerKind::kRevocation, step.group_id(), member_id);
  if (to.state != ConsumerMemberState::kUnrevokedPartitions) return timers_.Cancel(timer);
  if (to == ProgressOf(before)) return;
  timers_.Set(timer, step.now() + std::chrono::milliseconds(before.rebalance_timeout_ms));
}

// ---- epochs ---------------------------------------------------------------------------

void ConsumerGroups::BumpEpoch(Step& step) {
  step.draft.SetTopicsHash(HashTopics(step.image(), SubscribedTopics(step.image(), step.soft)));
  const int32_t epoch = step.group().generation;
  if (epoch == step.group().assignment_epoch) step.draft.SetGeneration(epoch + 1);
}

void ConsumerGroups::UpdateTarget(Step& step) {
  if (step.group().generation == step.group().assignment_epoch) return;
  const Duration interval = std::chrono::milliseconds(
      metadata::ConsumerAssignmentIntervalMs(config_.View(step.image()), step.group_id()));
  // Who is alone has nobody to wait for.
  const bool at_once = !step.soft.assigned_at || step.group().members.size() <= 1;
  if (at_once || *step.soft.assigned_at + interval <= step.now()) return AssignAnew(step);
  timers_.Set(TimerOf(GroupTimerKind::kAssignment, step.group_id()),
              *step.soft.assigned_at + interval);
}

bool ConsumerGroups::IsExpected(const metadata::Group& group, const GroupMember& member) {
  return member.state == ConsumerMemberState::kUnrevokedPartitions ||
         (member.uses_classic_protocol && member.member_epoch < group.assignment_epoch);
}

void ConsumerGroups::AssignAnew(Step& step) {
  timers_.Cancel(TimerOf(GroupTimerKind::kAssignment, step.group_id()));
  const std::string assignor =
      SelectAssignor(step.group(), metadata::ConsumerAssignors(config_.View(step.image())));
  for (const auto& [member_id, target] :
       MakeTarget(step.image(), step.group(), step.soft, assignor)) {
    step.draft.PutTarget(member_id, target);
  }
  for (const auto& [member_id, member] : step.group().members) {
    if (!member.uses_classic_protocol || IsExpected(step.group(), member)) continue;
    timers_.Set(TimerOf(GroupTimerKind::kRevocation, step.group_id(), member_id),
                step.now() + std::chrono::milliseconds(member.rebalance_timeout_ms));
  }
  step.draft.SetProtocolName(assignor);
  step.draft.SetAssignmentEpoch(step.group().generation);
  step.soft.assigned_at = step.now();
  step.event.Note(step.group_id(), "epoch " + std::to_string(step.group().generation) + " has " +
                                       std::to_string(step.group().members.size()) +
                                       " members, assigned by " + assignor);
}

}  // namespace weir::state
