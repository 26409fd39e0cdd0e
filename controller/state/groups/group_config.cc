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

std::string ReadText(const metadata::ConfigView& view, std::string_view key) {
  return metadata::EffectiveBrokerValue(view, key).value_or(std::string());
}

bool IsAssignor(std::string_view name) { return name == "uniform" || name == "range"; }

// Classes of one's own do not exist here: they are passed over.
std::vector<std::string> ReadAssignors(const metadata::ConfigView& view) {
  std::vector<std::string> assignors;
  const std::string text = ReadText(view, "group.consumer.assignors") + ",";
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = text.find(',', begin);
    std::string name = text.substr(begin, end - begin);
    name.erase(0, name.find_first_not_of(' '));
    name.erase(name.find_last_not_of(' ') + 1);
    begin = end + 1;
    const bool repeats = std::find(assignors.begin(), assignors.end(), name) != assignors.end();
    if (IsAssignor(name) && !repeats) assignors.push_back(std::move(name));
  }
  return assignors.empty() ? GroupConfig().consumer_assignors : assignors;
}

void ReadMigrationPolicy(const metadata::ConfigView& view, GroupConfig* config) {
  const std::string policy = ReadText(view, "group.consumer.migration.policy");
  const bool both = metadata::EqualIgnoreCase(policy, "bidirectional");
  config->allows_upgrade = both || metadata::EqualIgnoreCase(policy, "upgrade");
  config->allows_downgrade = both || metadata::EqualIgnoreCase(policy, "downgrade");
}

}  // namespace

GroupConfig ReadGroupConfig(const metadata::ConfigView& view) {
  GroupConfig config;
  int32_t delay_ms = 3'000;
  Read(view, "group.initial.rebalance.delay.ms", &delay_ms);
  config.initial_rebalance_delay = std::chrono::milliseconds(delay_ms);
  Read(view, "group.min.session.timeout.ms", &config.session_timeout_ms_min);
  Read(view, "group.max.session.timeout.ms", &config.session_timeout_ms_max);
  Read(view, "group.max.size", &config.size_max);
  Read(view, "group.consumer.max.size", &config.consumer_size_max);
  config.consumer_assignors = ReadAssignors(view);
  ReadMigrationPolicy(view, &config);
  if (view.static_config != nullptr) config.static_config = *view.static_config;
  return config;
}

}  // namespace weir::state
