#include "common/metadata/image_writer.h"

#include <limits>
#include <utility>

#include "common/base/limits.h"

namespace weir::metadata {
namespace {

NodeIdList ToList(const google::protobuf::RepeatedField<int32_t>& ids) {
  std::vector<NodeId> list;
  list.reserve(static_cast<size_t>(ids.size()));
  for (const int32_t id : ids) list.emplace_back(id);
  return NodeIdList(list);
}

NodeId ToLeader(int32_t id) { return id < 0 ? kNoNode : NodeId(id); }

// Epochs stop at their largest value instead of wrapping.
template <class Epoch>
void Bump(Epoch* epoch) {
  if (epoch->value() < std::numeric_limits<typename Epoch::Representation>::max()) ++*epoch;
}

}  // namespace

bool ImageWriter::AddTopic(const v1::TopicRecord& record) {
  const Result<Uuid> id = Uuid::FromBytes(record.topic_id());
  if (!id || id->IsZero() || record.name().empty()) return false;
  if (image_.topics_.Contains(*id) || image_.topic_ids_.Contains(record.name())) return false;
  image_.topic_ids_.Put(record.name(), *id);
  image_.topics_.Put(*id, Topic{*id, record.name(), record.internal(), {}});
  if (auto key = CollisionName(record.name())) {
    image_.collision_names_.Put(*std::move(key), record.name());
  }
  if (delta_ != nullptr) delta_->changed_partitions[*id];
  return true;
}

bool ImageWriter::AddPartition(const v1::PartitionRecord& record) {
  const Result<Uuid> id = Uuid::FromBytes(record.topic_id());
  Topic* topic = id ? image_.topics_.Mutable(*id) : nullptr;
  if (topic == nullptr) return false;
  if (record.partition() < 0) return false;
  if (static_cast<size_t>(record.partition()) != topic->partitions.size()) return false;
  if (record.leader_epoch() < 0 || record.partition_epoch() < 0) return false;
  Partition partition;
  partition.replicas = ToList(record.replicas());
  partition.isr = ToList(record.isr());
  partition.adding_replicas = ToList(record.adding_replicas());
  partition.removing_replicas = ToList(record.removing_replicas());
  partition.original_replicas = ToList(record.original_replicas());
  partition.throttled_rate = record.throttled_rate();
  partition.elr = ToList(record.elr());
  partition.last_known_elr = ToList(record.last_known_elr());
  partition.offline_replicas = ToList(record.offline_replicas());
  partition.leader = ToLeader(record.leader());
  partition.leader_epoch = LeaderEpoch(record.leader_epoch());
  partition.partition_epoch = PartitionEpoch(record.partition_epoch());
  const PartitionIndex index(record.partition());
  topic->partitions.Put(index, std::move(partition));
  ++image_.partition_count_;
  if (delta_ != nullptr) delta_->changed_partitions[*id].insert(index);
  return true;
}

bool ImageWriter::ChangePartition(const v1::PartitionChangeRecord& record) {
  const Result<Uuid> id = Uuid::FromBytes(record.topic_id());
  const PartitionIndex index(record.partition());
  // Looked up before anything shared is copied.
  if (!id || image_.FindPartition(*id, index) == nullptr) return false;
  Partition& partition = *image_.topics_.Mutable(*id)->partitions.Mutable(index);
  if (record.has_isr()) partition.isr = ToList(record.isr().ids());
  if (record.has_replicas()) partition.replicas = ToList(record.replicas().ids());
  if (record.has_adding_replicas()) {
    partition.adding_replicas = ToList(record.adding_replicas().ids());
  }
  if (record.has_removing_replicas()) {
    partition.removing_replicas = ToList(record.removing_replicas().ids());
  }
  if (record.has_original_replicas()) {
    partition.original_replicas = ToList(record.original_replicas().ids());
  }
  if (record.has_throttled_rate()) partition.throttled_rate = record.throttled_rate();
  if (record.has_elr()) partition.elr = ToList(record.elr().ids());
  if (record.has_last_known_elr()) {
    partition.last_known_elr = ToList(record.last_known_elr().ids());
  }
  if (record.has_offline_replicas()) {
    partition.offline_replicas = ToList(record.offline_replicas().ids());
  }
  // Who is no replica any more is not an offline one.
  for (const NodeId id : NodeIdList(partition.offline_replicas)) {
    if (!partition.replicas.Contains(id)) {
      partition.offline_replicas = partition.offline_replicas.Without(id);
    }
  }
  if (record.has_leader()) partition.leader = ToLeader(record.leader());
  if (record.has_leader() || record.bump_leader_epoch()) Bump(&partition.leader_epoch);
  Bump(&partition.partition_epoch);
  if (delta_ != nullptr) delta_->changed_partitions[*id].insert(index);
  return true;
}

bool ImageWriter::RemoveTopic(const v1::RemoveTopicRecord& record) {
  const Result<Uuid> id = Uuid::FromBytes(record.topic_id());
  const Topic* topic = id ? image_.FindTopic(*id) : nullptr;
  if (topic == nullptr) return false;
  const std::string name = topic->name;
  image_.partition_count_ -= topic->partitions.size();
  image_.topics_.Erase(*id);
  image_.topic_ids_.Erase(name);
  const bool had_configs = image_.configs_.Erase(ConfigResource::OfTopic(name));
  if (const auto key = CollisionName(name)) {
    const std::string* owner = image_.collision_names_.Find(*key);
    if (owner != nullptr && *owner == name) image_.collision_names_.Erase(*key);
  }
  if (delta_ != nullptr) {
    delta_->changed_partitions.erase(*id);
    if (had_configs) delta_->changed_configs.insert(ConfigResource::OfTopic(name));
    delta_->removed_topics.emplace(*id, name);
  }
  return true;
}

bool ImageWriter::SetConfig(const v1::ConfigRecord& record) {
  if (!v1::ConfigResourceType_IsValid(record.resource_type())) return false;
  if (record.resource_type() == v1::CONFIG_RESOURCE_UNKNOWN || record.key().empty()) return false;
  ConfigResource resource{record.resource_type(), record.resource_name()};
  if (resource.type == v1::CONFIG_RESOURCE_TOPIC && !image_.topic_ids_.Contains(resource.name)) {
    return false;
  }
  if (record.has_value()) {
    ConfigValues* values = image_.configs_.Mutable(resource);
    if (values == nullptr) values = &image_.configs_.Put(resource, {});
    values->Put(record.key(), record.value());
  } else {
    if (image_.FindConfig(resource, record.key()) == nullptr) return false;
    ConfigValues* values = image_.configs_.Mutable(resource);
    values->Erase(record.key());
    if (values->empty()) image_.configs_.Erase(resource);
  }
  if (delta_ != nullptr) delta_->changed_configs.insert(std::move(resource));
  return true;
}

}  // namespace weir::metadata
