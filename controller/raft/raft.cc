// Raft: construction from disk, proposals, and the making of a Ready.
#include "controller/raft/raft.h"

#include <algorithm>
#include <utility>

#include "common/base/check.h"

namespace weir::raft {
namespace {

// Whether the log found on disk goes on from the snapshot found beside it.
bool LogContinuesSnapshot(const RestoredState& restored) {
  const SnapshotMeta& snapshot = restored.snapshot;
  if (restored.entries.empty()) return true;
  const LogIndex first = restored.entries.front().index;
  const LogIndex last = restored.entries.back().index;
  if (first == snapshot.last_index + 1) return true;
  if (last < snapshot.last_index) return false;
  return restored.entries[snapshot.last_index - first].term == snapshot.last_term;
}

// The log's base is the entry before its first one. When that is neither the beginning nor the
// snapshot's end its term is not known, and the first entry itself becomes the base.
RaftLog RestoreLog(const RestoredState& restored) {
  const SnapshotMeta& snapshot = restored.snapshot;
  if (!LogContinuesSnapshot(restored) || restored.entries.empty()) {
    return RaftLog(snapshot.last_term, snapshot.last_index);
  }
  auto entry = restored.entries.begin();
  RaftLog log;
  if (entry->index == snapshot.last_index + 1) {
    log = RaftLog(snapshot.last_term, snapshot.last_index);
  } else if (entry->index > LogIndex(1)) {
    log = RaftLog(entry->term, entry->index);
    ++entry;
  }
  for (; entry != restored.entries.end(); ++entry) log.Append(*entry);
  log.TakeUnpersisted();
  log.MarkPersisted(log.last_index());
  return log;
}

}  // namespace

bool GuardsForTest::AllOn() const {
  return r04_commit_own_term_only && r14_vote_after_persist && r29_check_quorum &&
         r33_never_truncate_committed && r35_own_term_before_change && r36_one_change_at_a_time &&
         r37_roll_back_configuration && r39_directory_identity && r40_leader_stickiness &&
         r41_read_needs_quorum && r42_old_snapshot_ignored && r45_commit_not_from_disk &&
         r46_own_ack_after_persist && r47_stale_ack_ignored && r48_ack_after_persist;
}

Status Raft::Validate(const Config& config, const RestoredState& restored) {
  if (config.election_ticks_min <= config.heartbeat_ticks || config.heartbeat_ticks < 1 ||
      config.election_ticks_max < config.election_ticks_min) {
    return Fail(ErrorCode::kInvalidConfig,
                "raft needs 1 <= heartbeat < election timeout min <= election timeout max");
  }
  LogIndex index = restored.entries.empty() ? LogIndex{} : restored.entries.front().index - 1;
  if (!restored.entries.empty() && index > restored.snapshot.last_index) {
    return Fail(ErrorCode::kCorruptMessage, "the log begins at " + ToString(index + 1) +
                                                " but the snapshot ends at " +
                                                ToString(restored.snapshot.last_index));
  }
  Term term = restored.entries.empty() ? Term{} : restored.entries.front().term;
  for (const Entry& entry : restored.entries) {
    if (entry.index != index + 1 || entry.term < term || !entry.payload) {
      return Fail(ErrorCode::kCorruptMessage,
                  "the log is broken after " + ToString(term) + "/" + ToString(index));
    }
    if (entry.type != EntryType::kNormal) {
      WEIR_RETURN_IF_ERROR(DecodeConfiguration(*entry.payload));
    }
    index = entry.index;
    term = entry.term;
  }
  const bool used = term > Term{} || restored.snapshot.last_index > LogIndex{};
  if (restored.hard_state.term < term || (used && restored.hard_state.term == Term{})) {
    return Fail(ErrorCode::kCorruptMessage, "the log has term " + ToString(term) +
                                                " but the vote file has term " +
                                                ToString(restored.hard_state.term) +
                                                ": it was lost, and this server may not vote");
  }
  return {};
}

Raft::Raft(Config config, RestoredState restored, uint64_t seed)
    : config_(std::move(config)),
      prng_(seed),
      term_(restored.hard_state.term),
      vote_(restored.hard_state.vote),
      log_(RestoreLog(restored)),
      snapshot_(restored.snapshot),
      configurations_(restored.snapshot.last_index, restored.snapshot.configuration),
      commit_(restored.snapshot.last_index),
      applied_(restored.snapshot.last_index) {
  WEIR_CHECK(Validate(config_, restored).has_value());
  if (!LogContinuesSnapshot(restored)) out_.reset_log_to = snapshot_;
  if (term_ < snapshot_.last_term) {
    // The snapshot came to disk before the term it was sent in. No vote can have been given since.
    term_ = snapshot_.last_term;
    vote_.reset();
    hard_state_dirty_ = true;
  }
  for (LogIndex index = commit_ + 1; index <= log_.last_index(); ++index) {
    NoteConfiguration(log_.At(index));
  }
  if (!config_.guards.r45_commit_not_from_disk) {
    commit_ = std::max(commit_, std::min(restored.recorded_commit_for_test, log_.last_index()));
  }
  out_.configuration = configuration();
  RestartElectionTimer();
}

void Raft::Tick() {
  if (halted_) return;
  if (is_leader()) {
    TickLeader();
  } else {
    TickFollower();
  }
  CheckInvariants();
}

int32_t Raft::TicksUntilDue() const {
  const int32_t due = is_leader() ? std::min(config_.heartbeat_ticks - heartbeat_elapsed_,
                                             config_.election_ticks_max - election_elapsed_)
                                  : election_timeout_ - election_elapsed_;
  return std::max(due, 1);
}

Result<LogIndex> Raft::Propose(std::shared_ptr<const std::string> payload) {
  WEIR_CHECK(payload != nullptr);
  if (!is_leader()) return Fail(ErrorCode::kNotController, "this controller is not the leader");
  if (transfer_) return Fail(ErrorCode::kNotController, "leadership is being handed over");
  if (uncommitted_bytes_ + payload->size() > config_.uncommitted_bytes_max &&
      uncommitted_bytes_ > 0) {
    return Fail(ErrorCode::kThrottlingQuotaExceeded,
                std::to_string(uncommitted_bytes_) + " bytes wait to be committed");
  }
  AppendOwn(EntryType::kNormal, std::move(payload));
  CheckInvariants();
  return log_.last_index();
}

MessageHeader Raft::HeaderTo(const VoterKey& to) const {
  return {config_.cluster_id, config_.self, to, term_};
}

void Raft::SendNow(Message message) { out_.send_now.push_back(std::move(message)); }

void Raft::SendAfterPersist(Message message) {
  out_.send_after_persist.push_back(std::move(message));
}

bool Raft::SoftStateChanged() const { return told_ != RoleChange{role_, term_, leader_}; }

bool Raft::HasReady() const {
  if (out_.fatal) return true;
  if (halted_) return false;
  if (hard_state_dirty_ || log_.HasUnpersisted() || SoftStateChanged()) return true;
  if (applied_ < std::min(commit_, log_.persisted_index())) return true;
  if (!out_.send_now.empty() || !out_.send_after_persist.empty() || out_.reset_log_to) return true;
  if (out_.install_snapshot || out_.configuration || !out_.read_states.empty()) return true;
  if (!out_.snapshot_chunks.empty() || !out_.snapshot_reads.empty()) return true;
  if (!is_leader()) return false;
  return reads_.NeedsRound() ||
         std::any_of(progress_.begin(), progress_.end(),
                     [this](const auto& peer) { return WantsAppend(peer.second); });
}

Ready Raft::TakeReady() {
  if (halted_) return std::exchange(out_, {});
  TakeReplication();
  if (SoftStateChanged()) {
    told_ = {role_, term_, leader_};
    out_.role_change = told_;
  }
  out_.ack.generation = log_.generation();
  if (std::exchange(hard_state_dirty_, false)) {
    out_.hard_state = HardState{term_, vote_};
    out_.ack.hard_state = out_.hard_state;
  }
  out_.entries = log_.TakeUnpersisted();
  if (!out_.entries.empty()) {
    out_.ack.term = out_.entries.back().term;
    out_.ack.index = out_.entries.back().index;
  }
  // Applied only what is on this disk too: a restart never knows less than its state machine did.
  const LogIndex ready = std::min(commit_, log_.persisted_index());
  while (applied_ < ready) out_.committed.push_back(log_.At(++applied_));
  CheckInvariants();
  return std::exchange(out_, {});
}

void Raft::TakeReplication() {
  if (!is_leader()) return;
  if (reads_.NeedsRound()) {
    reads_.BeginRound();
    BroadcastHeartbeat();
    ConfirmReads();
  }
  for (auto& [key, progress] : progress_) {
    while (WantsAppend(progress)) SendAppend(key, progress);
  }
}

void Raft::Persisted(const PersistAck& ack) {
  if (halted_) return;
  const bool current = ack.generation == log_.generation() && log_.Matches(ack.term, ack.index);
  if (ack.index > log_.base_index() && (current || !config_.guards.r47_stale_ack_ignored)) {
    log_.MarkPersisted(ack.index);
  }
  // A candidate's vote for itself is a vote like any other: it counts once it is on disk.
  if (role_ == Role::kCandidate && ack.hard_state &&
      ack.hard_state == HardState{term_, config_.self}) {
    votes_[config_.self] = true;
    CountVotes();
  }
  if (is_leader()) AdvanceCommit();
  CheckInvariants();
}

void Raft::StorageFailed(const std::string& reason) { Halt("storage failed: " + reason); }

std::vector<PeerStatus> Raft::Peers() const {
  std::vector<PeerStatus> peers;
  for (const auto& [key, progress] : progress_) {
    peers.push_back({key, configuration().IsVoter(key), progress.match(), progress.next(),
                     progress.state(), progress.recently_active});
  }
  return peers;
}

std::string Raft::Describe() const {
  std::string text = ToString(config_.self.id) + " ";
  text += RoleName(role_);
  text += " term=" + ToString(term_) + " vote=" + (vote_ ? ToString(vote_->id) : "none") +
          " leader=" + (leader_ ? ToString(leader_->id) : "none") + " commit=" + ToString(commit_) +
          " applied=" + ToString(applied_) + " " + log_.Describe() + " " +
          configurations_.Describe();
  if (halted_) text += " halted";
  if (transfer_) text += " transferring to " + ToString(transfer_->target.id);
  if (!reads_.empty()) text += " " + reads_.Describe();
  for (const auto& [key, progress] : progress_) {
    text += "\n  " + ToString(key.id) + " " + progress.Describe();
  }
  return text;
}

}  // namespace weir::raft
