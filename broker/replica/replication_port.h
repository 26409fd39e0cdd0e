// ReplicationPort: what partitions ask of the rest of the broker: to be kept fetching from their
// leaders, and to have changes of their ISR brought before the controller.
//
// Thread rule: called on the shards; whoever implements it hands over to its own thread.
#pragma once

#include <vector>

#include "broker/log/topic_partition.h"
#include "broker/replica/partition.h"
#include "broker/replica/replica_fetcher.h"
#include "common/base/ids.h"
#include "common/base/time.h"

namespace weir::replica {

class ReplicationPort {
 public:
  virtual ~ReplicationPort() = default;
  // Fetch these from `leader` from their positions on, and from nobody else. What comes goes to
  // PartitionRouter::TakeFetched.
  virtual void Follow(NodeId leader, std::vector<FollowerPosition> positions) = 0;
  // Nobody is followed any more.
  virtual void Unfollow(std::vector<TopicPartition> partitions) = 0;
  // Send the proposal until the controller has answered, and tell PartitionRouter::OnIsrAnswer.
  // A proposal of the same partition that is still being sent is replaced.
  virtual void ProposeIsr(const TopicPartition& partition, IsrProposal proposal) = 0;
  // This broker's replica is damaged and wants to begin anew: ask the controller once, and tell
  // PartitionRouter::OnGivenUp what it said.
  virtual void GiveUp(const TopicPartition& partition) = 0;
  // Whether this broker's replica cannot be reached (its data directory failed): tell the
  // controller once, and PartitionRouter::OnStorageAnswer what it said.
  virtual void TellStorage(const TopicPartition& partition, bool offline) = 0;
  // Tell the controller once how far this log goes: the epoch of its last record (-1: empty) and
  // where it ends. It looks for a leader among replicas none of which is known to be complete.
  virtual void ReportLogEnd(const TopicPartition& partition, const log::EpochEnd& end) = 0;
  // Until when no other broker can have become leader because this one was not heard of.
  virtual MonoTime LeadsUntil() const = 0;
};

}  // namespace weir::replica
