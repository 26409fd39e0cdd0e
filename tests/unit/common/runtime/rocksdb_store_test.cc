// The KvStore contract, checked on RocksDB and on the tests' own store alike, and what only RocksDB
// has: the CRC hook and the fatal switch.
#include "common/runtime/rocksdb/rocksdb_store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/base/fault.h"
#include "common/runtime/rocksdb/crc_hook.h"
#include "tests/support/mem_kv_store.h"
#include "tests/support/power_cut_file_system.h"
#include "tests/support/scratch_directory.h"

namespace weir::runtime {
namespace {

using test::ScratchDirectory;

std::vector<std::string> Keys(KvStore& store, KvFamily family, std::string_view lower,
                              std::string_view upper) {
  std::vector<std::string> keys;
  auto it = store.Scan(family, lower, upper);
  for (it->Seek(lower); it->Valid(); it->Next()) keys.emplace_back(it->key());
  EXPECT_TRUE(it->status().has_value());
  return keys;
}

class KvStoreContract : public ::testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    if (GetParam()) {
      auto opened = OpenRocksDb(scratch_.path(), {});
      ASSERT_TRUE(opened.has_value()) << opened.error().message;
      store_ = std::move(*opened);
    } else {
      store_ = std::make_unique<test::MemKvStore>();
    }
  }
  void Put(KvFamily family, std::string_view key, std::string_view value) {
    auto batch = store_->NewBatch();
    batch->Put(family, key, value);
    ASSERT_TRUE(store_->Write(*batch).has_value());
  }

  ScratchDirectory scratch_;
  std::unique_ptr<KvStore> store_;
};

TEST_P(KvStoreContract, PartsAreJoinedAndReadBack) {
  auto batch = store_->NewBatch();
  const std::array<std::string_view, 2> key = {"part", "ed"};
  const std::array<std::string_view, 3> value = {"a", "", "bc"};
  batch->Put(KvFamily::kLogLong, key, value);
  EXPECT_EQ(batch->count(), 1u);
  ASSERT_TRUE(store_->Write(*batch).has_value());
  ASSERT_TRUE(store_->Sync().has_value());
  EXPECT_EQ(store_->Get(KvFamily::kLogLong, "parted").value(), "abc");
  EXPECT_EQ(store_->Get(KvFamily::kMeta, "parted").value(), std::nullopt);
}

TEST_P(KvStoreContract, ScanKeepsToItsBounds) {
  for (const char* key : {"aaaa1", "aaaa3", "aaaa5", "aaab1"}) Put(KvFamily::kLogLong, key, key);
  using Names = std::vector<std::string>;
  EXPECT_EQ(Keys(*store_, KvFamily::kLogLong, "aaaa2", "aaaa9"), (Names{"aaaa3", "aaaa5"}));
  EXPECT_EQ(Keys(*store_, KvFamily::kLogLong, "", "").size(), 4u);
  auto it = store_->Scan(KvFamily::kLogLong, "aaaa", "aaaa9");
  it->SeekForPrev("aaaa8");
  ASSERT_TRUE(it->Valid());
  EXPECT_EQ(it->key(), "aaaa5");
  it->SeekForPrev("aaaa0");
  EXPECT_FALSE(it->Valid());
}

TEST_P(KvStoreContract, DeletesReachOnlyWhatTheyName) {
  for (const char* key : {"k1", "k2", "k3", "k4"}) Put(KvFamily::kMeta, key, "v");
  auto batch = store_->NewBatch();
  batch->Delete(KvFamily::kMeta, "k1");
  batch->DeleteRange(KvFamily::kMeta, "k2", "k4");
  ASSERT_TRUE(store_->Write(*batch).has_value());
  EXPECT_EQ(Keys(*store_, KvFamily::kMeta, "", ""), std::vector<std::string>{"k4"});
}

TEST_P(KvStoreContract, AnIteratorSeesTheStoreAsItWas) {
  Put(KvFamily::kMeta, "k1", "v");
  auto it = store_->Scan(KvFamily::kMeta, "", "");
  Put(KvFamily::kMeta, "k2", "v");
  it->Seek("k2");
  EXPECT_FALSE(it->Valid());
}

TEST_P(KvStoreContract, AClearedBatchIsEmpty) {
  auto batch = store_->NewBatch();
  batch->Put(KvFamily::kMeta, "k", "v");
  batch->Clear();
  EXPECT_EQ(batch->count(), 0u);
  ASSERT_TRUE(store_->Write(*batch).has_value());
  EXPECT_EQ(store_->Get(KvFamily::kMeta, "k").value(), std::nullopt);
}

INSTANTIATE_TEST_SUITE_P(Stores, KvStoreContract, ::testing::Bool(), [](const auto& info) {
  return info.param ? std::string("RocksDb") : std::string("Mem");
});

