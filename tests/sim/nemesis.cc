// The nemesis: what goes wrong, and when. It keeps to what Raft promises to survive: a majority of
// the voters of every configuration in use keeps its disks.
#include <numeric>

#include "tests/sim/world.h"

namespace weir::sim {

void World::ScheduleAction() {
  scheduler_.After(prng_.Between(1, 2 * profile_.action_every_ms), [this] {
    if (!faults_on_) return;
    const uint64_t sum =
        std::accumulate(profile_.weights.begin(), profile_.weights.end(), uint64_t{0});
    uint64_t drawn = prng_.Below(sum);
    size_t action = 0;
    while (drawn >= profile_.weights[action]) drawn -= profile_.weights[action++];
    Act(static_cast<Action>(action));
    ScheduleAction();
  });
}

void World::Act(Action action) {
  switch (action) {
    case Action::kPropose:
      return ProposeSome();
    case Action::kRead:
      return ReadSomewhere();
    case Action::kSnapshot:
      return Any().TakeSnapshot();
    case Action::kTransfer:
      return TransferSomewhere();
    case Action::kAddLearner:
    case Action::kPromote:
    case Action::kRemove:
    case Action::kUpdateAddress:
      return ChangeMembership(action);
    case Action::kCrash:
      return CrashOne();
    case Action::kRestart:
      return RestartOne();
    case Action::kPause:
      return Any().Pause();
    case Action::kResume:
      return Any().Resume();
    case Action::kPartition:
      return Partition();
    case Action::kOneWayCut:
      return CutOneWay();
    case Action::kHeal:
      return network_.HealAll();
    case Action::kSlowDisk:
      return SlowDisk();
    case Action::kWipe:
      return WipeOne();
    case Action::kCorrupt:
      return CorruptOne();
    case Action::kLie:
      return LieOne();
  }
}

// The leader falls more often than its share: that is where the interesting state is.
void World::CrashOne() {
  SimServer* leader = AnyLeader();
  if (leader != nullptr && prng_.Chance(1, 2)) {
    leader->Crash();
  } else {
    Any().Crash();
  }
}

void World::RestartOne() {
  SimServer& server = Any();
  if (!server.running()) server.Start();
}

// Two sides; each server falls to one of them.
void World::Partition() {
  network_.HealAll();
  std::vector<NodeId> one_side;
  std::vector<NodeId> other_side;
  for (const auto& [id, server] : servers_) {
    (prng_.Chance(1, 2) ? one_side : other_side).push_back(id);
  }
  for (const NodeId a : one_side) {
    for (const NodeId b : other_side) {
      network_.Cut(a, b);
      network_.Cut(b, a);
    }
  }
}

void World::CutOneWay() {
  const NodeId from = Any().key().id;
  const NodeId to = Any().key().id;
  if (from != to) network_.Cut(from, to);
}

void World::SlowDisk() {
  SimServer& server = Any();
  if (prng_.Chance(1, 2)) {
    server.SetDiskDelay(0, profile_.slow_disk_ms);
  } else {
    server.SetDiskDelay(profile_.disk_ms_min, profile_.disk_ms_max);
  }
}

// Whether every configuration in use would keep its majority if this server lost its disk: those in
// effect, and those that come back when a server falls before its last writes are done.
bool World::MayLoseDisk(const SimServer& server) const {
  for (const auto& [id, other] : servers_) {
    if (!other->running()) return false;  // what it would say about members is not known
    for (const raft::Configuration& configuration :
         {other->raft().configuration(), other->disk().configuration()}) {
      if (configuration.members.empty()) continue;
      if (!KeepsMajority(configuration, server.key().id)) return false;
    }
  }
  return true;
}

void World::WipeOne() {
  SimServer& server = Any();
  if (MayLoseDisk(server)) server.Wipe(NewDirectory());
}

// Bits rot in the middle of a log. The server sees it at its next start and stays out, until the
// operator gives it an empty disk.
void World::CorruptOne() {
  SimServer& server = Any();
  const LogIndex last = server.disk().last_index();
  if (!MayLoseDisk(server) || last <= server.disk().snapshot().last_index) return;
  if (!profile_.corrupt_middle_is_cut_for_test) return server.Wipe(NewDirectory());
  const uint64_t entries = last - server.disk().snapshot().last_index;
  server.LieFrom(server.disk().snapshot().last_index + 1 + prng_.Below(entries));
  server.Start();
}

// Beyond what Raft survives: synced entries are gone after a crash.
void World::LieOne() {
  SimServer& server = Any();
  if (!server.running()) return;
  const LogIndex commit = server.raft().commit_index();
  if (commit <= server.raft().snapshot().last_index + 1) return;
  checkers_.disks_are_honest = false;
  server.LieFrom(commit - prng_.Below(2));
}

}  // namespace weir::sim
