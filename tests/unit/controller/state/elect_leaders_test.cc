// Elections that are asked for, and the ones the active controller looks for.
#include "controller/state/elect_leaders.h"

#include <gtest/gtest.h>

#include "controller/state/configs.h"
#include "controller/state/partitions.h"
#include "tests/unit/controller/state/state_support.h"

namespace weir::state {
namespace {

using admin::v1::ElectLeadersReply;
using admin::v1::ElectLeadersRequest;
using metadata::NodeIdList;

constexpr auto kPreferred = admin::v1::ELECTION_KIND_PREFERRED;
constexpr auto kUnclean = admin::v1::ELECTION_KIND_UNCLEAN;

class ElectLeadersTest : public testing::Test {
 protected:
  ElectLeadersTest() {
    for (int32_t id = 1; id <= 3; ++id) cluster_.AddBroker(id);
  }
  // A topic whose partitions are on these brokers, one list each.
  void CreateOn(const std::string& name,
                const std::vector<std::initializer_list<int32_t>>& assignments,
                const std::map<std::string, std::string>& configs = {}) {
    admin::v1::CreateTopicsRequest request;
    admin::v1::NewTopic* topic = request.add_topics();
    topic->set_name(name);
    for (const auto& [key, value] : configs) (*topic->mutable_configs())[key] = value;
    for (const auto& replicas : assignments) {
      const int32_t partition = topic->assignments_size();
      admin::v1::ReplicaAssignment* assignment = topic->add_assignments();
      assignment->set_partition(partition);
      for (const int32_t id : replicas) assignment->add_broker_ids(id);
    }
    const auto reply = cluster_.Commit(CreateTopics(cluster_.context(), request));
    ASSERT_EQ(reply.topics(0).error().code(), 0) << reply.topics(0).error().message();
  }
  // Puts the broker into the ISR again, as the leader would.
  void JoinIsr(const std::string& topic, int32_t index, int32_t id) {
    const metadata::Partition& partition = cluster_.PartitionAt(topic, index);
    MetadataRecord record;
    auto* change = record.mutable_partition_change();
    change->set_topic_id(cluster_.image.FindTopic(topic)->id.ToBytes());
    change->set_partition(index);
    for (const NodeId replica : partition.replicas) {
      const bool member = partition.isr.Contains(replica) || replica == NodeId(id);
      if (member) change->mutable_isr()->add_ids(replica.value());
    }
    change->mutable_elr();
    change->mutable_last_known_elr();
    cluster_.Commit({record});
  }
  // Fences broker 1 and lets it come back in sync: it leads no more what it led.
  void Bounce(int32_t id) {
    cluster_.Fence(id);
    cluster_.Unfence(id);
  }
  ElectLeadersReply Elect(const ElectLeadersRequest& request) {
    return cluster_.Commit(ElectLeaders(cluster_.context(), request));
  }
  static ElectLeadersRequest For(admin::v1::ElectionKind kind, const std::string& topic,
                                 std::initializer_list<int32_t> partitions) {
    ElectLeadersRequest request;
    request.set_kind(kind);
    admin::v1::TopicPartitions* named = request.add_topics();
    named->set_topic(topic);
    for (const int32_t index : partitions) named->add_partitions(index);
    return request;
  }
  ErrorCode ElectOne(admin::v1::ElectionKind kind, const std::string& topic, int32_t index) {
    const ElectLeadersReply reply = Elect(For(kind, topic, {index}));
    EXPECT_EQ(reply.partitions_size(), 1);
    return CodeOf(reply.partitions(0).error());
  }
  BalanceOutcome Balance(
      std::function<bool(NodeId)> may_take_back = [](NodeId) { return true; },
      size_t changes_max = 1'000) {
    const Decision<BalanceOutcome> decision = BalanceLeaders(
        cluster_.context(),
        [&](NodeId id, const Uuid&, PartitionIndex) { return may_take_back(id); }, changes_max);
    cluster_.Commit(decision.records);
    return decision.reply;
  }
  void SetConfig(const metadata::ConfigResource& resource, const std::string& key,
                 const std::string& value) {
    admin::v1::AlterConfigsRequest request;
    admin::v1::AlteredResource* altered = request.add_resources();
    altered->mutable_resource()->set_type(resource.type);
    altered->mutable_resource()->set_name(resource.name);
    admin::v1::ConfigChange* change = altered->add_changes();
    change->set_key(key);
    change->set_value(value);
    const auto reply = cluster_.Commit(AlterConfigs(cluster_.context(), request));
    ASSERT_EQ(reply.resources(0).error().code(), 0) << reply.resources(0).error().message();
  }
  NodeId LeaderOf(const std::string& topic, int32_t index) {
    return cluster_.PartitionAt(topic, index).leader;
  }

