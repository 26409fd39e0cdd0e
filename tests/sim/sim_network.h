// SimNetwork: what lies between simulated servers. Messages may be lost, repeated, delayed and
// overtaken; links may be cut in one direction or both.
// Law: a message reaches the node id it is addressed to, whatever directory that node has by then
//
// Thread rule: one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <utility>

#include "common/base/prng.h"
#include "controller/raft/messages.h"
#include "tests/sim/scheduler.h"

namespace weir::sim {

struct NetworkFaults {
  uint64_t loss_percent = 0;
  uint64_t repeat_percent = 0;
  int64_t delay_ms_min = 1;
  int64_t delay_ms_max = 2;
  // One message in so many is held up for up to straggle_ms.
  uint64_t straggle_percent = 0;
  int64_t straggle_ms = 0;
};

class SimNetwork {
 public:
  using Deliver = std::function<void(raft::Message)>;
  SimNetwork(Scheduler& scheduler, Prng& prng, Deliver deliver)
      : scheduler_(scheduler), prng_(prng), deliver_(std::move(deliver)) {}

  NetworkFaults faults;

  void Send(raft::Message message);
  // Nothing goes from `from` to `to` any more, messages under way included.
  void Cut(NodeId from, NodeId to) { cut_.insert({from, to}); }
  void HealAll() { cut_.clear(); }
  bool IsCut(NodeId from, NodeId to) const { return cut_.contains({from, to}); }

 private:
  void SendOnce(raft::Message message);

  Scheduler& scheduler_;
  Prng& prng_;
  Deliver deliver_;
  std::set<std::pair<NodeId, NodeId>> cut_;
};

}  // namespace weir::sim
