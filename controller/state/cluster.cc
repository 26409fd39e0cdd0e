#include "controller/state/cluster.h"

#include <string>
#include <utility>

namespace weir::state {
namespace {

MetadataRecord FeatureOf(const std::string& name) {
  MetadataRecord record;
  record.mutable_feature()->set_name(name);
  record.mutable_feature()->set_level(1);
  return record;
}

}  // namespace

Decision<BootstrapOutcome> BootstrapCluster(const MetadataImage& image, const Uuid& cluster_id) {
  Decision<BootstrapOutcome> decision;
  if (!image.cluster_id().IsZero()) return decision;
  MetadataRecord cluster;
  cluster.mutable_cluster()->set_cluster_id(cluster_id.ToBytes());
  decision.records.push_back(std::move(cluster));
  decision.records.push_back(FeatureOf("metadata.version"));
  // Groups of the consumer protocol (KIP-848).
  decision.records.push_back(FeatureOf("group.version"));
  decision.reply.bootstrapped = true;
  return decision;
}

}  // namespace weir::state
