#include "controller/state/groups/group_migration.h"

#include <algorithm>
#include <set>
#include <utility>

#include "common/base/limits.h"
#include "controller/state/groups/subscription_bytes.h"

namespace weir::state {
namespace {

using metadata::Group;
using metadata::GroupMember;
using metadata::GroupSubscription;

GroupDraft::MemberFields FieldsOf(const GroupMember& member, bool uses_classic_protocol) {
  return {member.instance_id, member.session_timeout_ms, member.rebalance_timeout_ms,
          uses_classic_protocol};
}

// Whether it says which partitions the member has, and nothing more: the server's assignors would
// lose what a custom one wrote beside them.
bool IsPlainAssignment(const GroupMember& member) {
  if (member.assignment == nullptr || member.assignment->empty()) return true;
  const auto assignment = ParseClassicAssignment(*member.assignment);
  return assignment && !assignment->has_user_data;
}

// What the leader had given the member, without what another member has too.
PartitionsByTopic TakeAssigned(const MetadataImage& image, const GroupMember& member,
                               std::set<std::pair<Uuid, int32_t>>* taken) {
  if (member.assignment == nullptr) return {};
  const auto assigned = ParseClassicAssignment(*member.assignment);
  PartitionsByTopic own;
  if (!assigned) return own;
  for (const auto& [topic, partitions] : ToIds(image, assigned->partitions)) {
    for (const int32_t partition : partitions) {
      if (taken->emplace(topic, partition).second) own[topic].push_back(partition);
    }
  }
  return own;
}

// Of the records of a change of type, about: what each member says, read as topics too, and has.
size_t BytesToBecomeAnother(const Group& group) {
  constexpr size_t kRecords = 5;
  constexpr size_t kRecordBytes = 48;
  constexpr size_t kTopicBytes = 256;
  size_t bytes = 0;
  for (const auto& [member_id, member] : group.members) {
    bytes += kRecords * (kRecordBytes + member_id.size());
    bytes += SubscriptionBytes(member.subscription.get());
    if (member.subscription != nullptr) {
      for (const auto& protocol : member.subscription->protocols) bytes += protocol.metadata.size();
    }
    if (member.assignment != nullptr) bytes += member.assignment->size();
    for (const auto& [topic, partitions] : metadata::Get(member.assigned)) {
      bytes += kTopicBytes + partitions.size() * sizeof(int32_t);
    }
  }
  return bytes;
}

}  // namespace

bool FitsIntoOneChange(const Group& group) {
  // The event that brings it on changes something else too.
  return BytesToBecomeAnother(group) <=
         limits::kMetadataBatchBytesMax - limits::kGroupMemberBytesMax;
}

std::optional<ClassicSubscription> ReadSubscription(const GroupSubscription& subscription,
                                                    const std::string& protocol_name) {
  const std::string* data = subscription.FindMetadata(protocol_name);
  if (data == nullptr && !subscription.protocols.empty()) {
    data = &subscription.protocols.front().metadata;
  }
  return data == nullptr ? std::nullopt : ParseClassicSubscription(*data);
}

PartitionsByTopic ToIds(const MetadataImage& image, const PartitionsByName& partitions) {
  PartitionsByTopic ids;
  for (const auto& [name, numbers] : partitions) {
    const metadata::Topic* topic = image.FindTopic(name);
    if (topic == nullptr) continue;
    const std::set<int32_t> sorted(numbers.begin(), numbers.end());
    for (const int32_t number : sorted) {
      if (number >= 0 && topic->FindPartition(PartitionIndex(number)) != nullptr) {
        ids[topic->id].push_back(number);
      }
    }
  }
  return ids;
}

PartitionsByName ToNames(const MetadataImage& image, const PartitionsByTopic& partitions) {
  PartitionsByName names;
  for (const auto& [id, numbers] : partitions) {
    if (const metadata::Topic* topic = image.FindTopic(id)) names[topic->name] = numbers;
  }
  return names;
}

std::string CommonProtocol(const Group& group) {
  std::map<std::string, size_t> support;
  size_t classic = 0;
  for (const auto& [member_id, member] : group.members) {
    if (!member.uses_classic_protocol || member.subscription == nullptr) continue;
    ++classic;
    for (const metadata::GroupProtocol& protocol : member.subscription->protocols) {
      ++support[protocol.name];
    }
  }
  const auto common = std::find_if(support.begin(), support.end(),
                                   [classic](const auto& each) { return each.second == classic; });
  return common == support.end() ? std::string() : common->first;
}

bool CanBecomeConsumerGroup(const Group& group) {
  if (group.protocol_type != kConsumerProtocolType) return false;
  return std::all_of(group.members.begin(), group.members.end(), [&group](const auto& entry) {
    const GroupMember& member = entry.second;
    return member.subscription != nullptr &&
           ReadSubscription(*member.subscription, group.protocol_name).has_value() &&
           IsPlainAssignment(member);
  });
}

void BecomeConsumerGroup(const MetadataImage& image, GroupDraft& draft) {
  const Group before = draft.group();
  draft.SetType(metadata::GroupType::kConsumer);
  draft.SetAssignmentEpoch(before.generation);
  draft.SetLeader("");
  draft.SetProtocolName("");
  std::set<std::pair<Uuid, int32_t>> taken;
  for (const auto& [member_id, member] : before.members) {
    const ClassicSubscription said = *ReadSubscription(*member.subscription, before.protocol_name);
    GroupSubscription subscription = *member.subscription;
    const std::set<std::string> topics(said.topics.begin(), said.topics.end());
    subscription.topic_names.assign(topics.begin(), topics.end());
    subscription.rack_id = said.rack_id;
    const PartitionsByTopic assigned = TakeAssigned(image, member, &taken);
    draft.PutMember(member_id, FieldsOf(member, true));
    draft.PutSubscription(member_id, std::move(subscription));
    draft.PutAssignment(member_id, "");
    draft.PutTarget(member_id, assigned);
    draft.PutProgress(member_id, {before.generation,
                                  before.generation,
                                  metadata::ConsumerMemberState::kStable,
                                  assigned,
                                  {}});
  }
}

bool CanBecomeClassicGroup(const Group& group) {
  if (group.members.empty()) return false;
  const bool all_classic =
      std::all_of(group.members.begin(), group.members.end(),
                  [](const auto& entry) { return entry.second.uses_classic_protocol; });
  return all_classic && !CommonProtocol(group).empty();
}

void BecomeClassicGroup(const MetadataImage& image, GroupDraft& draft) {
  const Group before = draft.group();
  const std::string protocol = CommonProtocol(before);
  draft.SetType(metadata::GroupType::kClassic);
  draft.SetAssignmentEpoch(0);
  draft.SetTopicsHash(0);
  draft.SetProtocolType(std::string(kConsumerProtocolType));
  draft.SetProtocolName(protocol);
  draft.SetLeader(before.members.begin()->first);
  draft.SetState(metadata::GroupState::kStable);
  for (const auto& [member_id, member] : before.members) {
    const auto said = ReadSubscription(*member.subscription, protocol);
    GroupSubscription subscription = *member.subscription;
    subscription.topic_names.clear();
    subscription.rack_id.clear();
    draft.PutMember(member_id, FieldsOf(member, false));
    draft.PutSubscription(member_id, std::move(subscription));
    draft.PutAssignment(member_id,
                        SerializeClassicAssignment(said ? said->version : int16_t{0},
                                                   ToNames(image, metadata::Get(member.assigned))));
    draft.PutTarget(member_id, {});
    draft.PutProgress(member_id, {});
  }
}

}  // namespace weir::state
