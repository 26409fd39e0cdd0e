// What must hold after every call, whatever came in; and the way to stop when it does not.
//
// A broken invariant aborts: memory is wrong, and nothing it says may reach disk or network.
// A contradiction in what peers or disk say halts: the node is told through Ready::fatal, and
// nothing else comes out any more.
#include <utility>

#include "common/base/check.h"
#include "controller/raft/raft.h"

namespace weir::raft {

void Raft::Halt(std::string reason) {
  if (halted_) return;
  halted_ = true;
  role_ = Role::kFollower;
  leader_.reset();
  progress_.clear();
  votes_.clear();
  transfer_.reset();
  reads_.Clear();
  out_ = {};
  out_.fatal = std::move(reason);
}

// Empty when all is well.
std::string Raft::BrokenInvariant() const {
  if (commit_ > log_.last_index()) return "commit index after the end of the log";
  if (commit_ < snapshot_.last_index) return "commit index before the snapshot's end";
  if (applied_ > commit_) return "applied what is not committed";
  if (applied_ < log_.base_index()) return "compacted what is not applied";
  if (snapshot_.last_index < log_.base_index()) return "compacted what is in no snapshot";
  if (log_.last_term() > term_) return "the log is ahead of the term";
  if (is_leader() && leader_ != config_.self) return "a leader that follows another";
  if (is_leader() && log_.last_term() != term_) return "a leader without an entry of its term";
  if (role_ == Role::kCandidate && vote_ != config_.self) return "a candidate that voted otherwise";
  if (role_ != Role::kFollower && role_ != Role::kLeader && leader_) {
    return "a candidate with a leader";
  }
  if (!is_leader() && !progress_.empty()) return "a follower that tracks others";
  for (const auto& [key, progress] : progress_) {
    if (progress.match() >= progress.next()) return "progress: match not before next";
    if (progress.match() > log_.last_index()) return "progress: match after the end of the log";
  }
  return {};
}

void Raft::CheckInvariants() {
  if (halted_) return;
  const std::string broken = BrokenInvariant();
  if (broken.empty()) return;
  // A core whose guards a test took away is expected to break; it reports instead of aborting.
  if (!config_.guards.AllOn()) {
    Halt("broken invariant: " + broken);
    return;
  }
  WEIR_CHECK(broken.empty(), broken.c_str());
}

}  // namespace weir::raft
