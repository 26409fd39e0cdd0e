// The two clocks of the process. Only the edges read them; logic gets times as values
// (common/base/time.h). Thread rule: callable from any thread.
#pragma once

#include "common/base/time.h"

namespace weir::runtime {

// Since an arbitrary start, microseconds; never jumps.
MonoTime SteadyNow();

// Milliseconds since 1970 UTC.
WallTime WallNow();

// 64 bits from the operating system: seeds for Prng.
uint64_t RandomSeed();

}  // namespace weir::runtime
