// WaitQueue: requests that wait until partitions have moved far enough, or a deadline. Delayed
// produce waits for offsets, a long-poll fetch for bytes; both are woken by the movement itself,
// never polled.
//
// Laws:
//  1. Every wait ends exactly once: satisfied, at its deadline, or cancelled; a cancelled one is
//     not woken.
//  2. A wake-up may add waits and move partitions: the queue is consistent before it calls.
//  3. A wait that is over leaves nothing behind in the queue.
// Thread rule: its shard.
#pragma once

#include <cstdint>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "broker/log/topic_partition.h"
#include "common/base/executor.h"
#include "common/base/ids.h"
#include "common/base/time.h"

namespace weir::replica {

class WaitQueue {
 public:
  using WaitId = uint64_t;

  struct Target {
    log::PartitionHandle partition;
    // The position to reach.
    Offset offset;
  };

  // Waits until every target is reached. REQUIRES: targets are not empty and not reached yet.
  WaitId WaitForOffsets(const std::vector<Target>& targets, MonoTime deadline, Task wake);
  // Waits until the partitions together have moved by `bytes`. REQUIRES: bytes > 0.
  WaitId WaitForBytes(const std::vector<log::PartitionHandle>& partitions, int64_t bytes,
                      MonoTime deadline, Task wake);
  // Unknown and finished ids are ignored.
  void Cancel(WaitId id);

  // `partition` has reached `offset`, `bytes` further than before.
  void OnMoved(log::PartitionHandle partition, Offset offset, int64_t bytes);
  // Nothing more will come of `partition` here: its targets count as reached, waits for bytes end.
  void OnGone(log::PartitionHandle partition);
  // A wait that `partition` is part of ends `pause` from `now` at the latest, and later by
  // `pause_per_partition` for each of its partitions.
  void Hasten(log::PartitionHandle partition, MonoTime now, Duration pause,
              Duration pause_per_partition);
  // Ends what is due. Returns the next deadline, MonoTime::max() when there is none.
  MonoTime Expire(MonoTime now);
  MonoTime NextDeadline() const;

  size_t size() const { return waits_.size(); }

 private:
  struct Wait {
    // Targets or bytes still missing.
    int64_t missing = 0;
    MonoTime deadline;
    std::vector<log::PartitionHandle> partitions;
    Task wake;
  };
  struct Watcher {
    WaitId id;
    // Below zero: waits for bytes.
    Offset target;
  };

  WaitId Add(Wait wait, const std::vector<Target>& watchers);
  // Takes the wait out of every table.
  Task Remove(WaitId id);
  void Wake(std::vector<WaitId>& ids);

  WaitId next_id_ = 1;
  std::unordered_map<WaitId, Wait> waits_;
  std::unordered_map<log::PartitionHandle, std::vector<Watcher>> watchers_;
  std::set<std::pair<MonoTime, WaitId>> deadlines_;
};

}  // namespace weir::replica
