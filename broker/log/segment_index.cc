#include "broker/log/segment_index.h"

#include <algorithm>

namespace weir::log {

void SegmentIndex::Append(const wire::RecordBatchView& batch, int64_t segment_bytes) {
  const int64_t limit = std::min(segment_bytes, kSegmentBytesMax);
  const auto size = static_cast<int64_t>(batch.size());
  if (segments_.empty() || segments_.back().bytes + size > limit) {
    segments_.push_back({.first_offset = Offset(batch.base_offset())});
  }
  SegmentRow& last = segments_.back();
  last.end_offset = Offset(batch.last_offset() + 1);
  last.bytes += size;
  bytes_ += size;
  if (batch.max_timestamp_ms() > last.timestamp_max_ms) {
    last.timestamp_max_ms = batch.max_timestamp_ms();
    last.timestamp_max_offset = Offset(batch.base_offset());
  }
  first_dirty_ = std::min(first_dirty_, segments_.size() - 1);
}

Offset SegmentIndex::TruncateFrom(Offset offset) {
  Offset begin = offset;
  while (!segments_.empty() && segments_.back().end_offset > offset) {
    begin = segments_.back().first_offset;
    bytes_ -= segments_.back().bytes;
    dropped_.push_back(begin);
    segments_.pop_back();
  }
  first_dirty_ = std::min(first_dirty_, segments_.size());
  return begin;
}

void SegmentIndex::TrimBefore(Offset log_start_offset) {
  const auto alive = std::find_if(segments_.begin(), segments_.end(), [&](const SegmentRow& row) {
    return row.end_offset > log_start_offset;
  });
  const auto dropped = static_cast<size_t>(alive - segments_.begin());
  for (auto row = segments_.begin(); row != alive; ++row) {
    bytes_ -= row->bytes;
    dropped_.push_back(row->first_offset);
  }
  segments_.erase(segments_.begin(), alive);
  first_dirty_ -= std::min(first_dirty_, dropped);
}

const SegmentRow* SegmentIndex::FindTime(int64_t timestamp_ms) const {
  const auto found = std::find_if(segments_.begin(), segments_.end(), [&](const SegmentRow& row) {
    return row.timestamp_max_ms >= timestamp_ms;
  });
  return found == segments_.end() ? nullptr : &*found;
}

const SegmentRow* SegmentIndex::Youngest() const {
  const auto found = std::max_element(segments_.begin(), segments_.end(),
                                      [](const SegmentRow& a, const SegmentRow& b) {
                                        return a.timestamp_max_ms < b.timestamp_max_ms;
                                      });
  return found == segments_.end() || found->timestamp_max_ms < 0 ? nullptr : &*found;
}

SegmentIndex::Changes SegmentIndex::TakeChanges() {
  Changes changes;
  changes.rows.assign(segments_.begin() + static_cast<std::ptrdiff_t>(first_dirty_),
                      segments_.end());
  changes.dropped = std::exchange(dropped_, {});
  first_dirty_ = segments_.size();
  return changes;
}

}  // namespace weir::log
