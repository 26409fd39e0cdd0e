// LogEvidence: what brokers say of their logs of partitions in which nobody is in sync or eligible
// any more, and the leaders that follow from it (KIP-966's balanced recovery). Such a partition is
// left when all of its in-sync replicas lost power and its topic does not sync before it
// acknowledges. Soft state of the active controller: brokers say it again and again until there is
// a leader.
//
// Laws:
//  1. Nobody is elected before every member of the last known ELR has spoken in its present life:
//     one that is missing may hold acknowledged records that the others lack. Who is in that list
//     got there at the beginning of its life, so that what it said is of no earlier time.
//  2. The leader is whose log goes furthest in the latest leader epoch (I-18); of equal ones, the
//     first in replica order. It leads alone: the others follow its log.
//  3. Nobody else is heard, and nothing is kept of a partition that has a leader.
// Thread rule: plain value, one owner.
#pragma once

#include <map>
#include <utility>

#include "controller/state/decision.h"
#include "proto/broker.pb.h"

namespace weir::state {

class LogEvidence {
 public:
  // state::AlterPartition, and the elections that become possible by what the broker says of its
  // logs: a bounded number, the others when it says so again. Errors: those of AlterPartition.
  Result<Decision<broker::v1::AlterPartitionReply>> AlterPartition(
      const DecisionContext& context, const broker::v1::AlterPartitionRequest& request);

  size_t partition_count() const { return partitions_.size(); }

 private:
  struct Log {
    BrokerEpoch broker_epoch;
    // Of the last record; -1: the log is empty.
    LeaderEpoch leader_epoch;
    Offset end_offset;
  };
  using Logs = std::map<NodeId, Log>;
  using Key = std::pair<Uuid, PartitionIndex>;

  // REQUIRES: the request is of the broker's present life.
  void Hear(const DecisionContext& context, const broker::v1::AlterPartitionRequest& request,
            Records* records);
  void ForgetTheLed(const MetadataImage& image);
  // Whose log is to be the partition's; kNoNode while somebody is missing.
  static NodeId BestOf(const MetadataImage& image, const metadata::Partition& partition,
                       const Logs& logs);

  std::map<Key, Logs> partitions_;
};

}  // namespace weir::state
