// Partitions: leaders, ISR and ELR when brokers come and go (DESIGN D4, KIP-966).
//
// Laws, for every partition after every batch:
//  1. The leader is in the ISR; ISR and ELR are disjoint parts of the replicas (I-08, I-11).
//  2. No fenced broker leads or is in an ISR (I-09, I-37).
//  3. The ELR is empty when the ISR has min.insync.replicas members (I-08).
//  4. A partition without a usable leader gets the first of its replicas, in replica order, that is
//     usable and in the ISR; failing that, in the ELR. A broker that may lack acknowledged records
//     is elected only if it is the last known one of an empty ISR and ELR, or if the topic allows
//     unclean elections. Without a candidate there is no leader.
//     No replica whose data directory has failed leads or is in an ISR; it stays eligible for when
//     the directory is back, as that of a fenced broker does.
//  5. A leader that is usable stays, with its leader epoch. Losing a follower bumps the partition
//     epoch only: late answers of the lost one are refused by its broker epoch (I-36).
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

struct ElectionRules {
  int32_t min_insync_replicas = 1;
  bool unclean_election = false;
};

// The change of one partition, or nullopt when nothing changes.
std::optional<metadata::v1::PartitionChangeRecord> PartitionChangeFor(
    const Uuid& topic_id, PartitionIndex index, const metadata::Partition& partition,
    const ElectionRules& rules, const BrokerOutlook& outlook);

// Partition changes for brokers that are being fenced, or go into controlled shutdown.
void AppendChangesForLeaving(const DecisionContext& context, std::span<const NodeId> leaving,
                             Records* records);
// For a broker that is being unfenced: leaderless partitions it can lead.
void AppendChangesForReturning(const DecisionContext& context, NodeId returning, Records* records);

// What a broker's new life knows of the records its old life had acknowledged.
enum class LostData : uint8_t {
  // It ended uncleanly: partitions with durability=os may lack records (I-17). They move from ISR
  // and ELR to the last known ELR.
  kUnsynced,
  // Its directories are new: all partitions have lost everything, and it is no candidate any more.
  kEverything,
};
// REQUIRES: the broker is fenced.
void AppendChangesForLostData(const DecisionContext& context, NodeId broker, LostData lost,
                              Records* records);

// A replica is about to throw its records away: out of ISR, ELR and last known ELR, the leadership
// with it; the leader epoch grows, so that nothing it fetched before counts (I-14). nullopt when no
// other replica of the ISR may lead: what it has may be all there is.
std::optional<metadata::v1::PartitionChangeRecord> ChangeForGivenUp(const DecisionContext& context,
                                                                    const metadata::Topic& topic,
                                                                    PartitionIndex index,
                                                                    NodeId broker);

// The broker's replica cannot be reached any more, or can be again. nullopt when nothing changes.
std::optional<metadata::v1::PartitionChangeRecord> ChangeForStorage(const DecisionContext& context,
                                                                    const metadata::Topic& topic,
                                                                    PartitionIndex index,
                                                                    NodeId broker, bool offline);

// Whether the broker leads any partition.
bool LeadsAny(const MetadataImage& image, NodeId broker);
// Whether the broker is a replica of any partition.
bool HoldsAny(const MetadataImage& image, NodeId broker);

}  // namespace weir::state
