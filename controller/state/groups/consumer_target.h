// The target assignment of a consumer group (KIP-848): which topics count, who assigns, and who is
// to own what.
// Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "controller/state/decision.h"
#include "controller/state/groups/assignor.h"
#include "controller/state/groups/consumer_soft_state.h"

namespace weir::state {

// Of all members, those that exist.
std::set<Uuid> SubscribedTopics(const MetadataImage& image, const ConsumerSoftState& soft);

// Equal for equal topics with equal partition counts: where a replica stands does not count, so
// that brokers come and go without moving members.
uint64_t HashTopics(const MetadataImage& image, const std::set<Uuid>& topics);

// What most members ask for, of the configured ones; of equally many the smaller name; without
// wishes the first one. REQUIRES: configured is not empty.
std::string SelectAssignor(const metadata::Group& group,
                           const std::vector<std::string>& configured);

// Member ids in their order, each with its partitions.
std::vector<std::pair<std::string, PartitionsByTopic>> MakeTarget(const MetadataImage& image,
                                                                  const metadata::Group& group,
                                                                  const ConsumerSoftState& soft,
                                                                  const std::string& assignor);

}  // namespace weir::state
