// The round of the active controller through all partitions, on a Raft that commits at once when
// told to.
#include "controller/quorum/leader_balancer.h"

#include <gtest/gtest.h>

namespace weir::quorum {
namespace {

// Runs nothing by itself: time is what the test says.
class ManualExecutor : public Executor {
 public:
  void Post(Task) override {}
  TimerId PostAt(MonoTime, Task) override { return 0; }
  void Cancel(TimerId) override {}
  MonoTime Now() const override { return now; }
  WallTime WallNow() const override { return WallTime(1'700'000'000'000); }

  MonoTime now{std::chrono::seconds(100)};
};

class FakeRaft : public RaftPort {
 public:
  Result<LogIndex> Propose(std::shared_ptr<const std::string> payload) override {
    log.push_back({Term(1), LogIndex(log.size() + 1), raft::EntryType::kNormal, payload});
    return log.back().index;
  }
  Status ReadIndex(uint64_t) override { return {}; }

  std::vector<raft::Entry> log;
};

class LeaderBalancerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    machine_.AddListener(&controller_);
    machine_.OnRoleChange({raft::Role::kLeader, Term(1), std::nullopt});
    raft_.log.push_back({Term(1), LogIndex(1), raft::EntryType::kLeaderStart,
                         std::make_shared<const std::string>()});
    Commit();
    Commit();
    AddBroker(1, 'a');
    AddBroker(2, 'b');
    metadata::v1::MetadataBatch batch;
    auto* topic = batch.add_records()->mutable_topic();
    topic->set_topic_id(std::string(16, 't'));
    topic->set_name("t");
    auto* partition = batch.add_records()->mutable_partition();
    partition->set_topic_id(std::string(16, 't'));
    for (const int32_t id : {1, 2}) {
      partition->add_replicas(id);
      partition->add_isr(id);
    }
    partition->set_leader(2);
    Append(batch);
  }

  void Append(const metadata::v1::MetadataBatch& batch) {
    EXPECT_TRUE(raft_.Propose(std::make_shared<const std::string>(batch.SerializeAsString())));
    Commit();
  }
  void Commit() {
    std::vector<raft::Entry> run(raft_.log.begin() + static_cast<std::ptrdiff_t>(committed_),
                                 raft_.log.end());
    committed_ = raft_.log.size();
    if (!run.empty()) machine_.Apply(run);
  }
  // Each call is another life of that broker.
  void AddBroker(int32_t id, char directory) {
    metadata::v1::MetadataBatch batch;
    auto* broker = batch.add_records()->mutable_register_broker();
    broker->set_broker_id(id);
    broker->set_incarnation_id(std::string(15, directory) + std::to_string(committed_ % 10));
    broker->add_directory_ids(std::string(16, directory));
    broker->set_fenced(false);
    Append(batch);
    liveness_.OpenSession(NodeId(id), committed_, loop_.now);
    session_[id] = committed_;
  }
  void EveryBrokerHasApplied() {
    for (const auto& [id, session] : session_) {
      liveness_.OnHeartbeat(NodeId(id), session, LogIndex(committed_), loop_.now);
    }
    controller_.CheckWaiting();
  }
  // One interval later.
  void Round() {
    loop_.now += options_.interval;
    balancer_.OnTick();
  }
  NodeId Leader() { return controller_.committed().FindPartition("t", PartitionIndex(0))->leader; }

  ManualExecutor loop_;
  FakeRaft raft_;
  // No session is silent in these tests.
  state::Liveness liveness_{state::LivenessOptions{.session_timeout = std::chrono::hours(1)}};
  MetadataMachine machine_{[](const std::string&) {}};
  ActiveController controller_{loop_, raft_, machine_, liveness_,
                               ActiveControllerOptions{NodeId(1), {}, {}, 7}};
  LeaderBalancerOptions options_{NodeId(1), true, std::chrono::seconds(5)};
  LeaderBalancer balancer_{loop_, controller_, options_};
  size_t committed_ = 0;
  std::map<int32_t, uint64_t> session_;
};

TEST_F(LeaderBalancerTest, ALeadershipGoesBackOneIntervalAfterActivation) {
  balancer_.OnTick();
  loop_.now += options_.interval / 2;
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
  metadata::v1::MetadataBatch again;
  auto* change = again.add_records()->mutable_partition_change();
  change->set_topic_id(std::string(16, 't'));
  change->set_leader(2);
  Append(again);
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
  loop_.now += std::chrono::milliseconds(10);
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
    loop_.now += options_.interval;
    off.OnTick();
    Commit();
  }
  EXPECT_EQ(Leader(), NodeId(2));
}

}  // namespace
}  // namespace weir::quorum
