// SegmentIndex: a partition's log cut into runs of entries ("virtual segments", STORAGE 2.1), each
// with its size and its largest timestamp. It finds where to look for a time, and what retention
// may let go.
//
// Laws:
//  1. Segments are contiguous and in order; only the last one grows. Each holds whole batches.
//  2. A segment ends at segment.bytes, but never later than kSegmentBytesMax, so that a lookup by
//     time reads little.
//  3. Nothing here is on disk by itself: rows that changed are written at checkpoints and rebuilt
//     from the entries after them.
// Thread rule: its partition's shard.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "broker/log/key_format.h"
#include "broker/wire/record_batch.h"
#include "common/base/ids.h"

namespace weir::log {

class SegmentIndex {
 public:
  static constexpr int64_t kSegmentBytesMax = 16 * 1024 * 1024;

  SegmentIndex() = default;
  // What disk remembers, in order.
  explicit SegmentIndex(std::vector<SegmentRow> segments)
      : segments_(std::move(segments)), first_dirty_(segments_.size()) {}

  // Batches come in offset order.
  void Append(const wire::RecordBatchView& batch, int64_t segment_bytes);
  // Drops segments that end above `offset`, and returns where the last one left ends or, if there
  // is none, where the first one dropped began: what lies between there and `offset` is to be
  // appended again. `offset` itself when nothing was dropped.
  Offset TruncateFrom(Offset offset);
  // Drops segments that end at or below the log start.
  void TrimBefore(Offset log_start_offset);

  // The first segment that may hold a record of `timestamp_ms` or younger; null when none does.
  const SegmentRow* FindTime(int64_t timestamp_ms) const;
  // The segment with the largest timestamp, the earliest such; null when no record has one.
  const SegmentRow* Youngest() const;

  int64_t bytes() const { return bytes_; }
  const std::vector<SegmentRow>& segments() const { return segments_; }
  // Where the last segment ends; `otherwise` when there is none.
  Offset EndOr(Offset otherwise) const {
    return segments_.empty() ? otherwise : segments_.back().end_offset;
  }

  // What disk does not have yet; forgotten by the call.
  struct Changes {
    std::vector<SegmentRow> rows;
    // First offsets of segments that are gone.
    std::vector<Offset> dropped;
  };
  Changes TakeChanges();

 private:
  std::vector<SegmentRow> segments_;
  // Segments before it are on disk as they are.
  size_t first_dirty_ = 0;
  std::vector<Offset> dropped_;
  int64_t bytes_ = SumOfBytes();

  int64_t SumOfBytes() const {
    int64_t sum = 0;
    for (const SegmentRow& segment : segments_) sum += segment.bytes;
    return sum;
  }
};

}  // namespace weir::log
