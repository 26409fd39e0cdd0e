// ClusterWorld's nemesis: what goes wrong, and when.
#include <numeric>

#include "tests/sim/cluster/cluster_world.h"

namespace weir::sim {

void ClusterWorld::ScheduleAction() {
  scheduler_.After(prng_.Between(1, 2 * profile_.action_every_ms), [this] {
    if (!faults_on_) return;
    const uint64_t sum =
        std::accumulate(profile_.weights.begin(), profile_.weights.end(), uint64_t{0});
    uint64_t drawn = prng_.Below(sum);
    size_t action = 0;
    while (drawn >= profile_.weights[action]) drawn -= profile_.weights[action++];
    Act(static_cast<ClusterAction>(action));
    ScheduleAction();
  });
}

void ClusterWorld::Act(ClusterAction action) {
  switch (action) {
    case ClusterAction::kProduce:
      return Produce(static_cast<int32_t>(prng_.Below(static_cast<uint64_t>(profile_.partitions))));
    case ClusterAction::kKillBroker:
      return Fell(AnyBroker(), Fall::kKill);
    case ClusterAction::kPowerCutBroker:
      return Fell(AnyBroker(), Fall::kPowerCut);
    case ClusterAction::kStopBroker: {
      SimBroker& broker = AnyBroker();
      if (broker.running() && !broker.paused()) broker.StopCleanly();
      return;
    }
    case ClusterAction::kStartBroker:
      return StartOneBroker();
    case ClusterAction::kKillController: {
      SimController* active = Active();
      if (active != nullptr && prng_.Chance(1, 2)) return active->Crash();
      return AnyController().Crash();
    }
    case ClusterAction::kStartController:
      return StartOneController();
    case ClusterAction::kPauseBroker: {
      SimBroker& broker = AnyBroker();
      if (broker.running()) broker.Pause();
      return;
    }
    case ClusterAction::kPauseController: {
      SimController& controller = AnyController();
      if (controller.running()) controller.Pause();
      return;
    }
    case ClusterAction::kResume:
      return ResumeAll();
    case ClusterAction::kPartition:
      return Partition();
    case ClusterAction::kIsolateBroker:
      return IsolateBroker();
    case ClusterAction::kOneWayCut:
      return CutOneWay();
    case ClusterAction::kHeal:
      return network_.HealAll();
    case ClusterAction::kBreakConnection:
      return network_.BreakOne();
    case ClusterAction::kSlowDisk:
      return SlowDisk();
    case ClusterAction::kTransfer: {
      SimController* active = Active();
      if (active != nullptr) active->TransferLeadership();
      return;
    }
    case ClusterAction::kSnapshot:
      return AnyController().TakeSnapshot();
    case ClusterAction::kPowerCutAll:
      return PowerCutAll();
  }
}

SimBroker& ClusterWorld::AnyBroker() {
  return *brokers_.at(NodeId(static_cast<int32_t>(prng_.Between(1, kBrokers))));
}
SimController& ClusterWorld::AnyController() {
  return *controllers_.at(NodeId(static_cast<int32_t>(prng_.Between(1, kControllers))));
}

void ClusterWorld::Fell(SimBroker& broker, Fall fall) {
  if (!broker.running()) return;
  ++(fall == Fall::kKill ? probes_.kills : probes_.power_cuts);
  broker.Crash(fall);
}

void ClusterWorld::StartOneBroker() {
  SimBroker& broker = AnyBroker();
  if (!broker.running()) broker.Start();
}

void ClusterWorld::StartOneController() {
  SimController& controller = AnyController();
  if (!controller.running()) controller.Start();
}

std::vector<Address> ClusterWorld::Nodes() const {
  std::vector<Address> nodes;
  for (const auto& [id, controller] : controllers_) nodes.push_back(controller->address());
  for (const auto& [id, broker] : brokers_) nodes.push_back(broker->address());
  return nodes;
}

// Two sides; each node falls to one of them.
void ClusterWorld::Partition() {
  network_.HealAll();
  std::vector<Address> one_side;
  std::vector<Address> other_side;
  for (const Address node : Nodes()) (prng_.Chance(1, 2) ? one_side : other_side).push_back(node);
  for (const Address a : one_side) {
    for (const Address b : other_side) {
      network_.Cut(a, b);
      network_.Cut(b, a);
    }
  }
}

// From the controllers, from the other brokers, or from both (F-06, F-11); clients still reach it.
void ClusterWorld::IsolateBroker() {
  const Address lonely = AnyBroker().address();
  const bool from_controllers = prng_.Chance(2, 3);
  const bool from_brokers = !from_controllers || prng_.Chance(1, 2);
  for (const Address node : Nodes()) {
    const bool controller = node.kind == Address::Kind::kController;
    if (node == lonely || !(controller ? from_controllers : from_brokers)) continue;
    network_.Cut(node, lonely);
    network_.Cut(lonely, node);
  }
}

void ClusterWorld::CutOneWay() {
  const std::vector<Address> nodes = Nodes();
  const Address from = nodes[prng_.Below(nodes.size())];
  const Address to = nodes[prng_.Below(nodes.size())];
  if (from != to) network_.Cut(from, to);
}

void ClusterWorld::SlowDisk() {
  const SimExecutor::Delay delay = prng_.Chance(1, 2) ? profile_.slow_disk : profile_.disk;
  if (prng_.Chance(1, 3)) {
    AnyController().SetDiskDelay(delay);
  } else {
    AnyBroker().SetDiskDelay(delay);
  }
}

// All brokers lose power at once: only what was synced comes back (I-19).
void ClusterWorld::PowerCutAll() {
  for (auto& [id, broker] : brokers_) Fell(*broker, Fall::kPowerCut);
}

void ClusterWorld::ResumeAll() {
  for (auto& [id, controller] : controllers_) {
    if (controller->running() && controller->paused()) controller->Resume();
  }
  for (auto& [id, broker] : brokers_) {
    if (broker->paused()) broker->Resume();
  }
}

}  // namespace weir::sim
