#include "broker/handlers/registry.h"

#include <algorithm>
#include <utility>

#include "broker/handlers/handlers.h"
#include "common/base/check.h"

namespace weir::handlers {

Registry::Registry(std::vector<ApiHandler> handlers) : handlers_(std::move(handlers)) {
  std::sort(handlers_.begin(), handlers_.end(),
            [](const ApiHandler& a, const ApiHandler& b) { return a.key < b.key; });
  index_.assign(wire::AllApis().size(), -1);
  for (size_t i = 0; i < handlers_.size(); ++i) {
    const auto key = static_cast<size_t>(handlers_[i].key);
    WEIR_CHECK(key < index_.size());
    WEIR_CHECK(index_[key] < 0, "one handler per API");
    index_[key] = static_cast<int>(i);
  }
}

const ApiHandler* Registry::Find(int16_t key) const {
  if (key < 0 || static_cast<size_t>(key) >= index_.size()) return nullptr;
  const int at = index_[static_cast<size_t>(key)];
  return at < 0 ? nullptr : &handlers_[static_cast<size_t>(at)];
}

Registry MakeRegistry() {
  using wire::ApiKey;
  return Registry({
      {ApiKey::kProduce, {3, 13}, HandleProduce, 0},
      {ApiKey::kFetch, {4, 18}, HandleFetch},
      {ApiKey::kListOffsets, {1, 10}, HandleListOffsets},
      {ApiKey::kMetadata, {0, 13}, HandleMetadata},
      {ApiKey::kOffsetCommit, {2, 10}, HandleOffsetCommit},
      {ApiKey::kOffsetFetch, {1, 10}, HandleOffsetFetch},
      {ApiKey::kFindCoordinator, {0, 6}, HandleFindCoordinator},
      {ApiKey::kJoinGroup, {0, 9}, HandleJoinGroup},
      {ApiKey::kHeartbeat, {0, 4}, HandleHeartbeat},
      {ApiKey::kLeaveGroup, {0, 5}, HandleLeaveGroup},
      {ApiKey::kSyncGroup, {0, 5}, HandleSyncGroup},
      {ApiKey::kDescribeGroups, {0, 6}, HandleDescribeGroups},
      {ApiKey::kListGroups, {0, 5}, HandleListGroups},
      {ApiKey::kApiVersions, {0, 4}, HandleApiVersions},
      {ApiKey::kCreateTopics, {2, 7}, HandleCreateTopics},
      {ApiKey::kDeleteTopics, {1, 6}, HandleDeleteTopics},
      {ApiKey::kDeleteRecords, {0, 2}, HandleDeleteRecords},
      {ApiKey::kInitProducerId, {0, 5}, HandleInitProducerId},
      {ApiKey::kOffsetForLeaderEpoch, {2, 4}, HandleOffsetForLeaderEpoch},
      {ApiKey::kDescribeConfigs, {1, 4}, HandleDescribeConfigs},
      {ApiKey::kAlterConfigs, {0, 2}, HandleAlterConfigs},
      {ApiKey::kDescribeLogDirs, {1, 5}, HandleDescribeLogDirs},
      {ApiKey::kCreatePartitions, {0, 3}, HandleCreatePartitions},
      {ApiKey::kDeleteGroups, {0, 2}, HandleDeleteGroups},
      {ApiKey::kElectLeaders, {0, 2}, HandleElectLeaders},
      {ApiKey::kIncrementalAlterConfigs, {0, 1}, HandleIncrementalAlterConfigs},
      {ApiKey::kOffsetDelete, {0, 0}, HandleOffsetDelete},
      {ApiKey::kAlterPartitionReassignments, {0, 1}, HandleAlterPartitionReassignments},
      {ApiKey::kListPartitionReassignments, {0, 0}, HandleListPartitionReassignments},
      {ApiKey::kDescribeQuorum, {0, 2}, HandleDescribeQuorum},
      {ApiKey::kDescribeCluster, {0, 2}, HandleDescribeCluster},
      {ApiKey::kConsumerGroupHeartbeat, {0, 1}, HandleConsumerGroupHeartbeat},
      {ApiKey::kConsumerGroupDescribe, {0, 1}, HandleConsumerGroupDescribe},
      {ApiKey::kListConfigResources, {0, 1}, HandleListConfigResources},
      {ApiKey::kDescribeTopicPartitions, {0, 0}, HandleDescribeTopicPartitions},
  });
}

}  // namespace weir::handlers
