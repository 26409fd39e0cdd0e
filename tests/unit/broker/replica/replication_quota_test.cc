// The quotas of replicas that catch up: what is admitted, and when.
#include "broker/replica/replication_quota.h"

#include <gtest/gtest.h>

namespace weir::replica {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Bytes that somebody gets in `time` who takes `at_once` whenever he is admitted.
int64_t TakenIn(ReplicationQuota& quota, Duration time, int64_t at_once) {
  int64_t taken = 0;
  const MonoTime start{seconds(100)};
  for (MonoTime now = start; now < start + time; now += milliseconds(5)) {
    while (!quota.IsExceeded(now)) {
      quota.Record(at_once, now);
      taken += at_once;
    }
  }
  return taken;
}

TEST(ReplicationQuota, AdmitsTheRateAndOneSampleMore) {
  for (const int64_t at_once : {10, 700, 20'000}) {
    ReplicationQuota quota;
    quota.SetRate(10'000);
    const int64_t taken = TakenIn(quota, seconds(60), at_once);
    EXPECT_LE(taken, 61 * 10'000 + at_once) << at_once;
    EXPECT_GE(taken, 59 * 10'000) << at_once;
  }
}

TEST(ReplicationQuota, IdleTimeIsNotSavedUpBeyondOneSample) {
  ReplicationQuota quota;
  quota.SetRate(1000);
  MonoTime now{seconds(100)};
  quota.Record(1, now);
  now += std::chrono::hours(1);
  quota.Record(1000, now);
  EXPECT_FALSE(quota.IsExceeded(now));
  quota.Record(1, now);
  EXPECT_TRUE(quota.IsExceeded(now));
}

TEST(ReplicationQuota, WhoWaitsUntilReadyIsAdmitted) {
  ReplicationQuota quota;
  quota.SetRate(3);
  MonoTime now{seconds(100)};
  for (int i = 0; i < 20; ++i) {
    quota.Record(7, now);
    ASSERT_TRUE(quota.IsExceeded(now));
    now = quota.ReadyAt(now);
    ASSERT_FALSE(quota.IsExceeded(now));
  }
}

TEST(ReplicationQuota, NobodyIsStarvedHoweverLowTheRate) {
  const MonoTime now{seconds(100)};
  for (const int64_t rate : {int64_t{-5}, int64_t{0}, int64_t{1}, int64_t{100}}) {
    ReplicationQuota quota;
    quota.SetRate(rate);
    EXPECT_FALSE(quota.IsExceeded(now));
    EXPECT_GE(quota.BytesAtOnce(), 1);
    for (int i = 0; i < 5; ++i) quota.Record(1 << 30, now);
    EXPECT_TRUE(quota.IsExceeded(now));
    EXPECT_LE(quota.ReadyAt(now), now + ReplicationQuota::kWindow);
  }
}

TEST(ReplicationQuota, WithoutARateNothingIsExceeded) {
  ReplicationQuota quota;
  const MonoTime now{seconds(100)};
  for (int i = 0; i < 5; ++i) quota.Record(1 << 30, now);
  EXPECT_FALSE(quota.IsExceeded(now));
  EXPECT_EQ(quota.bytes_total(), int64_t{5} << 30);
  EXPECT_GT(quota.BytesAtOnce(), int64_t{1} << 40);
}

TEST(ReplicationQuota, LiftingTheRateFreesWhoWaits) {
  ReplicationQuota quota;
  const MonoTime now{seconds(100)};
  quota.SetRate(10);
  quota.Record(1000, now);
  EXPECT_TRUE(quota.IsExceeded(now));
  quota.SetRate(kUnlimitedRate);
  EXPECT_FALSE(quota.IsExceeded(now));
}

TEST(ReplicaThrottle, AMovesOwnRateCountsBeforeTheConfiguredOne) {
  const ReplicaThrottle throttle{.leader = true, .follower = false, .moves_to = {NodeId(4)}};
  EXPECT_EQ(throttle.OfSending(NodeId(4)), ThrottleKind::kMove);
  EXPECT_EQ(throttle.OfSending(NodeId(2)), ThrottleKind::kConfigured);
  EXPECT_EQ(throttle.OfFetching(NodeId(4)), ThrottleKind::kMove);
  EXPECT_EQ(throttle.OfFetching(NodeId(2)), ThrottleKind::kNone);
}

}  // namespace
}  // namespace weir::replica
