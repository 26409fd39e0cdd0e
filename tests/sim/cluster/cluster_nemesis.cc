// ClusterWorld's nemesis: what goes wrong, and when.
#include <algorithm>
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
      return ProduceAnywhere();
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
    case ClusterAction::kWipeBroker:
      return WipeBroker();
    case ClusterAction::kCreateTopic:
      if (checkers_.newest().FindTopic(kPassingTopic) == nullptr) CreateTopic(kPassingTopic);
      return;
    case ClusterAction::kDeleteTopic:
      if (checkers_.newest().FindTopic(kPassingTopic) != nullptr) DeleteTopic(kPassingTopic);
      return;
    case ClusterAction::kElectPreferred:
      return ElectPreferred();
    case ClusterAction::kReassign:
      return Reassign();
    case ClusterAction::kFailDisk:
      return FailDisk();
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

void ClusterWorld::FailDisk() {
  SimBroker& broker = AnyBroker();
  if (broker.running()) broker.FailDisk();
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

// Its disk is swapped for an empty one (F-39), where that leaves a good copy of everything (S-05):
// one disk at a time, that one as often as it comes, and only while somebody else is in sync. With
// min.insync.replicas=1 that one may leave the ISR before the loss is known, and nobody remembers
// that it had everything.
void ClusterWorld::WipeBroker() {
  if (profile_.min_insync_replicas < 2) return;
  SimBroker& broker = AnyBroker();
  for (const auto& [topic_id, topic] : checkers_.newest().topics()) {
    for (const auto& [index, partition] : topic.partitions) {
      const bool is_away = partition.replicas.Contains(wiped_) && !partition.isr.Contains(wiped_);
      if (is_away && wiped_ != broker.id()) return;
      const auto other = [&](NodeId id) { return id != broker.id(); };
      if (std::none_of(partition.isr.begin(), partition.isr.end(), other) &&
          std::none_of(partition.elr.begin(), partition.elr.end(), other)) {
        return;
      }
    }
  }
  if (wiped_ != kNoNode && wiped_ != broker.id() && !SeesItsNewDisk(wiped_)) return;
  wiped_ = broker.id();
  ++probes_.wipes;
  broker.Crash(Fall::kKill);
  broker.Wipe();
}

// Whether the controllers know of the disk that the broker has now.
bool ClusterWorld::SeesItsNewDisk(NodeId id) const {
  const metadata::Broker* broker = checkers_.newest().FindBroker(id);
  const std::vector<Uuid>& known = broker->directory_ids;
  return std::find(known.begin(), known.end(), brokers_.at(id)->directory_id()) != known.end();
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
