// Replication: the leader's appends and heartbeats, the follower's answers, and the commit index
// (thesis sections 3.5, 3.6 and 10.2.1). Appends are made when a Ready is taken, so that everything
// proposed since the last one leaves in one batch.
#include <algorithm>
#include <utility>

#include "common/base/check.h"
#include "controller/raft/quorum.h"
#include "controller/raft/raft.h"

namespace weir::raft {

void Raft::AppendOwn(EntryType type, std::shared_ptr<const std::string> payload) {
  WEIR_CHECK(is_leader());
  Entry entry{term_, log_.last_index() + 1, type, std::move(payload)};
  uncommitted_bytes_ += entry.bytes();
  log_.Append(entry);
  NoteConfiguration(entry);
  if (!config_.guards.r46_own_ack_after_persist) AdvanceCommit();
}

// ---- leader ----

bool Raft::WantsAppend(const Progress& progress) const {
  if (!progress.MaySend(config_.appends_in_flight_max)) return false;
  return progress.state() == ProgressState::kProbe || progress.next() <= log_.last_index() ||
         progress.commit_sent() < commit_;
}

void Raft::SendAppend(const VoterKey& to, Progress& progress) {
  const LogIndex prev = progress.next() - 1;
  const std::optional<Term> prev_term = log_.TermAt(prev);
  if (!prev_term) {
    StartSnapshot(to, progress);
    return;
  }
  AppendRequest request{HeaderTo(to), prev, *prev_term,
                        log_.Slice(prev + 1, log_.last_index(), config_.append_bytes_max), commit_};
  progress.Sent(prev + request.entries.size(), commit_);
  SendNow(std::move(request));
}

void Raft::SendHeartbeat(const VoterKey& to, const Progress& progress) {
  SendNow(HeartbeatRequest{HeaderTo(to), std::min(commit_, progress.match()), reads_.sequence()});
}

void Raft::BroadcastHeartbeat() {
  for (const auto& [key, progress] : progress_) SendHeartbeat(key, progress);
}

void Raft::Handle(const AppendResponse& response) {
  const auto peer = progress_.find(response.header.from);
  if (!is_leader() || peer == progress_.end()) return;
  Progress& progress = peer->second;
  progress.recently_active = true;
  if (response.success) {
    progress.Accepted(std::min(response.index, log_.last_index()));
    if (progress.state() == ProgressState::kSnapshot && progress.match() >= log_.base_index()) {
      progress.BecomeProbe();
    }
    AdvanceCommit();
    if (is_leader()) ContinueTransfer();
    return;
  }
  const LogIndex guess = response.hint_index < log_.base_index()
                             ? response.hint_index
                             : log_.LastWithTermAtMost(response.hint_term, response.hint_index);
  progress.Refused(response.index, guess);
}

void Raft::Handle(const HeartbeatResponse& response) {
  const auto peer = progress_.find(response.header.from);
  if (!is_leader() || peer == progress_.end()) return;
  Progress& progress = peer->second;
  progress.recently_active = true;
  progress.read_sequence = std::max(progress.read_sequence, response.read_sequence);
  progress.HeartbeatAnswered(config_.appends_in_flight_max);
  // All was sent but not all is acknowledged: an empty append finds out whether something was lost.
  if (progress.state() == ProgressState::kReplicate && progress.match() < log_.last_index() &&
      progress.next() > log_.last_index()) {
    SendAppend(peer->first, progress);
  }
  ConfirmReads();
}

// A leader commits what a majority has on disk, itself counted only for what is on its own,
// and only entries of its own term; earlier ones come along (thesis section 3.6.2).
void Raft::AdvanceCommit() {
  const LogIndex reached(MajorityReached(configuration(), [this](const VoterKey& key) {
    if (key == config_.self) {
      return config_.guards.r46_own_ack_after_persist ? log_.persisted_index().value()
                                                      : log_.last_index().value();
    }
    const auto peer = progress_.find(key);
    return peer == progress_.end() ? 0 : peer->second.match().value();
  }));
  if (reached <= commit_) return;
  if (config_.guards.r04_commit_own_term_only && log_.TermAt(reached) != term_) return;
  CommitThrough(reached);
  ResignIfRemoved();
}

void Raft::CommitThrough(LogIndex index) {
  WEIR_CHECK(index <= log_.last_index(), "only what is in the log can be committed");
  for (LogIndex at = commit_ + 1; is_leader() && at <= index; ++at) {
    uncommitted_bytes_ -= std::min(uncommitted_bytes_, log_.At(at).bytes());
  }
  commit_ = std::max(commit_, index);
}

// ---- follower ----

void Raft::Handle(const AppendRequest& request) {
  if (!FollowLeader(request.header.from)) return;
  const LogIndex prev = request.prev_index;
  if (prev >= log_.base_index() && !log_.Matches(request.prev_term, prev)) {
    RefuseAppend(request);
    return;
  }
  if (!AppendFromLeader(request)) return;
  const LogIndex last_new = prev + request.entries.size();
  const LogIndex commit = std::min(request.commit_index, last_new);
  if (commit > commit_) CommitThrough(commit);
  // Whatever is committed here is in the log of every later leader too.
  AppendResponse response{HeaderTo(request.header.from), true, std::max(last_new, commit_), {}, {}};
  if (config_.guards.r48_ack_after_persist) {
    SendAfterPersist(response);
  } else {
    SendNow(response);
  }
}

// Returns false when the core halted: a leader without our committed entries cannot exist, so one
// of the two logs is broken, and going on would spread it.
bool Raft::AppendFromLeader(const AppendRequest& request) {
  for (const Entry& entry : request.entries) {
    if (entry.index <= log_.base_index()) continue;
    const std::optional<Term> term = log_.TermAt(entry.index);
    if (term == entry.term) continue;
    if (term) {
      if (entry.index <= commit_) {
        if (config_.guards.r33_never_truncate_committed) {
          Halt("leader " + ToString(request.header.from) + " replaces committed entry " +
               ToString(*term) + "/" + ToString(entry.index) + " by " + ToString(entry));
          return false;
        }
        commit_ = entry.index - 1;
        applied_ = std::min(applied_, commit_);
      }
      log_.TruncateFrom(entry.index);
      if (config_.guards.r37_roll_back_configuration && configurations_.TruncateFrom(entry.index)) {
        ConfigurationChanged();
      }
    }
    log_.Append(entry);
    NoteConfiguration(entry);
  }
  return true;
}

void Raft::RefuseAppend(const AppendRequest& request) {
  if (request.prev_index <= commit_ && config_.guards.r33_never_truncate_committed) {
    Halt("leader " + ToString(request.header.from) + " disagrees with committed entry " +
         ToString(request.prev_index));
    return;
  }
  // Skips a whole run of entries of terms that the leader cannot have at that place.
  const LogIndex hint = log_.LastWithTermAtMost(request.prev_term, request.prev_index);
  SendNow(AppendResponse{HeaderTo(request.header.from), false, request.prev_index, hint,
                         *log_.TermAt(hint)});
}

void Raft::Handle(const HeartbeatRequest& request) {
  if (!FollowLeader(request.header.from)) return;
  // The leader claims no more than it knows to be here; a message from before a restart may claim
  // too much.
  const LogIndex commit = std::min(request.commit_index, log_.last_index());
  if (commit > commit_) CommitThrough(commit);
  SendNow(HeartbeatResponse{HeaderTo(request.header.from), request.read_sequence});
}

}  // namespace weir::raft
