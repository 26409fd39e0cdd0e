// Reassignment: how a move begins, what completes it, how it is led elsewhere or taken back.
#include "controller/state/reassignment.h"

#include <gtest/gtest.h>

#include "controller/state/alter_partition.h"
#include "controller/state/configs.h"
#include "tests/unit/controller/state/state_support.h"

namespace weir::state {
namespace {

using metadata::NodeIdList;
using Ids = std::vector<int32_t>;

NodeIdList List(const Ids& ids) {
  NodeIdList list;
  for (const int32_t id : ids) list.Add(NodeId(id));
  return list;
}

class ReassignmentTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const int32_t id : {1, 2, 3, 4, 5}) cluster.AddBroker(id);
    Create("t", {1, 2, 3}, "2");
  }

  void Create(const std::string& name, const Ids& replicas, const std::string& min_isr) {
    admin::v1::CreateTopicsRequest request;
    admin::v1::NewTopic* topic = request.add_topics();
    topic->set_name(name);
    auto* assignment = topic->add_assignments();
    for (const int32_t id : replicas) assignment->add_broker_ids(id);
    (*topic->mutable_configs())["min.insync.replicas"] = min_isr;
    const auto reply = cluster.Commit(CreateTopics(cluster.context(), request));
    ASSERT_EQ(reply.topics(0).error().code(), 0) << reply.topics(0).error().message();
  }
  const metadata::Partition& partition() { return cluster.PartitionAt("t", 0); }

  ErrorCode Ask(admin::v1::AlterPartitionReassignmentsRequest request) {
    const auto reply = cluster.Commit(AlterPartitionReassignments(cluster.context(), request));
    return CodeOf(reply.partitions(0).error());
  }
  admin::v1::AlterPartitionReassignmentsRequest To(const Ids& target) {
    admin::v1::AlterPartitionReassignmentsRequest request;
    auto* wanted = request.add_partitions();
    wanted->set_topic("t");
    for (const int32_t id : target) wanted->add_target_ids(id);
    return request;
  }
  ErrorCode Move(const Ids& target) { return Ask(To(target)); }
  ErrorCode Cancel() {
    auto request = To({});
    request.mutable_partitions(0)->set_cancel(true);
    return Ask(request);
  }
  // The leader proposes this ISR; what it is answered.
  ErrorCode Isr(const Ids& isr) {
    broker::v1::AlterPartitionRequest request;
    request.set_broker_id(partition().leader.value());
    request.set_broker_epoch(EpochOf(request.broker_id()));
    broker::v1::IsrChange* change = request.add_partitions();
    change->set_topic_id(cluster.image.FindTopic("t")->id.ToBytes());
    change->set_leader_epoch(partition().leader_epoch.value());
    change->set_partition_epoch(partition().partition_epoch.value());
    for (const int32_t id : isr) {
      change->add_isr()->set_broker_id(id);
      change->mutable_isr(change->isr_size() - 1)->set_broker_epoch(EpochOf(id));
    }
    const auto reply = cluster.Commit(AlterPartition(cluster.context(), request));
    return ErrorCodeFromNumber(reply.partitions(0).error_code());
  }
  void SetMinInsyncReplicas(const std::string& count) {
    admin::v1::AlterConfigsRequest request;
    auto* resource = request.add_resources();
    resource->mutable_resource()->set_type(metadata::v1::CONFIG_RESOURCE_TOPIC);
    resource->mutable_resource()->set_name("t");
    auto* change = resource->add_changes();
    change->set_key("min.insync.replicas");
    change->set_operation(admin::v1::CONFIG_OPERATION_SET);
    change->set_value(count);
    cluster.Commit(AlterConfigs(cluster.context(), request));
  }
  int64_t EpochOf(int32_t id) { return cluster.image.FindBroker(NodeId(id))->epoch.value(); }
  void ExpectSettledOn(const Ids& replicas) {
    EXPECT_FALSE(IsMoving(partition())) << metadata::Dump(partition());
    EXPECT_TRUE(partition().original_replicas.empty());
    EXPECT_EQ(partition().replicas, List(replicas));
  }

  StateHarness cluster;
};

