// Replication, end to end in memory: two or three brokers with stores of their own, wired by a port
// that the test drives fetch by fetch. What is proved here is what the log of every replica holds.
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/broker/replica/replication_fixture.h"

namespace weir::replica {
namespace {

using test::MakeBatch;
using test::MakeProducerBatch;
using test::ManualExecutor;
using Strings = std::vector<std::string>;

// ---- acks=all and the high watermark --------------------------------------------------

TEST_F(ReplicationTest, I13_AcksAllWaitsForEveryInSyncReplica) {
  Elect(a, 1, {a.id, b.id, c.id}, {&a, &b, &c});
  const Outcome outcome = StartAppend(a, MakeBatch("x"));
  a.Run();
  EXPECT_FALSE(outcome->has_value());
  Fetch(b, a);
  Fetch(b, a);
  EXPECT_FALSE(outcome->has_value()) << "the third has not got it";
  Fetch(c, a);
  EXPECT_FALSE(outcome->has_value()) << "the third has not said that it has it";
  Fetch(c, a);
  ASSERT_TRUE(outcome->has_value());
  EXPECT_EQ((*outcome)->error, ErrorCode::kNone);
  EXPECT_EQ(a.Info().high_watermark, Offset(1));
  EXPECT_EQ(b.Records(), Strings{"0:x-0"});
}

TEST_F(ReplicationTest, D01_AFollowerAcknowledgesWhatItHasSyncedOnly) {
  Elect(a, 1, {a.id, b.id}, {&a, &b});
  const Outcome outcome = StartAppend(a, MakeBatch("x"));
  a.Run();
  const Taken taken = StartTake(b, Ask(b, a));
  b.RunWithoutSync();
  EXPECT_FALSE(taken->has_value()) << "its fetch offset would be an acknowledgement";
  b.Run();
  ASSERT_TRUE(taken->has_value());
  EXPECT_EQ((*taken)->position.fetch_offset, Offset(1));
  EXPECT_FALSE(outcome->has_value());
}

TEST_F(ReplicationTest, TheLeadersOwnSyncCountsToo) {
  Elect(a, 1, {a.id, b.id}, {&a, &b});
  const Outcome outcome = StartAppend(a, MakeBatch("x"));
  a.RunWithoutSync();
  // Followers fetch what is appended, synced or not.
  for (int i = 0; i < 2; ++i) {
    const Taken taken = StartTake(b, Ask(b, a));
    b.Run();
    ASSERT_TRUE(taken->has_value());
    b.position = (*taken)->position;
  }
  EXPECT_EQ(b.Records(), Strings{"0:x-0"});
  EXPECT_FALSE(outcome->has_value());
  a.Run();
  EXPECT_TRUE(outcome->has_value());
}

TEST_F(ReplicationTest, I43_AFollowersHighWatermarkIsTheLeadersAndNoMore) {
  Elect(a, 1, {a.id, b.id, c.id}, {&a, &b, &c});
  Append(a, MakeBatch("x"));
  CatchUp(b, a);
  EXPECT_EQ(b.Info().high_watermark, Offset(0));
  CatchUp(c, a);
  CatchUp(b, a);
  EXPECT_EQ(b.Info().high_watermark, Offset(1));
}

constexpr Duration kLongPoll = std::chrono::milliseconds(500);
// Of one partition.
constexpr Duration kTold =
    PartitionTable::kHighWatermarkPause + PartitionTable::kHighWatermarkPausePerPartition;

TEST_F(ReplicationTest, I43_AFollowerThatWaitsLearnsTheHighWatermarkSoon) {
  Elect(a, 1, {a.id, b.id, c.id}, {&a, &b, &c});
  Append(a, MakeBatch("x"));
  Fetch(b, a);
  Fetch(c, a);
  const Answer first = StartAsk(b, a, kLongPoll);
  const Answer last = StartAsk(c, a, kLongPoll);  // moves the high watermark
  EXPECT_FALSE(first->has_value()) << "records may come and carry it";
  EXPECT_FALSE(last->has_value());
  a.shard.Advance(kTold);
  ASSERT_TRUE(first->has_value()) << "it would not know for the rest of the long poll";
  ASSERT_TRUE(last->has_value());
  EXPECT_EQ((*first)->high_watermark, Offset(1));
  EXPECT_EQ((*last)->high_watermark, Offset(1));
}

TEST_F(ReplicationTest, WhoKnowsTheHighWatermarkWaitsForRecords) {
  Elect(a, 1, {a.id, b.id}, {&a, &b});
  Append(a, MakeBatch("x"));
  CatchUp(b, a);
  ASSERT_EQ(b.position->high_watermark, Offset(1));
  const Answer answer = StartAsk(b, a, kLongPoll);
  a.shard.Advance(kLongPoll - kTold);
  EXPECT_FALSE(answer->has_value());
  a.shard.Advance(kTold);
  EXPECT_TRUE(answer->has_value());
}

// How many fetches `b` makes while a record comes every `pause`.
TEST_F(ReplicationTest, TellingTheHighWatermarkCostsNoFetchesUnderLoad) {
  Elect(a, 1, {a.id, b.id}, {&a, &b});
  const auto fetches = [&](Duration pause) {
    Answer poll = StartAsk(b, a, kLongPoll);
    int count = 0;
    for (int records = 0; records < 100; ++records) {
      EXPECT_EQ(Append(a, MakeBatch("x")), ErrorCode::kNone);
      for (const MonoTime end = world.now + pause; world.now < end;) {
        a.shard.Advance(std::chrono::milliseconds(1));
        if (!poll->has_value()) continue;
        const Taken taken = StartTake(b, AsFetched(b, **poll));
        b.Run();
        b.position = (*taken)->position;
        poll = StartAsk(b, a, kLongPoll);
        ++count;
      }
    }
    return count;
  };
  EXPECT_LE(fetches(std::chrono::milliseconds(2)), 105) << "one for each record";
  EXPECT_LE(fetches(std::chrono::milliseconds(50)), 205) << "one more for each";
}

TEST_F(ReplicationTest, I15_ANewLeaderNamesNoEndBeforeItKnowsIt) {
  Elect(a, 1, {a.id, b.id}, {&a, &b});
  const Outcome outcome = StartAppend(a, MakeBatch("x"));
  a.Run();
  Fetch(b, a);
  (void)Ask(b, a);  // acknowledges; the answer with the new high watermark is lost
  a.Run();
  ASSERT_TRUE(outcome->has_value());
  Elect(b, 2, {a.id, b.id}, {&a, &b});
  const auto latest = [&] {
    ListOffsetsOutcome found;
    b.router->ListOffsets(
        0, {{kPartition, kLatestTimestamp}},
        [&](std::vector<ListOffsetsOutcome> outcomes) { found = outcomes.at(0); });
    b.Run();
    return found;
  };
  EXPECT_EQ(latest().error, ErrorCode::kOffsetNotAvailable) << "C-24: an acked offset lies above";
  Fetch(a, b);
  EXPECT_EQ(latest().error, ErrorCode::kNone);
  EXPECT_EQ(latest().offset, Offset(1));
}

// Cut off from the controllers, it would tell old news as the newest.
TEST_F(ReplicationTest, J02_C24_ALeaderThatMayHaveASuccessorNamesNoEnd) {
  Elect(a, 1, {a.id, b.id}, {&a, &b});
  const auto ask = [&](int64_t which) {
    ListOffsetsOutcome found;
    a.router->ListOffsets(0, {{kPartition, which}}, [&](std::vector<ListOffsetsOutcome> outcomes) {
      found = outcomes.at(0);
    });
    a.Run();
    return found.error;
  };
  EXPECT_EQ(ask(kLatestTimestamp), ErrorCode::kNone);
  a.leads_until = a.shard.Now();
  EXPECT_EQ(ask(kLatestTimestamp), ErrorCode::kNotLeaderOrFollower);
  EXPECT_EQ(ask(kEarliestTimestamp), ErrorCode::kNone);
  a.leads_until += std::chrono::milliseconds(1);
  EXPECT_EQ(ask(kLatestTimestamp), ErrorCode::kNone);
  a.leads_until = a.shard.Now();
  Fetch(b, a);
  EXPECT_EQ(ask(kLatestTimestamp), ErrorCode::kNotLeaderOrFollower) << "sent nobody knows when";
  Fetch(b, a);
  EXPECT_EQ(ask(kLatestTimestamp), ErrorCode::kNone) << "whom it would lose to follows it";
  // Paused, it finds a request that was sent before.
  world.now += std::chrono::seconds(1);
  Fetch(b, a);
  EXPECT_EQ(ask(kLatestTimestamp), ErrorCode::kNotLeaderOrFollower);
  Fetch(b, a);
  EXPECT_EQ(ask(kLatestTimestamp), ErrorCode::kNone);
  world.now += std::chrono::seconds(1);
  EXPECT_EQ(ask(kLatestTimestamp), ErrorCode::kNotLeaderOrFollower);
}

// ---- The seven truncation cases of KIP-101 and KIP-279 --------------------------------

TEST_F(ReplicationTest, I23_A_ARestartedFollowerKeepsWhatItHasAboveItsHighWatermark) {
  Elect(a, 1, {a.id, b.id}, {&a, &b});
  const Outcome outcome = StartAppend(a, MakeBatch("x"));
  a.Run();
  Fetch(b, a);
  (void)Ask(b, a);
  a.Run();
  ASSERT_TRUE(outcome->has_value());
  ASSERT_EQ(b.Info().high_watermark, Offset(0));
  b.Restart();
  Elect(b, 2, {b.id}, {&b});
  EXPECT_EQ(b.Records(), Strings{"0:x-0"});
  EXPECT_EQ(b.Info().high_watermark, Offset(1));
}

TEST_F(ReplicationTest, I23_B_TwoHistoriesOfOneOffsetBecomeTheLeaders) {
  LeadAlone(a, 1, {"common"});
  Tell(b, a, 1, {a.id});
  CatchUp(b, a);
  ASSERT_EQ(Append(a, MakeBatch("lost")), ErrorCode::kNone);
  LeadAlone(b, 2, {"won"});
  Tell(a, b, 2, {b.id});
  CatchUp(a, b);
  EXPECT_EQ(a.Records(), (Strings{"0:common-0", "1:won-0"}));
}

TEST_F(ReplicationTest, I23_C_AnEpochThatTheLeaderNeverSawIsCut) {
  LeadAlone(a, 1, {"common"});
  for (Broker* broker : {&b, &c}) {
    Tell(*broker, a, 1, {a.id});
    CatchUp(*broker, a);
  }
  LeadAlone(b, 2, {"two", "two-more"});
  LeadAlone(c, 3, {"three"});
  Tell(b, c, 3, {c.id});
  CatchUp(b, c);
  EXPECT_EQ(b.Records(), (Strings{"0:common-0", "1:three-0"}));
}

TEST_F(ReplicationTest, I23_D_EpochsThatTakeTurnsAreCutRoundByRound) {
  // a: 1 1 2 2 4 4; b: 1 1 3 3 5. They agree on epoch 1 only, and neither knows the other's.
  LeadAlone(a, 1, {"one", "one-b"});
  Tell(b, a, 1, {a.id});
  CatchUp(b, a);
  LeadAlone(a, 2, {"two", "two-b"});
  LeadAlone(b, 3, {"three", "three-b"});
  LeadAlone(a, 4, {"four", "four-b"});
  LeadAlone(b, 5, {"five"});
  Tell(a, b, 5, {b.id});
  CatchUp(a, b);
  EXPECT_EQ(a.Records(), (Strings{"0:one-0", "1:one-b-0", "2:three-0", "3:three-b-0", "4:five-0"}));
}

TEST_F(ReplicationTest, I23_E_ALongerEndOfACommonEpochIsCut) {
  LeadAlone(a, 1, {"one"});
  Tell(b, a, 1, {a.id});
  CatchUp(b, a);
  for (const char* text : {"two", "three", "four"}) Append(a, MakeBatch(text));
  LeadAlone(b, 2, {});
  Tell(a, b, 2, {b.id});
  CatchUp(a, b);
  EXPECT_EQ(a.Records(), Strings{"0:one-0"});
  EXPECT_EQ(a.Info().log_end_offset, Offset(1));
}

TEST_F(ReplicationTest, I23_F_EpochsWithoutARecordCutNothing) {
  LeadAlone(a, 1, {"one"});
  Tell(b, a, 1, {a.id});
  CatchUp(b, a);
  Append(a, MakeBatch("two"));
  // b led twice without a record; a goes on, with records older than those epochs.
  LeadAlone(b, 2, {});
  LeadAlone(b, 3, {});
  LeadAlone(a, 4, {"four"});
  Tell(b, a, 4, {a.id});
  CatchUp(b, a);
  EXPECT_EQ(b.Records(), (Strings{"0:one-0", "1:two-0", "2:four-0"}));
  // What it knows of epochs is the leader's knowledge: it can lead others.
  LeadAlone(b, 5, {"five"});
  Tell(c, b, 5, {b.id});
  CatchUp(c, b);
}

TEST_F(ReplicationTest, I23_G_AFollowerBelowTheLeadersStartBeginsThere) {
  LeadAlone(a, 1, {"one"});
  Tell(b, a, 1, {a.id});
  CatchUp(b, a);
  Refuse(a, 1);
  for (const char* text : {"two", "three", "four"}) Append(a, MakeBatch(text));
  DeleteRecordsOutcome deleted;
  a.router->DeleteRecords(0, {{kPartition, Offset(3)}},
                          [&](std::vector<DeleteRecordsOutcome> o) { deleted = o.at(0); });
  a.Run();
  ASSERT_EQ(deleted.error, ErrorCode::kNone);
  ASSERT_EQ(deleted.low_watermark, Offset(3));
  for (int i = 0; i < 5; ++i) ASSERT_EQ(Fetch(b, a), ErrorCode::kNone);
  EXPECT_EQ(b.Records(), Strings{"3:four-0"});
  EXPECT_EQ(b.Info().log_start_offset, Offset(3)) << "I-31";
  EXPECT_EQ(b.Info().high_watermark, Offset(4)) << "I-31";
  // It is so on disk, too.
  b.Restart();
  Tell(b, a, 1, {a.id});
  EXPECT_EQ(b.Info().log_start_offset, Offset(3));
  EXPECT_EQ(b.Info().log_end_offset, Offset(4));
}

// ---- Guards of a follower -------------------------------------------------------------

TEST_F(ReplicationTest, I20_g_WhatDoesNotFollowTheLogIsNotTaken) {
  LeadAlone(a, 1, {"one"});
  Tell(b, a, 1, {a.id});
  const FollowerFetch late = Ask(b, a);
  ASSERT_EQ(Fetch(b, a), ErrorCode::kNone);
  const Taken taken = StartTake(b, late);
  b.Run();
  ASSERT_TRUE(taken->has_value());
  EXPECT_NE((*taken)->error, ErrorCode::kNone);
  EXPECT_EQ(b.Records(), Strings{"0:one-0"});
}

TEST_F(ReplicationTest, I20_h_WhatIsOfAnotherEpochIsNotTaken) {
  LeadAlone(a, 1, {"one"});
  Tell(b, a, 1, {a.id});
  const FollowerFetch late = Ask(b, a);
  Tell(b, c, 2, {c.id});
  const Taken taken = StartTake(b, late);
  b.Run();
  ASSERT_TRUE(taken->has_value());
  EXPECT_NE((*taken)->error, ErrorCode::kNone);
  EXPECT_EQ(b.Records(), Strings{});
}

TEST_F(ReplicationTest, I20_b_ANewEpochIsFollowedAnew) {
  LeadAlone(a, 1, {"one"});
  Tell(b, a, 1, {a.id});
  ASSERT_TRUE(b.position.has_value());
  b.position.reset();
  Tell(b, a, 2, {a.id});
  ASSERT_TRUE(b.position.has_value());
  EXPECT_EQ(b.position->leader_epoch, LeaderEpoch(2));
}

TEST_F(ReplicationTest, AFormerLeaderFollowsOnceItsOwnAppendsArePersisted) {
  Elect(a, 1, {a.id}, {&a});
  StartAppend(a, MakeBatch("late"), 1);
  a.shard.Run();
  Tell(a, b, 2, {b.id});
  EXPECT_FALSE(a.position.has_value()) << "its fetch offset would lie below its log's end";
  a.Run();
  ASSERT_TRUE(a.position.has_value());
  EXPECT_EQ(a.position->fetch_offset, Offset(1));
}

TEST_F(ReplicationTest, D19_DamagedRecordsAreNotTaken) {
  LeadAlone(a, 1, {"one"});
  Tell(b, a, 1, {a.id});
  FollowerFetch fetched = Ask(b, a);
  std::string bytes(fetched.records.view());
  bytes.back() ^= 1;
  fetched.records = SharedBytes::Copy(bytes);
  const Taken taken = StartTake(b, fetched);
  b.Run();
  ASSERT_TRUE(taken->has_value());
  EXPECT_EQ((*taken)->error, ErrorCode::kCorruptMessage);
  EXPECT_EQ(b.Info().log_end_offset, Offset(0));
}

TEST_F(ReplicationTest, I27_ADivergingFetchAcknowledgesNothing) {
  LeadAlone(a, 1, {"common"});
  Tell(b, a, 1, {a.id});
  CatchUp(b, a);
  LeadAlone(b, 2, {"other"});
  Elect(a, 3, {a.id, b.id}, {&a, &b});
  const Outcome outcome = StartAppend(a, MakeBatch("mine"));
  a.Run();
  const FollowerFetch answer = Ask(b, a);
  EXPECT_TRUE(answer.diverging.has_value());
  EXPECT_TRUE(answer.records.empty());
  a.Run();
  EXPECT_FALSE(outcome->has_value()) << "b ends at the same offset, with another record";
  CatchUp(b, a);
  EXPECT_TRUE(outcome->has_value());
}

// ---- Producers ------------------------------------------------------------------------

TEST_F(ReplicationTest, J04_ARetryAfterFailoverGetsTheFirstOffset) {
  Elect(a, 1, {a.id, b.id}, {&a, &b});
  StartAppend(a, MakeProducerBatch("p", 9, 0, 0, 3));
  a.Run();
  CatchUp(b, a);
  Elect(b, 2, {b.id}, {&b});
  const Outcome retry = StartAppend(b, MakeProducerBatch("p", 9, 0, 0, 3));
  b.Run();
  ASSERT_TRUE(retry->has_value());
  EXPECT_EQ((*retry)->error, ErrorCode::kNone);
  EXPECT_EQ((*retry)->base_offset, Offset(0));
  EXPECT_EQ(b.Info().log_end_offset, Offset(3));
}

TEST_F(ReplicationTest, G29_ProducersAreRememberedAsOfTheCut) {
  Elect(a, 1, {a.id}, {&a});
  for (int i = 0; i < 3; ++i)
    ASSERT_EQ(Append(a, MakeProducerBatch("p", 9, 0, i)), ErrorCode::kNone);
  Tell(b, a, 1, {a.id});
  CatchUp(b, a);
  for (int i = 3; i < 6; ++i)
    ASSERT_EQ(Append(a, MakeProducerBatch("p", 9, 0, i)), ErrorCode::kNone);
  LeadAlone(b, 2, {});
  Tell(a, b, 2, {b.id});
  CatchUp(a, b);
  LeadAlone(a, 3, {});
  EXPECT_EQ(Append(a, MakeProducerBatch("p", 9, 0, 5)), ErrorCode::kOutOfOrderSequenceNumber);
  EXPECT_EQ(Append(a, MakeProducerBatch("p", 9, 0, 3)), ErrorCode::kNone);
  // The same after the next start.
  a.Restart();
  LeadAlone(a, 4, {});
  EXPECT_EQ(Append(a, MakeProducerBatch("p", 9, 0, 7)), ErrorCode::kOutOfOrderSequenceNumber);
}

// ---- Windows, load, starts
// -------------------------------------------------------------------------

// Five batches in flight, all cut: what comes next is still the first of them.
TEST_F(ReplicationTest, G29_AWholeWindowOfBatchesIsCut) {
  Elect(a, 1, {a.id}, {&a});
  for (int i = 0; i < 3; ++i)
    ASSERT_EQ(Append(a, MakeProducerBatch("p", 9, 0, i)), ErrorCode::kNone);
  Tell(b, a, 1, {a.id});
  CatchUp(b, a);
  for (int i = 3; i < 8; ++i)
    ASSERT_EQ(Append(a, MakeProducerBatch("p", 9, 0, i)), ErrorCode::kNone);
  LeadAlone(b, 2, {});
  Tell(a, b, 2, {b.id});
  CatchUp(a, b);
  LeadAlone(a, 3, {});
  EXPECT_EQ(Append(a, MakeProducerBatch("p", 9, 0, 5)), ErrorCode::kOutOfOrderSequenceNumber);
  EXPECT_EQ(Append(a, MakeProducerBatch("p", 9, 0, 3)), ErrorCode::kNone);
}

// A follower that keeps up comes back into the ISR while the producers go on.
TEST_F(ReplicationTest, I12_AFollowerRejoinsUnderSteadyLoad) {
  LeadAlone(a, 1, {"before", "it", "came"});
  Tell(b, a, 1, {a.id});
  for (int i = 0; i < 50 && a.proposals.empty(); ++i) {
    const Taken taken = StartTake(b, Ask(b, a));
    // While the answer travels and b syncs, a takes and persists another batch.
    ASSERT_EQ(Append(a, MakeBatch("x")), ErrorCode::kNone);
    b.Run();
    ASSERT_TRUE(taken->has_value());
    ASSERT_EQ((*taken)->error, ErrorCode::kNone);
    b.position = (*taken)->position;
    world.now += std::chrono::milliseconds(5);
  }
  EXPECT_FALSE(a.proposals.empty());
}

// A follower below the leader's start is told so, whatever its history.
TEST_F(ReplicationTest, I28_BelowTheStartIsOutOfRangeEvenIfDiverging) {
  LeadAlone(a, 1, {"one", "two", "three"});
  LeadAlone(a, 4, {"four", "five"});
  a.router->DeleteRecords(0, {{kPartition, Offset(2)}}, [](auto) {});
  a.Run();
  LeadAlone(b, 3, {"other"});
  Tell(b, a, 4, {a.id});
  ASSERT_EQ(b.position->fetch_offset, Offset(1));
  const FollowerFetch answer = Ask(b, a);
  EXPECT_EQ(answer.error, ErrorCode::kOffsetOutOfRange);
  EXPECT_FALSE(answer.diverging.has_value());
}

TEST_F(ReplicationTest, D25_ALogStartNeverGoesBack) {
  LeadAlone(a, 1, {"one", "two", "three"});
  a.router->DeleteRecords(0, {{kPartition, Offset(3)}}, [](auto) {});
  a.Run();
  LeadAlone(b, 2, {"other"});
  Tell(a, b, 2, {b.id});
  EXPECT_EQ(Fetch(a, b), ErrorCode::kOffsetOutOfRange);
  EXPECT_EQ(a.Info().log_start_offset, Offset(3));
  EXPECT_EQ(a.Info().log_end_offset, Offset(3));
}

// A batch beyond the log's end would leave a hole that looks like compaction's.
TEST_F(ReplicationTest, I20_g_WhatBeginsBeyondTheLogIsNotTaken) {
  LeadAlone(a, 1, {"one"});
  Tell(b, a, 1, {a.id});
  CatchUp(b, a);
  for (const char* text : {"two", "three"}) Append(a, MakeBatch(text));
  b.position->fetch_offset = Offset(2);
  const FollowerFetch beyond = Ask(b, a);
  ASSERT_FALSE(beyond.records.empty());
  const Taken taken = StartTake(b, beyond);
  b.Run();
  ASSERT_TRUE(taken->has_value());
  EXPECT_NE((*taken)->error, ErrorCode::kNone);
  EXPECT_EQ(b.Records(), Strings{"0:one-0"});
}

// ---- Evidence for an election -------------------------------------------------------------

TEST_F(ReplicationTest, I18_TellsWhereItsLogEndsUntilThereIsALeader) {
  LeadAlone(a, 3, {"one", "two"});
  a.Restart();
  Assignment nobody{.partition = kPartition,
                    .leader_epoch = LeaderEpoch(4),
                    .partition_epoch = PartitionEpoch(++partition_epoch),
                    .replicas = {a.id, b.id, c.id},
                    .log_end_wanted = true,
                    .config = config};
  a.router->Assign({nobody}, nullptr);
  a.Run();
  const log::EpochEnd end{LeaderEpoch(3), Offset(2)};
  ASSERT_EQ(a.reports, std::vector{end});
  a.shard.Advance(PartitionTable::kLogEndInterval);
  ASSERT_EQ(a.reports.size(), 2u) << "a new controller knows nothing of it";
  Tell(a, b, 5, {b.id});
  a.shard.Advance(3 * PartitionTable::kLogEndInterval);
  EXPECT_EQ(a.reports.size(), 2u);
}

// ---- Damaged replicas ---------------------------------------------------------------------

class DamagedReplicaTest : public ReplicationTest {
 protected:
  // Both have "x", `b` restarts with it damaged and every cache empty.
  void DamageB(bool after_clean_stop = false) {
    Elect(a, 1, {a.id, b.id}, {&a, &b});
    Append(a, MakeBatch("x"));
    CatchUp(b, a);
    if (after_clean_stop) {
      b.router->Checkpoint([] {});
      b.Run();
      ASSERT_TRUE(b.log_store->CloseCleanly(b.epoch));
    }
    b.store.DamageAll(KvFamily::kLogLong);
    b.Restart();
  }
  ErrorCode Read(Broker& broker) {
    FetchRequest request;
    request.bytes_min = 0;
    request.bytes_max = 1 << 20;
    request.deadline = world.now;
    request.any_replica = true;
    request.parts.push_back({kPartition, Offset(0), 1 << 20});
    std::optional<FetchOutcome> answer;
    broker.router->Fetch(0, std::move(request),
                         [&](std::vector<FetchOutcome> outcomes) { answer = outcomes.at(0); });
    broker.Run();
    EXPECT_TRUE(answer->records.empty()) << "D-17: damage is never served";
    return answer->error;
  }
  void Grant(Broker& broker, int leader_epoch) {
    broker.router->OnGivenUp(kPartition, {.leader_epoch = LeaderEpoch(leader_epoch)});
    broker.Run();
  }
};

TEST_F(DamagedReplicaTest, D18_AFollowerFoundDamagedAtStartBeginsAnewOnceGivenUp) {
  DamageB();
  Tell(b, a, 1, {a.id, b.id});
  EXPECT_EQ(b.give_ups, 1);
  EXPECT_EQ(Read(b), ErrorCode::kKafkaStorageError);
  EXPECT_FALSE(b.position) << "what it fetched would count";
  Grant(b, 2);
  EXPECT_FALSE(b.position) << "the metadata still has it in sync";
  Elect(a, 2, {a.id}, {&a, &b});
  ASSERT_TRUE(b.position);
  EXPECT_EQ(b.position->fetch_offset, Offset(0));
  b.log_store->Reclaim(0).value();
  CatchUp(b, a);
  EXPECT_EQ(b.Records(), Strings{"0:x-0"});
  ASSERT_EQ(a.proposals.size(), 1u) << "and is in sync again";
}

TEST_F(DamagedReplicaTest, D18_TheMetadataMayComeBeforeTheAnswer) {
  DamageB();
  Tell(b, a, 1, {a.id, b.id});
  Elect(a, 2, {a.id}, {&a, &b});
  EXPECT_FALSE(b.position) << "out of the ISR it may still be eligible";
  Grant(b, 2);
  EXPECT_EQ(b.position.value().fetch_offset, Offset(0));
}

TEST_F(DamagedReplicaTest, D18_ALeaderFoundDamagedServesNothingAndFollowsFromEmpty) {
  DamageB(true);
  Elect(b, 2, {b.id}, {&b});
  EXPECT_EQ(b.Info().log_end_offset, Offset(1)) << "after a clean stop nothing is read";
  EXPECT_EQ(Read(b), ErrorCode::kKafkaStorageError);
  EXPECT_EQ(b.give_ups, 1);
  Read(b);
  EXPECT_EQ(b.give_ups, 1) << "once is enough";
  // The other one comes back, and has everything.
  Grant(b, 3);
  Elect(a, 3, {a.id}, {&a, &b});
  ASSERT_TRUE(b.position);
  EXPECT_EQ(b.position->fetch_offset, Offset(0));
}

TEST_F(DamagedReplicaTest, D18_TheOnlyOneInSyncKeepsWhatItHasAndAsksAgain) {
  DamageB();
  Tell(b, b, 2, {b.id});
  EXPECT_EQ(b.give_ups, 1);
  b.router->OnGivenUp(kPartition, {.error = ErrorCode::kIneligibleReplica});
  b.Run();
  Tell(b, b, 3, {b.id});
  const std::string kept = b.Bytes();
  world.now += PartitionTable::kGiveUpInterval;
  b.Run();
  EXPECT_EQ(b.give_ups, 2);
  EXPECT_EQ(b.store.Count(KvFamily::kLogLong), 1u);
  EXPECT_EQ(Read(b), ErrorCode::kKafkaStorageError);
}

// An answer that is older than an unclean election says nothing about what came after it.
TEST_F(DamagedReplicaTest, D18_WhoWasTakenBackMustBeGivenUpAgain) {
  DamageB();
  Tell(b, a, 1, {a.id, b.id});
  Grant(b, 2);
  Tell(b, b, 3, {b.id});
  Tell(b, a, 4, {a.id});
  EXPECT_FALSE(b.position);
  EXPECT_EQ(b.store.Count(KvFamily::kLogLong), 1u);
  Grant(b, 5);
  Tell(b, a, 5, {a.id});
  EXPECT_TRUE(b.position);
}

}  // namespace
}  // namespace weir::replica
