#include "common/metadata/consumer_group_config.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <set>

#include "common/base/check.h"
#include "common/metadata/broker_options.h"

namespace weir::metadata {
namespace {

// "consumer." + suffix is the group's key, these + suffix are the brokers'.
constexpr std::string_view kOfGroup = "consumer.";
constexpr std::string_view kOfAll = "group.consumer.";
constexpr std::string_view kMin = "group.consumer.min.";
constexpr std::string_view kMax = "group.consumer.max.";

constexpr std::string_view kAssignment = "assignment.interval.ms";
constexpr std::string_view kHeartbeat = "heartbeat.interval.ms";
constexpr std::string_view kSession = "session.timeout.ms";
constexpr std::string_view kAssignors = "group.consumer.assignors";

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

std::string TextOf(const ConfigView& view, std::string_view key) {
  return EffectiveBrokerValue(view, key).value_or(std::string());
}

// "key (value)"
std::string Named(std::string_view prefix, std::string_view suffix, int32_t value) {
  return std::string(prefix) + std::string(suffix) + " (" + std::to_string(value) + ")";
}

Status CheckBounds(const ConfigView& view, std::string_view suffix) {
  const int32_t min = BrokerValue(view, kMin, suffix);
  const int32_t value = BrokerValue(view, kOfAll, suffix);
  const int32_t max = BrokerValue(view, kMax, suffix);
  if (min > max) {
    return Fail(ErrorCode::kInvalidConfig,
                Named(kMin, suffix, min) + " is more than " + Named(kMax, suffix, max));
  }
  if (value < min) {
    return Fail(ErrorCode::kInvalidConfig,
                Named(kOfAll, suffix, value) + " is less than " + Named(kMin, suffix, min));
  }
  if (value <= max) return {};
  return Fail(ErrorCode::kInvalidConfig,
              Named(kOfAll, suffix, value) + " is more than " + Named(kMax, suffix, max));
}

}  // namespace

int32_t ConsumerHeartbeatIntervalMs(const ConfigView& view, std::string_view group_id) {
  return GroupValue(view, group_id, kHeartbeat);
}

int32_t ConsumerSessionTimeoutMs(const ConfigView& view, std::string_view group_id) {
  return GroupValue(view, group_id, kSession);
}

int32_t ConsumerAssignmentIntervalMs(const ConfigView& view, std::string_view group_id) {
  return GroupValue(view, group_id, kAssignment);
}

int32_t ConsumerGroupSizeMax(const ConfigView& view) {
  return BrokerValue(view, kOfAll, "max.size");
}

std::vector<std::string> ConsumerAssignors(const ConfigView& view) {
  return SplitList(TextOf(view, kAssignors));
}

ConsumerMigration AllowedConsumerMigration(const ConfigView& view) {
  const std::string policy(TrimBlanks(TextOf(view, "group.consumer.migration.policy")));
  const bool both = EqualIgnoreCase(policy, "bidirectional");
  return {.upgrade = both || EqualIgnoreCase(policy, "upgrade"),
          .downgrade = both || EqualIgnoreCase(policy, "downgrade")};
}

GroupConfigBounds BoundsOfGroupConfig(const ConfigView& view, std::string_view key) {
  WEIR_CHECK(key.starts_with(kOfGroup));
  const std::string_view suffix = key.substr(kOfGroup.size());
  const int32_t min = BrokerValue(view, kMin, suffix);
  return {min, std::max(min, BrokerValue(view, kMax, suffix))};
}

Status CheckConsumerConfigOfAll(const ConfigView& view) {
  for (const std::string_view suffix : {kAssignment, kHeartbeat, kSession}) {
    WEIR_RETURN_IF_ERROR(CheckBounds(view, suffix));
  }
  const int32_t heartbeat_ms = BrokerValue(view, kOfAll, kHeartbeat);
  const int32_t session_ms = BrokerValue(view, kOfAll, kSession);
  if (heartbeat_ms >= session_ms) {
    return Fail(ErrorCode::kInvalidConfig, Named(kOfAll, kHeartbeat, heartbeat_ms) +
                                               " is not less than " +
                                               Named(kOfAll, kSession, session_ms));
  }
  std::set<std::string> names;
  for (std::string& name : ConsumerAssignors(view)) {
    if (names.insert(name).second) continue;
    return Fail(ErrorCode::kInvalidConfig, std::string(kAssignors) + " names " + name + " twice");
  }
  if (!names.empty()) return {};
  return Fail(ErrorCode::kInvalidConfig, std::string(kAssignors) + " names no assignor");
}

Status CheckConsumerConfigOf(const ConfigView& view, std::string_view group_id) {
  const int32_t heartbeat_ms = ConsumerHeartbeatIntervalMs(view, group_id);
  const int32_t session_ms = ConsumerSessionTimeoutMs(view, group_id);
  if (heartbeat_ms < session_ms) return {};
  return Fail(ErrorCode::kInvalidConfig, Named(kOfGroup, kHeartbeat, heartbeat_ms) + " of group '" +
                                             std::string(group_id) + "' is not less than its " +
                                             Named(kOfGroup, kSession, session_ms));
}

}  // namespace weir::metadata
