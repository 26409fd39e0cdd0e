// Brokers and what their coming and going does to partitions.
#include "controller/state/brokers.h"

#include <gtest/gtest.h>

#include "controller/state/partitions.h"
#include "tests/unit/controller/state/state_support.h"

namespace weir::state {
namespace {

using metadata::NodeIdList;

class BrokersTest : public testing::Test {
 protected:
  ErrorCode RegisterError(const broker::v1::Registration& registration, bool session_open) {
    const auto decision = RegisterBroker(cluster_.context(), registration, session_open);
    return decision ? ErrorCode::kNone : decision.error().code;
  }
  // A topic with one partition on these brokers.
  void CreateOn(const std::string& name, std::initializer_list<int32_t> replicas,
                const std::map<std::string, std::string>& configs = {}) {
    admin::v1::CreateTopicsRequest request;
    admin::v1::NewTopic* topic = request.add_topics();
    topic->set_name(name);
    for (const auto& [key, value] : configs) (*topic->mutable_configs())[key] = value;
    for (const int32_t id : replicas) {
      if (topic->assignments_size() == 0) topic->add_assignments();
      topic->mutable_assignments(0)->add_broker_ids(id);
    }
    const auto reply = cluster_.Commit(CreateTopics(cluster_.context(), request));
    ASSERT_EQ(reply.topics(0).error().code(), 0) << reply.topics(0).error().message();
  }
  void RegisterAgain(int32_t id, int64_t previous_epoch) {
    broker::v1::Registration registration = cluster_.RegistrationOf(id);
    registration.set_previous_broker_epoch(previous_epoch);
    cluster_.Commit(RegisterBroker(cluster_.context(), registration, false));
  }
  int64_t EpochOf(int32_t id) { return cluster_.image.FindBroker(NodeId(id))->epoch.value(); }

