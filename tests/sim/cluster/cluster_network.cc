// ClusterNetwork: see cluster_network.h.
#include "tests/sim/cluster/cluster_network.h"

namespace weir::sim {
namespace {

// How often a sender tries to get through a cut link, and what a lost segment costs.
constexpr int64_t kRetransmitMs = 20;

}  // namespace

ClusterNetwork::~ClusterNetwork() {
  for (const auto& weak : connections_) {
    if (const ConnectionPtr connection = weak.lock()) connection->Forget();
  }
}

int64_t ClusterNetwork::DelayMs() {
  int64_t delay_ms = prng_.Between(faults.delay_ms_min, faults.delay_ms_max);
  if (prng_.Chance(faults.straggle_percent, 100)) delay_ms += prng_.Between(0, faults.straggle_ms);
  return delay_ms;
}

void ClusterNetwork::Datagram(Address from, Address to, std::function<void()> deliver) {
  if (prng_.Chance(faults.loss_percent, 100)) return;
  const int copies = prng_.Chance(faults.repeat_percent, 100) ? 2 : 1;
  for (int i = 0; i < copies; ++i) {
    scheduler_.After(DelayMs(), [this, from, to, deliver] {
      if (!IsCut(from, to)) deliver();
    });
  }
}

ConnectionPtr ClusterNetwork::Connect(Address dialer, Address listener) {
  std::erase_if(connections_, [](const auto& connection) { return connection.expired(); });
  auto connection = std::make_shared<Connection>(*this, dialer, listener);
  connections_.push_back(connection);
  return connection;
}

void ClusterNetwork::BreakAllOf(Address address) {
  // Telling one end may make new connections.
  const std::vector<std::weak_ptr<Connection>> all = connections_;
  for (const auto& weak : all) {
    const ConnectionPtr connection = weak.lock();
    if (connection != nullptr && connection->Touches(address)) connection->Break();
  }
}

void ClusterNetwork::BreakOne() {
  if (connections_.empty()) return;
  const ConnectionPtr connection = connections_[prng_.Below(connections_.size())].lock();
  if (connection != nullptr) connection->Break();
}

void Connection::Send(int from_side, std::function<void()> deliver) {
  if (broken_) return;
  on_way_[Index(from_side)].push_back(std::move(deliver));
  int64_t delay_ms = network_.DelayMs();
  if (network_.prng_.Chance(network_.faults.loss_percent, 100)) delay_ms += kRetransmitMs;
  network_.scheduler_.After(
      delay_ms, [self = shared_from_this(), from_side] { self->DeliverFront(from_side); });
}

void Connection::DeliverFront(int from_side) {
  if (broken_) return;
  if (network_.IsCut(ends_[Index(from_side)], ends_[Index(1 - from_side)])) {
    network_.scheduler_.After(
        kRetransmitMs, [self = shared_from_this(), from_side] { self->DeliverFront(from_side); });
    return;
  }
  auto& queue = on_way_[Index(from_side)];
  if (queue.empty()) return;
  const std::function<void()> deliver = std::move(queue.front());
  queue.pop_front();
  deliver();
}

void Connection::BreakFrom(int side) {
  told_[Index(side)] = nullptr;
  Break();
}

void Connection::Break() {
  if (broken_) return;
  broken_ = true;
  for (auto& queue : on_way_) queue.clear();
  Tell(0);
  Tell(1);
}

void Connection::Forget() {
  broken_ = true;
  const auto on_way = std::exchange(on_way_, {});
  const auto told = std::exchange(told_, {});
}

void Connection::Tell(int side) {
  if (told_[Index(side)] == nullptr) return;
  network_.scheduler_.After(network_.DelayMs(), [self = shared_from_this(), side] {
    if (self->network_.IsCut(self->ends_[Index(1 - side)], self->ends_[Index(side)])) {
      self->network_.scheduler_.After(kRetransmitMs, [self, side] { self->Tell(side); });
      return;
    }
    const auto told = std::exchange(self->told_[Index(side)], nullptr);
    if (told != nullptr) told();
  });
}

}  // namespace weir::sim