  StateHarness cluster_;
};

// ---- Preferred ------------------------------------------------------------------------

TEST_F(ElectLeadersTest, TheFirstReplicaTakesOverOnceItIsInSync) {
  CreateOn("t", {{1, 2, 3}});
  Bounce(1);
  ASSERT_EQ(LeaderOf("t", 0), NodeId(2));
  EXPECT_EQ(ElectOne(kPreferred, "t", 0), ErrorCode::kPreferredLeaderNotAvailable);
  JoinIsr("t", 0, 1);
  const LeaderEpoch before = cluster_.PartitionAt("t", 0).leader_epoch;
  EXPECT_EQ(ElectOne(kPreferred, "t", 0), ErrorCode::kNone);
  EXPECT_EQ(LeaderOf("t", 0), NodeId(1));
  EXPECT_EQ(cluster_.PartitionAt("t", 0).leader_epoch, before + 1);
  EXPECT_EQ(cluster_.PartitionAt("t", 0).isr, (NodeIdList{NodeId(1), NodeId(2), NodeId(3)}));
  EXPECT_EQ(ElectOne(kPreferred, "t", 0), ErrorCode::kElectionNotNeeded);
}

TEST_F(ElectLeadersTest, APreferredReplicaThatStopsIsNotElected) {
  CreateOn("t", {{1, 2, 3}});
  Bounce(1);
  JoinIsr("t", 0, 1);
  broker::v1::Heartbeat heartbeat = cluster_.HeartbeatOf(1);
  heartbeat.set_want_shutdown(true);
  cluster_.Beat(1, heartbeat);
  EXPECT_EQ(ElectOne(kPreferred, "t", 0), ErrorCode::kPreferredLeaderNotAvailable);
  EXPECT_EQ(LeaderOf("t", 0), NodeId(2));
}

TEST_F(ElectLeadersTest, WhatDoesNotExistIsSaid) {
  CreateOn("t", {{1}});
  EXPECT_EQ(ElectOne(kPreferred, "t", 1), ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(ElectOne(kPreferred, "other", 0), ErrorCode::kUnknownTopicOrPartition);
  const ElectLeadersReply whole = Elect(For(kPreferred, "other", {}));
  ASSERT_EQ(whole.partitions_size(), 1);
  EXPECT_EQ(CodeOf(whole.partitions(0).error()), ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(whole.partitions(0).partition(), -1);
  ElectLeadersRequest strange;
  strange.set_kind(static_cast<admin::v1::ElectionKind>(7));
  EXPECT_FALSE(ElectLeaders(cluster_.context(), strange));
}

TEST_F(ElectLeadersTest, WithoutNamesOnlyWhatNeedsAnElectionIsAnswered) {
  CreateOn("a", {{1, 2}, {2, 1}, {3, 2}});
  CreateOn("b", {{2, 3}, {1, 3}});
  Bounce(1);
  JoinIsr("a", 0, 1);
  const ElectLeadersReply reply = Elect({});
  ASSERT_EQ(reply.partitions_size(), 2) << reply.ShortDebugString();
  EXPECT_EQ(reply.partitions(0).topic(), "a");
  EXPECT_EQ(reply.partitions(0).partition(), 0);
  EXPECT_EQ(reply.partitions(0).leader_id(), 1);
  EXPECT_EQ(reply.partitions(1).topic(), "b");
  EXPECT_EQ(reply.partitions(1).partition(), 1);
  EXPECT_EQ(CodeOf(reply.partitions(1).error()), ErrorCode::kPreferredLeaderNotAvailable);
}

TEST_F(ElectLeadersTest, APartitionNamedTwiceIsElectedOnce) {
  CreateOn("t", {{1, 2}});
  Bounce(1);
  JoinIsr("t", 0, 1);
  const ElectLeadersReply reply = Elect(For(kPreferred, "t", {0, 0}));
  EXPECT_EQ(CodeOf(reply.partitions(0).error()), ErrorCode::kNone);
  EXPECT_EQ(CodeOf(reply.partitions(1).error()), ErrorCode::kInvalidRequest);
}

TEST_F(ElectLeadersTest, ValidateOnlyChangesNothing) {
  CreateOn("t", {{1, 2}});
  Bounce(1);
  JoinIsr("t", 0, 1);
  ElectLeadersRequest request = For(kPreferred, "t", {0});
  request.set_validate_only(true);
  EXPECT_EQ(Elect(request).partitions(0).leader_id(), 1);
  EXPECT_EQ(LeaderOf("t", 0), NodeId(2));
}

// ---- Unclean --------------------------------------------------------------------------

TEST_F(ElectLeadersTest, I18_AnUncleanElectionIsForPartitionsWithoutALeaderAndIsToldAsSuch) {
  CreateOn("t", {{1, 2}}, {{"min.insync.replicas", "1"}});
  EXPECT_EQ(ElectOne(kUnclean, "t", 0), ErrorCode::kElectionNotNeeded);
  cluster_.Fence(2);
  cluster_.Fence(1);
  ASSERT_EQ(LeaderOf("t", 0), kNoNode);
  EXPECT_EQ(ElectOne(kUnclean, "t", 0), ErrorCode::kEligibleLeadersNotAvailable);
  cluster_.Unfence(2);
  ASSERT_EQ(LeaderOf("t", 0), kNoNode) << "it may lack what broker 1 has acknowledged alone";
  EXPECT_EQ(ElectOne(kPreferred, "t", 0), ErrorCode::kPreferredLeaderNotAvailable);

  const auto decision = ElectLeaders(cluster_.context(), For(kUnclean, "t", {0}));
  ASSERT_TRUE(decision);
  EXPECT_TRUE(decision->reply.partitions(0).unclean());
  const auto reported = UncleanElectionsIn(cluster_.image, decision->records);
  ASSERT_EQ(reported.size(), 1u);
  EXPECT_EQ(reported[0].topic, "t");
  EXPECT_EQ(reported[0].partition, PartitionIndex(0));
  EXPECT_EQ(reported[0].leader, NodeId(2));
  cluster_.Commit(decision->records);
  EXPECT_EQ(LeaderOf("t", 0), NodeId(2));
  EXPECT_EQ(cluster_.PartitionAt("t", 0).isr, NodeIdList{NodeId(2)});
}

TEST_F(ElectLeadersTest, I06_AfterAnUncleanElectionTheOldEligibleOnesAreEligibleNoMore) {
  CreateOn("t", {{1, 2, 3}}, {{"min.insync.replicas", "2"}});
  cluster_.Fence(1);
  cluster_.Fence(2);
  cluster_.Fence(3);
  ASSERT_EQ(cluster_.PartitionAt("t", 0).elr, (NodeIdList{NodeId(2), NodeId(3)}));
  cluster_.Unfence(1);
  ASSERT_EQ(LeaderOf("t", 0), kNoNode);
  EXPECT_EQ(ElectOne(kUnclean, "t", 0), ErrorCode::kNone);
  EXPECT_EQ(LeaderOf("t", 0), NodeId(1));
  EXPECT_TRUE(cluster_.PartitionAt("t", 0).elr.empty());
  cluster_.Fence(1);
  cluster_.Unfence(2);
  EXPECT_EQ(LeaderOf("t", 0), kNoNode) << "broker 2 has another history than broker 1";
}

TEST_F(ElectLeadersTest, I18_AnUncleanElectionPrefersWhoWasInSyncLast) {
  CreateOn("t", {{3, 2, 1}}, {{"min.insync.replicas", "2"}, {"durability", "os"}});
  cluster_.Fence(3);
  // The two that were in sync end uncleanly: each may lack the newest records.
  for (const int32_t id : {1, 2}) {
    cluster_.Commit(RegisterBroker(cluster_.context(), cluster_.RegistrationOf(id), false));
  }
  for (int32_t id = 1; id <= 3; ++id) cluster_.Unfence(id);
  ASSERT_EQ(LeaderOf("t", 0), kNoNode);
  ASSERT_EQ(cluster_.PartitionAt("t", 0).last_known_elr.size(), 2u);
  EXPECT_EQ(ElectOne(kUnclean, "t", 0), ErrorCode::kNone);
  EXPECT_EQ(LeaderOf("t", 0), NodeId(2));
  EXPECT_TRUE(cluster_.PartitionAt("t", 0).last_known_elr.empty());
}

TEST_F(ElectLeadersTest, CleanElectionsAreNotReported) {
  CreateOn("t", {{1, 2, 3}});
  Bounce(1);
  JoinIsr("t", 0, 1);
  const auto preferred = ElectLeaders(cluster_.context(), For(kPreferred, "t", {0}));
  EXPECT_TRUE(UncleanElectionsIn(cluster_.image, preferred->records).empty());
  EXPECT_FALSE(preferred->reply.partitions(0).unclean());
  const NodeId leaving[] = {NodeId(2)};
  const auto failover = FenceBrokers(cluster_.context(), leaving);
  EXPECT_FALSE(failover->records.empty());
  EXPECT_TRUE(UncleanElectionsIn(cluster_.image, failover->records).empty());
}

// ---- Configuration --------------------------------------------------------------------

TEST_F(ElectLeadersTest, SwitchingUncleanElectionOnElectsAtOnce) {
  CreateOn("t", {{1, 2}}, {{"min.insync.replicas", "1"}});
  CreateOn("other", {{1, 2}}, {{"min.insync.replicas", "1"}});
  cluster_.Fence(2);
  cluster_.Fence(1);
  cluster_.Unfence(2);
  ASSERT_EQ(LeaderOf("t", 0), kNoNode);
  SetConfig(metadata::ConfigResource::OfTopic("t"), "unclean.leader.election.enable", "true");
  EXPECT_EQ(LeaderOf("t", 0), NodeId(2));
  EXPECT_EQ(LeaderOf("other", 0), kNoNode);
  SetConfig(metadata::ConfigResource::OfAllBrokers(), "unclean.leader.election.enable", "true");
  EXPECT_EQ(LeaderOf("other", 0), NodeId(2));
}

TEST_F(ElectLeadersTest, ATopicThatForbidsUncleanElectionIsLeftAlone) {
  CreateOn("t", {{1, 2}},
           {{"min.insync.replicas", "1"}, {"unclean.leader.election.enable", "false"}});
  cluster_.Fence(2);
  cluster_.Fence(1);
  cluster_.Unfence(2);
  SetConfig(metadata::ConfigResource::OfAllBrokers(), "unclean.leader.election.enable", "true");
  EXPECT_EQ(LeaderOf("t", 0), kNoNode);
}

TEST_F(ElectLeadersTest, I08_LoweringMinInsyncReplicasClearsTheElr) {
  CreateOn("t", {{1, 2, 3}}, {{"min.insync.replicas", "3"}});
  cluster_.Fence(2);
  ASSERT_EQ(cluster_.PartitionAt("t", 0).elr, NodeIdList{NodeId(2)});
  const LeaderEpoch before = cluster_.PartitionAt("t", 0).leader_epoch;
  SetConfig(metadata::ConfigResource::OfTopic("t"), "min.insync.replicas", "2");
  EXPECT_TRUE(cluster_.PartitionAt("t", 0).elr.empty());
  EXPECT_EQ(LeaderOf("t", 0), NodeId(1));
  EXPECT_EQ(cluster_.PartitionAt("t", 0).leader_epoch, before);
}

TEST_F(ElectLeadersTest, I08_TheDefaultOfAllTopicsCountsToo) {
  SetConfig(metadata::ConfigResource::OfAllBrokers(), "min.insync.replicas", "3");
  CreateOn("t", {{1, 2, 3}});
  CreateOn("own", {{1, 2, 3}}, {{"min.insync.replicas", "3"}});
  cluster_.Fence(3);
  ASSERT_EQ(cluster_.PartitionAt("t", 0).elr, NodeIdList{NodeId(3)});
  SetConfig(metadata::ConfigResource::OfAllBrokers(), "min.insync.replicas", "1");
  EXPECT_TRUE(cluster_.PartitionAt("t", 0).elr.empty());
  EXPECT_EQ(cluster_.PartitionAt("own", 0).elr, NodeIdList{NodeId(3)});
}

TEST_F(ElectLeadersTest, ValidatingAConfigurationElectsNobody) {
  CreateOn("t", {{1, 2}}, {{"min.insync.replicas", "1"}});
  cluster_.Fence(2);
  cluster_.Fence(1);
  cluster_.Unfence(2);
  admin::v1::AlterConfigsRequest request;
  request.set_validate_only(true);
  admin::v1::AlteredResource* altered = request.add_resources();
  altered->mutable_resource()->set_type(metadata::v1::CONFIG_RESOURCE_TOPIC);
  altered->mutable_resource()->set_name("t");
  altered->add_changes()->set_key("unclean.leader.election.enable");
  altered->mutable_changes(0)->set_value("true");
  cluster_.Commit(AlterConfigs(cluster_.context(), request));
  EXPECT_EQ(LeaderOf("t", 0), kNoNode);
}

TEST_F(ElectLeadersTest, WhatConfigurationLeftUndoneIsRepairedLater) {
  CreateOn("t", {{1, 2, 3}}, {{"min.insync.replicas", "3"}});
  cluster_.Fence(2);
  // As if the batch of the change had been full.
  cluster_.check_elr_is_needed = false;
  MetadataRecord record;
  record.mutable_config()->set_resource_type(metadata::v1::CONFIG_RESOURCE_TOPIC);
  record.mutable_config()->set_resource_name("t");
  record.mutable_config()->set_key("min.insync.replicas");
  record.mutable_config()->set_value("1");
  cluster_.Commit({record});
  ASSERT_FALSE(cluster_.PartitionAt("t", 0).elr.empty());
  EXPECT_EQ(Balance().repaired, 1u);
  EXPECT_TRUE(cluster_.PartitionAt("t", 0).elr.empty());
  EXPECT_EQ(Balance().repaired, 0u);
}

// ---- What the controller does of itself -----------------------------------------------

TEST_F(ElectLeadersTest, LeadershipsGoBackToThePreferredReplicas) {
  CreateOn("t", {{1, 2}, {1, 3}, {2, 1}});
  Bounce(1);
  JoinIsr("t", 0, 1);
  const BalanceOutcome outcome = Balance();
  EXPECT_EQ(outcome.returned, 1u);
  EXPECT_FALSE(outcome.more);
  EXPECT_EQ(LeaderOf("t", 0), NodeId(1));
  EXPECT_EQ(LeaderOf("t", 1), NodeId(3)) << "broker 1 is not in sync there";
  EXPECT_EQ(LeaderOf("t", 2), NodeId(2));
  EXPECT_EQ(Balance().returned, 0u);
}

TEST_F(ElectLeadersTest, NothingGoesBackToABrokerThatMustWait) {
  CreateOn("t", {{1, 2}});
  Bounce(1);
  JoinIsr("t", 0, 1);
  EXPECT_EQ(Balance([](NodeId id) { return id != NodeId(1); }).returned, 0u);
  EXPECT_EQ(LeaderOf("t", 0), NodeId(2));
}

TEST_F(ElectLeadersTest, ManyLeadershipsGoBackInSteps) {
  CreateOn("t", {{1, 2}, {1, 2}, {1, 3}, {1, 3}, {1, 2}});
  Bounce(1);
  for (int32_t index = 0; index < 5; ++index) JoinIsr("t", index, 1);
  const auto all = [](NodeId) { return true; };
  BalanceOutcome outcome = Balance(all, 2);
  EXPECT_EQ(outcome.returned, 2u);
  EXPECT_TRUE(outcome.more);
  outcome = Balance(all, 2);
  EXPECT_TRUE(outcome.more);
  outcome = Balance(all, 2);
  EXPECT_EQ(outcome.returned, 1u);
  EXPECT_FALSE(outcome.more);
  for (int32_t index = 0; index < 5; ++index) EXPECT_EQ(LeaderOf("t", index), NodeId(1));
}

}  // namespace
}  // namespace weir::state
