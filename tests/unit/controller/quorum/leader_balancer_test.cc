// The round of the active controller through all partitions, on a Raft that commits at once when
// told to.
#include "controller/quorum/leader_balancer.h"

#include <gtest/gtest.h>

#include "tests/unit/controller/quorum/manual_raft.h"

namespace weir::quorum {
namespace {

class LeaderBalancerTest : public ManualQuorum {
 protected:
  void SetUp() override {
    Start();
    AddBroker(1, 'a');
    AddBroker(2, 'b');
    WriteTopic("t", 2);
  }

  // Each call is another life of that broker.
  void AddBroker(int32_t id, char directory) {
    RegisterBroker(id, directory, committed_);
    liveness_.OpenSession(NodeId(id), committed_, loop_.Now());
    session_[id] = committed_;
  }
  void EveryBrokerHasApplied() {
    for (const auto& [id, session] : session_) {
      liveness_.OnHeartbeat(NodeId(id), session, LogIndex(committed_), loop_.Now());
    }
    controller_.CheckWaiting();
  }
  // One interval later.
  void Round() {
    loop_.Advance(options_.interval);
    balancer_.OnTick();
  }
  NodeId Leader() { return controller_.committed().FindPartition("t", PartitionIndex(0))->leader; }

  LeaderBalancerOptions options_{NodeId(1), true, std::chrono::seconds(5)};
  LeaderBalancer balancer_{loop_, controller_, options_};
  std::map<int32_t, uint64_t> session_;
};

TEST_F(LeaderBalancerTest, ALeadershipGoesBackOneIntervalAfterActivation) {
  balancer_.OnTick();
  loop_.Advance(options_.interval / 2);
  balancer_.OnTick();
  EXPECT_EQ(raft_.log.size(), committed_) << "not yet";
  Round();
  Commit();
  EXPECT_EQ(Leader(), NodeId(1));
}

TEST_F(LeaderBalancerTest, ABrokerInANewLifeWaitsForOneMoreRound) {
  balancer_.OnTick();
  AddBroker(1, 'a');
  Round();
  Commit();
  EXPECT_EQ(Leader(), NodeId(2));
  Round();
  Commit();
  EXPECT_EQ(Leader(), NodeId(1));
}

TEST_F(LeaderBalancerTest, TheNextBatchWaitsUntilEveryLiveBrokerHasApplied) {
  balancer_.OnTick();
  Round();
  const size_t proposed = raft_.log.size();
  Commit();
  WriteLeader(2);
  Round();
  EXPECT_EQ(raft_.log.size(), proposed + 1);
  EveryBrokerHasApplied();
  Round();
  EXPECT_EQ(raft_.log.size(), proposed + 2);
}

TEST_F(LeaderBalancerTest, D22_AFullDiskLosesItsLeadershipsAtOnceAndGetsThemBack) {
  balancer_.OnTick();
  Round();
  Commit();
  EveryBrokerHasApplied();
  ASSERT_EQ(Leader(), NodeId(1)) << "the preferred one";
  liveness_.SetRoom(NodeId(1), session_[1], false);
  loop_.Advance(std::chrono::milliseconds(10));
  balancer_.OnTick();
  Commit();
  EveryBrokerHasApplied();
  EXPECT_EQ(Leader(), NodeId(2));
  for (int round = 0; round < 3; ++round) {
    Round();
    Commit();
    EveryBrokerHasApplied();
  }
  EXPECT_EQ(Leader(), NodeId(2)) << "nothing goes back to a full disk";
  liveness_.SetRoom(NodeId(2), session_[2], false);
  Round();
  Commit();
  EveryBrokerHasApplied();
  EXPECT_EQ(Leader(), NodeId(2)) << "all are full";
  liveness_.SetRoom(NodeId(1), session_[1], true);
  balancer_.OnTick();
  Commit();
  EXPECT_EQ(Leader(), NodeId(1));
}

TEST_F(LeaderBalancerTest, D22_AFullDirectoryLosesOnlyTheLeadershipsOfWhatItHolds) {
  balancer_.OnTick();
  Round();
  Commit();
  EveryBrokerHasApplied();
  ASSERT_EQ(Leader(), NodeId(1));
  const Uuid topic = *Uuid::FromBytes(std::string(16, 't'));
  const auto full = [&](state::Liveness::PartitionKeys partitions) {
    liveness_.SetFullPartitions(NodeId(1), session_[1], std::move(partitions));
    for (int round = 0; round < 2; ++round) {
      Round();
      Commit();
      EveryBrokerHasApplied();
    }
  };
  full({{topic, PartitionIndex(1)}});
  EXPECT_EQ(Leader(), NodeId(1)) << "it lies elsewhere";
  full({{topic, PartitionIndex(0)}});
  EXPECT_EQ(Leader(), NodeId(2)) << "and it stays there";
  full({});
  EXPECT_EQ(Leader(), NodeId(1));
}

TEST_F(LeaderBalancerTest, ItCanBeSwitchedOff) {
  options_.return_leaderships = false;
  LeaderBalancer off(loop_, controller_, options_);
  off.OnTick();
  for (int round = 0; round < 3; ++round) {
    loop_.Advance(options_.interval);
    off.OnTick();
    Commit();
  }
  EXPECT_EQ(Leader(), NodeId(2));
}

}  // namespace
}  // namespace weir::quorum
