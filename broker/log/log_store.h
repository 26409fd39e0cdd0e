// LogStore: the partitions of one data directory. It gives out local ids, knows which partitions
// the directory holds, and owns the one log writer that all shards append through.
//
// Laws:
//  1. A partition's P row precedes its first entry in the write-ahead log: an entry that survives
//     has an owner.
//  2. A local id is never given twice, not even after its partition was deleted.
//  3. A deleted partition is named dead on disk in the same batch that takes its rows away, its
//     entries are reclaimed only after that batch is synced, and the name goes only when no entry
//     is left.
//  4. A store that has failed forgets nothing: what its directory holds is found there again when
//     the directory is back, so it must not be made elsewhere meanwhile.
//  5. The clean-shutdown marker is gone, and synced, before anything else is written (I-17).
// Thread rule: Open, then calls from any shard's thread; internally locked, nothing waits for the
// disk.
#pragma once

#include <atomic>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "broker/log/key_format.h"
#include "broker/log/leader_epoch_cache.h"
#include "broker/log/log_start_map.h"
#include "broker/log/log_writer.h"
#include "broker/log/topic_partition.h"
#include "common/base/executor.h"
#include "common/base/kv_store.h"
#include "common/base/result.h"
#include "common/runtime/guarded.h"

namespace weir::log {

// What the last life wrote about a partition besides its entries.
struct RecoveredRows {
  std::vector<EpochStart> epochs;
  std::vector<SegmentRow> segments;
  // The N row; empty when there is none.
  std::string producers;
  // The A row.
  Offset committed_end{0};
};

// A partition to open.
struct StoredPartition {
  PartitionLocalId local_id;
  KvFamily family = KvFamily::kLogLong;
  Offset log_start_offset{0};
  // Null for a partition made in this life: there is nothing on disk to look for.
  std::unique_ptr<RecoveredRows> recovered;
  // Whether the last life ended cleanly, so that what the rows say needs no proof.
  bool rows_complete = false;
  // The number of the LogStore's directory.
  uint32_t directory = 0;
};

class LogStore {
 public:
  // Reads the directory's rows. `starts` is what the store's drop rules were built on
  // (LogStartMap::DropRules), `directory` a number that no other open directory of the broker has.
  // Errors: kKafkaStorageError for rows that do not parse.
  static Result<std::unique_ptr<LogStore>> Open(KvStore& store, Executor& writer, Executor& syncer,
                                                std::shared_ptr<LogStartMap> starts,
                                                uint32_t directory = 0);
  uint32_t directory() const { return directory_; }

  // The broker epoch of the last life if that ended with CloseCleanly; kNoBrokerEpoch otherwise
  // (KIP-966).
  BrokerEpoch previous_broker_epoch() const { return previous_broker_epoch_; }

  // Partitions that the directory holds, to be compared with the metadata: what is not wanted is
  // deleted.
  std::vector<TopicPartition> Stored() const;
  bool Holds(const TopicPartition& partition) const;
  size_t partition_count() const;

  // The stored state of partitions, in their order; those that are new are created in one batch.
  // Each partition is opened once in a life. `families` says where new ones go.
  std::vector<StoredPartition> OpenOrCreate(const std::vector<TopicPartition>& partitions,
                                            const std::vector<KvFamily>& families);
  // Takes the rows of partitions away and has their entries reclaimed in time.
  void Delete(const std::vector<TopicPartition>& partitions);
  // Reclaims the disk space of partitions deleted so far, and takes their last rows away; with
  // `copy_bytes_max` (see KvStore::Reclaim) that of all dead entries, wherever they are. Waits for
  // the disk, perhaps for minutes: from one thread that may. Returns how many partitions are gone
  // for good. Errors: kKafkaStorageError.
  Result<size_t> Reclaim(uint64_t copy_bytes_max);
  // Partitions whose deletion is synced and whose space is not reclaimed yet.
  size_t deleted_count() const;
  // Grows whenever entries died: deletions and moved log starts that are synced.
  uint64_t death_count() const { return death_count_.load(); }
  // Records a new log start; `done` runs on a thread of the writer once it is synced, `lost`
  // instead when the store has failed. Both may be null.
  void MoveLogStart(const TopicPartition& partition, Offset log_start_offset, Task done,
                    Task lost = nullptr);

  // Writes the clean-shutdown marker and syncs. Call last, after the shards have stopped appending
  // and the writer's queue is empty (LogWriter::Flush). Errors: kKafkaStorageError.
  Status CloseCleanly(BrokerEpoch epoch);

  // The directory can be used no more in this life. Any thread.
  void MarkFailed() { failed_.store(true); }
  bool failed() const { return failed_.load(std::memory_order_relaxed); }
  // There is room for entries until LogWriter::appended_bytes is so much; 0: there is none.
  static constexpr uint64_t kNoAppendLimit = std::numeric_limits<uint64_t>::max();
  void SetAppendLimit(uint64_t bytes) { append_limit_.store(bytes, std::memory_order_relaxed); }
  // No room for records: producers are refused, followers do not append.
  bool full() const {
    return writer_.appended_bytes() >= append_limit_.load(std::memory_order_relaxed);
  }

  LogWriter& writer() { return writer_; }
  KvStore& kv() { return kv_; }

 private:
  // What is kept in memory of a partition's P row.
  struct Known {
    PartitionLocalId local_id;
    KvFamily family = KvFamily::kLogLong;
    Offset log_start_offset{0};
  };

  // A deleted partition whose entries may still be there.
  struct Dead {
    PartitionLocalId id;
    KvFamily family = KvFamily::kLogLong;
  };

  // What Load gathers for the LogStartMap.
  struct Loaded {
    std::vector<LogStartMap::Start> starts;
    std::vector<Dead> dead;
  };

  // The directory's partitions, as memory has them.
  struct Partitions {
    std::unordered_map<TopicPartition, Known> known;
    // Rows of partitions not opened yet.
    std::unordered_map<PartitionLocalId, std::unique_ptr<RecoveredRows>> recovered;
    PartitionLocalId next_local_id{1};
  };

  LogStore(KvStore& store, Executor& writer, Executor& syncer, std::shared_ptr<LogStartMap> starts,
           uint32_t directory);
  Status Load();
  Status LoadBrokerRows(Partitions& partitions);
  Status LoadRow(std::string_view key, std::string_view value, Partitions& partitions,
                 Loaded& loaded);
  static void DeleteRows(KvBatch& batch, const std::vector<Dead>& dead);
  void AddDead(const std::vector<Dead>& dead);
  Result<bool> HasEntries(const Dead& dead);
  StoredPartition OpenKnown(Partitions& partitions, const Known& known) const;

  KvStore& kv_;
  const uint32_t directory_;
  std::shared_ptr<LogStartMap> starts_;
  LogWriter writer_;
  BrokerEpoch previous_broker_epoch_ = kNoBrokerEpoch;
  // Rows are queued under the lock, so that they reach the disk in the order of the changes.
  runtime::Guarded<Partitions> partitions_;
  runtime::Guarded<std::vector<Dead>> dead_;
  std::atomic<uint64_t> death_count_ = 0;
  std::atomic<bool> failed_ = false;
  std::atomic<uint64_t> append_limit_ = kNoAppendLimit;
};

}  // namespace weir::log
