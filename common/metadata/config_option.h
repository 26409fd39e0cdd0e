// ConfigOption: one configuration key: its type, default, valid values and documentation, as
// DescribeConfigs shows them and as changes are checked against them. The tables are in
// topic_options.cc and broker_options.cc.
// Thread rule: constants and pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace weir::metadata {

// Kafka's types; the numbers are those of DescribeConfigs on the wire.
enum class ConfigType : uint8_t {
  kBoolean = 1,
  kString = 2,
  kInt = 3,
  kShort = 4,
  kLong = 5,
  kDouble = 6,
  kList = 7,
  kClass = 8,
  kPassword = 9,
};

// "BOOLEAN", "STRING", ...
std::string_view ConfigTypeName(ConfigType type);

// What a value must satisfy beyond its type.
enum class ConfigRule : uint8_t {
  kAny,
  // low <= number <= high.
  kRange,
  // The same, or -1.
  kRangeOrMinusOne,
  // One of `choices`.
  kOneOf,
  kOneOfIgnoreCase,
  // A list, each item one of `choices`.
  kEachOf,
  // Not the empty text.
  kNotEmpty,
  // A list of partition:broker pairs, or "*".
  kThrottledReplicas,
};

struct ConfigOption {
  std::string_view name;
  ConfigType type;
  // nullopt: no value (null).
  std::optional<std::string_view> default_value;
  ConfigRule rule = ConfigRule::kAny;
  double low = 0;
  double high = 0;
  // Comma-separated.
  std::string_view choices = {};
  // Topic options: the broker options that give the default, in order of preference,
  // comma-separated. Empty: none.
  std::string_view synonyms = {};
  // Whether it can be changed while the node runs. Topic options all can.
  bool dynamic = true;
  // One sentence.
  std::string_view doc = {};

  bool sensitive() const { return type == ConfigType::kPassword; }
};

// Whether `value` suits the option. Errors: kInvalidConfig naming key, value and what is allowed.
Status ValidateConfig(const ConfigOption& option, std::string_view value);

// The option of that name in a table ordered by name; null when there is none.
const ConfigOption* FindOption(std::span<const ConfigOption> ordered, std::string_view name);

// Items of a list value: split at commas, blanks trimmed, empty items dropped.
std::vector<std::string> SplitList(std::string_view value);
std::string JoinList(const std::vector<std::string>& items);

}  // namespace weir::metadata
