// AlterPartition: what a leader may change about its ISR, and what follows for the ELR.
#include "controller/state/alter_partition.h"

#include <gtest/gtest.h>

#include "tests/unit/controller/state/state_support.h"

namespace weir::state {
namespace {

class AlterPartitionTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const int32_t id : {1, 2, 3}) cluster.AddBroker(id);
    cluster.CreateTopic("t", 1, 3, {{"min.insync.replicas", "2"}});
    leader = partition().leader.value();
  }

  const metadata::Partition& partition() { return cluster.PartitionAt("t", 0); }
  int64_t EpochOf(int32_t id) { return cluster.image.FindBroker(NodeId(id))->epoch.value(); }
  // A change as the leader would ask for it, everybody in its newest life.
  broker::v1::AlterPartitionRequest Change(const std::vector<int32_t>& isr) {
    broker::v1::AlterPartitionRequest request;
    request.set_broker_id(leader);
    request.set_broker_epoch(EpochOf(leader));
    broker::v1::IsrChange* change = request.add_partitions();
    change->set_topic_id(cluster.image.FindTopic("t")->id.ToBytes());
    change->set_leader_epoch(partition().leader_epoch.value());
    change->set_partition_epoch(partition().partition_epoch.value());
    for (const int32_t id : isr) {
      broker::v1::IsrMember* member = change->add_isr();
      member->set_broker_id(id);
      member->set_broker_epoch(EpochOf(id));
    }
    return request;
  }
  // The error of the only partition; what it allows is committed.
  ErrorCode Ask(const broker::v1::AlterPartitionRequest& request) {
    const auto decision = AlterPartition(cluster.context(), request);
    if (!decision) return decision.error().code;
    cluster.Commit(decision->records);
    const ErrorCode error = ErrorCodeFromNumber(decision->reply.partitions(0).error_code());
    if (error == ErrorCode::kNone) {
      EXPECT_EQ(decision->reply.partitions(0).partition_epoch(),
                partition().partition_epoch.value());
      EXPECT_EQ(decision->reply.partitions(0).leader_epoch(), partition().leader_epoch.value());
    }
    return error;
  }
  // The error of `id` giving its replica up; what it allows is committed.
  ErrorCode GiveUp(int32_t id) {
    broker::v1::AlterPartitionRequest request;
    request.set_broker_id(id);
    request.set_broker_epoch(EpochOf(id));
    request.add_given_up()->set_topic_id(cluster.image.FindTopic("t")->id.ToBytes());
    const auto decision = AlterPartition(cluster.context(), request);
    if (!decision) return decision.error().code;
    if (!decision->records.empty()) {
      cluster.Commit(decision->records);
      EXPECT_EQ(decision->reply.given_up(0).leader_epoch(), partition().leader_epoch.value());
      EXPECT_EQ(decision->reply.given_up(0).partition_epoch(), partition().partition_epoch.value());
    }
    return ErrorCodeFromNumber(decision->reply.given_up(0).error_code());
  }
  // The error of `id` telling that its directory has failed, or is back; what it allows is
  // committed.
  ErrorCode TellStorage(int32_t id, bool offline) {
    broker::v1::AlterPartitionRequest request;
    request.set_broker_id(id);
    request.set_broker_epoch(EpochOf(id));
    broker::v1::ReplicaStorage* storage = request.add_storage();
    storage->set_topic_id(cluster.image.FindTopic("t")->id.ToBytes());
    storage->set_offline(offline);
    const auto decision = AlterPartition(cluster.context(), request);
    if (!decision) return decision.error().code;
    if (!decision->records.empty()) cluster.Commit(decision->records);
    return ErrorCodeFromNumber(decision->reply.storage(0).error_code());
  }
  // The other two.
  std::vector<int32_t> Followers() {
    std::vector<int32_t> ids;
    for (const NodeId id : partition().replicas) {
      if (id.value() != leader) ids.push_back(id.value());
    }
    return ids;
  }

  StateHarness cluster;
  int32_t leader = 0;
};

TEST_F(AlterPartitionTest, ShrinksAndGrows) {
  EXPECT_EQ(Ask(Change({leader, Followers()[0]})), ErrorCode::kNone);
  EXPECT_EQ(partition().isr.size(), 2u);
  EXPECT_TRUE(partition().elr.empty());
  EXPECT_EQ(Ask(Change({1, 2, 3})), ErrorCode::kNone);
  EXPECT_EQ(partition().isr, partition().replicas);
  EXPECT_EQ(partition().leader, NodeId(leader)) << "and the leader epoch stays";
}

TEST_F(AlterPartitionTest, I08_WhoLeavesASmallIsrIsEligible) {
  EXPECT_EQ(Ask(Change({leader})), ErrorCode::kNone);
  EXPECT_EQ(partition().elr.size(), 2u);
  EXPECT_EQ(Ask(Change({leader, Followers()[1]})), ErrorCode::kNone);
  EXPECT_TRUE(partition().elr.empty()) << "two in sync are enough";
}

