// A broker that has forgotten a data directory: what was there is fetched anew where another
// replica has it, and stays offline where none does.
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "broker/log/log_start_map.h"
#include "broker/replica/partition_router.h"
#include "broker/replica/partition_table.h"
#include "tests/support/broker_log_world.h"
#include "tests/support/manual_executor.h"
#include "tests/support/mem_kv_store.h"

namespace weir::replica {
namespace {

using test::kSelf;
using test::ManualExecutor;

constexpr NodeId kOther{2};
const TopicPartition kPartition = test::MakePartition(0);
using Told = std::vector<bool>;

class LostDirectoryTest : public testing::Test {
 protected:
  class Port : public ReplicationPort {
   public:
    void Follow(NodeId leader, std::vector<FollowerPosition> positions) override {
      leader_followed = leader;
      fetch_offset = positions.at(0).fetch_offset;
    }
    void Unfollow(std::vector<TopicPartition>) override {}
    void ProposeIsr(const TopicPartition&, IsrProposal) override {}
    void GiveUp(const TopicPartition&) override { ++give_ups; }
    void ReportLogEnd(const TopicPartition&, const log::EpochEnd&) override {}
    void TellStorage(const TopicPartition&, bool offline) override { told.push_back(offline); }
    MonoTime LeadsUntil() const override { return MonoTime::max(); }

    std::optional<NodeId> leader_followed;
    std::optional<Offset> fetch_offset;
    int give_ups = 0;
    Told told;
  };

  LostDirectoryTest() {
    log_store =
        log::LogStore::Open(store, writer, syncer, std::make_shared<log::LogStartMap>()).value();
    router = std::make_unique<PartitionRouter>(
        kSelf, log::LogDirectories({log_store.get()}, 0, /*forgotten=*/true),
        std::vector<Executor*>{&shard}, 1 << 20);
    router->SetReplication(&port, std::chrono::seconds(30));
  }

  void Run() { test::RunAll({&writer, &syncer, &shard}); }
  static Assignment InSync(NodeId leader, int epoch) {
    return {.partition = kPartition,
            .leader = leader,
            .leader_epoch = LeaderEpoch(epoch),
            .partition_epoch = PartitionEpoch(epoch),
            .replicas = {kSelf, kOther},
            .isr = {kSelf, kOther},
            .config = std::make_shared<log::LogConfig>(),
            .relied_on = true};
  }
  // Offline, and in no list.
  static Assignment LetGo(int epoch) {
    Assignment assignment = InSync(kOther, epoch);
    assignment.isr = {kOther};
    assignment.relied_on = false;
    assignment.marked_offline = true;
    return assignment;
  }
  void Assign(Assignment assignment) {
    router->Assign({std::move(assignment)}, nullptr);
    Run();
  }
  void AnswerStorage(bool offline) {
    router->OnStorageAnswer(kPartition, offline, ErrorCode::kNone);
    Run();
  }
  void AnswerGiveUp(GivenUpAnswer answer) {
    router->OnGivenUp(kPartition, answer);
    Run();
  }
  ErrorCode ErrorOfRead() {
    FetchRequest request;
    request.bytes_max = 1 << 20;
    request.any_replica = true;
    request.deadline = world.now;
    request.parts.push_back({kPartition, Offset(0), 1 << 20});
    std::optional<FetchOutcome> outcome;
    router->Fetch(0, std::move(request),
                  [&](std::vector<FetchOutcome> outcomes) { outcome = outcomes.at(0); });
    Run();
    return outcome->error;
  }
  bool stored() const { return log_store->Holds(kPartition); }

  test::ManualWorld world;
  ManualExecutor writer{world};
  ManualExecutor syncer{world};
  ManualExecutor shard{world};
  test::MemKvStore store;
  std::unique_ptr<log::LogStore> log_store;
  std::unique_ptr<PartitionRouter> router;
  Port port;
};

TEST_F(LostDirectoryTest, WhatIsReliedOnIsOfflineUntilItIsLetGo) {
  Assign(InSync(kOther, 3));
  EXPECT_EQ(port.told, Told{true}) << "first of all nobody may elect it";
  EXPECT_EQ(port.give_ups, 0);
  EXPECT_EQ(ErrorOfRead(), ErrorCode::kKafkaStorageError);
  AnswerStorage(true);
  EXPECT_EQ(port.give_ups, 1);
  EXPECT_FALSE(stored());
  AnswerGiveUp({.leader_epoch = LeaderEpoch(4)});
  EXPECT_FALSE(stored()) << "the metadata still has it in sync";
  Assign(LetGo(4));
  EXPECT_TRUE(stored());
  EXPECT_EQ(port.leader_followed, kOther);
  EXPECT_EQ(port.fetch_offset, Offset(0));
  EXPECT_EQ(port.told, (Told{true, false})) << "it may be in sync again";
}

TEST_F(LostDirectoryTest, ALeaderThatLostEverythingServesNothing) {
  Assign(InSync(kSelf, 3));
  EXPECT_EQ(ErrorOfRead(), ErrorCode::kKafkaStorageError);
  EXPECT_EQ(port.told, Told{true});
  EXPECT_FALSE(stored());
}

TEST_F(LostDirectoryTest, TheOnlyOneInSyncStaysOfflineAndAsksAgain) {
  Assignment alone = InSync(kNoNode, 3);
  alone.isr = {kSelf};
  Assign(alone);
  AnswerStorage(true);
  AnswerGiveUp({.error = ErrorCode::kIneligibleReplica});
  EXPECT_FALSE(stored());
  world.now += PartitionTable::kGiveUpInterval;
  Run();
  EXPECT_EQ(port.give_ups, 2) << "another one may be in sync by now";
  AnswerGiveUp({.leader_epoch = LeaderEpoch(4)});
  Assign(LetGo(4));
  EXPECT_TRUE(stored());
}

TEST_F(LostDirectoryTest, TheOnlyReplicaStaysOffline) {
  Assignment only = InSync(kNoNode, 3);
  only.replicas = only.isr = {kSelf};
  Assign(only);
  AnswerStorage(true);
  world.now += PartitionTable::kGiveUpInterval;
  Run();
  EXPECT_EQ(port.give_ups, 0) << "there is nobody to fetch from";
  EXPECT_FALSE(stored());
  EXPECT_EQ(ErrorOfRead(), ErrorCode::kKafkaStorageError);
  router->Drop({kPartition}, nullptr);
  Run();
  EXPECT_EQ(ErrorOfRead(), ErrorCode::kNotLeaderOrFollower) << "the topic may be deleted";
}

TEST_F(LostDirectoryTest, AnUncleanElectionOfAnotherLetsItGo) {
  Assignment alone = InSync(kNoNode, 3);
  alone.isr = {kSelf};
  Assign(alone);
  AnswerStorage(true);
  AnswerGiveUp({.error = ErrorCode::kIneligibleReplica});
  Assign(LetGo(5));
  EXPECT_TRUE(stored());
  EXPECT_EQ(port.leader_followed, kOther);
}

TEST_F(LostDirectoryTest, WhatNobodyReliesOnBeginsAtOnce) {
  Assign(LetGo(3));
  EXPECT_TRUE(stored());
  EXPECT_EQ(port.give_ups, 0);
  EXPECT_EQ(port.told, Told{false});
}

TEST_F(LostDirectoryTest, NewPartitionsAreMadeAsEver) {
  Assignment fresh = InSync(kSelf, 0);
  fresh.is_new = true;
  Assign(fresh);
  EXPECT_TRUE(stored());
  EXPECT_TRUE(port.told.empty());
}

}  // namespace
}  // namespace weir::replica
