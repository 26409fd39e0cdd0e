// LogWriter: order, group commit, failure.
#include "broker/log/log_writer.h"

#include <gtest/gtest.h>

#include "broker/log/key_format.h"
#include "common/base/limits.h"
#include "tests/support/manual_executor.h"
#include "tests/support/mem_kv_store.h"

namespace weir::log {
namespace {

class LogWriterTest : public ::testing::Test {
 protected:
  LogWriterTest() {
    for (test::ManualExecutor* executor : {&shard_a, &shard_b}) {
      shards.push_back(log.AddShard(*executor, [this](const std::vector<Persisted>& persisted) {
        for (const Persisted& p : persisted) {
          reports.push_back(ToString(p.partition) + "<" + ToString(p.end_offset));
        }
      }));
    }
  }
  static LogAppend Make(uint32_t partition, int64_t last, std::string text,
                        Durability durability = Durability::kFsync) {
    LogAppend append;
    append.partition = PartitionLocalId(partition);
    append.last_offset = Offset(last);
    append.durability = durability;
    append.bytes = SharedBytes::Copy(text);
    return append;
  }
  void Append(size_t shard, LogAppend append) {
    std::vector<LogAppend> appends;
    appends.push_back(std::move(append));
    log.Append(shards[shard], std::move(appends));
  }
  std::string Value(uint32_t partition, int64_t last) {
    const LogKey key = MakeLogKey(PartitionLocalId(partition), Offset(last));
    return store.Get(KvFamily::kLogLong, View(key)).value().value_or("(none)");
  }
  void Run() { test::RunAll({&writer, &syncer, &shard_a, &shard_b}); }

