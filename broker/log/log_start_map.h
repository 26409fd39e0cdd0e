// LogStartMap: which offsets of which partitions are still alive, as the store's background thread
// needs to know when it rewrites files (STORAGE 2.1).
//
// Laws:
//  1. Only what is synced is published here: a reclaimed entry cannot come back.
//  2. A log start never moves back; a dead partition stays dead until it is forgotten.
//  3. A rule, once made, does not change: readers share an immutable map.
// Thread rule: any thread.
#pragma once

#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "broker/log/topic_partition.h"
#include "common/base/ids.h"
#include "common/base/kv_store.h"
#include "common/runtime/guarded.h"

namespace weir::log {

class LogStartMap {
 public:
  LogStartMap();

  using Start = std::pair<PartitionLocalId, Offset>;
  // Each call copies the map: many changes belong into one call.
  void Publish(const std::vector<Start>& starts);
  void PublishDead(const std::vector<PartitionLocalId>& partitions);
  // Dead partitions of which the store holds nothing any more.
  void Forget(const std::vector<PartitionLocalId>& partitions);

  // For RocksDbOptions::drop_rules; the map lives as long as the factory.
  static KvDropRuleFactory DropRules(std::shared_ptr<LogStartMap> map);
  // The rule for what is published now.
  KvDropRule Rule() const;

 private:
  // First live offset by partition; the largest offset for dead ones. Partitions that keep all of
  // their entries are absent.
  using Starts = std::unordered_map<PartitionLocalId, Offset>;

  runtime::Guarded<std::shared_ptr<const Starts>> starts_;
};

}  // namespace weir::log
