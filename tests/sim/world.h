// World: one to eight simulated controllers, a nemesis and a workload, in one thread from one seed.
//
// A run has two phases: faults (the nemesis works, safety is checked after every event), then
// healing (no more faults; within a bounded time there must be a leader, everything must be
// committed everywhere, and a membership change must go through: R-16).
// Laws: same seed and same code, same trace hash; the run stops at the first violation.
// Thread rule: one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/base/prng.h"
#include "tests/sim/checkers.h"
#include "tests/sim/profile.h"
#include "tests/sim/scheduler.h"
#include "tests/sim/sim_network.h"
#include "tests/sim/sim_server.h"

namespace weir::sim {

struct RunResult {
  std::string violation;  // empty: all is well
  uint64_t trace_hash = 0;
  uint64_t events = 0;
  uint64_t elections = 0;
  uint64_t committed = 0;
  uint64_t membership_changes = 0;
  Checkers::Counts counts;
};

class World {
 public:
  World(uint64_t seed, Profile profile, std::ostream* trace = nullptr);

  // Off: only the consequences of a broken promise count, not the broken promise (checkers.h).
  void CheckOutbox(bool on) { checkers_.check_outbox = on; }
  void CheckLiveness(bool on) { check_liveness_ = on; }
  RunResult Run();

  // ---- scripted worlds: the test is the nemesis ---------------------------------------

  void StartAll();
  // Runs until `condition` holds. False: it took longer than `ms_max`, or something was violated.
  bool RunUntil(const std::function<bool()>& condition, int64_t ms_max = 10'000);
  void RunFor(int64_t ms);
  SimServer& server(int32_t id) { return *servers_.at(NodeId(id)); }
  SimNetwork& network() { return network_; }
  int64_t now_ms() const { return scheduler_.now_ms(); }
  const std::string& violation() const { return checkers_.violation(); }
  // The leader of the highest term; older ones do not know yet. Null: nobody leads.
  SimServer* FreshestLeader();
  // Every member that still has its disk and runs has applied everything the leader has.
  bool Converged() const;
  void WipeForTest(int32_t id) { server(id).Wipe(NewDirectory()); }
  uint64_t NextValue() { return next_value_++; }
  std::string DescribeAll() const;

 private:
  void AddServer(NodeId id);
  Uuid NewDirectory();

  // nemesis.cc
  void ScheduleAction();
  void Act(Action action);
  void CrashOne();
  void RestartOne();
  void Partition();
  void CutOneWay();
  void SlowDisk();
  bool MayLoseDisk(const SimServer& server) const;
  void WipeOne();
  void CorruptOne();
  void LieOne();

  // workload.cc
  void ProposeSome();
  void ReadSomewhere();
  void TransferSomewhere();
  void ChangeMembership(Action action);
  std::optional<raft::MembershipChange> ChooseChange(Action action, const raft::Raft& leader);
  bool KeepsMajority(const raft::Configuration& configuration, NodeId without) const;

  // healing.cc
  void Heal();
  void CheckHealing();
  bool ProposeChange();
  SimServer& Any();
  SimServer* AnyRunning();
  SimServer* AnyLeader();

  Prng prng_;
  Profile profile_;
  Scheduler scheduler_;
  std::map<NodeId, std::unique_ptr<SimServer>> servers_;
  Checkers checkers_;
  SimNetwork network_;
  uint64_t trace_hash_ = 0;
  std::ostream* trace_;
  bool faults_on_ = true;
  bool check_liveness_ = true;
  uint64_t next_value_ = 1;
  uint64_t next_request_ = 1;
  uint64_t changes_ = 0;
};

}  // namespace weir::sim
