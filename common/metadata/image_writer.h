// ImageWriter: the one class that changes an image, record by record. Apply and the snapshot loader
// are its only users.
//
// Laws:
//  1. Every record is either applied whole, or ignored and counted; nothing else can happen.
//  2. What changed is added to the delta, if there is one.
// Thread rule: the image's owner; lives for one batch.
#pragma once

#include <string>
#include <string_view>

#include "common/metadata/delta.h"
#include "common/metadata/image.h"
#include "proto/record.pb.h"

namespace weir::metadata {

class ImageWriter {
 public:
  // `delta` may be null.
  ImageWriter(MetadataImage& image, Delta* delta) : image_(image), delta_(delta) {}

  // One record of the batch at `offset`. Records that only snapshots hold are ignored.
  void ApplyRecord(const v1::MetadataRecord& record, LogIndex offset);
  // One record of a snapshot; `broker_epoch` is what the snapshot says for registrations.
  void LoadRecord(const v1::MetadataRecord& record, BrokerEpoch broker_epoch);
  // Remembers the answer to the batch's request, if it had an id.
  void Complete(const v1::MetadataBatch& batch, LogIndex offset);
  void SetOffset(LogIndex offset) { image_.offset_ = offset; }
  void CountSkipped() { ++image_.skipped_records_; }

 private:
  // Each returns false when the record does not fit the image.
  bool Dispatch(const v1::MetadataRecord& record, BrokerEpoch broker_epoch, bool from_snapshot);
  bool SetCluster(const v1::ClusterRecord& record);
  bool SetFeature(const v1::FeatureRecord& record);
  bool RegisterBroker(const v1::RegisterBrokerRecord& record, BrokerEpoch epoch);
  bool ChangeBroker(const v1::BrokerChangeRecord& record);
  bool UnregisterBroker(const v1::UnregisterBrokerRecord& record);
  bool AddTopic(const v1::TopicRecord& record);
  bool AddPartition(const v1::PartitionRecord& record);
  bool ChangePartition(const v1::PartitionChangeRecord& record);
  bool RemoveTopic(const v1::RemoveTopicRecord& record);
  bool SetConfig(const v1::ConfigRecord& record);
  bool SetProducerIds(const v1::ProducerIdsRecord& record);
  bool AddCompleted(const v1::CompletedRequestRecord& record);
  bool SetGroup(const v1::GroupRecord& record);
  bool RemoveGroup(const v1::RemoveGroupRecord& record);
  // A record about the members of a group that exists.
  template <class Record>
  bool ChangeGroup(const Record& record) {
    Group* group = image_.groups_.Mutable(record.group_id());
    if (group == nullptr || !ApplyToGroup(*group, record)) return false;
    NoteGroup(record.group_id());
    return true;
  }
  void NoteGroup(const std::string& group_id);

  void Remember(CompletedRequest request, LogIndex offset);
  void ForgetOldestCompleted();

  MetadataImage& image_;
  Delta* delta_;
};

}  // namespace weir::metadata
