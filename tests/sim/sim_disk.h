// SimDisk: the disk of one simulated server. It tells what is durable from what was only written.
//
// Laws:
//  1. Writes become durable in the order they were begun, one fsync each, after some time.
//  2. A crash keeps any prefix of the unfinished writes, and of the first one after it any prefix
//     of its steps (reset, hard state, entry by entry): as much as a power cut may let through.
//  3. What is durable is never lost, unless the disk is wiped, or told to lie (a fault outside of
//     what Raft promises to survive).
// Thread rule: one thread.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "common/base/prng.h"
#include "controller/raft/raft.h"

namespace weir::sim {

struct DiskWrite {
  std::optional<raft::SnapshotMeta> reset_log_to;
  std::optional<raft::HardState> hard_state;
  std::vector<raft::Entry> entries;
  // What the node does once this is durable.
  raft::PersistAck ack;
  std::vector<raft::Message> send_after;
};

class SimDisk {
 public:
  // ---- writing ------------------------------------------------------------------------

  void Begin(DiskWrite write) { pending_.push_back(std::move(write)); }
  bool idle() const { return pending_.empty(); }
  size_t pending_count() const { return pending_.size(); }
  // The oldest write is durable now. REQUIRES: not idle.
  DiskWrite Finish();
  // Snapshot files are written and fsynced apart from the log.
  void SetSnapshot(raft::SnapshotMeta meta, std::string bytes);
  // Entries before `first` are not needed any more.
  void EraseBefore(LogIndex first);
  // Somebody writes the commit index down, at once and without order to anything else.
  void RecordCommit(LogIndex commit) { recorded_commit_ = commit; }

  // ---- faults -------------------------------------------------------------------------

  void Crash(Prng& prng);
  void Wipe() { *this = SimDisk(); }
  // Loses the last durable entries although they were acknowledged.
  void LoseEntriesFrom(LogIndex index);

  // ---- what is durable ----------------------------------------------------------------

  raft::RestoredState Restored() const;
  const raft::HardState& hard_state() const { return hard_state_; }
  const raft::SnapshotMeta& snapshot() const { return snapshot_; }
  const std::string& snapshot_bytes() const { return snapshot_bytes_; }
  LogIndex last_index() const;
  // What a server that fell now would come back with.
  raft::Configuration configuration() const;
  // Whether a crash now would leave the entry (term, index), or a snapshot that covers it.
  bool Holds(Term term, LogIndex index) const;

 private:
  void ApplyEntry(const raft::Entry& entry);

  raft::HardState hard_state_;
  raft::SnapshotMeta snapshot_;
  std::string snapshot_bytes_;
  std::deque<raft::Entry> entries_;
  LogIndex recorded_commit_;
  std::deque<DiskWrite> pending_;
};

}  // namespace weir::sim
