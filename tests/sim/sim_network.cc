// SimNetwork: see sim_network.h.
#include "tests/sim/sim_network.h"

namespace weir::sim {

void SimNetwork::Send(raft::Message message) {
  if (prng_.Chance(faults.loss_percent, 100)) return;
  if (prng_.Chance(faults.repeat_percent, 100)) SendOnce(message);
  SendOnce(std::move(message));
}

void SimNetwork::SendOnce(raft::Message message) {
  int64_t delay_ms = prng_.Between(faults.delay_ms_min, faults.delay_ms_max);
  if (prng_.Chance(faults.straggle_percent, 100)) delay_ms += prng_.Between(0, faults.straggle_ms);
  scheduler_.After(delay_ms, [this, message = std::move(message)]() mutable {
    const raft::MessageHeader& header = raft::HeaderOf(message);
    if (!IsCut(header.from.id, header.to.id)) deliver_(std::move(message));
  });
}

}  // namespace weir::sim
