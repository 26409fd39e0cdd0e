// Leadership transfer (thesis section 3.10): stop taking proposals, bring the target up to date,
// tell it to stand for election at once. If it has not worked after an election timeout the leader
// goes on leading.
#include "common/base/check.h"
#include "controller/raft/raft.h"

namespace weir::raft {

std::optional<VoterKey> Raft::FurthestAheadVoter() const {
  std::optional<VoterKey> best;
  LogIndex best_match;
  for (const auto& [key, progress] : progress_) {
    if (!configuration().IsVoter(key) || !progress.recently_active) continue;
    if (best && progress.match() <= best_match) continue;
    best = key;
    best_match = progress.match();
  }
  return best;
}

Result<VoterKey> Raft::CheckTransfer(std::optional<NodeId> target) const {
  if (!is_leader()) return Fail(ErrorCode::kNotController, "this controller is not the leader");
  if (transfer_) {
    return Fail(ErrorCode::kReassignmentInProgress,
                "leadership is being handed to controller " + ToString(transfer_->target.id));
  }
  if (target == config_.self.id) {
    return Fail(ErrorCode::kInvalidRequest,
                "controller " + ToString(*target) + " is the leader already");
  }
  if (target) {
    const Member* member = configuration().Find(*target);
    if (member == nullptr || !member->is_voter) {
      return Fail(ErrorCode::kVoterNotFound, "controller " + ToString(*target) +
                                                 " is no voter; members are " +
                                                 ToString(configuration()));
    }
    return member->key();
  }
  const std::optional<VoterKey> key = FurthestAheadVoter();
  if (!key) return Fail(ErrorCode::kVoterNotFound, "no other voter is alive");
  return *key;
}

Status Raft::TransferLeadership(std::optional<NodeId> target) {
  WEIR_ASSIGN_OR_RETURN(const VoterKey key, CheckTransfer(target));
  transfer_ = Transfer{key, 0, false};
  ContinueTransfer();
  return {};
}

void Raft::ContinueTransfer() {
  if (!transfer_ || transfer_->timeout_now_sent) return;
  const auto peer = progress_.find(transfer_->target);
  if (peer == progress_.end() || peer->second.match() < log_.last_index()) return;
  transfer_->timeout_now_sent = true;
  SendNow(TimeoutNow{HeaderTo(transfer_->target)});
}

void Raft::TickTransfer() {
  if (!transfer_) return;
  ++transfer_->ticks;
  if (transfer_->ticks >= config_.election_ticks_max) transfer_.reset();
}

void Raft::Handle(const TimeoutNow& request) {
  if (role_ != Role::kFollower || leader_ != request.header.from || !is_voter()) return;
  BecomeCandidate(true);
}

}  // namespace weir::raft
