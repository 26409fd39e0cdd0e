// Committed offsets across brokers: what is asked of their partition's leader, before and after it
// changes (G-10), and what is forgotten.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/wire/offset_records.h"
#include "broker/wire/record_batch.h"
#include "common/base/limits.h"
#include "common/base/prng.h"
#include "tests/unit/broker/replica/replication_fixture.h"

namespace weir::replica {
namespace {

using test::MakePartition;
using Strings = std::vector<std::string>;

using Records = std::vector<OffsetRecord>;

Records CommitOf(const std::string& group, const std::string& topic, int64_t offset,
                 const Uuid& topic_id = {}) {
  return {{wire::EncodeOffsetKey({group, topic, 0}),
           wire::EncodeOffsetValue({.offset = offset, .topic_id = topic_id})}};
}

Strings Listed(const OffsetQueryOutcome& outcome) {
  Strings texts;
  for (const log::CommittedOffset& each : outcome.offsets) {
    texts.push_back(each.topic + "=" + std::to_string(each.value.offset));
  }
  return texts;
}

// "partition:before>after" of each offset of a group's last reset.
std::string ResetText(const OffsetQueryOutcome& outcome) {
  if (!outcome.last_reset) return "none";
  std::string text;
  for (const wire::OffsetReset::Entry& entry : outcome.last_reset->entries) {
    text += (text.empty() ? "" : " ") + entry.topic + ":" +
            (entry.before ? std::to_string(entry.before->offset) : "-") + ">" +
            std::to_string(entry.after);
  }
  return text;
}

log::LogConfigPtr OffsetsConfig(int32_t batch_bytes_max = limits::kBatchBytesDefault) {
  log::LogConfig config;
  config.batch_bytes_max = batch_bytes_max;
  config.committed_offsets = true;
  return std::make_shared<const log::LogConfig>(config);
}

// ---- One broker ---------------------------------------------------------------------------

class OffsetsOfOneBroker : public ::testing::Test {
 protected:
  OffsetsOfOneBroker() {
    world.config = OffsetsConfig();
    world.Start();
    world.Lead({p});
  }

  using Committed = std::shared_ptr<std::optional<ErrorCode>>;
  Committed StartCommit(Records records, ErrorCode verdict = ErrorCode::kNone) {
    auto outcome = std::make_shared<std::optional<ErrorCode>>();
    world.router->CommitOffsets(0,
                                {.partition = p,
                                 .records = std::move(records),
                                 .check = [verdict](size_t) { return verdict; },
                                 .deadline = world.world.now + std::chrono::seconds(5)},
                                [outcome](ErrorCode error) { *outcome = error; });
    return outcome;
  }
  ErrorCode Commit(Records records, ErrorCode verdict = ErrorCode::kNone) {
    const Committed outcome = StartCommit(std::move(records), verdict);
    world.Run();
    return outcome->value_or(ErrorCode::kRequestTimedOut);
  }
  // As somebody who is no member.
  ErrorCode Reset(Records records, const std::string& group = "g") {
    std::optional<ErrorCode> outcome;
    world.router->CommitOffsets(0,
                                {.partition = p,
                                 .records = std::move(records),
                                 .check = [](size_t) { return ErrorCode::kNone; },
                                 .deadline = world.world.now + std::chrono::seconds(5),
                                 .reset_of = group},
                                [&outcome](ErrorCode error) { outcome = error; });
    world.Run();
    return outcome.value_or(ErrorCode::kRequestTimedOut);
  }
  std::string LastReset(const std::string& group = "g") {
    return ResetText(Ask({.partition = p, .group = group, .topics = {}}));
  }
  OffsetQueryOutcome Ask(OffsetQuery query) {
    std::optional<OffsetQueryOutcome> outcome;
    world.router->QueryOffsets(
        0, {std::move(query)},
        [&](std::vector<OffsetQueryOutcome> outcomes) { outcome = std::move(outcomes.at(0)); });
    world.Run();
    return outcome.value();
  }
  Strings AllOf(const std::string& group) {
    const OffsetQueryOutcome outcome = Ask({.partition = p, .group = group, .topics = {}});
    EXPECT_EQ(outcome.error, ErrorCode::kNone);
    return Listed(outcome);
  }
  OffsetForgetOutcome Forget(
      const std::string& group,
      std::optional<std::vector<std::pair<std::string, int32_t>>> which = std::nullopt) {
    std::optional<OffsetForgetOutcome> outcome;
    world.router->ForgetOffsets(0,
                                {.partition = p,
                                 .group = group,
                                 .topic_partitions = std::move(which),
                                 .deadline = world.world.now + std::chrono::seconds(5)},
                                [&](OffsetForgetOutcome o) { outcome = o; });
    world.Run();
    return outcome.value();
  }

