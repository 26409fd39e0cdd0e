// Elections beyond those that brokers cause by coming and going (partitions.h): the ones that
// people ask for, and the ones that the active controller looks for from time to time (KIP-460).
//
// Laws:
//  1. A preferred election gives the leadership to the first replica, and only if that one is in
//     the ISR and may lead: nothing can be lost.
//  2. An unclean election is for a partition without a leader. It takes who is safe if anybody is.
//  3. Whoever leads after an election by law 4 of partitions.h keeps leading after these, unless
//     the preferred replica takes over.
// Thread rule: pure functions.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "controller/state/decision.h"

namespace weir::state {

// Errors: kInvalidRequest (unknown kind). Per partition: kUnknownTopicOrPartition;
// kElectionNotNeeded (it is led by the preferred replica, or at all if the kind is unclean);
// kPreferredLeaderNotAvailable; kEligibleLeadersNotAvailable (no replica's broker is up);
// kInvalidRequest (named twice); kThrottlingQuotaExceeded (beyond what one request may change).
Result<Decision<admin::v1::ElectLeadersReply>> ElectLeaders(
    const DecisionContext& context, const admin::v1::ElectLeadersRequest& request);

// What the configuration changes among `records` mean for partitions, appended to them: a leader
// where an unclean election has come to be allowed, no ELR where the ISR has come to be large
// enough (I-08), and the end of a move that waited for min.insync.replicas (I-22). What does not
// fit into one batch is left to BalanceLeaders.
void AppendChangesForConfigs(const DecisionContext& context, Records* records);

struct BalanceOutcome {
  // Leaderships that go back to the preferred replica.
  size_t returned = 0;
  // Partitions whose configuration has come to allow a leader or the end of a move, or to need no
  // ELR any more.
  size_t repaired = 0;
  // Leaderships that left data directories that are full (full_disks.h).
  size_t off_full_disks = 0;
  // There was more to do than `changes_max`: call again once this batch is applied.
  bool more = false;
};

// Whether the leadership of that partition shall go back to the broker now.
using MayTakeBack = std::function<bool(NodeId, const Uuid& topic_id, PartitionIndex)>;

// What the active controller finds to do of itself, in order of topic id and partition.
Decision<BalanceOutcome> BalanceLeaders(const DecisionContext& context,
                                        const MayTakeBack& may_take_back, size_t changes_max);

// A leader that may lack acknowledged records.
struct UncleanElection {
  std::string topic;
  PartitionIndex partition;
  NodeId leader;
};

// The leaders in `records`, decided on `before`, that come from neither the ISR nor the ELR.
std::vector<UncleanElection> UncleanElectionsIn(const MetadataImage& before,
                                                const Records& records);

}  // namespace weir::state
