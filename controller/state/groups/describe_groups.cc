#include "controller/state/groups/describe_groups.h"

#include <string>
#include <vector>

#include "common/base/limits.h"
#include "common/metadata/group_checks.h"

namespace weir::state {
namespace {

using metadata::Group;
using metadata::GroupMember;

void Describe(const std::string& member_id, const GroupMember& member, const Group& group,
              group::v1::DescribedMember* out) {
  out->set_member_id(member_id);
  out->set_instance_id(member.instance_id);
  // In every other state it is of a generation that is over, or not complete.
  const bool is_stable = group.state == metadata::GroupState::kStable;
  if (member.subscription != nullptr) {
    out->set_client_id(member.subscription->client_id);
    out->set_client_host(member.subscription->client_host);
    const std::string* data = member.subscription->FindMetadata(group.protocol_name);
    if (is_stable && data != nullptr) out->set_metadata(*data);
  }
  if (is_stable && member.assignment != nullptr) out->set_assignment(*member.assignment);
}

// A reply ends with the group that takes it past this many bytes: the loop has other work.
constexpr size_t kReplyBytesTarget = 1024 * 1024;
// What frames and names a group, whose ids are Kafka strings, beside its members.
constexpr size_t kGroupOverheadBytes = 256 * 1024;
// One more group has room in the message.
constexpr size_t kMembersBytesMax =
    limits::kRpcMessageBytesMax - kReplyBytesTarget - 2 * kGroupOverheadBytes;

// `describe_member(member_id, member, out)`. Returns false, with part of them, when they take more
// than kMembersBytesMax.
template <class Described, class DescribeMember>
bool DescribeMembers(const Group& group, Described* out, DescribeMember describe_member) {
  size_t bytes = 0;
  for (const auto& [member_id, member] : group.members) {
    auto* described = out->add_members();
    describe_member(member_id, member, described);
    bytes += described->ByteSizeLong();
    if (bytes > kMembersBytesMax) return false;
  }
  return true;
}

// `describe(group_id, out)` returns false where the group does not fit.
template <class Reply, class Request, class DescribeGroup>
Reply DescribeFirst(const Request& request, DescribeGroup describe) {
  Reply reply;
  size_t bytes = 0;
  for (const std::string& group_id : request.group_ids()) {
    auto* out = reply.add_groups();
    out->set_group_id(group_id);
    if (!describe(group_id, out)) {
      out->Clear();
      out->set_group_id(group_id);
      out->set_error_code(static_cast<int32_t>(ErrorCode::kUnknownServerError));
    }
    bytes += out->ByteSizeLong();
    if (bytes >= kReplyBytesTarget) break;
  }
  return reply;
}

bool Describe(const Group& group, group::v1::DescribedGroup* out) {
  out->set_state(std::string(GroupStateName(group.state)));
  out->set_type(std::string(GroupTypeName(group.type)));
  out->set_protocol_type(group.protocol_type);
  if (group.state == metadata::GroupState::kStable) out->set_protocol_name(group.protocol_name);
  out->set_generation_id(group.generation);
  out->set_leader(group.leader);
  return DescribeMembers(group, out, [&](const auto& member_id, const auto& member, auto* to) {
    Describe(member_id, member, group, to);
  });
}

using NamedPartitions = google::protobuf::RepeatedPtrField<group::v1::NamedTopicPartitions>;

// Topics that are gone have no name, and are left out.
void Describe(const MetadataImage& image, const metadata::PartitionsByTopic& partitions,
              NamedPartitions* out) {
  for (const auto& [id, numbers] : partitions) {
    const metadata::Topic* topic = image.FindTopic(id);
    if (topic == nullptr) continue;
    group::v1::NamedTopicPartitions* named = out->Add();
    named->set_topic_id(id.ToBytes());
    named->set_topic_name(topic->name);
    named->mutable_partitions()->Add(numbers.begin(), numbers.end());
  }
}

void Describe(const MetadataImage& image, const std::string& member_id, const GroupMember& member,
              group::v1::DescribedConsumer* out) {
  out->set_member_id(member_id);
  out->set_instance_id(member.instance_id);
  out->set_member_epoch(member.member_epoch);
  out->set_uses_classic_protocol(member.uses_classic_protocol);
  if (member.subscription != nullptr) {
    out->set_client_id(member.subscription->client_id);
    out->set_client_host(member.subscription->client_host);
    out->set_rack_id(member.subscription->rack_id);
    out->set_subscribed_topic_regex(member.subscription->topic_regex);
    for (const std::string& name : member.subscription->topic_names) {
      out->add_subscribed_topic_names(name);
    }
  }
  Describe(image, metadata::Get(member.assigned), out->mutable_assignment());
  Describe(image, metadata::Get(member.target), out->mutable_target_assignment());
}

bool Describe(const MetadataImage& image, const Group& group,
              group::v1::DescribedConsumerGroup* out) {
  out->set_state(std::string(GroupStateName(group.state)));
  out->set_group_epoch(group.generation);
  out->set_assignment_epoch(group.assignment_epoch);
  out->set_assignor_name(group.protocol_name);
  return DescribeMembers(group, out, [&](const auto& member_id, const auto& member, auto* to) {
    Describe(image, member_id, member, to);
  });
}

}  // namespace

group::v1::DescribeGroupsReply DescribeGroups(const MetadataImage& image,
                                              const group::v1::DescribeGroupsRequest& request) {
  return DescribeFirst<group::v1::DescribeGroupsReply>(
      request, [&](const std::string& group_id, group::v1::DescribedGroup* out) {
        const Group* group = image.FindGroup(group_id);
        if (group != nullptr && group->type == metadata::GroupType::kClassic) {
          return Describe(*group, out);
        }
        out->set_state("Dead");
        out->set_error_code(static_cast<int32_t>(ErrorCode::kGroupIdNotFound));
        return true;
      });
}

group::v1::DescribeConsumerGroupsReply DescribeConsumerGroups(
    const MetadataImage& image, const group::v1::DescribeConsumerGroupsRequest& request) {
  return DescribeFirst<group::v1::DescribeConsumerGroupsReply>(
      request, [&](const std::string& group_id, group::v1::DescribedConsumerGroup* out) {
        if (group_id.empty()) {
          out->set_error_code(static_cast<int32_t>(ErrorCode::kInvalidGroupId));
          return true;
        }
        const Group* group = image.FindGroup(group_id);
        if (group != nullptr && group->type == metadata::GroupType::kConsumer) {
          return Describe(image, *group, out);
        }
        out->set_state("Dead");
        out->set_error_code(static_cast<int32_t>(ErrorCode::kGroupIdNotFound));
        out->set_error_message("Group " + group_id +
                               (group == nullptr ? " not found." : " is not a consumer group."));
        return true;
      });
}

group::v1::ListGroupsReply ListGroups(const MetadataImage& image,
                                      const group::v1::ListGroupsRequest& request) {
  const std::vector<std::string> states(request.states().begin(), request.states().end());
  const std::vector<std::string> types(request.types().begin(), request.types().end());
  group::v1::ListGroupsReply reply;
  for (const auto& [group_id, group] : image.groups()) {
    if (!metadata::PassesFilters(group, states, types)) continue;
    group::v1::ListedGroup* out = reply.add_groups();
    out->set_group_id(group_id);
    out->set_protocol_type(group.protocol_type);
    out->set_state(std::string(GroupStateName(group.state)));
    out->set_type(std::string(GroupTypeName(group.type)));
  }
  return reply;
}

}  // namespace weir::state
