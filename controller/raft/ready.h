// Ready: everything the core wants done, as data. The contract between the core and its node.
//
// Duties of the node, for each Ready in the order taken:
//   1. `fatal`: stop serving and exit; do nothing else of this Ready.
//   2. Send `send_now` (any order, best effort, may be before the disk writes).
//   3. Make durable with one fsync, in this order or atomically: `reset_log_to`, `hard_state`,
//      `entries`. Writes of Ready N+1 come after those of Ready N; they may be batched. A write or
//      fsync error is final: call Raft::StorageFailed and persist nothing more.
//   4. When this and all earlier Readys are durable: call Raft::Persisted(ack), then send
//      `send_after_persist`. Only votes and acks that rely on the disk are in it (DESIGN D1).
//   5. `install_snapshot`: replace the state machine by the snapshot received. Then apply
//      `committed` in order. This needs no wait for step 3: entries appear in `committed` only
//      once they are durable here.
//   6. Store each of `snapshot_chunks`; answer with SnapshotChunkStored, SnapshotReceived or
//      SnapshotRejected.
//   7. For each of `snapshot_reads` read the bytes from the snapshot file, complete the message
//      and send it over the snapshot channel; on failure call SnapshotReadFailed.
//   8. `read_states`: the reads may be served once the state machine has applied `index`.
//   9. `role_change`: a server that is no longer leader fails its parked proposals, reads and
//      transfers. A new leader may serve when the kLeaderStart entry of its own term comes out in
//      `committed` (J-12).
//  10. `configuration`: open channels to its members. Keep a channel to a member that was removed
//      until it has been idle for a while: it still gets the news of its removal.
// Steps 3 to 10 need not block the loop: Step, Tick and Propose may be called while writes are in
// flight, and more Readys taken.
// Thread rule: plain value; entries may cross threads.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "controller/raft/messages.h"
#include "controller/raft/types.h"

namespace weir::raft {

// What Raft::Persisted gets back when a Ready is durable. Opaque to the node.
struct PersistAck {
  // Entries that were overwritten since carry an older generation: their ack is stale.
  uint64_t generation = 0;
  // The last entry of the Ready; index 0 when it had none.
  Term term;
  LogIndex index;
  std::optional<HardState> hard_state;
};

struct ReadState {
  uint64_t request_id = 0;
  LogIndex index;
};

// A piece of the snapshot that is arriving. Pieces come in order, without gaps; offset 0 begins
// anew and voids any other snapshot in the making.
struct SnapshotChunk {
  SnapshotMeta meta;
  uint64_t offset = 0;
  std::shared_ptr<const std::string> data;
  bool is_last = false;
};

// "Read up to bytes_max bytes of the snapshot request.meta at request.offset, fill request.data and
// request.is_last, send."
struct SnapshotRead {
  SnapshotRequest request;
  size_t bytes_max = 0;
};

struct RoleChange {
  Role role = Role::kFollower;
  Term term;
  std::optional<VoterKey> leader;  // none: unknown

  friend bool operator==(const RoleChange&, const RoleChange&) = default;
};

struct Ready {
  std::optional<std::string> fatal;

  std::vector<Message> send_now;

  // The log on disk must be emptied; its next entry is last_index + 1.
  std::optional<SnapshotMeta> reset_log_to;
  std::optional<HardState> hard_state;
  // To append. When entries.front().index is not the one after the last on disk, everything from
  // that index on is first removed (in the same atomic write, or before).
  std::vector<Entry> entries;
  PersistAck ack;
  std::vector<Message> send_after_persist;

  std::optional<SnapshotMeta> install_snapshot;
  std::vector<Entry> committed;

  std::vector<SnapshotChunk> snapshot_chunks;
  std::vector<SnapshotRead> snapshot_reads;
  std::vector<ReadState> read_states;
  std::optional<RoleChange> role_change;
  std::optional<Configuration> configuration;

  // Whether step 3 has anything to write.
  bool NeedsPersist() const {
    return reset_log_to.has_value() || hard_state.has_value() || !entries.empty();
  }
};

}  // namespace weir::raft
