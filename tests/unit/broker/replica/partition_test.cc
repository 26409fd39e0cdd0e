// Partition's laws, event by event.
#include "broker/replica/partition.h"

#include <gtest/gtest.h>

namespace weir::replica {
namespace {

constexpr NodeId kSelf{1};
constexpr NodeId kOther{2};

LeaderAndIsr News(NodeId leader, int epoch, int partition_epoch, std::vector<NodeId> isr) {
  return {leader, LeaderEpoch(epoch), PartitionEpoch(partition_epoch), std::move(isr)};
}

TEST(Partition, ALeaderAloneMakesWhatItHasReadable) {
  Partition partition(kSelf, Offset(3), Offset(10));
  EXPECT_EQ(partition.high_watermark(), Offset(3));
  const Partition::Actions actions = partition.OnLeaderChange(News(kSelf, 0, 0, {kSelf}));
  EXPECT_EQ(actions, (Partition::Actions{.began_leading = true, .high_watermark_moved = true}));
  EXPECT_EQ(partition.high_watermark(), Offset(10));
}

TEST(Partition, TheHighWatermarkFollowsWhatIsPersisted) {
  Partition partition(kSelf, Offset(0), Offset(0));
  partition.OnLeaderChange(News(kSelf, 0, 0, {kSelf}));
  partition.OnAppend(Offset(5));
  EXPECT_EQ(partition.high_watermark(), Offset(0));
  EXPECT_TRUE(partition.OnPersisted(Offset(3)).high_watermark_moved);
  EXPECT_EQ(partition.high_watermark(), Offset(3));
  EXPECT_FALSE(partition.OnPersisted(Offset(2)).high_watermark_moved);
  EXPECT_EQ(partition.high_watermark(), Offset(3));
  EXPECT_EQ(partition.Describe(), "leader epoch=0 hw=3 persisted=3 end=5 isr=[1]");
}

TEST(Partition, InSyncFollowersHoldTheHighWatermark) {
  Partition partition(kSelf, Offset(0), Offset(0));
  partition.OnLeaderChange(News(kSelf, 0, 0, {kSelf, kOther}));
  partition.OnAppend(Offset(5));
  EXPECT_FALSE(partition.OnPersisted(Offset(5)).high_watermark_moved);
  EXPECT_EQ(partition.high_watermark(), Offset(0));
  EXPECT_TRUE(partition.OnLeaderChange(News(kSelf, 0, 1, {kSelf})).high_watermark_moved);
  EXPECT_EQ(partition.high_watermark(), Offset(5));
}

TEST(Partition, I41_OlderNewsIsIgnored) {
  Partition partition(kSelf, Offset(0), Offset(0));
  partition.OnLeaderChange(News(kSelf, 4, 9, {kSelf}));
  EXPECT_EQ(partition.OnLeaderChange(News(kOther, 3, 10, {kOther})), Partition::Actions{});
  EXPECT_EQ(partition.OnLeaderChange(News(kOther, 4, 8, {kOther})), Partition::Actions{});
  EXPECT_TRUE(partition.leading());
  EXPECT_EQ(partition.OnLeaderChange(News(kSelf, 4, 9, {kSelf})), Partition::Actions{});
}

TEST(Partition, ANewEpochOfOnesOwnStopsAndBegins) {
  Partition partition(kSelf, Offset(0), Offset(0));
  partition.OnLeaderChange(News(kSelf, 1, 1, {kSelf}));
  const Partition::Actions actions = partition.OnLeaderChange(News(kSelf, 2, 2, {kSelf}));
  EXPECT_TRUE(actions.stopped_leading);
  EXPECT_TRUE(actions.began_leading);
  EXPECT_TRUE(partition.OnLeaderChange(News(kOther, 3, 3, {kOther})).stopped_leading);
  EXPECT_FALSE(partition.leading());
}

TEST(Partition, I24_ServesOnlyTheEpochTheClientBelievesIn) {
  Partition partition(kSelf, Offset(0), Offset(0));
  EXPECT_EQ(partition.CheckServing(LeaderEpoch(-1)), ErrorCode::kNotLeaderOrFollower);
  partition.OnLeaderChange(News(kSelf, 4, 0, {kSelf}));
  EXPECT_EQ(partition.CheckServing(LeaderEpoch(-1)), ErrorCode::kNone);
  EXPECT_EQ(partition.CheckServing(LeaderEpoch(4)), ErrorCode::kNone);
  EXPECT_EQ(partition.CheckServing(LeaderEpoch(3)), ErrorCode::kFencedLeaderEpoch);
  EXPECT_EQ(partition.CheckServing(LeaderEpoch(5)), ErrorCode::kUnknownLeaderEpoch);
}

TEST(Partition, AppendsNeedALeaderValidAcksAndEnoughReplicas) {
  Partition partition(kSelf, Offset(0), Offset(0));
  EXPECT_EQ(partition.CheckAppend(1, 1), ErrorCode::kNotLeaderOrFollower);
  partition.OnLeaderChange(News(kSelf, 0, 0, {kSelf}));
  EXPECT_EQ(partition.CheckAppend(-1, 1), ErrorCode::kNone);
  EXPECT_EQ(partition.CheckAppend(-1, 2), ErrorCode::kNotEnoughReplicas);
  EXPECT_EQ(partition.CheckAppend(1, 2), ErrorCode::kNone);
  EXPECT_EQ(partition.CheckAppend(2, 1), ErrorCode::kInvalidRequiredAcks);
}

}  // namespace
}  // namespace weir::replica
