// LogWriter: group commit for all partitions of a data directory (D8). Shards queue appends; one
// writer turns everything queued into one batch of the store; one syncer syncs again as soon as the
// previous sync ended; each shard then gets one task with all that became persisted.
//
// Laws:
//  1. Entries of a partition are written in the order of Append, and reported in that order.
//  2. Durability fsync: reported after a Sync that began after the Write. Durability os: after the
//     Write.
//  3. What one partition queued for a round becomes as few entries as limits::kLogEntryBytesTarget
//     allows; bytes go from the network's buffer into the store's batch without a copy in between.
//  4. Meta rows and entries share one queue, so their order on disk is the order of the calls.
//  5. A failed Write or Sync ends reporting for good (D-13): what is queued then, or comes later,
//     is lost, and its `lost` tasks run.
// Thread rule: public calls from any thread; Write on the writer executor, Sync on the syncer.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "broker/log/log_config.h"
#include "broker/log/topic_partition.h"
#include "common/base/bytes.h"
#include "common/base/executor.h"
#include "common/base/ids.h"
#include "common/base/kv_store.h"
#include "common/runtime/mailbox.h"

namespace weir::log {

// One or more record batches of one partition, offsets given.
struct LogAppend {
  PartitionLocalId partition;
  KvFamily family = KvFamily::kLogLong;
  Durability durability = Durability::kFsync;
  Offset last_offset;
  SharedBytes bytes;
  // The leader epoch that begins with this append, written in the same batch; -1: none does.
  LeaderEpoch new_epoch{-1};
  Offset new_epoch_start{0};
};

// All entries of the partition below `end_offset` are persisted.
struct Persisted {
  PartitionLocalId partition;
  Offset end_offset;
};

class LogWriter {
 public:
  using OnPersisted = std::function<void(const std::vector<Persisted>&)>;
  // Adds rows to the batch it is given. Runs on the writer.
  using FillMeta = absl::AnyInvocable<void(KvBatch&)>;

  // What was written so far, for metrics.
  struct Counters {
    std::atomic<uint64_t> bytes{0};
    std::atomic<uint64_t> appends{0};
    std::atomic<uint64_t> entries{0};
    std::atomic<uint64_t> writes{0};
    std::atomic<uint64_t> syncs{0};
  };

  LogWriter(KvStore& store, Executor& writer, Executor& syncer);
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

  // `on_persisted` runs on `executor`. Call before the first append. Returns the shard's number.
  size_t AddShard(Executor& executor, OnPersisted on_persisted);

  void Append(size_t shard, std::vector<LogAppend> appends);
  // `synced` (may be null) runs on the syncer after a sync that covers the rows; `lost` (may be
  // null) instead of it, on the writer or the syncer, when the store has failed before.
  void WriteMeta(FillMeta fill, Task synced, Task lost = nullptr);
  // `done` runs on the syncer when everything queued before the call is synced.
  void Flush(Task done, Task lost = nullptr) {
    WriteMeta([](KvBatch&) {}, std::move(done), std::move(lost));
  }

  // Bytes of entries taken in this life, written or not.
  uint64_t appended_bytes() const { return appended_bytes_.load(std::memory_order_relaxed); }
  // Bytes queued and not yet written: the producers' budget should be charged until they are
  // reported.
  size_t queued_bytes() const { return queued_bytes_.load(std::memory_order_relaxed); }
  const Counters& counters() const { return counters_; }

 private:
  struct Item {
    size_t shard = 0;
    LogAppend append;
    FillMeta fill;
    Task synced;
    Task lost;
  };
  struct ShardPort {
    Executor* executor;
    std::shared_ptr<OnPersisted> on_persisted;
  };
  // Waits for the next sync: entries of a shard, or a task.
  struct Written {
    size_t shard = 0;
    Persisted persisted;
    Task synced;
    Task lost;
  };
  using ByShard = std::vector<std::vector<Persisted>>;

  void Enqueue(std::vector<Item> items, size_t bytes);
  void WriteQueued();
  bool WriteSome(std::vector<Item>& items, size_t begin, size_t end);
  void PutEntries(std::vector<Item>& items, size_t begin, size_t end);
  void AfterWrite(std::vector<Item>& items, size_t begin, size_t end);
  void SyncWritten();
  void Lose(std::vector<Item>& items, size_t begin);
  static void Lose(std::vector<Written>& written);
  void Report(ByShard by_shard);

  KvStore& store_;
  Executor& writer_;
  Executor& syncer_;
  std::unique_ptr<KvBatch> batch_;  // the writer's, reused
  std::vector<ShardPort> shards_;
  std::atomic<uint64_t> appended_bytes_{0};
  std::atomic<size_t> queued_bytes_{0};
  std::atomic<bool> failed_{false};
  Counters counters_;

  runtime::Mailbox<Item> queue_;        // shards to writer
  runtime::Mailbox<Written> unsynced_;  // writer to syncer
};

}  // namespace weir::log
