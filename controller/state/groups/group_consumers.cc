// GroupCoordinator, consumer groups (KIP-848): which of them an event is for, and how a group
// becomes one.
#include <utility>

#include "common/base/limits.h"
#include "common/metadata/consumer_group_config.h"
#include "controller/state/groups/group_coordinator.h"
#include "controller/state/groups/group_migration.h"
#include "controller/state/groups/group_replies.h"

namespace weir::state {

bool GroupCoordinator::IsConsumerGroup(const MetadataImage& image, std::string_view group_id) {
  const metadata::Group* group = image.FindGroup(group_id);
  return group != nullptr && group->type == metadata::GroupType::kConsumer &&
         !group->members.empty();
}

GroupOutcome GroupCoordinator::ConsumerHeartbeat(
    const GroupContext& context, GroupCallId call,
    const group::v1::ConsumerGroupHeartbeatRequest& request) {
  Event event{context, {}, {}};
  Status checked = consumers_.Check(context.image, request);
  if (checked) checked = CheckConsumerGroup(event, request);
  if (checked) {
    if (!IsConsumerGroup(context.image, request.group_id())) Upgrade(event, request.group_id());
    consumers_.Heartbeat(event, call, request);
  } else {
    Answer(event, call, ConsumerHeartbeatFailure(checked.error()));
  }
  return Finish(event);
}

// An empty group is of the type of who joins it.
Status GroupCoordinator::CheckConsumerGroup(
    const Event& event, const group::v1::ConsumerGroupHeartbeatRequest& request) const {
  const MetadataImage& image = event.context.image;
  const metadata::Group* group = image.FindGroup(request.group_id());
  const bool joins = request.member_epoch() == metadata::kJoinEpoch;
  if (group == nullptr) {
    if (!joins) return Fail(ErrorCode::kGroupIdNotFound, "The group does not exist.");
    if (image.groups().size() < limits::kGroupsMax) return {};
    return Fail(ErrorCode::kPolicyViolation, "There are too many groups.");
  }
  const bool is_consumer = group->type == metadata::GroupType::kConsumer;
  if (is_consumer || (joins && group->members.empty())) return {};
  if (joins) return CheckUpgrade(image, *group, request);
  return Fail(ErrorCode::kGroupIdNotFound, "The group is not a consumer group.");
}

Status GroupCoordinator::CheckUpgrade(
    const MetadataImage& image, const metadata::Group& group,
    const group::v1::ConsumerGroupHeartbeatRequest& request) const {
  const metadata::ConfigView view = config_.View(image);
  if (!metadata::AllowedConsumerMigration(view).upgrade || !CanBecomeConsumerGroup(group)) {
    return Fail(ErrorCode::kGroupIdNotFound, "The group is not a consumer group.");
  }
  if (std::cmp_greater_equal(group.members.size(), metadata::ConsumerGroupSizeMax(view))) {
    return Fail(ErrorCode::kGroupMaxSizeReached, "The group has reached its maximum capacity.");
  }
  if (!FitsIntoOneChange(group)) {
    return Fail(ErrorCode::kGroupIdNotFound,
                "The group is not a consumer group, and its members say too much to become one.");
  }
  if (request.subscribed_topic_regex().empty()) return {};
  const Result<TopicPattern> pattern = TopicPattern::Parse(request.subscribed_topic_regex());
  return pattern ? Status() : tl::unexpected<Error>(pattern.error());
}

void GroupCoordinator::Upgrade(Event& event, const std::string& group_id) {
  const metadata::Group* group = event.context.image.FindGroup(group_id);
  // Ids that were handed out to classic clients: their timers have the names of members' sessions.
  if (group == nullptr || group->members.empty()) return ForgetClassic(group_id);
  Step step = StepFor(event, group_id);
  // They join again, and are answered as members of a consumer group.
  std::vector<std::string> anonymous;
  for (const auto& [member_id, member] : step.soft.members) {
    if (member.is_anonymous) anonymous.push_back(member_id);
    FailJoin(step, member_id, ErrorCode::kRebalanceInProgress, member_id);
    FailSync(step, member_id, ErrorCode::kRebalanceInProgress);
  }
  RemoveMembers(step, anonymous);
  ForgetClassic(group_id);
  if (step.group().members.empty()) return;
  BecomeConsumerGroup(event.context.image, step.draft);
  event.Note(group_id, "becomes a consumer group with " +
                           std::to_string(step.group().members.size()) + " classic members");
  consumers_.Load(event.context.image, group_id, step.group(), event.context.now);
}

void GroupCoordinator::DowngradeIfAllClassic(Event& event, const std::string& group_id,
                                             GroupDraft& draft) {
  if (!draft.exists() || draft.group().type != metadata::GroupType::kConsumer) return;
  if (!CanBecomeClassicGroup(draft.group())) return;
  const metadata::ConfigView view = config_.View(event.context.image);
  if (!metadata::AllowedConsumerMigration(view).downgrade) return;
  if (std::cmp_greater(draft.group().members.size(), config_.size_max)) return;
  if (!FitsIntoOneChange(draft.group())) return;
  consumers_.Forget(group_id, &event.outcome.answers);
  BecomeClassicGroup(event.context.image, draft);
  // Not the epoch that the change began, which no member has heard of: to those of this one the
  // rebalance is told as to any classic members, and what they have read they may commit.
  if (const metadata::Group* before = event.context.image.FindGroup(group_id)) {
    draft.SetGeneration(before->generation);
  }
  LoadClassic(group_id, draft.group(), event.context.now);
  Step step{event, draft, groups_[group_id]};
  Prepare(step, "becomes a classic group: no member uses the consumer protocol any more");
}

void GroupCoordinator::OnConfigsChanged(const MetadataImage& image, std::string_view group_id) {
  consumers_.OnConfigsChanged(image, group_id);
}

void GroupCoordinator::OnTopicsChanged(const GroupContext& context,
                                       const std::set<std::string>& names) {
  consumers_.OnTopicsChanged(context.image, names, context.now);
}

}  // namespace weir::state
