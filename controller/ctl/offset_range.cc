#include "controller/ctl/offset_range.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>

#include "common/base/check.h"

namespace weir::ctl {
namespace {

constexpr const char* kGrammar =
    ": expected start, end, N, +N, -N or @TIME, then optionally :end, :N or :@TIME";

std::optional<int64_t> ParseNumber(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

// "10m" in milliseconds.
std::optional<int64_t> ParseDuration(std::string_view text) {
  if (text.empty()) return std::nullopt;
  int64_t unit_ms = 0;
  switch (text.back()) {
    case 's':
      unit_ms = 1'000;
      break;
    case 'm':
      unit_ms = 60'000;
      break;
    case 'h':
      unit_ms = 3'600'000;
      break;
    case 'd':
      unit_ms = 86'400'000;
      break;
    default:
      return std::nullopt;
  }
  const auto count = ParseNumber(text.substr(0, text.size() - 1));
  if (!count || *count > 1'000'000) return std::nullopt;
  return *count * unit_ms;
}

// A date, or date and time, in UTC.
std::optional<int64_t> ParseDate(const std::string& text) {
  int year = 0, used = 0;
  unsigned month = 0, day = 0, hour = 0, minute = 0, second = 0;
  if (std::sscanf(text.c_str(), "%4d-%2u-%2u%n", &year, &month, &day, &used) != 3)
    return std::nullopt;
  std::string rest = text.substr(static_cast<size_t>(used));
  if (!rest.empty()) {
    used = 0;
    if (std::sscanf(rest.c_str(), "T%2u:%2u:%2u%n", &hour, &minute, &second, &used) != 3)
      return std::nullopt;
    rest.erase(0, static_cast<size_t>(used));
    if (rest == "Z") rest.clear();
  }
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month),
                                         std::chrono::day(day)};
  if (!rest.empty() || !date.ok() || hour > 23 || minute > 59 || second > 59) return std::nullopt;
  const int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  return ((days * 24 + hour) * 60 + minute) * 60'000 + int64_t{second} * 1'000;
}

std::optional<int64_t> ParseTime(const std::string& text, WallTime now) {
  if (text.starts_with('-')) {
    const auto ago_ms = ParseDuration(std::string_view(text).substr(1));
    if (!ago_ms) return std::nullopt;
    return now.value() - *ago_ms;
  }
  if (const auto milliseconds = ParseNumber(text)) return milliseconds;
  return ParseDate(text);
}

std::optional<Position> Numbered(PositionKind kind, const std::optional<int64_t>& value) {
  if (!value) return std::nullopt;
  return Position{kind, *value};
}

std::optional<Position> ParsePosition(const std::string& text, WallTime now) {
  if (text == "start") return Position{PositionKind::kStart, 0};
  if (text == "end") return Position{PositionKind::kEnd, 0};
  if (text.empty()) return std::nullopt;
  const std::string rest = text.substr(1);
  if (text[0] == '@') return Numbered(PositionKind::kTime, ParseTime(rest, now));
  if (text[0] == '+') return Numbered(PositionKind::kFromStart, ParseNumber(rest));
  if (text[0] == '-') return Numbered(PositionKind::kBeforeEnd, ParseNumber(rest));
  return Numbered(PositionKind::kOffset, ParseNumber(text));
}

// The ':' between FROM and TO: the first that is not one of the two in a time of day.
size_t FindSeparator(const std::string& text) {
  if (text.starts_with(':')) return 0;
  for (size_t at = text.find(':'); at != std::string::npos; at = text.find(':', at + 1)) {
    const std::string before = text.substr(0, at);
    const bool in_time_of_day =
        before.find('T') != std::string::npos && std::ranges::count(before, ':') < 2;
    if (!in_time_of_day) return at;
  }
  return std::string::npos;
}

}  // namespace

Result<OffsetRange> ParseOffsetRange(const std::string& text, WallTime now) {
  const auto failure = [&text] {
    return Fail(ErrorCode::kInvalidRequest, "\"" + text + "\"" + kGrammar);
  };
  const size_t separator = FindSeparator(text);
  OffsetRange range;
  const std::string from_text = text.substr(0, separator);
  if (separator != 0) {
    const auto from = ParsePosition(from_text, now);
    if (!from) return failure();
    range.from = *from;
  }
  if (separator == std::string::npos) return range;
  const auto to = ParsePosition(text.substr(separator + 1), now);
  if (!to || to->kind == PositionKind::kStart || to->kind == PositionKind::kFromStart ||
      to->kind == PositionKind::kBeforeEnd)
    return failure();
  range.to = to;
  return range;
}

int64_t ResolvePosition(const Position& position, const LogBounds& bounds) {
  switch (position.kind) {
    case PositionKind::kStart:
      return bounds.start;
    case PositionKind::kEnd:
      return bounds.end;
    case PositionKind::kOffset:
      return position.value;
    case PositionKind::kFromStart:
      return std::min(bounds.start + position.value, bounds.end);
    case PositionKind::kBeforeEnd:
      return std::max(bounds.end - position.value, bounds.start);
    case PositionKind::kTime:
      break;
  }
  WEIR_UNREACHABLE("times are resolved by the broker");
}

}  // namespace weir::ctl
