#include "common/metadata/group_checks.h"

#include <algorithm>

#include "common/metadata/config_option.h"

namespace weir::metadata {
namespace {

bool Passes(std::string_view name, std::span<const std::string> filter) {
  return filter.empty() || std::any_of(filter.begin(), filter.end(), [&](const std::string& f) {
           return EqualIgnoreCase(name, f);
         });
}

// Of a member whose epoch is right.
ErrorCode CheckConsumer(const Group& group, const GroupMember& member) {
  if (!member.uses_classic_protocol) return ErrorCode::kNone;
  if (member.member_epoch < group.assignment_epoch) return ErrorCode::kRebalanceInProgress;
  switch (member.state) {
    case ConsumerMemberState::kStable:
      return ErrorCode::kNone;
    case ConsumerMemberState::kUnrevokedPartitions:
      return ErrorCode::kRebalanceInProgress;
    case ConsumerMemberState::kUnreleasedPartitions:
      return ErrorCode::kCoordinatorNotAvailable;
  }
  return ErrorCode::kNone;
}

}  // namespace

ErrorCode CheckMember(const Group& group, const MemberIdentity& who) {
  if (!who.instance_id.empty()) {
    const std::string* owner = group.FindStaticMember(who.instance_id);
    if (owner == nullptr) return ErrorCode::kUnknownMemberId;
    if (*owner != who.member_id) return ErrorCode::kFencedInstanceId;
  }
  return group.FindMember(who.member_id) == nullptr ? ErrorCode::kUnknownMemberId
                                                    : ErrorCode::kNone;
}

ErrorCode CheckMemberOf(const Group& group, const MemberIdentity& who, int32_t generation) {
  const ErrorCode member = CheckMember(group, who);
  if (member != ErrorCode::kNone) return member;
  if (group.type == GroupType::kConsumer) {
    const GroupMember& known = *group.FindMember(who.member_id);
    if (generation == known.member_epoch) return ErrorCode::kNone;
    return known.uses_classic_protocol ? ErrorCode::kIllegalGeneration
                                       : ErrorCode::kStaleMemberEpoch;
  }
  return generation == group.generation ? ErrorCode::kNone : ErrorCode::kIllegalGeneration;
}

ErrorCode CheckHeartbeat(const MetadataImage& image, std::string_view group_id,
                         const MemberIdentity& who, int32_t generation) {
  if (group_id.empty()) return ErrorCode::kInvalidGroupId;
  const Group* group = image.FindGroup(group_id);
  if (group == nullptr) return ErrorCode::kUnknownMemberId;
  const ErrorCode member = CheckMemberOf(*group, who, generation);
  if (member != ErrorCode::kNone) return member;
  if (group->type == GroupType::kConsumer) {
    return CheckConsumer(*group, *group->FindMember(who.member_id));
  }
  return group->state == GroupState::kPreparingRebalance ? ErrorCode::kRebalanceInProgress
                                                         : ErrorCode::kNone;
}

ErrorCode CheckCommit(const MetadataImage& image, std::string_view group_id,
                      const MemberIdentity& who, int32_t generation) {
  const Group* group = image.FindGroup(group_id);
  if (group == nullptr) {
    // Kafka's older clients commit for groups that nobody has joined, with generation -1.
    return generation < 0 ? ErrorCode::kNone : ErrorCode::kIllegalGeneration;
  }
  if (generation < 0 && group->members.empty()) return ErrorCode::kNone;
  const ErrorCode member = CheckMemberOf(*group, who, generation);
  if (member != ErrorCode::kNone) return member;
  return group->state == GroupState::kCompletingRebalance ? ErrorCode::kRebalanceInProgress
                                                          : ErrorCode::kNone;
}

bool IsConsumerMemberAtRest(const MetadataImage& image, std::string_view group_id,
                            const MemberIdentity& who, int32_t member_epoch) {
  const Group* group = image.FindGroup(group_id);
  if (group == nullptr || group->type != GroupType::kConsumer || member_epoch <= 0) return false;
  if (CheckMember(*group, who) != ErrorCode::kNone) return false;
  const GroupMember& member = *group->FindMember(who.member_id);
  return !member.uses_classic_protocol && member.state == ConsumerMemberState::kStable &&
         member.member_epoch == member_epoch && member_epoch == group->assignment_epoch &&
         group->assignment_epoch == group->generation;
}

bool IsAnswerOfGateway(ErrorCode verdict) {
  return verdict == ErrorCode::kNone || verdict == ErrorCode::kRebalanceInProgress;
}

bool PassesFilters(const Group& group, std::span<const std::string> states,
                   std::span<const std::string> types) {
  return Passes(GroupStateName(group.state), states) && Passes(GroupTypeName(group.type), types);
}

}  // namespace weir::metadata
