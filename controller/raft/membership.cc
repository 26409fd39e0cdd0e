// Membership: one server at a time (thesis chapter 4). A change is an entry that carries the whole
// new configuration and is in effect from the moment it is appended.
//
// Laws:
//  1. Majorities of configurations that follow each other overlap, because they differ by at most
//     one voter.
//  2. Law 1 holds for uncommitted changes only if the leader has committed an entry of its own term
//     before it begins one, and begins none while one is uncommitted.
//  3. A removed leader leads until its removal is committed, without counting itself, then resigns
//
#include <algorithm>
#include <utility>

#include "common/base/check.h"
#include "controller/raft/raft.h"

namespace weir::raft {
namespace {

// Controllers are few; every entry of a configuration is sent with every change.
constexpr size_t kMembersMax = 32;
constexpr size_t kAddressBytesMax = 255 + 6;  // a DNS name and a port

Status CheckAddress(const std::string& address) {
  if (!address.empty() && address.size() <= kAddressBytesMax) return {};
  return Fail(ErrorCode::kInvalidRequest,
              "the address must have 1 to " + std::to_string(kAddressBytesMax) + " bytes");
}

Member* FindMember(Configuration& configuration, NodeId id) {
  for (Member& member : configuration.members) {
    if (member.id == id) return &member;
  }
  return nullptr;
}

// The member with this key, or why not.
Result<Member> Require(const Configuration& configuration, const VoterKey& key) {
  const Member* member = configuration.Find(key.id);
  if (member == nullptr) {
    return Fail(
        ErrorCode::kVoterNotFound,
        "controller " + ToString(key.id) + " is no member; members are " + ToString(configuration));
  }
  if (member->directory_id != key.directory_id) {
    return Fail(
        ErrorCode::kInvalidVoterKey,
        "controller " + ToString(key.id) + " has directory id " + member->directory_id.ToString());
  }
  return *member;
}

}  // namespace

std::optional<MembershipChange> NextReplaceStep(const Configuration& configuration,
                                                const VoterKey& from, const Member& to) {
  const bool from_stays = configuration.IsMember(from) && from != to.key();
  const Member* added = configuration.Find(to.key());
  if (from_stays && from.id == to.id) return RemoveMember{from};
  if (added == nullptr) return AddLearner{to};
  if (!added->is_voter) return PromoteLearner{to.key()};
  if (from_stays) return RemoveMember{from};
  return std::nullopt;
}

Status Raft::CheckMayChange() const {
  if (!is_leader()) return Fail(ErrorCode::kNotController, "this controller is not the leader");
  if (transfer_) return Fail(ErrorCode::kNotController, "leadership is being handed over");
  if (config_.guards.r35_own_term_before_change && commit_ < leader_start_) {
    return Fail(ErrorCode::kRequestTimedOut, "the leader's own start is not committed yet");
  }
  if (config_.guards.r36_one_change_at_a_time && configurations_.latest_change_index() > commit_) {
    return Fail(ErrorCode::kRequestTimedOut, "another membership change is not committed yet");
  }
  return {};
}

Result<LogIndex> Raft::ProposeMembershipChange(const MembershipChange& change) {
  WEIR_RETURN_IF_ERROR(CheckMayChange());
  WEIR_ASSIGN_OR_RETURN(const Configuration changed, ChangedConfiguration(change));
  AppendOwn(EntryType::kConfiguration,
            std::make_shared<const std::string>(EncodeConfiguration(changed)));
  AdvanceCommit();
  CheckInvariants();
  return log_.last_index();
}

Status Raft::CheckMembershipChange(const MembershipChange& change) const {
  WEIR_RETURN_IF_ERROR(CheckMayChange());
  const Result<Configuration> changed = ChangedConfiguration(change);
  if (!changed) return tl::unexpected<Error>(changed.error());
  return {};
}

Result<Configuration> Raft::ChangedConfiguration(const MembershipChange& change) const {
  struct Visitor {
    const Raft* raft;
    Result<Configuration> operator()(const AddLearner& c) const { return raft->WithLearner(c); }
    Result<Configuration> operator()(const PromoteLearner& c) const {
      return raft->WithPromotion(c);
    }
    Result<Configuration> operator()(const RemoveMember& c) const { return raft->WithoutMember(c); }
    Result<Configuration> operator()(const UpdateAddress& c) const { return raft->WithAddress(c); }
  };
  return std::visit(Visitor{this}, change);
}

Result<Configuration> Raft::WithLearner(const AddLearner& change) const {
  WEIR_RETURN_IF_ERROR(CheckAddress(change.member.address));
  if (configuration().Find(change.member.id) != nullptr) {
    return Fail(ErrorCode::kDuplicateVoter, "controller " + ToString(change.member.id) +
                                                " is a member already; remove it first if its "
                                                "disk was replaced");
  }
  if (change.member.id.value() < 0 || change.member.directory_id.IsZero()) {
    return Fail(ErrorCode::kInvalidRequest, "a member needs a node id and a directory id");
  }
  Configuration changed = configuration();
  if (changed.members.size() >= kMembersMax) {
    return Fail(ErrorCode::kInvalidRequest,
                "more than " + std::to_string(kMembersMax) + " members");
  }
  Member learner = change.member;
  learner.is_voter = false;
  const auto at = std::find_if(changed.members.begin(), changed.members.end(),
                               [&](const Member& member) { return member.id > learner.id; });
  changed.members.insert(at, std::move(learner));
  return changed;
}

Result<Configuration> Raft::WithPromotion(const PromoteLearner& change) const {
  WEIR_ASSIGN_OR_RETURN(const Member member, Require(configuration(), change.key));
  if (member.is_voter) {
    return Fail(ErrorCode::kDuplicateVoter,
                "controller " + ToString(change.key.id) + " is a voter already");
  }
  // A voter that is far behind would hold up commits until it has caught up (thesis section 4.2.1).
  // A leader that is no voter any more is on its way out and has no progress of its own.
  const auto peer = progress_.find(change.key);
  if (peer == progress_.end()) {
    return Fail(ErrorCode::kIneligibleReplica, "a leader on its way out cannot be promoted");
  }
  const Progress& progress = peer->second;
  const bool close = progress.match() + config_.promotion_lag_entries_max >= commit_;
  if (progress.state() != ProgressState::kReplicate || !close) {
    return Fail(ErrorCode::kIneligibleReplica,
                "controller " + ToString(change.key.id) + " has caught up to " +
                    ToString(progress.match()) + " of " + ToString(commit_) +
                    "; try again when it is closer");
  }
  Configuration changed = configuration();
  FindMember(changed, change.key.id)->is_voter = true;
  return changed;
}

Result<Configuration> Raft::WithoutMember(const RemoveMember& change) const {
  WEIR_ASSIGN_OR_RETURN(const Member member, Require(configuration(), change.key));
  if (member.is_voter && configuration().voter_count() == 1) {
    return Fail(ErrorCode::kInvalidRequest, "the last voter cannot be removed");
  }
  Configuration changed = configuration();
  std::erase_if(changed.members, [&](const Member& m) { return m.id == change.key.id; });
  return changed;
}

Result<Configuration> Raft::WithAddress(const UpdateAddress& change) const {
  WEIR_RETURN_IF_ERROR(CheckAddress(change.address));
  WEIR_RETURN_IF_ERROR(Require(configuration(), change.key));
  Configuration changed = configuration();
  FindMember(changed, change.key.id)->address = change.address;
  return changed;
}

void Raft::NoteConfiguration(const Entry& entry) {
  if (entry.type == EntryType::kNormal) return;
  if (!config_.guards.r37_roll_back_configuration && entry.type == EntryType::kLeaderStart &&
      !configuration().members.empty()) {
    return;  // a restated configuration would hide that the old one was not brought back
  }
  Result<Configuration> configuration = DecodeConfiguration(*entry.payload);
  WEIR_CHECK(configuration.has_value(), "checked before it was appended");
  // Without the roll back of the guard, what was truncated stays in effect until it is in the way.
  if (!config_.guards.r37_roll_back_configuration) configurations_.TruncateFrom(entry.index);
  configurations_.Add(entry.index, entry.type, *std::move(configuration));
  ConfigurationChanged();
}

void Raft::ConfigurationChanged() {
  out_.configuration = configuration();
  if (!is_leader()) return;
  for (const Member& member : configuration().members) {
    if (member.key() == config_.self) continue;
    const auto peer = progress_.emplace(member.key(), Progress(log_.last_index() + 1)).first;
    peer->second.removed_at.reset();
  }
  for (auto& [key, progress] : progress_) {
    if (configuration().IsMember(key) || progress.removed_at) continue;
    progress.removed_at = configurations_.latest_change_index();
    progress.leaving_ticks = 0;
  }
}

// A removed member is fed until it has the entry that removes it and knows that it is committed, or
// for a while in vain.
void Raft::TickLeaving() {
  for (auto peer = progress_.begin(); peer != progress_.end();) {
    Progress& progress = peer->second;
    const bool over = progress.removed_at && commit_ >= *progress.removed_at;
    const bool knows = over && progress.match() >= *progress.removed_at &&
                       progress.commit_sent() >= *progress.removed_at;
    const bool in_vain = over && ++progress.leaving_ticks > config_.election_ticks_max;
    peer = knows || in_vain ? progress_.erase(peer) : std::next(peer);
  }
}

void Raft::ResignIfRemoved() {
  if (!is_leader() || is_voter()) return;
  if (commit_ < configurations_.latest_change_index()) return;
  BroadcastHeartbeat();
  // Who is furthest ahead need not wait for an election timeout.
  if (const auto successor = FurthestAheadVoter()) SendNow(TimeoutNow{HeaderTo(*successor)});
  BecomeFollower(term_, std::nullopt);
}

}  // namespace weir::raft
