// Reassignment: replicas of a partition move between brokers (KIP-455).
//
//   state of a partition   event                                         next state
//   settled                other brokers are named                       moving
//   moving                 every added replica is in the ISR             settled, on the target
//   moving                 other brokers are named                       moving, to those
//   moving                 cancelled                                     settled, on the original
//
// Laws:
//  1. All of it is in the partition: replicas = target, then those to be removed, and the original
//     in its order, which a cancel brings back exactly. Any controller carries a move on (D2).
//  2. A move is completed when all that it adds are in sync and the ISR without those it removes
//     has min.insync.replicas members, or as many as the target has (I-22).
//  3. Whoever is no replica any more is in no list of the partition, and the leader epoch grows:
//     nothing that it fetched or will fetch counts (I-14, I-22).
//  4. A leader that is removed hands over to the first target replica that is in sync. A change
//     that leaves nobody who has all acknowledged records is refused, unless the topic allows
//     unclean elections.
//  5. Targets must be registered. One that is not running is waited for; the move can be cancelled
//     or led elsewhere meanwhile.
//  6. The rate that a move may take is in the partition too, and goes with the move: completed,
//     cancelled or redirected without one, nothing throttles any more.
// Thread rule: pure functions.
#pragma once

#include <optional>

#include "controller/state/decision.h"

namespace weir::state {

inline bool IsMoving(const metadata::Partition& partition) {
  return !partition.adding_replicas.empty() || !partition.removing_replicas.empty();
}
// The replicas before the move.
metadata::NodeIdList OriginalReplicas(const metadata::Partition& partition);
// The replicas after it.
metadata::NodeIdList TargetReplicas(const metadata::Partition& partition);

// Starts, redirects and cancels moves; one that needs no copying is completed at once.
// Errors per partition: kUnknownTopicOrPartition, kInvalidReplicaAssignment (no broker, one twice,
// one that is not registered, or nobody in sync would be left), kInvalidReplicationFactor,
// kNoReassignmentInProgress (nothing to cancel), kInvalidRequest (twice in one request). Of the
// call: kPolicyViolation when it is more than a batch may hold, kInvalidRequest for a negative
// rate.
Result<Decision<admin::v1::AlterPartitionReassignmentsReply>> AlterPartitionReassignments(
    const DecisionContext& context, const admin::v1::AlterPartitionReassignmentsRequest& request);

// The change that gives the partition this ISR and with it completes its move; nullopt when it is
// not moving, or not done with that ISR. REQUIRES: the ISR is a part of the replicas.
std::optional<metadata::v1::PartitionChangeRecord> CompletedMove(const DecisionContext& context,
                                                                 const metadata::Topic& topic,
                                                                 PartitionIndex index,
                                                                 const metadata::NodeIdList& isr);

// The moves under way; without topics all of them. A topic that does not exist has none.
admin::v1::ListPartitionReassignmentsReply ListPartitionReassignments(
    const MetadataImage& image, const admin::v1::ListPartitionReassignmentsRequest& request);

}  // namespace weir::state
