// Committed offsets as rows beside the log: what is visible, what a cut, a crash and a restart
// leave.
#include "broker/log/committed_offsets.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "broker/log/log_store.h"
#include "broker/log/partition_log.h"
#include "broker/wire/compression.h"
#include "broker/wire/record_batch_builder.h"
#include "common/base/prng.h"
#include "common/runtime/rocksdb/rocksdb_store.h"
#include "tests/support/manual_executor.h"
#include "tests/support/mem_kv_store.h"
#include "tests/support/power_cut_file_system.h"

namespace weir::log {
namespace {

// One record: a commit of "group" for partition 0 of `topic`, or its tombstone.
struct Commit {
  std::string group;
  std::string topic;
  std::optional<int64_t> offset;
};

// "topic=offset@log offset" of what a group has.
std::vector<std::string> Listed(const Result<std::vector<CommittedOffset>>& found) {
  EXPECT_TRUE(found.has_value());
  std::vector<std::string> texts;
  for (const CommittedOffset& each : found.value()) {
    texts.push_back(each.topic + "=" + std::to_string(each.value.offset) + "@" +
                    ToString(each.log_offset));
  }
  return texts;
}
using Strings = std::vector<std::string>;

SharedBytes BatchOf(const std::vector<Commit>& commits,
                    wire::CompressionType compression = wire::CompressionType::kNone) {
  wire::RecordBatchBuilder builder({.compression = compression});
  for (const Commit& commit : commits) {
    const std::string key = wire::EncodeOffsetKey({commit.group, commit.topic, 0});
    std::optional<std::string> value;
    if (commit.offset) {
      value = wire::EncodeOffsetValue({.offset = *commit.offset, .commit_timestamp_ms = 1});
    }
    builder.Add(1, key, value);
  }
  return builder.Build();
}

// One partition of __consumer_offsets on a store that the test breaks.
class World {
 public:
  explicit World(KvStore& kv) : store_(&kv) { Start(); }

  void Start() {
    log_store = LogStore::Open(*store_, writer, syncer, std::make_shared<LogStartMap>()).value();
    shard_number = log_store->writer().AddShard(shard, [this](const std::vector<Persisted>& news) {
      for (const Persisted& each : news) log->OnPersisted(each.end_offset);
    });
    cache = std::make_unique<TailCache>(1024 * 1024);
    LogConfig config;
    config.committed_offsets = true;
    auto opened = PartitionLog::Open(
        *store_, *cache, std::move(log_store->OpenOrCreate({Name()}, {KvFamily::kLogLong}).at(0)),
        std::make_shared<LogConfig>(config), WallTime(1));
    ASSERT_TRUE(opened.has_value()) << opened.error().message;
    log = std::move(*opened);
  }
  // The process is gone with everything it had queued.
  void Crash() {
    for (test::ManualExecutor* executor : {&writer, &syncer, &shard}) executor->Clear();
    log.reset();
    cache.reset();
    log_store.reset();
  }
  void set_store(KvStore& kv) { store_ = &kv; }
  void Run() { test::RunAll({&writer, &syncer, &shard}); }

  void Queue(const SharedBytes& batch) {
    auto appended = log->Append(SharedBytes::Copy(batch.view()), {.now = WallTime(1)});
    ASSERT_TRUE(appended.has_value()) << appended.error().message;
    log_store->writer().Append(shard_number, {*std::move(appended->write)});
  }
  void Append(const std::vector<Commit>& commits) {
    Queue(BatchOf(commits));
    Run();
  }
  bool Advance(int64_t high_watermark) { return offsets().Advance(Offset(high_watermark)); }
  void WriteRows() { log_store->writer().WriteMeta(offsets().Take(), nullptr); }
  void Cut(int64_t offset) {
    auto fill = log->Truncate(Offset(offset), WallTime(1));
    ASSERT_TRUE(fill.has_value()) << fill.error().message;
    log_store->writer().WriteMeta(std::move(*fill), nullptr);
  }
  CommittedOffsets& offsets() { return *log->committed_offsets(); }
  Strings Of(const std::string& group) { return Listed(offsets().FindAll(group)); }

  static TopicPartition Name() {
    TopicPartition name;
    name.topic_id.bytes.fill(7);
    return name;
  }

