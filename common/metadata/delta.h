// Delta: what a run of batches, or a snapshot, changed in an image; the reconciler of a broker acts
// on it instead of comparing whole images.
//
// Laws:
//  1. A delta names things, it holds no state: look the state up in the image it came with.
//  2. Everything that differs between the image before and the image after is named. More may be
//     named: what changed and changed back.
//  3. A topic that was removed and created again under the same name has two ids: the old one is in
//     removed_topics, the new one in changed_partitions. Removals come first.
// Thread rule: plain value.
#pragma once

#include <map>
#include <set>
#include <string>

#include "common/base/ids.h"
#include "common/base/uuid.h"
#include "common/metadata/image.h"

namespace weir::metadata {

struct Delta {
  // Created or changed partitions, by topic. A topic that was created is here, even before it has
  // partitions.
  std::map<Uuid, std::set<PartitionIndex>> changed_partitions;
  // Removed topics with the name they had.
  std::map<Uuid, std::string> removed_topics;
  // Registered, re-registered, fenced, unfenced, unregistered.
  std::set<NodeId> changed_brokers;
  // Resources of which at least one key changed; a removed topic's too, if it had settings.
  std::set<ConfigResource> changed_configs;
  // Groups of which anything changed, created and removed ones too.
  std::set<std::string> changed_groups;
  // Cluster id or a feature level.
  bool cluster_changed = false;

  bool empty() const {
    return changed_partitions.empty() && removed_topics.empty() && changed_brokers.empty() &&
           changed_configs.empty() && changed_groups.empty() && !cluster_changed;
  }
  // Takes up what `later` names; `later` must be what came directly after this.
  void Merge(const Delta& later);

  friend bool operator==(const Delta&, const Delta&) = default;
};

// What to act on after a jump from one image to another (a snapshot was installed).
Delta Diff(const MetadataImage& before, const MetadataImage& after);

}  // namespace weir::metadata
