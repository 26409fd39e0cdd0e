// Prng: the only source of randomness in the pure rooms. Same seed, same numbers, on every machine
// (xoshiro256** by Blackman and Vigna, seeded by splitmix64), so that a simulation can be replayed.
// Not for secrets. Thread rule: one owner.
#pragma once

#include <cstdint>

namespace weir {

class Prng {
 public:
  explicit Prng(uint64_t seed);

  // 64 random bits.
  uint64_t Next();
  // Uniform in [0, bound). REQUIRES: bound > 0.
  uint64_t Below(uint64_t bound);
  // Uniform in [low, high], both included. REQUIRES: low <= high.
  int64_t Between(int64_t low, int64_t high);
  // True `numerator` times in `denominator`.
  bool Chance(uint64_t numerator, uint64_t denominator) { return Below(denominator) < numerator; }

 private:
  uint64_t state_[4];
};

}  // namespace weir
