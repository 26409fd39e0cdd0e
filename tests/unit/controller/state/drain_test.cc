// What emptying or stopping a broker would mean.
#include "controller/state/drain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "controller/state/reassignment.h"
#include "tests/unit/controller/state/state_support.h"

namespace weir::state {
namespace {

class DrainTest : public testing::Test {
 protected:
  admin::v1::PlanBrokerDrainReply Plan(int32_t id) {
    admin::v1::PlanBrokerDrainRequest request;
    request.set_broker_id(id);
    const auto plan = PlanBrokerDrain(cluster.image, cluster.defaults, request);
    EXPECT_TRUE(plan);
    return plan ? *plan : admin::v1::PlanBrokerDrainReply();
  }
  admin::v1::CanStopBrokerReply CanStop(int32_t id) {
    admin::v1::CanStopBrokerRequest request;
    request.set_broker_id(id);
    const auto reply = CanStopBroker(cluster.image, cluster.defaults, request);
    EXPECT_TRUE(reply);
    return reply ? *reply : admin::v1::CanStopBrokerReply();
  }

  StateHarness cluster;
};

TEST_F(DrainTest, EveryReplicaGetsAPlaceOnAnotherBroker) {
  for (const int32_t id : {1, 2, 3, 4, 5}) cluster.AddBroker(id);
  cluster.CreateTopic("t", 20, 3, {{"min.insync.replicas", "2"}});
  cluster.Fence(3);
  const auto plan = Plan(3);
  int expected = 0;
  for (int32_t i = 0; i < 20; ++i) {
    expected += cluster.PartitionAt("t", i).replicas.Contains(NodeId(3)) ? 1 : 0;
  }
  ASSERT_GT(expected, 0);
  EXPECT_EQ(plan.moves_size(), expected);
  EXPECT_TRUE(plan.stuck().empty());
  admin::v1::AlterPartitionReassignmentsRequest request;
  for (const auto& move : plan.moves()) {
    const std::set<int32_t> target(move.target_ids().begin(), move.target_ids().end());
    EXPECT_EQ(target.size(), 3u);
    EXPECT_FALSE(target.contains(3));
    EXPECT_TRUE(move.at_min_isr()) << "3 is dead: two are in sync, two are needed";
    auto* wanted = request.add_partitions();
    wanted->set_topic(move.topic());
    wanted->set_partition(move.partition());
    *wanted->mutable_target_ids() = move.target_ids();
  }
  cluster.Commit(AlterPartitionReassignments(cluster.context(), request));
  EXPECT_EQ(Plan(3).moves_size(), 0) << "all are leaving already";
}

TEST_F(DrainTest, TakersAreOnRacksThatAreFree) {
  cluster.AddBroker(1, "a");
  cluster.AddBroker(2, "b");
  cluster.AddBroker(3, "c");
  cluster.CreateTopic("t", 4, 3);
  cluster.AddBroker(4, "a");
  cluster.AddBroker(5, "c");
  const auto plan = Plan(3);
  EXPECT_EQ(plan.moves_size(), 4);
  for (const auto& move : plan.moves()) {
    EXPECT_THAT(move.target_ids(), testing::Contains(5)) << move.ShortDebugString();
  }
}

TEST_F(DrainTest, WhoHasNowhereToGoIsStuck) {
  for (const int32_t id : {1, 2, 3}) cluster.AddBroker(id);
  cluster.CreateTopic("t", 2, 3);
  EXPECT_EQ(Plan(2).moves_size(), 0);
  EXPECT_EQ(Plan(2).stuck_size(), 2);
  admin::v1::PlanBrokerDrainRequest request;
  request.set_broker_id(9);
  const auto unknown = PlanBrokerDrain(cluster.image, cluster.defaults, request);
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, ErrorCode::kBrokerIdNotRegistered);
}

TEST_F(DrainTest, ABrokerMayStopWhileOthersKeepEverythingUp) {
  for (const int32_t id : {1, 2, 3}) cluster.AddBroker(id);
  EXPECT_TRUE(CanStop(1).can_stop()) << "it has nothing";
  cluster.CreateTopic("t", 3, 3, {{"min.insync.replicas", "2"}});
  EXPECT_TRUE(CanStop(1).can_stop());
  cluster.Fence(2);
  const auto below = CanStop(1);
  EXPECT_FALSE(below.can_stop());
  EXPECT_EQ(below.below_min_isr_count(), 3);
  EXPECT_THAT(below.reason(), testing::HasSubstr("min.insync.replicas"));
  const auto stopped = CanStop(2);
  EXPECT_TRUE(stopped.can_stop()) << "it has stopped already";
  EXPECT_THAT(stopped.reason(), testing::HasSubstr("not running"));
}

TEST_F(DrainTest, TheOnlyReplicaMayNotStop) {
  for (const int32_t id : {1, 2}) cluster.AddBroker(id);
  cluster.CreateTopic("single", 1, 1);
  const int32_t holder = cluster.PartitionAt("single", 0).leader.value();
  const auto reply = CanStop(holder);
  EXPECT_FALSE(reply.can_stop());
  EXPECT_EQ(reply.unavailable_count(), 1);
  EXPECT_THAT(reply.reason(), testing::HasSubstr("single-0"));
  EXPECT_TRUE(CanStop(3 - holder).can_stop());
}

}  // namespace
}  // namespace weir::state
