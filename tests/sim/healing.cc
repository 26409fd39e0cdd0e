// Healing: the faults end, and the cluster must come back by itself.
#include <ostream>

#include "tests/sim/world.h"

namespace weir::sim {
namespace {

constexpr int64_t kHealingMsMax = 20'000;
constexpr int64_t kStepMs = 50;

}  // namespace

void World::Heal() {
  faults_on_ = false;
  network_.HealAll();
  network_.faults = {};
  for (auto& [id, server] : servers_) {
    server->SetDiskDelay(0, 2);
    server->Resume();
    if (!server->running()) server->Start();
  }
}

SimServer* World::FreshestLeader() {
  SimServer* leader = nullptr;
  for (auto& [id, server] : servers_) {
    if (!server->running() || !server->raft().is_leader()) continue;
    if (leader == nullptr || server->raft().term() > leader->raft().term()) leader = server.get();
  }
  return leader;
}

bool World::Converged() const {
  const SimServer* leader = const_cast<World*>(this)->FreshestLeader();
  if (leader == nullptr) return false;
  const raft::Raft& raft = leader->raft();
  if (raft.commit_index() != raft.log().last_index()) return false;
  if (raft.log().last_term() != raft.term()) return false;
  for (const raft::Member& member : raft.configuration().members) {
    const SimServer& server = *servers_.at(member.id);
    if (server.key() != member.key() || !server.running()) continue;
    if (server.state_index() != raft.log().last_index()) return false;
  }
  return true;
}

void World::CheckHealing() {
  const int64_t end = scheduler_.now_ms() + kHealingMsMax;
  // Twice: first whatever is left from the faults, then new work on top of it.
  for (int round = 0; round < 2; ++round) {
    while (checkers_.ok() && !Converged() && scheduler_.now_ms() < end) RunFor(kStepMs);
    if (!checkers_.ok()) return;
    if (!Converged()) {
      checkers_.Fail("R-16 not converged after healing:\n" + DescribeAll());
      return;
    }
    if (round == 1) return;
    while (checkers_.ok() && !ProposeChange()) {
      RunFor(kStepMs);
      if (scheduler_.now_ms() < end) continue;
      checkers_.Fail("R-16 no membership change possible after healing:\n" + DescribeAll());
      return;
    }
  }
}

// New work for the second round. Refused while, for instance, leadership is being handed over.
bool World::ProposeChange() {
  SimServer* leader = FreshestLeader();
  if (leader == nullptr) return false;
  const raft::VoterKey key = leader->key();
  if (!leader->Change(raft::UpdateAddress{key, "healed:1"})) return false;
  leader->Propose(next_value_++);
  return true;
}

std::string World::DescribeAll() const {
  std::string text;
  for (const auto& [id, server] : servers_) {
    text += server->running() ? server->raft().Describe() : ToString(id) + " down";
    text += "\n";
  }
  return text;
}

}  // namespace weir::sim
