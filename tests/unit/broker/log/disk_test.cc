// A disk that fills up: when records are refused, and what deleting gives back (D-22).
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>

#include "broker/log/disk_keeper.h"
#include "broker/log/disk_space.h"
#include "broker/log/key_format.h"
#include "broker/log/log_store.h"
#include "common/runtime/rocksdb/rocksdb_store.h"
#include "tests/support/manual_executor.h"
#include "tests/support/mem_kv_store.h"
#include "tests/support/scratch_directory.h"

namespace weir::log {
namespace {

constexpr uint64_t kMiB = 1024 * 1024;

DiskSample Available(uint64_t available_bytes) {
  return {.total_bytes = 1000, .available_bytes = available_bytes};
}

TEST(DiskSpace, D22_FullBelowTheReserveAndRoomOnlyAQuarterAboveIt) {
  DiskSpace space(100);
  EXPECT_FALSE(space.Update(Available(100)));
  EXPECT_FALSE(space.full());
  EXPECT_TRUE(space.Update(Available(99)));
  EXPECT_TRUE(space.full());
  EXPECT_EQ(space.room_bytes(), 0u);
  EXPECT_FALSE(space.Update(Available(124)));
  EXPECT_TRUE(space.full());
  EXPECT_TRUE(space.Update(Available(125)));
  EXPECT_FALSE(space.full());
  EXPECT_EQ(space.room_bytes(), 25u);
  EXPECT_FALSE(space.Update(Available(101)));
}

TEST(DiskSpace, D22_FullOnceItsRoomIsSpentUntilASampleFindsMore) {
  DiskSpace space(100);
  DiskSample sample = Available(125);
  EXPECT_FALSE(space.Update(sample));
  sample.room_spent = true;
  EXPECT_TRUE(space.Update(sample));
  EXPECT_TRUE(space.full()) << "who was refused finds it in the log";
  EXPECT_TRUE(space.Update(sample));
  EXPECT_FALSE(space.full());
}

TEST(DiskSpace, D22_WhatIsSpokenForIsNotFree) {
  DiskSpace space(100);
  DiskSample sample = Available(500);
  sample.unflushed_bytes = 200;
  sample.queued_bytes = 100;
  EXPECT_FALSE(space.Update(sample));
  EXPECT_EQ(space.room_bytes(), 0u);
  sample.queued_bytes = 101;
  EXPECT_TRUE(space.Update(sample));
  sample.unflushed_bytes = 10'000;
  EXPECT_FALSE(space.Update(sample));
  EXPECT_TRUE(space.full());
}

TEST(DiskSpace, TheDefaultReserveIsATwentiethWithinBounds) {
  EXPECT_EQ(DefaultReserve(2048 * kMiB), 256 * kMiB);
  EXPECT_EQ(DefaultReserve(20'000 * kMiB), 1000 * kMiB);
  EXPECT_EQ(DefaultReserve(1'000'000 * kMiB), 4096 * kMiB);
}

TopicPartition MakePartition(int index) {
  TopicPartition partition;
  partition.topic_id.bytes.fill(7);
  partition.partition = PartitionIndex(index);
  return partition;
}

uint64_t BytesIn(const std::string& directory, std::string_view extension = "") {
  uint64_t bytes = 0;
  std::error_code gone;  // RocksDB deletes meanwhile
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    if (!entry.path().native().ends_with(extension)) continue;
    const uint64_t size = entry.file_size(gone);
    if (!gone) bytes += size;
  }
  return bytes;
}

// RocksDB renames what it deletes to .trash and gives it back at a bounded rate.
uint64_t BytesWithoutTrash(const std::string& directory) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (BytesIn(directory, ".trash") > 0 && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::yield();
  }
  return BytesIn(directory);
}

class DiskTest : public ::testing::Test {
 protected:
  void OpenOnRocksDb() {
    runtime::RocksDbOptions options;
    options.memtable_bytes = kMiB;
    options.drop_rules = LogStartMap::DropRules(starts_);
    options.on_fatal = [](const std::string& reason) { FAIL() << reason; };
    kv_ = runtime::OpenRocksDb(scratch_.path(), std::move(options)).value();
    Open();
  }
  void OpenInMemory() {
    auto memory = std::make_unique<test::MemKvStore>();
    memory->set_drop_rules(LogStartMap::DropRules(starts_));
    kv_ = std::move(memory);
    Open();
  }
  void Open() { store_ = LogStore::Open(*kv_, writer_, syncer_, starts_).value(); }
  void Reopen() {
    Run();
    store_.reset();
    starts_ = std::make_shared<LogStartMap>();
    Open();
  }
  void Run() { test::RunAll({&writer_, &syncer_, &sampler_, &reclaimer_}); }

