#include "controller/state/groups/group_config.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

namespace weir::state {
namespace {

// Values have passed the option's check when they were set; what is no number leaves the default.
void Read(const metadata::ConfigView& view, std::string_view key, int32_t* out) {
  const std::optional<std::string> text = metadata::EffectiveBrokerValue(view, key);
  const std::optional<int64_t> value = text ? metadata::ParseConfigInteger(*text) : std::nullopt;
  if (value) *out = static_cast<int32_t>(std::clamp<int64_t>(*value, INT32_MIN, INT32_MAX));
}

}  // namespace

GroupConfig ReadGroupConfig(const metadata::ConfigView& view) {
  GroupConfig config;
  int32_t delay_ms = 3'000;
  Read(view, "group.initial.rebalance.delay.ms", &delay_ms);
  config.initial_rebalance_delay = std::chrono::milliseconds(delay_ms);
  int32_t broker_session_ms = 3'000;
  Read(view, "broker.session.timeout.ms", &broker_session_ms);
  config.broker_session_timeout = std::chrono::milliseconds(broker_session_ms);
  Read(view, "group.min.session.timeout.ms", &config.session_timeout_ms_min);
  Read(view, "group.max.session.timeout.ms", &config.session_timeout_ms_max);
  Read(view, "group.max.size", &config.size_max);
  if (view.static_config != nullptr) config.static_config = *view.static_config;
  return config;
}

}  // namespace weir::state
