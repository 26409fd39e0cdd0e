#include "broker/replica/partition.h"

#include <algorithm>
#include <utility>

#include "common/base/check.h"

namespace weir::replica {
namespace {

bool Holds(const std::vector<NodeId>& nodes, NodeId node) {
  return std::find(nodes.begin(), nodes.end(), node) != nodes.end();
}

}  // namespace

bool Partition::InIsr(NodeId replica) const { return Holds(state_.isr, replica); }
bool Partition::InReplicas(NodeId replica) const { return Holds(state_.replicas, replica); }

Partition::Actions Partition::OnLeaderChange(LeaderAndIsr news, MonoTime now) {
  if (news.leader_epoch < state_.leader_epoch) return {};
  if (news.partition_epoch < state_.partition_epoch) return {};
  Actions actions;
  const bool was_leading = leading();
  const NodeId leader_before = state_.leader;
  const bool new_epoch = news.leader_epoch > state_.leader_epoch;
  if (new_epoch || news.partition_epoch > state_.partition_epoch) pending_.reset();
  state_ = std::move(news);
  actions.began_leading = leading() && (new_epoch || !was_leading);
  actions.stopped_leading = was_leading && (new_epoch || !leading());
  actions.leader_to_follow_changed =
      leading() ? !was_leading : (new_epoch || leader_before != state_.leader);
  if (actions.began_leading) BeginLeading(now);
  if (!leading()) followers_.clear();
  // Another leader has another high watermark (I-43).
  if (new_epoch) leader_high_watermark_ = Offset(0);
  std::erase_if(followers_, [&](const auto& entry) { return !InReplicas(entry.first); });
  for (auto& [replica, follower] : followers_) {
    follower.joining = follower.joining && !InIsr(replica);
  }
  actions.high_watermark_moved = MoveHighWatermark();
  return actions;
}

void Partition::BeginLeading(MonoTime now) {
  epoch_start_ = log_end_;
  followers_.clear();
  propose_after_ = now;
  // In-sync replicas get the whole lag time to show up.
  for (const NodeId replica : state_.isr) {
    if (replica != self_) followers_[replica].caught_up_at = now;
  }
}

void Partition::OnAppend(Offset log_end) {
  WEIR_CHECK(log_end >= log_end_, "an append does not shorten the log");
  log_end_ = log_end;
}

Partition::Actions Partition::OnPersisted(Offset persisted_end) {
  WEIR_CHECK(persisted_end <= log_end_, "what is persisted was appended");
  persisted_end_ = std::max(persisted_end_, persisted_end);
  return {.high_watermark_moved = MoveHighWatermark()};
}

bool Partition::MoveHighWatermark() {
  Offset reached = persisted_end_;
  if (leading()) {
    if (!enough_in_sync()) return false;
    const auto count = [&](NodeId replica) {
      if (replica == self_) return;
      const auto follower = followers_.find(replica);
      reached = std::min(reached,
                         follower == followers_.end() ? Offset(-1) : follower->second.fetch_offset);
    };
    for (const NodeId replica : state_.isr) count(replica);
    if (pending_) {
      for (const IsrMember& member : pending_->proposal.isr) count(member.broker);
    }
    for (const auto& [replica, follower] : followers_) {
      if (follower.joining) count(replica);
    }
  } else {
    reached = std::min(reached, leader_high_watermark_);
  }
  if (reached <= high_watermark_) return false;
  high_watermark_ = reached;
  return true;
}

MonoTime Partition::joining_until() const {
  MonoTime until = MonoTime::max();
  for (const auto& [replica, follower] : followers_) {
    if (follower.joining) until = std::min(until, follower.fetched_at + kJoinPatience);
  }
  return until;
}

bool Partition::IsCatchingUp(NodeId replica) const {
  if (InIsr(replica)) return false;
  const auto follower = followers_.find(replica);
  if (follower != followers_.end() && follower->second.joining) return false;
  if (!pending_) return true;
  return std::none_of(pending_->proposal.isr.begin(), pending_->proposal.isr.end(),
                      [&](const IsrMember& member) { return member.broker == replica; });
}

bool Partition::IsFollowedSince(MonoTime since) const {
  const auto follows = [&](NodeId replica) {
    const auto follower = followers_.find(replica);
    return replica == self_ ||
           (follower != followers_.end() && follower->second.followed_after >= since);
  };
  if (!std::all_of(state_.isr.begin(), state_.isr.end(), follows)) return false;
  return !pending_ || std::all_of(pending_->proposal.isr.begin(), pending_->proposal.isr.end(),
                                  [&](const IsrMember& member) { return follows(member.broker); });
}

void Partition::StopJoining() {
  for (auto& [replica, follower] : followers_) follower.joining = false;
}

bool Partition::enough_in_sync() const {
  const auto wanted =
      std::min(static_cast<size_t>(std::max(min_insync_replicas_, 1)), state_.replicas.size());
  return state_.isr.size() >= wanted;
}

// ---- The leader and its followers ---------------------------------------------------------

ErrorCode Partition::CheckFollower(NodeId replica, BrokerEpoch epoch) const {
  if (!leading() || replica == self_ || !InReplicas(replica)) {
    return ErrorCode::kNotLeaderOrFollower;
  }
  const auto follower = followers_.find(replica);
  const bool stale = follower != followers_.end() && epoch < follower->second.epoch;
  return stale ? ErrorCode::kNotLeaderOrFollower : ErrorCode::kNone;
}

Partition::Actions Partition::OnFollowerFetch(NodeId replica, BrokerEpoch epoch,
                                              Offset fetch_offset, MonoTime now,
                                              MonoTime sent_after) {
  WEIR_CHECK(CheckFollower(replica, epoch) == ErrorCode::kNone);
  WEIR_CHECK(fetch_offset <= log_end_, "a follower has nothing that its leader has not");
  Follower& follower = followers_[replica];
  // A new life may have lost what the last one had.
  if (epoch > follower.epoch) follower.log_end_then = Offset(-1);
  follower.epoch = epoch;
  const bool keeps_up = follower.log_end_then >= Offset(0) && fetch_offset >= follower.log_end_then;
  if (fetch_offset >= log_end_) {
    follower.caught_up_at = now;
  } else if (keeps_up) {
    // It has all that was there when it fetched before.
    follower.caught_up_at = std::max(follower.caught_up_at, follower.fetched_at);
  }
  const bool soon = now - follower.fetched_at < kJoinPatience;
  follower.fetch_offset = fetch_offset;
  follower.log_end_then = log_end_;
  follower.fetched_at = now;
  follower.followed_after = std::max(follower.followed_after, sent_after);
  follower.joining =
      keeps_up && soon && !InIsr(replica) && fetch_offset >= epoch_start_ && now >= propose_after_;

  Actions actions;
  actions.high_watermark_moved = MoveHighWatermark();
  const bool caught_up = fetch_offset >= high_watermark_ && fetch_offset >= epoch_start_;
  if (!InIsr(replica) && caught_up && now >= propose_after_) {
    std::vector<NodeId> isr = state_.isr;
    isr.push_back(replica);
    Propose(std::move(isr), actions);
  }
  SendAgainIfDue(now, actions);
  return actions;
}

Partition::Actions Partition::OnTick(MonoTime now, Duration lag_max) {
  Actions actions;
  if (!leading()) return actions;
  for (auto& [replica, follower] : followers_) {
    follower.joining = follower.joining && now - follower.fetched_at < kJoinPatience;
  }
  actions.high_watermark_moved = MoveHighWatermark();
  std::vector<NodeId> isr;
  for (const NodeId replica : state_.isr) {
    const auto follower = followers_.find(replica);
    const bool lags = replica != self_ && (follower == followers_.end() ||
                                           (follower->second.fetch_offset != log_end_ &&
                                            now - follower->second.caught_up_at > lag_max));
    if (!lags) isr.push_back(replica);
  }
  if (isr.size() < state_.isr.size() && now >= propose_after_) Propose(std::move(isr), actions);
  SendAgainIfDue(now, actions);
  return actions;
}

void Partition::Propose(std::vector<NodeId> isr, Actions& actions) {
  if (pending_) return;
  IsrProposal proposal{state_.leader_epoch, state_.partition_epoch, {}};
  for (const NodeId replica : isr) {
    const auto follower = followers_.find(replica);
    proposal.isr.push_back(
        {replica, follower == followers_.end() ? kNoBrokerEpoch : follower->second.epoch});
  }
  actions.propose = proposal;
  pending_ = Pending{std::move(proposal)};
}

void Partition::SendAgainIfDue(MonoTime now, Actions& actions) {
  if (!pending_ || now < pending_->send_again_at) return;
  pending_->send_again_at = MonoTime::max();
  actions.propose = pending_->proposal;
}

Partition::Actions Partition::OnIsrAnswer(const IsrAnswer& answer, MonoTime now) {
  if (answer.leader_epoch != state_.leader_epoch) return {};
  const bool refused =
      answer.error == ErrorCode::kIneligibleReplica || answer.error == ErrorCode::kInvalidRequest;
  if (refused) {
    // Also when metadata came first with the version that the refusal made: a broker that stops
    // fetches to its end, and nothing may wait for it.
    StopJoining();
    propose_after_ = now + kProposalPause;
  }
  const bool names_it = answer.asked >= PartitionEpoch(0);
  if (!pending_ || (names_it && answer.asked != pending_->proposal.partition_epoch)) {
    return {.high_watermark_moved = MoveHighWatermark()};
  }
  if (answer.error == ErrorCode::kNone) {
    if (answer.partition_epoch <= state_.partition_epoch) return {};
    state_.partition_epoch = answer.partition_epoch;
    state_.isr = answer.isr;
    pending_.reset();
    for (auto& [replica, follower] : followers_) {
      follower.joining = follower.joining && !InIsr(replica);
    }
  } else if (refused) {
    // The controller looks at the partition epoch before it looks at the replicas, and ends that
    // epoch when it finds them ineligible: neither this nor an earlier try is or will be committed.
    pending_.reset();
  } else {
    // Perhaps an earlier try was committed: metadata will tell. The proposal counts until then.
    pending_->send_again_at = now + kProposalPause;
    return {};
  }
  return {.high_watermark_moved = MoveHighWatermark()};
}

// ---- The follower -------------------------------------------------------------------------

Partition::Actions Partition::OnLeaderHighWatermark(Offset high_watermark) {
  if (leading()) return {};
  leader_high_watermark_ = high_watermark;
  return {.high_watermark_moved = MoveHighWatermark()};
}

void Partition::OnTruncate(Offset log_end) {
  WEIR_CHECK(!leading(), "a leader cuts nothing off");
  log_end_ = persisted_end_ = log_end;
  high_watermark_ = std::min(high_watermark_, log_end);
}

// ---- Who is served ------------------------------------------------------------------------

ErrorCode Partition::CheckReading(LeaderEpoch current) const {
  if (current >= LeaderEpoch(0)) {
    if (current < state_.leader_epoch) return ErrorCode::kFencedLeaderEpoch;
    if (current > state_.leader_epoch) return ErrorCode::kUnknownLeaderEpoch;
  }
  return ErrorCode::kNone;
}

ErrorCode Partition::CheckServing(LeaderEpoch current) const {
  const ErrorCode error = CheckReading(current);
  if (error != ErrorCode::kNone) return error;
  return leading() ? ErrorCode::kNone : ErrorCode::kNotLeaderOrFollower;
}

ErrorCode Partition::CheckAppend(int16_t acks) const {
  if (!leading()) return ErrorCode::kNotLeaderOrFollower;
  if (acks < -1 || acks > 1) return ErrorCode::kInvalidRequiredAcks;
  return acks != -1 || enough_in_sync() ? ErrorCode::kNone : ErrorCode::kNotEnoughReplicas;
}

std::string Partition::Describe() const {
  std::string text = leading() ? "leader" : "follower";
  text += " epoch=" + ToString(state_.leader_epoch) + " hw=" + ToString(high_watermark_) +
          " persisted=" + ToString(persisted_end_) + " end=" + ToString(log_end_) + " isr=[";
  for (size_t i = 0; i < state_.isr.size(); ++i) {
    if (i > 0) text += ',';
    text += ToString(state_.isr[i]);
  }
  return text + "]";
}

}  // namespace weir::replica
