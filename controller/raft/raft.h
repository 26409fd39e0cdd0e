// Raft: the consensus core as a value (DESIGN D1). Events go in through Step, Tick, Propose and the
// completion calls; everything to be done comes out through one Ready (ready.h states the node's
// duties).
//
// Laws:
//  1. No IO, clock, thread or randomness of its own: same calls, same seed, same outputs.
//  2. A vote or an acknowledgement leaves only in `send_after_persist` (thesis section 3.8; R-14,
//
//  3. A committed entry is never removed or changed; if a message demands it the core halts.
//  4. The configuration in effect is the latest in the log, committed or not (thesis section 4.1).
//
// Roles, and what moves a server between them:
//   follower      -> pre-candidate  no leader heard for the election timeout, and it is a voter
//   pre-candidate -> candidate      a majority would vote for it (no term has changed until here)
//   candidate     -> leader         a majority of durable votes in its term, its own included
//   follower      -> candidate      TimeoutNow from the leader (leadership transfer)
//   any           -> follower       a higher term; a leader of its term; a majority of refusals
//   leader        -> follower       check-quorum failed, or its own removal is committed
//
// Ticks are 10 ms. After a stall the node gives at most one tick between two looks at its inbox and
// forgets the ticks it missed, so that a paused process does not depose a healthy leader.
// Thread rule: one owner; not thread safe.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/base/prng.h"
#include "common/base/result.h"
#include "controller/raft/config.h"
#include "controller/raft/configuration_history.h"
#include "controller/raft/log.h"
#include "controller/raft/messages.h"
#include "controller/raft/progress.h"
#include "controller/raft/read_index.h"
#include "controller/raft/ready.h"
#include "controller/raft/types.h"

namespace weir::raft {

// What a server finds on its disk when it starts.
struct RestoredState {
  HardState hard_state;
  // The newest complete snapshot. A server formatted for a new cluster has one at index 0 that
  // carries the first voters; a server that is to join has a default one: no configuration.
  SnapshotMeta snapshot;
  // Contiguous; may begin before the snapshot's end (the tail that was kept) but not after
  // last_index + 1.
  std::vector<Entry> entries;
  // A commit index somebody wrote down, without promise that the entries it speaks of are on
  // this disk. Never used; the simulator offers it as a temptation.
  LogIndex recorded_commit_for_test;
};

// One server at a time (thesis section 4.1). A server joins as a learner, is promoted when it has
// caught up, and may be removed at any time. Replace = add + promote + remove: see NextReplaceStep.
struct AddLearner {
  Member member;  // is_voter is ignored
};
struct PromoteLearner {
  VoterKey key;
};
struct RemoveMember {
  VoterKey key;
};
struct UpdateAddress {
  VoterKey key;
  std::string address;
};
using MembershipChange = std::variant<AddLearner, PromoteLearner, RemoveMember, UpdateAddress>;

// The next change on the way from `from` being a voter to `to` being one; none when done. `to`
// under the same node id (a wiped disk) is added only after `from` is removed: an id names one
// member at a time.
std::optional<MembershipChange> NextReplaceStep(const Configuration& configuration,
                                                const VoterKey& from, const Member& to);

// A follower or learner as the leader sees it; for DescribeQuorum and lag metrics.
struct PeerStatus {
  VoterKey key;
  bool is_voter = false;
  LogIndex match_index;
  LogIndex next_index;
  ProgressState state = ProgressState::kProbe;
  bool recently_active = false;
};

class Raft {
 public:
  // Errors: kCorruptMessage when the parts do not belong together: entries with gaps or falling
  // terms, a log that begins after the snapshot's end, or a log newer than the hard state, which
  // means that the vote file was lost and a second vote in one term is possible.
  static Status Validate(const Config& config, const RestoredState& restored);

  // REQUIRES: Validate(config, restored). Starts as follower. `seed` feeds the election timeouts.
  Raft(Config config, RestoredState restored, uint64_t seed);

  // ---- events -------------------------------------------------------------------------

