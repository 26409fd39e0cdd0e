// Partitions: leaders, ISR and ELR when brokers come and go (DESIGN D4, KIP-966).
//
// Laws, for every partition after every batch:
//  1. The leader is in the ISR; ISR and ELR are disjoint parts of the replicas (I-08, I-11).
//  2. No fenced broker leads or is in an ISR (I-09, I-37).
//  3. The ELR is empty when the ISR has min.insync.replicas members (I-08).
//  4. The leader is the first replica, in replica order, that is usable and in the ISR; without
//  one,
//     usable and in the ELR; without any candidate there is no leader. A broker whose log may lack
//     acknowledged records is elected only if it was the last leader and is the only one left.
//  5. Losing a replica while the leader stays bumps the leader epoch too, so that fetches of the
//     lost one are refused.
// Thread rule: pure functions.
#pragma once

#include <functional>
#include <span>

#include "controller/state/decision.h"

namespace weir::state {

// How the brokers will be once the batch is applied.
struct BrokerOutlook {
  // May lead.
  std::function<bool(NodeId)> usable;
  // In-sync membership has ended: the broker is being fenced or shut down.
  std::function<bool(NodeId)> leaving;
};

// The change of one partition, or nullopt when nothing changes.
std::optional<metadata::v1::PartitionChangeRecord> PartitionChangeFor(
    const metadata::Topic& topic, PartitionIndex index, const metadata::Partition& partition,
    int32_t min_insync_replicas, const BrokerOutlook& outlook);

// Partition changes for brokers that are being fenced, or go into controlled shutdown.
void AppendChangesForLeaving(const DecisionContext& context, std::span<const NodeId> leaving,
                             Records* records);
// For a broker that is being unfenced: leaderless partitions it can lead.
void AppendChangesForReturning(const DecisionContext& context, NodeId returning, Records* records);
// For a broker that registers after an unclean end: partitions with durability=os may have lost
// acknowledged records there, so it leaves their ELR for the last known ELR (I-17).
void AppendChangesForUncleanEnd(const DecisionContext& context, NodeId broker, Records* records);

// Whether the broker leads any partition.
bool LeadsAny(const MetadataImage& image, NodeId broker);
// Whether the broker is a replica of any partition.
bool HoldsAny(const MetadataImage& image, NodeId broker);

}  // namespace weir::state
