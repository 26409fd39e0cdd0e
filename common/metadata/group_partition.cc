#include "common/metadata/group_partition.h"

#include <cstddef>
#include <limits>

#include "common/base/check.h"
#include "common/metadata/image.h"

namespace weir::metadata {
namespace {

constexpr uint32_t kReplacement = 0xFFFD;

// The code point at the front of `text`, which it takes away.
uint32_t TakeCodePoint(std::string_view& text) {
  const auto lead = static_cast<unsigned char>(text.front());
  text.remove_prefix(1);
  if (lead < 0x80) return lead;
  // The smallest code point of each length: a longer form of a smaller one is no UTF-8.
  size_t more = 0;
  uint32_t smallest = 0;
  uint32_t point = 0;
  if (lead >= 0xC2 && lead <= 0xDF) {
    more = 1, smallest = 0x80, point = lead & 0x1Fu;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    more = 2, smallest = 0x800, point = lead & 0x0Fu;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    more = 3, smallest = 0x10000, point = lead & 0x07u;
  } else {
    return kReplacement;
  }
  if (text.size() < more) return kReplacement;
  for (size_t i = 0; i < more; ++i) {
    const auto next = static_cast<unsigned char>(text[i]);
    if ((next & 0xC0u) != 0x80u) return kReplacement;
    point = (point << 6) | (next & 0x3Fu);
  }
  if (point < smallest || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF)) {
    return kReplacement;
  }
  text.remove_prefix(more);
  return point;
}

}  // namespace

int32_t JavaStringHash(std::string_view utf8) {
  uint32_t hash = 0;
  while (!utf8.empty()) {
    const uint32_t point = TakeCodePoint(utf8);
    if (point < 0x10000) {
      hash = 31 * hash + point;
      continue;
    }
    const uint32_t rest = point - 0x10000;
    hash = 31 * hash + (0xD800 + (rest >> 10));
    hash = 31 * hash + (0xDC00 + (rest & 0x3FFu));
  }
  return static_cast<int32_t>(hash);
}

PartitionIndex PartitionOfGroup(std::string_view group_id, int32_t partition_count) {
  WEIR_CHECK(partition_count > 0);
  const int32_t hash = JavaStringHash(group_id);
  const int32_t positive =
      hash == std::numeric_limits<int32_t>::min() ? 0 : (hash < 0 ? -hash : hash);
  return PartitionIndex(positive % partition_count);
}

std::optional<GroupPartition> FindGroupPartition(const MetadataImage& image,
                                                 std::string_view group_id) {
  const Topic* topic = image.FindTopic(kOffsetsTopic);
  if (topic == nullptr || topic->partitions.empty()) return std::nullopt;
  GroupPartition found{.topic_id = topic->id};
  found.index = PartitionOfGroup(group_id, static_cast<int32_t>(topic->partitions.size()));
  if (const Partition* partition = topic->FindPartition(found.index)) {
    found.leader = partition->leader;
    found.leader_epoch = partition->leader_epoch;
  }
  return found;
}

}  // namespace weir::metadata
