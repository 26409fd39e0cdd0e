// Membership: the administrator's changes of the quorum, each a walk of several Raft steps: a voter
// is added as a learner, promoted when it has caught up, and only then the one it replaces is
// removed.
//
// Every step is proposed when Raft would take it and awaited until it is committed; every change is
// idempotent: a caller that lost its answer asks again, and the walk goes on where it was.
//
// Laws:
//  1. One step at a time; what Raft refuses for now is tried again until the deadline.
//  2. On lost leadership a change fails with NOT_CONTROLLER, except when losing it was the last
//     step.
// Thread rule: loop thread.
#pragma once

#include <functional>
#include <list>
#include <optional>
#include <string>

#include "controller/quorum/metadata_machine.h"

namespace weir::quorum {

// What is wanted.
struct VoterChange {
  // Shall be a voter.
  std::optional<raft::Member> add;
  // Shall not be a member (once `add` is in). The directory id may be zero: whichever it has.
  std::optional<raft::VoterKey> remove;
  MonoTime deadline;
  // Errors: kNotController, kRequestTimedOut, and the core's (raft/raft.h) where waiting does not
  // help.
  std::function<void(Status)> done;
};

class Membership : public MetadataListener {
 public:
  Membership(Executor& loop, std::function<RaftNode*()> node)
      : loop_(loop), node_(std::move(node)) {}

  void Start(VoterChange change);
  // Whether Start would get past its first step, now or by waiting; nothing is changed and `done`
  // is not called. Errors: those of VoterChange::done.
  Status Check(const VoterChange& change) const;

  void OnRoleChange(const raft::RoleChange& change) override;
  void OnCommitted(const std::vector<raft::Entry>&) override { Continue(); }
  void OnTick() override { Continue(); }
  bool Waits() const override { return !walks_.empty(); }

 private:
  struct Walk {
    VoterChange change;
    LogIndex step_index;  // of the step being committed; 0: none
    Error last_refusal{ErrorCode::kNone, {}};
  };

  void Continue();
  // Whether the walk has ended; `done` was called then.
  bool Advance(Walk& walk);
  std::optional<raft::MembershipChange> NextStep(const VoterChange& change) const;

  Executor& loop_;
  const std::function<RaftNode*()> node_;
  std::list<Walk> walks_;
};

}  // namespace weir::quorum
