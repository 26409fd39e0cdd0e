// ConfigOption: one configuration key: its type, default, valid values and documentation, as
// DescribeConfigs shows them and as changes are checked against them. The tables are in
// topic_options.cc and broker_options.cc.
// Thread rule: constants and pure functions.
#pragma once

#include <cstdint>
#include <limits>
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

struct ConfigConstraint {
  ConfigRule rule = ConfigRule::kAny;
  double low = 0;
  double high = 0;
  // Comma-separated.
  std::string_view choices = {};

  static constexpr ConfigConstraint Any() { return {}; }
  static constexpr ConfigConstraint AtLeast(double low) {
    return {ConfigRule::kRange, low, std::numeric_limits<double>::infinity(), {}};
  }
  static constexpr ConfigConstraint Between(double low, double high) {
    return {ConfigRule::kRange, low, high, {}};
  }
  static constexpr ConfigConstraint BetweenOrMinusOne(double low, double high) {
    return {ConfigRule::kRangeOrMinusOne, low, high, {}};
  }
  static constexpr ConfigConstraint OneOf(std::string_view choices) {
    return {ConfigRule::kOneOf, 0, 0, choices};
  }
  static constexpr ConfigConstraint OneOfIgnoreCase(std::string_view choices) {
    return {ConfigRule::kOneOfIgnoreCase, 0, 0, choices};
  }
  static constexpr ConfigConstraint EachOf(std::string_view choices) {
    return {ConfigRule::kEachOf, 0, 0, choices};
  }
  static constexpr ConfigConstraint NotEmpty() { return {ConfigRule::kNotEmpty, 0, 0, {}}; }
  static constexpr ConfigConstraint ThrottledReplicas() {
    return {ConfigRule::kThrottledReplicas, 0, 0, {}};
  }
};

struct ConfigOption {
  std::string_view name;
  ConfigType type = ConfigType::kString;
  // nullopt: no value (null).
  std::optional<std::string_view> default_value;
  ConfigConstraint constraint = {};
  // Topic options: the broker options that give the default, in order of preference,
  // comma-separated. Empty: none.
  std::string_view synonyms = {};
  // Whether it can be changed while the node runs. Topic options all can.
  bool dynamic = true;
  // Not shown.
  bool internal = false;
  // One sentence.
  std::string_view doc = {};

  bool sensitive() const { return type == ConfigType::kPassword; }
};

// Whether `value` suits the option. Errors: kInvalidConfig naming key, value and what is allowed.
Status ValidateConfig(const ConfigOption& option, std::string_view value);

// How values are read: blanks around them do not count, nor does the case of true and false.
// nullopt: it is none.
std::optional<bool> ParseConfigBool(std::string_view value);
std::optional<int64_t> ParseConfigInteger(std::string_view value);
std::optional<double> ParseConfigDouble(std::string_view value);
// Without blanks at either end.
std::string_view TrimBlanks(std::string_view text);
// Of ASCII text.
bool EqualIgnoreCase(std::string_view a, std::string_view b);

// The option of that name in a table ordered by name; null when there is none.
const ConfigOption* FindOption(std::span<const ConfigOption> ordered, std::string_view name);

// Items of a list value: split at commas, blanks trimmed, empty items dropped.
std::vector<std::string> SplitList(std::string_view value);
std::string JoinList(const std::vector<std::string>& items);

}  // namespace weir::metadata
