// GroupCoordinator, LeaveGroup (KIP-345, KIP-800) and DeleteGroups.
#include <utility>

#include "common/metadata/group_checks.h"
#include "controller/state/groups/group_coordinator.h"

namespace weir::state {
namespace {

using group::v1::LeavingMember;

}  // namespace

// The error for one of the leaving members, who is gone afterwards if there is none.
ErrorCode GroupCoordinator::LeaveOne(Step& step, const LeavingMember& leaving) {
  if (step.soft.pending_ids.contains(leaving.member_id())) {
    RemovePendingId(step, leaving.member_id());
    return ErrorCode::kNone;
  }
  std::string id = leaving.member_id();
  if (id.empty()) {
    const std::string* owner = leaving.instance_id().empty()
                                   ? nullptr
                                   : step.group().FindStaticMember(leaving.instance_id());
    if (owner == nullptr) return ErrorCode::kUnknownMemberId;
    id = *owner;
  } else {
    const ErrorCode error = metadata::CheckMember(step.group(), {id, leaving.instance_id()});
    if (error != ErrorCode::kNone) return error;
  }
  Note(step, "member " + id + " leaves" +
                 (leaving.reason().empty() ? "" : "; client reason: " + leaving.reason()));
  RemoveMembers(step, {id});
  return ErrorCode::kNone;
}

GroupOutcome GroupCoordinator::Leave(const GroupContext& context, GroupCallId call,
                                     const group::v1::LeaveGroupRequest& request) {
  Event event{context, {}, {}};
  group::v1::LeaveGroupReply reply;
  if (request.group_id().empty()) {
    reply.set_error_code(static_cast<int32_t>(ErrorCode::kInvalidGroupId));
    Answer(event, call, std::move(reply));
    return Finish(event);
  }
  if (IsConsumerGroup(context.image, request.group_id())) {
    consumers_.LeaveClassic(event, request, &reply);
    Answer(event, call, std::move(reply));
    return Finish(event);
  }
  Step step = StepFor(event, request.group_id());
  bool somebody_left = false;
  for (const LeavingMember& leaving : request.members()) {
    const ErrorCode error = LeaveOne(step, leaving);
    somebody_left = somebody_left || error == ErrorCode::kNone;
    group::v1::LeftMember* left = reply.add_members();
    left->set_member_id(leaving.member_id());
    left->set_instance_id(leaving.instance_id());
    left->set_error_code(static_cast<int32_t>(error));
  }
  if (somebody_left) AfterRemoval(step, "members have left");
  Answer(event, call, std::move(reply));
  return Finish(event);
}

GroupOutcome GroupCoordinator::Delete(const GroupContext& context, GroupCallId call,
                                      const group::v1::DeleteGroupsRequest& request) {
  Event event{context, {}, {}};
  group::v1::DeleteGroupsReply reply;
  for (const std::string& group_id : request.group_ids()) {
    GroupDraft& draft = event.DraftOf(group_id);
    ErrorCode error = ErrorCode::kNone;
    if (!draft.exists()) {
      error = ErrorCode::kGroupIdNotFound;
    } else if (draft.state() != metadata::GroupState::kEmpty) {
      error = ErrorCode::kNonEmptyGroup;
    } else {
      draft.Remove();
      event.Note(group_id, "deleted");
    }
    group::v1::DeletedGroup* deleted = reply.add_groups();
    deleted->set_group_id(group_id);
    deleted->set_error_code(static_cast<int32_t>(error));
  }
  Answer(event, call, std::move(reply));
  return Finish(event);
}

}  // namespace weir::state