  // A message from the network. Errors (nothing was changed): kInconsistentClusterId, or
  // kInvalidVoterKey when it is for another directory id or from a server that cannot be who it
  // says.
  Status Step(Message message);
  // 10 ms have passed.
  void Tick();
  // The leader's connection broke and did not come back: the silence that allows an election is
  // taken as passed. What is left of the timeout is at most half the range it is drawn from: it
  // only has to keep votes from splitting (thesis section 9.3).
  void LeaderLost();
  // How many ticks from now the next one that may do more than count lies; at least 1. Transfers,
  // snapshots and leaving the quorum, which are rare, are not looked at.
  int32_t TicksUntilDue() const;
  // Appends a payload to the leader's log; it is committed when it comes out in Ready::committed at
  // this index with the term of this call. Errors: kNotController (not leader, or handing over),
  // kThrottlingQuotaExceeded (uncommitted_bytes_max).
  Result<LogIndex> Propose(std::shared_ptr<const std::string> payload);
  // Errors: kNotController; kRequestTimedOut when another change is not yet committed or the
  // leader's own start is not (try again, KIP-853); kDuplicateVoter, kVoterNotFound,
  // kInvalidVoterKey (directory id differs), kIneligibleReplica (the learner has not caught up),
  // kInvalidRequest (removal of the last voter).
  Result<LogIndex> ProposeMembershipChange(const MembershipChange& change);
  // Whether ProposeMembershipChange would take it now. Errors: the same.
  Status CheckMembershipChange(const MembershipChange& change) const;
  // Hands leadership to `target`, or to the voter that is furthest ahead. Proposals are refused
  // until it is done or an election timeout has passed; the outcome shows in Ready::role_change.
  // Errors: kNotController, kVoterNotFound, kInvalidRequest (target is the leader itself),
  // kReassignmentInProgress (another transfer is going on).
  Status TransferLeadership(std::optional<NodeId> target);
  // The voter that TransferLeadership would hand over to now. Errors: the same.
  Result<VoterKey> CheckTransfer(std::optional<NodeId> target) const;
  // Asks for a linearizable read; answered by a ReadState with this id, or by a role_change if
  // leadership is lost. Errors: kNotController; kLeaderNotAvailable until this leader's start is
  // committed.
  Status ReadIndex(uint64_t request_id);

  // ---- outputs ------------------------------------------------------------------------

  bool HasReady() const;
  Ready TakeReady();

  // ---- completions --------------------------------------------------------------------

  // The Ready that carried this ack, and all before it, are durable. In order.
  void Persisted(const PersistAck& ack);
  // A write or fsync failed: this server leaves the quorum until it is restarted.
  void StorageFailed(const std::string& reason);
  // The chunk of this snapshot that ends at next_offset is stored (it was not the last one).
  void SnapshotChunkStored(const SnapshotMeta& meta, uint64_t next_offset);
  // All chunks are stored, checked and durable.
  void SnapshotReceived(const SnapshotMeta& meta);
  // The snapshot does not check, or could not be stored: the leader begins again.
  void SnapshotRejected(const SnapshotMeta& meta);
  // A SnapshotRead could not be served: the leader begins again with its current snapshot.
  void SnapshotReadFailed(const SnapshotRead& read);
  // What a snapshot of the state at `applied` must carry. REQUIRES: base <= applied <=
  // applied_index().
  SnapshotMeta SnapshotMetaAt(LogIndex applied) const;
  // Such a snapshot is durable. Returns the first log index that is still needed: the node may
  // delete every entry before it from disk.
  LogIndex SnapshotTaken(const SnapshotMeta& meta);

  // ---- what it is ---------------------------------------------------------------------

  const Config& config() const { return config_; }
  Role role() const { return role_; }
  Term term() const { return term_; }
  std::optional<VoterKey> vote() const { return vote_; }
  const std::optional<VoterKey>& leader() const { return leader_; }
  bool is_leader() const { return role_ == Role::kLeader; }
  bool halted() const { return halted_; }
  LogIndex commit_index() const { return commit_; }
  // The last entry handed out in Ready::committed, or covered by an installed snapshot.
  LogIndex applied_index() const { return applied_; }
  const RaftLog& log() const { return log_; }
  const SnapshotMeta& snapshot() const { return snapshot_; }
  // In effect, committed or not.
  const Configuration& configuration() const { return configurations_.latest(); }
  bool is_voter() const { return configuration().IsVoter(config_.self); }
  // Leader only; empty otherwise. Ordered by key.
  std::vector<PeerStatus> Peers() const;
  // One line of state, then on a leader one line per peer.
  std::string Describe() const;

 private:
  struct IncomingSnapshot {
    SnapshotMeta meta;
    VoterKey from;
    uint64_t handed_offset = 0;  // given to the node up to here
    uint64_t stored_offset = 0;  // and stored up to here
    bool complete = false;       // the last chunk was given to the node
  };
  struct Transfer {
    VoterKey target;
    int32_t ticks = 0;
    bool timeout_now_sent = false;
  };

