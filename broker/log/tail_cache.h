// TailCache: the newest batches of a shard's partitions, in the very buffers the network read them
// into, so that consumers and followers that keep up never touch the store.
//
// Laws:
//  1. Of each partition the cache holds a contiguous run that ends at its log end.
//  2. Bytes held stay below the budget: the oldest run of any partition goes first. What counts is
//     the memory kept alive, not the slice; a slice that would keep much more alive is copied out.
//  3. Only appends insert: a reader that lags cannot push out what others read.
// Thread rule: its shard.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <unordered_map>
#include <vector>

#include "broker/log/topic_partition.h"
#include "common/base/bytes.h"
#include "common/base/ids.h"

namespace weir::log {

class TailCache {
 public:
  // One append: whole batches.
  struct Run {
    Offset base_offset;
    Offset last_offset;
    SharedBytes bytes;
  };

  explicit TailCache(size_t bytes_max) : bytes_max_(bytes_max) {}

  // `charge`: the share of its buffer that the run keeps alive, at least its size.
  // REQUIRES: base_offset follows the partition's last run, if there is one.
  void Insert(PartitionHandle partition, Run run, size_t charge);
  // The runs from the one that holds `offset` on; empty when it is not held.
  std::vector<const Run*> Find(PartitionHandle partition, Offset offset, size_t bytes_max) const;
  // All runs of the partition: it is gone, or its log was cut.
  void Drop(PartitionHandle partition);

  size_t bytes() const { return bytes_; }
  size_t partitions() const { return tails_.size(); }

 private:
  struct Tail {
    // Runs before `first` are gone; the vector is shortened when they are half of it.
    std::vector<Run> runs;
    size_t first = 0;
    size_t charged = 0;
    // Tells the ages of this tail from those of one that was dropped.
    uint64_t generation = 0;
  };
  struct Age {
    PartitionHandle partition;
    uint64_t generation;
    size_t charge;
  };

  void EvictOldest();

  size_t bytes_max_;
  size_t bytes_ = 0;
  uint64_t last_generation_ = 0;
  std::unordered_map<PartitionHandle, Tail> tails_;
  // One per run, oldest first. Those of dropped tails stay until their turn, and cost nothing.
  std::deque<Age> ages_;
};

}  // namespace weir::log
