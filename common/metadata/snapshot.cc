#include "common/metadata/snapshot.h"

#include <limits>
#include <utility>

#include "common/metadata/image_writer.h"

namespace weir::metadata {
namespace {

void Fill(const NodeIdList& ids, google::protobuf::RepeatedField<int32_t>* out) {
  for (const NodeId id : ids) out->Add(id.value());
}

void FillBroker(const Broker& broker, v1::RegisterBrokerRecord* out) {
  out->set_broker_id(broker.id.value());
  out->set_incarnation_id(broker.incarnation_id.ToBytes());
  for (const Uuid& directory : broker.directory_ids) out->add_directory_ids(directory.ToBytes());
  for (const Endpoint& endpoint : broker.endpoints) {
    v1::Endpoint* copy = out->add_endpoints();
    copy->set_name(endpoint.name);
    copy->set_host(endpoint.host);
    copy->set_port(endpoint.port);
    copy->set_security_protocol(endpoint.security_protocol);
  }
  out->set_inter_broker_listener(broker.inter_broker_listener);
  out->set_rack(broker.rack);
  out->set_fenced(broker.fenced);
  out->set_version(broker.version);
  out->set_http_address(broker.http_address);
}

void FillPartition(const Uuid& topic_id, PartitionIndex index, const Partition& partition,
                   v1::PartitionRecord* out) {
  out->set_topic_id(topic_id.ToBytes());
  out->set_partition(index.value());
  Fill(partition.replicas, out->mutable_replicas());
  Fill(partition.isr, out->mutable_isr());
  out->set_leader(partition.leader.value());
  out->set_leader_epoch(partition.leader_epoch.value());
  out->set_partition_epoch(partition.partition_epoch.value());
  Fill(partition.adding_replicas, out->mutable_adding_replicas());
  Fill(partition.removing_replicas, out->mutable_removing_replicas());
  Fill(partition.original_replicas, out->mutable_original_replicas());
  out->set_throttled_rate(partition.throttled_rate);
  Fill(partition.elr, out->mutable_elr());
  Fill(partition.last_known_elr, out->mutable_last_known_elr());
  Fill(partition.offline_replicas, out->mutable_offline_replicas());
}

// Collects records into chunks.
class ChunkWriter {
 public:
  explicit ChunkWriter(size_t chunk_bytes_max) : chunk_bytes_max_(chunk_bytes_max) {}

  void Add(v1::MetadataRecord record) {
    // Tag and length of the record inside the chunk take at most six bytes.
    bytes_ += record.ByteSizeLong() + 6;
    *chunk_.add_records() = std::move(record);
    if (bytes_ >= chunk_bytes_max_) Flush();
  }
  // Goes with the registration that is added next.
  void AddEpoch(BrokerEpoch epoch) { chunk_.add_broker_epochs(epoch.value()); }

  std::vector<std::string> Finish() {
    if (bytes_ > 0 || chunks_.empty()) Flush();
    return std::move(chunks_);
  }

 private:
  void Flush() {
    chunks_.push_back(chunk_.SerializeAsString());
    chunk_.Clear();
    bytes_ = 0;
  }

