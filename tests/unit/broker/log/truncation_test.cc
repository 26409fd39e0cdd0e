// A follower's log: what it takes from a leader's, and what it cuts off again; on disk as in
// memory, and after a crash at any point of it.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "broker/log/log_store.h"
#include "broker/log/partition_log.h"
#include "common/base/prng.h"
#include "tests/support/batches.h"
#include "tests/support/manual_executor.h"
#include "tests/support/mem_kv_store.h"

namespace weir::log {
namespace {

using test::MakeBatch;
using test::MakeProducerBatch;
using Strings = std::vector<std::string>;

// A batch as a leader's log holds it.
std::string Stored(const SharedBytes& batch, int64_t base_offset, int32_t epoch) {
  std::string bytes(batch.view());
  wire::SetBaseOffset(bytes.data(), base_offset);
  wire::SetPartitionLeaderEpoch(bytes.data(), epoch);
  return bytes;
}

class TruncationTest : public ::testing::Test {
 protected:
  TruncationTest() { Start(); }

  void Start() {
    log_store = LogStore::Open(store, writer, syncer, std::make_shared<LogStartMap>()).value();
    shard_number = log_store->writer().AddShard(shard, [this](const std::vector<Persisted>& news) {
      for (const Persisted& each : news) log->OnPersisted(each.end_offset);
    });
    TopicPartition name;
    name.topic_id.bytes.fill(7);
    cache = std::make_unique<TailCache>(16 * 1024 * 1024);
    auto opened = PartitionLog::Open(
        store, *cache, std::move(log_store->OpenOrCreate({name}, {KvFamily::kLogLong}).at(0)),
        std::make_shared<LogConfig>(), WallTime(1));
    ASSERT_TRUE(opened.has_value()) << opened.error().message;
    log = std::move(*opened);
    Run();
  }
  void Crash() {
    for (test::ManualExecutor* executor : {&writer, &syncer, &shard}) executor->Clear();
    log.reset();
    cache.reset();
    log_store.reset();
  }
  void Restart() {
    Crash();
    store.Kill();
    Start();
  }
  void Run() { test::RunAll({&writer, &syncer, &shard}); }

  // Queues what a leader sent.
  Status Queue(const std::string& batches) {
    WEIR_ASSIGN_OR_RETURN(Replicated taken,
                          log->AppendReplicated(SharedBytes::Copy(batches), {.now = WallTime(1)}));
    log_store->writer().Append(shard_number, std::move(taken.writes));
    return {};
  }
  void Take(const std::string& batches) {
    const Status status = Queue(batches);
    ASSERT_TRUE(status.has_value()) << status.error().message;
    Run();
  }
  void QueueCut(int64_t offset) {
    auto fill = log->Truncate(Offset(offset), WallTime(1));
    ASSERT_TRUE(fill.has_value()) << fill.error().message;
    log_store->writer().WriteMeta(std::move(*fill), nullptr);
  }
  void Cut(int64_t offset) {
    QueueCut(offset);
    Run();
  }
  void Checkpoint() {
    log_store->writer().WriteMeta(log->TakeCheckpoint(WallTime(1)), nullptr);
    Run();
  }

  Strings Records() {
    auto read = log->Read(log->log_start_offset(), log->log_end_offset(), 1 << 30, true);
    EXPECT_TRUE(read.has_value());
    return read ? test::RecordsIn(read->records) : Strings{};
  }
  std::string OnDisk() {
    std::string bytes;
    auto it = store.Scan(KvFamily::kLogLong, "", "");
    for (it->Seek(""); it->Valid(); it->Next()) bytes += it->value();
    return bytes;
  }

