// RaftLog: the part of the log that is in memory, and how much of it is on disk.
//
//   ... compacted ... base | first ................. last
//                            <= persisted <= handed_out <= last
//
// Laws:
//  1. base <= persisted <= handed_out <= last; indexes are contiguous, terms never fall.
//  2. Truncation starts a new generation: what was persisted before it says nothing about the
//     entries that took the place of the old ones, even if term and index are equal.
// Thread rule: one owner.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "controller/raft/types.h"

namespace weir::raft {

class RaftLog {
 public:
  // An empty log after (base_term, base_index); everything before counts as persisted.
  RaftLog() = default;
  RaftLog(Term base_term, LogIndex base_index);

  LogIndex base_index() const { return base_index_; }
  Term base_term() const { return base_term_; }
  LogIndex first_index() const { return base_index_ + 1; }
  LogIndex last_index() const { return base_index_ + entries_.size(); }
  Term last_term() const { return entries_.empty() ? base_term_ : entries_.back().term; }
  LogIndex persisted_index() const { return persisted_; }
  LogIndex handed_out_index() const { return handed_out_; }
  uint64_t generation() const { return generation_; }
  size_t bytes() const { return bytes_; }

  // None when `index` is before the base or after the end. The base's term is known.
  std::optional<Term> TermAt(LogIndex index) const;
  bool Matches(Term term, LogIndex index) const { return TermAt(index) == term; }
  // REQUIRES: first_index() <= index <= last_index().
  const Entry& At(LogIndex index) const;
  // Entries from `first` on: as many as fit in bytes_max of payload, at least one if there is one.
  std::vector<Entry> Slice(LogIndex first, LogIndex last, size_t bytes_max) const;
  // The last index <= `index` whose term is <= `term`; the base if there is none in memory.
  LogIndex LastWithTermAtMost(Term term, LogIndex index) const;

  // REQUIRES: entry.index == last_index() + 1, entry.term >= last_term().
  void Append(Entry entry);
  // Removes `index` and everything after it. REQUIRES: index > base_index().
  void TruncateFrom(LogIndex index);
  // Forgets everything and begins after (base_term, base_index).
  void ResetTo(Term base_term, LogIndex base_index);
  // Forgets entries up to `index`. REQUIRES: index <= persisted_index().
  void CompactThrough(LogIndex index);
  // Where to compact so that the tail before `index` keeps at most that many entries and bytes.
  LogIndex CompactionPoint(LogIndex index, uint64_t entries_max, size_t bytes_max) const;

  // Entries not yet given to the disk; they count as handed out from now on.
  std::vector<Entry> TakeUnpersisted();
  bool HasUnpersisted() const { return handed_out_ < last_index(); }
  // Everything up to `index` is on disk.
  void MarkPersisted(LogIndex index);

  // "base=2/10 last=3/14 persisted=13 bytes=120"
  std::string Describe() const;

 private:
  size_t Slot(LogIndex index) const { return static_cast<size_t>(index - base_index_ - 1); }

  std::deque<Entry> entries_;
  Term base_term_;
  LogIndex base_index_;
  LogIndex handed_out_;
  LogIndex persisted_;
  uint64_t generation_ = 0;
  size_t bytes_ = 0;
};

}  // namespace weir::raft
