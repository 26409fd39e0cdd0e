// EmptyGroups: groups that nobody needs any more end, as Kafka ends them. A group that somebody
// only looked around with (`console-consumer-12345`) would otherwise stay on every node for good.
//
//   every kEmptyGroupsInterval: empty now and at the look before --> nothing held for it here -->
//   the active controller deletes it
//
// Laws:
//  1. A broker looks after the groups whose committed offsets it leads: it alone knows of them.
//  2. A group is to be deleted only if two looks on end found it empty, in one generation, and its
//     partition of __consumer_offsets then said that it holds nothing of it, no offset and no
//     reset. A partition that cannot tell keeps its groups.
//  3. The controller keeps a group that has members again. Offsets are never touched: what is
//     committed meanwhile stays, as of a group that nobody has joined.
//  4. One round at a time, kEmptyGroupsBatchMax groups of it at a time. What no controller takes is
//     asked again in the next round.
// Thread rule: the metadata thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/metadata/group_port.h"
#include "broker/metadata/image_holder.h"
#include "broker/replica/partition_router.h"
#include "common/base/executor.h"
#include "common/base/ids.h"

namespace weir::coordinator {

// Kafka's offsets.retention.check.interval.ms.
inline constexpr Duration kEmptyGroupsInterval = std::chrono::minutes(10);
// What is held for a group is read whole: other requests of the shards have their turn in between.
inline constexpr size_t kEmptyGroupsBatchMax = 100;

class EmptyGroups {
 public:
  // Of groups whose partition is led here. Called and answered on the metadata thread.
  using QueryOffsets =
      std::function<void(std::vector<replica::OffsetQuery>, replica::OffsetQueryDone)>;

  // What it refers to outlives it.
  EmptyGroups(NodeId node_id, std::shared_ptr<Executor> thread, const broker::ImageHolder& images,
              broker::GroupPort& controllers, QueryOffsets query_offsets)
      : node_id_(node_id),
        thread_(std::move(thread)),
        images_(images),
        controllers_(controllers),
        query_offsets_(std::move(query_offsets)) {}

  // Once. The first look is an interval later.
  void Start() { LookLater(); }

 private:
  // By group id.
  using Generations = std::map<std::string, int32_t, std::less<>>;

  void LookLater();
  void Look();
  // Groups that are empty, of partitions that are led here.
  Generations FindEmpty() const;
  std::optional<replica::TopicPartition> PartitionLedHere(std::string_view group_id) const;
  // Ends the round when there is nothing left to do.
  void TakeBatch();
  void OnOffsets(const std::vector<std::string>& group_ids,
                 const std::vector<replica::OffsetQueryOutcome>& outcomes);

  const NodeId node_id_;
  const std::shared_ptr<Executor> thread_;
  const broker::ImageHolder& images_;
  broker::GroupPort& controllers_;
  const QueryOffsets query_offsets_;
  // At the last look.
  Generations empty_;
  // What is left of this round.
  std::vector<std::string> due_;
};

// Asks on `shard`, whose number is `home`.
EmptyGroups::QueryOffsets QueryOffsetsOn(replica::PartitionRouter& partitions, size_t home,
                                         Executor& shard, std::shared_ptr<Executor> thread);

}  // namespace weir::coordinator
