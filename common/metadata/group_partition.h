// Where a group's committed offsets live (DESIGN D7): the partition of __consumer_offsets that its
// id hashes to, as every Kafka broker and tool computes it. The leader of that partition is the
// group's coordinator.
// Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "common/base/ids.h"
#include "common/base/uuid.h"

namespace weir::metadata {

class MetadataImage;

inline constexpr std::string_view kOffsetsTopic = "__consumer_offsets";

// Java's String.hashCode of that text: 31*h + c over its UTF-16 code units, wrapping. Bytes that
// are no UTF-8 count as U+FFFD, as Java reads them.
int32_t JavaStringHash(std::string_view utf8);

// The absolute value of the hash (0 for the one that has none) modulo the count. REQUIRES:
// partition_count > 0, the topic's real one: it need not be offsets.topic.num.partitions.
PartitionIndex PartitionOfGroup(std::string_view group_id, int32_t partition_count);

struct GroupPartition {
  Uuid topic_id;
  PartitionIndex index;
  // The group's coordinator; kNoNode: none just now.
  NodeId leader = kNoNode;
  LeaderEpoch leader_epoch;
};

// nullopt: there is no __consumer_offsets yet.
std::optional<GroupPartition> FindGroupPartition(const MetadataImage& image,
                                                 std::string_view group_id);

}  // namespace weir::metadata