TEST_F(ReassignmentTest, I22_GrowsCatchesUpAndShrinksInANewLeaderEpoch) {
  const LeaderEpoch before = partition().leader_epoch;
  EXPECT_EQ(Move({4, 2, 3}), ErrorCode::kNone);
  EXPECT_EQ(partition().replicas, List({4, 2, 3, 1}));
  EXPECT_EQ(partition().adding_replicas, List({4}));
  EXPECT_EQ(partition().removing_replicas, List({1}));
  EXPECT_EQ(partition().leader, NodeId(1));
  EXPECT_EQ(partition().leader_epoch, before) << "nobody is gone yet";
  EXPECT_EQ(Isr({1, 2, 3, 4}), ErrorCode::kNewLeaderElected);
  ExpectSettledOn({4, 2, 3});
  EXPECT_EQ(partition().isr.size(), 3u);
  EXPECT_FALSE(partition().isr.Contains(NodeId(1)));
  EXPECT_EQ(partition().leader, NodeId(4)) << "the first target replica in sync";
  EXPECT_GT(partition().leader_epoch, before);
}

TEST_F(ReassignmentTest, I22_ALeaderThatStaysBeginsANewEpoch) {
  const LeaderEpoch before = partition().leader_epoch;
  EXPECT_EQ(Move({1, 2, 4}), ErrorCode::kNone);
  EXPECT_EQ(Isr({1, 2, 3, 4}), ErrorCode::kNewLeaderElected);
  ExpectSettledOn({1, 2, 4});
  EXPECT_EQ(partition().leader, NodeId(1));
  EXPECT_EQ(partition().leader_epoch, before + 1) << "old fetches of 3 must not count";
}

TEST_F(ReassignmentTest, GrowingChangesNothingElse) {
  const LeaderEpoch before = partition().leader_epoch;
  EXPECT_EQ(Move({1, 2, 3, 4}), ErrorCode::kNone);
  EXPECT_EQ(Isr({1, 2, 3, 4}), ErrorCode::kNone);
  ExpectSettledOn({1, 2, 3, 4});
  EXPECT_EQ(partition().leader_epoch, before);
}

TEST_F(ReassignmentTest, WhatNeedsNoCopyIsDoneAtOnce) {
  EXPECT_EQ(Move({2, 1}), ErrorCode::kNone);
  ExpectSettledOn({2, 1});
  EXPECT_EQ(partition().leader, NodeId(1)) << "another order is no reason for another leader";
  EXPECT_EQ(Move({1, 2}), ErrorCode::kNone);
  ExpectSettledOn({1, 2});
  const metadata::Partition before = partition();
  EXPECT_EQ(Move({1, 2}), ErrorCode::kNone);
  EXPECT_EQ(partition(), before);
}

TEST_F(ReassignmentTest, I22_ALowerMinInsyncReplicasEndsAMoveThatWaitedForIt) {
  ASSERT_EQ(Isr({1, 3}), ErrorCode::kNone);
  ASSERT_EQ(Move({1, 2}), ErrorCode::kNone);
  ASSERT_TRUE(IsMoving(partition())) << "only 1 would be in sync";
  SetMinInsyncReplicas("1");
  ExpectSettledOn({1, 2});
  EXPECT_EQ(partition().isr, List({1}));
}

TEST_F(ReassignmentTest, I22_AHigherMinInsyncReplicasHoldsForAMoveUnderWay) {
  SetMinInsyncReplicas("1");
  ASSERT_EQ(Isr({1}), ErrorCode::kNone);
  ASSERT_EQ(Move({4, 2}), ErrorCode::kNone);
  SetMinInsyncReplicas("2");
  EXPECT_EQ(Isr({1, 4}), ErrorCode::kNone);
  EXPECT_TRUE(IsMoving(partition())) << "only 4 would be in sync";
  EXPECT_EQ(Isr({1, 4, 2}), ErrorCode::kNewLeaderElected);
  ExpectSettledOn({4, 2});
}

TEST_F(ReassignmentTest, I22_MinInsyncReplicasMustBeLeft) {
  ASSERT_EQ(Isr({1, 3}), ErrorCode::kNone);
  EXPECT_EQ(Move({1, 2}), ErrorCode::kNone);
  EXPECT_TRUE(IsMoving(partition())) << "only 1 would be in sync";
  EXPECT_EQ(Isr({1, 2, 3}), ErrorCode::kNewLeaderElected);
  ExpectSettledOn({1, 2});
}

