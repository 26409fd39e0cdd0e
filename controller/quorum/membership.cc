#include "controller/quorum/membership.h"

#include <utility>

#include "common/runtime/log.h"

namespace weir::quorum {
namespace {

bool Names(const raft::VoterKey& key, const raft::Member& member) {
  return key.id == member.id &&
         (key.directory_id.IsZero() || key.directory_id == member.directory_id);
}

// Whether the same step may be taken later.
bool MayWait(ErrorCode code) {
  return code == ErrorCode::kRequestTimedOut || code == ErrorCode::kIneligibleReplica ||
         code == ErrorCode::kLeaderNotAvailable || code == ErrorCode::kThrottlingQuotaExceeded;
}

}  // namespace

void Membership::Start(VoterChange change) {
  walks_.push_back({std::move(change), LogIndex(0), {ErrorCode::kNone, {}}});
  Continue();
}

Status Membership::Check(const VoterChange& change) const {
  const raft::Raft& raft = node_()->raft();
  if (!raft.is_leader()) {
    return Fail(ErrorCode::kNotController, "this controller is not the active one");
  }
  const auto step = NextStep(change);
  if (!step) return {};
  const Status checked = raft.CheckMembershipChange(*step);
  return !checked && MayWait(checked.error().code) ? Status() : checked;
}

void Membership::Continue() {
  for (auto it = walks_.begin(); it != walks_.end();) {
    // `done` may start another walk: that goes to the end of the list.
    if (Advance(*it)) {
      it = walks_.erase(it);
    } else {
      ++it;
    }
  }
}

bool Membership::Advance(Walk& walk) {
  RaftNode* node = node_();
  if (!node->raft().is_leader()) {
    walk.change.done(Fail(ErrorCode::kNotController, "this controller is not the active one"));
    return true;
  }
  if (walk.step_index > node->raft().commit_index()) {
    if (loop_.Now() < walk.change.deadline) return false;
    walk.change.done(Fail(ErrorCode::kRequestTimedOut, "the change is not committed yet"));
    return true;
  }
  walk.step_index = LogIndex(0);
  const auto step = NextStep(walk.change);
  if (!step) {
    walk.change.done({});
    return true;
  }
  if (loop_.Now() >= walk.change.deadline) {
    walk.change.done(
        Fail(ErrorCode::kRequestTimedOut,
             "the change of the quorum was begun and is not finished; repeat the "
             "command to go on" +
                 (walk.last_refusal.message.empty() ? std::string()
                                                    : " (" + walk.last_refusal.message + ")")));
    return true;
  }
  const Result<LogIndex> index = node->ProposeMembershipChange(*step);
  if (index) {
    walk.step_index = *index;
    LogInfo("quorum", "changing the quorum",
            {{"index", *index}, {"members", raft::ToString(node->raft().configuration())}});
    return false;
  }
  walk.last_refusal = index.error();
  if (MayWait(index.error().code)) return false;
  walk.change.done(tl::unexpected<Error>(index.error()));
  return true;
}

std::optional<raft::MembershipChange> Membership::NextStep(const VoterChange& change) const {
  const raft::Configuration& configuration = node_()->raft().configuration();
  if (change.add) {
    const raft::Member& wanted = *change.add;
    const raft::Member* present = configuration.Find(wanted.id);
    const bool same = present != nullptr && present->directory_id == wanted.directory_id;
    const bool in_the_way = present != nullptr && !same;
    // A wiped disk under the same id: the id names one member at a time.
    if (in_the_way && change.remove && Names(*change.remove, *present)) {
      return raft::RemoveMember{present->key()};
    }
    if (!same) return raft::AddLearner{wanted};
    if (!present->is_voter) return raft::PromoteLearner{present->key()};
    if (present->address != wanted.address) {
      return raft::UpdateAddress{present->key(), wanted.address};
    }
  }
  if (change.remove) {
    const raft::Member* present = configuration.Find(change.remove->id);
    const bool kept = change.add && present != nullptr &&
                      present->directory_id == change.add->directory_id &&
                      present->id == change.add->id;
    if (present != nullptr && !kept && Names(*change.remove, *present)) {
      return raft::RemoveMember{present->key()};
    }
  }
  return std::nullopt;
}

void Membership::OnRoleChange(const raft::RoleChange& change) {
  if (change.role == raft::Role::kLeader) return;
  for (Walk& walk : std::exchange(walks_, {})) {
    const bool finished = walk.step_index > LogIndex(0) &&
                          walk.step_index <= node_()->raft().commit_index() &&
                          !NextStep(walk.change);
    if (finished) {
      walk.change.done({});
    } else {
      walk.change.done(Fail(ErrorCode::kNotController, "leadership of the quorum was lost"));
    }
  }
}

}  // namespace weir::quorum
