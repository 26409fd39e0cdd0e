// Reads through the leader: the queue, and Raft's part (thesis section 6.4).
#include "controller/raft/read_index.h"

#include "controller/raft/quorum.h"
#include "controller/raft/raft.h"

namespace weir::raft {

void ReadIndexQueue::Add(uint64_t request_id, LogIndex index) {
  reads_.push_back({request_id, index, sequence_ + 1});
}

std::vector<ReadState> ReadIndexQueue::Confirm(uint64_t sequence) {
  std::vector<ReadState> confirmed;
  while (!reads_.empty() && reads_.front().sequence <= sequence) {
    confirmed.push_back({reads_.front().request_id, reads_.front().index});
    reads_.pop_front();
  }
  return confirmed;
}

std::string ReadIndexQueue::Describe() const {
  return "reads=" + std::to_string(reads_.size()) + " sequence=" + std::to_string(sequence_);
}

Status Raft::ReadIndex(uint64_t request_id) {
  if (!is_leader()) return Fail(ErrorCode::kNotController, "this controller is not the leader");
  // Until an entry of its own term is committed a leader does not know what is committed.
  if (commit_ < leader_start_) {
    return Fail(ErrorCode::kLeaderNotAvailable, "the leader's own start is not committed yet");
  }
  if (!config_.guards.r41_read_needs_quorum) {
    out_.read_states.push_back({request_id, commit_});
    return {};
  }
  reads_.Add(request_id, commit_);
  return {};
}

void Raft::ConfirmReads() {
  if (reads_.empty()) return;
  const uint64_t confirmed = MajorityReached(configuration(), [this](const VoterKey& key) {
    if (key == config_.self) return reads_.sequence();
    const auto peer = progress_.find(key);
    return peer == progress_.end() ? 0 : peer->second.read_sequence;
  });
  for (ReadState read : reads_.Confirm(confirmed)) out_.read_states.push_back(read);
}

}  // namespace weir::raft