  test::ManualWorld clock;
  test::ManualExecutor writer{clock};
  test::ManualExecutor syncer{clock};
  test::ManualExecutor shard{clock};
  std::unique_ptr<LogStore> log_store;
  std::unique_ptr<TailCache> cache;
  std::unique_ptr<PartitionLog> log;
  size_t shard_number = 0;

 private:
  KvStore* store_;
};

class CommittedOffsetsTest : public ::testing::Test {
 protected:
  void Restart() {
    world.Crash();
    store.Kill();
    world.Start();
  }
  size_t RowsOnDisk() {
    size_t rows = 0;
    auto it = store.Scan(KvFamily::kMeta, "C", "D");
    for (it->Seek("C"); it->Valid(); it->Next()) ++rows;
    return rows;
  }

  test::MemKvStore store;
  World world{store};
};

// ---- What is visible ------------------------------------------------------------------

TEST_F(CommittedOffsetsTest, G10_ACommitIsVisibleOnceTheHighWatermarkHasPassedIt) {
  world.Append({{"g", "a", 1}, {"g", "b", 2}});
  EXPECT_EQ(world.Of("g"), Strings{});
  EXPECT_TRUE(world.Advance(1));
  EXPECT_EQ(world.Of("g"), Strings{"a=1@0"});
  EXPECT_TRUE(world.Advance(2));
  EXPECT_EQ(world.Of("g"), (Strings{"a=1@0", "b=2@1"}));
  EXPECT_FALSE(world.offsets().Find("g", "c", 0).value().has_value());
  EXPECT_EQ(world.offsets().Find("g", "b", 0).value()->value.offset, 2);
}

TEST_F(CommittedOffsetsTest, TheNewestRecordOfAKeyCounts) {
  world.Append({{"g", "a", 1}});
  world.Advance(1);
  world.WriteRows();
  world.Run();
  world.Append({{"g", "a", 5}, {"g", "a", 4}});
  EXPECT_EQ(world.Of("g"), Strings{"a=1@0"});
  world.Advance(3);
  EXPECT_EQ(world.Of("g"), Strings{"a=4@2"}) << "a commit may go back: the client said so";
}

TEST_F(CommittedOffsetsTest, ATombstoneForgets) {
  world.Append({{"g", "a", 1}, {"g", "b", 2}});
  world.Advance(2);
  world.WriteRows();
  world.Run();
  ASSERT_EQ(RowsOnDisk(), 2u);
  world.Append({{"g", "a", std::nullopt}});
  world.Advance(3);
  EXPECT_EQ(world.Of("g"), Strings{"b=2@1"});
  EXPECT_FALSE(world.offsets().Find("g", "a", 0).value().has_value());
  world.WriteRows();
  world.Run();
  EXPECT_EQ(RowsOnDisk(), 1u);
  EXPECT_EQ(world.Of("g"), Strings{"b=2@1"});
}

TEST_F(CommittedOffsetsTest, GroupsAreKeptApart) {
  world.Append({{"g", "a", 1}, {"g1", "a", 2}, {"", "a", 3}, {"f", "z", 4}});
  world.Advance(3);
  world.WriteRows();
  world.Run();
  world.Advance(4);
  EXPECT_EQ(world.Of("g"), Strings{"a=1@0"});
  EXPECT_EQ(world.Of("g1"), Strings{"a=2@1"});
  EXPECT_EQ(world.Of(""), Strings{"a=3@2"});
  EXPECT_EQ(world.Of("f"), Strings{"z=4@3"});
  EXPECT_EQ(world.Of("nobody"), Strings{});
}

TEST_F(CommittedOffsetsTest, G14_RowsOnDiskAndInMemoryAreOneListInOrder) {
  world.Append({{"g", "b", 1}, {"g", "d", 2}, {"g", "f", 3}});
  world.Advance(3);
  world.WriteRows();
  world.Run();
  // A second fill shows that the first is written: its rows leave the memory.
  world.Append({{"g", "a", 4}, {"g", "d", 5}, {"g", "f", std::nullopt}, {"g", "g", 6}});
  world.Advance(7);
  world.WriteRows();
  world.Run();
  world.Append({{"g", "c", 7}, {"g", "d", 8}});
  world.Advance(9);
  world.WriteRows();
  // "b" is known to be on disk.
  EXPECT_EQ(world.offsets().unwritten_count(), 5u);
  EXPECT_EQ(world.Of("g"), (Strings{"a=4@3", "b=1@0", "c=7@7", "d=8@8", "g=6@6"}));
}

TEST_F(CommittedOffsetsTest, WhatIsNoCommittedOffsetChangesNothing) {
  wire::RecordBatchBuilder builder;
  builder.Add(1, std::string("\0\2\0\1g", 5), "a group's metadata");
  builder.Add(1, wire::EncodeOffsetKey({"g", "a", 0}), "no value of any version");
  builder.Add(1, std::string("\0\1\0", 3), "half a key");
  builder.Add(1, wire::EncodeOffsetKey({"g", "b", 0}), wire::EncodeOffsetValue({.offset = 9}));
  world.Queue(builder.Build());
  world.Run();
  world.Advance(4);
  EXPECT_EQ(world.Of("g"), Strings{"b=9@3"});
}

TEST_F(CommittedOffsetsTest, CompressedBatchesAreRead) {
  world.Queue(BatchOf({{"g", "a", 1}, {"g", "b", 2}}, wire::CompressionType::kLz4));
  world.Run();
  world.Advance(2);
  EXPECT_EQ(world.Of("g"), (Strings{"a=1@0", "b=2@1"}));
}

TEST_F(CommittedOffsetsTest, WhatIsToBeForgottenCountsPendingRecordsToo) {
  world.Append({{"g", "a", 1}, {"g", "b", 2}, {"h", "a", 3}});
  world.Advance(3);
  world.Append({{"g", "c", 4}, {"g", "a", std::nullopt}});
  const auto any = [](const wire::OffsetCommitKey&, const wire::OffsetCommitValue&) {
    return true;
  };
  const std::string b = wire::EncodeOffsetKey({"g", "b", 0});
  const std::string c = wire::EncodeOffsetKey({"g", "c", 0});
  EXPECT_EQ(world.offsets().KeysToForget("g", any).value(), (Strings{b, c}));
  const auto only_a = [](const wire::OffsetCommitKey& key, const wire::OffsetCommitValue&) {
    return key.topic == "a";
  };
  EXPECT_EQ(world.offsets().KeysToForget(std::nullopt, only_a).value(),
            Strings{wire::EncodeOffsetKey({"h", "a", 0})});
}

// ---- Restarts -------------------------------------------------------------------------

TEST_F(CommittedOffsetsTest, RowsThatWereNotWrittenComeFromTheLog) {
  world.Append({{"g", "a", 1}});
  world.Advance(1);
  world.WriteRows();
  world.Run();
  world.Append({{"g", "a", 2}, {"g", "b", 3}});
  world.Advance(2);
  Restart();
  EXPECT_EQ(world.offsets().end(), Offset(1));
  EXPECT_EQ(world.Of("g"), Strings{"a=1@0"});
  world.Advance(3);
  EXPECT_EQ(world.Of("g"), (Strings{"a=2@1", "b=3@2"}));
}

TEST_F(CommittedOffsetsTest, ACheckpointWritesTheRowsToo) {
  world.Append({{"g", "a", 1}});
  world.Advance(1);
  world.log_store->writer().WriteMeta(world.log->TakeCheckpoint(WallTime(1)), nullptr);
  world.Run();
  Restart();
  EXPECT_EQ(world.offsets().end(), Offset(1));
  EXPECT_EQ(world.offsets().pending_count(), 0u);
  EXPECT_EQ(world.Of("g"), Strings{"a=1@0"});
}

TEST_F(CommittedOffsetsTest, RowsOfADeletedPartitionGo) {
  world.Append({{"g", "a", 1}});
  world.Advance(1);
  world.WriteRows();
  world.Run();
  ASSERT_EQ(RowsOnDisk(), 1u);
  world.log_store->Delete({World::Name()});
  world.Run();
  EXPECT_EQ(RowsOnDisk(), 0u);
  Restart();
  EXPECT_EQ(world.offsets().end(), Offset(0));
  EXPECT_EQ(world.Of("g"), Strings{});
}

// ---- Cuts -----------------------------------------------------------------------------

TEST_F(CommittedOffsetsTest, ACutTakesWhatWasNotCommitted) {
  world.Append({{"g", "a", 1}});
  world.Append({{"g", "a", 2}});
  world.Advance(1);
  world.Cut(1);
  world.Run();
  world.Append({{"g", "b", 3}});
  world.Advance(2);
  EXPECT_EQ(world.Of("g"), (Strings{"a=1@0", "b=3@1"}));
  Restart();
  world.Advance(2);
  EXPECT_EQ(world.Of("g"), (Strings{"a=1@0", "b=3@1"}));
}

// Only an unclean election cuts what was committed.
TEST_F(CommittedOffsetsTest, ACutBelowTheRowsMakesThemAnew) {
  world.Append({{"g", "a", 1}});
  world.Append({{"g", "b", 2}});
  world.Append({{"g", "a", 3}});
  world.Advance(3);
  world.WriteRows();
  world.Run();
  world.Cut(2);
  // Not written yet: the old rows on disk must not be seen.
  EXPECT_EQ(world.Of("g"), Strings{});
  world.Advance(2);
  EXPECT_EQ(world.Of("g"), (Strings{"a=1@0", "b=2@1"}));
  world.Run();
  EXPECT_EQ(world.Of("g"), (Strings{"a=1@0", "b=2@1"}));
  Restart();
  world.Advance(2);
  EXPECT_EQ(world.Of("g"), (Strings{"a=1@0", "b=2@1"}));
}

TEST_F(CommittedOffsetsTest, ALogThatStartsAnewHasNoRows) {
  world.Append({{"g", "a", 1}});
  world.Advance(1);
  world.WriteRows();
  world.Run();
  world.log_store->writer().WriteMeta(world.log->StartAnew(Offset(50), WallTime(1)), nullptr);
  // The crash comes before the log start moves.
  world.Run();
  EXPECT_EQ(world.Of("g"), Strings{});
  Restart();
  EXPECT_EQ(world.log->log_end_offset(), Offset(0));
  EXPECT_EQ(world.offsets().end(), Offset(0));
  world.Append({{"g", "b", 2}});
  world.Advance(1);
  EXPECT_EQ(world.Of("g"), Strings{"b=2@0"});
}

// ---- Any order of things ----------------------------------------------------------------

// The law in its plainest form: the rows are the fold of the log below the high watermark.
class Model {
 public:
  Model(World& world, uint64_t seed) : world_(world), prng_(seed) {}

