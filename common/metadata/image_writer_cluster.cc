// ImageWriter, second part: dispatch, the cluster, its brokers, producer ids and remembered
// answers.
#include <utility>

#include "common/base/limits.h"
#include "common/metadata/image_writer.h"

namespace weir::metadata {

void ImageWriter::ApplyRecord(const v1::MetadataRecord& record, LogIndex offset) {
  const BrokerEpoch epoch(static_cast<int64_t>(offset.value()));
  if (!Dispatch(record, epoch, /*from_snapshot=*/false)) CountSkipped();
}

void ImageWriter::LoadRecord(const v1::MetadataRecord& record, BrokerEpoch broker_epoch) {
  if (!Dispatch(record, broker_epoch, /*from_snapshot=*/true)) CountSkipped();
}

bool ImageWriter::Dispatch(const v1::MetadataRecord& record, BrokerEpoch broker_epoch,
                           bool from_snapshot) {
  switch (record.kind_case()) {
    case v1::MetadataRecord::kCluster:
      return SetCluster(record.cluster());
    case v1::MetadataRecord::kFeature:
      return SetFeature(record.feature());
    case v1::MetadataRecord::kRegisterBroker:
      return RegisterBroker(record.register_broker(), broker_epoch);
    case v1::MetadataRecord::kBrokerChange:
      return ChangeBroker(record.broker_change());
    case v1::MetadataRecord::kUnregisterBroker:
      return UnregisterBroker(record.unregister_broker());
    case v1::MetadataRecord::kTopic:
      return AddTopic(record.topic());
    case v1::MetadataRecord::kPartition:
      return AddPartition(record.partition());
    case v1::MetadataRecord::kPartitionChange:
      return ChangePartition(record.partition_change());
    case v1::MetadataRecord::kRemoveTopic:
      return RemoveTopic(record.remove_topic());
    case v1::MetadataRecord::kConfig:
      return SetConfig(record.config());
    case v1::MetadataRecord::kProducerIds:
      return SetProducerIds(record.producer_ids());
    case v1::MetadataRecord::kCompletedRequest:
      return from_snapshot && AddCompleted(record.completed_request());
    case v1::MetadataRecord::kGroup:
      return SetGroup(record.group());
    case v1::MetadataRecord::kRemoveGroup:
      return RemoveGroup(record.remove_group());
    case v1::MetadataRecord::kGroupMember:
      return ChangeGroup(record.group_member());
    case v1::MetadataRecord::kRemoveGroupMembers:
      return ChangeGroup(record.remove_group_members());
    case v1::MetadataRecord::kGroupSubscription:
      return ChangeGroup(record.group_subscription());
    case v1::MetadataRecord::kGroupAssignment:
      return ChangeGroup(record.group_assignment());
    case v1::MetadataRecord::kGroupMemberEpoch:
      return ChangeGroup(record.group_member_epoch());
    case v1::MetadataRecord::kGroupTargetAssignment:
      return ChangeGroup(record.group_target_assignment());
    case v1::MetadataRecord::kGroupCurrentAssignment:
      return ChangeGroup(record.group_current_assignment());
    case v1::MetadataRecord::KIND_NOT_SET:
      return false;  // a kind of a later version, or none
  }
  return false;
}

bool ImageWriter::SetCluster(const v1::ClusterRecord& record) {
  const Result<Uuid> id = Uuid::FromBytes(record.cluster_id());
  if (!id || id->IsZero() || !image_.cluster_id_.IsZero()) return false;
  image_.cluster_id_ = *id;
  if (delta_ != nullptr) delta_->cluster_changed = true;
  return true;
}

bool ImageWriter::SetFeature(const v1::FeatureRecord& record) {
  if (record.name().empty() || record.level() < 0) return false;
  if (record.level() > 0) {
    image_.features_.Put(record.name(), record.level());
  } else if (!image_.features_.Erase(record.name())) {
    return false;
  }
  if (delta_ != nullptr) delta_->cluster_changed = true;
  return true;
}

bool ImageWriter::RegisterBroker(const v1::RegisterBrokerRecord& record, BrokerEpoch epoch) {
  const Result<Uuid> incarnation = Uuid::FromBytes(record.incarnation_id());
  if (record.broker_id() < 0 || !incarnation) return false;
  Broker broker;
  broker.id = NodeId(record.broker_id());
  broker.epoch = epoch;
  broker.incarnation_id = *incarnation;
  for (const std::string& raw : record.directory_ids()) {
    const Result<Uuid> directory = Uuid::FromBytes(raw);
    if (!directory) return false;
    broker.directory_ids.push_back(*directory);
  }
  for (const v1::Endpoint& endpoint : record.endpoints()) {
    broker.endpoints.push_back(
        {endpoint.name(), endpoint.host(), endpoint.port(), endpoint.security_protocol()});
  }
  broker.inter_broker_listener = record.inter_broker_listener();
  broker.rack = record.rack();
  broker.version = record.version();
  broker.http_address = record.http_address();
  broker.fenced = record.fenced();
  if (delta_ != nullptr) delta_->changed_brokers.insert(broker.id);
  const NodeId id = broker.id;
  image_.brokers_.Put(id, std::move(broker));
  return true;
}

bool ImageWriter::ChangeBroker(const v1::BrokerChangeRecord& record) {
  const NodeId id(record.broker_id());
  const Broker* present = image_.FindBroker(id);
  if (present == nullptr || present->epoch.value() != record.broker_epoch()) return false;
  Broker* broker = image_.brokers_.Mutable(id);
  if (record.has_fenced()) broker->fenced = record.fenced();
  if (record.has_in_controlled_shutdown()) {
    broker->in_controlled_shutdown = record.in_controlled_shutdown();
  }
  if (delta_ != nullptr) delta_->changed_brokers.insert(id);
  return true;
}

bool ImageWriter::UnregisterBroker(const v1::UnregisterBrokerRecord& record) {
  const NodeId id(record.broker_id());
  const Broker* present = image_.FindBroker(id);
  if (present == nullptr || present->epoch.value() != record.broker_epoch()) return false;
  image_.brokers_.Erase(id);
  if (delta_ != nullptr) delta_->changed_brokers.insert(id);
  return true;
}

bool ImageWriter::SetProducerIds(const v1::ProducerIdsRecord& record) {
  if (record.next_producer_id() <= image_.next_producer_id_.value()) return false;
  image_.next_producer_id_ = ProducerId(record.next_producer_id());
  return true;
}

bool ImageWriter::AddCompleted(const v1::CompletedRequestRecord& record) {
  const LogIndex offset(record.offset());
  if (record.request_id().empty() || image_.completed_.Contains(offset)) return false;
  if (image_.completed_offsets_.Contains(record.request_id())) return false;
  Remember({record.request_id(), record.method(),
            std::make_shared<const std::string>(record.reply()), WallTime(record.timestamp_ms())},
           offset);
  return true;
}

void ImageWriter::Complete(const v1::MetadataBatch& batch, LogIndex offset) {
  const v1::Cause& cause = batch.cause();
  if (cause.request_id().empty()) return;
  // Deciders answer a retry from here; should one slip through, the first answer stays.
  if (image_.completed_offsets_.Contains(cause.request_id())) return;
  Remember({cause.request_id(), cause.method(), std::make_shared<const std::string>(batch.reply()),
            WallTime(cause.timestamp_ms())},
           offset);
}

void ImageWriter::Remember(CompletedRequest request, LogIndex offset) {
  image_.completed_reply_bytes_ += request.reply->size();
  image_.completed_offsets_.Put(request.request_id, offset);
  image_.completed_.Put(offset, std::move(request));
  while (image_.completed_.size() > limits::kCompletedRequestsMax ||
         image_.completed_reply_bytes_ > limits::kCompletedReplyBytesMax) {
    ForgetOldestCompleted();
  }
}

void ImageWriter::ForgetOldestCompleted() {
  const auto oldest = image_.completed_.begin();
  const LogIndex offset = oldest->first;
  image_.completed_reply_bytes_ -= oldest->second.reply->size();
  image_.completed_offsets_.Erase(oldest->second.request_id);
  image_.completed_.Erase(offset);
}

}  // namespace weir::metadata