TEST_F(ReassignmentTest, AReplicaThatLagsAllAlongDoesNotHinder) {
  cluster.Fence(3);
  EXPECT_EQ(Move({1, 3, 4}), ErrorCode::kNone);
  EXPECT_EQ(Isr({1, 2, 4}), ErrorCode::kNewLeaderElected);
  ExpectSettledOn({1, 3, 4});
  EXPECT_EQ(partition().isr, List({1, 4}));
}

TEST_F(ReassignmentTest, ADeadBrokerIsDrained) {
  cluster.Fence(1);
  EXPECT_EQ(Move({4, 2, 3}), ErrorCode::kNone);
  EXPECT_EQ(Isr({2, 3, 4}), ErrorCode::kNewLeaderElected);
  ExpectSettledOn({4, 2, 3});
  EXPECT_NE(partition().leader, kNoNode);
}

TEST_F(ReassignmentTest, ADeadTargetIsWaitedFor) {
  cluster.Fence(4);
  EXPECT_EQ(Move({4, 2, 3}), ErrorCode::kNone);
  EXPECT_EQ(partition().adding_replicas, List({4}));
  EXPECT_EQ(Isr({1, 2}), ErrorCode::kNone);
  EXPECT_TRUE(IsMoving(partition()));
  cluster.Unfence(4);
  EXPECT_EQ(Isr({1, 2, 4}), ErrorCode::kNewLeaderElected);
  ExpectSettledOn({4, 2, 3});
}

TEST_F(ReassignmentTest, ALeaderThatDiesInTheMiddleIsFollowedByATargetReplica) {
  EXPECT_EQ(Move({2, 3, 4}), ErrorCode::kNone);
  cluster.Fence(1);
  EXPECT_EQ(partition().leader, NodeId(2));
  EXPECT_TRUE(IsMoving(partition()));
  EXPECT_EQ(Isr({2, 3, 4}), ErrorCode::kNewLeaderElected);
  ExpectSettledOn({2, 3, 4});
  EXPECT_EQ(partition().leader, NodeId(2));
}

TEST_F(ReassignmentTest, ACancelBringsBackExactlyWhatWas) {
  const metadata::Partition before = partition();
  EXPECT_EQ(Move({5, 3, 4}), ErrorCode::kNone);
  EXPECT_EQ(Isr({1, 2, 3, 4}), ErrorCode::kNone) << "5 is missing";
  EXPECT_TRUE(IsMoving(partition()));
  EXPECT_EQ(Cancel(), ErrorCode::kNone);
  ExpectSettledOn({1, 2, 3});
  EXPECT_EQ(partition().isr, before.isr);
  EXPECT_EQ(partition().leader, before.leader);
  EXPECT_GT(partition().leader_epoch, before.leader_epoch) << "4 had fetched";
  EXPECT_EQ(Cancel(), ErrorCode::kNoReassignmentInProgress);
}

TEST_F(ReassignmentTest, ACancelTakesTheLeadershipFromAnAddedReplica) {
  ASSERT_EQ(Move({5, 4}), ErrorCode::kNone);
  ASSERT_EQ(Isr({1, 2, 3, 4}), ErrorCode::kNone);
  for (const int32_t id : {1, 2}) cluster.Fence(id);
  cluster.Unfence(2);
  ASSERT_EQ(Isr({3, 4}), ErrorCode::kNone);
  cluster.Fence(3);
  ASSERT_EQ(partition().leader, NodeId(4));
  EXPECT_EQ(Cancel(), ErrorCode::kInvalidReplicaAssignment) << "only 4 has everything";
  EXPECT_EQ(Move({4, 2}), ErrorCode::kNone);
  EXPECT_EQ(Move({5, 2}), ErrorCode::kInvalidReplicaAssignment);
  EXPECT_EQ(Isr({4, 2}), ErrorCode::kNewLeaderElected);
  ExpectSettledOn({4, 2});
}

