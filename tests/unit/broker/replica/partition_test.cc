// Partition's laws, event by event.
#include "broker/replica/partition.h"

#include <gtest/gtest.h>

namespace weir::replica {
namespace {

constexpr NodeId kSelf{1};
constexpr NodeId kOther{2};

const MonoTime kStart{std::chrono::seconds(100)};

// Both are replicas.
LeaderAndIsr News(NodeId leader, int epoch, int partition_epoch, std::vector<NodeId> isr) {
  return {.leader = leader,
          .leader_epoch = LeaderEpoch(epoch),
          .partition_epoch = PartitionEpoch(partition_epoch),
          .replicas = {kSelf, kOther},
          .isr = std::move(isr)};
}

TEST(Partition, ALeaderAloneMakesWhatItHasReadable) {
  Partition partition(kSelf, Offset(3), Offset(10));
  EXPECT_EQ(partition.high_watermark(), Offset(3));
  const Partition::Actions actions = partition.OnLeaderChange(News(kSelf, 0, 0, {kSelf}), kStart);
  EXPECT_EQ(actions, (Partition::Actions{.began_leading = true,
                                         .leader_to_follow_changed = true,
                                         .high_watermark_moved = true}));
  EXPECT_EQ(partition.high_watermark(), Offset(10));
}

TEST(Partition, TheHighWatermarkFollowsWhatIsPersisted) {
  Partition partition(kSelf, Offset(0), Offset(0));
  partition.OnLeaderChange(News(kSelf, 0, 0, {kSelf}), kStart);
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
  partition.OnLeaderChange(News(kSelf, 0, 0, {kSelf, kOther}), kStart);
  partition.OnAppend(Offset(5));
  EXPECT_FALSE(partition.OnPersisted(Offset(5)).high_watermark_moved);
  EXPECT_EQ(partition.high_watermark(), Offset(0));
  EXPECT_TRUE(partition.OnLeaderChange(News(kSelf, 0, 1, {kSelf}), kStart).high_watermark_moved);
  EXPECT_EQ(partition.high_watermark(), Offset(5));
}

TEST(Partition, I41_OlderNewsIsIgnored) {
  Partition partition(kSelf, Offset(0), Offset(0));
  partition.OnLeaderChange(News(kSelf, 4, 9, {kSelf}), kStart);
  EXPECT_EQ(partition.OnLeaderChange(News(kOther, 3, 10, {kOther}), kStart), Partition::Actions{});
  EXPECT_EQ(partition.OnLeaderChange(News(kOther, 4, 8, {kOther}), kStart), Partition::Actions{});
  EXPECT_TRUE(partition.leading());
  EXPECT_EQ(partition.OnLeaderChange(News(kSelf, 4, 9, {kSelf}), kStart), Partition::Actions{});
}

TEST(Partition, ANewEpochOfOnesOwnStopsAndBegins) {
  Partition partition(kSelf, Offset(0), Offset(0));
  partition.OnLeaderChange(News(kSelf, 1, 1, {kSelf}), kStart);
  const Partition::Actions actions = partition.OnLeaderChange(News(kSelf, 2, 2, {kSelf}), kStart);
  EXPECT_TRUE(actions.stopped_leading);
  EXPECT_TRUE(actions.began_leading);
  EXPECT_TRUE(partition.OnLeaderChange(News(kOther, 3, 3, {kOther}), kStart).stopped_leading);
  EXPECT_FALSE(partition.leading());
}

TEST(Partition, I24_ServesOnlyTheEpochTheClientBelievesIn) {
  Partition partition(kSelf, Offset(0), Offset(0));
  EXPECT_EQ(partition.CheckServing(LeaderEpoch(-1)), ErrorCode::kNotLeaderOrFollower);
  partition.OnLeaderChange(News(kSelf, 4, 0, {kSelf}), kStart);
  EXPECT_EQ(partition.CheckServing(LeaderEpoch(-1)), ErrorCode::kNone);
  EXPECT_EQ(partition.CheckServing(LeaderEpoch(4)), ErrorCode::kNone);
  EXPECT_EQ(partition.CheckServing(LeaderEpoch(3)), ErrorCode::kFencedLeaderEpoch);
  EXPECT_EQ(partition.CheckServing(LeaderEpoch(5)), ErrorCode::kUnknownLeaderEpoch);
}

TEST(Partition, AppendsNeedALeaderValidAcksAndEnoughReplicas) {
  Partition partition(kSelf, Offset(0), Offset(0));
  EXPECT_EQ(partition.CheckAppend(1), ErrorCode::kNotLeaderOrFollower);
  partition.OnLeaderChange(News(kSelf, 0, 0, {kSelf}), kStart);
  EXPECT_EQ(partition.CheckAppend(-1), ErrorCode::kNone);
  partition.set_min_insync_replicas(2);
  EXPECT_EQ(partition.CheckAppend(-1), ErrorCode::kNotEnoughReplicas);
  EXPECT_EQ(partition.CheckAppend(1), ErrorCode::kNone);
  EXPECT_EQ(partition.CheckAppend(2), ErrorCode::kInvalidRequiredAcks);
}

// A leader of three, its log persisted to offset 10, its epoch begun at 5.
class LeaderOfThree : public ::testing::Test {
 protected:
  static constexpr NodeId kThird{3};
  static constexpr BrokerEpoch kLife{7};
  static constexpr Duration kLag = std::chrono::seconds(30);

