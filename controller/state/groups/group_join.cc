// GroupCoordinator, JoinGroup: who is let in, as whom, and whether that moves the others.
#include <set>
#include <string_view>
#include <utility>

#include "common/base/check.h"
#include "common/base/limits.h"
#include "common/base/utf8.h"
#include "common/metadata/group_checks.h"
#include "controller/state/groups/full_assignment.h"
#include "controller/state/groups/group_coordinator.h"
#include "controller/state/groups/group_replies.h"
#include "controller/state/groups/subscription_bytes.h"

namespace weir::state {
namespace {

using group::v1::JoinGroupRequest;
using metadata::GroupState;
using metadata::GroupSubscription;

// Assignors that one client knows: a handful. Each is compared with those of all members.
constexpr int kProtocolsMax = 100;
// Of what clients call themselves, as much goes before a member id.
constexpr size_t kMemberIdPrefixBytesMax = 255;

// A protocol that is named twice counts once.
GroupSubscription SubscriptionOf(const JoinGroupRequest& request) {
  GroupSubscription subscription;
  subscription.client_id = request.client_id();
  subscription.client_host = request.client_host();
  std::set<std::string_view> seen;
  for (const auto& protocol : request.protocols()) {
    if (!seen.insert(protocol.name()).second) continue;
    subscription.protocols.push_back({protocol.name(), protocol.metadata()});
  }
  return subscription;
}

bool HasSameProtocols(const metadata::GroupMember& member, const JoinGroupRequest& request) {
  return member.subscription != nullptr &&
         member.subscription->protocols == SubscriptionOf(request).protocols;
}

std::string ReasonOf(std::string_view what, const std::string& member_id,
                     const JoinGroupRequest& request) {
  std::string reason(what);
  reason += " " + member_id;
  if (!request.reason().empty()) reason += "; client reason: " + request.reason();
  return reason;
}

// Whether a leader that joins a stable group again, as it was, is to assign anew: always, with
// Kafka. Clients that cannot say why they join (before version 8, KIP-800) also do so when they
// lost a broker and nothing else has changed: then everybody keeps what they have.
bool WantsToAssign(const metadata::Group& group, const MetadataImage& image,
                   const JoinGroupRequest& request) {
  return request.supports_skip_assignment() || !request.reason().empty() ||
         !IsFullyAssigned(group, image);
}

}  // namespace

std::string NewMemberId(const std::string& prefix, Prng& prng) {
  static constexpr char kHex[] = "0123456789abcdef";
  const Uuid uuid = Uuid::Random(prng);
  std::string id(PrefixOf(prefix, kMemberIdPrefixBytesMax));
  id += '-';
  for (size_t i = 0; i < uuid.bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) id += '-';
    id += kHex[uuid.bytes[i] >> 4];
    id += kHex[uuid.bytes[i] & 15];
  }
  return id;
}

GroupDraft::MemberFields FieldsOf(const JoinGroupRequest& request,
                                  const metadata::GroupMember* known) {
  GroupDraft::MemberFields fields;
  fields.instance_id = known == nullptr ? request.instance_id() : known->instance_id;
  fields.session_timeout_ms = request.session_timeout_ms();
  fields.rebalance_timeout_ms = request.rebalance_timeout_ms() < 0 ? request.session_timeout_ms()
                                                                   : request.rebalance_timeout_ms();
  return fields;
}

GroupOutcome GroupCoordinator::Join(const GroupContext& context, GroupCallId call,
                                    const JoinGroupRequest& request) {
  Event event{context, {}, {}};
  HandleJoin(event, call, request);
  return Finish(event);
}

void GroupCoordinator::HandleJoin(Event& event, GroupCallId call, const JoinGroupRequest& request) {
  const std::string& member_id = request.member_id();
  const auto fail = [&](ErrorCode error, std::string_view told_member_id) {
    Answer(event, call, JoinFailure(error, told_member_id));
  };
  if (request.group_id().empty() || request.group_id().size() > limits::kGroupNameBytesMax) {
    return fail(ErrorCode::kInvalidGroupId, member_id);
  }
  if (request.instance_id().size() > limits::kGroupNameBytesMax) {
    return fail(ErrorCode::kInvalidRequest, member_id);
  }
  if (request.session_timeout_ms() < config_.session_timeout_ms_min ||
      request.session_timeout_ms() > config_.session_timeout_ms_max) {
    return fail(ErrorCode::kInvalidSessionTimeout, member_id);
  }
  if (request.ByteSizeLong() > limits::kGroupMemberBytesMax) {
    return fail(ErrorCode::kUnknownServerError, member_id);
  }
  if (request.protocols_size() > kProtocolsMax) {
    return fail(ErrorCode::kInconsistentGroupProtocol, member_id);
  }
  if (IsConsumerGroup(event.context.image, request.group_id())) {
    return consumers_.JoinClassic(event, call, request);
  }
  Step step = StepFor(event, request.group_id());
  const bool is_pending = step.soft.pending_ids.contains(member_id);
  if (!step.draft.exists()) {
    if (!member_id.empty() && !is_pending) return fail(ErrorCode::kUnknownMemberId, member_id);
    if (event.context.image.groups().size() >= limits::kGroupsMax) {
      return fail(ErrorCode::kPolicyViolation, member_id);
    }
  }
  if (!HasRoom(step, request)) {
    RefuseForSize(step, member_id);
    return fail(ErrorCode::kGroupMaxSizeReached, "");
  }
  const ErrorCode protocols = CheckProtocols(step, request);
  if (protocols != ErrorCode::kNone) return fail(protocols, member_id);
  if (member_id.empty()) return JoinNewMember(step, call, request);
  JoinKnownMember(step, call, request);
}

