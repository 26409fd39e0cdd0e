#include "common/metadata/group_checks.h"

#include <algorithm>

namespace weir::metadata {
namespace {

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool EqualIgnoringCase(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return Lower(x) == Lower(y); });
}

bool Passes(std::string_view name, std::span<const std::string> filter) {
  return filter.empty() || std::any_of(filter.begin(), filter.end(), [&](const std::string& f) {
           return EqualIgnoringCase(name, f);
         });
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

ErrorCode CheckHeartbeat(const MetadataImage& image, std::string_view group_id,
                         const MemberIdentity& who, int32_t generation) {
  if (group_id.empty()) return ErrorCode::kInvalidGroupId;
  const Group* group = image.FindGroup(group_id);
  if (group == nullptr) return ErrorCode::kUnknownMemberId;
  const ErrorCode member = CheckMember(*group, who);
  if (member != ErrorCode::kNone) return member;
  if (generation != group->generation) return ErrorCode::kIllegalGeneration;
  return group->state == GroupState::kPreparingRebalance ? ErrorCode::kRebalanceInProgress
                                                         : ErrorCode::kNone;
}

ErrorCode CheckCommit(const MetadataImage& image, std::string_view group_id,
                      const MemberIdentity& who, int32_t generation) {
  const Group* group = image.FindGroup(group_id);
  const bool is_member = generation >= 0 || !who.member_id.empty() || !who.instance_id.empty();
  if (group == nullptr) {
    // Kafka's older clients commit for groups that nobody has joined, with generation -1.
    return generation < 0 ? ErrorCode::kNone : ErrorCode::kIllegalGeneration;
  }
  if (generation < 0 && group->members.empty()) return ErrorCode::kNone;
  if (!is_member) return ErrorCode::kUnknownMemberId;
  const ErrorCode member = CheckMember(*group, who);
  if (member != ErrorCode::kNone) return member;
  if (generation != group->generation) return ErrorCode::kIllegalGeneration;
  return group->state == GroupState::kCompletingRebalance ? ErrorCode::kRebalanceInProgress
                                                          : ErrorCode::kNone;
}

bool IsAnswerOfGateway(ErrorCode verdict) {
  return verdict == ErrorCode::kNone || verdict == ErrorCode::kRebalanceInProgress;
}

bool PassesFilters(const Group& group, std::span<const std::string> states,
                   std::span<const std::string> types) {
  return Passes(GroupStateName(group.state), states) && Passes(GroupTypeName(group.type), types);
}

}  // namespace weir::metadata
