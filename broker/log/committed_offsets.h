// CommittedOffsets: the offsets that one partition of __consumer_offsets holds, as keyed rows
// beside its log (DESIGN D7). Leader and followers keep them alike while records are appended, so
// that a follower that becomes leader answers at once: there is no loading.
//
//   record appended --> pending --high watermark passes it--> row, in memory --Take--> row on disk
//
// Laws:
//  1. A row exists, and is visible, only once the high watermark has passed its record: what a
//     reader was told is never taken back by a change of leaders (G-10). Below the high watermark
//     nothing is cut but by an unclean election; then the rows are made anew from the log.
//  2. On disk the rows are those of a prefix of the log, and the batch that writes them says which:
//     every crash leaves a state from which the rest of the log leads to the right rows.
//  3. Rows are queued behind the entries they come from, so the log is never shorter than they say,
//     but while a log that started anew is not on disk yet; its rows are gone by then.
//  4. A record that cannot be read changes nothing, here and on every other replica alike.
//  5. A row is the key and the value of its record without a change, and the record's offset.
//  6. A group's last reset is a row like its offsets, from a record of its own (offset_reset.h).
// Thread rule: its partition's shard. Reads may wait for the disk.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "broker/log/log_writer.h"
#include "broker/wire/offset_records.h"
#include "broker/wire/offset_reset.h"
#include "broker/wire/record_batch.h"
#include "common/base/bytes.h"
#include "common/base/ids.h"
#include "common/base/kv_store.h"
#include "common/base/result.h"
#include "common/base/time.h"

namespace weir::log {

// One committed offset, and where.
struct CommittedOffset {
  std::string topic;
  int32_t partition = 0;
  wire::OffsetCommitValue value;
  // Of its record in the log.
  Offset log_offset{-1};

  friend bool operator==(const CommittedOffset&, const CommittedOffset&) = default;
};

class CommittedOffsets {
 public:
  // `rows_end`: how far the rows on disk go (the A row); nothing below `log_start` is in the log.
  CommittedOffsets(KvStore& store, PartitionLocalId partition, Offset rows_end, Offset log_start);
  CommittedOffsets(const CommittedOffsets&) = delete;
  CommittedOffsets& operator=(const CommittedOffsets&) = delete;

  // The rows are those of the log below it; the log from here on has to be appended again after a
  // restart.
  Offset end() const { return end_; }

  // The batch is in the log, offsets given.
  void Append(const wire::RecordBatchView& batch);
  // The high watermark has moved: what lies below it counts. Whether there is anything to write.
  bool Advance(Offset high_watermark);
  // The log ends at `offset` now. False: the rows know of more (law 1); they are gone, and the log
  // from its start on has to be appended again.
  [[nodiscard]] bool TruncateFrom(Offset offset, Offset log_start);
  // No row is left, here and on disk; the log begins at `log_start`.
  void Clear(Offset log_start);
  // What has changed since the last call, to be written next.
  LogWriter::FillMeta Take();
  bool has_unwritten() const { return unwritten_; }

  // Errors: those of KvStore, kCorruptMessage.
  Result<std::optional<CommittedOffset>> Find(std::string_view group, std::string_view topic,
                                              int32_t partition) const;
  // By topic and partition. Errors: as Find.
  Result<std::vector<CommittedOffset>> FindAll(std::string_view group) const;
  // Groups that have offsets, in order; not all their rows are looked at. Errors: as Find.
  Result<std::vector<std::string>> Groups() const;

  // Every row of an offset, by group; stops at the first error `visit` returns. Errors: as Find.
  using VisitOffset = std::function<Status(std::string_view group, CommittedOffset offset)>;
  Status VisitAll(const VisitOffset& visit) const;
  // The group's last reset. Errors: as Find.
  Result<std::optional<wire::OffsetReset>> FindReset(std::string_view group) const;
  // Whether there is one, a pending one counted. Errors: as Find.
  Result<bool> HasReset(std::string_view group) const;
  // The reset that an append of `batches` would be, whose records are changes of the offsets of
  // `group` by somebody who is no member (offset_history.h); nullopt: none. What is pending counts
  // as done. Errors: as Find, those of batches, kRecordListTooLarge: it takes more than
  // `bytes_max`.
  Result<std::optional<wire::OffsetReset>> ResetBy(std::string_view group,
                                                   std::span<const SharedBytes> batches,
                                                   WallTime now, size_t bytes_max) const;

  // Keys of records, pending ones among them, that `matches` names and that no later record has
  // forgotten: what to write tombstones for. `group` empty: of all groups. Errors: as Find.
  using Matches = std::function<bool(const wire::OffsetCommitKey&, const wire::OffsetCommitValue&)>;
  Result<std::vector<std::string>> KeysToForget(std::optional<std::string_view> group,
                                                const Matches& matches) const;

  // Of the memory's two parts, for tests and pages.
  size_t pending_count() const { return pending_.size(); }
  size_t unwritten_count() const { return rows_.size(); }

 private:
  struct Pending {
    Offset offset;
    // As in rows: without its version.
    std::string key;
    // nullopt: a tombstone.
    std::optional<std::string> value;
  };
  // A row that the disk may not have yet.
  struct Unwritten {
    // nullopt: there is none.
    std::optional<std::string> row;
    // The fill it went with; 0: none yet.
    uint64_t fill = 0;
  };
  // Gets a row's key, without its partition, and the row.
  using Visit = std::function<Status(std::string_view key, std::string_view row)>;

  void AppendRecord(Offset offset, std::string_view key, std::optional<std::string_view> value);
  // Values by row key, pending ones first; nullopt: none. Errors: as Find.
  Result<std::vector<std::optional<std::string>>> NewestOf(
      const std::vector<std::string>& row_keys) const;
  // The row, in memory or on disk.
  Result<std::optional<std::string>> FindRow(std::string_view row_key) const;
  bool DiskIsVoid() const { return clear_ || clear_fill_ > written_->load(); }
  Status VisitRows(std::string_view prefix, const Visit& visit) const;

  KvStore& store_;
  const PartitionLocalId partition_;
  Offset end_;
  // By offset.
  std::deque<Pending> pending_;
  std::map<std::string, Unwritten, std::less<>> rows_;
  bool unwritten_ = false;
  // The rows on disk are to be deleted by the next fill, or are by this one.
  bool clear_ = false;
  uint64_t clear_fill_ = 0;
  uint64_t fill_ = 0;
  // Fills up to this one are in the store: the writer says so when it comes to the next.
  std::shared_ptr<std::atomic<uint64_t>> written_;
};

}  // namespace weir::log
