// ReadIndexQueue: reads that wait until a majority has confirmed that this server is still leader
// (thesis section 6.4). No clock is trusted: a leader that slept finds out before it answers
//
//
// Laws:
//  1. A read is answered only after a majority answered a heartbeat sent after the read came.
//  2. Reads that come between two rounds of heartbeats share the next round.
// Thread rule: one owner.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "controller/raft/ready.h"

namespace weir::raft {

class ReadIndexQueue {
 public:
  // The read must see everything up to `index`.
  void Add(uint64_t request_id, LogIndex index);
  // Whether reads have come for which no round was begun.
  bool NeedsRound() const { return !reads_.empty() && reads_.back().sequence > sequence_; }
  // A round of heartbeats goes out now and carries sequence().
  void BeginRound() { ++sequence_; }
  uint64_t sequence() const { return sequence_; }
  // A majority has confirmed rounds up to `sequence`: takes the reads that may be answered.
  std::vector<ReadState> Confirm(uint64_t sequence);
  bool empty() const { return reads_.empty(); }
  // Leadership is lost or begins: nothing waits. Sequences go on, so that old answers do not match.
  void Clear() { reads_.clear(); }

  std::string Describe() const;  // "reads=2 sequence=7"

 private:
  struct Read {
    uint64_t request_id = 0;
    LogIndex index;
    uint64_t sequence = 0;  // the round that confirms it
  };
  std::deque<Read> reads_;
  uint64_t sequence_ = 0;
};

}  // namespace weir::raft
