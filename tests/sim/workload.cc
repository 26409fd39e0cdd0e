// The workload: proposals, reads, leadership transfers and membership changes, sent to whoever may
// answer.
#include "controller/raft/quorum.h"
#include "tests/sim/world.h"

namespace weir::sim {

void World::ProposeSome() {
  SimServer* leader = AnyLeader();
  if (leader == nullptr) return;
  const uint64_t count = 1 + prng_.Below(5);
  for (uint64_t i = 0; i < count && leader->running(); ++i) leader->Propose(next_value_++);
}

void World::ReadSomewhere() {
  if (SimServer* leader = AnyLeader()) leader->Read(next_request_++);
}

void World::TransferSomewhere() {
  SimServer* leader = AnyLeader();
  if (leader == nullptr) return;
  const NodeId target = Any().key().id;
  leader->Transfer(prng_.Chance(1, 3) ? std::nullopt : std::optional(target));
}

// Whether the voters of `configuration` whose disks are still theirs are a majority, `without` left
// out.
bool World::KeepsMajority(const raft::Configuration& configuration, NodeId without) const {
  size_t alive = 0;
  for (const raft::Member& member : configuration.members) {
    if (!member.is_voter || member.id == without) continue;
    const auto server = servers_.find(member.id);
    if (server != servers_.end() && server->second->key() == member.key()) ++alive;
  }
  return alive >= raft::MajorityOf(configuration.voter_count());
}

std::optional<raft::MembershipChange> World::ChooseChange(Action action, const raft::Raft& leader) {
  const raft::Configuration& now = leader.configuration();
  const SimServer& server = Any();
  const raft::Member* member = now.Find(server.key().id);
  if (action == Action::kAddLearner) return raft::AddLearner{server.AsMember()};
  if (member == nullptr) return std::nullopt;
  if (action == Action::kUpdateAddress) {
    return raft::UpdateAddress{member->key(), "moved-" + std::to_string(next_value_++) + ":1"};
  }
  // A careful operator looks first whether the cluster would survive the change.
  raft::Configuration after = now;
  if (action == Action::kPromote) {
    for (raft::Member& m : after.members) m.is_voter = m.is_voter || m.id == member->id;
  } else {
    std::erase_if(after.members, [&](const raft::Member& m) { return m.id == member->id; });
  }
  if (after.voter_count() == 0 || !KeepsMajority(after, kNoNode)) return std::nullopt;
  if (action == Action::kPromote) return raft::PromoteLearner{member->key()};
  return raft::RemoveMember{member->key()};
}

void World::ChangeMembership(Action action) {
  SimServer* leader = AnyLeader();
  if (leader == nullptr) return;
  const auto change = ChooseChange(action, leader->raft());
  if (change && leader->Change(*change)) ++changes_;
}

}  // namespace weir::sim
