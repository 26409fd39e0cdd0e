// RaftLog: see log.h for the laws.
#include "controller/raft/log.h"

#include <algorithm>
#include <utility>

#include "common/base/check.h"

namespace weir::raft {

RaftLog::RaftLog(Term base_term, LogIndex base_index)
    : base_term_(base_term),
      base_index_(base_index),
      handed_out_(base_index),
      persisted_(base_index) {}

std::optional<Term> RaftLog::TermAt(LogIndex index) const {
  if (index < base_index_ || index > last_index()) return std::nullopt;
  if (index == base_index_) return base_term_;
  return entries_[Slot(index)].term;
}

const Entry& RaftLog::At(LogIndex index) const {
  WEIR_CHECK(index > base_index_);
  WEIR_CHECK(index <= last_index());
  return entries_[Slot(index)];
}

std::vector<Entry> RaftLog::Slice(LogIndex first, LogIndex last, size_t bytes_max) const {
  std::vector<Entry> slice;
  size_t bytes = 0;
  for (LogIndex index = first; index <= std::min(last, last_index()); ++index) {
    const Entry& entry = At(index);
    bytes += entry.bytes();
    if (!slice.empty() && bytes > bytes_max) break;
    slice.push_back(entry);
  }
  return slice;
}

LogIndex RaftLog::LastWithTermAtMost(Term term, LogIndex index) const {
  LogIndex at = std::min(index, last_index());
  while (at > base_index_ && entries_[Slot(at)].term > term) at = at - 1;
  return std::max(at, base_index_);
}

void RaftLog::Append(Entry entry) {
  WEIR_CHECK(entry.index == last_index() + 1, "the log has no gaps");
  WEIR_CHECK(entry.term >= last_term(), "terms never fall along the log");
  bytes_ += entry.bytes();
  entries_.push_back(std::move(entry));
}

void RaftLog::TruncateFrom(LogIndex index) {
  WEIR_CHECK(index > base_index_, "what was compacted cannot be truncated");
  if (index > last_index()) return;
  while (last_index() >= index) {
    bytes_ -= entries_.back().bytes();
    entries_.pop_back();
  }
  handed_out_ = std::min(handed_out_, last_index());
  persisted_ = std::min(persisted_, last_index());
  ++generation_;
}

void RaftLog::ResetTo(Term base_term, LogIndex base_index) {
  entries_.clear();
  bytes_ = 0;
  base_term_ = base_term;
  base_index_ = base_index;
  handed_out_ = base_index;
  persisted_ = base_index;
  ++generation_;
}

void RaftLog::CompactThrough(LogIndex index) {
  WEIR_CHECK(index <= persisted_, "only what is on disk may be forgotten");
  if (index <= base_index_) return;
  const Term term = *TermAt(index);
  while (base_index_ < index) {
    bytes_ -= entries_.front().bytes();
    entries_.pop_front();
    ++base_index_;
  }
  base_term_ = term;
}

LogIndex RaftLog::CompactionPoint(LogIndex index, uint64_t entries_max, size_t bytes_max) const {
  LogIndex point = std::min(index, last_index());
  size_t bytes = 0;
  uint64_t kept = 0;
  while (point > base_index_ && kept < entries_max) {
    bytes += At(point).bytes();
    if (bytes > bytes_max) break;
    point = point - 1;
    ++kept;
  }
  return std::max(point, base_index_);
}

std::vector<Entry> RaftLog::TakeUnpersisted() {
  std::vector<Entry> taken(
      entries_.begin() + static_cast<std::ptrdiff_t>(handed_out_ - base_index_), entries_.end());
  handed_out_ = last_index();
  return taken;
}

void RaftLog::MarkPersisted(LogIndex index) {
  persisted_ = std::max(persisted_, std::min(index, handed_out_));
}

std::string RaftLog::Describe() const {
  return "base=" + ToString(base_term_) + "/" + ToString(base_index_) +
         " last=" + ToString(last_term()) + "/" + ToString(last_index()) +
         " persisted=" + ToString(persisted_) + " bytes=" + std::to_string(bytes_);
}

}  // namespace weir::raft
