#include "common/metadata/group.h"

#include <utility>

namespace weir::metadata {
namespace {

template <class T>
bool PointeesEqual(const std::shared_ptr<const T>& a, const std::shared_ptr<const T>& b) {
  return a == b || (a != nullptr && b != nullptr && *a == *b);
}

// Whether a member of that id may have that instance id.
bool InstanceIsFree(const Group& group, const std::string& instance_id,
                    const std::string& member_id, const std::string& replaces_member_id) {
  const std::string* owner = group.FindStaticMember(instance_id);
  return owner == nullptr || *owner == member_id || *owner == replaces_member_id;
}

void EraseMember(Group& group, const std::string& member_id) {
  const std::string instance_id = group.FindMember(member_id)->instance_id;
  group.members.Erase(member_id);
  if (!instance_id.empty()) group.static_members.Erase(instance_id);
}

}  // namespace

const std::string* GroupSubscription::FindMetadata(std::string_view protocol_name) const {
  for (const GroupProtocol& protocol : protocols) {
    if (protocol.name == protocol_name) return &protocol.metadata;
  }
  return nullptr;
}

bool operator==(const GroupMember& a, const GroupMember& b) {
  return a.instance_id == b.instance_id && a.session_timeout_ms == b.session_timeout_ms &&
         a.rebalance_timeout_ms == b.rebalance_timeout_ms && a.member_epoch == b.member_epoch &&
         a.previous_member_epoch == b.previous_member_epoch && a.state == b.state &&
         a.uses_classic_protocol == b.uses_classic_protocol &&
         PointeesEqual(a.subscription, b.subscription) &&
         PointeesEqual(a.assignment, b.assignment) && PointeesEqual(a.target, b.target) &&
         PointeesEqual(a.assigned, b.assigned) &&
         PointeesEqual(a.pending_revocation, b.pending_revocation);
}

bool ApplyToGroup(Group& group, const v1::GroupRecord& record) {
  if (!v1::GroupType_IsValid(record.type()) || record.type() == v1::GROUP_TYPE_UNKNOWN) {
    return false;
  }
  if (!v1::GroupState_IsValid(record.state()) || record.state() == v1::GROUP_STATE_UNKNOWN) {
    return false;
  }
  if (record.generation() < 0 || record.assignment_epoch() < 0) return false;
  group.type = static_cast<GroupType>(record.type());
  group.state = static_cast<GroupState>(record.state());
  group.generation = record.generation();
  group.protocol_type = record.protocol_type();
  group.protocol_name = record.protocol_name();
  group.leader = record.leader();
  group.assignment_epoch = record.assignment_epoch();
  group.topics_hash = record.topics_hash();
  return true;
}

bool ApplyToGroup(Group& group, const v1::GroupMemberRecord& record) {
  const std::string& id = record.member_id();
  const std::string& replaced = record.replaces_member_id();
  if (id.empty() || id == replaced) return false;
  if (!InstanceIsFree(group, record.instance_id(), id, replaced)) return false;
  if (!replaced.empty() && (!group.members.Contains(replaced) || group.members.Contains(id))) {
    return false;
  }
  const std::string& known_as = replaced.empty() ? id : replaced;
  GroupMember member;
  if (const GroupMember* known = group.FindMember(known_as)) {
    member = *known;
    EraseMember(group, known_as);
  }
  member.instance_id = record.instance_id();
  member.session_timeout_ms = record.session_timeout_ms();
  member.rebalance_timeout_ms = record.rebalance_timeout_ms();
  member.uses_classic_protocol = record.uses_classic_protocol();
  if (member.is_static()) group.static_members.Put(member.instance_id, id);
  group.members.Put(id, std::move(member));
  return true;
}

bool ApplyToGroup(Group& group, const v1::RemoveGroupMembersRecord& record) {
  bool removed = false;
  for (const std::string& id : record.member_ids()) {
    if (!group.members.Contains(id)) continue;
    EraseMember(group, id);
    removed = true;
  }
  return removed;
}

bool ApplyToGroup(Group& group, const v1::GroupSubscriptionRecord& record) {
  GroupMember* member = group.members.Mutable(record.member_id());
  if (member == nullptr) return false;
  auto subscription = std::make_shared<GroupSubscription>();
  subscription->client_id = record.client_id();
  subscription->client_host = record.client_host();
  subscription->protocols.reserve(static_cast<size_t>(record.protocols_size()));
  for (const v1::GroupProtocol& protocol : record.protocols()) {
    subscription->protocols.push_back({protocol.name(), protocol.metadata()});
  }
  subscription->rack_id = record.rack_id();
  subscription->topic_names.assign(record.topic_names().begin(), record.topic_names().end());
  subscription->topic_regex = record.topic_regex();
  subscription->server_assignor = record.server_assignor();
  member->subscription = std::move(subscription);
  return true;
}

bool ApplyToGroup(Group& group, const v1::GroupAssignmentRecord& record) {
  GroupMember* member = group.members.Mutable(record.member_id());
  if (member == nullptr) return false;
  member->assignment = record.assignment().empty()
                           ? nullptr
                           : std::make_shared<const std::string>(record.assignment());
  return true;
}

bool ApplyToGroup(Group& group, const v1::GroupMemberEpochRecord& record) {
  if (!v1::ConsumerMemberState_IsValid(record.state()) ||
      record.state() == v1::CONSUMER_MEMBER_STATE_UNKNOWN) {
    return false;
  }
  if (record.member_epoch() < kStaticMemberAwayEpoch) return false;
  GroupMember* member = group.members.Mutable(record.member_id());
  if (member == nullptr) return false;
  member->member_epoch = record.member_epoch();
  member->previous_member_epoch = record.previous_member_epoch();
  member->state = static_cast<ConsumerMemberState>(record.state());
  return true;
}

bool ApplyToGroup(Group& group, const v1::GroupTargetAssignmentRecord& record) {
  std::optional<PartitionsByTopic> partitions = ParsePartitions(record.partitions());
  GroupMember* member = partitions ? group.members.Mutable(record.member_id()) : nullptr;
  if (member == nullptr) return false;
  member->target = Share(*std::move(partitions));
  return true;
}

bool ApplyToGroup(Group& group, const v1::GroupCurrentAssignmentRecord& record) {
  std::optional<PartitionsByTopic> assigned = ParsePartitions(record.assigned());
  std::optional<PartitionsByTopic> pending = ParsePartitions(record.pending_revocation());
  GroupMember* member = assigned && pending ? group.members.Mutable(record.member_id()) : nullptr;
  if (member == nullptr) return false;
  member->assigned = Share(*std::move(assigned));
  member->pending_revocation = Share(*std::move(pending));
  return true;
}

void FillRecord(const std::string& group_id, const Group& group, v1::GroupRecord* out) {
  out->set_group_id(group_id);
  out->set_type(static_cast<v1::GroupType>(group.type));
  out->set_state(static_cast<v1::GroupState>(group.state));
  out->set_generation(group.generation);
  out->set_protocol_type(group.protocol_type);
  out->set_protocol_name(group.protocol_name);
  out->set_leader(group.leader);
  out->set_assignment_epoch(group.assignment_epoch);
  out->set_topics_hash(group.topics_hash);
}

void FillRecord(const std::string& group_id, const std::string& member_id,
                GroupSubscription subscription, v1::GroupSubscriptionRecord* out) {
  out->set_group_id(group_id);
  out->set_member_id(member_id);
  out->set_client_id(std::move(subscription.client_id));
  out->set_client_host(std::move(subscription.client_host));
  for (GroupProtocol& protocol : subscription.protocols) {
    v1::GroupProtocol* copy = out->add_protocols();
    copy->set_name(std::move(protocol.name));
    copy->set_metadata(std::move(protocol.metadata));
  }
  out->set_rack_id(std::move(subscription.rack_id));
  for (std::string& name : subscription.topic_names) out->add_topic_names(std::move(name));
  out->set_topic_regex(std::move(subscription.topic_regex));
  out->set_server_assignor(std::move(subscription.server_assignor));
}

void FillRecord(const std::string& group_id, const std::string& member_id,
                const GroupMember& member, v1::GroupMemberEpochRecord* out) {
  out->set_group_id(group_id);
  out->set_member_id(member_id);
  out->set_member_epoch(member.member_epoch);
  out->set_previous_member_epoch(member.previous_member_epoch);
  out->set_state(static_cast<v1::ConsumerMemberState>(member.state));
}

std::string_view GroupStateName(GroupState state) {
  switch (state) {
    case GroupState::kEmpty:
      return "Empty";
    case GroupState::kPreparingRebalance:
      return "PreparingRebalance";
    case GroupState::kCompletingRebalance:
      return "CompletingRebalance";
    case GroupState::kStable:
      return "Stable";
    case GroupState::kAssigning:
      return "Assigning";
    case GroupState::kReconciling:
      return "Reconciling";
  }
  return "";
}

std::string_view GroupTypeName(GroupType type) {
  switch (type) {
    case GroupType::kClassic:
      return "classic";
    case GroupType::kConsumer:
      return "consumer";
  }
  return "";
}

}  // namespace weir::metadata
