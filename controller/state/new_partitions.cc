#include "controller/state/new_partitions.h"

#include <algorithm>
#include <set>
#include <utility>

namespace weir::state {
namespace {

using metadata::NodeIdList;

Status BadAssignment(int32_t partition, const std::string& why) {
  return Fail(ErrorCode::kInvalidReplicaAssignment,
              "assignment of partition " + std::to_string(partition) + ": " + why);
}

Result<NodeIdList> CheckedReplicas(const MetadataImage& image,
                                   const admin::v1::ReplicaAssignment& assignment) {
  std::vector<NodeId> replicas;
  bool any_usable = false;
  for (const int32_t raw : assignment.broker_ids()) {
    const NodeId id(raw);
    if (std::find(replicas.begin(), replicas.end(), id) != replicas.end()) {
      WEIR_RETURN_IF_ERROR(
          BadAssignment(assignment.partition(), "broker " + ToString(id) + " is in it twice"));
    }
    if (image.FindBroker(id) == nullptr) {
      WEIR_RETURN_IF_ERROR(
          BadAssignment(assignment.partition(), "broker " + ToString(id) + " is not registered"));
    }
    any_usable |= image.IsUsableAsLeader(id);
    replicas.push_back(id);
  }
  if (replicas.empty()) {
    WEIR_RETURN_IF_ERROR(BadAssignment(assignment.partition(), "it names no broker"));
  }
  if (!any_usable) {
    WEIR_RETURN_IF_ERROR(
        BadAssignment(assignment.partition(), "all its brokers are fenced or shutting down"));
  }
  return NodeIdList(replicas);
}

void Fill(const NodeIdList& ids, google::protobuf::RepeatedField<int32_t>* out) {
  for (const NodeId id : ids) out->Add(id.value());
}

}  // namespace

Result<Assignments> ManualAssignments(
    const DecisionContext& context, int32_t first,
    const google::protobuf::RepeatedPtrField<admin::v1::ReplicaAssignment>& assignments) {
  std::map<int32_t, NodeIdList> by_partition;
  for (const admin::v1::ReplicaAssignment& assignment : assignments) {
    WEIR_ASSIGN_OR_RETURN(NodeIdList replicas, CheckedReplicas(context.image, assignment));
    const auto [at, is_new] = by_partition.emplace(assignment.partition(), std::move(replicas));
    if (!is_new) WEIR_RETURN_IF_ERROR(BadAssignment(at->first, "it is given twice"));
  }
  Assignments result;
  for (auto& [partition, replicas] : by_partition) {
    const int32_t expected = first + static_cast<int32_t>(result.size());
    if (partition != expected) {
      WEIR_RETURN_IF_ERROR(BadAssignment(expected, "it is missing; partitions are numbered from " +
                                                       std::to_string(first) + " without gaps"));
    }
    if (!result.empty() && replicas.size() != result.front().size()) {
      WEIR_RETURN_IF_ERROR(
          BadAssignment(partition, "it has another number of replicas than the other partitions"));
    }
    result.push_back(std::move(replicas));
  }
  return result;
}

Result<Assignments> PlacedAssignments(const DecisionContext& context, int32_t count,
                                      int32_t replication_factor, Placement* placement) {
  if (replication_factor < 1) {
    return Fail(ErrorCode::kInvalidReplicationFactor,
                "replication factor " + std::to_string(replication_factor) + " is below 1");
  }
  if (static_cast<size_t>(replication_factor) > placement->broker_count()) {
    return Fail(ErrorCode::kInvalidReplicationFactor,
                "replication factor " + std::to_string(replication_factor) + " is more than the " +
                    std::to_string(placement->broker_count()) +
                    " brokers that are running and not shutting down");
  }
  Assignments result;
  result.reserve(static_cast<size_t>(count));
  for (int32_t i = 0; i < count; ++i) {
    result.push_back(placement->Place(replication_factor, context.prng));
  }
  return result;
}

void AppendPartitions(const MetadataImage& image, const Uuid& topic_id, int32_t first,
                      const Assignments& assignments, Records* records) {
  const std::string raw_id = topic_id.ToBytes();
  int32_t partition = first;
  for (const NodeIdList& replicas : assignments) {
    metadata::v1::PartitionRecord* record = records->emplace_back().mutable_partition();
    record->set_topic_id(raw_id);
    record->set_partition(partition++);
    Fill(replicas, record->mutable_replicas());
    for (const NodeId id : replicas) {
      if (image.IsUsableAsLeader(id)) record->add_isr(id.value());
    }
    record->set_leader(record->isr_size() == 0 ? kNoNode.value() : record->isr(0));
  }
}

}  // namespace weir::state