TEST_F(ReassignmentTest, AnotherTargetReplacesTheFirst) {
  EXPECT_EQ(Move({4, 2, 3}), ErrorCode::kNone);
  EXPECT_EQ(Isr({1, 2, 3}), ErrorCode::kNone);
  const LeaderEpoch before = partition().leader_epoch;
  EXPECT_EQ(Move({5, 2, 3}), ErrorCode::kNone);
  EXPECT_EQ(partition().replicas, List({5, 2, 3, 1}));
  EXPECT_EQ(partition().adding_replicas, List({5}));
  EXPECT_EQ(partition().removing_replicas, List({1}));
  EXPECT_EQ(partition().leader_epoch, before + 1) << "4 is no replica any more";
  EXPECT_EQ(Cancel(), ErrorCode::kNone);
  ExpectSettledOn({1, 2, 3});
  // Back to the original is an end as well.
  EXPECT_EQ(Move({4, 2, 3}), ErrorCode::kNone);
  EXPECT_EQ(Move({1, 2, 3}), ErrorCode::kNone);
  ExpectSettledOn({1, 2, 3});
}

TEST_F(ReassignmentTest, RefusesTargetsThatAreNone) {
  EXPECT_EQ(Move({}), ErrorCode::kInvalidReplicaAssignment);
  EXPECT_EQ(Move({1, 1}), ErrorCode::kInvalidReplicaAssignment);
  EXPECT_EQ(Move({1, 9}), ErrorCode::kInvalidReplicaAssignment);
  EXPECT_EQ(Move({1, -2}), ErrorCode::kInvalidReplicaAssignment);
  EXPECT_EQ(Cancel(), ErrorCode::kNoReassignmentInProgress);
  auto unknown = To({1});
  unknown.mutable_partitions(0)->set_partition(3);
  EXPECT_EQ(Ask(unknown), ErrorCode::kUnknownTopicOrPartition);
  auto smaller = To({1, 2});
  smaller.set_keep_replication_factor(true);
  EXPECT_EQ(Ask(smaller), ErrorCode::kInvalidReplicationFactor);
  auto twice = To({1, 2, 4});
  *twice.add_partitions() = twice.partitions(0);
  const auto decision = AlterPartitionReassignments(cluster.context(), twice);
  ASSERT_TRUE(decision);
  EXPECT_EQ(decision->records.size(), 1u);
  EXPECT_EQ(CodeOf(decision->reply.partitions(1).error()), ErrorCode::kInvalidRequest);
  twice.set_validate_only(true);
  EXPECT_TRUE(AlterPartitionReassignments(cluster.context(), twice)->records.empty());
}

TEST_F(ReassignmentTest, ALeaderlessPartitionWaitsForWhoHasItsRecords) {
  for (const int32_t id : {1, 2, 3}) cluster.Fence(id);
  ASSERT_EQ(partition().leader, kNoNode);
  EXPECT_EQ(Move({4, 5}), ErrorCode::kNone);
  EXPECT_TRUE(IsMoving(partition()));
  cluster.Unfence(3);
  EXPECT_EQ(partition().leader, NodeId(3));
  EXPECT_EQ(Isr({3, 4}), ErrorCode::kNone);
  EXPECT_EQ(Isr({3, 4, 5}), ErrorCode::kNewLeaderElected);
  ExpectSettledOn({4, 5});
}

TEST_F(ReassignmentTest, ListsWhatIsUnderWay) {
  Create("other", {1, 2, 3}, "1");
  ASSERT_EQ(Move({4, 2, 3}), ErrorCode::kNone);
  admin::v1::ListPartitionReassignmentsRequest request;
  auto reply = ListPartitionReassignments(cluster.image, request);
  ASSERT_EQ(reply.partitions_size(), 1);
  const auto& move = reply.partitions(0);
  EXPECT_EQ(move.topic(), "t");
  EXPECT_EQ(Ids(move.original_ids().begin(), move.original_ids().end()), Ids({1, 2, 3}));
  EXPECT_EQ(Ids(move.target_ids().begin(), move.target_ids().end()), Ids({4, 2, 3}));
  EXPECT_EQ(Ids(move.adding_ids().begin(), move.adding_ids().end()), Ids({4}));
  EXPECT_EQ(Ids(move.removing_ids().begin(), move.removing_ids().end()), Ids({1}));
  request.add_topics("other");
  EXPECT_EQ(ListPartitionReassignments(cluster.image, request).partitions_size(), 0);
}

