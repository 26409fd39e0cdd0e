// Where partitions begin and end, and how old the records at some offsets are.
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "tests/support/broker_log_world.h"
#include "tests/support/mem_kv_store.h"

namespace weir::replica {
namespace {

using test::kBatchTime;
using test::MakeBatch;
using test::MakePartition;

class PositionsTest : public ::testing::Test {
 protected:
  PositionsTest() {
    world.Start();
    world.Lead({p});
  }

  PositionsOutcome Ask(std::vector<Offset> offsets, TopicPartition partition = MakePartition(0)) {
    std::optional<PositionsOutcome> outcome;
    world.router->Positions(
        0, {{partition, std::move(offsets)}},
        [&](std::vector<PositionsOutcome> outcomes) { outcome = std::move(outcomes.at(0)); });
    world.Run();
    return outcome.value();
  }
  // "offset@ms after kBatchTime" of the first record at or after `offset`.
  std::string At(int64_t offset) {
    const PositionsOutcome::Time time = Ask({Offset(offset)}).times.at(0);
    if (time.offset == kNoOffset) return "none";
    return ToString(time.offset) + "@" + std::to_string(time.timestamp.value() - kBatchTime);
  }
  void DeleteBefore(int64_t offset) {
    world.router->DeleteRecords(0, {{p, Offset(offset)}}, [](const auto&) {});
    world.Run();
  }

  const TopicPartition p = MakePartition(0);
  test::MemKvStore store;
  test::BrokerLogWorld world{store};
};

TEST_F(PositionsTest, AnEmptyPartitionHasNoRecords) {
  const PositionsOutcome outcome = Ask({Offset(0), Offset(5)});
  EXPECT_EQ(outcome.error, ErrorCode::kNone);
  EXPECT_EQ(outcome.log_start_offset, Offset(0));
  EXPECT_EQ(outcome.end_offset, Offset(0));
  EXPECT_EQ(outcome.times, (std::vector<PositionsOutcome::Time>(2)));
}

TEST_F(PositionsTest, EveryRecordHasItsOwnTime) {
  world.Append(p, MakeBatch("a", 3));
  world.Append(p, MakeBatch("b", 2, kBatchTime + 100));
  EXPECT_EQ(Ask({}).end_offset, Offset(5));
  EXPECT_EQ(At(0), "0@0");
  EXPECT_EQ(At(2), "2@2") << "in the middle of a batch";
  EXPECT_EQ(At(3), "3@100");
  EXPECT_EQ(At(4), "4@101");
  EXPECT_EQ(At(5), "none");
  EXPECT_EQ(At(99), "none");
}

TEST_F(PositionsTest, RecordsOfADeletedBeginningCountNoMore) {
  world.Append(p, MakeBatch("a", 3));
  world.Append(p, MakeBatch("b", 2, kBatchTime + 100));
  DeleteBefore(1);
  EXPECT_EQ(Ask({}).log_start_offset, Offset(1));
  EXPECT_EQ(At(0), "1@1");
  DeleteBefore(5);
  EXPECT_EQ(At(0), "none");
}

TEST_F(PositionsTest, WhatIsNotReadableYetHasNoTime) {
  world.Append(p, MakeBatch("a", 1));
  // Not synced: below no high watermark.
  const auto pending = world.StartAppend(p, MakeBatch("b", 1, kBatchTime + 7));
  std::vector<test::ManualExecutor*> all = world.Executors();
  std::erase(all, &world.syncer);
  test::RunAll(all);
  std::optional<PositionsOutcome> outcome;
  world.router->Positions(0, {{p, {Offset(1)}}}, [&](std::vector<PositionsOutcome> outcomes) {
    outcome = std::move(outcomes.at(0));
  });
  test::RunAll(all);
  ASSERT_TRUE(outcome.has_value());
  EXPECT_EQ(outcome->end_offset, Offset(1));
  EXPECT_EQ(outcome->times.at(0).offset, kNoOffset);
  world.Run();
  EXPECT_EQ(At(1), "1@7");
}

TEST_F(PositionsTest, OnlyTheLeaderAnswers) {
  EXPECT_EQ(Ask({Offset(0)}, MakePartition(4)).error, ErrorCode::kNotLeaderOrFollower);
}

}  // namespace
}  // namespace weir::replica
