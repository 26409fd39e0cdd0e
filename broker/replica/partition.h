// Partition: the laws of one replica, as a value: who leads, in which epoch, and how far the high
// watermark may go. Events come in, what follows from them goes out as Actions; nothing here
// touches a log or a clock.
//
//   state      OnLeaderChange(self)   OnLeaderChange(other)   OnPersisted
//   follower   -> leader              -> follower             stays
//   leader     stays (new epoch)      -> follower             stays, high watermark may move
//
// Laws:
//  1. high watermark <= persisted end of every in-sync replica, this one included.
//  2. The high watermark never goes back while a replica leads.
//  3. Leader epochs and partition epochs only grow: older news is ignored (I-41).
//  4. Only the leader serves clients, and only in the epoch the client believes in (KIP-320).
// Thread rule: plain value, one owner.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/error_code.h"
#include "common/base/ids.h"

namespace weir::replica {

// What the metadata says about a partition.
struct LeaderAndIsr {
  NodeId leader = kNoNode;
  LeaderEpoch leader_epoch{-1};
  PartitionEpoch partition_epoch{-1};
  std::vector<NodeId> isr;
};

class Partition {
 public:
  // What the owner must do because of an event.
  struct Actions {
    // Begin the epoch in the log; requests are served from now on.
    bool began_leading = false;
    // Requests that wait here must be answered NOT_LEADER_OR_FOLLOWER.
    bool stopped_leading = false;
    // Requests that wait for the high watermark may go on.
    bool high_watermark_moved = false;

    friend bool operator==(const Actions&, const Actions&) = default;
  };

  // A replica whose log holds everything below `persisted_end`.
  Partition(NodeId self, Offset log_start, Offset persisted_end)
      : self_(self),
        persisted_end_(persisted_end),
        log_end_(persisted_end),
        high_watermark_(log_start) {}

  Actions OnLeaderChange(LeaderAndIsr news);
  // The log ends at `log_end` now.
  void OnAppend(Offset log_end);
  // Everything below `persisted_end` survives a crash of this broker.
  Actions OnPersisted(Offset persisted_end);

  bool leading() const { return state_.leader == self_; }
  LeaderEpoch leader_epoch() const { return state_.leader_epoch; }
  PartitionEpoch partition_epoch() const { return state_.partition_epoch; }
  Offset high_watermark() const { return high_watermark_; }
  Offset log_end() const { return log_end_; }
  size_t isr_size() const { return state_.isr.size(); }

  // Whether a client may be served that believes in `current` (-1: does not say).
  // kNone, kNotLeaderOrFollower, kFencedLeaderEpoch or kUnknownLeaderEpoch.
  ErrorCode CheckServing(LeaderEpoch current) const;
  // Whether an append with `acks` is taken: also kNotEnoughReplicas.
  ErrorCode CheckAppend(int16_t acks, int32_t min_insync_replicas) const;

  // "leader epoch=3 hw=10 persisted=12 end=14 isr=[1]"
  std::string Describe() const;

 private:
  bool MoveHighWatermark();

  NodeId self_;
  LeaderAndIsr state_;
  Offset persisted_end_;
  Offset log_end_;
  Offset high_watermark_;
};

}  // namespace weir::replica