  // Entries of `count` x 64 KiB, the partitions taking turns.
  void Fill(const std::vector<PartitionLocalId>& partitions, int count) {
    for (int i = 0; i < count; ++i) {
      auto batch = kv_->NewBatch();
      for (const PartitionLocalId partition : partitions) {
        const LogKey key = MakeLogKey(partition, Offset(i));
        batch->Put(KvFamily::kLogLong, View(key), std::string(64 * 1024, 'x'));
      }
      ASSERT_TRUE(kv_->Write(*batch).has_value());
    }
  }
  PartitionLocalId Create(int index) {
    const auto opened = store_->OpenOrCreate({MakePartition(index)}, {KvFamily::kLogLong});
    Run();
    return opened.front().local_id;
  }
  size_t RowsLeft() {
    size_t rows = 0;
    const std::string kind(1, static_cast<char>(RowKind::kDeleted));
    const auto it = kv_->Scan(KvFamily::kMeta, "", "");
    for (it->Seek(kind); it->Valid() && it->key().starts_with(kind); it->Next()) ++rows;
    return rows;
  }
  size_t EntriesOf(PartitionLocalId partition) {
    size_t entries = 0;
    const LogKey lower = MakeLogKey(partition, Offset(0));
    const LogKey upper = MakeLogKeyEnd(partition);
    const auto it = kv_->Scan(KvFamily::kLogLong, View(lower), View(upper));
    for (it->Seek(View(lower)); it->Valid(); it->Next()) ++entries;
    return entries;
  }

