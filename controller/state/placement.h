// Placement: on which brokers new partitions live.
//
// Laws:
//  1. Replicas of a partition are on distinct brokers, and on distinct racks as far as there are
//     enough racks.
//  2. Balanced by count: leaders go to the broker with the fewest leaders, further replicas to the
//     one with the fewest replicas among the racks least used by that partition.
//  3. Ties are broken by the prng, so that partners mix; the same input and seed give the same
//     placement.
// Cost: partitions x replication factor x brokers.
// Thread rule: pure functions.
#pragma once

#include <string>
#include <vector>

#include "controller/state/decision.h"

namespace weir::state {

// A broker that may take replicas, and its present load.
struct PlacementBroker {
  NodeId id;
  std::string rack;
  int64_t leader_count = 0;
  int64_t replica_count = 0;
};

class Placement {
 public:
  // The usable brokers of the image with their load.
  static Placement Of(const MetadataImage& image);
  explicit Placement(std::vector<PlacementBroker> brokers);

  size_t broker_count() const { return brokers_.size(); }
  const std::vector<PlacementBroker>& brokers() const { return brokers_; }

  // Replicas for the next partition, preferred leader first; counts them in. REQUIRES:
  // 0 < replication_factor <= broker_count().
  metadata::NodeIdList Place(int32_t replication_factor, Prng* prng);

 private:
  size_t PickLeader(Prng* prng) const;
  size_t PickFollower(const std::vector<size_t>& chosen, Prng* prng) const;

  std::vector<PlacementBroker> brokers_;
  // Index of each broker's rack; brokers without a rack are a rack of their own.
  std::vector<size_t> racks_;
};

}  // namespace weir::state
