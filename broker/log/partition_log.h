// PartitionLog: one partition's log, as its shard sees it: where it begins and ends, who wrote to
// it, and where its bytes are. It decides about appends and answers reads; writing is LogWriter's
// work.
//
// Laws:
//  1. log start <= every readable offset < persisted end <= log end. Each of the three only grows,
//     except that a follower cuts off what its leader does not have.
//  2. An append gets the next offsets in the order of the calls. It is in memory at once and
//     readable once its owner lets readers up to it; a failed write stops the node, so no append is
//     taken back.
//  3. After kill -9 or a power cut everything persisted is there: the log end is the last stored
//     entry's end, and epochs, producers and segments are those of the entries.
//  4. Damage found while opening is an error: nothing is cut off or deleted because of it (D-23).
// Thread rule: its shard.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/log/committed_offsets.h"
#include "broker/log/leader_epoch_cache.h"
#include "broker/log/log_config.h"
#include "broker/log/log_reader.h"
#include "broker/log/log_store.h"
#include "broker/log/log_writer.h"
#include "broker/log/producer_state.h"
#include "broker/log/segment_index.h"
#include "broker/log/tail_cache.h"
#include "common/base/bytes.h"
#include "common/base/ids.h"
#include "common/base/result.h"
#include "common/base/time.h"

namespace weir::log {

struct AppendContext {
  WallTime now;
  // Of the Produce API: decides the codecs allowed.
  int16_t produce_version = 0;
  // Memory that the request's buffer keeps alive, and the bytes of records in it: what one byte of
  // records costs in the tail cache.
  size_t buffer_bytes = 0;
  size_t records_bytes = 0;
};

struct Appended {
  Offset base_offset;
  Offset end_offset;
  // Set when the topic stamps records with LogAppendTime.
  WallTime log_append_time{-1};
  // What to hand to the LogWriter; nullopt for a batch that was in the log already.
  std::optional<LogAppend> write;
};

struct Replicated {
  Offset end_offset;
  // What to hand to the LogWriter, in order: one per leader epoch.
  std::vector<LogAppend> writes;
};

// Whole batches in wire form.
struct LogRead {
  std::vector<SharedBytes> records;
  size_t bytes = 0;
};

struct TimestampOffset {
  Offset offset;
  WallTime timestamp;
};

class PartitionLog {
 public:
  // Recovers what `stored` says is on disk; reads the entries after the last checkpoint.
  // Errors: kKafkaStorageError, kCorruptMessage.
  static Result<std::unique_ptr<PartitionLog>> Open(KvStore& store, TailCache& cache,
                                                    StoredPartition stored, LogConfigPtr config,
                                                    WallTime now);
  PartitionLog(const PartitionLog&) = delete;
  PartitionLog& operator=(const PartitionLog&) = delete;
  ~PartitionLog();

  // The number of its directory among the broker's.
  uint32_t directory() const { return directory_; }
  PartitionHandle handle() const { return MakeHandle(directory_, place_.partition); }
  Offset log_start_offset() const { return log_start_; }
  Offset log_end_offset() const { return log_end_; }
  // All entries below it survive what the topic's durability promises.
  Offset persisted_end_offset() const { return persisted_end_; }
  int64_t bytes() const { return segments_.bytes(); }
  const LogConfig& config() const { return *config_; }
  void set_config(LogConfigPtr config) { config_ = std::move(config); }
  const LeaderEpochCache& epochs() const { return epochs_; }
  const ProducerStates& producers() const { return producers_; }
  const SegmentIndex& segments() const { return segments_; }
  // Null unless the topic is __consumer_offsets. The owner tells it the high watermark and writes
  // what it has to write; a cut and a checkpoint write it too.
  CommittedOffsets* committed_offsets() { return committed_.get(); }
  const CommittedOffsets* committed_offsets() const { return committed_.get(); }

  // This broker leads from now on: appends carry `epoch`.
  void BeginEpoch(LeaderEpoch epoch);

