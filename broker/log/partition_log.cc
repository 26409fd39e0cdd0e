#include "broker/log/partition_log.h"

#include <algorithm>
#include <utility>

#include "broker/log/key_format.h"
#include "broker/log/timestamp_search.h"
#include "broker/wire/batch_validation.h"
#include "common/base/check.h"

namespace weir::log {
namespace {

// What a lookup by time reads at once.
constexpr size_t kTimeLookupBytes = 1024 * 1024;

// The bytes of `records` to be patched. They are a request's, seen by its one append only (law of
// Append), so nobody observes the change.
char* Mutable(const SharedBytes& records) { return const_cast<char*>(records.data()); }

wire::ProduceRules RulesOf(const LogConfig& config, const AppendContext& context) {
  wire::ProduceRules rules;
  rules.produce_version = context.produce_version;
  rules.batch_bytes_max = config.batch_bytes_max;
  rules.timestamp_type = config.timestamp_type;
  rules.now_ms = context.now.value();
  rules.timestamp_before_ms_max = config.timestamp_before_max_ms;
  rules.timestamp_after_ms_max = config.timestamp_after_max_ms;
  rules.keys_required = config.compacted;
  return rules;
}

}  // namespace

PartitionLog::PartitionLog(KvStore& store, TailCache& cache, const StoredPartition& stored,
                           LogConfigPtr config)
    : store_(store),
      cache_(cache),
      directory_(stored.directory),
      place_{stored.family, stored.local_id},
      config_(std::move(config)),
      log_start_(stored.log_start_offset),
      log_end_(stored.log_start_offset),
      persisted_end_(stored.log_start_offset) {
  if (!config_->committed_offsets) return;
  const Offset rows_end = stored.recovered ? stored.recovered->committed_end : Offset(0);
  committed_ = std::make_unique<CommittedOffsets>(store, stored.local_id, rows_end, log_start_);
}

PartitionLog::~PartitionLog() { cache_.Drop(handle()); }

Result<std::unique_ptr<PartitionLog>> PartitionLog::Open(KvStore& store, TailCache& cache,
                                                         StoredPartition stored,
                                                         LogConfigPtr config, WallTime now) {
  std::unique_ptr<PartitionLog> log(new PartitionLog(store, cache, stored, std::move(config)));
  if (stored.recovered) {
    WEIR_RETURN_IF_ERROR(log->Recover(std::move(*stored.recovered), stored.rows_complete, now));
  }
  return log;
}

Status PartitionLog::Recover(RecoveredRows rows, bool rows_complete, WallTime now) {
  epochs_ = LeaderEpochCache(std::move(rows.epochs));
  epochs_.TrimBefore(log_start_);
  segments_ = SegmentIndex(std::move(rows.segments));
  segments_.TrimBefore(log_start_);
  const Offset rows_end = segments_.EndOr(log_start_);
  Offset producers_end = rows_end;
  if (!rows.producers.empty()) {
    WEIR_ASSIGN_OR_RETURN(auto decoded, ProducerStates::Decode(rows.producers, now));
    producers_ = std::move(decoded.states);
    producers_end = decoded.offset;
    producers_stored_ = true;
  }
  WEIR_RETURN_IF_ERROR(Replay(rows_end, producers_end, rows_complete, now));
  persisted_end_ = log_end_;
  return {};
}

Status PartitionLog::Replay(Offset rows_end, Offset producers_end, bool rows_complete,
                            WallTime now) {
  log_end_ = rows_end;
  Offset from = std::min(rows_end, producers_end);
  if (committed_) from = std::min(from, committed_->end());
  from = std::max(from, log_start_);
  // After an unclean end, the entry before the first to replay must be there as well: the rows
  // promise it. It costs a read.
  const bool check = !rows_complete && rows_end > log_start_;
  if (check) from = std::min(from, rows_end - 1);
  bool tail_seen = false;
  WEIR_RETURN_IF_ERROR(VisitBatches(store_, place_, from, [&](const wire::RecordBatchView& batch) {
    const Offset last(batch.last_offset());
    tail_seen = tail_seen || last + 1 >= rows_end;
    if (last >= rows_end) {
      segments_.Append(batch, config_->segment_bytes);
      log_end_ = last + 1;
      dirty_ = true;
    }
    if (last >= producers_end && batch.has_producer_id()) producers_.Append(batch, now);
    if (committed_) committed_->Append(batch);
    return true;
  }));
  if ((check && !tail_seen) || log_end_ < producers_end) {
    return Fail(ErrorCode::kCorruptMessage,
                "entries that the rows speak of are missing before offset " + ToString(rows_end));
  }
  // A log that started anew lost its move of the log start: it is empty where it was.
  if (committed_ && committed_->end() > log_end_) return RebuildCommitted(log_end_);
  return {};
}

Status PartitionLog::RebuildCommitted(Offset end) {
  committed_->Clear(log_start_);
  return VisitBatches(store_, place_, log_start_, [&](const wire::RecordBatchView& batch) {
    if (Offset(batch.last_offset()) >= end) return false;
    committed_->Append(batch);
    return true;
  });
}

void PartitionLog::BeginEpoch(LeaderEpoch epoch) {
  if (epochs_.Assign(epoch, log_end_)) epoch_unwritten_ = true;
}

Result<Appended> PartitionLog::Append(SharedBytes records, const AppendContext& context) {
  const wire::ProduceRules rules = RulesOf(*config_, context);
  WEIR_ASSIGN_OR_RETURN(const wire::RecordBatchView batch,
                        wire::ValidateProduced(records.view(), rules));
  if (config_->compacted) WEIR_RETURN_IF_ERROR(wire::ValidateRecords(batch, rules));
  if (batch.has_producer_id()) {
    WEIR_ASSIGN_OR_RETURN(const ProducerStates::Verdict verdict,
                          producers_.Check(batch, context.now));
    if (verdict.duplicate_of) return Duplicate(*verdict.duplicate_of);
  }
  char* bytes = Mutable(records);
  wire::SetBaseOffset(bytes, log_end_.value());
  wire::SetPartitionLeaderEpoch(bytes, epochs_.Latest().value_or(LeaderEpoch(-1)).value());
  Appended appended;
  if (config_->timestamp_type == TimestampType::kLogAppendTime) {
    wire::SetLogAppendTime(bytes, context.now.value());
    appended.log_append_time = context.now;
  }
  appended.base_offset = log_end_;
  Count(batch, context.now);
  appended.end_offset = log_end_;
  appended.write = Store(appended.base_offset, std::move(records), context);
  return appended;
}

void PartitionLog::Refuse(std::string_view records, ErrorCode error, WallTime now) {
  const auto batch = wire::RecordBatchView::Parse(records);
  if (batch && batch->has_producer_id()) producers_.Refuse(*batch, error, now);
}

Appended PartitionLog::Duplicate(const ProducerBatch& batch) const {
  Appended appended{.base_offset = batch.base_offset, .end_offset = batch.last_offset + 1};
  if (config_->timestamp_type == TimestampType::kLogAppendTime) {
    appended.log_append_time = WallTime(batch.timestamp_max_ms);
  }
  return appended;
}

void PartitionLog::Count(const wire::RecordBatchView& batch, WallTime now) {
  log_end_ = Offset(batch.last_offset() + 1);
  if (batch.has_producer_id()) producers_.Append(batch, now);
  segments_.Append(batch, config_->segment_bytes);
  if (committed_) committed_->Append(batch);
  dirty_ = true;
}

LogAppend PartitionLog::Store(Offset base_offset, SharedBytes records,
                              const AppendContext& context) {
  LogAppend write;
  write.partition = place_.partition;
  write.family = place_.family;
  write.durability = config_->durability;
  write.last_offset = log_end_ - 1;
  write.bytes = records;
  if (std::exchange(epoch_unwritten_, false)) {
    write.new_epoch = epochs_.starts().back().epoch;
    write.new_epoch_start = epochs_.starts().back().first_offset;
  }
  const size_t charge = context.records_bytes == 0
                            ? records.retained_bytes()
                            : records.size() * context.buffer_bytes / context.records_bytes;
  const size_t size = records.size();
  cache_.Insert(handle(), {base_offset, log_end_ - 1, std::move(records)}, std::max(charge, size));
  return write;
}

// ---- What a leader's log dictates -----------------------------------------------------

Result<Replicated> PartitionLog::AppendReplicated(SharedBytes records,
                                                  const AppendContext& context) {
  // All of it is checked before any of it is taken.
  std::vector<wire::RecordBatchView> batches;
  Offset next = log_end_;
  LeaderEpoch newest = epochs_.Latest().value_or(LeaderEpoch(-1));
  for (wire::BatchIterator it(records.view());;) {
    WEIR_ASSIGN_OR_RETURN(const auto batch, it.Next());
    if (!batch) break;
    WEIR_RETURN_IF_ERROR(batch->Verify());
    const LeaderEpoch epoch(batch->partition_leader_epoch());
    if (Offset(batch->base_offset()) < next || batch->last_offset() < batch->base_offset()) {
      return Fail(ErrorCode::kCorruptMessage, "batch at offset " +
                                                  std::to_string(batch->base_offset()) +
                                                  " follows a log that ends at " + ToString(next));
    }
    if (epoch < newest) {
      return Fail(ErrorCode::kCorruptMessage, "batch of leader epoch " + ToString(epoch) +
                                                  " follows one of " + ToString(newest));
    }
    newest = epoch;
    next = Offset(batch->last_offset() + 1);
    batches.push_back(*batch);
  }
  Replicated replicated;
  size_t begin = 0;
  size_t end = 0;
  for (size_t i = 0; i < batches.size();) {
    const LeaderEpoch epoch(batches[i].partition_leader_epoch());
    const Offset base_offset(batches[i].base_offset());
    if (epochs_.Assign(epoch, base_offset)) epoch_unwritten_ = true;
    for (; i < batches.size() && LeaderEpoch(batches[i].partition_leader_epoch()) == epoch; ++i) {
      end += batches[i].size();
      Count(batches[i], context.now);
    }
    replicated.writes.push_back(Store(base_offset, records.Slice(begin, end - begin), context));
    begin = end;
  }
  replicated.end_offset = log_end_;
  return replicated;
}

Result<LogWriter::FillMeta> PartitionLog::Truncate(Offset offset, WallTime now) {
  WEIR_CHECK(persisted_end_ == log_end_, "nothing is cut off while it is being written");
  WEIR_CHECK(offset >= log_start_ && offset <= log_end_);
  // The entry that holds `offset` begins below it: its first batches stay.
  SharedBytes head;
  if (offset > log_start_ && offset < log_end_) {
    WEIR_ASSIGN_OR_RETURN(const auto entries, ReadEntries(store_, place_, offset, offset + 1, 1));
    if (!entries.empty() && entries.front().base_offset < offset) {
      size_t kept = 0;
      Offset kept_end = entries.front().base_offset;
      for (wire::BatchIterator it(entries.front().bytes.view());;) {
        WEIR_ASSIGN_OR_RETURN(const auto batch, it.Next());
        if (!batch || Offset(batch->last_offset()) >= offset) break;
        kept += batch->size();
        kept_end = Offset(batch->last_offset() + 1);
      }
      head = entries.front().bytes.Slice(0, kept);
      offset = kept_end;
    }
  }
  const Offset recount_from = segments_.TruncateFrom(offset);
  WEIR_RETURN_IF_ERROR(
      VisitBatches(store_, place_, recount_from, [&](const wire::RecordBatchView& batch) {
        if (Offset(batch.last_offset()) >= offset) return false;
        if (Offset(batch.base_offset()) >= recount_from) {
          segments_.Append(batch, config_->segment_bytes);
        }
        return true;
      }));
  if (committed_ && !committed_->TruncateFrom(offset, log_start_)) {
    WEIR_RETURN_IF_ERROR(RebuildCommitted(offset));
  }
  return CutAt(offset, std::move(head), now);
}

LogWriter::FillMeta PartitionLog::StartAnew(Offset offset, WallTime now) {
  WEIR_CHECK(persisted_end_ == log_end_, "nothing is cut off while it is being written");
  segments_.TruncateFrom(Offset(0));
  if (committed_) committed_->Clear(offset);
  LogWriter::FillMeta cut = CutAt(Offset(0), SharedBytes(), now);
  log_start_ = log_end_ = persisted_end_ = offset;
  return cut;
}

LogWriter::FillMeta PartitionLog::CutAt(Offset offset, SharedBytes head, WallTime now) {
  const std::vector<LeaderEpoch> epochs = epochs_.TruncateFrom(offset);
  producers_.TruncateFrom(offset);
  cache_.Drop(handle());
  epoch_unwritten_ = false;
  log_end_ = persisted_end_ = offset;
  return [place = place_, offset, head = std::move(head), epochs,
          rows = TakeCheckpoint(now)](KvBatch& batch) mutable {
    const LogKey begin = MakeLogKey(place.partition, offset);
    const LogKey end = MakeLogKeyEnd(place.partition);
    batch.DeleteRange(place.family, View(begin), View(end));
    if (!head.empty()) {
      const LogKey key = MakeLogKey(place.partition, offset - 1);
      batch.KvBatch::Put(place.family, View(key), head.view());
    }
    for (const LeaderEpoch epoch : epochs) {
      batch.Delete(KvFamily::kMeta, MakeEpochKey(place.partition, epoch));
    }
    rows(batch);
  };
}

void PartitionLog::OnPersisted(Offset end_offset) {
  WEIR_CHECK(end_offset <= log_end_, "only what was appended can be persisted");
  persisted_end_ = std::max(persisted_end_, end_offset);
}

Result<std::vector<TailCache::Run>> PartitionLog::Runs(Offset from, Offset upper,
                                                       size_t bytes_max) const {
  std::vector<TailCache::Run> runs;
  for (const TailCache::Run* run : cache_.Find(handle(), from, bytes_max)) {
    runs.push_back(*run);
  }
  if (!runs.empty()) return runs;
  return ReadEntries(store_, place_, from, upper, bytes_max);
}

Result<LogRead> PartitionLog::Read(Offset from, Offset upper, size_t bytes_max,
                                   bool at_least_one) const {
  WEIR_CHECK(from >= log_start_);
  WEIR_CHECK(upper <= log_end_);
  LogRead read;
  if (from >= upper) return read;
  WEIR_ASSIGN_OR_RETURN(const auto runs, Runs(from, upper, std::max<size_t>(bytes_max, 1)));
  for (const TailCache::Run& run : runs) {
    // One slice per run: its batches from `from` to `upper` that fit.
    size_t begin = 0;
    size_t end = 0;
    wire::BatchIterator batches(run.bytes.view());
    bool full = false;
    while (!full) {
      WEIR_ASSIGN_OR_RETURN(const auto batch, batches.Next());
      if (!batch) break;
      if (Offset(batch->last_offset()) < from) {
        begin = end = end + batch->size();
        continue;
      }
      const bool first = at_least_one && read.bytes == 0;
      full = Offset(batch->last_offset()) >= upper ||
             (read.bytes + batch->size() > bytes_max && !first);
      if (full) break;
      end += batch->size();
      read.bytes += batch->size();
    }
    if (end > begin) read.records.push_back(run.bytes.Slice(begin, end - begin));
    if (full) break;
  }
  return read;
}

Result<std::optional<TimestampOffset>> PartitionLog::ScanForTimestamp(Offset from,
                                                                      int64_t timestamp_ms,
                                                                      Offset upper) const {
  for (Offset at = std::max(from, log_start_); at < upper;) {
    WEIR_ASSIGN_OR_RETURN(const auto runs, Runs(at, upper, kTimeLookupBytes));
    if (runs.empty()) break;
    for (const TailCache::Run& run : runs) {
      WEIR_ASSIGN_OR_RETURN(const auto found,
                            FirstAtOrAfter(run.bytes.view(), timestamp_ms, log_start_, upper));
      if (found) return TimestampOffset{found->offset, found->timestamp};
    }
    at = runs.back().last_offset + 1;
  }
  return std::nullopt;
}

Result<std::optional<TimestampOffset>> PartitionLog::FindTimestamp(int64_t timestamp_ms,
                                                                   Offset upper) const {
  const SegmentRow* segment = segments_.FindTime(timestamp_ms);
  if (segment == nullptr) return std::nullopt;
  return ScanForTimestamp(segment->first_offset, timestamp_ms, upper);
}

Result<std::optional<TimestampOffset>> PartitionLog::MaxTimestamp(Offset upper) const {
  const SegmentRow* youngest = segments_.Youngest();
  if (youngest == nullptr) return std::nullopt;
  return ScanForTimestamp(youngest->timestamp_max_offset, youngest->timestamp_max_ms, upper);
}

void PartitionLog::SetLogStart(Offset offset) {
  WEIR_CHECK(offset <= persisted_end_);
  if (offset <= log_start_) return;
  log_start_ = offset;
  segments_.TrimBefore(offset);
  epochs_.TrimBefore(offset);
  dirty_ = true;
}

LogWriter::FillMeta PartitionLog::TakeCheckpoint(WallTime now) {
  producers_.Expire(now, config_->producer_id_expiration_ms);
  dirty_ = false;
  const bool drop_producers = producers_.size() == 0 && producers_stored_;
  producers_stored_ = producers_.size() > 0;
  return [id = place_.partition, changes = segments_.TakeChanges(), drop_producers,
          producers = producers_stored_ ? producers_.Encode(log_end_) : std::string(),
          committed = committed_ ? committed_->Take() : nullptr](KvBatch& batch) mutable {
    if (committed) committed(batch);
    for (const Offset first : changes.dropped) {
      batch.Delete(KvFamily::kMeta, MakeSegmentKey(id, first));
    }
    for (const SegmentRow& row : changes.rows) {
      batch.Put(KvFamily::kMeta, MakeSegmentKey(id, row.first_offset), Encode(row));
    }
    const std::string key = MakeRowKey(RowKind::kProducers, id);
    if (!producers.empty()) batch.Put(KvFamily::kMeta, key, producers);
    if (drop_producers) batch.Delete(KvFamily::kMeta, key);
  };
}

}  // namespace weir::log