  test::ScratchDirectory scratch_;
  test::ManualWorld world_;
  test::ManualExecutor writer_{world_};
  test::ManualExecutor syncer_{world_};
  test::ManualExecutor sampler_{world_};
  test::ManualExecutor reclaimer_{world_};
  std::shared_ptr<LogStartMap> starts_ = std::make_shared<LogStartMap>();
  std::unique_ptr<KvStore> kv_;
  std::unique_ptr<LogStore> store_;
};

TEST_F(DiskTest, D22_ADeletedPartitionGivesItsDiskSpaceBack) {
  OpenOnRocksDb();
  Fill({Create(0)}, 400);
  ASSERT_TRUE(kv_->Flush().has_value());
  const uint64_t before = BytesIn(scratch_.path());
  ASSERT_GT(before, 25 * kMiB);
  store_->Delete({MakePartition(0)});
  Run();
  ASSERT_EQ(store_->deleted_count(), 1u);
  EXPECT_EQ(RowsLeft(), 1u);
  EXPECT_EQ(store_->Reclaim(0).value(), 1u);
  Run();
  EXPECT_EQ(store_->deleted_count(), 0u);
  EXPECT_EQ(RowsLeft(), 0u);
  EXPECT_LT(BytesWithoutTrash(scratch_.path()), 8 * kMiB);
}

// Two topics written in turns share every blob file: half of each must be copied before it goes.
TEST_F(DiskTest, D22_SpaceSharedWithALivingPartitionComesBackWhenTheDiskIsFull) {
  OpenOnRocksDb();
  const PartitionLocalId dead = Create(0);
  const PartitionLocalId living = Create(1);
  Fill({dead, living}, 400);
  ASSERT_TRUE(kv_->Flush().has_value());
  ASSERT_GT(BytesIn(scratch_.path()), 50 * kMiB);
  store_->Delete({MakePartition(0)});
  Run();
  ASSERT_TRUE(store_->Reclaim(0).has_value());
  Run();
  EXPECT_GT(BytesWithoutTrash(scratch_.path()), 40 * kMiB)
      << "nothing is copied unless the disk is full";
  ASSERT_TRUE(store_->Reclaim(4 * kMiB).has_value());
  EXPECT_LT(BytesWithoutTrash(scratch_.path()), 35 * kMiB);
  EXPECT_EQ(EntriesOf(living), 400u);
  EXPECT_EQ(EntriesOf(dead), 0u);
}

TEST_F(DiskTest, D23_DeletionsOfTheLastLifeAreReclaimedInThisOne) {
  OpenInMemory();
  const PartitionLocalId dead = Create(0);
  const PartitionLocalId living = Create(1);
  Fill({dead, living}, 3);
  store_->Delete({MakePartition(0)});
  Reopen();
  static_cast<test::MemKvStore&>(*kv_).set_drop_rules(LogStartMap::DropRules(starts_));
  EXPECT_EQ(store_->deleted_count(), 1u);
  EXPECT_EQ(EntriesOf(dead), 3u);
  EXPECT_EQ(store_->Reclaim(0).value(), 1u);
  Reopen();
  EXPECT_EQ(store_->deleted_count(), 0u);
  EXPECT_EQ(EntriesOf(dead), 0u);
  EXPECT_EQ(EntriesOf(living), 3u);
}

TEST_F(DiskTest, D22_AFullDiskReclaimsAtOnceAndHasRoomAgain) {
  OpenInMemory();
  const PartitionLocalId dead = Create(0);
  Fill({dead}, 3);
  uint64_t available = 500 * kMiB;
  DiskKeeper keeper(
      *store_, sampler_, reclaimer_,
      [&]() -> Result<DiskSample> {
        return DiskSample{.total_bytes = 1000 * kMiB, .available_bytes = available};
      },
      100 * kMiB);
  ASSERT_TRUE(keeper.Start().has_value());
  EXPECT_FALSE(keeper.full());
  const auto advance = [&](Duration by) {
    world_.now += by;
    Run();
  };
  available = 50 * kMiB;
  advance(kQuietSampleEvery);
  EXPECT_TRUE(keeper.full());
  EXPECT_EQ(EntriesOf(dead), 3u);
  store_->Delete({MakePartition(0)});
  advance(std::chrono::seconds(1));
  advance(kDiskSampleEvery);
  EXPECT_EQ(EntriesOf(dead), 0u);
  available = 500 * kMiB;
  advance(kDiskSampleEvery);
  EXPECT_FALSE(keeper.full()) << "a full disk is looked at often";
}

// A disk that takes the reserve between two samples would leave no space for memory to be written
// out, and nothing could ever be reclaimed again.
TEST_F(DiskTest, D22_NoMoreIsTakenBetweenTwoSamplesThanThereWasRoomFor) {
  OpenInMemory();
  const PartitionLocalId partition = Create(0);
  const size_t shard = store_->writer().AddShard(sampler_, [](const auto&) {});
  uint64_t available = 104 * kMiB;
  DiskKeeper keeper(
      *store_, sampler_, reclaimer_,
      [&]() -> Result<DiskSample> {
        return DiskSample{.total_bytes = 1000 * kMiB, .available_bytes = available};
      },
      100 * kMiB);
  ASSERT_TRUE(keeper.Start().has_value());
  const auto append = [&](uint64_t bytes) {
    std::vector<LogAppend> appends(1);
    appends[0].partition = partition;
    appends[0].bytes = SharedBytes::Copy(std::string(bytes, 'x'));
    store_->writer().Append(shard, std::move(appends));
  };
  append(2 * kMiB - 1);
  EXPECT_FALSE(keeper.full());
  append(1);
  EXPECT_TRUE(keeper.full()) << "the log and a data file take it each";
  available = 130 * kMiB;
  world_.now += kQuietSampleEvery;
  Run();
  EXPECT_TRUE(keeper.full()) << "seen, and logged";
  world_.now += kDiskSampleEvery;
  Run();
  EXPECT_FALSE(keeper.full());
}

TEST_F(DiskTest, D22_NothingIsRewrittenOnADiskThatOthersHaveFilled) {
  OpenInMemory();
  const PartitionLocalId dead = Create(0);
  Fill({dead}, 3);
  uint64_t available = 0;
  DiskKeeper keeper(
      *store_, sampler_, reclaimer_,
      [&]() -> Result<DiskSample> {
        return DiskSample{.total_bytes = 1000 * kMiB, .available_bytes = available};
      },
      100 * kMiB);
  ASSERT_TRUE(keeper.Start().has_value());
  store_->Delete({MakePartition(0)});
  for (int i = 0; i < 100; ++i) {
    world_.now += kDiskSampleEvery;
    Run();
  }
  EXPECT_EQ(EntriesOf(dead), 3u);
  available = 50 * kMiB;
  world_.now += kQuietSampleEvery;
  Run();
  EXPECT_EQ(EntriesOf(dead), 0u);
}

TEST_F(DiskTest, ADeletionOnADiskWithRoomWaitsForCompany) {
  OpenInMemory();
  const PartitionLocalId dead = Create(0);
  Fill({dead}, 3);
  DiskKeeper keeper(
      *store_, sampler_, reclaimer_,
      []() -> Result<DiskSample> {
        return DiskSample{.total_bytes = 1000 * kMiB, .available_bytes = 500 * kMiB};
      },
      100 * kMiB);
  ASSERT_TRUE(keeper.Start().has_value());
  store_->Delete({MakePartition(0)});
  Run();
  world_.now += kReclaimDelay - kDiskSampleEvery;
  Run();
  EXPECT_EQ(EntriesOf(dead), 3u);
  world_.now += kQuietSampleEvery;
  Run();
  world_.now += kQuietSampleEvery;
  Run();
  EXPECT_EQ(EntriesOf(dead), 0u);
  EXPECT_EQ(store_->deleted_count(), 0u);
}

}  // namespace
}  // namespace weir::log