TEST_F(AlterPartitionTest, I20_TheVersionSeenMustBeTheNewest) {
  const auto request = Change({leader, Followers()[0]});
  EXPECT_EQ(Ask(request), ErrorCode::kNone);
  EXPECT_EQ(Ask(request), ErrorCode::kInvalidUpdateVersion);
}

TEST_F(AlterPartitionTest, OnlyTheLeaderInItsNewestEpoch) {
  auto request = Change({1, 2, 3});
  request.mutable_partitions(0)->set_leader_epoch(partition().leader_epoch.value() - 1);
  EXPECT_EQ(Ask(request), ErrorCode::kFencedLeaderEpoch);
  request = Change({1, 2, 3});
  request.set_broker_id(Followers()[0]);
  request.set_broker_epoch(EpochOf(Followers()[0]));
  EXPECT_EQ(Ask(request), ErrorCode::kInvalidRequest);
  request = Change({1, 2, 3});
  request.set_broker_epoch(request.broker_epoch() - 1);
  EXPECT_EQ(Ask(request), ErrorCode::kStaleBrokerEpoch);
}

TEST_F(AlterPartitionTest, I36_I37_NobodyJoinsFencedOrFromAnEarlierLife) {
  const int32_t follower = Followers()[0];
  cluster.Fence(follower);
  ASSERT_EQ(partition().isr.size(), 2u);
  EXPECT_EQ(Ask(Change({1, 2, 3})), ErrorCode::kIneligibleReplica) << "fenced";
  cluster.Unfence(follower);
  auto stale = Change({1, 2, 3});
  for (auto& member : *stale.mutable_partitions(0)->mutable_isr()) {
    if (member.broker_id() == follower) member.set_broker_epoch(member.broker_epoch() - 1);
  }
  EXPECT_EQ(Ask(stale), ErrorCode::kIneligibleReplica) << "another life caught up";
  auto unknown = Change({1, 2, 3});
  for (auto& member : *unknown.mutable_partitions(0)->mutable_isr()) member.set_broker_epoch(-1);
  EXPECT_EQ(Ask(unknown), ErrorCode::kIneligibleReplica) << "who joins must have fetched";
  EXPECT_EQ(Ask(Change({1, 2, 3})), ErrorCode::kNone);
}

// The leader that was refused does not wait for the replica any more.
TEST_F(AlterPartitionTest, I13_WhatWasRefusedIsNotGrantedToACopyThatComesLate) {
  const int32_t follower = Followers()[0];
  cluster.Fence(follower);
  const auto request = Change({1, 2, 3});
  const metadata::NodeIdList isr = partition().isr;
  EXPECT_EQ(Ask(request), ErrorCode::kIneligibleReplica);
  EXPECT_EQ(partition().isr, isr);
  cluster.Unfence(follower);
  EXPECT_EQ(Ask(request), ErrorCode::kInvalidUpdateVersion);
  EXPECT_EQ(partition().isr, isr);
}

TEST_F(AlterPartitionTest, RefusesIsrsThatAreNone) {
  EXPECT_EQ(Ask(Change(Followers())), ErrorCode::kInvalidRequest) << "without the leader";
  EXPECT_EQ(Ask(Change({leader, leader})), ErrorCode::kInvalidRequest) << "twice";
  cluster.AddBroker(4);
  EXPECT_EQ(Ask(Change({1, 2, 3, 4})), ErrorCode::kInvalidRequest) << "no replica";
  auto request = Change({leader});
  request.mutable_partitions(0)->set_partition(7);
  EXPECT_EQ(Ask(request), ErrorCode::kUnknownTopicOrPartition);
  request.mutable_partitions(0)->set_topic_id("x");
  EXPECT_EQ(Ask(request), ErrorCode::kUnknownTopicId);
}

TEST_F(AlterPartitionTest, ASecondChangeOfOnePartitionIsRefused) {
  auto request = Change({leader});
  *request.add_partitions() = request.partitions(0);
  const auto decision = AlterPartition(cluster.context(), request);
  ASSERT_TRUE(decision);
  EXPECT_EQ(decision->records.size(), 1u);
  EXPECT_EQ(ErrorCodeFromNumber(decision->reply.partitions(1).error_code()),
            ErrorCode::kInvalidUpdateVersion);
}

// ---- Replicas that are given up -----------------------------------------------------------

TEST_F(AlterPartitionTest, D18_AFollowerGivenUpIsInNoListAndItsOldFetchesCountNoMore) {
  const int32_t damaged = Followers()[0];
  const LeaderEpoch before = partition().leader_epoch;
  EXPECT_EQ(GiveUp(damaged), ErrorCode::kNone);
  EXPECT_FALSE(partition().isr.Contains(NodeId(damaged)));
  EXPECT_EQ(partition().leader, NodeId(leader));
  EXPECT_EQ(partition().leader_epoch, before + 1);
  // Again, outside the ISR: still a new epoch.
  EXPECT_EQ(GiveUp(damaged), ErrorCode::kNone);
  EXPECT_EQ(partition().leader_epoch, before + 2);
}

TEST_F(AlterPartitionTest, D18_ALeaderGivenUpLeadsNoMore) {
  EXPECT_EQ(GiveUp(leader), ErrorCode::kNone);
  EXPECT_NE(partition().leader, NodeId(leader));
  EXPECT_NE(partition().leader, kNoNode);
  EXPECT_FALSE(partition().isr.Contains(NodeId(leader)));
}

