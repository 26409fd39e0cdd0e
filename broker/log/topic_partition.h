// TopicPartition: what a partition is called in the cluster, and PartitionLocalId: what this data
// directory calls it. A topic that is deleted and created again has a new topic id, hence a new
// local id: old keys cannot be mistaken for new ones.
// Thread rule: plain values.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>

#include "common/base/ids.h"
#include "common/base/uuid.h"

namespace weir::log {

struct TopicPartition {
  Uuid topic_id;
  PartitionIndex partition;

  friend auto operator<=>(const TopicPartition&, const TopicPartition&) = default;
  // "xtzWWN4bTjitpL3kfd9s5g-3"
  std::string ToString() const {
    return topic_id.ToString() + "-" + std::to_string(partition.value());
  }
};

// Dense, counted from 1, never reused in a data directory.
using PartitionLocalId = StrongInt<struct PartitionLocalIdTag, uint32_t>;

// What the broker calls a partition in memory: unique over all of its data directories.
using PartitionHandle = StrongInt<struct PartitionHandleTag, uint64_t>;
constexpr PartitionHandle MakeHandle(uint32_t directory, PartitionLocalId partition) {
  return PartitionHandle((uint64_t{directory} << 32) | partition.value());
}

}  // namespace weir::log

template <>
struct std::hash<weir::log::TopicPartition> {
  size_t operator()(const weir::log::TopicPartition& id) const {
    // Topic ids are random; the finisher spreads consecutive partitions over all bits, the low ones
    // included, by which shards are chosen.
    uint64_t word = 0;
    for (size_t i = 8; i < 16; ++i) word = (word << 8) | id.topic_id.bytes[i];
    word += static_cast<uint32_t>(id.partition.value());
    word = (word ^ (word >> 32)) * 0x9e3779b97f4a7c15u;
    word = (word ^ (word >> 29)) * 0xbf58476d1ce4e5b9u;
    return static_cast<size_t>(word ^ (word >> 32));
  }
};
