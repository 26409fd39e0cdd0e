// DiskKeeper: looks after the space of one data directory. It samples the disk, says whether there
// is room for records (DiskSpace decides), and has the space of deleted partitions reclaimed.
//
// Laws:
//  1. LogStore::full is what the newest sample says, and no more is taken until the next than that
//     one found room for: a disk of any speed keeps its reserve. Samples are kDiskSampleEvery apart
//     whatever the disk does, and kQuietSampleEvery when nothing was written between the last two.
//  2. Reclaiming runs on its own thread, once at a time: soon after a deletion, at once on a full
//     disk.
//  3. A full disk first has memory written out, which frees the write-ahead log; only then are
//     living entries copied, at most half of the reserve at a time.
//  4. A store that has failed is left alone.
//  5. Nothing is written out or rewritten that the disk may not take: when others have eaten the
//     reserve, the broker refuses records and waits.
// Thread rule: full() and the counters from any thread; Start once; the executors stop before the
// object goes.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>

#include "broker/log/disk_space.h"
#include "broker/log/log_store.h"
#include "common/base/executor.h"
#include "common/base/result.h"

namespace weir::log {

// Kafka's file.delete.delay.ms has deletions wait for a minute; ours wait for company.
inline constexpr Duration kReclaimDelay = std::chrono::seconds(5);
inline constexpr Duration kDiskSampleEvery = std::chrono::milliseconds(100);
// Others may fill a disk too; the least reserve outlasts 1 GB/s for so long.
inline constexpr Duration kQuietSampleEvery = std::chrono::milliseconds(250);

class DiskKeeper {
 public:
  // Total and available bytes of the file system. Errors: kKafkaStorageError.
  using ReadSpace = std::function<Result<DiskSample>()>;

  // `sampler` and `reclaimer` are executors that may wait for the disk, the reclaimer for minutes.
  DiskKeeper(LogStore& store, Executor& sampler, Executor& reclaimer, ReadSpace read_space,
             uint64_t reserve_bytes);

  // Takes the first sample on the caller's thread and the others on the sampler's.
  // Errors: those of ReadSpace.
  Status Start();

  // No room for records: producers are refused, followers do not append.
  bool full() const { return store_.full(); }
  uint64_t room_bytes() const { return room_bytes_.load(std::memory_order_relaxed); }

 private:
  Result<DiskSample> Sample();
  void SampleAgain();
  bool IsReclaimDue(MonoTime now);
  void ReclaimIfDue(const DiskSample& sample, MonoTime now);
  void Reclaim(bool full, uint64_t copy_bytes_max);

  LogStore& store_;
  Executor& sampler_;
  Executor& reclaimer_;
  const ReadSpace read_space_;
  DiskSpace space_;               // sampler
  uint64_t unflushed_bytes_ = 0;  // of the last sample; sampler
  // When partitions deleted and not reclaimed were first seen; sampler.
  MonoTime deleted_since_ = MonoTime::max();
  // Long ago, at first.
  MonoTime reclaimed_at_{-std::chrono::hours(1)};
  uint64_t deaths_reclaimed_ = 0;
  std::atomic<bool> reclaiming_ = false;
  std::atomic<uint64_t> room_bytes_ = 0;
};

}  // namespace weir::log