TEST_F(ReassignmentTest, AThrottleIsThePartitionsAndGoesWithItsMove) {
  auto throttled = To({4, 2, 3});
  throttled.set_throttled_rate(1000);
  EXPECT_EQ(Ask(throttled), ErrorCode::kNone);
  EXPECT_EQ(partition().throttled_rate, 1000);
  const auto listed = ListPartitionReassignments(cluster.image, {});
  EXPECT_EQ(listed.partitions(0).throttled_rate(), 1000);
  throttled.set_throttled_rate(2000);
  EXPECT_EQ(Ask(throttled), ErrorCode::kNone);
  EXPECT_EQ(partition().throttled_rate, 2000) << "the same move, at another rate";
  EXPECT_EQ(Isr({1, 2}), ErrorCode::kNone);
  EXPECT_EQ(partition().throttled_rate, 2000) << "not done yet";
  EXPECT_EQ(Isr({1, 2, 3, 4}), ErrorCode::kNewLeaderElected);
  ExpectSettledOn({4, 2, 3});
  EXPECT_EQ(partition().throttled_rate, 0) << "completed";
  throttled = To({1, 2, 3});
  throttled.set_throttled_rate(1000);
  EXPECT_EQ(Ask(throttled), ErrorCode::kNone);
  EXPECT_EQ(Move({5, 2, 3}), ErrorCode::kNone);
  EXPECT_EQ(partition().throttled_rate, 0) << "redirected without one";
  EXPECT_EQ(Ask(throttled), ErrorCode::kNone);
  EXPECT_EQ(partition().throttled_rate, 1000);
  EXPECT_EQ(Cancel(), ErrorCode::kNone);
  EXPECT_EQ(partition().throttled_rate, 0) << "cancelled";
}

TEST_F(ReassignmentTest, AThrottleThatIsNoRateIsRefused) {
  auto request = To({4, 2, 3});
  request.set_throttled_rate(-1);
  const auto decision = AlterPartitionReassignments(cluster.context(), request);
  ASSERT_FALSE(decision);
  EXPECT_EQ(decision.error().code, ErrorCode::kInvalidRequest);
  // What copies nothing is done at once, and leaves no throttle.
  request = To({2, 1});
  request.set_throttled_rate(1000);
  EXPECT_EQ(Ask(request), ErrorCode::kNone);
  ExpectSettledOn({2, 1});
  EXPECT_EQ(partition().throttled_rate, 0);
}

// Random moves, cancels, deaths and returns: the laws hold after each (Commit checks them), and
// once all are back every move ends on its target.
TEST_F(ReassignmentTest, I12_RandomMovesEndOnTheirTargets) {
  for (int step = 0; step < 3000; ++step) {
    const int32_t id = static_cast<int32_t>(cluster.prng.Between(1, 5));
    const uint64_t what = cluster.prng.Below(8);
    if (what == 0) {
      cluster.Fence(id);
    } else if (what <= 2) {
      if (!cluster.image.IsLive(NodeId(id))) cluster.Unfence(id);
    } else if (what == 3) {
      Cancel();
    } else if (what == 4) {
      Ids target = {id};
      for (int32_t other = 1; other <= 5; ++other) {
        if (other != id && cluster.prng.Chance(1, 3)) target.push_back(other);
      }
      auto request = To(target);
      request.set_throttled_rate(static_cast<int64_t>(cluster.prng.Below(2)) * 1000);
      Ask(request);
    } else if (partition().leader != kNoNode) {
      Ids isr = {partition().leader.value()};
      for (const NodeId other : partition().replicas) {
        const bool may = other != partition().leader && cluster.image.IsUsableAsLeader(other);
        if (may && cluster.prng.Chance(3, 4)) isr.push_back(other.value());
      }
      Isr(isr);
    }
    EXPECT_EQ(IsMoving(partition()), !partition().original_replicas.empty());
    EXPECT_TRUE(IsMoving(partition()) || partition().throttled_rate == 0);
  }
  for (int32_t id = 1; id <= 5; ++id) {
    if (!cluster.image.IsLive(NodeId(id))) cluster.Unfence(id);
  }
  ASSERT_NE(partition().leader, kNoNode);
  const NodeIdList target = TargetReplicas(partition());
  Ids everybody;
  for (const NodeId id : partition().replicas) everybody.push_back(id.value());
  Isr(everybody);
  EXPECT_FALSE(IsMoving(partition()));
  EXPECT_EQ(partition().replicas, target);
}

}  // namespace
}  // namespace weir::state