TEST_F(AlterPartitionTest, D18_WhoeverIsGivenUpIsNotEligibleInASmallIsr) {
  ASSERT_EQ(Ask(Change({leader})), ErrorCode::kNone);
  const int32_t damaged = Followers()[0];
  ASSERT_TRUE(partition().elr.Contains(NodeId(damaged)));
  EXPECT_EQ(GiveUp(damaged), ErrorCode::kNone);
  EXPECT_FALSE(partition().elr.Contains(NodeId(damaged)));
  EXPECT_FALSE(partition().last_known_elr.Contains(NodeId(damaged)));
  EXPECT_TRUE(partition().elr.Contains(NodeId(Followers()[1])));
}

TEST_F(AlterPartitionTest, D18_TheOnlyOneInSyncKeepsWhatItHas) {
  ASSERT_EQ(Ask(Change({leader})), ErrorCode::kNone);
  EXPECT_EQ(GiveUp(leader), ErrorCode::kIneligibleReplica);
  EXPECT_TRUE(partition().isr.Contains(NodeId(leader)));
  EXPECT_EQ(partition().leader, NodeId(leader));
}

// ---- Replicas whose directory has failed --------------------------------------------------

TEST_F(AlterPartitionTest, D13_AReplicaOfAFailedDirectoryLeavesTheIsrAndStaysOutsideUntilItIsBack) {
  const int32_t failed = Followers()[0];
  const LeaderEpoch before = partition().leader_epoch;
  EXPECT_EQ(TellStorage(failed, true), ErrorCode::kNone);
  EXPECT_FALSE(partition().isr.Contains(NodeId(failed)));
  EXPECT_EQ(partition().leader, NodeId(leader));
  EXPECT_EQ(partition().leader_epoch, before) << "nobody needs to look for another leader";
  EXPECT_EQ(partition().offline_replicas, metadata::NodeIdList{NodeId(failed)});
  const PartitionEpoch told = partition().partition_epoch;
  EXPECT_EQ(TellStorage(failed, true), ErrorCode::kNone);
  EXPECT_EQ(partition().partition_epoch, told) << "said twice, nothing new";
  EXPECT_EQ(Ask(Change({1, 2, 3})), ErrorCode::kIneligibleReplica);
  EXPECT_EQ(TellStorage(failed, false), ErrorCode::kNone);
  EXPECT_TRUE(partition().offline_replicas.empty());
  EXPECT_EQ(Ask(Change({1, 2, 3})), ErrorCode::kNone);
}

TEST_F(AlterPartitionTest, D13_ALeaderOfAFailedDirectoryIsReplaced) {
  EXPECT_EQ(TellStorage(leader, true), ErrorCode::kNone);
  EXPECT_NE(partition().leader, NodeId(leader));
  EXPECT_NE(partition().leader, kNoNode);
  EXPECT_EQ(partition().isr.size(), 2u);
}

TEST_F(AlterPartitionTest, D13_TheOnlyOneInSyncIsWaitedForAndLeadsAgain) {
  ASSERT_EQ(TellStorage(Followers()[0], true), ErrorCode::kNone);
  ASSERT_EQ(TellStorage(Followers()[1], true), ErrorCode::kNone);
  EXPECT_EQ(TellStorage(leader, true), ErrorCode::kNone);
  EXPECT_EQ(partition().leader, kNoNode);
  EXPECT_TRUE(partition().elr.Contains(NodeId(leader))) << "its records may come back";
  // A new life of its broker leads nothing before the directory is there.
  cluster.Fence(leader);
  cluster.Unfence(leader);
  EXPECT_EQ(partition().leader, kNoNode);
  EXPECT_EQ(TellStorage(leader, false), ErrorCode::kNone);
  EXPECT_EQ(partition().leader, NodeId(leader));
}

TEST_F(AlterPartitionTest, D13_AnUncleanElectionPassesOverAFailedDirectory) {
  cluster.CreateTopic("u", 1, 3, {{"unclean.leader.election.enable", "true"}});
  const auto tell = [&](int32_t id) {
    broker::v1::AlterPartitionRequest request;
    request.set_broker_id(id);
    request.set_broker_epoch(EpochOf(id));
    broker::v1::ReplicaStorage* storage = request.add_storage();
    storage->set_topic_id(cluster.image.FindTopic("u")->id.ToBytes());
    storage->set_offline(true);
    cluster.Commit(AlterPartition(cluster.context(), request));
  };
  for (const int32_t id : {1, 2, 3}) tell(id);
  EXPECT_EQ(cluster.PartitionAt("u", 0).leader, kNoNode);
}

TEST_F(AlterPartitionTest, D13_OnlyAReplicaTellsOfItsDirectory) {
  cluster.AddBroker(4);
  EXPECT_EQ(TellStorage(4, true), ErrorCode::kInvalidRequest);
  EXPECT_TRUE(partition().offline_replicas.empty());
}

}  // namespace
}  // namespace weir::state
