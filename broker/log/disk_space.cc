#include "broker/log/disk_space.h"

#include <algorithm>

namespace weir::log {
namespace {
constexpr uint64_t kMiB = 1024 * 1024;
constexpr uint64_t kDefaultShare = 20;
constexpr uint64_t kDefaultMin = 256 * kMiB;
constexpr uint64_t kDefaultMax = 4096 * kMiB;
// Part of the reserve that must be free above it before a full disk counts as having room.
constexpr uint64_t kHysteresisShare = 4;
}  // namespace

uint64_t DefaultReserve(uint64_t total_bytes) {
  return std::clamp(total_bytes / kDefaultShare, kDefaultMin, kDefaultMax);
}

bool DiskSpace::Update(const DiskSample& sample) {
  reserve_bytes_ = configured_reserve_bytes_ != 0 ? configured_reserve_bytes_
                                                  : DefaultReserve(sample.total_bytes);
  const uint64_t spoken_for = sample.unflushed_bytes + kCopies * sample.queued_bytes;
  free_bytes_ = sample.available_bytes - std::min(sample.available_bytes, spoken_for);
  const bool was_full = full_;
  const uint64_t mark =
      was_full ? reserve_bytes_ + reserve_bytes_ / kHysteresisShare : reserve_bytes_;
  full_ = free_bytes_ < mark || (sample.room_spent && !was_full);
  return full_ != was_full;
}

}  // namespace weir::log
