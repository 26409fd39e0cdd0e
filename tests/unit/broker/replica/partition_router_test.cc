// The facade, end to end on a store in memory: what handlers and the reconciler rely on.
#include "broker/replica/partition_router.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <string>

#include "tests/support/broker_log_world.h"
#include "tests/support/mem_kv_store.h"

namespace weir::replica {
namespace {

using test::MakeBatch;
using test::MakePartition;
using test::MakeProducerBatch;
using Strings = std::vector<std::string>;

class RouterTest : public ::testing::Test {
 protected:
  void SetUp() override { world.Start(); }

  test::MemKvStore store;
  test::BrokerLogWorld world{store};
};

TEST_F(RouterTest, WhatWasAppendedIsRead) {
  const TopicPartition p = MakePartition(0);
  world.Lead({p});
  EXPECT_EQ(world.Append(p, MakeBatch("a", 2)).base_offset, Offset(0));
  EXPECT_EQ(world.Append(p, MakeBatch("b", 3)).base_offset, Offset(2));
  EXPECT_EQ(world.ReadAll(p), (Strings{"0:a-0", "1:a-1", "2:b-0", "3:b-1", "4:b-2"}));
  EXPECT_EQ(world.Fetch(p, 0).high_watermark, Offset(5));
}

TEST_F(RouterTest, AcksAllIsAnsweredAfterTheSyncOnly) {
  const TopicPartition p = MakePartition(0);
  world.Lead({p});
  const auto outcome = world.StartAppend(p, MakeBatch("a"));
  std::vector<test::ManualExecutor*> all = world.Executors();
  std::erase(all, &world.syncer);
  test::RunAll(all);
  EXPECT_FALSE(outcome->has_value());
  EXPECT_TRUE(world.Fetch(p, 0).records.empty() || outcome->has_value());
  world.Run();
  ASSERT_TRUE(outcome->has_value());
  EXPECT_EQ((*outcome)->error, ErrorCode::kNone);
}

TEST_F(RouterTest, UnsyncedRecordsAreNotReadable) {
  const TopicPartition p = MakePartition(0);
  world.Lead({p});
  world.StartAppend(p, MakeBatch("a"));
  std::vector<test::ManualExecutor*> all = world.Executors();
  std::erase(all, &world.syncer);
  const auto fetch = world.StartFetch(world.FetchFrom(p, 0));
  test::RunAll(all);
  ASSERT_TRUE(fetch->has_value());
  EXPECT_EQ(fetch->value().at(0).bytes, 0u);
  EXPECT_EQ(fetch->value().at(0).high_watermark, Offset(0));
}

TEST_F(RouterTest, DurabilityOsDoesNotWaitForTheSync) {
  auto config = std::make_shared<log::LogConfig>();
  config->durability = log::Durability::kOs;
  world.config = config;
  const TopicPartition p = MakePartition(0);
  world.Lead({p});
  const auto outcome = world.StartAppend(p, MakeBatch("a"));
  std::vector<test::ManualExecutor*> all = world.Executors();
  std::erase(all, &world.syncer);
  test::RunAll(all);
  EXPECT_TRUE(outcome->has_value());
}

TEST_F(RouterTest, AppendsOfManyPartitionsShareOneWriteAndOneSync) {
  std::vector<TopicPartition> partitions;
  for (int i = 0; i < 20; ++i) partitions.push_back(MakePartition(i));
  world.Lead(partitions);
  const uint64_t writes = store.writes();
  const uint64_t syncs = store.syncs();
  AppendRequest request;
  request.deadline = MonoTime::max();
  for (const TopicPartition& p : partitions) request.parts.push_back({p, MakeBatch("x")});
  std::vector<AppendOutcome> outcomes;
  world.router->Append(1, std::move(request), [&](auto o) { outcomes = std::move(o); });
  world.Run();
  ASSERT_EQ(outcomes.size(), 20u);
  for (const AppendOutcome& outcome : outcomes) EXPECT_EQ(outcome.error, ErrorCode::kNone);
  // Two shards hand over in turns: two writes at most.
  EXPECT_LE(store.writes() - writes, 2u);
  EXPECT_LE(store.syncs() - syncs, 2u);
}

TEST_F(RouterTest, OneRoundOfOnePartitionBecomesOneEntry) {
  const TopicPartition p = MakePartition(0);
  world.Lead({p});
  std::vector<test::BrokerLogWorld::Pending> outcomes;
  for (int i = 0; i < 8; ++i) outcomes.push_back(world.StartAppend(p, MakeBatch("x")));
  test::ManualExecutor* shard = world.Executors()[2 + world.router->ShardOf(p)];
  test::RunAll({shard});
  world.Run();
  for (const auto& outcome : outcomes) EXPECT_TRUE(outcome->has_value());
  EXPECT_EQ(store.Count(KvFamily::kLogLong), 1u);
  EXPECT_EQ(world.ReadAll(p).size(), 8u);
}

TEST_F(RouterTest, ErrorsSpeakKafka) {
  const TopicPartition p = MakePartition(0);
  const TopicPartition elsewhere = MakePartition(1);
  world.Lead({p}, 3);
  Assignment other = world.Leading(elsewhere, 3);
  other.leader = NodeId(9);
  world.router->Assign({other}, nullptr);
  world.Run();
  const auto error = [&](const TopicPartition& at, SharedBytes bytes, int acks = -1) {
    return world.Append(at, std::move(bytes), acks).error;
  };
  EXPECT_EQ(error(elsewhere, MakeBatch("a")), ErrorCode::kNotLeaderOrFollower);
  EXPECT_EQ(error(MakePartition(2), MakeBatch("a")), ErrorCode::kNotLeaderOrFollower);
  EXPECT_EQ(error(p, MakeBatch("a"), 2), ErrorCode::kInvalidRequiredAcks);
  EXPECT_EQ(error(p, SharedBytes::Copy("")), ErrorCode::kInvalidRecord);
  std::string damaged(MakeBatch("a").view());
  damaged.back() ^= 1;
  EXPECT_EQ(error(p, SharedBytes::Copy(damaged)), ErrorCode::kCorruptMessage);
  EXPECT_EQ(error(p, MakeBatch(std::string(2'000'000, 'x'))), ErrorCode::kMessageTooLarge);

  FetchRequest fetch = world.FetchFrom(p, 5);
  EXPECT_EQ(world.Fetch(p, 5).error, ErrorCode::kOffsetOutOfRange);
  fetch.parts[0].fetch_offset = Offset(0);
  for (const auto& [epoch, code] : {std::pair{2, ErrorCode::kFencedLeaderEpoch},
                                    {4, ErrorCode::kUnknownLeaderEpoch},
                                    {3, ErrorCode::kNone}}) {
    fetch.parts[0].current_leader_epoch = LeaderEpoch(epoch);
    const auto outcome = world.StartFetch(fetch);
    world.Run();
    EXPECT_EQ(outcome->value().at(0).error, code);
  }
}

TEST_F(RouterTest, MinInsyncReplicasHoldsBackAcksAllOnly) {
  auto config = std::make_shared<log::LogConfig>();
  config->min_insync_replicas = 2;
  world.config = config;
  const TopicPartition p = MakePartition(0);
  replica::Assignment alone = world.Leading(p);
  alone.replicas.push_back(NodeId(2));
  world.Assign({alone});
  EXPECT_EQ(world.Append(p, MakeBatch("a"), -1).error, ErrorCode::kNotEnoughReplicas);
  EXPECT_EQ(world.Append(p, MakeBatch("a"), 1).error, ErrorCode::kNone);
}

TEST_F(RouterTest, J04_WhatComesBehindARefusedBatchWaitsForItsReturn) {
  auto config = std::make_shared<log::LogConfig>();
  config->min_insync_replicas = 2;
  world.config = config;
  const TopicPartition p = MakePartition(0);
  replica::Assignment alone = world.Leading(p);
  alone.replicas.push_back(NodeId(2));
  world.Assign({alone});
  const auto send = [&](int32_t sequence, int16_t acks) {
    return world.Append(p, test::MakeProducerBatch("a", 7, 0, sequence, 1), acks).error;
  };
  EXPECT_EQ(send(0, -1), ErrorCode::kNotEnoughReplicas);
  // In flight behind it, and taken as such by the leader that has recovered.
  EXPECT_EQ(send(1, 1), ErrorCode::kNotEnoughReplicas);
  EXPECT_EQ(send(0, 1), ErrorCode::kNone);
  EXPECT_EQ(send(1, 1), ErrorCode::kNone);
}

TEST_F(RouterTest, AFetchWaitsForBytesOnAnyShard) {
  std::vector<TopicPartition> partitions;
  std::set<size_t> shards;
  for (int i = 0; i < 16; ++i) {
    partitions.push_back(MakePartition(i));
    shards.insert(world.router->ShardOf(partitions.back()));
  }
  ASSERT_EQ(shards.size(), 2u);
  world.Lead(partitions);
  for (const TopicPartition& target : partitions) {
    FetchRequest request;
    request.bytes_min = 1;
    request.bytes_max = 1 << 20;
    request.deadline = world.world.now + std::chrono::milliseconds(500);
    const FetchOutcome before = world.Fetch(target, 0);
    for (const TopicPartition& p : partitions) {
      request.parts.push_back({p, world.Fetch(p, 0).high_watermark, 1 << 20});
    }
    const auto fetch = world.StartFetch(request);
    world.Run();
    EXPECT_FALSE(fetch->has_value());
    world.Append(target, MakeBatch("news"));
    ASSERT_TRUE(fetch->has_value());
    size_t bytes = 0;
    for (const FetchOutcome& outcome : fetch->value()) bytes += outcome.bytes;
    EXPECT_GT(bytes, 0u);
  }
}

TEST_F(RouterTest, AFetchWithTooLittleEndsAtItsDeadline) {
  const TopicPartition p = MakePartition(0);
  world.Lead({p});
  FetchRequest request = world.FetchFrom(p, 0);
  request.bytes_min = 1'000'000;
  request.deadline = world.world.now + std::chrono::milliseconds(500);
  const auto fetch = world.StartFetch(request);
  world.Append(p, MakeBatch("a"));
  world.Advance(std::chrono::milliseconds(499));
  EXPECT_FALSE(fetch->has_value());
  world.Advance(std::chrono::milliseconds(1));
  ASSERT_TRUE(fetch->has_value());
  EXPECT_EQ(test::RecordsIn(fetch->value()[0].records), Strings{"0:a-0"});
}

TEST_F(RouterTest, AFetchWithMinBytesWakesOnceEnoughIsThere) {
  const TopicPartition p = MakePartition(0);
  world.Lead({p});
  FetchRequest request = world.FetchFrom(p, 0);
  request.bytes_min = static_cast<int64_t>(3 * MakeBatch("a").size());
  request.deadline = world.world.now + std::chrono::milliseconds(500);
  const auto fetch = world.StartFetch(request);
  for (int i = 0; i < 2; ++i) world.Append(p, MakeBatch("a"));
  EXPECT_FALSE(fetch->has_value());
  world.Append(p, MakeBatch("a"));
  ASSERT_TRUE(fetch->has_value());
  EXPECT_EQ(fetch->value()[0].records.size(), 3u);
}

TEST_F(RouterTest, FetchLimitsKeepWholeBatchesAndAtLeastOne) {
  const TopicPartition p = MakePartition(0);
  const TopicPartition q = MakePartition(1);
  world.Lead({p, q});
  for (int i = 0; i < 4; ++i) {
    world.Append(p, MakeBatch("a"));
    world.Append(q, MakeBatch("b"));
  }
  const auto size = static_cast<int32_t>(MakeBatch("a").size());
  FetchRequest request = world.FetchFrom(p, 0);
  request.parts[0].bytes_max = 1;
  request.parts.push_back({q, Offset(0), 2 * size + 10});
  auto fetch = world.StartFetch(request);
  world.Run();
  EXPECT_EQ(test::RecordsIn(fetch->value()[0].records).size(), 1u);
  request.bytes_max = 1;
  fetch = world.StartFetch(request);
  world.Run();
  EXPECT_EQ(test::RecordsIn(fetch->value()[0].records).size(), 1u);
  EXPECT_EQ(test::RecordsIn(fetch->value()[1].records).size(), 0u);
}

TEST_F(RouterTest, ReadingBeginsInsideABatchAndAnEntry) {
  const TopicPartition p = MakePartition(0);
  world.Lead({p});
  world.Append(p, MakeBatch("a", 10));
  world.Append(p, MakeBatch("b", 10));
  const FetchOutcome outcome = world.Fetch(p, 15);
  EXPECT_EQ(test::RecordsIn(outcome.records).front(), "10:b-0");
  EXPECT_EQ(world.ReadAll(p, 15).size(), 5u);
}

TEST_F(RouterTest, ALostLeadershipAnswersWhatWaits) {
  const TopicPartition p = MakePartition(0);
  world.Lead({p}, 1);
  const auto append = world.StartAppend(p, MakeBatch("a"));
  test::RunAll({world.Executors()[2], world.Executors()[3]});
  Assignment other = world.Leading(p, 2);
  other.leader = NodeId(9);
  world.router->Assign({other}, nullptr);
  test::RunAll({world.Executors()[2], world.Executors()[3]});
  ASSERT_TRUE(append->has_value());
  EXPECT_EQ((*append)->error, ErrorCode::kNotLeaderOrFollower);
}

TEST_F(RouterTest, AcksAllTimesOut) {
  const TopicPartition p = MakePartition(0);
  Assignment assignment = world.Leading(p);
  assignment.isr = {test::kSelf, NodeId(2)};
  world.router->Assign({assignment}, nullptr);
  world.Run();
  const auto append = world.StartAppend(p, MakeBatch("a"));
  world.Run();
  EXPECT_FALSE(append->has_value());
  world.Advance(std::chrono::seconds(30));
  ASSERT_TRUE(append->has_value());
  EXPECT_EQ((*append)->error, ErrorCode::kRequestTimedOut);
  // The record is in the log all the same, but nobody may read it.
  EXPECT_TRUE(world.ReadAll(p).empty());
}

TEST_F(RouterTest, ADroppedPartitionIsGoneForGood) {
  const TopicPartition p = MakePartition(0);
  world.Lead({p});
  world.Append(p, MakeBatch("a"));
  bool done = false;
  world.router->Drop({p}, [&] { done = true; });
  world.Run();
  EXPECT_TRUE(done);
  EXPECT_EQ(world.Fetch(p, 0).error, ErrorCode::kNotLeaderOrFollower);
  EXPECT_TRUE(world.log_store->Stored().empty());
  // Its entries may be reclaimed, nobody else's.
  const KvDropRule rule = world.starts->Rule();
  EXPECT_TRUE(rule(log::View(log::MakeLogKey(log::PartitionLocalId(1), Offset(0)))));
  EXPECT_FALSE(rule(log::View(log::MakeLogKey(log::PartitionLocalId(2), Offset(0)))));
  // The same name again is another partition.
  world.Lead({p});
  EXPECT_TRUE(world.ReadAll(p).empty());
  world.Crash();
  world.Start();
  world.Lead({p});
  EXPECT_TRUE(world.ReadAll(p).empty());
}

TEST_F(RouterTest, ListOffsetsKnowsTheSpecialTimes) {
  const TopicPartition p = MakePartition(0);
  world.Lead({p}, 5);
  const int64_t time = world.world.wall_now.value();
  EXPECT_EQ(world.ListOffset(p, kLatestTimestamp).offset, Offset(0));
  EXPECT_EQ(world.ListOffset(p, kMaxTimestamp).offset, kNoOffset);
  world.Append(p, MakeBatch("a", 3, time));
  world.Append(p, MakeBatch("b", 3, time + 100));
  world.Append(p, MakeBatch("c", 1, time + 50));
  EXPECT_EQ(world.ListOffset(p, kLatestTimestamp).offset, Offset(7));
  EXPECT_EQ(world.ListOffset(p, kEarliestTimestamp).offset, Offset(0));
  EXPECT_EQ(world.ListOffset(p, kLatestTimestamp).leader_epoch, LeaderEpoch(5));
  const ListOffsetsOutcome youngest = world.ListOffset(p, kMaxTimestamp);
  EXPECT_EQ(youngest.offset, Offset(5));
  EXPECT_EQ(youngest.timestamp, WallTime(time + 102));
  EXPECT_EQ(world.ListOffset(p, time + 1).offset, Offset(1));
  EXPECT_EQ(world.ListOffset(p, time + 3).offset, Offset(3));
  EXPECT_EQ(world.ListOffset(p, time + 101).offset, Offset(4));
  EXPECT_EQ(world.ListOffset(p, time + 103).offset, kNoOffset);
  EXPECT_EQ(world.ListOffset(p, -9).error, ErrorCode::kInvalidRequest);
}

TEST_F(RouterTest, LogAppendTimeIsStampedAndReported) {
  auto config = std::make_shared<log::LogConfig>();
  config->timestamp_type = log::TimestampType::kLogAppendTime;
  world.config = config;
  const TopicPartition p = MakePartition(0);
  world.Lead({p});
  const AppendOutcome outcome = world.Append(p, MakeBatch("a", 2, 12345));
  EXPECT_EQ(outcome.log_append_time, world.world.wall_now);
  EXPECT_EQ(world.ListOffset(p, world.world.wall_now.value()).offset, Offset(0));
}

TEST_F(RouterTest, DeleteRecordsMovesTheStartAndKeepsItThere) {
  const TopicPartition p = MakePartition(0);
  world.Lead({p});
  for (int i = 0; i < 4; ++i) world.Append(p, MakeBatch("a", 5));
  std::vector<DeleteRecordsOutcome> outcomes;
  const auto remove = [&](int64_t before) {
    world.router->DeleteRecords(0, {{p, Offset(before)}}, [&](auto o) { outcomes = o; });
    world.Run();
    return outcomes.at(0);
  };
  EXPECT_EQ(remove(21).error, ErrorCode::kOffsetOutOfRange);
  EXPECT_EQ(remove(7).low_watermark, Offset(7));
  EXPECT_EQ(remove(3).low_watermark, Offset(7));
  EXPECT_EQ(world.Fetch(p, 6).error, ErrorCode::kOffsetOutOfRange);
  EXPECT_EQ(world.ReadAll(p, 7).size(), 13u);
  EXPECT_EQ(world.ListOffset(p, kEarliestTimestamp).offset, Offset(7));
  world.Crash();
  Prng prng(1);
  store.PowerCut(prng);
  world.Start();
  world.Lead({p});
  EXPECT_EQ(world.ListOffset(p, kEarliestTimestamp).offset, Offset(7));
  EXPECT_EQ(remove(-1).low_watermark, Offset(20));
  EXPECT_TRUE(world.ReadAll(p, 20).empty());
  EXPECT_EQ(world.Append(p, MakeBatch("z")).base_offset, Offset(20));
}

TEST_F(RouterTest, EpochsAreFoundAcrossRestarts) {
  const TopicPartition p = MakePartition(0);
  const auto end_of = [&](int epoch) {
    std::vector<EpochEndOutcome> outcomes;
    world.router->EpochEnd(0, {{p, kNoLeaderEpoch, LeaderEpoch(epoch)}},
                           [&](auto o) { outcomes = o; });
    world.Run();
    return std::pair(outcomes.at(0).leader_epoch.value(), outcomes.at(0).end_offset.value());
  };
  world.Lead({p}, 1);
  world.Append(p, MakeBatch("a", 10));
  world.Lead({p}, 4);
  EXPECT_EQ(end_of(4), std::pair(4, int64_t{10}));  // I-32: known before its first append
  world.Append(p, MakeBatch("b", 5));
  for (int life = 0; life < 2; ++life) {
    EXPECT_EQ(end_of(0), std::pair(0, int64_t{0}));
    EXPECT_EQ(end_of(1), std::pair(1, int64_t{10}));
    EXPECT_EQ(end_of(3), std::pair(1, int64_t{10}));
    EXPECT_EQ(end_of(4), std::pair(4, int64_t{15}));
    EXPECT_EQ(end_of(5), std::pair(-1, int64_t{-1}));
    world.Crash();
    store.Kill();
    world.Start();
    world.Lead({p}, 4);
  }
}

TEST_F(RouterTest, TenThousandPartitionsAreOneWriteAndNoSync) {
  std::vector<TopicPartition> partitions;
  for (int i = 0; i < 10'000; ++i) partitions.push_back(MakePartition(i));
  const uint64_t writes = store.writes();
  const uint64_t syncs = store.syncs();
  world.Lead(partitions);
  EXPECT_LE(store.writes() - writes, 2u);  // one per shard
  EXPECT_EQ(store.syncs(), syncs);
  world.Crash();
  store.Kill();
  world.Start();
  EXPECT_EQ(world.log_store->Stored().size(), 10'000u);
}

TEST_F(RouterTest, ACleanStopIsRememberedOnce) {
  const TopicPartition p = MakePartition(0);
  world.Lead({p}, 2);
  world.Append(p, MakeProducerBatch("a", 77, 0, 0, 3));
  EXPECT_EQ(world.log_store->previous_broker_epoch(), kNoBrokerEpoch);
  world.StopCleanly(BrokerEpoch(42));
  world.Start();
  EXPECT_EQ(world.log_store->previous_broker_epoch(), BrokerEpoch(42));
  world.Lead({p}, 3);
  EXPECT_EQ(world.ReadAll(p).size(), 3u);
  EXPECT_EQ(world.Append(p, MakeProducerBatch("a", 77, 0, 0, 3)).base_offset, Offset(0));
  world.Crash();
  store.Kill();
  world.Start();
  EXPECT_EQ(world.log_store->previous_broker_epoch(), kNoBrokerEpoch);
}

// A life that never opened the partition cannot vouch for its rows.
TEST_F(RouterTest, D01_ACleanStopDoesNotHideWhatAnEarlierCrashLeftToReplay) {
  const TopicPartition p = MakePartition(0);
  world.Lead({p});
  for (int i = 0; i < 3; ++i) world.Append(p, MakeProducerBatch("a", 77, 0, i));
  world.Crash();
  store.Kill();
  world.Start();
  world.StopCleanly(BrokerEpoch(1));
  world.Start();
  world.Lead({p}, 1);
  EXPECT_EQ(world.ReadAll(p).size(), 3u);
  EXPECT_EQ(world.Append(p, MakeProducerBatch("a", 77, 0, 2)).base_offset, Offset(2));
  EXPECT_EQ(world.Append(p, MakeBatch("b")).base_offset, Offset(3));
}

TEST_F(RouterTest, D23_MissingEntriesTakeThePartitionOfflineAndDeleteNothing) {
  const TopicPartition p = MakePartition(0);
  const TopicPartition sound = MakePartition(1);
  world.Lead({p, sound});
  world.Append(p, MakeBatch("a"));
  world.Append(sound, MakeBatch("a"));
  world.Advance(std::chrono::seconds(6));
  world.Crash();
  auto batch = store.NewBatch();
  batch->Delete(KvFamily::kLogLong,
                log::View(log::MakeLogKey(log::PartitionLocalId(1), Offset(0))));
  ASSERT_TRUE(store.Write(*batch).has_value());
  const size_t rows = store.Count(KvFamily::kMeta);
  world.Start();
  world.Lead({p, sound}, 1);
  std::vector<ErrorCode> errors = {world.Fetch(p, 0).error, world.Fetch(sound, 0).error};
  std::sort(errors.begin(), errors.end());
  EXPECT_EQ(errors, (std::vector{ErrorCode::kNone, ErrorCode::kKafkaStorageError}));
  EXPECT_EQ(store.Count(KvFamily::kMeta), rows);
}

}  // namespace
}  // namespace weir::replica
