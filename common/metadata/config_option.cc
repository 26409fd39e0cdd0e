#include "common/metadata/config_option.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>

#include "common/base/check.h"

namespace weir::metadata {
namespace {

template <class T>
std::optional<T> ParseNumber(std::string_view text) {
  text = TrimBlanks(text);
  if (text.starts_with('+')) text.remove_prefix(1);
  T number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

Status Refuse(const ConfigOption& option, std::string_view value, std::string_view allowed) {
  // A value may be long and may be a secret: neither belongs into a message.
  const std::string shown =
      option.sensitive() || value.size() > 200 ? "the value" : "'" + std::string(value) + "'";
  return Fail(ErrorCode::kInvalidConfig, "invalid value for " + std::string(option.name) + ": " +
                                             shown + " is not " + std::string(allowed));
}

std::string Number(double number) {
  // Whole numbers without an exponent; a double holds them exactly up to 2^53.
  if (std::abs(number) < 9e15 && number == std::floor(number)) {
    return std::to_string(static_cast<int64_t>(number));
  }
  char text[64];
  const auto [end, error] =
      std::to_chars(text, text + sizeof text, number, std::chars_format::general);
  return error == std::errc() ? std::string(text, end) : "?";
}

std::string RangeText(const ConfigConstraint& constraint) {
  std::string text = "at least " + Number(constraint.low);
  if (constraint.high != std::numeric_limits<double>::infinity()) {
    text += " and at most " + Number(constraint.high);
  }
  if (constraint.rule == ConfigRule::kRangeOrMinusOne) text += ", or -1";
  return text;
}

Status CheckRange(const ConfigOption& option, std::string_view value, double number) {
  const ConfigConstraint& constraint = option.constraint;
  const bool ranged =
      constraint.rule == ConfigRule::kRange || constraint.rule == ConfigRule::kRangeOrMinusOne;
  if (!ranged) return {};
  if (constraint.rule == ConfigRule::kRangeOrMinusOne && number == -1) return {};
  if (number >= constraint.low && number <= constraint.high) return {};
  return Refuse(option, value, RangeText(constraint));
}

Status CheckInteger(const ConfigOption& option, std::string_view value, int64_t low, int64_t high,
                    std::string_view kind) {
  const std::optional<int64_t> number = ParseConfigInteger(value);
  if (!number || *number < low || *number > high) return Refuse(option, value, kind);
  return CheckRange(option, value, static_cast<double>(*number));
}

bool IsChoice(const ConfigOption& option, std::string_view item) {
  const bool ignore_case = option.constraint.rule == ConfigRule::kOneOfIgnoreCase;
  for (const std::string& choice : SplitList(option.constraint.choices)) {
    if (ignore_case ? EqualIgnoreCase(choice, item) : choice == item) return true;
  }
  return false;
}

// "0:1,0:2,1:1", "*", "none", or nothing.
bool AreThrottledReplicas(std::string_view value) {
  if (TrimBlanks(value) == "*" || TrimBlanks(value) == "none") return true;
  for (const std::string& item : SplitList(value)) {
    const size_t colon = item.find(':');
    if (colon == std::string::npos) return false;
    if (!ParseConfigInteger(std::string_view(item).substr(0, colon))) return false;
    if (!ParseConfigInteger(std::string_view(item).substr(colon + 1))) return false;
  }
  return true;
}

Status CheckText(const ConfigOption& option, std::string_view value) {
  switch (option.constraint.rule) {
    case ConfigRule::kAny:
    case ConfigRule::kRange:
    case ConfigRule::kRangeOrMinusOne:
      return {};
    case ConfigRule::kNotEmpty:
      return TrimBlanks(value).empty() ? Refuse(option, value, "a text with something in it")
                                       : Status();
    case ConfigRule::kOneOf:
    case ConfigRule::kOneOfIgnoreCase:
      if (IsChoice(option, TrimBlanks(value))) return {};
      return Refuse(option, value, "one of " + std::string(option.constraint.choices));
    case ConfigRule::kEachOf:
      for (const std::string& item : SplitList(value)) {
        if (!IsChoice(option, item)) {
          return Refuse(option, value, "a list of " + std::string(option.constraint.choices));
        }
      }
      return {};
    case ConfigRule::kThrottledReplicas:
      if (AreThrottledReplicas(value)) return {};
      return Refuse(option, value, "a list of partition:broker pairs, or *");
  }
  WEIR_UNREACHABLE("every rule is handled");
}

}  // namespace

std::string_view ConfigTypeName(ConfigType type) {
  switch (type) {
    case ConfigType::kBoolean:
      return "BOOLEAN";
    case ConfigType::kString:
      return "STRING";
    case ConfigType::kInt:
      return "INT";
    case ConfigType::kShort:
      return "SHORT";
    case ConfigType::kLong:
      return "LONG";
    case ConfigType::kDouble:
      return "DOUBLE";
    case ConfigType::kList:
      return "LIST";
    case ConfigType::kClass:
      return "CLASS";
    case ConfigType::kPassword:
      return "PASSWORD";
  }
  WEIR_UNREACHABLE("every type has a name");
}

Status ValidateConfig(const ConfigOption& option, std::string_view value) {
  switch (option.type) {
    case ConfigType::kBoolean:
      return ParseConfigBool(value) ? Status() : Refuse(option, value, "true or false");
    case ConfigType::kShort:
      return CheckInteger(option, value, INT16_MIN, INT16_MAX, "a 16-bit integer");
    case ConfigType::kInt:
      return CheckInteger(option, value, INT32_MIN, INT32_MAX, "a 32-bit integer");
    case ConfigType::kLong:
      return CheckInteger(option, value, INT64_MIN, INT64_MAX, "a 64-bit integer");
    case ConfigType::kDouble:
      if (const auto number = ParseConfigDouble(value)) return CheckRange(option, value, *number);
      return Refuse(option, value, "a number");
    case ConfigType::kString:
    case ConfigType::kList:
    case ConfigType::kClass:
    case ConfigType::kPassword:
      return CheckText(option, value);
  }
  WEIR_UNREACHABLE("every type is checked");
}

std::optional<bool> ParseConfigBool(std::string_view value) {
  value = TrimBlanks(value);
  if (EqualIgnoreCase(value, "true")) return true;
  if (EqualIgnoreCase(value, "false")) return false;
  return std::nullopt;
}

std::optional<int64_t> ParseConfigInteger(std::string_view value) {
  return ParseNumber<int64_t>(value);
}

std::optional<double> ParseConfigDouble(std::string_view value) {
  return ParseNumber<double>(value);
}

bool EqualIgnoreCase(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) ==
           std::tolower(static_cast<unsigned char>(y));
  });
}

std::string_view TrimBlanks(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

const ConfigOption* FindOption(std::span<const ConfigOption> ordered, std::string_view name) {
  const auto at = std::lower_bound(
      ordered.begin(), ordered.end(), name,
      [](const ConfigOption& option, std::string_view key) { return option.name < key; });
  return at != ordered.end() && at->name == name ? &*at : nullptr;
}

std::vector<std::string> SplitList(std::string_view value) {
  std::vector<std::string> items;
  while (!value.empty()) {
    const size_t comma = value.find(',');
    const std::string_view item = TrimBlanks(value.substr(0, comma));
    if (!item.empty()) items.emplace_back(item);
    if (comma == std::string_view::npos) break;
    value.remove_prefix(comma + 1);
  }
  return items;
}

std::string JoinList(const std::vector<std::string>& items) {
  std::string joined;
  for (const std::string& item : items) {
    if (!joined.empty()) joined += ",";
    joined += item;
  }
  return joined;
}

}  // namespace weir::metadata
