#include "broker/coordinator/group_gateways.h"

#include <utility>

namespace weir::coordinator {

GroupGateways::GroupGateways(std::shared_ptr<Executor> metadata_thread,
                             const std::vector<Executor*>& shards, broker::ImageHolder& images,
                             broker::GroupPort& controllers, GroupStanding& standing, uint64_t seed)
    : reporter_(metadata_thread, controllers) {
  for (size_t shard = 0; shard < shards.size(); ++shard) {
    const GatewayPlace place{*shards[shard], shard, images, controllers, standing};
    gateways_.push_back(std::make_unique<GroupGateway>(
        place, seed + shard, [this, metadata_thread](HeardMembers heard) {
          metadata_thread->Post([this, heard = std::move(heard)] { reporter_.Heard(heard); });
        }));
  }
}

}  // namespace weir::coordinator