  LeaderOfThree() {
    partition_.OnLeaderChange(Metadata(1, {kSelf, kOther, kThird}), kStart);
    partition_.OnAppend(Offset(10));
    partition_.OnPersisted(Offset(10));
  }
  static LeaderAndIsr Metadata(int partition_epoch, std::vector<NodeId> isr, NodeId leader = kSelf,
                               int epoch = 1) {
    return {.leader = leader,
            .leader_epoch = LeaderEpoch(epoch),
            .partition_epoch = PartitionEpoch(partition_epoch),
            .replicas = {kSelf, kOther, kThird},
            .isr = std::move(isr)};
  }
  Partition::Actions Fetch(NodeId replica, int64_t offset, Duration after = Duration(0)) {
    return partition_.OnFollowerFetch(replica, kLife, Offset(offset), kStart + after);
  }
  Offset high_watermark() const { return partition_.high_watermark(); }

  Partition partition_{kSelf, Offset(0), Offset(5)};
};

TEST_F(LeaderOfThree, I13_TheHighWatermarkIsTheLeastOfWhatTheIsrHasPersisted) {
  EXPECT_EQ(high_watermark(), Offset(0));
  EXPECT_FALSE(Fetch(kOther, 10).high_watermark_moved);
  EXPECT_TRUE(Fetch(kThird, 8).high_watermark_moved);
  EXPECT_EQ(high_watermark(), Offset(8));
  partition_.OnAppend(Offset(20));
  Fetch(kOther, 20);
  Fetch(kThird, 20);
  EXPECT_EQ(high_watermark(), Offset(10)) << "this broker has persisted no more";
  EXPECT_TRUE(partition_.OnPersisted(Offset(20)).high_watermark_moved);
  EXPECT_EQ(high_watermark(), Offset(20));
}

TEST_F(LeaderOfThree, TheHighWatermarkNeverGoesBack) {
  Fetch(kOther, 10);
  Fetch(kThird, 10);
  ASSERT_EQ(high_watermark(), Offset(10));
  // Its disk was lost: it begins anew.
  partition_.OnFollowerFetch(kThird, BrokerEpoch(8), Offset(0), kStart);
  EXPECT_EQ(high_watermark(), Offset(10));
}

TEST_F(LeaderOfThree, KIP966_TheHighWatermarkRestsBelowMinInsyncReplicas) {
  partition_.set_min_insync_replicas(2);
  Fetch(kOther, 10);
  partition_.OnLeaderChange(Metadata(2, {kSelf}), kStart);
  EXPECT_EQ(high_watermark(), Offset(0));
  EXPECT_FALSE(partition_.enough_in_sync());
  EXPECT_EQ(partition_.CheckAppend(-1), ErrorCode::kNotEnoughReplicas);
  EXPECT_TRUE(partition_.OnLeaderChange(Metadata(3, {kSelf, kOther}), kStart).high_watermark_moved);
  EXPECT_EQ(high_watermark(), Offset(10));
}

TEST_F(LeaderOfThree, I14_AReplicaJoinsAtTheHighWatermarkAndTheEpochsStart) {
  partition_.OnLeaderChange(Metadata(2, {kSelf}), kStart);
  ASSERT_EQ(high_watermark(), Offset(10));
  EXPECT_EQ(Fetch(kOther, 9).propose, std::nullopt);
  const auto proposal = Fetch(kOther, 10).propose;
  ASSERT_TRUE(proposal.has_value());
  EXPECT_EQ(
      *proposal,
      (IsrProposal{LeaderEpoch(1), PartitionEpoch(2), {{kSelf, kNoBrokerEpoch}, {kOther, kLife}}}));
}

TEST_F(LeaderOfThree, I14_ReachingAnOldHighWatermarkIsNotEnough) {
  // Leads from offset 5 on with a high watermark that it learnt as a follower.
  Partition partition(kSelf, Offset(0), Offset(5));
  partition.OnLeaderChange(Metadata(1, {kSelf, kOther}), kStart);
  EXPECT_EQ(partition.OnFollowerFetch(kThird, kLife, Offset(4), kStart).propose, std::nullopt);
  EXPECT_TRUE(partition.OnFollowerFetch(kThird, kLife, Offset(5), kStart).propose.has_value());
}

TEST_F(LeaderOfThree, I13_AProposedMemberHoldsTheHighWatermark) {
  partition_.OnLeaderChange(Metadata(2, {kSelf}), kStart);
  ASSERT_TRUE(Fetch(kOther, 10).propose.has_value());
  partition_.OnAppend(Offset(20));
  EXPECT_FALSE(partition_.OnPersisted(Offset(20)).high_watermark_moved);
  EXPECT_EQ(high_watermark(), Offset(10));
  // Nobody knows whether it was made: it still counts.
  partition_.OnIsrAnswer({.error = ErrorCode::kRequestTimedOut, .leader_epoch = LeaderEpoch(1)},
                         kStart);
  EXPECT_EQ(high_watermark(), Offset(10));
  // Refused for certain: it does not.
  EXPECT_TRUE(
      partition_
          .OnIsrAnswer({.error = ErrorCode::kIneligibleReplica, .leader_epoch = LeaderEpoch(1)},
                       kStart)
          .high_watermark_moved);
  EXPECT_EQ(high_watermark(), Offset(20));
}

// I-13: a late refusal must not release the replicas of a proposal that may have been granted.
TEST_F(LeaderOfThree, I13_ARefusalOfAnEarlierProposalLeavesTheNewOneAlone) {
  partition_.OnLeaderChange(Metadata(2, {kSelf}), kStart);
  ASSERT_TRUE(Fetch(kOther, 10).propose.has_value());
  partition_.OnAppend(Offset(20));
  partition_.OnPersisted(Offset(20));
  const Offset before = high_watermark();
  partition_.OnIsrAnswer({.error = ErrorCode::kIneligibleReplica,
                          .leader_epoch = LeaderEpoch(1),
                          .asked = PartitionEpoch(1)},
                         kStart);
  EXPECT_EQ(high_watermark(), before) << "the proposal to version 2 still counts";
  partition_.OnIsrAnswer({.error = ErrorCode::kIneligibleReplica,
                          .leader_epoch = LeaderEpoch(1),
                          .asked = PartitionEpoch(2)},
                         kStart);
  EXPECT_EQ(high_watermark(), Offset(20));
}

TEST_F(LeaderOfThree, OneProposalAtATime) {
  partition_.OnLeaderChange(Metadata(2, {kSelf}), kStart);
  ASSERT_TRUE(Fetch(kOther, 10).propose.has_value());
  EXPECT_EQ(Fetch(kThird, 10).propose, std::nullopt);
  const IsrAnswer granted{
      .leader_epoch = LeaderEpoch(1), .partition_epoch = PartitionEpoch(3), .isr = {kSelf, kOther}};
  partition_.OnIsrAnswer(granted, kStart);
  EXPECT_EQ(partition_.isr(), (std::vector<NodeId>{kSelf, kOther}));
  const auto next = Fetch(kThird, 10).propose;
  ASSERT_TRUE(next.has_value());
  EXPECT_EQ(next->partition_epoch, PartitionEpoch(3));
}

TEST_F(LeaderOfThree, AnUnansweredQuestionIsAskedAgain) {
  partition_.OnLeaderChange(Metadata(2, {kSelf}), kStart);
  const auto proposal = Fetch(kOther, 10).propose;
  partition_.OnIsrAnswer({.error = ErrorCode::kStaleBrokerEpoch, .leader_epoch = LeaderEpoch(1)},
                         kStart);
  EXPECT_EQ(Fetch(kOther, 10).propose, std::nullopt);
  EXPECT_EQ(Fetch(kOther, 10, Partition::kProposalPause).propose, proposal);
  // Newer metadata ends it.
  partition_.OnLeaderChange(Metadata(3, {kSelf, kOther}), kStart);
  EXPECT_EQ(Fetch(kOther, 10, 2 * Partition::kProposalPause).propose, std::nullopt);
}

TEST_F(LeaderOfThree, AReplicaThatLagsTooLongLeaves) {
  Fetch(kOther, 10, kLag);
  Fetch(kThird, 9, kLag);
  EXPECT_EQ(partition_.OnTick(kStart + kLag, kLag).propose, std::nullopt);
  const auto proposal = partition_.OnTick(kStart + kLag + Duration(1), kLag).propose;
  ASSERT_TRUE(proposal.has_value());
  EXPECT_EQ(proposal->isr, (std::vector<IsrMember>{{kSelf, kNoBrokerEpoch}, {kOther, kLife}}));
  // It counts until the controller has agreed.
  EXPECT_EQ(high_watermark(), Offset(9));
}

TEST_F(LeaderOfThree, AReplicaThatKeepsUpWithAGrowingLogStays) {
  Duration at(0);
  for (int64_t end = 20; end < 2000; end += 10) {
    partition_.OnAppend(Offset(end));
    // Each time it has what was there a second ago.
    Fetch(kOther, end - 10, at += std::chrono::seconds(1));
    Fetch(kThird, end - 10, at);
    ASSERT_EQ(partition_.OnTick(kStart + at, kLag).propose, std::nullopt) << end;
  }
}

TEST_F(LeaderOfThree, OnlyReplicasInTheirNewestLifeFetch) {
  Fetch(kOther, 10);
  EXPECT_EQ(partition_.CheckFollower(kOther, kLife), ErrorCode::kNone);
  EXPECT_EQ(partition_.CheckFollower(kOther, BrokerEpoch(6)), ErrorCode::kNotLeaderOrFollower);
  EXPECT_EQ(partition_.CheckFollower(NodeId(9), kLife), ErrorCode::kNotLeaderOrFollower);
  partition_.OnLeaderChange(Metadata(2, {kOther}, kOther, 2), kStart);
  EXPECT_EQ(partition_.CheckFollower(kThird, kLife), ErrorCode::kNotLeaderOrFollower);
}

TEST_F(LeaderOfThree, ANewEpochKnowsNothingOfFollowers) {
  Fetch(kOther, 10);
  Fetch(kThird, 10);
  partition_.OnLeaderChange(Metadata(2, {kSelf, kOther, kThird}, kSelf, 2), kStart);
  partition_.OnAppend(Offset(20));
  partition_.OnPersisted(Offset(20));
  Fetch(kOther, 20);
  EXPECT_EQ(high_watermark(), Offset(10)) << "the third may have been cut meanwhile";
  Fetch(kThird, 12);
  EXPECT_EQ(high_watermark(), Offset(12));
}

TEST_F(LeaderOfThree, KIP207_TheHighWatermarkIsCurrentFromTheEpochsStartOn) {
  EXPECT_FALSE(partition_.high_watermark_is_current());
  Fetch(kOther, 10);
  Fetch(kThird, 5);
  EXPECT_TRUE(partition_.high_watermark_is_current());
}

TEST_F(LeaderOfThree, I25_AFollowersHighWatermarkIsTheLeadersAsFarAsItHasPersisted) {
  const Partition::Actions actions =
      partition_.OnLeaderChange(Metadata(2, {kOther, kSelf}, kOther, 2), kStart);
  EXPECT_TRUE(actions.stopped_leading);
  EXPECT_TRUE(actions.leader_to_follow_changed);
  EXPECT_TRUE(partition_.OnLeaderHighWatermark(Offset(12)).high_watermark_moved);
  EXPECT_EQ(high_watermark(), Offset(10));
  partition_.OnAppend(Offset(15));
  EXPECT_EQ(high_watermark(), Offset(10));
  partition_.OnPersisted(Offset(15));
  EXPECT_EQ(high_watermark(), Offset(12));
  EXPECT_FALSE(partition_.OnLeaderHighWatermark(Offset(11)).high_watermark_moved);
  partition_.OnTruncate(Offset(11));
  EXPECT_EQ(high_watermark(), Offset(11));
  EXPECT_EQ(partition_.log_end(), Offset(11));
}

// Else producers would wait for it half of the time, and it would come no nearer.
TEST_F(LeaderOfThree, F30_AReplicaOutsideTheIsrWithASlowDiskHoldsNothing) {
  partition_.OnLeaderChange(Metadata(2, {kSelf}), kStart);
  Duration at(0);
  for (int64_t end = 20; end <= 60; end += 10) {
    Fetch(kOther, end - 15, at);
    partition_.OnAppend(Offset(end));
    EXPECT_TRUE(partition_.OnPersisted(Offset(end)).high_watermark_moved);
    EXPECT_EQ(partition_.joining_until(), MonoTime::max());
    at += Partition::kJoinPatience;
  }
}

TEST_F(LeaderOfThree, AReplicaThatKeepsUpHoldsTheHighWatermarkUntilItHasJoined) {
  partition_.OnLeaderChange(Metadata(2, {kSelf}), kStart);
  Fetch(kOther, 5);
  EXPECT_EQ(partition_.joining_until(), MonoTime::max()) << "one fetch says nothing";
  partition_.OnAppend(Offset(20));
  partition_.OnPersisted(Offset(20));
  EXPECT_EQ(Fetch(kOther, 10).propose, std::nullopt) << "it is below the high watermark";
  EXPECT_EQ(partition_.joining_until(), kStart + Partition::kJoinPatience);
  partition_.OnAppend(Offset(30));
  EXPECT_FALSE(partition_.OnPersisted(Offset(30)).high_watermark_moved);
  EXPECT_TRUE(Fetch(kOther, 20).propose.has_value());
}

TEST_F(LeaderOfThree, I35_AReplicaThatFallsSilentOrIsRefusedHoldsNothing) {
  partition_.OnLeaderChange(Metadata(2, {kSelf}), kStart);
  const auto join = [&](int64_t from, Duration at) {
    Fetch(kOther, from - 5, at);
    partition_.OnAppend(Offset(from + 10));
    partition_.OnPersisted(Offset(from + 10));
    Fetch(kOther, from, at);
  };
  join(10, Duration(0));
  ASSERT_EQ(partition_.joining_until(), kStart + Partition::kJoinPatience);
  partition_.OnAppend(Offset(30));
  partition_.OnPersisted(Offset(30));
  ASSERT_EQ(high_watermark(), Offset(20));
  EXPECT_TRUE(partition_.OnTick(kStart + Partition::kJoinPatience, kLag).high_watermark_moved);
  EXPECT_EQ(high_watermark(), Offset(30));
  EXPECT_EQ(partition_.joining_until(), MonoTime::max());

  ASSERT_TRUE(Fetch(kOther, 30).propose.has_value());
  partition_.OnIsrAnswer({.error = ErrorCode::kIneligibleReplica, .leader_epoch = LeaderEpoch(1)},
                         kStart);
  EXPECT_EQ(partition_.joining_until(), MonoTime::max());
  partition_.OnAppend(Offset(40));
  EXPECT_TRUE(partition_.OnPersisted(Offset(40)).high_watermark_moved);
}

// A broker that stops is out of the ISR before it stops fetching.
TEST_F(LeaderOfThree, I35_ARefusalThatMetadataOvertookStillFreesTheHighWatermark) {
  partition_.OnLeaderChange(Metadata(2, {kSelf}), kStart);
  ASSERT_TRUE(Fetch(kOther, 10).propose.has_value());
  partition_.OnLeaderChange(Metadata(3, {kSelf}), kStart);
  ASSERT_TRUE(Fetch(kOther, 10).propose.has_value());
  partition_.OnAppend(Offset(20));
  ASSERT_FALSE(partition_.OnPersisted(Offset(20)).high_watermark_moved);
  for (const int version : {2, 3}) {
    partition_.OnIsrAnswer({.error = ErrorCode::kIneligibleReplica,
                            .leader_epoch = LeaderEpoch(1),
                            .asked = PartitionEpoch(version)},
                           kStart);
  }
  EXPECT_EQ(high_watermark(), Offset(20));
  Fetch(kOther, 10);
  EXPECT_EQ(partition_.joining_until(), MonoTime::max()) << "nothing waits for it again";
}

TEST_F(LeaderOfThree, I43_WhatAnEarlierLeaderHadCommittedSaysNothingOfTheNewOne) {
  partition_.OnLeaderChange(Metadata(2, {kOther, kSelf}, kOther, 2), kStart);
  partition_.OnLeaderHighWatermark(Offset(100));
  // An unclean election: the new leader has less.
  partition_.OnLeaderChange(Metadata(3, {kThird}, kThird, 3), kStart);
  partition_.OnTruncate(Offset(6));
  partition_.OnAppend(Offset(9));
  EXPECT_FALSE(partition_.OnPersisted(Offset(9)).high_watermark_moved);
  EXPECT_EQ(high_watermark(), Offset(6));
}

TEST_F(LeaderOfThree, I20_c_WhatAFollowerHadInAnEarlierEpochCountsNoMore) {
  Fetch(kThird, 10);
  ASSERT_EQ(high_watermark(), Offset(0)) << "the other has not fetched";
  partition_.OnLeaderChange(Metadata(2, {kSelf, kOther, kThird}, kSelf, 2), kStart);
  EXPECT_FALSE(Fetch(kOther, 10).high_watermark_moved) << "the third may have been cut meanwhile";
  EXPECT_TRUE(Fetch(kThird, 10).high_watermark_moved);
}

// Whom the high watermark waits for must not be throttled: acknowledgements would wait too.
TEST(Partition, OnlyWhoIsNotWaitedForCatchesUp) {
  Partition partition(kSelf, Offset(0), Offset(0));
  partition.OnLeaderChange(News(kSelf, 0, 0, {kSelf, kOther}), kStart);
  EXPECT_FALSE(partition.IsCatchingUp(kOther)) << "in sync";
  partition.OnLeaderChange(News(kSelf, 0, 1, {kSelf}), kStart);
  EXPECT_TRUE(partition.IsCatchingUp(kOther));
  partition.OnAppend(Offset(10));
  partition.OnPersisted(Offset(10));
  partition.OnFollowerFetch(kOther, BrokerEpoch(1), Offset(5), kStart);
  EXPECT_TRUE(partition.IsCatchingUp(kOther)) << "still behind";
  const auto actions = partition.OnFollowerFetch(kOther, BrokerEpoch(1), Offset(10), kStart);
  EXPECT_TRUE(actions.propose);
  EXPECT_FALSE(partition.IsCatchingUp(kOther)) << "proposed: it counts from now on";
}

}  // namespace
}  // namespace weir::replica