  StateHarness cluster_;
};

TEST_F(BrokersTest, I16_EpochIsTheOffsetOfTheRegistration) {
  cluster_.Register(1);
  EXPECT_EQ(EpochOf(1), static_cast<int64_t>(cluster_.image.offset().value()));
  EXPECT_TRUE(cluster_.image.FindBroker(NodeId(1))->fenced);
}

TEST_F(BrokersTest, SameIncarnationKeepsItsEpoch) {
  const broker::v1::Registration registration = cluster_.RegistrationOf(1);
  cluster_.Commit(RegisterBroker(cluster_.context(), registration, false));
  const int64_t epoch = EpochOf(1);
  cluster_.Unfence(1);
  const auto again = RegisterBroker(cluster_.context(), registration, true);
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->records.empty());
  EXPECT_EQ(again->reply.kept_epoch, BrokerEpoch(epoch));
}

TEST_F(BrokersTest, AnotherIncarnationMustWaitForTheFirst) {
  cluster_.AddBroker(1);
  EXPECT_EQ(RegisterError(cluster_.RegistrationOf(1), /*session_open=*/true),
            ErrorCode::kDuplicateBrokerRegistration);
}

TEST_F(BrokersTest, ABrokenPredecessorIsFencedInTheSameBatch) {
  cluster_.AddBroker(1);
  cluster_.AddBroker(2);
  CreateOn("t", {1, 2});
  const int64_t old_epoch = EpochOf(1);
  RegisterAgain(1, -1);
  EXPECT_GT(EpochOf(1), old_epoch);
  EXPECT_TRUE(cluster_.image.FindBroker(NodeId(1))->fenced);
  EXPECT_EQ(cluster_.PartitionAt("t", 0).leader, NodeId(2));
  EXPECT_EQ(cluster_.PartitionAt("t", 0).isr, NodeIdList{NodeId(2)});
}

TEST_F(BrokersTest, RefusesForeignAndMalformedRegistrations) {
  broker::v1::Registration registration = cluster_.RegistrationOf(1);
  registration.set_cluster_id(Uuid::Random(cluster_.prng).ToBytes());
  EXPECT_EQ(RegisterError(registration, false), ErrorCode::kInconsistentClusterId);
  registration.clear_cluster_id();
  EXPECT_EQ(RegisterError(registration, false), ErrorCode::kNone);

  registration = cluster_.RegistrationOf(-1);
  EXPECT_EQ(RegisterError(registration, false), ErrorCode::kInvalidRegistration);
  registration = cluster_.RegistrationOf(1);
  registration.set_incarnation_id("short");
  EXPECT_EQ(RegisterError(registration, false), ErrorCode::kInvalidRegistration);
  registration = cluster_.RegistrationOf(1);
  registration.clear_directory_ids();
  EXPECT_EQ(RegisterError(registration, false), ErrorCode::kInvalidRegistration);
  registration = cluster_.RegistrationOf(1);
  registration.mutable_endpoints(0)->set_port(0);
  EXPECT_EQ(RegisterError(registration, false), ErrorCode::kInvalidRegistration);
  registration = cluster_.RegistrationOf(1);
  registration.set_inter_broker_listener("OTHER");
  EXPECT_EQ(RegisterError(registration, false), ErrorCode::kInvalidRegistration);
}

TEST_F(BrokersTest, ACopiedDirectoryIsRefused) {
  cluster_.AddBroker(1);
  broker::v1::Registration registration = cluster_.RegistrationOf(2);
  registration.set_directory_ids(0, cluster_.directories[1].ToBytes());
  EXPECT_EQ(RegisterError(registration, false), ErrorCode::kInvalidRegistration);
}

TEST_F(BrokersTest, UnfencedOnlyWhenCaughtUpWithItsRegistration) {
  cluster_.Register(1);
  broker::v1::Heartbeat heartbeat = cluster_.HeartbeatOf(1);
  heartbeat.set_applied_offset(EpochOf(1) - 1);
  EXPECT_TRUE(cluster_.Beat(1, heartbeat).fenced);
  heartbeat.set_applied_offset(EpochOf(1));
  EXPECT_FALSE(cluster_.Beat(1, heartbeat).fenced);
  EXPECT_TRUE(cluster_.image.IsLive(NodeId(1)));
}

TEST_F(BrokersTest, I36_StaleEpochsAreRefused) {
  cluster_.AddBroker(1);
  broker::v1::Heartbeat heartbeat = cluster_.HeartbeatOf(1);
  heartbeat.set_broker_epoch(heartbeat.broker_epoch() - 1);
  const auto stale = HandleHeartbeat(cluster_.context(), NodeId(1), heartbeat);
  ASSERT_FALSE(stale);
  EXPECT_EQ(stale.error().code, ErrorCode::kStaleBrokerEpoch);
  const auto unknown = HandleHeartbeat(cluster_.context(), NodeId(7), heartbeat);
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, ErrorCode::kBrokerIdNotRegistered);
}

TEST_F(BrokersTest, ALoneReplicaLeadsAgainWhenItIsBack) {
  cluster_.AddBroker(1);
  CreateOn("t", {1});
  cluster_.Fence(1);
  EXPECT_EQ(cluster_.PartitionAt("t", 0).leader, kNoNode);
  EXPECT_TRUE(cluster_.PartitionAt("t", 0).isr.empty());
  EXPECT_EQ(cluster_.PartitionAt("t", 0).elr, NodeIdList{NodeId(1)});
  EXPECT_EQ(cluster_.PartitionAt("t", 0).leader_epoch, LeaderEpoch(1));
  RegisterAgain(1, -1);
  EXPECT_EQ(cluster_.PartitionAt("t", 0).leader, kNoNode);
  cluster_.Unfence(1);
  EXPECT_EQ(cluster_.PartitionAt("t", 0).leader, NodeId(1));
  EXPECT_EQ(cluster_.PartitionAt("t", 0).isr, NodeIdList{NodeId(1)});
  EXPECT_TRUE(cluster_.PartitionAt("t", 0).elr.empty());
  EXPECT_EQ(cluster_.PartitionAt("t", 0).leader_epoch, LeaderEpoch(2));
}

TEST_F(BrokersTest, TheNextInSyncReplicaTakesOver) {
  for (int32_t id = 1; id <= 3; ++id) cluster_.AddBroker(id);
  CreateOn("t", {2, 3, 1});
  cluster_.Fence(2);
  EXPECT_EQ(cluster_.PartitionAt("t", 0).leader, NodeId(3));
  EXPECT_EQ(cluster_.PartitionAt("t", 0).leader_epoch, LeaderEpoch(1));
  cluster_.Fence(1);
  EXPECT_EQ(cluster_.PartitionAt("t", 0).leader, NodeId(3));
  EXPECT_EQ(cluster_.PartitionAt("t", 0).leader_epoch, LeaderEpoch(1)) << "the leader stayed";
  EXPECT_EQ(cluster_.PartitionAt("t", 0).isr, NodeIdList{NodeId(3)});
}

