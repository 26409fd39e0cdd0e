#include "broker/log/leader_epoch_cache.h"

#include <algorithm>
#include <utility>

namespace weir::log {

bool LeaderEpochCache::Assign(LeaderEpoch epoch, Offset first_offset) {
  if (!starts_.empty() && starts_.back().epoch >= epoch) return false;
  while (!starts_.empty() && starts_.back().first_offset >= first_offset) starts_.pop_back();
  starts_.push_back({epoch, first_offset});
  return true;
}

std::vector<LeaderEpoch> LeaderEpochCache::TruncateFrom(Offset log_end_offset) {
  std::vector<LeaderEpoch> dropped;
  while (!starts_.empty() && starts_.back().first_offset >= log_end_offset) {
    dropped.push_back(starts_.back().epoch);
    starts_.pop_back();
  }
  return dropped;
}

void LeaderEpochCache::TrimBefore(Offset log_start_offset) {
  const auto after = std::find_if(starts_.begin(), starts_.end(), [&](const EpochStart& start) {
    return start.first_offset > log_start_offset;
  });
  if (after == starts_.begin()) return;
  starts_.erase(starts_.begin(), after - 1);
  starts_.front().first_offset = std::max(starts_.front().first_offset, log_start_offset);
}

std::optional<LeaderEpoch> LeaderEpochCache::Latest() const {
  if (starts_.empty()) return std::nullopt;
  return starts_.back().epoch;
}

LeaderEpoch LeaderEpochCache::EpochAt(Offset offset) const {
  const auto after = std::find_if(starts_.begin(), starts_.end(), [&](const EpochStart& start) {
    return start.first_offset > offset;
  });
  return after == starts_.begin() ? LeaderEpoch(-1) : (after - 1)->epoch;
}

EpochEnd LeaderEpochCache::EndOf(LeaderEpoch epoch, Offset log_end_offset) const {
  if (starts_.empty() || epoch > starts_.back().epoch) return {};
  const auto after = std::find_if(starts_.begin(), starts_.end(),
                                  [&](const EpochStart& start) { return start.epoch > epoch; });
  // Older than everything known: the answer is that the known history begins there (KIP-101).
  if (after == starts_.begin()) return {epoch, starts_.front().first_offset};
  const Offset end = after == starts_.end() ? log_end_offset : after->first_offset;
  return {(after - 1)->epoch, end};
}

}  // namespace weir::log
