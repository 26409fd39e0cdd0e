#include "common/metadata/topic_partitions.h"

#include <algorithm>
#include <utility>

#include "common/base/check.h"

namespace weir::metadata {

std::optional<PartitionsByTopic> ParsePartitions(const TopicPartitionsList& list) {
  PartitionsByTopic parsed;
  for (const v1::TopicPartitions& topic : list) {
    const Result<Uuid> id = Uuid::FromBytes(topic.topic_id());
    if (!id || id->IsZero()) return std::nullopt;
    std::vector<int32_t> partitions(topic.partitions().begin(), topic.partitions().end());
    std::sort(partitions.begin(), partitions.end());
    const bool repeats =
        std::adjacent_find(partitions.begin(), partitions.end()) != partitions.end();
    if (repeats || (!partitions.empty() && partitions.front() < 0)) return std::nullopt;
    if (partitions.empty()) continue;
    if (!parsed.try_emplace(*id, std::move(partitions)).second) return std::nullopt;
  }
  return parsed;
}

void FillPartitions(const PartitionsByTopic& partitions, TopicPartitionsList* out) {
  out->Reserve(static_cast<int>(partitions.size()));
  for (const auto& [topic, numbers] : partitions) {
    v1::TopicPartitions* added = out->Add();
    added->set_topic_id(topic.ToBytes());
    added->mutable_partitions()->Add(numbers.begin(), numbers.end());
  }
}

SharedPartitions Share(PartitionsByTopic partitions) {
  if (partitions.empty()) return nullptr;
  return std::make_shared<const PartitionsByTopic>(std::move(partitions));
}

const PartitionsByTopic& Get(const SharedPartitions& partitions) {
  static const PartitionsByTopic kNone;
  return partitions == nullptr ? kNone : *partitions;
}

bool Contains(const PartitionsByTopic& partitions, const Uuid& topic, int32_t partition) {
  const auto found = partitions.find(topic);
  return found != partitions.end() &&
         std::binary_search(found->second.begin(), found->second.end(), partition);
}

bool IsSubset(const PartitionsByTopic& part, const PartitionsByTopic& whole) {
  return std::all_of(part.begin(), part.end(), [&](const auto& topic) {
    const auto found = whole.find(topic.first);
    return found != whole.end() && std::includes(found->second.begin(), found->second.end(),
                                                 topic.second.begin(), topic.second.end());
  });
}

bool Intersect(const PartitionsByTopic& a, const PartitionsByTopic& b) {
  return std::any_of(a.begin(), a.end(), [&](const auto& topic) {
    return std::any_of(topic.second.begin(), topic.second.end(),
                       [&](int32_t partition) { return Contains(b, topic.first, partition); });
  });
}

size_t CountPartitions(const PartitionsByTopic& partitions) {
  size_t count = 0;
  for (const auto& [topic, numbers] : partitions) count += numbers.size();
  return count;
}

void Merge(const PartitionsByTopic& added, PartitionsByTopic* to) {
  for (const auto& [topic, numbers] : added) {
    std::vector<int32_t>& merged = (*to)[topic];
    const auto middle = static_cast<std::ptrdiff_t>(merged.size());
    merged.insert(merged.end(), numbers.begin(), numbers.end());
    std::inplace_merge(merged.begin(), merged.begin() + middle, merged.end());
    WEIR_CHECK(std::adjacent_find(merged.begin(), merged.end()) == merged.end(),
               "what is added was not there");
  }
}

}  // namespace weir::metadata
