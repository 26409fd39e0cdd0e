// SimServer: one simulated controller: the Raft core, obeyed as ready.h demands, a disk that can
// lose what was not fsynced, and a state machine that hashes what it applies.
//
// Laws:
//  1. It does what a Ready asks in the order ready.h gives, and nothing else.
//  2. Everything scheduled belongs to an incarnation; a crash or restart voids it.
// Thread rule: one thread.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/prng.h"
#include "controller/raft/raft.h"
#include "tests/sim/checkers.h"
#include "tests/sim/profile.h"
#include "tests/sim/scheduler.h"
#include "tests/sim/sim_disk.h"
#include "tests/sim/sim_network.h"

namespace weir::sim {

// The world around a server. All references outlive it.
struct Surroundings {
  Scheduler& scheduler;
  Prng& prng;
  SimNetwork& network;
  Checkers& checkers;
  const Profile& profile;
  uint64_t& trace_hash;
  std::ostream* trace = nullptr;  // null: quiet
};

class SimServer {
 public:
  SimServer(Surroundings around, NodeId id, Uuid directory_id);

  raft::VoterKey key() const { return {id_, directory_id_}; }
  raft::Member AsMember() const;
  bool running() const { return raft_.has_value(); }
  bool paused() const { return paused_; }
  // REQUIRES: running().
  raft::Raft& raft() { return *raft_; }
  const raft::Raft& raft() const { return *raft_; }
  const SimDisk& disk() const { return disk_; }
  uint64_t incarnation() const { return incarnation_; }
  int64_t ticks() const { return ticks_; }
  LogIndex state_index() const { return state_index_; }
  // Ticks of this server since it last heard from `peer`.
  int64_t TicksSinceHeard(const raft::VoterKey& peer) const;

  // Formats the disk as a member of a new cluster.
  void Format(const raft::Configuration& first);
  void Start();
  void Crash();
  // Crash, and all data is gone: it comes back under another directory id.
  void Wipe(Uuid directory_id);
  void Pause() { paused_ = running(); }
  void Resume();
  void SetDiskDelay(int64_t min_ms, int64_t max_ms);
  void LieFrom(LogIndex index);

  void Deliver(raft::Message message);
  void Propose(uint64_t value);
  void Read(uint64_t request_id);
  Status Change(const raft::MembershipChange& change);
  void Transfer(std::optional<NodeId> target);
  void TakeSnapshot();

  // Kept by the checkers, per incarnation.
  struct Seen {
    Term term;
    LogIndex commit;
    uint64_t generation = 0;
    LogIndex entries_through;
    std::optional<Term> led;  // the term it was last seen leading
    LogIndex led_through;     // the end of its log then
    raft::Configuration configuration;
    int64_t configuration_since_tick = 0;
  };
  Seen seen;

 private:
  void Schedule(int64_t delay_ms, Scheduler::Task task);
  void ScheduleTick();
  void Tick();
  void AfterEvent();
  void Drain();
  void Obey(raft::Ready ready);
  void Persist(raft::Ready& ready);
  void ScheduleFsync();
  void Apply(raft::Ready& ready);
  void StoreChunks(const std::vector<raft::SnapshotChunk>& chunks);
  void ReceiveWhole(const raft::SnapshotMeta& meta);
  void ServeChunks(const std::vector<raft::SnapshotRead>& reads);
  void SendAll(std::vector<raft::Message>& messages);
  void ApplyEntry(const raft::Entry& entry);
  void Note(const char* what, uint64_t detail);

  Surroundings around_;
  NodeId id_;
  Uuid directory_id_;
  SimDisk disk_;
  std::optional<raft::Raft> raft_;
  uint64_t incarnation_ = 0;
  bool paused_ = false;
  bool ready_gathers_ = false;
  std::deque<raft::Message> inbox_;  // while paused
  int64_t ticks_ = 0;
  std::map<raft::VoterKey, int64_t> heard_at_tick_;
  int64_t disk_ms_min_ = 0;
  int64_t disk_ms_max_ = 0;
  // The state machine.
  LogIndex state_index_;
  uint64_t state_hash_ = 0;
  // The snapshot that is arriving, and proposals that wait: index -> term.
  std::string incoming_bytes_;
  std::map<LogIndex, Term> parked_;
};

// The bytes of a snapshot, and the state hash in them; none when they are damaged.
std::string MakeSnapshotBytes(NodeId author, LogIndex index, uint64_t state_hash);
std::optional<uint64_t> StateHashIn(const std::string& bytes, LogIndex index);

}  // namespace weir::sim