// While members join again, those who come last are too many, be they old ones: the limit may have
// been lowered.
void GroupCoordinator::RefuseForSize(Step& step, const std::string& member_id) {
  RemovePendingId(step, member_id);
  if (step.draft.state() != GroupState::kPreparingRebalance) return;
  if (step.group().FindMember(member_id) != nullptr) RemoveMembers(step, {member_id});
  CompleteIfAllJoined(step);
}

bool GroupCoordinator::HasRoom(const Step& step, const JoinGroupRequest& request) const {
  const metadata::Group& group = step.group();
  const std::string* static_id =
      request.member_id().empty() ? group.FindStaticMember(request.instance_id()) : nullptr;
  const std::string& id = static_id == nullptr ? request.member_id() : *static_id;
  const GroupMemberSoftState* known = step.soft.Find(id);
  const size_t size_max = std::min(static_cast<size_t>(config_.size_max), limits::kGroupMembersMax);
  // Also of those that do not join again meanwhile, and stay until their sessions end.
  if (known == nullptr && group.members.size() >= limits::kGroupMembersMax) return false;
  switch (step.draft.state()) {
    case GroupState::kPreparingRebalance:
      if ((known == nullptr || known->join_call == 0) && step.soft.joined >= size_max) return false;
      break;
    case GroupState::kCompletingRebalance:
    case GroupState::kStable:
      if (known == nullptr && group.members.size() >= size_max) return false;
      break;
    case GroupState::kEmpty:
    case GroupState::kAssigning:
    case GroupState::kReconciling:
      break;
  }
  const metadata::GroupMember* member = group.FindMember(id);
  const size_t before = member == nullptr ? 0 : SubscriptionBytes(member->subscription.get());
  const GroupSubscription subscription = SubscriptionOf(request);
  return step.soft.subscription_bytes - before + SubscriptionBytes(&subscription) <=
         limits::kGroupSubscriptionBytesMax;
}

ErrorCode GroupCoordinator::CheckProtocols(const Step& step,
                                           const JoinGroupRequest& request) const {
  constexpr ErrorCode kInconsistent = ErrorCode::kInconsistentGroupProtocol;
  const metadata::Group& group = step.group();
  if (group.state == GroupState::kEmpty) {
    const bool is_empty = request.protocol_type().empty() || request.protocols().empty();
    return is_empty ? kInconsistent : ErrorCode::kNone;
  }
  if (request.protocol_type() != group.protocol_type) return kInconsistent;
  for (const auto& protocol : request.protocols()) {
    const auto support = step.soft.support.find(protocol.name());
    if (support != step.soft.support.end() && support->second == group.members.size()) {
      return ErrorCode::kNone;
    }
  }
  return kInconsistent;
}

void GroupCoordinator::JoinNewMember(Step& step, GroupCallId call,
                                     const JoinGroupRequest& request) {
  const bool is_static = !request.instance_id().empty();
  const std::string new_id = NewMemberId(is_static ? request.instance_id() : request.client_id(),
                                         *step.event.context.prng);
  if (is_static) {
    const std::string* known = step.group().FindStaticMember(request.instance_id());
    if (known == nullptr) return AddMember(step, new_id, call, request);
    return ReplaceStaticMember(step, std::string(*known), new_id, call, request);
  }
  if (!request.requires_known_member_id()) return AddMember(step, new_id, call, request);
  if (!AddPendingId(step, new_id, std::chrono::milliseconds(request.session_timeout_ms()))) {
    return Answer(step.event, call, JoinFailure(ErrorCode::kCoordinatorNotAvailable, ""));
  }
  Answer(step.event, call, JoinFailure(ErrorCode::kMemberIdRequired, new_id));
}