  // Checks one partition's records of a Produce request, gives them offsets and writes those and
  // the leader epoch into the bytes, which nobody else may read until the call returns. Errors:
  // those of wire::ValidateProduced and of ProducerStates::Check.
  Result<Appended> Append(SharedBytes records, const AppendContext& context);
  // The same records were refused for a reason that passes, and are not appended: so is what their
  // producer had sent behind them (ProducerStates law 6). What is no batch is ignored.
  void Refuse(std::string_view records, ErrorCode error, WallTime now);
  // Appends what a leader's log holds from log_end_offset() on: whole batches with their offsets
  // and epochs, unchanged. Nothing is appended on errors: kCorruptMessage for batches that are
  // damaged, out of order or older than the log's newest epoch.
  Result<Replicated> AppendReplicated(SharedBytes records, const AppendContext& context);
  // Cuts everything from `offset` on, and the rest of the batch that holds it. The caller has the
  // fill written, and appends nothing before that is synced. REQUIRES: everything is persisted,
  // offset >= log start. Errors: those of Read.
  Result<LogWriter::FillMeta> Truncate(Offset offset, WallTime now);
  // Empties the log; it goes on at `offset`. As Truncate; the owner also moves the log start on
  // disk.
  LogWriter::FillMeta StartAnew(Offset offset, WallTime now);
  // Epochs that this broker led without an append are no history.
  void ForgetEmptyEpochs() { epochs_.TruncateFrom(log_end_); }
  // LogWriter reported entries below `end_offset`.
  void OnPersisted(Offset end_offset);

  // Batches from the one that holds `from` on, below `upper`, at most `bytes_max` unless
  // `at_least_one`: then the first batch comes whole whatever its size. REQUIRES: log start <=
  // from, upper <= persisted end. Errors: kKafkaStorageError, kCorruptMessage.
  Result<LogRead> Read(Offset from, Offset upper, size_t bytes_max, bool at_least_one) const;

  // The first record below `upper` of `timestamp_ms` or younger; nullopt when there is none.
  // Errors: those of Read, kInvalidRecord.
  Result<std::optional<TimestampOffset>> FindTimestamp(int64_t timestamp_ms, Offset upper) const;
  // The record with the largest timestamp below `upper`, the first such. Errors: as FindTimestamp.
  Result<std::optional<TimestampOffset>> MaxTimestamp(Offset upper) const;

  // REQUIRES: offset <= persisted end. Moving back does nothing. The owner makes it durable
  // (LogStore::MoveLogStart).
  void SetLogStart(Offset offset);

  // Whether something happened since the last checkpoint that a restart would have to replay.
  bool dirty() const { return dirty_; }
  // Takes what the next start should find, to be written after everything appended so far.
  LogWriter::FillMeta TakeCheckpoint(WallTime now);

 private:
  PartitionLog(KvStore& store, TailCache& cache, const StoredPartition& stored,
               LogConfigPtr config);
  Status Recover(RecoveredRows rows, bool rows_complete, WallTime now);
  Status Replay(Offset rows_end, Offset producers_end, bool rows_complete, WallTime now);
  Appended Duplicate(const ProducerBatch& batch) const;
  // The write of bytes that end at the log's end, which also go into the tail cache.
  LogAppend Store(Offset base_offset, SharedBytes records, const AppendContext& context);
  void Count(const wire::RecordBatchView& batch, WallTime now);
  LogWriter::FillMeta CutAt(Offset offset, SharedBytes head, WallTime now);
  // Makes the rows of committed offsets anew from the entries below `end`.
  Status RebuildCommitted(Offset end);
  // Runs that cover [from, ...), from the cache or the store.
  Result<std::vector<TailCache::Run>> Runs(Offset from, Offset upper, size_t bytes_max) const;
  Result<std::optional<TimestampOffset>> ScanForTimestamp(Offset from, int64_t timestamp_ms,
                                                          Offset upper) const;

  KvStore& store_;
  TailCache& cache_;
  uint32_t directory_;
  LogPlace place_;
  LogConfigPtr config_;
  Offset log_start_{0};
  Offset log_end_{0};
  Offset persisted_end_{0};
  // The newest epoch's row goes with the next append.
  bool epoch_unwritten_ = false;
  bool dirty_ = false;
  // Whether disk has an N row.
  bool producers_stored_ = false;
  LeaderEpochCache epochs_;
  ProducerStates producers_;
  SegmentIndex segments_;
  std::unique_ptr<CommittedOffsets> committed_;
};

}  // namespace weir::log
