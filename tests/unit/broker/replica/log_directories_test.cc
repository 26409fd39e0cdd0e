// Several data directories: where partitions go, and that each lives with its own writer, its own
// sync and its own local ids.
#include "broker/log/log_directories.h"

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/log/log_start_map.h"
#include "broker/replica/partition_router.h"
#include "broker/replica/partition_table.h"
#include "tests/support/batches.h"
#include "tests/support/broker_log_world.h"
#include "tests/support/manual_executor.h"
#include "tests/support/mem_kv_store.h"

namespace weir::replica {
namespace {

using test::MakeBatch;
using test::MakePartition;
using test::ManualExecutor;
using Strings = std::vector<std::string>;

constexpr int kDirectories = 2;

struct Directory {
  explicit Directory(test::ManualWorld& world) : writer(world), syncer(world) {}

  void Open(uint32_t number) {
    log_store =
        log::LogStore::Open(store, writer, syncer, std::make_shared<log::LogStartMap>(), number)
            .value();
  }

  test::MemKvStore store;
  ManualExecutor writer;
  ManualExecutor syncer;
  std::unique_ptr<log::LogStore> log_store;
};

class LogDirectoriesTest : public testing::Test {
 protected:
  LogDirectoriesTest() { Start(); }

  // Keeps what the table tells the controller.
  class Port : public ReplicationPort {
   public:
    void Follow(NodeId, std::vector<FollowerPosition>) override {}
    void Unfollow(std::vector<TopicPartition>) override {}
    void ProposeIsr(const TopicPartition&, IsrProposal) override {}
    void GiveUp(const TopicPartition&) override {}
    void ReportLogEnd(const TopicPartition&, const log::EpochEnd&) override {}
    MonoTime LeadsUntil() const override { return MonoTime::max(); }
    void TellStorage(const TopicPartition& partition, bool offline) override {
      told.emplace_back(partition, offline);
    }
    std::vector<std::pair<TopicPartition, bool>> Take() { return std::exchange(told, {}); }

    std::vector<std::pair<TopicPartition, bool>> told;
  };
  using Told = std::vector<std::pair<TopicPartition, bool>>;

  void Start() {
    for (uint32_t i = 0; i < kDirectories; ++i) at(i).Open(i);
    router = std::make_unique<PartitionRouter>(test::kSelf, View(), std::vector<Executor*>{&shard},
                                               1 << 20);
    router->SetReplication(&port, std::chrono::seconds(30));
  }
  // What main does when a store fails.
  void FailDirectory(uint32_t directory) {
    at(directory).log_store->MarkFailed();
    router->OnDirectoryFailed(directory);
    Run();
  }
  ErrorCode ErrorOfRead(const TopicPartition& partition) {
    FetchRequest request;
    request.bytes_max = 1 << 20;
    request.deadline = world.now;
    request.parts.push_back({partition, Offset(0), 1 << 20});
    std::optional<FetchOutcome> outcome;
    router->Fetch(0, std::move(request),
                  [&](std::vector<FetchOutcome> outcomes) { outcome = outcomes.at(0); });
    Run();
    return outcome->error;
  }
  void Stop() {
    for (Directory* directory : {&at(0), &at(1)}) {
      directory->writer.Clear();
      directory->syncer.Clear();
    }
    shard.Clear();
    router.reset();
    for (Directory* directory : {&at(0), &at(1)}) directory->log_store.reset();
  }
  Directory& at(uint32_t i) { return *directories[i]; }
  log::LogDirectories View() {
    return log::LogDirectories({at(0).log_store.get(), at(1).log_store.get()});
  }
  void Run() { test::RunAll({&at(0).writer, &at(0).syncer, &at(1).writer, &at(1).syncer, &shard}); }
  void Lead(const std::vector<TopicPartition>& partitions, int epoch = 0,
            bool marked_offline = false) {
    std::vector<Assignment> assignments;
    for (const TopicPartition& partition : partitions) {
      assignments.push_back({.partition = partition,
                             .leader = test::kSelf,
                             .leader_epoch = LeaderEpoch(epoch),
                             .partition_epoch = PartitionEpoch(epoch),
                             .replicas = {test::kSelf},
                             .isr = {test::kSelf},
                             .config = std::make_shared<log::LogConfig>(),
                             .marked_offline = marked_offline,
                             .is_new = epoch == 0});
    }
    router->Assign(std::move(assignments), nullptr);
    Run();
  }
  std::shared_ptr<std::optional<AppendOutcome>> Append(const TopicPartition& partition,
                                                       const std::string& text) {
    auto outcome = std::make_shared<std::optional<AppendOutcome>>();
    AppendRequest request{.acks = -1, .api_version = 9};
    request.deadline = world.now + std::chrono::seconds(30);
    request.parts.push_back({partition, MakeBatch(text)});
    router->Append(0, std::move(request), [outcome](std::vector<AppendOutcome> outcomes) {
      *outcome = std::move(outcomes.at(0));
    });
    return outcome;
  }
  Strings Read(const TopicPartition& partition) {
    FetchRequest request;
    request.bytes_min = 0;
    request.bytes_max = 1 << 20;
    request.deadline = world.now;
    request.parts.push_back({partition, Offset(0), 1 << 20});
    std::optional<FetchOutcome> outcome;
    router->Fetch(0, std::move(request),
                  [&](std::vector<FetchOutcome> outcomes) { outcome = outcomes.at(0); });
    Run();
    return test::RecordsIn(outcome->records);
  }

