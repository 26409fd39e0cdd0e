#include "controller/state/cluster.h"

#include <utility>

namespace weir::state {

Decision<BootstrapOutcome> BootstrapCluster(const MetadataImage& image, const Uuid& cluster_id) {
  Decision<BootstrapOutcome> decision;
  if (!image.cluster_id().IsZero()) return decision;
  MetadataRecord cluster;
  cluster.mutable_cluster()->set_cluster_id(cluster_id.ToBytes());
  decision.records.push_back(std::move(cluster));
  MetadataRecord feature;
  feature.mutable_feature()->set_name("metadata.version");
  feature.mutable_feature()->set_level(1);
  decision.records.push_back(std::move(feature));
  decision.reply.bootstrapped = true;
  return decision;
}

}  // namespace weir::state
