// Partitions whose replicas all lost power: the leader is chosen by what their logs hold (I-18).
#include "controller/state/log_evidence.h"

#include <gtest/gtest.h>

#include "controller/state/elect_leaders.h"
#include "tests/unit/controller/state/state_support.h"

namespace weir::state {
namespace {

class LogEvidenceTest : public testing::Test {
 protected:
  LogEvidenceTest() {
    for (const int32_t id : {1, 2, 3}) cluster.AddBroker(id);
    cluster.CreateTopic("t", 1, 3, {{"durability", "os"}, {"min.insync.replicas", "3"}});
    // All lost power at once, and come back.
    for (const int32_t id : {1, 2, 3}) cluster.Register(id);
    for (const int32_t id : {1, 2, 3}) cluster.Unfence(id);
  }

  const metadata::Partition& partition() { return cluster.PartitionAt("t", 0); }

  broker::v1::AlterPartitionRequest Saying(int32_t id, int32_t epoch, int64_t end) {
    broker::v1::AlterPartitionRequest request;
    request.set_broker_id(id);
    request.set_broker_epoch(cluster.image.FindBroker(NodeId(id))->epoch.value());
    broker::v1::ReplicaLogEnd* log_end = request.add_log_ends();
    log_end->set_topic_id(cluster.image.FindTopic("t")->id.ToBytes());
    log_end->set_partition(0);
    log_end->set_leader_epoch(epoch);
    log_end->set_end_offset(end);
    return request;
  }
  Records Hear(const broker::v1::AlterPartitionRequest& request) {
    const auto decision = evidence.AlterPartition(cluster.context(), request);
    if (!decision) return {};
    unclean = UncleanElectionsIn(cluster.image, decision->records).size();
    cluster.Commit(decision->records);
    return decision->records;
  }

  StateHarness cluster;
  LogEvidence evidence;
  size_t unclean = 0;
};

TEST_F(LogEvidenceTest, I18_TheLogThatGoesFurthestInTheLatestEpochLeads) {
  ASSERT_EQ(partition().leader, kNoNode);
  ASSERT_EQ(partition().last_known_elr.size(), 3u);
  const LeaderEpoch before = partition().leader_epoch;
  EXPECT_TRUE(Hear(Saying(1, 4, 900)).empty());
  EXPECT_TRUE(Hear(Saying(2, 5, 70)).empty());
  EXPECT_EQ(partition().leader, kNoNode) << "the third may hold what the others lack";
  EXPECT_EQ(Hear(Saying(3, 5, 71)).size(), 1u);
  EXPECT_EQ(partition().leader, NodeId(3));
  EXPECT_EQ(partition().isr, metadata::NodeIdList{NodeId(3)});
  EXPECT_TRUE(partition().elr.empty());
  EXPECT_TRUE(partition().last_known_elr.empty()) << "the others follow its log";
  EXPECT_GT(partition().leader_epoch, before);
  EXPECT_EQ(unclean, 1u) << "acknowledged records may be lost";
  EXPECT_EQ(evidence.partition_count(), 0u);
}

TEST_F(LogEvidenceTest, OfEqualLogsThePreferredOneLeads) {
  for (const int32_t id : {3, 2, 1}) Hear(Saying(id, -1, 0));
  EXPECT_EQ(partition().leader, *partition().replicas.begin());
}

TEST_F(LogEvidenceTest, I18_WhatAnEarlierLifeSaidDoesNotCount) {
  Hear(Saying(1, 5, 100));
  Hear(Saying(2, 5, 50));
  const auto old_life = Saying(1, 5, 100);
  cluster.Fence(1);
  cluster.Register(1);
  EXPECT_TRUE(Hear(Saying(3, 5, 60)).empty()) << "it has not spoken again, and is fenced";
  EXPECT_TRUE(Hear(old_life).empty());
  cluster.Unfence(1);
  EXPECT_TRUE(Hear(Saying(3, 5, 60)).empty()) << "it has not spoken again";
  EXPECT_EQ(Hear(Saying(1, 5, 55)).size(), 1u);
  EXPECT_EQ(partition().leader, NodeId(3)) << "what the first had is gone";
}

TEST_F(LogEvidenceTest, APartitionThatIsLedTakesNoEvidence) {
  Hear(Saying(1, 5, 100));
  admin::v1::ElectLeadersRequest request;
  request.set_kind(admin::v1::ELECTION_KIND_UNCLEAN);
  cluster.Commit(ElectLeaders(cluster.context(), request));
  const NodeId leader = partition().leader;
  ASSERT_NE(leader, kNoNode);
  for (const int32_t id : {2, 3}) EXPECT_TRUE(Hear(Saying(id, 9, 900)).empty());
  EXPECT_EQ(partition().leader, leader);
  EXPECT_EQ(evidence.partition_count(), 0u);
}

}  // namespace
}  // namespace weir::state
