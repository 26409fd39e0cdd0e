#include "common/runtime/clock.h"

#include <sys/random.h>

#include <chrono>

#include "common/base/check.h"

namespace weir::runtime {

MonoTime SteadyNow() {
  return MonoTime(
      std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch()));
}

WallTime WallNow() {
  return WallTime(std::chrono::duration_cast<std::chrono::milliseconds>(
                      std::chrono::system_clock::now().time_since_epoch())
                      .count());
}

uint64_t RandomSeed() {
  uint64_t seed = 0;
  const ssize_t got = getrandom(&seed, sizeof(seed), 0);
  WEIR_CHECK(got == sizeof(seed));
  return seed;
}

}  // namespace weir::runtime
