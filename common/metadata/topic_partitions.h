// Sets of partitions by topic, as assignments of consumer groups are made of (KIP-848).
//
// Laws:
//  1. Partition numbers ascend, none comes twice, and no topic has an empty list.
// Thread rule: plain values, pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/uuid.h"
#include "proto/record.pb.h"

namespace weir::metadata {

using PartitionsByTopic = std::map<Uuid, std::vector<int32_t>>;
// Null: the empty set. Copies of images share it.
using SharedPartitions = std::shared_ptr<const PartitionsByTopic>;

using TopicPartitionsList = google::protobuf::RepeatedPtrField<v1::TopicPartitions>;

// As records have it. nullopt: ids that are none, negative or repeated partitions, topics named
// twice. Partitions may come in any order.
std::optional<PartitionsByTopic> ParsePartitions(const TopicPartitionsList& list);
void FillPartitions(const PartitionsByTopic& partitions, TopicPartitionsList* out);

SharedPartitions Share(PartitionsByTopic partitions);
// The set behind it; the empty one for null. Lives as long as the argument's.
const PartitionsByTopic& Get(const SharedPartitions& partitions);

bool Contains(const PartitionsByTopic& partitions, const Uuid& topic, int32_t partition);
// Whether all of `part` is in `whole`.
bool IsSubset(const PartitionsByTopic& part, const PartitionsByTopic& whole);
bool Intersect(const PartitionsByTopic& a, const PartitionsByTopic& b);
size_t CountPartitions(const PartitionsByTopic& partitions);

// Takes in what is not there yet. REQUIRES: `added` shares no partition with `to`.
void Merge(const PartitionsByTopic& added, PartitionsByTopic* to);

}  // namespace weir::metadata
