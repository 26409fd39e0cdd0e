// GroupCoordinator, SyncGroup: the leader hands the assignments in, everybody gets their own.
#include <string_view>
#include <utility>

#include "common/base/limits.h"
#include "common/metadata/group_checks.h"
#include "controller/state/groups/group_coordinator.h"
#include "controller/state/groups/group_replies.h"

namespace weir::state {
namespace {

using group::v1::SyncGroupRequest;
using metadata::GroupState;

// What a batch takes beside the assignments.
constexpr size_t kBatchBytesReserved = 256 * 1024;

ErrorCode CheckSync(const GroupDraft& draft, const SyncGroupRequest& request) {
  if (!draft.exists()) return ErrorCode::kUnknownMemberId;
  const metadata::Group& group = draft.group();
  const ErrorCode member = metadata::CheckMemberOf(
      group, {request.member_id(), request.instance_id()}, request.generation_id());
  if (member != ErrorCode::kNone) return member;
  const auto differs = [](const std::string& said, const std::string& agreed) {
    return !said.empty() && !agreed.empty() && said != agreed;
  };
  if (differs(request.protocol_type(), group.protocol_type) ||
      differs(request.protocol_name(), group.protocol_name)) {
    return ErrorCode::kInconsistentGroupProtocol;
  }
  return ErrorCode::kNone;
}

std::string AssignmentOf(const metadata::Group& group, const std::string& member_id) {
  const auto& assignment = group.FindMember(member_id)->assignment;
  return assignment == nullptr ? std::string() : *assignment;
}

group::v1::SyncGroupReply SyncReply(const metadata::Group& group, const std::string& assignment) {
  group::v1::SyncGroupReply reply;
  reply.set_protocol_type(group.protocol_type);
  reply.set_protocol_name(group.protocol_name);
  reply.set_assignment(assignment);
  return reply;
}

}  // namespace

GroupOutcome GroupCoordinator::Sync(const GroupContext& context, GroupCallId call,
                                    const SyncGroupRequest& request) {
  Event event{context, {}, {}};
  HandleSync(event, call, request);
  return Finish(event);
}

void GroupCoordinator::HandleSync(Event& event, GroupCallId call, const SyncGroupRequest& request) {
  const auto fail = [&](ErrorCode error) { Answer(event, call, SyncFailure(error)); };
  if (request.group_id().empty()) return fail(ErrorCode::kInvalidGroupId);
  if (IsConsumerGroup(event.context.image, request.group_id())) {
    return consumers_.SyncClassic(event, call, request);
  }
  Step step = StepFor(event, request.group_id());
  const ErrorCode error = CheckSync(step.draft, request);
  if (error != ErrorCode::kNone) return fail(error);
  const std::string& id = request.member_id();
  switch (step.draft.state()) {
    case GroupState::kPreparingRebalance:
      return fail(ErrorCode::kRebalanceInProgress);
    case GroupState::kCompletingRebalance:
      WaitForSync(step, id, call);
      MarkSynced(step, id);
      if (step.group().leader == id) TakeAssignments(step, request);
      return;
    case GroupState::kStable:
      MarkSynced(step, id);
      timers_.Extend(SessionTimer(step.group_id(), id),
                     step.now() + step.soft.Find(id)->session_timeout);
      return Answer(event, call, SyncReply(step.group(), AssignmentOf(step.group(), id)));
    case GroupState::kEmpty:
    case GroupState::kAssigning:
    case GroupState::kReconciling:
      return fail(ErrorCode::kUnknownMemberId);
  }
}

void GroupCoordinator::TakeAssignments(Step& step, const SyncGroupRequest& request) {
  std::map<std::string_view, const std::string*> assignments;
  size_t bytes = 0;
  for (const group::v1::MemberAssignment& assignment : request.assignments()) {
    // Most often in the order of the list that the leader got: each goes to the end.
    assignments.insert_or_assign(assignments.end(), assignment.member_id(),
                                 &assignment.assignment());
    bytes += assignment.ByteSizeLong() + step.group_id().size() + 16;
  }
  if (bytes > limits::kMetadataBatchBytesMax - kBatchBytesReserved) {
    for (const auto& [member_id, member] : step.soft.members) {
      FailSync(step, member_id, ErrorCode::kUnknownServerError);
    }
    return Prepare(step, "the assignments take " + std::to_string(bytes) +
                             " bytes, more than a change of metadata may");
  }
  const std::string none;
  auto next = assignments.begin();
  for (auto& [member_id, member] : step.soft.members) {
    while (next != assignments.end() && next->first < member_id) ++next;
    const bool is_assigned = next != assignments.end() && next->first == member_id;
    const std::string& assignment = is_assigned ? *next->second : none;
    step.draft.PutAssignment(member_id, assignment);
    if (member.sync_call == 0) continue;
    Answer(step.event, std::exchange(member.sync_call, 0), SyncReply(step.group(), assignment));
    StartSession(step, member_id, member);
  }
  step.draft.SetState(GroupState::kStable);
}

}  // namespace weir::state
