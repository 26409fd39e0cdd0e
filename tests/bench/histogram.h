// A histogram of durations in microseconds with at most 1 % error, of fixed size: 128 steps per
// power of two.
//
// Laws: (1) recording never allocates; (2) a percentile is an upper bound of its bucket.
// Runs on one thread at a time.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

namespace weir::bench {

class Histogram {
 public:
  void Record(int64_t value_us) {
    const uint64_t value = static_cast<uint64_t>(std::max<int64_t>(value_us, 0));
    ++counts_[std::min(IndexOf(value), counts_.size() - 1)];
    ++count_;
    max_us_ = std::max(max_us_, value);
  }

  // The value in microseconds below or at which `fraction` (0 to 1) of the records are; 0 when
  // empty.
  uint64_t Percentile(double fraction) const {
    const auto wanted = static_cast<uint64_t>(fraction * static_cast<double>(count_));
    uint64_t seen = 0;
    for (size_t index = 0; index < counts_.size(); ++index) {
      seen += counts_[index];
      if (seen > 0 && seen >= wanted) {
        return std::min(UpperBound(index), max_us_);
      }
    }
    return max_us_;
  }

  uint64_t count() const { return count_; }
  uint64_t max_us() const { return max_us_; }

 private:
  static constexpr unsigned kStepBits = 7;
  static constexpr uint64_t kSteps = uint64_t{1} << kStepBits;
  // 2^40 us are 12 days.
  static constexpr unsigned kPowers = 40;

  static size_t IndexOf(uint64_t value) {
    if (value < kSteps) {
      return value;
    }
    const unsigned shift = std::bit_width(value) - kStepBits - 1;
    return (shift + 1) * kSteps + ((value >> shift) - kSteps);
  }

  static uint64_t UpperBound(size_t index) {
    if (index < kSteps) {
      return index;
    }
    const uint64_t shift = index / kSteps - 1;
    return ((index % kSteps + kSteps + 1) << shift) - 1;
  }

  std::array<uint64_t, kSteps * kPowers> counts_{};
  uint64_t count_ = 0;
  uint64_t max_us_ = 0;
};

}  // namespace weir::bench
