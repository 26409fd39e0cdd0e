// World: construction and the run. The nemesis, the workload and the healing have files of their
// own.
#include "tests/sim/world.h"

#include <utility>

#include "common/base/check.h"

namespace weir::sim {

World::World(uint64_t seed, Profile profile, std::ostream* trace)
    : prng_(seed),
      profile_(std::move(profile)),
      checkers_(servers_),
      network_(scheduler_, prng_,
               [this](raft::Message message) {
                 const auto to = servers_.find(raft::HeaderOf(message).to.id);
                 if (to != servers_.end()) to->second->Deliver(std::move(message));
               }),
      trace_(trace) {
  network_.faults = profile_.network;
  profile_.raft.cluster_id = NewDirectory();
  raft::Configuration first;
  for (int32_t i = 1; i <= profile_.voters + profile_.spares; ++i) {
    AddServer(NodeId(i));
    if (i <= profile_.voters) first.members.push_back(servers_.at(NodeId(i))->AsMember());
  }
  for (const raft::Member& member : first.members) servers_.at(member.id)->Format(first);
}

void World::AddServer(NodeId id) {
  const Surroundings around{scheduler_, prng_, network_, checkers_, profile_, trace_hash_, trace_};
  servers_.emplace(id, std::make_unique<SimServer>(around, id, NewDirectory()));
}

Uuid World::NewDirectory() { return Uuid::Random(prng_); }

void World::RunFor(int64_t ms) {
  const int64_t end = scheduler_.now_ms() + ms;
  while (checkers_.ok() && scheduler_.now_ms() < end && scheduler_.RunOne()) {
  }
}

void World::StartAll() {
  for (auto& [id, server] : servers_) server->Start();
}

bool World::RunUntil(const std::function<bool()>& condition, int64_t ms_max) {
  const int64_t end = scheduler_.now_ms() + ms_max;
  while (checkers_.ok() && !condition()) {
    if (scheduler_.now_ms() >= end || !scheduler_.RunOne()) return false;
  }
  return checkers_.ok();
}

RunResult World::Run() {
  StartAll();
  ScheduleAction();
  RunFor(profile_.faults_ms);
  if (checkers_.ok() && check_liveness_) {
    Heal();
    CheckHealing();
  }
  checkers_.AtEnd();
  RunResult result;
  result.violation = checkers_.violation();
  result.trace_hash = trace_hash_;
  result.events = scheduler_.events_run();
  result.elections = checkers_.elections();
  result.committed = checkers_.committed_through().value();
  result.membership_changes = changes_;
  result.counts = checkers_.counts();
  return result;
}

SimServer& World::Any() {
  auto at = servers_.begin();
  std::advance(at, prng_.Below(servers_.size()));
  return *at->second;
}

SimServer* World::AnyRunning() {
  SimServer& server = Any();
  return server.running() && !server.paused() ? &server : nullptr;
}

// One that believes to be leader; there may be several.
SimServer* World::AnyLeader() {
  std::vector<SimServer*> leaders;
  for (auto& [id, server] : servers_) {
    if (server->running() && !server->paused() && server->raft().is_leader()) {
      leaders.push_back(server.get());
    }
  }
  return leaders.empty() ? nullptr : leaders[prng_.Below(leaders.size())];
}

}  // namespace weir::sim
