#include "common/metadata/consumer_group_config.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string>

#include "common/base/check.h"
#include "common/metadata/broker_options.h"

namespace weir::metadata {
namespace {

// "consumer." + suffix is the group's key, these + suffix are the brokers'.
constexpr std::string_view kOfGroup = "consumer.";
constexpr std::string_view kOfAll = "group.consumer.";
constexpr std::string_view kMin = "group.consumer.min.";
constexpr std::string_view kMax = "group.consumer.max.";

std::optional<int64_t> Parse(const std::optional<std::string>& text) {
  return text ? ParseConfigInteger(*text) : std::nullopt;
}

int32_t BrokerValue(const ConfigView& view, std::string_view prefix, std::string_view suffix) {
  const std::string key = std::string(prefix) + std::string(suffix);
  const ConfigOption* option = FindBrokerOption(key);
  WEIR_CHECK(option != nullptr && option->default_value);
  std::optional<int64_t> value = Parse(EffectiveBrokerValue(view, key));
  if (!value) value = ParseConfigInteger(*option->default_value);
  return static_cast<int32_t>(
      std::clamp<int64_t>(value.value_or(0), 0, std::numeric_limits<int32_t>::max()));
}

int32_t GroupValue(const ConfigView& view, std::string_view group_id, std::string_view suffix) {
  const std::string key = std::string(kOfGroup) + std::string(suffix);
  const std::string* own = view.image.FindConfig(ConfigResource::OfGroup(group_id), key);
  const std::optional<int64_t> value = own != nullptr ? ParseConfigInteger(*own) : std::nullopt;
  if (!value) return BrokerValue(view, kOfAll, suffix);
  const GroupConfigBounds bounds = BoundsOfGroupConfig(view, key);
  return static_cast<int32_t>(std::clamp<int64_t>(*value, bounds.min, bounds.max));
}

}  // namespace

int32_t ConsumerHeartbeatIntervalMs(const ConfigView& view, std::string_view group_id) {
  return GroupValue(view, group_id, "heartbeat.interval.ms");
}

int32_t ConsumerSessionTimeoutMs(const ConfigView& view, std::string_view group_id) {
  return GroupValue(view, group_id, "session.timeout.ms");
}

int32_t ConsumerAssignmentIntervalMs(const ConfigView& view, std::string_view group_id) {
  return GroupValue(view, group_id, "assignment.interval.ms");
}

GroupConfigBounds BoundsOfGroupConfig(const ConfigView& view, std::string_view key) {
  WEIR_CHECK(key.starts_with(kOfGroup));
  const std::string_view suffix = key.substr(kOfGroup.size());
  const int32_t min = BrokerValue(view, kMin, suffix);
  return {min, std::max(min, BrokerValue(view, kMax, suffix))};
}

}  // namespace weir::metadata
