// ReplicationQuota: how many bytes per second replicas that catch up may take from, or bring to,
// this broker; a token bucket. Kafka's replication quotas (KIP-73), with these differences: only
// bytes of replicas that catch up count, so that a busy partition does not starve its own move, and
// the quota starts with the bytes of one sample, not of a whole window.
//
// Laws:
//  1. Over any time t at most rate * (t + one sample) bytes are admitted, and beyond that only what
//     the last ones admitted took at once.
//  2. What is exceeded is free again at ReadyAt, after one window at most, however low the rate:
//     a throttled replica always goes on.
//  3. Time only comes in as a value.
// Thread rule: any thread; lock-free. One object is shared by all shards of a broker.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <vector>

#include "common/base/ids.h"
#include "common/base/time.h"

namespace weir::replica {

// What throttles a replica: the broker's configured rate (leader. and
// follower.replication.throttled.rate), or the rate that its move was given.
enum class ThrottleKind : uint8_t { kNone, kConfigured, kMove };

inline constexpr int64_t kUnlimitedRate = std::numeric_limits<int64_t>::max();

class ReplicationQuota {
 public:
  // Kafka's defaults of replication.quota.window.size.seconds and replication.quota.window.num.
  static constexpr Duration kSample = std::chrono::seconds(1);
  static constexpr Duration kWindow = 11 * kSample;

  ReplicationQuota() = default;
  ReplicationQuota(const ReplicationQuota&) = delete;
  ReplicationQuota& operator=(const ReplicationQuota&) = delete;

  // Bytes/s; kUnlimitedRate: no limit. Below 1 counts as 1.
  void SetRate(int64_t rate);
  int64_t rate() const { return rate_.load(std::memory_order_relaxed); }

  // From when on bytes are admitted again: `now` or earlier when they are now.
  MonoTime ReadyAt(MonoTime now) const;
  bool IsExceeded(MonoTime now) const { return ReadyAt(now) > now; }
  // What may be taken at once by somebody who was admitted: the bytes of one sample.
  int64_t BytesAtOnce() const;
  void Record(int64_t bytes, MonoTime now);

  // Recorded so far.
  int64_t bytes_total() const { return bytes_total_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> rate_ = kUnlimitedRate;
  // When what was recorded is paid off, in nanoseconds of the monotonic clock.
  std::atomic<int64_t> paid_at_ns_ = std::numeric_limits<int64_t>::min();
  std::atomic<int64_t> bytes_total_ = 0;
};

// Bytes/s of a broker, by what throttles.
struct ThrottleRates {
  int64_t leader_configured = kUnlimitedRate;
  int64_t follower_configured = kUnlimitedRate;
  // What this broker sends and what it receives for moves.
  int64_t moves = kUnlimitedRate;

  friend bool operator==(const ThrottleRates&, const ThrottleRates&) = default;
};

// Bytes by what throttles them.
struct ThrottledBytes {
  int64_t configured = 0;
  int64_t moves = 0;

  // REQUIRES: kind is not kNone.
  int64_t& Of(ThrottleKind kind) { return kind == ThrottleKind::kMove ? moves : configured; }
};

// The quotas of one broker and one direction.
class ThrottleQuotas {
 public:
  // REQUIRES: kind is not kNone.
  ReplicationQuota& Of(ThrottleKind kind) { return kind == ThrottleKind::kMove ? moves_ : conf_; }
  const ReplicationQuota& Of(ThrottleKind kind) const {
    return kind == ThrottleKind::kMove ? moves_ : conf_;
  }
  int64_t bytes_total() const { return conf_.bytes_total() + moves_.bytes_total(); }

 private:
  ReplicationQuota conf_;
  ReplicationQuota moves_;
};

// Both directions: what this broker sends as a leader, and what it fetches as a follower.
struct ReplicationQuotas {
  ThrottleQuotas leader;
  ThrottleQuotas follower;

  void SetRates(const ThrottleRates& rates);
};

// Which throttles apply to a replica of this broker while it, or a follower of it, catches up.
struct ReplicaThrottle {
  // This replica is in leader. or follower.replication.throttled.replicas.
  bool leader = false;
  bool follower = false;
  // The replicas that a move with a rate of its own is adding. That rate alone counts for them.
  std::vector<NodeId> moves_to;

  // For what this broker sends to the replica on broker `to`.
  ThrottleKind OfSending(NodeId to) const;
  // For what this broker, `self`, fetches.
  ThrottleKind OfFetching(NodeId self) const;

  friend bool operator==(const ReplicaThrottle&, const ReplicaThrottle&) = default;

 private:
  // For what the replica on `receiver` takes; `listed`: whether the configuration names it.
  ThrottleKind Of(NodeId receiver, bool listed) const;
};

}  // namespace weir::replica