  size_t chunk_bytes_max_;
  size_t bytes_ = 0;
  v1::SnapshotChunk chunk_;
  std::vector<std::string> chunks_;
};

void WriteCluster(const MetadataImage& image, ChunkWriter* out) {
  if (!image.cluster_id().IsZero()) {
    v1::MetadataRecord record;
    record.mutable_cluster()->set_cluster_id(image.cluster_id().ToBytes());
    out->Add(std::move(record));
  }
  for (const auto& [name, level] : image.features()) {
    v1::MetadataRecord record;
    record.mutable_feature()->set_name(name);
    record.mutable_feature()->set_level(level);
    out->Add(std::move(record));
  }
}

void WriteBrokers(const MetadataImage& image, ChunkWriter* out) {
  for (const auto& [id, broker] : image.brokers()) {
    v1::MetadataRecord record;
    FillBroker(broker, record.mutable_register_broker());
    out->AddEpoch(broker.epoch);
    out->Add(std::move(record));
    if (!broker.in_controlled_shutdown) continue;
    v1::MetadataRecord change;
    change.mutable_broker_change()->set_broker_id(id.value());
    change.mutable_broker_change()->set_broker_epoch(broker.epoch.value());
    change.mutable_broker_change()->set_in_controlled_shutdown(true);
    out->Add(std::move(change));
  }
}

void WriteTopics(const MetadataImage& image, ChunkWriter* out) {
  for (const auto& [id, topic] : image.topics()) {
    v1::MetadataRecord record;
    record.mutable_topic()->set_topic_id(id.ToBytes());
    record.mutable_topic()->set_name(topic.name);
    record.mutable_topic()->set_internal(topic.internal);
    out->Add(std::move(record));
    for (const auto& [index, partition] : topic.partitions) {
      v1::MetadataRecord part;
      FillPartition(id, index, partition, part.mutable_partition());
      out->Add(std::move(part));
    }
  }
}

void WriteConfigs(const MetadataImage& image, ChunkWriter* out) {
  for (const auto& [resource, values] : image.configs()) {
    for (const auto& [key, value] : values) {
      v1::MetadataRecord record;
      record.mutable_config()->set_resource_type(resource.type);
      record.mutable_config()->set_resource_name(resource.name);
      record.mutable_config()->set_key(key);
      record.mutable_config()->set_value(value);
      out->Add(std::move(record));
    }
  }
}

void FillMember(const std::string& group_id, const std::string& member_id,
                const GroupMember& member, v1::GroupMemberRecord* out) {
  out->set_group_id(group_id);
  out->set_member_id(member_id);
  out->set_instance_id(member.instance_id);
  out->set_session_timeout_ms(member.session_timeout_ms);
  out->set_rebalance_timeout_ms(member.rebalance_timeout_ms);
  out->set_uses_classic_protocol(member.uses_classic_protocol);
}

// What a member of a consumer group has beside.
void WriteConsumer(const std::string& group_id, const std::string& member_id,
                   const GroupMember& member, ChunkWriter* out) {
  const GroupMember plain;
  if (member.member_epoch != plain.member_epoch ||
      member.previous_member_epoch != plain.previous_member_epoch || member.state != plain.state) {
    v1::MetadataRecord epoch;
    FillRecord(group_id, member_id, member, epoch.mutable_group_member_epoch());
    out->Add(std::move(epoch));
  }
  if (member.target != nullptr) {
    v1::MetadataRecord target;
    target.mutable_group_target_assignment()->set_group_id(group_id);
    target.mutable_group_target_assignment()->set_member_id(member_id);
    FillPartitions(*member.target, target.mutable_group_target_assignment()->mutable_partitions());
    out->Add(std::move(target));
  }
  if (member.assigned != nullptr || member.pending_revocation != nullptr) {
    v1::MetadataRecord current;
    auto* fields = current.mutable_group_current_assignment();
    fields->set_group_id(group_id);
    fields->set_member_id(member_id);
    FillPartitions(Get(member.assigned), fields->mutable_assigned());
    FillPartitions(Get(member.pending_revocation), fields->mutable_pending_revocation());
    out->Add(std::move(current));
  }
}

void WriteMembers(const std::string& group_id, const Group& group, ChunkWriter* out) {
  for (const auto& [member_id, member] : group.members) {
    v1::MetadataRecord record;
    FillMember(group_id, member_id, member, record.mutable_group_member());
    out->Add(std::move(record));
    if (member.subscription != nullptr) {
      v1::MetadataRecord subscription;
      FillRecord(group_id, member_id, *member.subscription,
                 subscription.mutable_group_subscription());
      out->Add(std::move(subscription));
    }
    if (member.assignment != nullptr) {
      v1::MetadataRecord assignment;
      assignment.mutable_group_assignment()->set_group_id(group_id);
      assignment.mutable_group_assignment()->set_member_id(member_id);
      assignment.mutable_group_assignment()->set_assignment(*member.assignment);
      out->Add(std::move(assignment));
    }
    WriteConsumer(group_id, member_id, member, out);
  }
}

void WriteGroups(const MetadataImage& image, ChunkWriter* out) {
  for (const auto& [group_id, group] : image.groups()) {
    v1::MetadataRecord record;
    FillRecord(group_id, group, record.mutable_group());
    out->Add(std::move(record));
    WriteMembers(group_id, group, out);
  }
}

void WriteRest(const MetadataImage& image, ChunkWriter* out) {
  if (image.next_producer_id().value() > 0) {
    v1::MetadataRecord record;
    record.mutable_producer_ids()->set_broker_id(kNoNode.value());
    record.mutable_producer_ids()->set_broker_epoch(kNoBrokerEpoch.value());
    record.mutable_producer_ids()->set_next_producer_id(image.next_producer_id().value());
    out->Add(std::move(record));
  }
  for (const auto& [offset, request] : image.completed_requests()) {
    v1::MetadataRecord record;
    v1::CompletedRequestRecord* completed = record.mutable_completed_request();
    completed->set_request_id(request.request_id);
    completed->set_method(request.method);
    completed->set_reply(*request.reply);
    completed->set_timestamp_ms(request.timestamp.value());
    completed->set_offset(offset.value());
    out->Add(std::move(record));
  }
}

}  // namespace

std::vector<std::string> WriteSnapshot(const MetadataImage& image, size_t chunk_bytes_max) {
  ChunkWriter out(chunk_bytes_max);
  WriteCluster(image, &out);
  WriteBrokers(image, &out);
  WriteTopics(image, &out);
  WriteConfigs(image, &out);
  WriteGroups(image, &out);
  WriteRest(image, &out);
  return out.Finish();
}

Status SnapshotLoader::Add(std::string_view bytes) {
  v1::SnapshotChunk chunk;
  const bool fits = bytes.size() <= static_cast<size_t>(std::numeric_limits<int>::max());
  if (!fits || !chunk.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return Fail(ErrorCode::kCorruptMessage, "the bytes are no chunk of a metadata snapshot");
  }
  ImageWriter writer(image_, nullptr);
  int next_epoch = 0;
  for (const v1::MetadataRecord& record : chunk.records()) {
    BrokerEpoch epoch = kNoBrokerEpoch;
    if (record.has_register_broker()) {
      if (next_epoch == chunk.broker_epochs_size()) {
        return Fail(ErrorCode::kCorruptMessage, "a broker epoch is missing in the snapshot");
      }
      epoch = BrokerEpoch(chunk.broker_epochs(next_epoch++));
    }
    writer.LoadRecord(record, epoch);
    if (image_.skipped_records() > 0) {
      return Fail(ErrorCode::kCorruptMessage,
                  "a record of kind " + std::to_string(static_cast<int>(record.kind_case())) +
                      " in the snapshot does not fit those before it");
    }
  }
  return {};
}

MetadataImage SnapshotLoader::Finish(LogIndex offset) {
  ImageWriter(image_, nullptr).SetOffset(offset);
  return std::move(image_);
}

Result<MetadataImage> LoadSnapshot(const std::vector<std::string>& chunks, LogIndex offset) {
  SnapshotLoader loader;
  for (const std::string& chunk : chunks) WEIR_RETURN_IF_ERROR(loader.Add(chunk));
  return loader.Finish(offset);
}

}  // namespace weir::metadata
