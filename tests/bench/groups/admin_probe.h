// AdminProbe: creates topics at a steady pace on a loop of its own and times each answer: how soon
// the controllers do their other work while a load runs. Asked through a broker that the load
// leaves alone, where there is one: what is timed is theirs, not that broker's queue.
//
// Law: an open loop; a topic counts from when it was due.
// Thread rule: the main thread.
#pragma once

#include "tests/bench/groups/group_world.h"

namespace weir::bench {

class AdminProbe {
 public:
  // `avoid`: the broker that has the load.
  AdminProbe(const Options& options, const Endpoint& avoid);
  ~AdminProbe();

  // Begins to count anew; returns what was timed until now.
  Histogram Take();

 private:
  void CreateNext();

  const Options& options_;
  GroupWorld world_;
  std::unique_ptr<BrokerLink> link_;
  Histogram answers_;
  int64_t next_ = 0;
  int64_t due_us_ = 0;
};

}  // namespace weir::bench
