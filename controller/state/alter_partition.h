// AlterPartition: a leader changes the ISR of its partitions (KIP-497).
//
// Laws:
//  1. Only the leader, in its newest epoch and of its newest life, changes a partition, and only
//     the version it has seen (I-20 i, j).
//  2. Who joins is live, not shutting down, and of the life in which it caught up (I-36, I-37).
//     The refusal of one that is not ends the version, so that a copy of the call cannot be granted
//     later, when the leader waits for that replica no more (I-13).
//  3. ISR and ELR stay disjoint; whoever leaves an ISR below min.insync.replicas becomes eligible,
//     and with min.insync.replicas members nobody else is (I-08).
//  4. Who joins or stays can be reached: its data directory has not failed.
//  5. A replica is given up only while another one is in sync and can lead (D-18).
// Thread rule: pure functions.
#pragma once

#include "controller/state/decision.h"
#include "proto/broker.pb.h"

namespace weir::state {

// Errors: kBrokerIdNotRegistered, kStaleBrokerEpoch. Per partition: see AlteredPartition.
Result<Decision<broker::v1::AlterPartitionReply>> AlterPartition(
    const DecisionContext& context, const broker::v1::AlterPartitionRequest& request);

}  // namespace weir::state
