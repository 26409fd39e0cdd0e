// New partitions: the part that creating a topic and adding partitions to one have in common.
// Thread rule: pure functions.
#pragma once

#include "controller/state/decision.h"
#include "controller/state/placement.h"

namespace weir::state {

// Replicas per partition, from `first` on.
using Assignments = std::vector<metadata::NodeIdList>;

// Checks a manual placement of the partitions first .. first + n - 1, n being its size: each once,
// on distinct registered brokers of which at least one is usable, all with the same number of
// replicas. Errors: kInvalidReplicaAssignment; kInvalidReplicationFactor while replication is off.
Result<Assignments> ManualAssignments(
    const DecisionContext& context, int32_t first,
    const google::protobuf::RepeatedPtrField<admin::v1::ReplicaAssignment>& assignments);

// Places `count` partitions. Errors: kInvalidReplicationFactor when there are too few usable
// brokers or while replication is off.
Result<Assignments> PlacedAssignments(const DecisionContext& context, int32_t count,
                                      int32_t replication_factor, Placement* placement);

// The records: ISR is what is usable of the replicas, the leader its first.
void AppendPartitions(const MetadataImage& image, const Uuid& topic_id, int32_t first,
                      const Assignments& assignments, Records* records);

}  // namespace weir::state
