// GroupGateways: the gateways of all shards and the one reporter that they share.
// Thread rule: construct before the loops run, destroy after they have stopped; At(shard) on that
// shard.
#pragma once

#include <memory>
#include <vector>

#include "broker/coordinator/group_gateway.h"
#include "broker/coordinator/liveness_reporter.h"

namespace weir::coordinator {

class GroupGateways {
 public:
  // `images`, `controllers` and `standing` outlive them. `seed`: of what they draw; another one
  // each time that the broker starts.
  GroupGateways(std::shared_ptr<Executor> metadata_thread, const std::vector<Executor*>& shards,
                broker::ImageHolder& images, broker::GroupPort& controllers,
                GroupStanding& standing, uint64_t seed);

  GroupGateway& At(size_t shard) { return *gateways_[shard]; }

 private:
  LivenessReporter reporter_;
  std::vector<std::unique_ptr<GroupGateway>> gateways_;
};

}  // namespace weir::coordinator
