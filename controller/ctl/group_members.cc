#include "controller/ctl/group_members.h"

#include <algorithm>

#include "common/base/utf8.h"
#include "controller/ctl/group_assignment.h"

namespace weir::ctl {
namespace {

using group::v1::DescribedConsumer;
using group::v1::DescribedConsumerGroup;
using group::v1::DescribedGroup;
using group::v1::DescribedMember;
using group::v1::GroupMember;

std::string PartitionName(const std::string& topic, int32_t partition) {
  return topic + "-" + std::to_string(partition);
}

// Of a DescribedMember or a DescribedConsumer.
template <class Member>
GroupMember* AddMember(const Member& from, KnownGroup& group) {
  GroupMember* member = group.description.add_members();
  member->set_member_id(ToUtf8(from.member_id()));
  member->set_instance_id(ToUtf8(from.instance_id()));
  member->set_client_id(ToUtf8(from.client_id()));
  member->set_host(ToUtf8(from.client_host()));
  return member;
}

// Makes the group's last member the owner.
void AddAssignment(const Assignment& assignment, KnownGroup& group) {
  const int index = group.description.members_size() - 1;
  for (const auto& [topic, partition] : assignment) {
    group.description.mutable_members(index)->add_assignment(PartitionName(topic, partition));
    group.owners[{topic, partition}] = index;
  }
}

Assignment Named(const google::protobuf::RepeatedPtrField<group::v1::NamedTopicPartitions>& from) {
  Assignment assignment;
  for (const auto& topic : from)
    for (const int32_t partition : topic.partitions())
      assignment.emplace_back(ToUtf8(topic.topic_name()), partition);
  std::sort(assignment.begin(), assignment.end());
  return assignment;
}

// Asks for the groups that nothing is known of yet, in as many calls as it takes.
template <class Method>
Status AskForUnknown(Session& session, const Method& method, const std::vector<std::string>& names,
                     std::vector<KnownGroup>& groups) {
  std::vector<size_t> places;
  for (size_t i = 0; i < names.size(); ++i) {
    if (!groups[i].exists) places.push_back(i);
  }
  for (size_t known = 0; known < places.size();) {
    typename Method::Request request;
    for (size_t i = known; i < places.size(); ++i) request.add_group_ids(names[places[i]]);
    WEIR_ASSIGN_OR_RETURN(const typename Method::Reply reply,
                          session.Call(method, std::move(request)));
    const auto described = static_cast<size_t>(reply.groups_size());
    if (described == 0 || described > places.size() - known)
      return Fail(ErrorCode::kUnknownServerError, "other groups were described than asked for");
    for (const auto& group : reply.groups()) {
      const size_t place = places[known++];
      const ErrorCode error = ErrorCodeFromNumber(static_cast<int16_t>(group.error_code()));
      if (error == ErrorCode::kGroupIdNotFound) continue;
      if (error != ErrorCode::kNone) return Fail(error, "group " + names[place]);
      groups[place] = Describe(group);
    }
  }
  return {};
}

}  // namespace

KnownGroup Describe(const DescribedGroup& group) {
  KnownGroup known{.exists = true, .description = {}, .owners = {}};
  known.description.set_state(group.state());
  known.description.set_type(group.type());
  known.description.set_protocol_type(ToUtf8(group.protocol_type()));
  known.description.set_protocol(ToUtf8(group.protocol_name()));
  known.description.set_generation_id(group.generation_id());
  for (const DescribedMember& member : group.members()) {
    AddMember(member, known);
    // Of a protocol that is not the consumers', nothing can be said.
    if (const auto assignment = ParseAssignment(member.assignment()))
      AddAssignment(*assignment, known);
  }
  return known;
}

KnownGroup Describe(const DescribedConsumerGroup& group) {
  KnownGroup known{.exists = true, .description = {}, .owners = {}};
  known.description.set_state(group.state());
  known.description.set_type("consumer");
  known.description.set_protocol_type("consumer");
  known.description.set_generation_id(-1);
  known.description.set_assignor(ToUtf8(group.assignor_name()));
  known.description.set_group_epoch(group.group_epoch());
  known.description.set_assignment_epoch(group.assignment_epoch());
  for (const DescribedConsumer& described : group.members()) {
    GroupMember* member = AddMember(described, known);
    member->set_member_epoch(described.member_epoch());
    member->set_type(described.uses_classic_protocol() ? "classic" : "consumer");
    AddAssignment(Named(described.assignment()), known);
    for (const auto& [topic, partition] : Named(described.target_assignment()))
      member->add_target(PartitionName(topic, partition));
  }
  return known;
}

Result<std::vector<KnownGroup>> AskGroups(Session& session, const std::vector<std::string>& names) {
  std::vector<KnownGroup> groups(names.size());
  WEIR_RETURN_IF_ERROR(AskForUnknown(session, rpc::kDescribeGroups, names, groups));
  WEIR_RETURN_IF_ERROR(AskForUnknown(session, rpc::kDescribeConsumerGroups, names, groups));
  // Each answers for one type of group, and the type may change between two calls: what was a
  // consumer group in the first and no longer in the second is a classic one.
  WEIR_RETURN_IF_ERROR(AskForUnknown(session, rpc::kDescribeGroups, names, groups));
  for (size_t i = 0; i < names.size(); ++i) groups[i].description.set_group_id(ToUtf8(names[i]));
  return groups;
}

Result<KnownGroup> AskGroup(Session& session, const std::string& name) {
  WEIR_ASSIGN_OR_RETURN(std::vector<KnownGroup> groups, AskGroups(session, {name}));
  return std::move(groups.front());
}

}  // namespace weir::ctl
