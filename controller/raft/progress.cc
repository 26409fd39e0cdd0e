// Progress: see progress.h for the states.
#include "controller/raft/progress.h"

#include <algorithm>
#include <utility>

#include "common/base/check.h"

namespace weir::raft {

std::string_view ProgressStateName(ProgressState state) {
  switch (state) {
    case ProgressState::kProbe:
      return "probe";
    case ProgressState::kReplicate:
      return "replicate";
    case ProgressState::kSnapshot:
      return "snapshot";
  }
  WEIR_UNREACHABLE("progress state");
}

bool Progress::MaySend(size_t in_flight_max) const {
  switch (state_) {
    case ProgressState::kProbe:
      return !probe_waits_;
    case ProgressState::kReplicate:
      return in_flight_.size() < in_flight_max;
    case ProgressState::kSnapshot:
      return false;
  }
  WEIR_UNREACHABLE("progress state");
}

void Progress::Sent(LogIndex last, LogIndex commit) {
  commit_sent_ = std::max(commit_sent_, commit);
  if (state_ == ProgressState::kProbe) {
    probe_waits_ = true;
    return;
  }
  if (last < next_) return;
  next_ = last + 1;
  in_flight_.push_back(last);
}

bool Progress::Accepted(LogIndex index) {
  const bool was_probe = state_ == ProgressState::kProbe;
  const bool news = index > match_;
  match_ = std::max(match_, index);
  next_ = std::max(next_, match_ + 1);
  while (!in_flight_.empty() && in_flight_.front() <= index) in_flight_.pop_front();
  if (was_probe && index >= match_) {
    state_ = ProgressState::kReplicate;
    next_ = match_ + 1;
    probe_waits_ = false;
    in_flight_.clear();
  }
  return news;
}

bool Progress::Refused(LogIndex prev, LogIndex guess) {
  if (state_ == ProgressState::kSnapshot) return false;
  if (state_ == ProgressState::kReplicate) {
    if (prev <= match_) return false;
    BecomeProbe();
    return true;
  }
  if (next_ != prev + 1) return false;
  next_ = std::max(std::min(prev, guess + 1), match_ + 1);
  probe_waits_ = false;
  return true;
}

void Progress::HeartbeatAnswered(size_t in_flight_max) {
  probe_waits_ = false;
  // A full window with lost appends would never move again.
  if (in_flight_.size() >= in_flight_max) in_flight_.pop_front();
}

void Progress::BecomeProbe() {
  state_ = ProgressState::kProbe;
  next_ = match_ + 1;
  probe_waits_ = false;
  in_flight_.clear();
  outgoing_.reset();
}

void Progress::BecomeSnapshot(SnapshotMeta meta) {
  state_ = ProgressState::kSnapshot;
  probe_waits_ = false;
  in_flight_.clear();
  outgoing_ = OutgoingSnapshot{std::move(meta), 0, 0};
}

OutgoingSnapshot& Progress::outgoing() {
  WEIR_CHECK(state_ == ProgressState::kSnapshot);
  return *outgoing_;
}

void Progress::SnapshotInstalled(LogIndex index) {
  match_ = std::max(match_, index);
  BecomeProbe();
}

std::string Progress::Describe() const {
  std::string text(ProgressStateName(state_));
  text += " match=" + ToString(match_) + " next=" + ToString(next_);
  if (!in_flight_.empty()) text += " inflight=" + std::to_string(in_flight_.size());
  if (probe_waits_) text += " waiting";
  if (outgoing_) {
    text += " sending=" + ToString(outgoing_->meta.last_index) + "@" +
            std::to_string(outgoing_->offset);
  }
  if (removed_at) text += " leaving";
  return text;
}

}  // namespace weir::raft
