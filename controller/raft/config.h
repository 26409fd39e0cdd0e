// Config: the constants of one Raft server. Time is counted in ticks; the node calls Raft::Tick
// every 10 ms.
// Thread rule: plain value, fixed after construction.
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/base/limits.h"
#include "controller/raft/types.h"

namespace weir::raft {

// Guards of the core that the simulator may take away, to prove that it would notice (RELIABILITY
// S-15). The name gives the requirement. Production leaves all of them on.
struct GuardsForTest {
  bool r04_commit_own_term_only = true;      // thesis section 3.6.2, figure 3.7
  bool r14_vote_after_persist = true;        // vote is on disk before the reply leaves
  bool r29_check_quorum = true;              // a leader without a majority steps down
  bool r33_never_truncate_committed = true;  // fail-stop instead
  bool r35_own_term_before_change = true;    // leader start committed before a membership change
  bool r36_one_change_at_a_time = true;      // the first committed before the next begins
  bool r37_roll_back_configuration = true;   // with the entry that made it
  bool r39_directory_identity = true;        // a server is (id, directory id)
  bool r40_leader_stickiness = true;         // no vote against a live leader
  bool r41_read_needs_quorum = true;         // a read waits for a round of heartbeats
  bool r42_old_snapshot_ignored = true;      // never install below the commit index
  bool r45_commit_not_from_disk = true;      // a recorded commit index is ignored
  bool r46_own_ack_after_persist = true;     // leader counts itself only after its fsync
  bool r47_stale_ack_ignored = true;         // acks of overwritten entries do not count
  bool r48_ack_after_persist = true;         // follower's append response waits for its fsync

  bool AllOn() const;
};

struct Config {
  Uuid cluster_id;
  VoterKey self;

  // A follower that hears no leader for a random time in [min, max] asks for an election. For
  // `min` after it heard its leader a server refuses votes; every `max` a leader looks whether it
  // has heard a majority; a transfer that is not over after `max` is given up.
  int32_t election_ticks_min = 15;
  int32_t election_ticks_max = 30;
  int32_t heartbeat_ticks = 4;
  // A snapshot piece without an answer is sent again after so long.
  int32_t snapshot_retry_ticks = 100;

  size_t append_bytes_max = limits::kAppendBytesMax;           // payload bytes per AppendRequest
  size_t appends_in_flight_max = limits::kAppendsInFlightMax;  // per follower
  size_t snapshot_chunk_bytes = limits::kSnapshotChunkBytes;
  // Proposals are refused while so many payload bytes wait to be committed.
  size_t uncommitted_bytes_max = limits::kUncommittedBytesMax;
  // What stays in the log behind a snapshot, so that a slightly slow follower needs no snapshot: at
  // most so many entries and so many payload bytes.
  uint64_t log_tail_entries_max = 10'000;
  size_t log_tail_bytes_max = 8 * 1024 * 1024;
  // A learner further behind the commit index than this is not promoted.
  uint64_t promotion_lag_entries_max = 1'000;

  GuardsForTest guards;
};

}  // namespace weir::raft
