// ConsumerGroups, members that use the classic protocol (KIP-848, online migration): their joins,
// syncs and leaves. They are told an epoch as their generation, never lead, and never assign.
#include <algorithm>
#include <set>
#include <utility>

#include "common/metadata/group_checks.h"
#include "controller/state/groups/consumer_groups.h"
#include "controller/state/groups/group_migration.h"
#include "controller/state/groups/group_replies.h"

namespace weir::state {
namespace {

using group::v1::JoinGroupRequest;
using metadata::Group;
using metadata::GroupMember;
using metadata::GroupSubscription;

// Who a LeaveGroup is about; an error: nobody that may leave so.
ErrorCode FindLeaving(const Group& group, const group::v1::LeavingMember& leaving,
                      std::string* member_id) {
  *member_id = leaving.member_id();
  if (member_id->empty()) {
    const std::string* owner =
        leaving.instance_id().empty() ? nullptr : group.FindStaticMember(leaving.instance_id());
    if (owner == nullptr) return ErrorCode::kUnknownMemberId;
    *member_id = *owner;
    return ErrorCode::kNone;
  }
  const ErrorCode error = metadata::CheckMember(group, {*member_id, leaving.instance_id()});
  if (error != ErrorCode::kNone) return error;
  return group.FindMember(*member_id)->uses_classic_protocol ? ErrorCode::kNone
                                                             : ErrorCode::kUnknownMemberId;
}

// The first of the member's protocols that all classic members support; empty: there is none.
std::string SharedProtocol(const Group& group, const std::string& member_id,
                           const JoinGroupRequest& request) {
  for (const auto& protocol : request.protocols()) {
    const bool shared =
        std::all_of(group.members.begin(), group.members.end(), [&](const auto& entry) {
          const GroupMember& member = entry.second;
          return entry.first == member_id || !member.uses_classic_protocol ||
                 member.subscription->FindMetadata(protocol.name()) != nullptr;
        });
    if (shared) return protocol.name();
  }
  return {};
}

GroupSubscription SubscriptionOf(const JoinGroupRequest& request, const ClassicSubscription& said) {
  GroupSubscription subscription;
  subscription.client_id = request.client_id();
  subscription.client_host = request.client_host();
  subscription.rack_id = said.rack_id;
  const std::set<std::string> topics(said.topics.begin(), said.topics.end());
  subscription.topic_names.assign(topics.begin(), topics.end());
  for (const auto& protocol : request.protocols()) {
    if (subscription.FindMetadata(protocol.name()) != nullptr) continue;
    subscription.protocols.push_back({protocol.name(), protocol.metadata()});
  }
  return subscription;
}

}  // namespace

void ConsumerGroups::LeaveClassic(GroupEvent& event, const group::v1::LeaveGroupRequest& request,
                                  group::v1::LeaveGroupReply* reply) {
  Step step = StepFor(event, request.group_id());
  for (const group::v1::LeavingMember& leaving : request.members()) {
    std::string member_id;
    const ErrorCode error = FindLeaving(step.group(), leaving, &member_id);
    if (error == ErrorCode::kNone) {
      RemoveMember(
          step, member_id,
          leaving.reason().empty() ? "leaves" : "leaves; client reason: " + leaving.reason());
    }
    group::v1::LeftMember* left = reply->add_members();
    left->set_member_id(leaving.member_id());
    left->set_instance_id(leaving.instance_id());
    left->set_error_code(static_cast<int32_t>(error));
  }
  UpdateTarget(step);
}

Result<ConsumerGroups::Caller> ConsumerGroups::FindClassicCaller(
    const Step& step, const JoinGroupRequest& request) const {
  const Group& group = step.group();
  Caller caller;
  caller.member_id = request.member_id();
  const std::string* owner =
      request.instance_id().empty() ? nullptr : group.FindStaticMember(request.instance_id());
  if (caller.member_id.empty()) {
    const bool is_static = !request.instance_id().empty();
    caller.member_id = NewMemberId(is_static ? request.instance_id() : request.client_id(),
                                   *step.event.context.prng);
    if (owner != nullptr) {
      caller.replaces = *owner;
      caller.known = *group.FindMember(*owner);
    } else if (!is_static && request.requires_known_member_id()) {
      return Fail(ErrorCode::kMemberIdRequired, caller.member_id);
    }
    return caller;
  }
  if (!request.instance_id().empty()) {
    if (owner == nullptr) return Fail(ErrorCode::kUnknownMemberId, caller.member_id);
    if (*owner != caller.member_id) return Fail(ErrorCode::kFencedInstanceId, caller.member_id);
  }
  // A member id that nobody has was handed out a moment ago.
  if (const GroupMember* known = group.FindMember(caller.member_id)) caller.known = *known;
  return caller;
}

void ConsumerGroups::JoinClassic(GroupEvent& event, GroupCallId call,
                                 const JoinGroupRequest& request) {
  Step step = StepFor(event, request.group_id());
  const auto fail = [&](ErrorCode error, const std::string& told) {
    event.outcome.answers.push_back({call, JoinFailure(error, told)});
  };
  const auto said = request.protocols().empty()
                        ? std::nullopt
                        : ParseClassicSubscription(request.protocols(0).metadata());
  const std::string protocol = SharedProtocol(step.group(), request.member_id(), request);
  if (request.protocol_type() != kConsumerProtocolType || !said || protocol.empty()) {
    return fail(ErrorCode::kInconsistentGroupProtocol, request.member_id());
  }
  const Result<Caller> caller = FindClassicCaller(step, request);
  if (!caller) return fail(caller.error().code, caller.error().message);
  GroupSubscription subscription = SubscriptionOf(request, *said);
  const Status room = CheckRoom(step, *caller, subscription);
  if (!room) return fail(room.error().code, request.member_id());

  GroupDraft::MemberFields fields = FieldsOf(request, caller->known ? &*caller->known : nullptr);
  fields.uses_classic_protocol = true;
  const std::string& id = caller->member_id;
  if (PutMember(step, *caller, fields, std::move(subscription))) BumpEpoch(step);
  UpdateTarget(step);
  StartSession(step, id);
  const bool begins = !caller->known || !caller->replaces.empty();
  const PartitionsByTopic owned = ToIds(step.image(), said->owned);
  Advance(step, id, begins ? MemberProgress{} : ProgressOf(*step.group().FindMember(id)), &owned);
  group::v1::JoinGroupReply reply;
  reply.set_member_id(id);
  reply.set_generation_id(step.group().FindMember(id)->member_epoch);
  reply.set_protocol_type(std::string(kConsumerProtocolType));
  reply.set_protocol_name(protocol);
  event.outcome.answers.push_back({call, std::move(reply)});
}

void ConsumerGroups::SyncClassic(GroupEvent& event, GroupCallId call,
                                 const group::v1::SyncGroupRequest& request) {
  Step step = StepFor(event, request.group_id());
  const auto fail = [&](ErrorCode error) {
    event.outcome.answers.push_back({call, SyncFailure(error)});
  };
  const Group& group = step.group();
  const ErrorCode error =
      metadata::CheckMember(group, {request.member_id(), request.instance_id()});
  if (error != ErrorCode::kNone) return fail(error);
  const GroupMember& member = *group.FindMember(request.member_id());
  if (!member.uses_classic_protocol) return fail(ErrorCode::kUnknownMemberId);
  if (member.member_epoch != request.generation_id()) return fail(ErrorCode::kIllegalGeneration);
  const bool unrevoked = member.state == metadata::ConsumerMemberState::kUnrevokedPartitions;
  if (member.member_epoch < group.assignment_epoch && !unrevoked) {
    return fail(ErrorCode::kRebalanceInProgress);
  }
  const bool named = !request.protocol_name().empty();
  const std::string* data = member.subscription->FindMetadata(request.protocol_name());
  if ((!request.protocol_type().empty() && request.protocol_type() != kConsumerProtocolType) ||
      (named && data == nullptr)) {
    return fail(ErrorCode::kInconsistentGroupProtocol);
  }
  StartSession(step, request.member_id());
  const auto said = ReadSubscription(*member.subscription, request.protocol_name());
  group::v1::SyncGroupReply reply;
  reply.set_protocol_type(std::string(kConsumerProtocolType));
  reply.set_protocol_name(request.protocol_name());
  reply.set_assignment(SerializeClassicAssignment(
      said ? said->version : int16_t{0}, ToNames(step.image(), metadata::Get(member.assigned))));
  event.outcome.answers.push_back({call, std::move(reply)});
}

bool ConsumerGroups::IsToJoinAgain(const Group& group, std::string_view group_id,
                                   const GroupMember& member) const {
  const auto soft = groups_.find(group_id);
  if (soft == groups_.end()) return false;
  for (const auto& [topic, partitions] : metadata::Get(member.target)) {
    for (const int32_t partition : partitions) {
      if (metadata::Contains(metadata::Get(member.assigned), topic, partition)) continue;
      if (!soft->second.IsOwned(topic, partition)) return true;
    }
  }
  return member.member_epoch < group.assignment_epoch;
}

}  // namespace weir::state
