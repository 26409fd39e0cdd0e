// Elections: timeouts, pre-vote (thesis section 9.6), votes (3.4), check-quorum (6.2) and leader
// stickiness (4.2.3). The table of role changes is in raft.h.
#include <algorithm>

#include "common/base/check.h"
#include "controller/raft/quorum.h"
#include "controller/raft/raft.h"

namespace weir::raft {

void Raft::RestartElectionTimer() {
  election_elapsed_ = 0;
  election_timeout_ =
      static_cast<int32_t>(prng_.Between(config_.election_ticks_min, config_.election_ticks_max));
}

bool Raft::HearsLeader() const {
  if (!config_.guards.r40_leader_stickiness) return false;
  return is_leader() || (leader_ && election_elapsed_ < config_.election_ticks_min);
}

// A server that was removed still stands for election until it knows that its removal is committed:
// it may be the only one that has it, and so the only one that can win. It does not count its own
// vote (thesis section 4.2.2).
bool Raft::MayCampaign() const { return configurations_.IsVoterSince(commit_, config_.self); }

bool Raft::LogIsUpToDate(Term last_term, LogIndex last_index) const {
  if (last_term != log_.last_term()) return last_term > log_.last_term();
  return last_index >= log_.last_index();
}

void Raft::BecomeFollower(Term term, std::optional<VoterKey> leader) {
  WEIR_CHECK(term >= term_, "terms never go back");
  if (term > term_) {
    term_ = term;
    vote_.reset();
    hard_state_dirty_ = true;
  }
  role_ = Role::kFollower;
  leader_ = leader;
  votes_.clear();
  progress_.clear();
  reads_.Clear();
  transfer_.reset();
  uncommitted_bytes_ = 0;
  RestartElectionTimer();
}

void Raft::BecomePreCandidate() {
  WEIR_CHECK(!is_leader());
  role_ = Role::kPreCandidate;
  leader_.reset();  // who doubts the leader does not go on protecting it
  votes_.clear();
  RestartElectionTimer();
  for (const Member& member : configuration().members) {
    if (!member.is_voter || member.key() == config_.self) continue;
    SendNow(PreVoteRequest{HeaderTo(member.key()), term_ + 1, log_.last_index(), log_.last_term()});
  }
  votes_[config_.self] = true;
  CountVotes();
}

void Raft::BecomeCandidate(bool leadership_transfer) {
  WEIR_CHECK(!is_leader());
  WEIR_CHECK(MayCampaign(), "only voters stand for election");
  role_ = Role::kCandidate;
  leader_.reset();
  votes_.clear();
  ++term_;
  vote_ = config_.self;
  hard_state_dirty_ = true;
  RestartElectionTimer();
  for (const Member& member : configuration().members) {
    if (!member.is_voter || member.key() == config_.self) continue;
    VoteRequest request{HeaderTo(member.key()), log_.last_index(), log_.last_term(),
                        leadership_transfer};
    if (config_.guards.r14_vote_after_persist) {
      SendAfterPersist(request);
    } else {
      SendNow(request);
    }
  }
  if (!config_.guards.r14_vote_after_persist) {
    votes_[config_.self] = true;
    CountVotes();
  }
}

void Raft::BecomeLeader() {
  WEIR_CHECK(role_ == Role::kCandidate);
  role_ = Role::kLeader;
  leader_ = config_.self;
  votes_.clear();
  progress_.clear();
  reads_.Clear();
  transfer_.reset();
  uncommitted_bytes_ = 0;
  election_elapsed_ = 0;
  heartbeat_elapsed_ = 0;
  for (const Member& member : configuration().members) {
    if (member.key() == config_.self) continue;
    progress_.emplace(member.key(), Progress(log_.last_index() + 1));
  }
  // The first entry of its own term: commits what earlier leaders left (thesis section 3.6.2) and
  // is the ground for membership changes and reads (R-35, section 6.4).
  leader_start_ = log_.last_index() + 1;
  AppendOwn(EntryType::kLeaderStart,
            std::make_shared<const std::string>(EncodeConfiguration(configuration())));
}

void Raft::CountVotes() {
  switch (raft::CountVotes(configuration(), votes_)) {
    case VoteResult::kPending:
      return;
    case VoteResult::kLost:
      BecomeFollower(term_, std::nullopt);
      return;
    case VoteResult::kWon:
      if (role_ == Role::kPreCandidate) {
        BecomeCandidate(false);
      } else {
        BecomeLeader();
      }
  }
}

void Raft::TickFollower() {
  if (election_elapsed_ < election_timeout_) ++election_elapsed_;
  if (election_elapsed_ < election_timeout_) return;
  // Its own vote is still on the way to a slow disk: another term would only begin that anew.
  if (role_ == Role::kCandidate && !votes_.contains(config_.self)) return;
  leader_.reset();
  if (MayCampaign()) BecomePreCandidate();
}

void Raft::LeaderLost() {
  if (role_ != Role::kFollower || !leader_) return;
  const int32_t spread = (config_.election_ticks_max - config_.election_ticks_min) / 2;
  const auto drawn = static_cast<int32_t>(prng_.Between(1, std::max(spread, 1)));
  const int32_t left = std::min(election_timeout_ - election_elapsed_, drawn);
  election_elapsed_ = config_.election_ticks_min;
  election_timeout_ = config_.election_ticks_min + left;
}

void Raft::TickLeader() {
  ++election_elapsed_;
  if (election_elapsed_ >= config_.election_ticks_max) {
    election_elapsed_ = 0;
    if (config_.guards.r29_check_quorum && !QuorumIsActive()) {
      BecomeFollower(term_, std::nullopt);
      return;
    }
    for (auto& [key, progress] : progress_) progress.recently_active = false;
  }
  ++heartbeat_elapsed_;
  if (heartbeat_elapsed_ >= config_.heartbeat_ticks) {
    heartbeat_elapsed_ = 0;
    BroadcastHeartbeat();
  }
  for (auto& [key, progress] : progress_) TickSnapshot(key, progress);
  TickTransfer();
  TickLeaving();
}

bool Raft::QuorumIsActive() const {
  return MajorityReached(configuration(), [this](const VoterKey& key) -> uint64_t {
           if (key == config_.self) return 1;
           const auto peer = progress_.find(key);
           return peer != progress_.end() && peer->second.recently_active ? 1 : 0;
         }) == 1;
}

// What a message of the leader of this term means whatever else is in it. Returns false when there
// cannot be such a leader.
bool Raft::FollowLeader(const VoterKey& leader) {
  if (is_leader() || (leader_ && *leader_ != leader)) {
    Halt("two leaders in term " + ToString(term_) + ": " + ToString(*leader_) + " and " +
         ToString(leader));
    return false;
  }
  if (role_ != Role::kFollower) BecomeFollower(term_, leader);
  leader_ = leader;
  election_elapsed_ = 0;
  return true;
}

void Raft::Handle(const PreVoteRequest& request) {
  const bool granted = request.campaign_term > term_ &&
                       LogIsUpToDate(request.last_term, request.last_index) && !HearsLeader();
  // With a refusal goes our term, so that a candidate that fell behind catches up with it.
  SendNow(PreVoteResponse{HeaderTo(request.header.from), request.campaign_term, granted});
}

void Raft::Handle(const PreVoteResponse& response) {
  if (role_ != Role::kPreCandidate || response.campaign_term != term_ + 1) return;
  votes_[response.header.from] = response.granted;
  CountVotes();
}

void Raft::Handle(const VoteRequest& request) {
  const VoterKey& candidate = request.header.from;
  const bool free = vote_ ? *vote_ == candidate : !leader_;
  const bool granted = free && LogIsUpToDate(request.last_term, request.last_index);
  if (granted && !vote_) {
    vote_ = candidate;
    hard_state_dirty_ = true;
  }
  if (granted) election_elapsed_ = 0;
  VoteResponse response{HeaderTo(candidate), granted};
  if (config_.guards.r14_vote_after_persist) {
    SendAfterPersist(response);
  } else {
    SendNow(response);
  }
}

void Raft::Handle(const VoteResponse& response) {
  if (role_ != Role::kCandidate) return;
  votes_[response.header.from] = response.granted;
  CountVotes();
}

}  // namespace weir::raft