TEST_F(BrokersTest, I08_ReplicasLostBelowMinIsrStayEligible) {
  for (int32_t id = 1; id <= 3; ++id) cluster_.AddBroker(id);
  CreateOn("t", {1, 2, 3}, {{"min.insync.replicas", "2"}});
  cluster_.Fence(3);
  EXPECT_TRUE(cluster_.PartitionAt("t", 0).elr.empty()) << "two are enough";
  cluster_.Fence(2);
  EXPECT_EQ(cluster_.PartitionAt("t", 0).elr, NodeIdList{NodeId(2)});
  cluster_.Fence(1);
  EXPECT_EQ(cluster_.PartitionAt("t", 0).leader, kNoNode);
  EXPECT_EQ(cluster_.PartitionAt("t", 0).elr, (NodeIdList{NodeId(2), NodeId(1)}));
  RegisterAgain(3, -1);
  cluster_.Unfence(3);
  EXPECT_EQ(cluster_.PartitionAt("t", 0).leader, kNoNode) << "3 may lack acknowledged records";
  RegisterAgain(2, -1);
  cluster_.Unfence(2);
  EXPECT_EQ(cluster_.PartitionAt("t", 0).leader, NodeId(2));
  EXPECT_EQ(cluster_.PartitionAt("t", 0).elr, NodeIdList{NodeId(1)});
}

TEST_F(BrokersTest, I17_UncleanEndsCountWhereRecordsWereNotSynced) {
  for (int32_t id = 1; id <= 2; ++id) cluster_.AddBroker(id);
  CreateOn("synced", {1, 2}, {{"min.insync.replicas", "2"}});
  CreateOn("relaxed", {1, 2}, {{"min.insync.replicas", "2"}, {"durability", "os"}});
  cluster_.Fence(1);
  cluster_.Fence(2);
  RegisterAgain(1, -1);
  EXPECT_EQ(cluster_.PartitionAt("synced", 0).elr.size(), 2u);
  EXPECT_EQ(cluster_.PartitionAt("relaxed", 0).elr, NodeIdList{NodeId(2)});
  EXPECT_EQ(cluster_.PartitionAt("relaxed", 0).last_known_elr, NodeIdList{NodeId(1)});
  cluster_.Unfence(1);
  EXPECT_EQ(cluster_.PartitionAt("synced", 0).leader, NodeId(1));
  EXPECT_EQ(cluster_.PartitionAt("relaxed", 0).leader, kNoNode);
  RegisterAgain(2, EpochOf(2));  // ended cleanly
  cluster_.Unfence(2);
  EXPECT_EQ(cluster_.PartitionAt("relaxed", 0).leader, NodeId(2));
}

TEST_F(BrokersTest, TheLastLeaderOfAnUnsyncedLoneReplicaMayLeadAgain) {
  cluster_.AddBroker(1);
  CreateOn("relaxed", {1}, {{"durability", "os"}});
  RegisterAgain(1, -1);
  EXPECT_EQ(cluster_.PartitionAt("relaxed", 0).last_known_elr, NodeIdList{NodeId(1)});
  cluster_.Unfence(1);
  EXPECT_EQ(cluster_.PartitionAt("relaxed", 0).leader, NodeId(1));
  EXPECT_TRUE(cluster_.PartitionAt("relaxed", 0).last_known_elr.empty());
}

// F-39: the records are gone with the disk; an empty log must not pass for them.
TEST_F(BrokersTest, AWipedDiskLeadsNothingOfItsOldLife) {
  cluster_.AddBroker(1);
  CreateOn("t", {1});
  CreateOn("unclean", {1}, {{"unclean.leader.election.enable", "true"}});
  cluster_.directories[1] = Uuid::Random(cluster_.prng);
  RegisterAgain(1, -1);
  cluster_.Unfence(1);
  EXPECT_EQ(cluster_.PartitionAt("t", 0).leader, kNoNode);
  EXPECT_EQ(cluster_.PartitionAt("unclean", 0).leader, NodeId(1)) << "its owner accepted loss";
}

