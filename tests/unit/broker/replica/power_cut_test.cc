// Power cuts and kills on partition data: nothing acknowledged is lost, nothing comes twice (D-01,
// D-16, G-29).
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "common/runtime/rocksdb/direct_file_system.h"
#include "common/runtime/rocksdb/rocksdb_store.h"
#include "tests/support/broker_log_world.h"
#include "tests/support/log_model.h"
#include "tests/support/mem_kv_store.h"
#include "tests/support/power_cut_file_system.h"

namespace weir {
namespace {

TEST(PowerCut, D01_MemStoreKeepsEverythingAcknowledgedOverHundredsOfCuts) {
  uint64_t acknowledged = 0;
  for (uint64_t seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    test::MemKvStore store;
    test::BrokerLogWorld world(store);
    world.cache_bytes = 100'000;  // so that reads meet the store
    test::LogModel model(world, seed, 5);
    Prng prng(seed + 1'000);
    for (int cut = 0; cut < 10; ++cut) {
      world.Start();
      model.Open();
      model.Check();
      if (::testing::Test::HasFatalFailure()) return;
      for (uint64_t steps = prng.Below(300); steps > 0; --steps) model.Step();
      model.Crash();
      if (prng.Chance(1, 4)) {
        store.Kill();
      } else {
        store.PowerCut(prng);
      }
    }
    acknowledged += model.acknowledged();
  }
  EXPECT_GT(acknowledged, 1'000u);
}

// One life that creates, appends, deletes, checkpoints; it fails at every write and sync in turn.
TEST(PowerCut, D16_ACrashAtEveryPointLeavesAConsistentLog) {
  for (uint64_t point = 0;; ++point) {
    SCOPED_TRACE("point " + std::to_string(point));
    test::MemKvStore store;
    test::BrokerLogWorld world(store);
    test::LogModel model(world, 7, 3);
    world.Start();
    const uint64_t before = store.writes() + store.syncs();
    store.FailFrom(point);
    model.Open();
    for (int i = 0; i < 400; ++i) model.Step();
    model.Settle();
    const bool reached_the_end = store.writes() + store.syncs() - before < point;
    model.Crash();
    Prng prng(point);
    store.PowerCut(prng);
    world.Start();
    model.Open();
    model.Check();
    if (::testing::Test::HasFatalFailure() || reached_the_end) return;
    ASSERT_LT(point, 2'000u);
  }
}

// The same load on RocksDB, on a file system that forgets what was not fsynced.
// With direct I/O the log's last page is written over and over.
class PowerCutOfRocksDb : public ::testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(DirectIo, PowerCutOfRocksDb, ::testing::Bool());

TEST_P(PowerCutOfRocksDb, D01_EverythingAcknowledgedIsKeptOverAHundredCuts) {
  // Memory serves where it can: what a sync means is the test's own file system's business.
  const bool direct_io = GetParam();
  const bool in_memory =
      std::filesystem::exists("/dev/shm") && (!direct_io || runtime::SupportsDirectIo("/dev/shm"));
  const std::string parent = in_memory ? "/dev/shm/" : "/tmp/";
  if (direct_io && !runtime::SupportsDirectIo(parent)) GTEST_SKIP() << "no direct I/O here";
  std::string directory = parent + "weir-power-XXXXXX";
  ASSERT_NE(::mkdtemp(directory.data()), nullptr);
  auto file_system = std::make_shared<test::PowerCutFileSystem>(11);
  const auto open = [&] {
    runtime::RocksDbOptions options;
    options.file_system_for_test = file_system;
    options.direct_io = direct_io;
    options.on_fatal = [](const std::string&) {};
    // Small, so that flushes and new logs happen between cuts.
    options.memtable_bytes = 256 * 1024;
    options.wal_bytes_max = 1024 * 1024;
    return runtime::OpenRocksDb(directory, options);
  };
  auto store = open().value();
  test::BrokerLogWorld world(*store);
  world.cache_bytes = 10'000;
  test::LogModel model(world, 3, 4);
  Prng prng(5);
  for (int cut = 0; cut < 110; ++cut) {
    SCOPED_TRACE("cut " + std::to_string(cut));
    world.Start();
    model.Open();
    model.Check();
    if (::testing::Test::HasFatalFailure()) break;
    for (uint64_t steps = prng.Below(200); steps > 0; --steps) model.Step();
    file_system->Cut();
    model.Crash();
    store.reset();
    file_system->Restore();
    auto reopened = open();
    ASSERT_TRUE(reopened.has_value()) << reopened.error().message;
    store = std::move(*reopened);
    world.set_store(*store);
  }
  EXPECT_GT(model.acknowledged(), 500u);
  world.Crash();
  store.reset();
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace weir