  void Step() {
    switch (prng_.Below(8)) {
      case 0:
      case 1:
      case 2:
      case 3: {
        std::vector<Commit> commits;
        for (uint64_t i = 0; i <= prng_.Below(3); ++i) commits.push_back(AnyCommit());
        world_.Queue(BatchOf(commits));
        log_.insert(log_.end(), commits.begin(), commits.end());
        break;
      }
      case 4:
        world_.Run();
        MoveHighWatermark();
        break;
      case 5:
        world_.WriteRows();
        break;
      case 6:
        if (prng_.Chance(1, 4)) Cut();
        break;
      case 7:
        world_.writer.RunOne();
        break;
    }
    Check();
  }

  // After a crash: what survived is at least what was acknowledged.
  void Recover() {
    const auto end = static_cast<size_t>(world_.log->log_end_offset().value());
    ASSERT_GE(end, static_cast<size_t>(high_watermark_)) << "D-01";
    ASSERT_LE(end, log_.size());
    log_.resize(end);
    ASSERT_LE(world_.offsets().end().value(), high_watermark_);
    world_.Advance(high_watermark_);
    Check();
  }

  void Check() {
    std::map<std::string, std::map<std::string, std::string>> expected;
    for (int64_t at = 0; at < high_watermark_; ++at) {
      const Commit& commit = log_[static_cast<size_t>(at)];
      expected[commit.group].erase(commit.topic);
      if (!commit.offset) continue;
      expected[commit.group][commit.topic] =
          commit.topic + "=" + std::to_string(*commit.offset) + "@" + std::to_string(at);
    }
    for (const char* group : {"g", "h"}) {
      Strings texts;
      for (const auto& [topic, text] : expected[group]) texts.push_back(text);
      ASSERT_EQ(world_.Of(group), texts);
    }
    ++checks;
  }

