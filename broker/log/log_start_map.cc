#include "broker/log/log_start_map.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "broker/log/key_format.h"

namespace weir::log {
namespace {
constexpr Offset kDead{std::numeric_limits<int64_t>::max()};
}  // namespace

LogStartMap::LogStartMap() : starts_(std::make_shared<const Starts>()) {}

void LogStartMap::Publish(const std::vector<Start>& starts) {
  starts_.With([&](std::shared_ptr<const Starts>& current) {
    Starts next = *current;
    for (const auto& [partition, offset] : starts) {
      Offset& start = next[partition];
      start = std::max(start, offset);
    }
    current = std::make_shared<const Starts>(std::move(next));
  });
}

void LogStartMap::PublishDead(const std::vector<PartitionLocalId>& partitions) {
  std::vector<Start> starts;
  starts.reserve(partitions.size());
  for (const PartitionLocalId partition : partitions) starts.emplace_back(partition, kDead);
  Publish(starts);
}

void LogStartMap::Forget(const std::vector<PartitionLocalId>& partitions) {
  starts_.With([&](std::shared_ptr<const Starts>& current) {
    Starts next = *current;
    for (const PartitionLocalId partition : partitions) next.erase(partition);
    current = std::make_shared<const Starts>(std::move(next));
  });
}

KvDropRuleFactory LogStartMap::DropRules(std::shared_ptr<LogStartMap> map) {
  return [map = std::move(map)] { return map->Rule(); };
}

KvDropRule LogStartMap::Rule() const {
  return
      [starts = starts_.With([](const auto& current) { return current; })](std::string_view key) {
        const std::optional<ParsedLogKey> parsed = ParseLogKey(key);
        if (!parsed) return false;
        const auto found = starts->find(parsed->partition);
        return found != starts->end() && parsed->last_offset < found->second;
      };
}

}  // namespace weir::log
