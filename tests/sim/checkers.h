// Checkers: what must be true of the simulated cluster after every event (RELIABILITY R-01..R-16).
// They look at the servers from outside and keep a history of their own: nothing in the core can
// talk them out of it.
//
// Laws:
//  1. The first violation is kept, with its requirement number; the run ends there.
//  2. Looking changes nothing: a run with and without checkers has the same trace.
// Thread rule: one thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "controller/raft/raft.h"
#include "tests/sim/sim_disk.h"

namespace weir::sim {

class SimServer;

// Mixes a word into a hash; the order of words matters.
uint64_t MixHash(uint64_t hash, uint64_t word);
uint64_t HashText(std::string_view text);
// An entry by content: term, index, type and payload.
uint64_t HashEntry(const raft::Entry& entry);

class Checkers {
 public:
  using Servers = std::map<NodeId, std::unique_ptr<SimServer>>;
  explicit Checkers(const Servers& servers) : servers_(servers) {}

  bool ok() const { return violation_.empty(); }
  const std::string& violation() const { return violation_; }
  void Fail(std::string violation);

  // After anything happened to this server.
  void AfterEvent(SimServer& server);
  // A message is about to leave.
  void OnSend(const SimServer& from, const raft::Message& message);
  // The server applies an entry; `state_hash` is its state after it.
  void OnApply(const SimServer& server, const raft::Entry& entry, uint64_t state_hash);
  // It replaces its state by a snapshot.
  void OnInstall(const SimServer& server, const raft::SnapshotMeta& meta, uint64_t state_hash);
  // A proposal was answered with success.
  void OnAcked(LogIndex index, Term term) { acked_.emplace_back(index, term); }
  void OnReadBegun(uint64_t request_id) { reads_[request_id] = committed_through(); }
  void OnReadServed(uint64_t request_id, LogIndex index);
  // What a wiped server had on disk was once held: its acknowledgements may still be under way.
  void OnWipe(const raft::VoterKey& key, const SimDisk& disk) { wiped_[key] = disk; }
  // The run is over.
  void AtEnd();

  // The highest index that any server has ever known to be committed.
  LogIndex committed_through() const { return LogIndex(committed_.size()); }
  // What happened, so that a run can show that it was worth something (F-49).
  struct Counts {
    uint64_t snapshots_installed = 0;
    uint64_t snapshot_restarts = 0;
    uint64_t reads_served = 0;
    uint64_t timeout_now_sent = 0;
    uint64_t appends_refused = 0;
  };
  const Counts& counts() const { return counts_; }
  uint64_t elections() const { return leaders_.size(); }
  // Whether the two checks of the outbox (is what is promised on disk?) are on. Off, only the
  // consequences of a broken promise count.
  bool check_outbox = true;
  // False once a disk has lost what it had synced. From then on entries may be lost; what is still
  // demanded is that no running server takes anything back that it has committed or applied.
  bool disks_are_honest = true;

 private:
  struct Committed {
    Term term;
    // The term of the server that first knew; it was committed in this term or before.
    Term known_in;
    uint64_t entry_hash = 0;
    uint64_t state_hash = 0;
  };

  void CheckTerm(SimServer& server);
  void CheckLeader(SimServer& server);
  void CheckMajorityIsHeard(SimServer& leader);
  void CheckNewEntries(SimServer& server);
  void CheckCommit(SimServer& server);
  void CheckConfiguration(const SimServer& server);
  void CheckHasAllCommitted(const SimServer& leader);
  void CheckMajorityHolds(const SimServer& leader);
  bool Held(const raft::VoterKey& key, Term term, LogIndex index) const;
  void NoteCommitted(const SimServer& server, const raft::Entry& entry);
  void Count(const raft::Message& message);
  void CheckOneVote(const SimServer& from, Term term, const raft::VoterKey& candidate);

  const Servers& servers_;
  Counts counts_;
  std::string violation_;
  std::map<Term, raft::VoterKey> leaders_;
  // The server that got a voter's vote of a term.
  std::map<std::pair<raft::VoterKey, Term>, raft::VoterKey> votes_;
  // (index, term) -> content and the term before it: the induction step of Log Matching.
  std::map<std::pair<LogIndex, Term>, std::pair<uint64_t, Term>> entries_;
  std::vector<Committed> committed_;  // at [i]: index i + 1
  std::vector<std::pair<LogIndex, Term>> acked_;
  std::map<uint64_t, LogIndex> reads_;
  std::map<raft::VoterKey, SimDisk> wiped_;
};

}  // namespace weir::sim