  // raft.cc: construction, Ready.
  MessageHeader HeaderTo(const VoterKey& to) const;
  void SendNow(Message message);
  void SendAfterPersist(Message message);
  bool SoftStateChanged() const;
  void TakeReplication();

  // dispatch.cc: what every message goes through before its handler.
  Status CheckIdentity(const MessageHeader& header) const;
  void ObserveTerm(const Message& message);
  bool AnswerStaleTerm(const Message& message);
  bool KnownSender(const VoterKey& key) const;
  void Handle(const PreVoteRequest& request);
  void Handle(const PreVoteResponse& response);
  void Handle(const VoteRequest& request);
  void Handle(const VoteResponse& response);
  void Handle(const AppendRequest& request);
  void Handle(const AppendResponse& response);
  void Handle(const HeartbeatRequest& request);
  void Handle(const HeartbeatResponse& response);
  void Handle(const SnapshotRequest& request);
  void Handle(const SnapshotResponse& response);
  void Handle(const TimeoutNow& request);

  // election.cc
  void BecomeFollower(Term term, std::optional<VoterKey> leader);
  void BecomePreCandidate();
  void BecomeCandidate(bool leadership_transfer);
  void BecomeLeader();
  void CountVotes();
  void RestartElectionTimer();
  void TickFollower();
  void TickLeader();
  bool HearsLeader() const;
  bool MayCampaign() const;
  bool LogIsUpToDate(Term last_term, LogIndex last_index) const;
  bool QuorumIsActive() const;
  bool FollowLeader(const VoterKey& leader);

  // replication.cc
  void AppendOwn(EntryType type, std::shared_ptr<const std::string> payload);
  bool AppendFromLeader(const AppendRequest& request);
  void RefuseAppend(const AppendRequest& request);
  bool WantsAppend(const Progress& progress) const;
  void SendAppend(const VoterKey& to, Progress& progress);
  void BroadcastHeartbeat();
  void SendHeartbeat(const VoterKey& to, const Progress& progress);
  void AdvanceCommit();
  void CommitThrough(LogIndex index);

  // snapshots.cc
  void StartSnapshot(const VoterKey& to, Progress& progress);
  void ReadSnapshotChunk(const VoterKey& to, Progress& progress);
  void TickSnapshot(const VoterKey& to, Progress& progress);
  void AnswerSnapshot(uint64_t next_offset, bool restart);
  void InstallSnapshot(const SnapshotMeta& meta, const VoterKey& from);

  // membership.cc
  Status CheckMayChange() const;
  Result<Configuration> ChangedConfiguration(const MembershipChange& change) const;
  Result<Configuration> WithLearner(const AddLearner& change) const;
  Result<Configuration> WithPromotion(const PromoteLearner& change) const;
  Result<Configuration> WithoutMember(const RemoveMember& change) const;
  Result<Configuration> WithAddress(const UpdateAddress& change) const;
  void NoteConfiguration(const Entry& entry);
  void ConfigurationChanged();
  void TickLeaving();
  void ResignIfRemoved();

  // transfer.cc
  void TickTransfer();
  std::optional<VoterKey> FurthestAheadVoter() const;
  void ContinueTransfer();

  // read_index.cc
  void ConfirmReads();

  // invariants.cc
  void Halt(std::string reason);
  std::string BrokenInvariant() const;
  void CheckInvariants();

  Config config_;
  Prng prng_;

  // Persistent state and its log.
  Term term_;
  std::optional<VoterKey> vote_;
  bool hard_state_dirty_ = false;
  RaftLog log_;
  SnapshotMeta snapshot_;
  ConfigurationHistory configurations_;

  // Volatile state.
  Role role_ = Role::kFollower;
  std::optional<VoterKey> leader_;
  LogIndex commit_;
  LogIndex applied_;
  bool halted_ = false;
  int32_t election_elapsed_ = 0;
  int32_t election_timeout_ = 0;
  int32_t heartbeat_elapsed_ = 0;
  std::optional<IncomingSnapshot> incoming_;

  // Candidates only.
  std::map<VoterKey, bool> votes_;
  bool campaign_is_transfer_ = false;

  // Leader only.
  std::map<VoterKey, Progress> progress_;  // every other member, and members that are leaving
  LogIndex leader_start_;
  size_t uncommitted_bytes_ = 0;
  std::optional<Transfer> transfer_;
  ReadIndexQueue reads_;

  Ready out_;
  RoleChange told_;  // the last role_change handed out
};

}  // namespace weir::raft