TEST_F(BrokersTest, I21_ControlledShutdownMovesLeadershipsFirst) {
  for (int32_t id = 1; id <= 2; ++id) cluster_.AddBroker(id);
  CreateOn("t", {1, 2});
  CreateOn("lone", {1});
  broker::v1::Heartbeat heartbeat = cluster_.HeartbeatOf(1);
  heartbeat.set_want_shutdown(true);
  const HeartbeatOutcome outcome = cluster_.Beat(1, heartbeat);
  EXPECT_TRUE(outcome.leads_nothing_for_shutdown);
  EXPECT_FALSE(outcome.fenced);
  EXPECT_EQ(cluster_.PartitionAt("t", 0).leader, NodeId(2));
  EXPECT_EQ(cluster_.PartitionAt("t", 0).isr, NodeIdList{NodeId(2)});
  EXPECT_EQ(cluster_.PartitionAt("lone", 0).leader, kNoNode);
  EXPECT_TRUE(cluster_.Beat(1, heartbeat).leads_nothing_for_shutdown);
  EXPECT_TRUE(HandleHeartbeat(cluster_.context(), NodeId(1), heartbeat)->records.empty());
  heartbeat.set_stopped(true);
  EXPECT_TRUE(cluster_.Beat(1, heartbeat).fenced);
  RegisterAgain(1, EpochOf(1));
  cluster_.Unfence(1);
  EXPECT_EQ(cluster_.PartitionAt("lone", 0).leader, NodeId(1));
}

TEST_F(BrokersTest, WantFenceIsObeyedAndLifted) {
  cluster_.AddBroker(1);
  CreateOn("t", {1});
  broker::v1::Heartbeat heartbeat = cluster_.HeartbeatOf(1);
  heartbeat.set_want_fence(true);
  EXPECT_TRUE(cluster_.Beat(1, heartbeat).fenced);
  EXPECT_EQ(cluster_.PartitionAt("t", 0).leader, kNoNode);
  EXPECT_TRUE(cluster_.Beat(1, heartbeat).fenced);
  heartbeat.set_want_fence(false);
  EXPECT_FALSE(cluster_.Beat(1, heartbeat).fenced);
  EXPECT_EQ(cluster_.PartitionAt("t", 0).leader, NodeId(1));
}

TEST_F(BrokersTest, FencingManyAtOnceLeavesNoneOfThemLeading) {
  for (int32_t id = 1; id <= 4; ++id) cluster_.AddBroker(id);
  cluster_.CreateTopic("t", 40, 3);
  const NodeId gone[] = {NodeId(1), NodeId(2), NodeId(1), NodeId(9)};
  const FenceOutcome outcome = cluster_.Commit(FenceBrokers(cluster_.context(), gone));
  EXPECT_EQ(outcome.fenced, (std::vector<NodeId>{NodeId(1), NodeId(2)}));
  EXPECT_FALSE(outcome.more);
  for (const auto& [index, partition] : cluster_.image.FindTopic("t")->partitions) {
    EXPECT_NE(partition.leader, kNoNode) << "three replicas on four brokers leave one";
  }
  EXPECT_TRUE(FenceBrokers(cluster_.context(), gone)->records.empty());
}

TEST_F(BrokersTest, UnregistersOnlyWhatIsGoneAndEmpty) {
  cluster_.AddBroker(1);
  cluster_.AddBroker(2);
  CreateOn("t", {1});
  EXPECT_EQ(UnregisterBroker(cluster_.context(), NodeId(1)).error().code,
            ErrorCode::kInvalidRequest);
  cluster_.Fence(1);
  EXPECT_EQ(UnregisterBroker(cluster_.context(), NodeId(1)).error().code,
            ErrorCode::kInvalidRequest);
  cluster_.Fence(2);
  cluster_.Commit(UnregisterBroker(cluster_.context(), NodeId(2)));
  EXPECT_EQ(cluster_.image.FindBroker(NodeId(2)), nullptr);
  EXPECT_EQ(UnregisterBroker(cluster_.context(), NodeId(2)).error().code,
            ErrorCode::kBrokerIdNotRegistered);
}