  test::MemKvStore store;
  test::ManualWorld world;
  test::ManualExecutor writer{world};
  test::ManualExecutor syncer{world};
  test::ManualExecutor shard_a{world};
  test::ManualExecutor shard_b{world};
  LogWriter log{store, writer, syncer};
  std::vector<size_t> shards;
  std::vector<std::string> reports;
};

using Strings = std::vector<std::string>;

TEST_F(LogWriterTest, OneRoundIsOneWriteOneSyncAndOneEntryPerPartition) {
  Append(0, Make(1, 0, "a"));
  Append(1, Make(2, 0, "b"));
  Append(0, Make(1, 5, "c"));
  EXPECT_EQ(log.queued_bytes(), 3u);
  Run();
  EXPECT_EQ(store.writes(), 1u);
  EXPECT_EQ(store.syncs(), 1u);
  EXPECT_EQ(Value(1, 5), "ac");
  EXPECT_EQ(Value(2, 0), "b");
  EXPECT_EQ(store.Count(KvFamily::kLogLong), 2u);
  EXPECT_EQ(reports, (Strings{"1<1", "1<6", "2<1"}));
  EXPECT_EQ(log.queued_bytes(), 0u);
}

TEST_F(LogWriterTest, WhatIsWrittenDuringASyncWaitsForTheNext) {
  Append(0, Make(1, 0, "a"));
  writer.RunOne();
  Append(0, Make(1, 1, "b"));
  syncer.RunOne();
  writer.RunOne();
  test::RunAll({&shard_a});
  EXPECT_EQ(reports, Strings{"1<1"});
  Run();
  EXPECT_EQ(reports, (Strings{"1<1", "1<2"}));
  EXPECT_EQ(store.syncs(), 2u);
}

TEST_F(LogWriterTest, ManyWritesShareTheSyncThatIsLate) {
  for (int i = 0; i < 5; ++i) {
    Append(0, Make(1, i, "x"));
    writer.RunOne();
  }
  Run();
  EXPECT_EQ(store.writes(), 5u);
  EXPECT_EQ(store.syncs(), 1u);
  EXPECT_EQ(reports.size(), 5u);
}

TEST_F(LogWriterTest, DurabilityOsIsReportedAfterTheWriteAndNeedsNoSync) {
  Append(0, Make(1, 0, "a", Durability::kOs));
  Run();
  EXPECT_EQ(reports, Strings{"1<1"});
  EXPECT_EQ(store.syncs(), 0u);
}

TEST_F(LogWriterTest, EntriesAreCutAtTheTargetSize) {
  const std::string third(limits::kLogEntryBytesTarget / 3, 'x');
  for (int i = 0; i < 7; ++i) Append(0, Make(1, i, third));
  Run();
  EXPECT_EQ(store.Count(KvFamily::kLogLong), 3u);
  EXPECT_EQ(Value(1, 2).size(), 3 * third.size());
  EXPECT_EQ(Value(1, 6).size(), third.size());
}

TEST_F(LogWriterTest, ABigRoundIsSplitIntoBoundedWrites) {
  const std::string mebibyte(1024 * 1024, 'x');
  for (int i = 0; i < 10; ++i) Append(0, Make(1, i, mebibyte));
  Run();
  EXPECT_EQ(store.writes(), 3u);
  EXPECT_EQ(reports.size(), 10u);
  EXPECT_EQ(reports.back(), "1<10");
}

TEST_F(LogWriterTest, MetaRowsKeepTheirPlaceInTheOrder) {
  bool synced = false;
  const auto put = [](std::string value) {
    return [value](KvBatch& batch) { batch.Put(KvFamily::kMeta, "row", value); };
  };
  log.WriteMeta(put("first"), nullptr);
  log.WriteMeta(put("second"), [&] { synced = true; });
  writer.RunOne();
  EXPECT_FALSE(synced);
  Run();
  EXPECT_TRUE(synced);
  EXPECT_EQ(store.Get(KvFamily::kMeta, "row").value(), "second");
  bool flushed = false;
  log.Flush([&] { flushed = true; });
  Run();
  EXPECT_TRUE(flushed);
}

TEST_F(LogWriterTest, ANewEpochIsWrittenWithItsFirstAppend) {
  LogAppend append = Make(1, 0, "a");
  append.new_epoch = LeaderEpoch(3);
  append.new_epoch_start = Offset(0);
  Append(0, std::move(append));
  Run();
  EXPECT_EQ(store.writes(), 1u);
  EXPECT_TRUE(store.Get(KvFamily::kMeta, MakeEpochKey(PartitionLocalId(1), LeaderEpoch(3)))
                  .value()
                  .has_value());
}

TEST_F(LogWriterTest, D13_NothingIsReportedAfterAFailure) {
  for (const uint64_t point : {0u, 1u}) {
    reports.clear();
    test::MemKvStore failing;
    LogWriter own(failing, writer, syncer);
    const size_t shard = own.AddShard(
        shard_a, [this](const std::vector<Persisted>& p) { reports.resize(p.size()); });
    failing.FailFrom(point);
    std::vector<LogAppend> appends;
    appends.push_back(Make(1, 0, "a"));
    own.Append(shard, std::move(appends));
    Run();
    appends.clear();
    appends.push_back(Make(1, 1, "b"));
    own.Append(shard, std::move(appends));
    Run();
    EXPECT_TRUE(reports.empty());
  }
}

// Whoever waits for a row must hear of it: a broker goes on without the directory.
TEST_F(LogWriterTest, D13_WhatAFailedStoreLosesIsToldOnce) {
  for (const uint64_t point : {0u, 1u}) {
    test::MemKvStore failing;
    LogWriter own(failing, writer, syncer);
    failing.FailFrom(point);
    int synced = 0;
    int lost = 0;
    const auto write = [&] { own.Flush([&] { ++synced; }, [&] { ++lost; }); };
    const auto put = [&] {
      own.WriteMeta([](KvBatch& batch) { batch.Put(KvFamily::kMeta, "k", "v"); }, [&] { ++synced; },
                    [&] { ++lost; });
    };
    put();
    write();
    Run();
    EXPECT_EQ(lost, 2);
    write();
    Run();
    EXPECT_EQ(lost, 3) << "also what comes later";
    EXPECT_EQ(synced, 0);
    EXPECT_EQ(own.queued_bytes(), 0u);
  }
}

}  // namespace
}  // namespace weir::log
