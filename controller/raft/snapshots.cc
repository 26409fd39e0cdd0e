// Snapshots (thesis section 5): pieces out, pieces in, installation, and compaction of the log
// behind one's own.
//
// The leader sends one piece at a time and waits for its answer; a piece without an answer is sent
// again. The follower hands each piece to its node to store. The bytes never come into the core.
#include <algorithm>
#include <utility>

#include "common/base/check.h"
#include "controller/raft/raft.h"

namespace weir::raft {

// ---- leader ----

void Raft::StartSnapshot(const VoterKey& to, Progress& progress) {
  WEIR_CHECK(snapshot_.last_index >= log_.base_index(), "what was compacted is in the snapshot");
  progress.BecomeSnapshot(snapshot_);
  ReadSnapshotChunk(to, progress);
}

void Raft::ReadSnapshotChunk(const VoterKey& to, Progress& progress) {
  OutgoingSnapshot& outgoing = progress.outgoing();
  outgoing.ticks_waited = 0;
  SnapshotRead read;
  read.request = {HeaderTo(to), outgoing.meta, outgoing.offset, nullptr, false};
  read.bytes_max = config_.snapshot_chunk_bytes;
  out_.snapshot_reads.push_back(std::move(read));
}

void Raft::TickSnapshot(const VoterKey& to, Progress& progress) {
  if (progress.state() != ProgressState::kSnapshot) return;
  OutgoingSnapshot& outgoing = progress.outgoing();
  if (outgoing.ticks_waited < config_.snapshot_retry_ticks) ++outgoing.ticks_waited;
  // No reading from disk for a member that does not answer anyway.
  if (outgoing.ticks_waited >= config_.snapshot_retry_ticks && progress.recently_active) {
    ReadSnapshotChunk(to, progress);
  }
}

void Raft::SnapshotReadFailed(const SnapshotRead& read) {
  const auto peer = progress_.find(read.request.header.to);
  if (!is_leader() || peer == progress_.end()) return;
  const auto& outgoing = peer->second.outgoing_if_any();
  if (!outgoing || outgoing->meta.last_index != read.request.meta.last_index) return;
  // With a newer snapshot at hand begin with that at once, else when the piece is due again.
  if (snapshot_.last_index > outgoing->meta.last_index) StartSnapshot(peer->first, peer->second);
}

void Raft::Handle(const SnapshotResponse& response) {
  const auto peer = progress_.find(response.header.from);
  if (!is_leader() || peer == progress_.end()) return;
  Progress& progress = peer->second;
  progress.recently_active = true;
  if (progress.state() != ProgressState::kSnapshot) return;
  OutgoingSnapshot& outgoing = progress.outgoing();
  if (outgoing.meta.last_index != response.snapshot_index ||
      outgoing.meta.last_term != response.snapshot_term) {
    return;
  }
  if (response.installed) {
    progress.SnapshotInstalled(response.snapshot_index);
    AdvanceCommit();
  } else if (response.next_offset > outgoing.offset ||
             (response.restart && response.next_offset < outgoing.offset)) {
    // An answer about the piece that is under way already is no reason to send it once more.
    outgoing.offset = response.next_offset;
    ReadSnapshotChunk(peer->first, progress);
  }
}

// ---- follower ----

void Raft::Handle(const SnapshotRequest& request) {
  if (!FollowLeader(request.header.from)) return;
  const SnapshotMeta& meta = request.meta;
  const bool old = meta.last_index <= commit_ && config_.guards.r42_old_snapshot_ignored;
  if (old || log_.Matches(meta.last_term, meta.last_index)) {
    // All of it is here already, as entries or as state; R-42.
    if (meta.last_index > commit_) CommitThrough(meta.last_index);
    incoming_.reset();
    SendAfterPersist(SnapshotResponse{HeaderTo(request.header.from), meta.last_index,
                                      meta.last_term, 0, false, true});
    return;
  }
  const bool same = incoming_ && incoming_->meta == meta && incoming_->from == request.header.from;
  if (!same && request.offset == 0) {
    incoming_ = IncomingSnapshot{meta, request.header.from, 0, 0, false};
  } else if (!same) {
    SendNow(SnapshotResponse{HeaderTo(request.header.from), meta.last_index, meta.last_term, 0,
                             true, false});
    return;
  }
  const bool next = request.offset == incoming_->handed_offset && !incoming_->complete;
  if (!next) {
    // A repeated piece, or one that was overtaken. While the disk is busy its answer is still to
    // come.
    const bool idle = incoming_->stored_offset == incoming_->handed_offset;
    if (idle && !incoming_->complete) AnswerSnapshot(incoming_->stored_offset, true);
    return;
  }
  incoming_->handed_offset += request.data ? request.data->size() : 0;
  incoming_->complete = request.is_last;
  out_.snapshot_chunks.push_back({meta, request.offset, request.data, request.is_last});
}

// To the leader of now, if it is the one that sends.
void Raft::AnswerSnapshot(uint64_t next_offset, bool restart) {
  if (leader_ != incoming_->from) return;
  SendNow(SnapshotResponse{HeaderTo(incoming_->from), incoming_->meta.last_index,
                           incoming_->meta.last_term, next_offset, restart, false});
}

void Raft::SnapshotChunkStored(const SnapshotMeta& meta, uint64_t next_offset) {
  if (halted_ || !incoming_ || incoming_->meta != meta) return;
  if (next_offset > incoming_->handed_offset) return;
  incoming_->stored_offset = std::max(incoming_->stored_offset, next_offset);
  AnswerSnapshot(incoming_->stored_offset, false);
}

void Raft::SnapshotRejected(const SnapshotMeta& meta) {
  if (halted_ || !incoming_ || incoming_->meta != meta) return;
  AnswerSnapshot(0, true);
  incoming_.reset();
}

void Raft::SnapshotReceived(const SnapshotMeta& meta) {
  if (halted_ || !incoming_ || incoming_->meta != meta || !incoming_->complete) return;
  const VoterKey from = incoming_->from;
  incoming_.reset();
  InstallSnapshot(meta, from);
  CheckInvariants();
}

void Raft::InstallSnapshot(const SnapshotMeta& meta, const VoterKey& from) {
  const bool old = meta.last_index <= commit_ && config_.guards.r42_old_snapshot_ignored;
  if (log_.Matches(meta.last_term, meta.last_index)) {
    // The entries came in the meantime; the snapshot is a good one to have all the same.
    if (meta.last_index > commit_) CommitThrough(meta.last_index);
    if (meta.last_index > snapshot_.last_index) snapshot_ = meta;
  } else if (!old && !is_leader()) {  // a leader has everything that is committed
    log_.ResetTo(meta.last_term, meta.last_index);
    configurations_ = ConfigurationHistory(meta.last_index, meta.configuration);
    snapshot_ = meta;
    commit_ = meta.last_index;
    applied_ = meta.last_index;
    out_.reset_log_to = meta;
    out_.install_snapshot = meta;
    ConfigurationChanged();
  }
  if (leader_ == from) {
    SendAfterPersist(
        SnapshotResponse{HeaderTo(from), meta.last_index, meta.last_term, 0, false, true});
  }
}

// ---- own snapshots ----

SnapshotMeta Raft::SnapshotMetaAt(LogIndex applied) const {
  WEIR_CHECK(applied <= applied_);
  const std::optional<Term> term = log_.TermAt(applied);
  WEIR_CHECK(term.has_value(), "not compacted yet");
  return {applied, *term, configurations_.At(applied)};
}

LogIndex Raft::SnapshotTaken(const SnapshotMeta& meta) {
  WEIR_CHECK(meta.last_index <= applied_, "a snapshot holds applied entries only");
  // One that was begun before a newer one came from the leader is of no use any more.
  if (meta.last_index <= snapshot_.last_index) return log_.first_index();
  snapshot_ = meta;
  const LogIndex point = log_.CompactionPoint(meta.last_index, config_.log_tail_entries_max,
                                              config_.log_tail_bytes_max);
  log_.CompactThrough(point);
  configurations_.CompactThrough(point);
  CheckInvariants();
  return log_.first_index();
}

}  // namespace weir::raft