  // Records of each batch of the partition.
  std::vector<int> BatchSizes() {
    std::vector<int> sizes;
    for (const SharedBytes& run : world.Fetch(p, 0).records) {
      wire::BatchIterator batches(run.view());
      while (const auto batch = batches.Next().value()) sizes.push_back(batch->record_count());
    }
    return sizes;
  }

  const TopicPartition p = MakePartition(0);
  test::MemKvStore store;
  test::BrokerLogWorld world{store};
};

TEST_F(OffsetsOfOneBroker, WhatWasCommittedIsFound) {
  EXPECT_EQ(Commit(CommitOf("g", "a", 7)), ErrorCode::kNone);
  EXPECT_EQ(Commit(CommitOf("g", "b", 8)), ErrorCode::kNone);
  EXPECT_EQ(AllOf("g"), (Strings{"a=7", "b=8"}));
  const OffsetQueryOutcome some =
      Ask({.partition = p, .group = "g", .topics = {{{"b", {0, 1}}, {"nothing", {0}}}}});
  EXPECT_EQ(Listed(some), Strings{"b=8"});
}

TEST_F(OffsetsOfOneBroker, ACommitIsAnsweredWhenItIsSyncedAndVisibleThen) {
  const Committed outcome = StartCommit(CommitOf("g", "a", 7));
  std::vector<test::ManualExecutor*> all = world.Executors();
  std::erase(all, &world.syncer);
  test::RunAll(all);
  EXPECT_FALSE(outcome->has_value());
  world.Run();
  ASSERT_TRUE(outcome->has_value());
  EXPECT_EQ(AllOf("g"), Strings{"a=7"});
}

TEST_F(OffsetsOfOneBroker, G17_WhatTheCheckRefusesIsNotAppended) {
  EXPECT_EQ(Commit(CommitOf("g", "a", 7), ErrorCode::kIllegalGeneration),
            ErrorCode::kIllegalGeneration);
  EXPECT_EQ(AllOf("g"), Strings{});
  EXPECT_EQ(world.Fetch(p, 0).high_watermark, Offset(0));
}

TEST_F(OffsetsOfOneBroker, AnOrdinaryPartitionHoldsNone) {
  const TopicPartition ordinary = MakePartition(0, 9);
  world.config = std::make_shared<log::LogConfig>();
  world.Lead({ordinary});
  EXPECT_EQ(Ask({.partition = ordinary, .group = "g", .topics = {}}).error,
            ErrorCode::kNotLeaderOrFollower);
  EXPECT_EQ(Ask({.partition = MakePartition(5), .group = "g", .topics = {}}).error,
            ErrorCode::kNotLeaderOrFollower);
}

TEST_F(OffsetsOfOneBroker, ForgettingWritesTombstones) {
  Commit(CommitOf("g", "a", 1));
  Commit(CommitOf("g", "b", 2));
  Commit(CommitOf("h", "a", 3));
  EXPECT_EQ(Forget("g", {{{"b", 0}, {"z", 0}}}).forgotten, 1u);
  EXPECT_EQ(AllOf("g"), Strings{"a=1"});
  EXPECT_EQ(Forget("g").forgotten, 1u);
  EXPECT_EQ(AllOf("g"), Strings{});
  EXPECT_EQ(Forget("g").forgotten, 0u);
  EXPECT_EQ(AllOf("h"), Strings{"a=3"});
  EXPECT_EQ(world.Fetch(p, 0).high_watermark, Offset(7))
      << "three commits, two tombstones, a reset and its end";
}

TEST_F(OffsetsOfOneBroker, ADeletedTopicsOffsetsEnd) {
  const Uuid old_id{{1}};
  const Uuid new_id{{2}};
  Commit(CommitOf("g", "t", 1, old_id));
  Commit(CommitOf("g", "u", 2, new_id));
  Commit(CommitOf("g", "nameless", 3));
  Commit(CommitOf("h", "t", 4, new_id));
  world.router->ForgetTopics({{old_id, "t"}, {Uuid{{3}}, "nameless"}});
  world.Run();
  EXPECT_EQ(AllOf("g"), Strings{"u=2"});
  EXPECT_EQ(AllOf("h"), Strings{"t=4"}) << "of the topic that has the name now";
}

TEST_F(OffsetsOfOneBroker, RowsAreWrittenSoonAndOnceForManyCommits) {
  const auto rows = [&] {
    size_t count = 0;
    auto it = store.Scan(KvFamily::kMeta, "C", "D");
    for (it->Seek("C"); it->Valid(); it->Next()) ++count;
    return count;
  };
  for (int i = 0; i < 5; ++i) Commit(CommitOf("g", "a", i));
  EXPECT_EQ(rows(), 0u);
  const uint64_t writes = store.writes();
  world.Advance(PartitionTable::kOffsetRowsInterval);
  EXPECT_EQ(rows(), 1u);
  EXPECT_EQ(store.writes(), writes + 1);
  world.Advance(PartitionTable::kOffsetRowsInterval);
  EXPECT_EQ(store.writes(), writes + 1);
}

TEST_F(OffsetsOfOneBroker, D01_ARestartLosesNoneWrittenAsRowsOrNot) {
  Commit(CommitOf("g", "a", 1));
  world.Advance(PartitionTable::kOffsetRowsInterval);
  Commit(CommitOf("g", "a", 2));
  Commit(CommitOf("g", "b", 3));
  world.Crash();
  store.Kill();
  world.Start();
  world.Lead({p}, 1);
  EXPECT_EQ(AllOf("g"), (Strings{"a=2", "b=3"}));
  world.StopCleanly(BrokerEpoch(5));
  store.Kill();
  world.Start();
  world.Lead({p}, 2);
  EXPECT_EQ(AllOf("g"), (Strings{"a=2", "b=3"}));
}

// ---- Commits that come together -----------------------------------------------------------

TEST_F(OffsetsOfOneBroker, CommitsThatComeTogetherAreOneBatch) {
  const Committed first = StartCommit(CommitOf("g", "a", 1));
  const Committed second = StartCommit(CommitOf("h", "a", 2));
  const Committed third = StartCommit(CommitOf("g", "a", 3));
  world.Run();
  EXPECT_EQ(*first, ErrorCode::kNone);
  EXPECT_EQ(*second, ErrorCode::kNone);
  EXPECT_EQ(*third, ErrorCode::kNone);
  EXPECT_EQ(AllOf("g"), Strings{"a=3"}) << "the later one counts";
  EXPECT_EQ(AllOf("h"), Strings{"a=2"});
  EXPECT_EQ(BatchSizes(), std::vector<int>{3});
  Commit(CommitOf("g", "a", 4));
  EXPECT_EQ(BatchSizes(), (std::vector<int>{3, 1}));
}

TEST_F(OffsetsOfOneBroker, G17_ARefusalConcernsNoOtherCommit) {
  const Committed first = StartCommit(CommitOf("g", "a", 1));
  const Committed refused = StartCommit(CommitOf("h", "a", 2), ErrorCode::kIllegalGeneration);
  const Committed third = StartCommit(CommitOf("i", "a", 3));
  world.Run();
  EXPECT_EQ(*first, ErrorCode::kNone);
  EXPECT_EQ(*refused, ErrorCode::kIllegalGeneration);
  EXPECT_EQ(*third, ErrorCode::kNone);
  EXPECT_EQ(AllOf("h"), Strings{});
  EXPECT_EQ(BatchSizes(), std::vector<int>{2});
}

// The fence of D7: what a commit waits for others must not let it pass a newer generation.
TEST_F(OffsetsOfOneBroker, G17_TheCheckIsAskedInTheMomentOfTheAppend) {
  ErrorCode verdict = ErrorCode::kNone;
  std::optional<ErrorCode> outcome;
  world.router->CommitOffsets(0,
                              {.partition = p,
                               .records = CommitOf("g", "a", 1),
                               .check = [&verdict](size_t) { return verdict; },
                               .deadline = world.world.now + std::chrono::seconds(5)},
                              [&outcome](ErrorCode error) { outcome = error; });
  verdict = ErrorCode::kIllegalGeneration;
  world.Run();
  EXPECT_EQ(outcome, ErrorCode::kIllegalGeneration);
  EXPECT_EQ(AllOf("g"), Strings{});
}

TEST_F(OffsetsOfOneBroker, CommitsThatAreTooLargeTogetherAreNotTooLarge) {
  world.config = OffsetsConfig(200);
  world.Lead({p}, 1);
  std::vector<Committed> commits;
  for (int i = 0; i < 5; ++i) commits.push_back(StartCommit(CommitOf("g", "a", i)));
  const Committed too_large = StartCommit(CommitOf(std::string(200, 'g'), "a", 1));
  commits.push_back(StartCommit(CommitOf("h", "a", 7)));
  world.Run();
  for (const Committed& commit : commits) EXPECT_EQ(*commit, ErrorCode::kNone);
  EXPECT_EQ(*too_large, ErrorCode::kMessageTooLarge);
  EXPECT_EQ(AllOf("g"), Strings{"a=4"});
  EXPECT_EQ(AllOf("h"), Strings{"a=7"});
  EXPECT_GT(BatchSizes().size(), 1u);
}

TEST_F(OffsetsOfOneBroker, WhatIsForgottenAfterACommitIsForgotten) {
  const Committed commit = StartCommit(CommitOf("g", "a", 1));
  EXPECT_EQ(Forget("g").forgotten, 1u);
  EXPECT_EQ(*commit, ErrorCode::kNone);
  EXPECT_EQ(AllOf("g"), Strings{});
  const Uuid topic_id{{1}};
  StartCommit(CommitOf("g", "t", 1, topic_id));
  world.router->ForgetTopics({{topic_id, "t"}});
  world.Run();
  EXPECT_EQ(AllOf("g"), Strings{});
}

TEST_F(OffsetsOfOneBroker, AResetAmongCommitsKnowsThoseBeforeItAlone) {
  const Committed before = StartCommit(CommitOf("g", "a", 5));
  auto reset = std::make_shared<std::optional<ErrorCode>>();
  world.router->CommitOffsets(0,
                              {.partition = p,
                               .records = CommitOf("g", "a", 2),
                               .check = [](size_t) { return ErrorCode::kNone; },
                               .deadline = world.world.now + std::chrono::seconds(5),
                               .reset_of = "g"},
                              [reset](ErrorCode error) { *reset = error; });
  const Committed after = StartCommit(CommitOf("g", "a", 3));
  world.Run();
  EXPECT_EQ(*before, ErrorCode::kNone);
  EXPECT_EQ(*reset, ErrorCode::kNone);
  EXPECT_EQ(*after, ErrorCode::kNone);
  EXPECT_EQ(LastReset(), "a:5>2");
  EXPECT_EQ(AllOf("g"), Strings{"a=3"});
}

// ---- Resets -------------------------------------------------------------------------------

TEST_F(OffsetsOfOneBroker, AResetIsRememberedUntilTheNext) {
  Commit(CommitOf("g", "a", 5));
  EXPECT_EQ(LastReset(), "none") << "a member's commit is none";
  EXPECT_EQ(Reset(CommitOf("g", "a", 2)), ErrorCode::kNone);
  EXPECT_EQ(LastReset(), "a:5>2");
  EXPECT_EQ(AllOf("g"), Strings{"a=2"});
  Commit(CommitOf("g", "a", 3));
  EXPECT_EQ(LastReset(), "a:5>2");
  EXPECT_EQ(LastReset("h"), "none");
  // Undone, and that undone.
  Reset(CommitOf("g", "a", 5));
  EXPECT_EQ(LastReset(), "a:3>5");
  Reset(CommitOf("g", "a", 3));
  EXPECT_EQ(LastReset(), "a:5>3");
}

TEST_F(OffsetsOfOneBroker, AResetOfWhatIsStillPendingKnowsIt) {
  Commit(CommitOf("g", "a", 1));
  const Committed first = StartCommit(CommitOf("g", "a", 7));
  EXPECT_EQ(Reset(CommitOf("g", "a", 0)), ErrorCode::kNone);
  EXPECT_EQ(*first, ErrorCode::kNone);
  EXPECT_EQ(LastReset(), "a:7>0");
}

TEST_F(OffsetsOfOneBroker, ForgettingSomeIsAReset) {
  Commit(CommitOf("g", "a", 1));
  Commit(CommitOf("g", "b", 2));
  EXPECT_EQ(Forget("g", {{{"b", 0}}}).forgotten, 1u);
  EXPECT_EQ(LastReset(), "b:2>-1");
  // What undoing forgets and what it sets come in two requests, and are one reset.
  Reset(CommitOf("g", "a", 9));
  EXPECT_EQ(LastReset(), "b:2>-1 a:1>9");
}

// What is forgotten takes many batches, what has to be remembered of it one.
TEST_F(OffsetsOfOneBroker, WhatIsTooMuchToBeUndoneIsForgottenAllTheSame) {
  constexpr int32_t kPartitions = 3'000;
  world.config = OffsetsConfig(80'000);
  world.Lead({p}, 1);
  // Each tombstone takes more than what undoes it.
  const std::string group(100, 'g');
  std::vector<std::pair<std::string, int32_t>> all;
  for (int32_t i = 0; i < kPartitions; ++i) {
    StartCommit({{wire::EncodeOffsetKey({group, "topic-of-the-group", i}),
                  wire::EncodeOffsetValue({.offset = 1})}});
    all.emplace_back("topic-of-the-group", i);
  }
  world.Run();
  ASSERT_EQ(AllOf(group).size(), static_cast<size_t>(kPartitions));
  const OffsetForgetOutcome outcome = Forget(group, all);
  EXPECT_EQ(outcome.error, ErrorCode::kNone);
  EXPECT_EQ(outcome.forgotten, static_cast<size_t>(kPartitions));
  EXPECT_EQ(AllOf(group), Strings{});
  EXPECT_FALSE(Ask({.partition = p, .group = group, .topics = {}}).last_reset.has_value());
}

TEST_F(OffsetsOfOneBroker, ForgettingThousandsCanBeUndone) {
  constexpr int32_t kPartitions = 3'000;
  std::vector<std::pair<std::string, int32_t>> all;
  for (int32_t i = 0; i < kPartitions; ++i) {
    StartCommit(
        {{wire::EncodeOffsetKey({"g", "topic", i}), wire::EncodeOffsetValue({.offset = 1})}});
    all.emplace_back("topic", i);
  }
  world.Run();
  EXPECT_EQ(Forget("g", all).forgotten, static_cast<size_t>(kPartitions));
  const auto reset = Ask({.partition = p, .group = "g", .topics = {}}).last_reset;
  ASSERT_TRUE(reset.has_value());
  EXPECT_EQ(reset->entries.size(), static_cast<size_t>(kPartitions));
}

TEST_F(OffsetsOfOneBroker, TombstonesOfLongGroupIdsFitInTheirBatches) {
  world.config = OffsetsConfig(80'000);
  world.Lead({p}, 1);
  const std::string group(30'000, 'g');
  for (int32_t i = 0; i < 10; ++i) {
    StartCommit({{wire::EncodeOffsetKey({group, "t", i}), wire::EncodeOffsetValue({.offset = 1})}});
  }
  world.Run();
  EXPECT_EQ(Forget(group).error, ErrorCode::kNone);
  EXPECT_EQ(AllOf(group), Strings{});
}

TEST_F(OffsetsOfOneBroker, AGroupThatIsDeletedForgetsItsReset) {
  Commit(CommitOf("g", "a", 1));
  Reset(CommitOf("g", "a", 2));
  EXPECT_EQ(Forget("g").forgotten, 1u) << "offsets alone are counted";
  EXPECT_EQ(LastReset(), "none");
  EXPECT_EQ(AllOf("g"), Strings{});
}

TEST_F(OffsetsOfOneBroker, ResetsAreNotOffsets) {
  const Uuid topic_id{{1}};
  Commit(CommitOf("g", "a", 1, topic_id));
  Reset(CommitOf("g", "a", 2, topic_id));
  std::optional<std::vector<GroupOffset>> all;
  world.router->AllOffsets(0, [&](std::vector<GroupOffset> found) { all = std::move(found); });
  world.Run();
  ASSERT_TRUE(all.has_value());
  ASSERT_EQ(all->size(), 1u);
  EXPECT_EQ(all->at(0).group, "g");
  EXPECT_EQ(all->at(0).offset.value.offset, 2);
  world.router->ForgetTopics({{topic_id, "a"}});
  world.Run();
  EXPECT_EQ(AllOf("g"), Strings{});
}

TEST_F(OffsetsOfOneBroker, D01_ARestartLosesNoReset) {
  Commit(CommitOf("g", "a", 5));
  Reset(CommitOf("g", "a", 2));
  world.Crash();
  store.Kill();
  world.Start();
  world.Lead({p}, 1);
  EXPECT_EQ(LastReset(), "a:5>2");
  world.Advance(PartitionTable::kOffsetRowsInterval);
  world.StopCleanly(BrokerEpoch(5));
  store.Kill();
  world.Start();
  world.Lead({p}, 2);
  EXPECT_EQ(LastReset(), "a:5>2");
  EXPECT_EQ(AllOf("g"), Strings{"a=2"});
}

// ---- Leaders change -----------------------------------------------------------------------

class OffsetsFailover : public ReplicationTest {
 protected:
  OffsetsFailover() { config = OffsetsConfig(); }

  using Committed = std::shared_ptr<std::optional<ErrorCode>>;
  Committed StartCommit(Broker& to, int64_t offset) {
    auto outcome = std::make_shared<std::optional<ErrorCode>>();
    to.router->CommitOffsets(0,
                             {.partition = kPartition,
                              .records = CommitOf("g", "t", offset),
                              .check = [](size_t) { return ErrorCode::kNone; },
                              .deadline = world.now + std::chrono::seconds(5)},
                             [outcome](ErrorCode error) { *outcome = error; });
    to.Run();
    return outcome;
  }
  OffsetQueryOutcome Ask(Broker& at) {
    std::optional<OffsetQueryOutcome> outcome;
    at.router->QueryOffsets(
        0, {{.partition = kPartition, .group = "g", .topics = {}}},
        [&](std::vector<OffsetQueryOutcome> outcomes) { outcome = std::move(outcomes.at(0)); });
    at.RunWithoutSync();
    return outcome.value();
  }
};

TEST_F(OffsetsFailover, G10_ANewLeaderAnswersOnceItKnowsWhatWasCommitted) {
  Elect(a, 1, {a.id, b.id, c.id}, {&a, &b, &c});
  const Committed committed = StartCommit(a, 7);
  for (int i = 0; i < 2; ++i) {
    Fetch(b, a);
    Fetch(c, a);
  }
  ASSERT_EQ(*committed, ErrorCode::kNone);
  EXPECT_EQ(Listed(Ask(a)), Strings{"t=7"});
  EXPECT_EQ(Ask(b).error, ErrorCode::kNotLeaderOrFollower);
  // Neither follower has heard that the commit counts.
  ASSERT_EQ(b.Info().high_watermark, Offset(0));
  Elect(b, 2, {b.id, c.id}, {&b, &c});
  EXPECT_EQ(Ask(b).error, ErrorCode::kCoordinatorLoadInProgress);
  Fetch(c, b);
  EXPECT_EQ(Ask(b).error, ErrorCode::kNone);
  EXPECT_EQ(Listed(Ask(b)), Strings{"t=7"});
}

TEST_F(OffsetsFailover, ANewLeaderKnowsTheLastReset) {
  Elect(a, 1, {a.id, b.id, c.id}, {&a, &b, &c});
  StartCommit(a, 7);
  std::optional<ErrorCode> outcome;
  a.router->CommitOffsets(0,
                          {.partition = kPartition,
                           .records = CommitOf("g", "t", 3),
                           .check = [](size_t) { return ErrorCode::kNone; },
                           .deadline = world.now + std::chrono::seconds(5),
                           .reset_of = "g"},
                          [&outcome](ErrorCode error) { outcome = error; });
  a.Run();
  for (int i = 0; i < 3; ++i) {
    Fetch(b, a);
    Fetch(c, a);
  }
  ASSERT_EQ(outcome, ErrorCode::kNone);
  Elect(b, 2, {b.id, c.id}, {&b, &c});
  Fetch(c, b);
  EXPECT_EQ(ResetText(Ask(b)), "t:7>3");
}

TEST_F(OffsetsFailover, ACommitThatOnlyTheOldLeaderHadIsNone) {
  Elect(a, 1, {a.id, b.id, c.id}, {&a, &b, &c});
  StartCommit(a, 7);
  CatchUp(b, a);
  CatchUp(c, a);
  const Committed lost = StartCommit(a, 9);
  Elect(b, 2, {b.id, c.id}, {&b, &c, &a});
  EXPECT_EQ(*lost, ErrorCode::kNotLeaderOrFollower);
  CatchUp(c, b);
  StartCommit(b, 8);
  CatchUp(c, b);
  CatchUp(a, b);
  Refuse(b, 2);
  CatchUp(c, b);
  Elect(c, 3, {c.id, b.id}, {&a, &b, &c});
  CatchUp(b, c);
  EXPECT_EQ(Listed(Ask(c)), Strings{"t=8"});
}

// Commits that only grow, leaders that change among those in sync, brokers that are killed: nobody
// is ever told an offset below one that was acknowledged, or told, before.
TEST_F(OffsetsFailover, G10_OffsetsNeverGoBackOverManyFailovers) {
  Prng prng(17);
  const std::vector<Broker*> brokers = {&a, &b, &c};
  const std::vector<NodeId> all = {a.id, b.id, c.id};
  Broker* leader = &a;
  int epoch = 1;
  Elect(a, epoch, all, brokers);
  int64_t next = 0;
  int64_t known = -1;
  int64_t answers = 0;
  std::vector<std::pair<int64_t, Committed>> commits;
  const auto step = [&](Broker& follower) {
    if (follower.position && follower.followed == leader->id) Fetch(follower, *leader);
  };
  for (int round = 0; round < 3'000; ++round) {
    if (prng.Chance(1, 3)) commits.emplace_back(next, StartCommit(*leader, next)), ++next;
    for (Broker* broker : brokers) {
      if (broker != leader && prng.Chance(1, 2)) step(*broker);
    }
    if (prng.Chance(1, 5)) world.now += PartitionTable::kOffsetRowsInterval;
    for (auto& [offset, outcome] : commits) {
      if (*outcome && **outcome == ErrorCode::kNone) known = std::max(known, offset);
    }
    std::erase_if(commits, [](const auto& commit) { return commit.second->has_value(); });
    const OffsetQueryOutcome told = Ask(*leader);
    if (told.error == ErrorCode::kNone) {
      const int64_t offset = told.offsets.empty() ? -1 : told.offsets.at(0).value.offset;
      ASSERT_GE(offset, known) << "round " << round;
      known = offset;
      ++answers;
    } else {
      ASSERT_EQ(told.error, ErrorCode::kCoordinatorLoadInProgress);
    }
    if (!prng.Chance(1, 8)) continue;
    // Every replica stays in the ISR, so that any of them may lead next.
    Broker* next_leader = brokers[prng.Below(brokers.size())];
    if (prng.Chance(1, 2)) leader->Restart();
    leader = next_leader;
    commits.clear();
    Elect(*leader, ++epoch, all, brokers);
  }
  EXPECT_GT(answers, 500);
  EXPECT_GT(known, 100);
}

}  // namespace
}  // namespace weir::replica