void GroupCoordinator::JoinKnownMember(Step& step, GroupCallId call,
                                       const JoinGroupRequest& request) {
  const std::string& id = request.member_id();
  const auto fail = [&](ErrorCode error) { Answer(step.event, call, JoinFailure(error, id)); };
  if (step.soft.pending_ids.contains(id)) {
    // Ids are handed out to dynamic members only.
    if (!request.instance_id().empty()) return fail(ErrorCode::kUnknownMemberId);
    RemovePendingId(step, id);
    return AddMember(step, id, call, request);
  }
  const ErrorCode error = metadata::CheckMember(step.group(), {id, request.instance_id()});
  if (error != ErrorCode::kNone) return fail(error);
  const bool changes = !HasSameProtocols(*step.group().FindMember(id), request);
  const bool leads = step.group().leader == id;
  switch (step.draft.state()) {
    case GroupState::kPreparingRebalance:
      return UpdateMember(step, id, call, request);
    case GroupState::kCompletingRebalance:
      // It may not have heard of the generation: it is told again.
      if (changes) return UpdateMember(step, id, call, request);
      break;
    case GroupState::kStable:
      if (changes || (leads && WantsToAssign(step.group(), step.event.context.image, request))) {
        return UpdateMember(step, id, call, request);
      }
      break;
    case GroupState::kEmpty:
    case GroupState::kAssigning:
    case GroupState::kReconciling:
      return fail(ErrorCode::kUnknownMemberId);
  }
  timers_.Extend(SessionTimer(step.group_id(), id),
                 step.now() + step.soft.Find(id)->session_timeout);
  Answer(step.event, call, JoinReply(step, id));
}

void GroupCoordinator::PutMember(Step& step, const std::string& member_id,
                                 const std::string& replaces, const JoinGroupRequest& request) {
  const metadata::GroupMember* known = step.group().FindMember(member_id);
  step.draft.PutMember(member_id, FieldsOf(request, known), replaces);
  step.draft.PutSubscription(member_id, SubscriptionOf(request));
}

void GroupCoordinator::AddMember(Step& step, const std::string& member_id, GroupCallId call,
                                 const JoinGroupRequest& request) {
  if (step.draft.state() == GroupState::kPreparingRebalance) step.soft.new_member_added = true;
  if (step.group().members.empty()) BecomeClassic(step, request.protocol_type());
  if (step.group().leader.empty()) step.draft.SetLeader(member_id);
  PutMember(step, member_id, "", request);
  GroupMemberSoftState& soft = AddSoftMember(step, member_id);
  soft.is_new = true;
  soft.is_anonymous = request.member_id().empty() && request.instance_id().empty();
  WaitForJoin(step, member_id, call);
  PrepareOrComplete(step, ReasonOf("a new member,", member_id, request));
}

// An empty group is of the type of who joins it. Its generations go on.
void GroupCoordinator::BecomeClassic(Step& step, const std::string& protocol_type) {
  step.draft.SetProtocolType(protocol_type);
  if (step.group().type == metadata::GroupType::kClassic) return;
  step.draft.SetType(metadata::GroupType::kClassic);
  step.draft.SetProtocolName("");
  step.draft.SetAssignmentEpoch(0);
  step.draft.SetTopicsHash(0);
}

void GroupCoordinator::UpdateMember(Step& step, const std::string& member_id, GroupCallId call,
                                    const JoinGroupRequest& request) {
  CountSubscription(step.soft, *step.group().FindMember(member_id), -1);
  PutMember(step, member_id, "", request);
  AddSoftMember(step, member_id);
  WaitForJoin(step, member_id, call);
  PrepareOrComplete(step, ReasonOf("joins again,", member_id, request));
}

void GroupCoordinator::ReplaceStaticMember(Step& step, const std::string& old_id,
                                           const std::string& new_id, GroupCallId call,
                                           const JoinGroupRequest& request) {
  const std::string old_leader = step.group().leader;
  ForgetSoftMember(step, old_id, ErrorCode::kFencedInstanceId);
  PutMember(step, new_id, old_id, request);
  AddSoftMember(step, new_id);
  if (old_leader == old_id) step.draft.SetLeader(new_id);
  WaitForJoin(step, new_id, call);
  const std::string reason = ReasonOf("a static member is back as", new_id, request);
  switch (step.draft.state()) {
    case GroupState::kStable:
      if (SelectProtocol(step) == step.group().protocol_name) {
        return AnswerReplacedInStable(step, new_id, old_leader, request);
      }
      return Prepare(step, reason);
    case GroupState::kCompletingRebalance:
      // The leader may be about to assign to the old id.
      return Prepare(step, reason);
    case GroupState::kPreparingRebalance:
      return CompleteIfAllJoined(step);
    case GroupState::kEmpty:
    case GroupState::kAssigning:
    case GroupState::kReconciling:
      WEIR_UNREACHABLE("a classic group with a static member is not empty");
  }
}

// It gets the assignment that it had. A leader is told to skip assigning if it knows how
// (KIP-814); otherwise it is told of its old id as leader, and takes itself for a follower.
void GroupCoordinator::AnswerReplacedInStable(Step& step, const std::string& member_id,
                                              const std::string& old_leader,
                                              const JoinGroupRequest& request) {
  group::v1::JoinGroupReply reply = JoinReply(step, member_id);
  if (request.supports_skip_assignment()) {
    reply.set_skip_assignment(step.group().leader == member_id);
  } else {
    reply.set_leader(old_leader);
    reply.clear_members();
  }
  GroupMemberSoftState& soft = *step.soft.Find(member_id);
  --step.soft.joined;
  Answer(step.event, std::exchange(soft.join_call, 0), std::move(reply));
  StartSession(step, member_id, soft);
  Note(step, "a static member is back as " + member_id + "; nobody is moved");
}

}  // namespace weir::state