  uint64_t checks = 0;

 private:
  Commit AnyCommit() {
    Commit commit;
    commit.group = prng_.Chance(1, 2) ? "g" : "h";
    commit.topic = std::string(1, static_cast<char>('a' + prng_.Below(4)));
    if (!prng_.Chance(1, 5)) commit.offset = static_cast<int64_t>(prng_.Below(1'000));
    return commit;
  }
  void MoveHighWatermark() {
    const int64_t persisted = world_.log->persisted_end_offset().value();
    high_watermark_ +=
        static_cast<int64_t>(prng_.Below(static_cast<uint64_t>(persisted - high_watermark_) + 1));
    world_.Advance(high_watermark_);
  }
  // To the high watermark or above it; now and then, as after an unclean election, below it.
  void Cut() {
    world_.Run();
    if (world_.log->persisted_end_offset() != world_.log->log_end_offset()) return;
    const bool unclean = prng_.Chance(1, 4);
    const auto from = static_cast<uint64_t>(unclean ? 0 : high_watermark_);
    world_.Cut(static_cast<int64_t>(from + prng_.Below(log_.size() - from + 1)));
    // A follower takes nothing more before its cut is on disk.
    world_.log_store->writer().Flush([] {});
    world_.Run();
    // A batch goes as a whole.
    const int64_t end = world_.log->log_end_offset().value();
    log_.resize(static_cast<size_t>(end));
    high_watermark_ = std::min(high_watermark_, end);
    world_.Advance(high_watermark_);
  }

  World& world_;
  Prng prng_;
  std::vector<Commit> log_;
  int64_t high_watermark_ = 0;
};

TEST(CommittedOffsetsCrash, G10_G13_RowsAreTheFoldOfTheLogWhateverHappens) {
  uint64_t checks = 0;
  for (uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    test::MemKvStore store;
    World world(store);
    Model model(world, seed);
    Prng prng(seed + 7'000);
    for (int life = 0; life < 6; ++life) {
      for (uint64_t steps = prng.Below(60); steps > 0; --steps) {
        model.Step();
        if (::testing::Test::HasFatalFailure()) return;
      }
      world.Crash();
      if (prng.Chance(1, 3)) {
        store.Kill();
      } else {
        store.PowerCut(prng);
      }
      world.Start();
      model.Recover();
      if (::testing::Test::HasFatalFailure()) return;
    }
    checks += model.checks;
  }
  EXPECT_GT(checks, 5'000u);
}

TEST(CommittedOffsetsCrash, G10_TheSameOnRocksDbOverPowerCuts) {
  const std::string parent = std::filesystem::exists("/dev/shm") ? "/dev/shm/" : "/tmp/";
  std::string directory = parent + "weir-offsets-XXXXXX";
  ASSERT_NE(::mkdtemp(directory.data()), nullptr);
  auto file_system = std::make_shared<test::PowerCutFileSystem>(23);
  const auto open = [&] {
    runtime::RocksDbOptions options;
    options.file_system_for_test = file_system;
    options.on_fatal = [](const std::string&) {};
    options.memtable_bytes = 64 * 1024;
    options.wal_bytes_max = 256 * 1024;
    return runtime::OpenRocksDb(directory, options);
  };
  auto store = open().value();
  World world(*store);
  Model model(world, 3);
  Prng prng(5);
  for (int cut = 0; cut < 40; ++cut) {
    SCOPED_TRACE("cut " + std::to_string(cut));
    for (uint64_t steps = prng.Below(120); steps > 0; --steps) {
      model.Step();
      if (::testing::Test::HasFatalFailure()) break;
    }
    file_system->Cut();
    world.Crash();
    store.reset();
    file_system->Restore();
    auto reopened = open();
    ASSERT_TRUE(reopened.has_value()) << reopened.error().message;
    store = std::move(*reopened);
    world.set_store(*store);
    world.Start();
    model.Recover();
    if (::testing::Test::HasFatalFailure()) break;
  }
  EXPECT_GT(model.checks, 1'000u);
  world.Crash();
  store.reset();
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace weir::log
