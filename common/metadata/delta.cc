#include "common/metadata/delta.h"

namespace weir::metadata {
namespace {

// Calls on_difference(key, before or null, after or null) for each key whose values differ.
template <class K, class V, class F>
void ForEachDifference(const CowMap<K, V>& before, const CowMap<K, V>& after, F on_difference) {
  auto old_at = before.begin();
  auto new_at = after.begin();
  while (old_at != before.end() || new_at != after.end()) {
    if (new_at == after.end() || (old_at != before.end() && old_at->first < new_at->first)) {
      on_difference(old_at->first, &old_at->second, static_cast<const V*>(nullptr));
      ++old_at;
    } else if (old_at == before.end() || new_at->first < old_at->first) {
      on_difference(new_at->first, static_cast<const V*>(nullptr), &new_at->second);
      ++new_at;
    } else {
      if (!(old_at->second == new_at->second)) {
        on_difference(old_at->first, &old_at->second, &new_at->second);
      }
      ++old_at;
      ++new_at;
    }
  }
}

}  // namespace

void Delta::Merge(const Delta& later) {
  for (const auto& [id, name] : later.removed_topics) {
    changed_partitions.erase(id);
    removed_topics.emplace(id, name);
  }
  for (const auto& [id, partitions] : later.changed_partitions) {
    changed_partitions[id].insert(partitions.begin(), partitions.end());
  }
  changed_brokers.insert(later.changed_brokers.begin(), later.changed_brokers.end());
  changed_configs.insert(later.changed_configs.begin(), later.changed_configs.end());
  changed_groups.insert(later.changed_groups.begin(), later.changed_groups.end());
  cluster_changed = cluster_changed || later.cluster_changed;
}

Delta Diff(const MetadataImage& before, const MetadataImage& after) {
  Delta delta;
  delta.cluster_changed =
      before.cluster_id() != after.cluster_id() || !(before.features() == after.features());
  ForEachDifference(
      before.brokers(), after.brokers(),
      [&](NodeId id, const Broker*, const Broker*) { delta.changed_brokers.insert(id); });
  const CowMap<PartitionIndex, Partition> none;
  ForEachDifference(before.topics(), after.topics(),
                    [&](const Uuid& id, const Topic* old, const Topic* now) {
                      if (now == nullptr) {
                        delta.removed_topics.emplace(id, old->name);
                        return;
                      }
                      std::set<PartitionIndex>& changed = delta.changed_partitions[id];
                      ForEachDifference(old == nullptr ? none : old->partitions, now->partitions,
                                        [&](PartitionIndex index, const Partition*,
                                            const Partition*) { changed.insert(index); });
                    });
  ForEachDifference(before.configs(), after.configs(),
                    [&](const ConfigResource& resource, const ConfigValues*, const ConfigValues*) {
                      delta.changed_configs.insert(resource);
                    });
  ForEachDifference(
      before.groups(), after.groups(),
      [&](const std::string& id, const Group*, const Group*) { delta.changed_groups.insert(id); });
  return delta;
}

}  // namespace weir::metadata
