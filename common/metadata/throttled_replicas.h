// ThrottledReplicas: the value of a topic's leader. or follower.replication.throttled.replicas:
// "*", or "partition:broker,...", or "none" or nothing (KIP-73).
// Thread rule: plain value.
#pragma once

#include <set>
#include <string_view>
#include <utility>

#include "common/base/ids.h"

namespace weir::metadata {

class ThrottledReplicas {
 public:
  // None of them.
  ThrottledReplicas() = default;
  // Total: what is no pair (nobody checked it before it was appended) names nothing.
  explicit ThrottledReplicas(std::string_view value);

  // Whether it names the broker's replica of that partition.
  bool Contains(PartitionIndex partition, NodeId broker) const {
    return all_ || named_.contains({partition, broker});
  }

 private:
  bool all_ = false;
  std::set<std::pair<PartitionIndex, NodeId>> named_;
};

}  // namespace weir::metadata