  test::ManualWorld world;
  ManualExecutor shard{world};
  std::array<std::unique_ptr<Directory>, kDirectories> directories = {
      std::make_unique<Directory>(world), std::make_unique<Directory>(world)};
  std::unique_ptr<PartitionRouter> router;
  Port port;
};

const TopicPartition kA = MakePartition(0);
const TopicPartition kB = MakePartition(1);
const TopicPartition kC = MakePartition(2);

TEST_F(LogDirectoriesTest, NewPartitionsGoWhereTheFewestAre) {
  Lead({kA, kB, kC});
  EXPECT_EQ(at(0).log_store->Stored(), (std::vector{kA, kC}));
  EXPECT_EQ(at(1).log_store->Stored(), (std::vector{kB}));
  router->Drop({kA, kC}, nullptr);
  Run();
  const std::vector more = {MakePartition(3), MakePartition(4)};
  Lead(more);
  EXPECT_EQ(at(0).log_store->Stored(), (std::vector{more[0], more[1]}));
  EXPECT_EQ(View().Stored(), (std::vector{kB, more[0], more[1]}));
}

// Both directories call their first partition 1.
TEST_F(LogDirectoriesTest, EqualLocalIdsAreTwoPartitions) {
  Lead({kA, kB});
  for (int i = 0; i < 3; ++i) Append(kA, "a" + std::to_string(i));
  Append(kB, "b");
  Run();
  EXPECT_EQ(Read(kA), (Strings{"0:a0-0", "1:a1-0", "2:a2-0"}));
  EXPECT_EQ(Read(kB), (Strings{"0:b-0"}));
  router->Drop({kA}, nullptr);
  Run();
  EXPECT_EQ(Read(kB), (Strings{"0:b-0"}));
}

TEST_F(LogDirectoriesTest, APartitionIsFoundAgainInItsDirectory) {
  Lead({kA, kB, kC});
  Append(kB, "kept");
  Run();
  Stop();
  Start();
  // In another order than they were made.
  Lead({kC, kB, kA}, 1);
  EXPECT_EQ(at(1).log_store->Stored(), (std::vector{kB}));
  EXPECT_EQ(Read(kB), (Strings{"0:kept-0"}));
  Append(kB, "more");
  Run();
  EXPECT_EQ(Read(kB), (Strings{"0:kept-0", "1:more-0"}));
}

TEST_F(LogDirectoriesTest, ASlowDirectoryHoldsNoOtherUp) {
  Lead({kA, kB});
  const auto slow = Append(kA, "a");
  const auto quick = Append(kB, "b");
  test::RunAll({&at(1).writer, &at(1).syncer, &shard});
  EXPECT_TRUE(quick->has_value());
  EXPECT_FALSE(slow->has_value());
  Run();
  EXPECT_TRUE(slow->has_value());
}

TEST_F(LogDirectoriesTest, APartitionInTwoDirectoriesIsRefused) {
  Lead({kA});
  EXPECT_TRUE(View().CheckDistinct());
  at(1).log_store->OpenOrCreate({kA}, {KvFamily::kLogLong});
  EXPECT_EQ(View().CheckDistinct().error().code, ErrorCode::kKafkaStorageError);
}

TEST_F(LogDirectoriesTest, I17_TheLastLifeEndedCleanlyOnlyIfItDidEverywhere) {
  Lead({kA, kB});
  ASSERT_TRUE(View().CloseCleanly(BrokerEpoch(7)));
  Stop();
  Start();
  EXPECT_EQ(View().previous_broker_epoch(), BrokerEpoch(7));
  ASSERT_TRUE(at(1).log_store->CloseCleanly(BrokerEpoch(8)));
  Stop();
  Start();
  EXPECT_EQ(View().previous_broker_epoch(), kNoBrokerEpoch);
}

// ---- A directory that fails ---------------------------------------------------------------

TEST_F(LogDirectoriesTest, D13_AFailedDirectoryTakesItsPartitionsOfflineAndNoOthers) {
  Lead({kA, kB});
  Append(kB, "b");
  Run();
  at(0).store.FailFrom(0);
  const auto waiting = Append(kA, "a");
  Run();
  EXPECT_FALSE(waiting->has_value());
  FailDirectory(0);
  ASSERT_TRUE(waiting->has_value()) << "nobody waits for a failed disk";
  EXPECT_EQ((*waiting)->error, ErrorCode::kKafkaStorageError);
  EXPECT_EQ(port.Take(), (Told{{kA, true}}));
  EXPECT_EQ(ErrorOfRead(kA), ErrorCode::kKafkaStorageError);
  const auto refused = Append(kA, "a");
  const auto served = Append(kB, "b");
  Run();
  EXPECT_EQ((*refused)->error, ErrorCode::kKafkaStorageError);
  EXPECT_EQ((*served)->error, ErrorCode::kNone);
  EXPECT_EQ(View().live_count(), 1u);
  EXPECT_EQ(View().offline_count(), 1u);
}

TEST_F(LogDirectoriesTest, D13_TheControllerIsToldUntilItAgrees) {
  Lead({kA, kB});
  FailDirectory(0);
  EXPECT_EQ(port.Take(), (Told{{kA, true}}));
  router->OnStorageAnswer(kA, true, ErrorCode::kRequestTimedOut);
  world.now += PartitionTable::kTellStorageInterval;
  Run();
  EXPECT_EQ(port.Take(), (Told{{kA, true}}));
  router->OnStorageAnswer(kA, true, ErrorCode::kNone);
  Run();
  world.now += PartitionTable::kTellStorageInterval;
  Run();
  EXPECT_TRUE(port.Take().empty());
  // A new life in which the directory is back: the metadata still says otherwise.
  Stop();
  Start();
  Lead({kA, kB}, 1, true);
  EXPECT_EQ(port.Take(), (Told{{kA, false}, {kB, false}}));
  router->OnStorageAnswer(kA, false, ErrorCode::kNone);
  Lead({kB}, 2, false);
  world.now += PartitionTable::kTellStorageInterval;
  Run();
  EXPECT_TRUE(port.Take().empty());
}

TEST_F(LogDirectoriesTest, D13_NewPartitionsGoToLiveDirectoriesOnly) {
  Lead({kA, kB});
  FailDirectory(0);
  Lead({kC, MakePartition(3)});
  EXPECT_EQ(at(1).log_store->partition_count(), 3u);
}

// Made anew elsewhere it would be empty, and two copies would be found when the disk is back.
TEST_F(LogDirectoriesTest, D13_WhatAFailedDirectoryHoldsIsNotMadeElsewhere) {
  Lead({kA, kB});
  FailDirectory(0);
  // Moved away, and back again.
  router->Drop({kA}, nullptr);
  Run();
  Lead({kA}, 5);
  EXPECT_EQ(ErrorOfRead(kA), ErrorCode::kKafkaStorageError);
  EXPECT_EQ(at(1).log_store->Stored(), (std::vector{kB}));
  EXPECT_EQ(at(0).log_store->Stored(), (std::vector{kA}));
}

TEST_F(LogDirectoriesTest, D13_WhatAnUnopenedDirectoryMayHoldIsNotMadeElsewhere) {
  log::LogDirectories one_of_two({at(0).log_store.get()}, 1);
  auto opened = one_of_two.OpenOrCreate(
      {{kA, KvFamily::kLogLong, /*is_new=*/false}, {kB, KvFamily::kLogLong, /*is_new=*/true}});
  EXPECT_EQ(opened[0].error().code, ErrorCode::kKafkaStorageError);
  EXPECT_TRUE(opened[1]);
  EXPECT_EQ(one_of_two.offline_count(), 1u);
}

TEST_F(LogDirectoriesTest, D13_ACleanStopWaitsForNoFailedDirectory) {
  Lead({kA, kB});
  at(0).store.FailFrom(0);
  FailDirectory(0);
  bool done = false;
  router->Checkpoint([&] { done = true; });
  Run();
  EXPECT_TRUE(done);
  EXPECT_TRUE(View().CloseCleanly(BrokerEpoch(7)));
}

TEST_F(LogDirectoriesTest, D22_AFullDirectoryRefusesOnlyItsOwnPartitions) {
  Lead({kA, kB});
  at(0).log_store->SetAppendLimit(0);
  const auto refused = Append(kA, "a");
  const auto served = Append(kB, "b");
  Run();
  EXPECT_EQ((*refused)->error, ErrorCode::kKafkaStorageError);
  EXPECT_EQ((*served)->error, ErrorCode::kNone);
  EXPECT_TRUE(View().IsFull(kA));
  EXPECT_FALSE(View().IsFull(kB));
  EXPECT_EQ(View().Full(), (log::FullDirectories{.all = false, .partitions = {kA}}));
  Lead({kC, MakePartition(3)});
  EXPECT_EQ(at(1).log_store->partition_count(), 3u) << "new ones go where there is room";
  at(1).log_store->SetAppendLimit(0);
  EXPECT_EQ(View().Full(), log::FullDirectories{.all = true});
  at(1).log_store->SetAppendLimit(log::LogStore::kNoAppendLimit);
  at(0).log_store->SetAppendLimit(log::LogStore::kNoAppendLimit);
  EXPECT_EQ(View().Full(), log::FullDirectories());
  const auto again = Append(kA, "a");
  Run();
  EXPECT_EQ((*again)->error, ErrorCode::kNone);
}

}  // namespace
}  // namespace weir::replica
