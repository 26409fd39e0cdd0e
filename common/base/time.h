// Time as the pure rooms see it: values handed in, never read from a clock.
//   MonoTime  a point on a clock that never jumps; for timeouts and deadlines.
//   WallTime  milliseconds since 1970 UTC, as Kafka records carry them; for timestamps only.
// Thread rule: plain values.
#pragma once

#include <chrono>
#include <cstdint>

#include "common/base/ids.h"

namespace weir {

// Tag of the process's monotonic clock. It has no now(): executors tell the time.
struct MonotonicClock {
  using duration = std::chrono::microseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<MonotonicClock, duration>;
  static constexpr bool is_steady = true;
};

using Duration = std::chrono::microseconds;
using MonoTime = MonotonicClock::time_point;
using WallTime = StrongInt<struct WallTimeTag, int64_t>;  // ms since the epoch

}  // namespace weir