// More leaderships than one batch can move: they go in several, and the fence comes last.
TEST(BrokerScale, FencingASpanOfBatchesEndsFenced) {
  StateHarness cluster;
  cluster.AddBroker(1);
  for (int t = 0; t < 5; ++t) {
    metadata::v1::MetadataBatch batch;
    const std::string id = Uuid::Random(cluster.prng).ToBytes();
    batch.add_records()->mutable_topic()->set_topic_id(id);
    batch.mutable_records(0)->mutable_topic()->set_name("t" + std::to_string(t));
    for (int p = 0; p < 50'000; ++p) {
      metadata::v1::PartitionRecord* partition = batch.add_records()->mutable_partition();
      partition->set_topic_id(id);
      partition->set_partition(p);
      partition->add_replicas(1);
      partition->add_isr(1);
      partition->set_leader(1);
    }
    metadata::Apply(cluster.image, batch, cluster.image.offset() + 1);
  }
  const NodeId ids[] = {NodeId(1)};
  int batches = 0;
  bool more = true;
  while (more && batches < 10) {
    const auto decision = FenceBrokers(cluster.context(), ids);
    ASSERT_TRUE(decision);
    const auto batch = MakeBatch(decision->records, {}, "");
    ASSERT_TRUE(batch) << "each fits";
    metadata::Apply(cluster.image, *batch, cluster.image.offset() + 1);
    more = decision->reply.more;
    EXPECT_EQ(cluster.image.IsLive(NodeId(1)), more);
    ++batches;
  }
  EXPECT_GT(batches, 1);
  EXPECT_FALSE(LeadsAny(cluster.image, NodeId(1)));
  EXPECT_EQ(cluster.image.skipped_records(), 0u);
}

// Brokers come, go, stop, lose their disks, and topics are made meanwhile; CheckLaws watches.
TEST(BrokerHistory, LawsHoldInRandomHistories) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    StateHarness cluster(seed);
    for (int32_t id = 1; id <= 4; ++id) cluster.AddBroker(id);
    for (int step = 0; step < 150; ++step) {
      const auto id = static_cast<int32_t>(1 + cluster.prng.Below(4));
      const metadata::Broker broker = *cluster.image.FindBroker(NodeId(id));
      broker::v1::Heartbeat heartbeat = cluster.HeartbeatOf(id);
      switch (cluster.prng.Below(7)) {
        case 0:
          cluster.Fence(id);
          break;
        case 1:
          heartbeat.set_want_shutdown(true);
          cluster.Beat(id, heartbeat);
          break;
        case 2:
          heartbeat.set_stopped(true);
          cluster.Beat(id, heartbeat);
          break;
        case 3: {
          if (cluster.prng.Chance(1, 8)) cluster.directories[id] = Uuid::Random(cluster.prng);
          broker::v1::Registration registration = cluster.RegistrationOf(id);
          const bool clean = cluster.prng.Chance(1, 2);
          registration.set_previous_broker_epoch(clean ? broker.epoch.value() : -1);
          cluster.Commit(RegisterBroker(cluster.context(), registration, false));
          break;
        }
        case 4: {
          const auto live = static_cast<int32_t>(cluster.image.LiveBrokers().size());
          admin::v1::CreateTopicsRequest request;
          admin::v1::NewTopic* topic = request.add_topics();
          topic->set_name("t" + std::to_string(step));
          topic->set_partitions(3);
          topic->set_replication_factor(1 + static_cast<int32_t>(cluster.prng.Below(3)));
          if (cluster.prng.Chance(1, 2)) (*topic->mutable_configs())["min.insync.replicas"] = "2";
          if (cluster.prng.Chance(1, 3)) (*topic->mutable_configs())["durability"] = "os";
          if (live > 0) cluster.Commit(CreateTopics(cluster.context(), request));
          break;
        }
        default:
          cluster.Beat(id, heartbeat);
          break;
      }
      ASSERT_FALSE(testing::Test::HasFailure()) << "seed " << seed << " step " << step;
    }
    EXPECT_GT(cluster.image.partition_count(), 0u);
  }
}

}  // namespace
}  // namespace weir::state
