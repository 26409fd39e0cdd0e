#include "broker/replica/replication_quota.h"

#include <algorithm>

namespace weir::replica {
namespace {

constexpr int64_t kNsPerSecond = 1'000'000'000;

int64_t ToNs(MonoTime time) { return std::chrono::nanoseconds(time.time_since_epoch()).count(); }
int64_t ToNs(Duration duration) { return std::chrono::nanoseconds(duration).count(); }

// How long `bytes` take at `rate`; what is longer than `max_ns` counts as that.
int64_t CostNs(int64_t bytes, int64_t rate, int64_t max_ns) {
  const double cost =
      static_cast<double>(bytes) * static_cast<double>(kNsPerSecond) / static_cast<double>(rate);
  return cost >= static_cast<double>(max_ns) ? max_ns : static_cast<int64_t>(cost);
}

}  // namespace

void ReplicationQuota::SetRate(int64_t rate) {
  rate_.store(std::max<int64_t>(rate, 1), std::memory_order_relaxed);
}

MonoTime ReplicationQuota::ReadyAt(MonoTime now) const {
  const int64_t paid_at_ns = paid_at_ns_.load(std::memory_order_relaxed);
  if (rate() == kUnlimitedRate || paid_at_ns <= ToNs(now)) return now;
  // Rounded up, so that who waits so long is admitted.
  return MonoTime(std::chrono::ceil<Duration>(std::chrono::nanoseconds(paid_at_ns)));
}

int64_t ReplicationQuota::BytesAtOnce() const {
  const double bytes = static_cast<double>(rate()) * static_cast<double>(ToNs(kSample)) /
                       static_cast<double>(kNsPerSecond);
  return std::max<int64_t>(
      1, static_cast<int64_t>(std::min(bytes, static_cast<double>(int64_t{1} << 62))));
}

void ReplicationQuota::Record(int64_t bytes, MonoTime now) {
  if (bytes <= 0) return;
  bytes_total_.fetch_add(bytes, std::memory_order_relaxed);
  const int64_t sample_ns = ToNs(kSample);
  const int64_t window_ns = ToNs(kWindow);
  const int64_t cost_ns = CostNs(bytes, rate(), window_ns);
  int64_t before = paid_at_ns_.load(std::memory_order_relaxed);
  int64_t after = 0;
  do {
    // Law 1: what was not used in the last sample is still there; law 2: the window bounds the
    // debt.
    after = std::min(std::max(before, ToNs(now) - sample_ns) + cost_ns, ToNs(now) + window_ns);
  } while (!paid_at_ns_.compare_exchange_weak(before, after, std::memory_order_relaxed));
}

void ReplicationQuotas::SetRates(const ThrottleRates& rates) {
  leader.Of(ThrottleKind::kConfigured).SetRate(rates.leader_configured);
  follower.Of(ThrottleKind::kConfigured).SetRate(rates.follower_configured);
  leader.Of(ThrottleKind::kMove).SetRate(rates.moves);
  follower.Of(ThrottleKind::kMove).SetRate(rates.moves);
}

ThrottleKind ReplicaThrottle::OfSending(NodeId to) const { return Of(to, leader); }
ThrottleKind ReplicaThrottle::OfFetching(NodeId self) const { return Of(self, follower); }

ThrottleKind ReplicaThrottle::Of(NodeId receiver, bool listed) const {
  const bool moves = std::find(moves_to.begin(), moves_to.end(), receiver) != moves_to.end();
  if (moves) return ThrottleKind::kMove;
  return listed ? ThrottleKind::kConfigured : ThrottleKind::kNone;
}

}  // namespace weir::replica
