// ClusterNetwork: what lies between the nodes of a simulated cluster: datagrams, which Raft's
// messages are, and connections, which keep order and end.
//
// Laws:
//  1. A datagram may be lost, repeated, delayed and overtaken. What is sent on a connection arrives
//     in order, or not at all because the connection has broken; loss is delay there.
//  2. Nothing passes a cut link. A connection survives a cut: what it carries arrives when the
//     link has healed, if nobody gave it up before.
//  3. When a connection breaks, each end is told once, as soon as news gets through to it.
// Thread rule: one thread.
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "common/base/executor.h"
#include "common/base/prng.h"
#include "tests/sim/scheduler.h"
#include "tests/sim/sim_network.h"

namespace weir::sim {

// A node of the simulated cluster: controllers and brokers have ids of their own kinds.
struct Address {
  enum class Kind : uint8_t { kController, kBroker, kClient } kind = Kind::kClient;
  int32_t id = 0;

  friend auto operator<=>(const Address&, const Address&) = default;
};

class ClusterNetwork;

// One connection; side 0 has dialled.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(ClusterNetwork& network, Address dialer, Address listener)
      : network_(network), ends_{dialer, listener} {}

  // `deliver` runs when it arrives at the other side.
  void Send(int from_side, std::function<void()> deliver);
  // Told once when the connection breaks.
  void OnBroken(int side, std::function<void()> told) { told_[Index(side)] = std::move(told); }
  // The side that breaks it is not told.
  void BreakFrom(int side);
  void Break();
  // What is on its way holds the streams, and these hold the connection.
  void Forget();
  bool broken() const { return broken_; }
  bool Touches(Address address) const { return ends_[0] == address || ends_[1] == address; }

 private:
  static size_t Index(int side) { return static_cast<size_t>(side); }
  void DeliverFront(int from_side);
  void Tell(int side);

  ClusterNetwork& network_;
  std::array<Address, 2> ends_;
  std::array<std::deque<std::function<void()>>, 2> on_way_;  // by sending side
  std::array<std::function<void()>, 2> told_;
  bool broken_ = false;
};
using ConnectionPtr = std::shared_ptr<Connection>;

class ClusterNetwork {
 public:
  ClusterNetwork(Scheduler& scheduler, Prng& prng) : scheduler_(scheduler), prng_(prng) {}
  ~ClusterNetwork();

  NetworkFaults faults;

  void Datagram(Address from, Address to, std::function<void()> deliver);
  ConnectionPtr Connect(Address dialer, Address listener);
  // The process at that address has died.
  void BreakAllOf(Address address);
  void BreakOne();

  void Cut(Address from, Address to) { cut_.insert({from, to}); }
  void HealAll() { cut_.clear(); }
  bool IsCut(Address from, Address to) const { return cut_.contains({from, to}); }

 private:
  friend class Connection;
  int64_t DelayMs();

  Scheduler& scheduler_;
  Prng& prng_;
  std::set<std::pair<Address, Address>> cut_;
  std::vector<std::weak_ptr<Connection>> connections_;
};

}  // namespace weir::sim
