// Where consuming starts and ends: the argument of `weir topic consume -o`.
//
//   RANGE := FROM | FROM ":" TO | ":" TO        without FROM: start; without TO: go on for ever
//   FROM  := start | end | N | +N | -N | @TIME
//            N: that offset; +N: N after the start; -N: N before the end
//   TO    := end | N | @TIME
//            exclusive; end: the end as it is when consuming begins
//   TIME  := milliseconds since 1970 | YYYY-MM-DD[THH:MM:SS[Z]] in UTC | -DURATION
//            ago: -90s, -10m, -2h, -7d
//
// Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/base/result.h"
#include "common/base/time.h"

namespace weir::ctl {

enum class PositionKind {
  kStart,      // the log start offset
  kEnd,        // the log end offset
  kOffset,     // value
  kFromStart,  // value records after the start
  kBeforeEnd,  // value records before the end
  kTime,       // the first record at or after value (ms since 1970)
};

struct Position {
  PositionKind kind = PositionKind::kStart;
  int64_t value = 0;

  friend bool operator==(const Position&, const Position&) = default;
};

struct OffsetRange {
  Position from;
  // Kinds kEnd, kOffset and kTime only. Absent: no end.
  std::optional<Position> to;

  friend bool operator==(const OffsetRange&, const OffsetRange&) = default;
};

// `now` is what -DURATION counts back from. Errors: kInvalidRequest with the grammar.
Result<OffsetRange> ParseOffsetRange(const std::string& text, WallTime now);

// What a partition's log says: needed to turn positions into offsets.
struct LogBounds {
  int64_t start = 0;
  int64_t end = 0;
};

// The offset of `position`, kept within the bounds except for kOffset. REQUIRES: not kTime.
int64_t ResolvePosition(const Position& position, const LogBounds& bounds);

}  // namespace weir::ctl
