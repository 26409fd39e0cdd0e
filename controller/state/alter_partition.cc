#include "controller/state/alter_partition.h"

#include <algorithm>
#include <set>
#include <utility>

#include "common/metadata/topic_config.h"
#include "controller/state/partitions.h"
#include "controller/state/reassignment.h"

namespace weir::state {
namespace {

using broker::v1::AlteredPartition;
using broker::v1::IsrChange;
using metadata::NodeIdList;

void Fill(const NodeIdList& ids, metadata::v1::NodeIds* out) {
  out->clear_ids();
  for (const NodeId id : ids) out->add_ids(id.value());
}

// What stands against the change; kNone when nothing does. The version comes before the replicas:
// a change that is INELIGIBLE_REPLICA is one of the present version.
ErrorCode Check(const MetadataImage& image, NodeId leader, const metadata::Partition& partition,
                const IsrChange& change) {
  if (change.leader_epoch() != partition.leader_epoch.value()) {
    return ErrorCode::kFencedLeaderEpoch;
  }
  if (partition.leader != leader) return ErrorCode::kInvalidRequest;
  if (change.partition_epoch() != partition.partition_epoch.value()) {
    return ErrorCode::kInvalidUpdateVersion;
  }
  NodeIdList seen;
  for (const broker::v1::IsrMember& member : change.isr()) {
    const NodeId id(member.broker_id());
    if (!partition.replicas.Contains(id) || seen.Contains(id)) return ErrorCode::kInvalidRequest;
    seen.Add(id);
  }
  if (!seen.Contains(leader)) return ErrorCode::kInvalidRequest;
  for (const broker::v1::IsrMember& member : change.isr()) {
    const NodeId id(member.broker_id());
    const metadata::Broker* broker = image.FindBroker(id);
    if (broker == nullptr || !image.IsUsableAsLeader(partition, id)) {
      return ErrorCode::kIneligibleReplica;
    }
    const bool names_a_life = member.broker_epoch() >= 0;
    const bool joins = !partition.isr.Contains(id);
    if (joins && !names_a_life) return ErrorCode::kIneligibleReplica;
    if (names_a_life && member.broker_epoch() != broker->epoch.value()) {
      return ErrorCode::kIneligibleReplica;
    }
  }
  return ErrorCode::kNone;
}

// In replica order.
NodeIdList NewIsr(const metadata::Partition& partition, const IsrChange& change) {
  NodeIdList isr;
  for (const NodeId id : partition.replicas) {
    const bool wanted =
        std::any_of(change.isr().begin(), change.isr().end(),
                    [&](const auto& member) { return member.broker_id() == id.value(); });
    if (wanted) isr.Add(id);
  }
  return isr;
}

metadata::v1::PartitionChangeRecord ToRecord(const DecisionContext& context,
                                             const metadata::Topic& topic, const IsrChange& change,
                                             const metadata::Partition& partition,
                                             const NodeIdList& isr) {
  metadata::v1::PartitionChangeRecord record;
  record.set_topic_id(change.topic_id());
  record.set_partition(change.partition());
  Fill(isr, record.mutable_isr());
  const metadata::TopicConfig config = metadata::EffectiveTopicConfig(
      {context.image, kNoNode, &context.defaults.static_config}, topic.name);
  const size_t enough = std::min(static_cast<size_t>(std::max(config.min_insync_replicas, 1)),
                                 partition.replicas.size());
  NodeIdList elr;
  NodeIdList last_known_elr;
  if (isr.size() < enough) {
    for (const NodeId id : partition.elr) {
      if (!isr.Contains(id)) elr.Add(id);
    }
    for (const NodeId id : partition.isr) {
      if (!isr.Contains(id) && !elr.Contains(id)) elr.Add(id);
    }
    for (const NodeId id : partition.last_known_elr) {
      if (!isr.Contains(id)) last_known_elr.Add(id);
    }
  }
  if (!(elr == partition.elr)) Fill(elr, record.mutable_elr());
  if (!(last_known_elr == partition.last_known_elr)) {
    Fill(last_known_elr, record.mutable_last_known_elr());
  }
  return record;
}

void Refuse(ErrorCode error, AlteredPartition* answer) {
  answer->set_error_code(static_cast<int32_t>(error));
}

// The topic, if it has the partition; null with the answer filled otherwise.
const metadata::Topic* FindTopic(const MetadataImage& image, const std::string& raw_topic_id,
                                 int32_t partition, AlteredPartition* answer) {
  const Result<Uuid> topic_id = Uuid::FromBytes(raw_topic_id);
  const metadata::Topic* topic = topic_id ? image.FindTopic(*topic_id) : nullptr;
  if (topic == nullptr) {
    Refuse(ErrorCode::kUnknownTopicId, answer);
    return nullptr;
  }
  if (topic->FindPartition(PartitionIndex(partition)) != nullptr) return topic;
  Refuse(ErrorCode::kUnknownTopicOrPartition, answer);
  return nullptr;
}

// The change completes a move. With it begins another leader epoch, if a replica goes: the leader
// of the old one learns from the metadata what became of it.
void Complete(const metadata::Partition& partition, metadata::v1::PartitionChangeRecord record,
              const NodeIdList& isr, Records* records, AlteredPartition* answer) {
  if (record.has_leader() || record.bump_leader_epoch()) {
    Refuse(ErrorCode::kNewLeaderElected, answer);
  } else {
    answer->set_leader_epoch(partition.leader_epoch.value());
    answer->set_partition_epoch(partition.partition_epoch.value() + 1);
    for (const NodeId id : isr) answer->add_isr(id.value());
  }
  *records->emplace_back().mutable_partition_change() = std::move(record);
}

// A refused change counts no more at its leader. A copy of the call that comes late, when the
// replica is eligible, must not be granted then: the refusal makes another version (I-13).
void EndVersion(const IsrChange& change, Records* records) {
  metadata::v1::PartitionChangeRecord& record = *records->emplace_back().mutable_partition_change();
  record.set_topic_id(change.topic_id());
  record.set_partition(change.partition());
}

// Answers one change and appends its record.
void AlterOne(const DecisionContext& context, NodeId leader, const IsrChange& change,
              Records* records, AlteredPartition* answer) {
  const metadata::Topic* topic =
      FindTopic(context.image, change.topic_id(), change.partition(), answer);
  if (topic == nullptr) return;
  const metadata::Partition* partition = topic->FindPartition(PartitionIndex(change.partition()));
  const ErrorCode refused = Check(context.image, leader, *partition, change);
  if (refused == ErrorCode::kIneligibleReplica) EndVersion(change, records);
  if (refused != ErrorCode::kNone) return Refuse(refused, answer);
  const NodeIdList isr = NewIsr(*partition, change);
  const PartitionIndex index(change.partition());
  if (auto completed = CompletedMove(context, *topic, index, isr)) {
    return Complete(*partition, *std::move(completed), isr, records, answer);
  }
  *records->emplace_back().mutable_partition_change() =
      ToRecord(context, *topic, change, *partition, isr);
  answer->set_leader_epoch(partition->leader_epoch.value());
  answer->set_partition_epoch(partition->partition_epoch.value() + 1);
  for (const NodeId id : isr) answer->add_isr(id.value());
}

void GiveUpOne(const DecisionContext& context, NodeId broker,
               const broker::v1::GivenUpReplica& given_up, Records* records,
               AlteredPartition* answer) {
  const metadata::Topic* topic =
      FindTopic(context.image, given_up.topic_id(), given_up.partition(), answer);
  if (topic == nullptr) return;
  const PartitionIndex index(given_up.partition());
  const metadata::Partition& partition = *topic->FindPartition(index);
  if (!partition.replicas.Contains(broker)) return Refuse(ErrorCode::kInvalidRequest, answer);
  auto record = ChangeForGivenUp(context, *topic, index, broker);
  if (!record) return Refuse(ErrorCode::kIneligibleReplica, answer);
  *records->emplace_back().mutable_partition_change() = *std::move(record);
  answer->set_leader_epoch(partition.leader_epoch.value() + 1);
  answer->set_partition_epoch(partition.partition_epoch.value() + 1);
  for (const NodeId id : partition.isr.Without(broker)) answer->add_isr(id.value());
}

void ChangeStorageOne(const DecisionContext& context, NodeId broker,
                      const broker::v1::ReplicaStorage& storage, Records* records,
                      AlteredPartition* answer) {
  const metadata::Topic* topic =
      FindTopic(context.image, storage.topic_id(), storage.partition(), answer);
  if (topic == nullptr) return;
  const PartitionIndex index(storage.partition());
  if (!topic->FindPartition(index)->replicas.Contains(broker)) {
    return Refuse(ErrorCode::kInvalidRequest, answer);
  }
  auto record = ChangeForStorage(context, *topic, index, broker, storage.offline());
  if (record) *records->emplace_back().mutable_partition_change() = *std::move(record);
}

}  // namespace

Result<Decision<broker::v1::AlterPartitionReply>> AlterPartition(
    const DecisionContext& context, const broker::v1::AlterPartitionRequest& request) {
  const NodeId id(request.broker_id());
  const metadata::Broker* broker = context.image.FindBroker(id);
  if (broker == nullptr) {
    return Fail(ErrorCode::kBrokerIdNotRegistered, "broker " + ToString(id) + " is not registered");
  }
  if (broker->epoch.value() != request.broker_epoch()) {
    return Fail(ErrorCode::kStaleBrokerEpoch, "broker " + ToString(id) + " has epoch " +
                                                  ToString(broker->epoch) + ", not " +
                                                  std::to_string(request.broker_epoch()));
  }
  Decision<broker::v1::AlterPartitionReply> decision;
  std::set<std::pair<std::string, int32_t>> seen;
  // Two changes of one partition were both decided on the same version: the second is refused.
  const auto is_first = [&seen](const auto& change, AlteredPartition* answer) {
    if (seen.emplace(change.topic_id(), change.partition()).second) return true;
    Refuse(ErrorCode::kInvalidUpdateVersion, answer);
    return false;
  };
  // First: what else the request wants of these partitions was decided without knowing.
  for (const broker::v1::ReplicaStorage& storage : request.storage()) {
    AlteredPartition* answer = decision.reply.add_storage();
    if (is_first(storage, answer)) {
      ChangeStorageOne(context, id, storage, &decision.records, answer);
    }
  }
  for (const IsrChange& change : request.partitions()) {
    AlteredPartition* answer = decision.reply.add_partitions();
    if (is_first(change, answer)) AlterOne(context, id, change, &decision.records, answer);
  }
  for (const broker::v1::GivenUpReplica& given_up : request.given_up()) {
    AlteredPartition* answer = decision.reply.add_given_up();
    if (is_first(given_up, answer)) GiveUpOne(context, id, given_up, &decision.records, answer);
  }
  return decision;
}

}  // namespace weir::state