TEST(RocksDbStore, DataIsThereAfterReopening) {
  ScratchDirectory scratch;
  for (int life = 0; life < 3; ++life) {
    auto store = OpenRocksDb(scratch.path(), {}).value();
    EXPECT_EQ(Keys(*store, KvFamily::kLogShort, "", "").size(), static_cast<size_t>(life));
    auto batch = store->NewBatch();
    batch->Put(KvFamily::kLogShort, "key" + std::to_string(life), std::string(100'000, 'x'));
    ASSERT_TRUE(store->Write(*batch).has_value());
  }
}

TEST(RocksDbStore, CrcHookIsInForce) {
  ScratchDirectory scratch;
  const uint64_t before = CrcHookCalls();
  auto store = OpenRocksDb(scratch.path(), {}).value();
  auto batch = store->NewBatch();
  batch->Put(KvFamily::kLogShort, "key", "value");
  ASSERT_TRUE(store->Write(*batch).has_value());
  EXPECT_GT(CrcHookCalls(), before);
}

TEST(RocksDbStore, D13_AFailedSyncPoisonsTheStoreAndCallsOnce) {
  ScratchDirectory scratch;
  int calls = 0;
  RocksDbOptions options;
  options.on_fatal = [&](const std::string&) { ++calls; };
  auto store = OpenRocksDb(scratch.path(), options).value();
  auto batch = store->NewBatch();
  batch->Put(KvFamily::kMeta, "k", "v");
  ASSERT_TRUE(store->Write(*batch).has_value());
  SetFaultHookForTest([](std::string_view site) { return site == "kv.sync"; });
  EXPECT_FALSE(store->Sync().has_value());
  SetFaultHookForTest(nullptr);
  EXPECT_EQ(store->Write(*batch).error().code, ErrorCode::kKafkaStorageError);
  EXPECT_FALSE(store->Sync().has_value());
  EXPECT_EQ(calls, 1);
}

// The process goes on without the directory: the library must survive a disk that fails under a
// write, beside a sync, during a flush, and be closed afterwards.
TEST(RocksDbStore, D13_ADiskThatFailsUnderLoadEndsTheStoreAndNothingElse) {
  constexpr int kRounds = 6;
  for (int round = 0; round < kRounds; ++round) {
    ScratchDirectory scratch;
    auto disk = std::make_shared<test::PowerCutFileSystem>(static_cast<uint64_t>(round));
    std::atomic<int> calls = 0;
    RocksDbOptions options;
    options.memtable_bytes = 256 * 1024;
    options.on_fatal = [&](const std::string&) { ++calls; };
    options.file_system_for_test = disk;
    auto store = OpenRocksDb(scratch.path(), options).value();
    std::atomic<int> written = 0;
    std::thread writer([&] {
      const std::string value(8 * 1024, 'x');
      for (bool works = true; works;) {
        auto batch = store->NewBatch();
        batch->Put(KvFamily::kLogLong, "key" + std::to_string(written.fetch_add(1)), value);
        works = store->Write(*batch).has_value();
      }
    });
    std::thread syncer([&] {
      while (store->Sync()) {
      }
    });
    std::thread flusher([&] {
      while (store->Flush()) {
      }
    });
    while (written.load() < 1 + round * 15) std::this_thread::yield();
    disk->Cut();
    writer.join();
    syncer.join();
    flusher.join();
    EXPECT_EQ(calls.load(), 1);
    EXPECT_FALSE(store->Sync().has_value());
  }
}

// Compaction cannot pass over what it cannot read: the directory has failed, the process has not.
TEST(RocksDbStore, D17_ADamagedTableMetByCompactionFailsTheStore) {
  ScratchDirectory scratch;
  const auto fill = [](KvStore& store, int round) {
    auto batch = store.NewBatch();
    for (int i = 0; i < 500; ++i) {
      batch->Put(KvFamily::kMeta, "key" + std::to_string(i),
                 std::to_string(round) + std::string(100, 'v'));
    }
    return store.Write(*batch).has_value() && store.Flush().has_value();
  };
  ASSERT_TRUE(fill(*OpenRocksDb(scratch.path(), {}).value(), 0));
  int damaged = 0;
  for (const auto& entry : std::filesystem::directory_iterator(scratch.path())) {
    if (entry.path().extension() != ".sst") continue;
    std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(300);
    file << "damaged";
    ++damaged;
  }
  ASSERT_EQ(damaged, 1);
  std::atomic<int> calls = 0;
  RocksDbOptions options;
  options.on_fatal = [&](const std::string& message) {
    ++calls;
    EXPECT_NE(message.find("Corruption"), std::string::npos) << message;
  };
  auto store = OpenRocksDb(scratch.path(), options).value();
  for (int round = 1; round < 100 && fill(*store, round); ++round) {
  }
  EXPECT_EQ(calls.load(), 1);
  EXPECT_FALSE(store->Sync().has_value());
}

TEST(RocksDbStore, D09_ADamagedDirectoryIsRefused) {
  ScratchDirectory scratch;
  { auto store = OpenRocksDb(scratch.path(), {}).value(); }
  std::filesystem::resize_file(scratch.path() + "/CURRENT", 3);
  const auto reopened = OpenRocksDb(scratch.path(), {});
  ASSERT_FALSE(reopened.has_value());
  EXPECT_EQ(reopened.error().code, ErrorCode::kKafkaStorageError);
}

// D-22: space taken ahead is missing when memory must be written out on a disk nearly full.
TEST(RocksDbStore, D22_NoDiskIsTakenAheadOfTheEntries) {
  ScratchDirectory scratch;
  auto store = OpenRocksDb(scratch.path(), {}).value();
  auto batch = store->NewBatch();
  batch->Put(KvFamily::kLogLong, "key", "value");
  ASSERT_TRUE(store->Write(*batch).has_value());
  ASSERT_TRUE(store->Sync().has_value());
  uint64_t bytes = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(scratch.path())) {
    struct stat status;
    ASSERT_EQ(::stat(entry.path().c_str(), &status), 0);
    bytes += static_cast<uint64_t>(status.st_blocks) * 512;
  }
  EXPECT_LT(bytes, 2'000'000u);
}

// RocksDB's own file of log lines ends the process when the disk is full (rocksdb_log.h).
TEST(RocksDbStore, D22_NoFileOfLogLinesStandsBesideTheData) {
  ScratchDirectory scratch;
  const auto store = OpenRocksDb(scratch.path(), {}).value();
  for (const auto& entry : std::filesystem::directory_iterator(scratch.path())) {
    EXPECT_FALSE(entry.path().filename().string().starts_with("LOG")) << entry.path();
  }
}

TEST(RocksDbStore, DeadEntriesAreDroppedWhenFilesAreRewritten) {
  ScratchDirectory scratch;
  RocksDbOptions options;
  int rules_made = 0;
  options.drop_rules = [&]() -> KvDropRule {
    ++rules_made;
    return [](std::string_view key) { return key.substr(0, 4) == "dead"; };
  };
  options.memtable_bytes = 64 * 1024;
  {
    auto store = OpenRocksDb(scratch.path(), options).value();
    for (int i = 0; i < 400; ++i) {
      auto batch = store->NewBatch();
      const std::string prefix = i % 2 == 0 ? "dead" : "live";
      batch->Put(KvFamily::kLogLong, prefix + std::to_string(1000 + i), std::string(8192, 'x'));
      ASSERT_TRUE(store->Write(*batch).has_value());
    }
  }
  auto store = OpenRocksDb(scratch.path(), options).value();
  EXPECT_EQ(Keys(*store, KvFamily::kLogLong, "live", "livf").size(), 200u);
  EXPECT_GT(rules_made, 0);
  EXPECT_LT(Keys(*store, KvFamily::kLogLong, "dead", "deae").size(), 200u);
}

// D-17: what the disk has changed is an error, never data.
TEST(RocksDbStore, D17_AFlippedBitInABlobFileIsFound) {
  ScratchDirectory scratch;
  const std::string value(100'000, 'v');
  {
    RocksDbOptions options;
    options.memtable_bytes = 64 * 1024;
    auto store = OpenRocksDb(scratch.path(), options).value();
    auto batch = store->NewBatch();
    for (int i = 0; i < 20; ++i) {
      batch->Clear();
      batch->Put(KvFamily::kLogLong, "part" + std::to_string(100 + i), value);
      ASSERT_TRUE(store->Write(*batch).has_value());
    }
    ASSERT_TRUE(store->Sync().has_value());
  }
  int flipped = 0;
  for (const auto& file : std::filesystem::directory_iterator(scratch.path())) {
    if (file.path().extension() != ".blob") continue;
    std::fstream blob(file.path(), std::ios::in | std::ios::out | std::ios::binary);
    blob.seekp(50'000);
    blob.put('x');
    ++flipped;
  }
  ASSERT_GT(flipped, 0);

  auto store = OpenRocksDb(scratch.path(), {}).value();
  int found = 0;
  for (int i = 0; i < 20; ++i) {
    const std::string key = "part" + std::to_string(100 + i);
    auto it = store->Scan(KvFamily::kLogLong, key, "q");
    it->Seek(key);
    if (it->Valid()) {
      EXPECT_TRUE(it->value() == value);
    } else {
      EXPECT_EQ(it->status().error().code, ErrorCode::kCorruptMessage);
      ++found;
    }
  }
  EXPECT_EQ(found, flipped);
}

}  // namespace
}  // namespace weir::runtime
