#include "controller/state/log_evidence.h"

#include <tuple>

#include "controller/state/alter_partition.h"

namespace weir::state {
namespace {

using metadata::Partition;

// Of one batch. With 100 bytes for each it stays far below the size of a batch.
constexpr size_t kElectionsMax = 1'000;

bool WaitsForEvidence(const Partition& partition) {
  return partition.leader == kNoNode && partition.isr.empty() && partition.elr.empty() &&
         !partition.last_known_elr.empty();
}

metadata::v1::PartitionChangeRecord ElectionOf(const Uuid& topic_id, PartitionIndex index,
                                               NodeId leader) {
  metadata::v1::PartitionChangeRecord record;
  record.set_topic_id(topic_id.ToBytes());
  record.set_partition(index.value());
  record.set_leader(leader.value());
  record.mutable_isr()->add_ids(leader.value());
  record.mutable_last_known_elr();
  return record;
}

}  // namespace

Result<Decision<broker::v1::AlterPartitionReply>> LogEvidence::AlterPartition(
    const DecisionContext& context, const broker::v1::AlterPartitionRequest& request) {
  WEIR_ASSIGN_OR_RETURN(Decision<broker::v1::AlterPartitionReply> decision,
                        state::AlterPartition(context, request));
  Hear(context, request, &decision.records);
  return decision;
}

void LogEvidence::Hear(const DecisionContext& context,
                       const broker::v1::AlterPartitionRequest& request, Records* records) {
  if (request.log_ends().empty()) return;
  const NodeId id(request.broker_id());
  ForgetTheLed(context.image);
  size_t elections = 0;
  for (const broker::v1::ReplicaLogEnd& said : request.log_ends()) {
    const Result<Uuid> topic_id = Uuid::FromBytes(said.topic_id());
    if (!topic_id) continue;
    const PartitionIndex index(said.partition());
    const Partition* partition = context.image.FindPartition(*topic_id, index);
    if (partition == nullptr || !WaitsForEvidence(*partition)) continue;
    if (!partition->last_known_elr.Contains(id)) continue;
    Logs& logs = partitions_[{*topic_id, index}];
    logs[id] = {BrokerEpoch(request.broker_epoch()), LeaderEpoch(said.leader_epoch()),
                Offset(said.end_offset())};
    const NodeId best = BestOf(context.image, *partition, logs);
    if (best == kNoNode || elections == kElectionsMax) continue;
    ++elections;
    *records->emplace_back().mutable_partition_change() = ElectionOf(*topic_id, index, best);
    partitions_.erase({*topic_id, index});
  }
}

void LogEvidence::ForgetTheLed(const MetadataImage& image) {
  std::erase_if(partitions_, [&](const auto& entry) {
    const Partition* partition = image.FindPartition(entry.first.first, entry.first.second);
    return partition == nullptr || !WaitsForEvidence(*partition);
  });
}

NodeId LogEvidence::BestOf(const MetadataImage& image, const Partition& partition,
                           const Logs& logs) {
  NodeId best = kNoNode;
  std::tuple<LeaderEpoch, Offset> reached;
  for (const NodeId id : partition.replicas) {
    if (!partition.last_known_elr.Contains(id)) continue;
    const metadata::Broker* broker = image.FindBroker(id);
    const auto log = logs.find(id);
    if (broker == nullptr || !image.IsUsableAsLeader(partition, id) || log == logs.end())
      return kNoNode;
    if (log->second.broker_epoch != broker->epoch) return kNoNode;
    const std::tuple reaches{log->second.leader_epoch, log->second.end_offset};
    if (best != kNoNode && reaches <= reached) continue;
    best = id;
    reached = reaches;
  }
  return best;
}

}  // namespace weir::state
