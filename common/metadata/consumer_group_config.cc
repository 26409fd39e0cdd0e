#include "common/metadata/consumer_group_config.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string>

namespace weir::metadata {
namespace {

// Values have passed the option's check when they were set; the fallback is Kafka's default.
int32_t BrokerValue(const ConfigView& view, std::string_view key, int32_t fallback) {
  const std::optional<std::string> text = EffectiveBrokerValue(view, key);
  const std::optional<int64_t> value = text ? ParseConfigInteger(*text) : std::nullopt;
  return static_cast<int32_t>(
      std::clamp<int64_t>(value.value_or(fallback), 0, std::numeric_limits<int32_t>::max()));
}

struct Setting {
  // "consumer." + name is the group's key.
  std::string_view name;
  int32_t value;
  int32_t min;
  int32_t max;
};

int32_t GroupValue(const ConfigView& view, std::string_view group_id, const Setting& fallback) {
  const std::string suffix(fallback.name);
  const int32_t all = BrokerValue(view, "group.consumer." + suffix, fallback.value);
  const std::string* own = view.image.FindConfig({v1::CONFIG_RESOURCE_GROUP, std::string(group_id)},
                                                 "consumer." + suffix);
  const std::optional<int64_t> value = own != nullptr ? ParseConfigInteger(*own) : std::nullopt;
  if (!value) return all;
  const int32_t min = BrokerValue(view, "group.consumer.min." + suffix, fallback.min);
  const int32_t max = BrokerValue(view, "group.consumer.max." + suffix, fallback.max);
  return static_cast<int32_t>(std::clamp<int64_t>(*value, min, std::max(min, max)));
}

}  // namespace

int32_t ConsumerHeartbeatIntervalMs(const ConfigView& view, std::string_view group_id) {
  return GroupValue(view, group_id, {"heartbeat.interval.ms", 5'000, 5'000, 15'000});
}

int32_t ConsumerSessionTimeoutMs(const ConfigView& view, std::string_view group_id) {
  return GroupValue(view, group_id, {"session.timeout.ms", 45'000, 45'000, 60'000});
}

int32_t ConsumerAssignmentIntervalMs(const ConfigView& view, std::string_view group_id) {
  return GroupValue(view, group_id, {"assignment.interval.ms", 1'000, 0, 15'000});
}

}  // namespace weir::metadata
