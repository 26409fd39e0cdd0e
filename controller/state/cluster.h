// Cluster: the first records of a new cluster.
// Thread rule: pure functions.
#pragma once

#include "controller/state/decision.h"

namespace weir::state {

struct BootstrapOutcome {
  bool bootstrapped = false;
};

// The cluster record and the first feature levels, for the first leader of an empty log; no records
// when the image has a cluster id already.
Decision<BootstrapOutcome> BootstrapCluster(const MetadataImage& image, const Uuid& cluster_id);

}  // namespace weir::state