  test::MemKvStore store;
  test::ManualWorld world;
  test::ManualExecutor writer{world};
  test::ManualExecutor syncer{world};
  test::ManualExecutor shard{world};
  std::unique_ptr<LogStore> log_store;
  std::unique_ptr<TailCache> cache;
  std::unique_ptr<PartitionLog> log;
  size_t shard_number = 0;
};

// ---- What is taken --------------------------------------------------------------------

TEST_F(TruncationTest, D24_WhatTheLeaderSentIsStoredUnchanged) {
  const std::string batches = Stored(MakeBatch("a", 2), 0, 1) + Stored(MakeBatch("b"), 2, 1) +
                              Stored(MakeBatch("c", 3), 3, 4);
  Take(batches);
  EXPECT_EQ(OnDisk(), batches);
  const std::vector<EpochStart> epochs = {{LeaderEpoch(1), Offset(0)}, {LeaderEpoch(4), Offset(3)}};
  EXPECT_EQ(log->epochs().starts(), epochs);
  Restart();
  EXPECT_EQ(log->epochs().starts(), epochs);
  EXPECT_EQ(log->log_end_offset(), Offset(6));
}

TEST_F(TruncationTest, D19_OfWhatDoesNotFitNothingIsTaken) {
  Take(Stored(MakeBatch("a", 2), 0, 3));
  const std::string good = Stored(MakeBatch("b"), 2, 3);
  std::string damaged = Stored(MakeBatch("c"), 3, 3);
  damaged.back() ^= 1;
  EXPECT_FALSE(Queue(good + damaged).has_value()) << "checksum";
  EXPECT_FALSE(Queue(good + Stored(MakeBatch("c"), 2, 3)).has_value()) << "offsets go back";
  EXPECT_FALSE(Queue(Stored(MakeBatch("c"), 1, 3)).has_value()) << "overlaps the log";
  EXPECT_FALSE(Queue(good + Stored(MakeBatch("c"), 3, 2)).has_value()) << "an older epoch";
  EXPECT_FALSE(Queue(good.substr(0, good.size() - 1)).has_value()) << "half a batch";
  Run();
  EXPECT_EQ(log->log_end_offset(), Offset(2));
  EXPECT_EQ(Records(), (Strings{"0:a-0", "1:a-1"}));
  // A gap is no damage: compaction leaves them.
  Take(Stored(MakeBatch("b"), 9, 3));
  EXPECT_EQ(log->log_end_offset(), Offset(10));
}

// ---- What is cut ----------------------------------------------------------------------

TEST_F(TruncationTest, ACutInsideACoalescedEntryKeepsItsHead) {
  Take(Stored(MakeBatch("a", 2), 0, 1) + Stored(MakeBatch("b", 2), 2, 1) +
       Stored(MakeBatch("c", 2), 4, 1));
  ASSERT_EQ(store.Count(KvFamily::kLogLong), 1u);
  Cut(4);
  const Strings kept = {"0:a-0", "1:a-1", "2:b-0", "3:b-1"};
  EXPECT_EQ(Records(), kept);
  Take(Stored(MakeBatch("new"), 4, 2));
  Strings grown = kept;
  grown.push_back("4:new-0");
  EXPECT_EQ(Records(), grown);
  Restart();
  EXPECT_EQ(Records(), grown);
}

TEST_F(TruncationTest, ACutInsideABatchTakesTheWholeBatch) {
  Take(Stored(MakeBatch("a", 2), 0, 1));
  Take(Stored(MakeBatch("b", 4), 2, 1));
  Cut(4);
  EXPECT_EQ(log->log_end_offset(), Offset(2));
  EXPECT_EQ(log->persisted_end_offset(), Offset(2));
  Restart();
  EXPECT_EQ(Records(), (Strings{"0:a-0", "1:a-1"}));
}

TEST_F(TruncationTest, I30_EpochsThatBeginBeyondTheCutAreForgotten) {
  Take(Stored(MakeBatch("a", 2), 0, 1) + Stored(MakeBatch("b", 2), 2, 2) +
       Stored(MakeBatch("c", 2), 4, 3));
  Cut(2);
  const std::vector<EpochStart> first = {{LeaderEpoch(1), Offset(0)}};
  EXPECT_EQ(log->epochs().starts(), first);
  Restart();
  EXPECT_EQ(log->epochs().starts(), first);
  Cut(0);
  EXPECT_TRUE(log->epochs().starts().empty());
  Restart();
  EXPECT_TRUE(log->epochs().starts().empty());
}

TEST_F(TruncationTest, I29_ProducersAreThoseOfWhatIsLeft) {
  Take(Stored(MakeProducerBatch("a", 5, 0, 0), 0, 1) +
       Stored(MakeProducerBatch("b", 5, 0, 1), 1, 1) +
       Stored(MakeProducerBatch("c", 6, 0, 0), 2, 1));
  Checkpoint();
  Cut(1);
  const std::string left = log->producers().Encode(Offset(1));
  EXPECT_EQ(log->producers().size(), 1u);
  Restart();
  EXPECT_EQ(log->producers().Encode(Offset(1)), left) << "the row of before the cut is gone";
}

TEST_F(TruncationTest, SizesAndTimesAreThoseOfWhatIsLeft) {
  const std::string head = Stored(MakeBatch("a", 2, 1'000), 0, 1);
  Take(head + Stored(MakeBatch("young", 1, 9'000), 2, 1));
  Cut(2);
  EXPECT_EQ(log->bytes(), static_cast<int64_t>(head.size()));
  const auto youngest = log->MaxTimestamp(Offset(2));
  ASSERT_TRUE(youngest.has_value() && youngest->has_value());
  EXPECT_EQ((*youngest)->timestamp, WallTime(1'001));
  Checkpoint();
  Restart();
  EXPECT_EQ(log->bytes(), static_cast<int64_t>(head.size()));
}

// The law that appends rely on when a leader changes right after a cut: a cut takes nothing that
// was queued after it, though all of it is written in one round.
TEST_F(TruncationTest, ACutTakesNothingThatWasQueuedAfterIt) {
  Take(Stored(MakeBatch("a"), 0, 1) + Stored(MakeBatch("old", 3), 1, 1));
  QueueCut(1);
  ASSERT_TRUE(Queue(Stored(MakeBatch("new", 2), 1, 2)).has_value());
  Run();
  Restart();
  EXPECT_EQ(Records(), (Strings{"0:a-0", "1:new-0", "2:new-1"}));
}

TEST_F(TruncationTest, I31_ALogThatStartsAnewIsEmptyThere) {
  Take(Stored(MakeProducerBatch("a", 5, 0, 0, 3), 0, 1));
  Checkpoint();
  TopicPartition name;
  name.topic_id.bytes.fill(7);
  log_store->writer().WriteMeta(log->StartAnew(Offset(50), WallTime(1)), nullptr);
  log_store->MoveLogStart(name, Offset(50), [] {});
  Run();
  EXPECT_EQ(log->log_start_offset(), Offset(50));
  EXPECT_EQ(log->log_end_offset(), Offset(50));
  EXPECT_EQ(log->producers().size(), 0u);
  Restart();
  EXPECT_EQ(log->log_start_offset(), Offset(50));
  EXPECT_EQ(log->log_end_offset(), Offset(50));
  EXPECT_EQ(OnDisk(), "");
  Take(Stored(MakeBatch("b"), 50, 9));
  Restart();
  EXPECT_EQ(Records(), Strings{"50:b-0"});
}

// ---- Crashes --------------------------------------------------------------------------

// Append, cut, append elsewhere, start anew: power fails at each write and sync in turn. The log
// opens, and holds a state that it once had.
TEST_F(TruncationTest, D16_APowerCutAtEveryPointOfACutLeavesALogThatOnceWas) {
  const Strings none = {};
  const Strings one = {"0:a-0", "1:a-1"};
  const Strings old = {"0:a-0", "1:a-1", "2:b-0", "3:b-1", "4:c-0"};
  const Strings cut = {"0:a-0", "1:a-1", "2:b-0", "3:b-1"};
  const Strings grown = {"0:a-0", "1:a-1", "2:b-0", "3:b-1", "4:new-0"};
  const std::vector<Strings> states = {none, one, old, cut, grown};
  TopicPartition name;
  name.topic_id.bytes.fill(7);
  for (uint64_t seed = 0; seed < 20; ++seed) {
    for (uint64_t point = 0; point < 14; ++point) {
      SCOPED_TRACE("seed " + std::to_string(seed) + " point " + std::to_string(point));
      Crash();
      store.Kill();
      Start();
      log_store->Delete({name});
      Run();
      Crash();
      store.Kill();
      Start();
      ASSERT_EQ(Records(), none);
      store.FailFrom(point);
      const auto step = [&](auto act) {
        if (log->persisted_end_offset() == log->log_end_offset()) act();
        Run();
      };
      step([&] { (void)Queue(Stored(MakeProducerBatch("a", 5, 0, 0, 2), 0, 1)); });
      step([&] {
        (void)Queue(Stored(MakeBatch("b", 2), 2, 1) +
                    Stored(MakeProducerBatch("c", 5, 0, 2), 4, 2));
      });
      step([&] { log_store->writer().WriteMeta(log->TakeCheckpoint(WallTime(1)), nullptr); });
      if (log->persisted_end_offset() == Offset(5)) {
        QueueCut(4);
        Run();
        step([&] { (void)Queue(Stored(MakeBatch("new"), 4, 3)); });
      }
      Crash();
      Prng prng(seed);
      store.PowerCut(prng);
      Start();
      const Strings now = Records();
      EXPECT_TRUE(std::find(states.begin(), states.end(), now) != states.end())
          << ::testing::PrintToString(now);
      if (HasFatalFailure()) return;
    }
  }
}

}  // namespace
}  // namespace weir::log
