// The fetch loop as a value: what it asks for, which answers count, when it tries again.
#include "broker/replica/replica_fetcher.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace weir::replica {
namespace {

using Actions = ReplicaFetcher::Actions;
using std::chrono::milliseconds;

Uuid TopicId(uint8_t number) {
  Uuid id;
  id.bytes[15] = number;
  return id;
}

TopicPartition Name(uint8_t topic, int32_t partition = 0) {
  return {TopicId(topic), PartitionIndex(partition)};
}

FollowerPosition At(TopicPartition partition, int64_t offset, int32_t epoch = 1) {
  return {.partition = partition,
          .leader_epoch = LeaderEpoch(epoch),
          .fetch_offset = Offset(offset),
          .last_fetched_epoch = LeaderEpoch(offset > 0 ? epoch : -1),
          .log_start_offset = Offset(0),
          .high_watermark = Offset(0)};
}

class ReplicaFetcherTest : public testing::Test {
 protected:
  // Follows and connects; the first request is in `last`.
  void FollowAndConnect(const FollowerPosition& position) {
    fetcher.OnFollow(position, now);
    last = fetcher.OnConnected(now);
    ASSERT_TRUE(last.send);
  }

  wire::FetchResponse Answer(TopicPartition partition, std::string records, int64_t watermark = 0) {
    wire::FetchResponse response;
    AddAnswer(response, partition, std::move(records), watermark);
    return response;
  }
  wire::FetchResponse::Partition& AddAnswer(wire::FetchResponse& response, TopicPartition partition,
                                            const std::string& records, int64_t watermark) {
    auto& topic = response.responses.emplace_back();
    topic.topic_id = partition.topic_id;
    auto& answer = topic.partitions.emplace_back();
    answer.partition_index = partition.partition.value();
    answer.high_watermark = watermark;
    answer.log_start_offset = 0;
    answer.records = wire::Records(SharedBytes::Copy(records));
    return answer;
  }

  MonoTime now{std::chrono::seconds(100)};
  ReplicaFetcher fetcher{FetcherOptions{}};
  Actions last;
};

TEST_F(ReplicaFetcherTest, AsksFromItsPositionInTheEpochItFollows) {
  FollowAndConnect(At(Name(1), 7, 3));
  ASSERT_EQ(last.send->topics.size(), 1u);
  EXPECT_EQ(last.send->topics[0].topic_id, TopicId(1));
  const auto& partition = last.send->topics[0].partitions.at(0);
  EXPECT_EQ(partition.fetch_offset, 7);
  EXPECT_EQ(partition.current_leader_epoch, 3);
  EXPECT_EQ(partition.last_fetched_epoch, 3);
  EXPECT_EQ(last.send->max_wait_ms, 500);
}

TEST_F(ReplicaFetcherTest, AsksAgainOnlyWhenWhatCameIsPersisted) {
  FollowAndConnect(At(Name(1), 0));
  Actions answered = fetcher.OnResponse(1, Answer(Name(1), "batch"), now);
  ASSERT_EQ(answered.hand_over.size(), 1u);
  EXPECT_EQ(answered.hand_over[0].records.view(), "batch");
  EXPECT_EQ(answered.hand_over[0].fetch_offset, Offset(0));
  EXPECT_FALSE(answered.send) << "the acknowledgement would not count these records";
  const Actions persisted = fetcher.OnPosition(At(Name(1), 5), now);
  ASSERT_TRUE(persisted.send);
  EXPECT_EQ(persisted.send->topics[0].partitions[0].fetch_offset, 5);
}

// J02: by it the leader knows that the request was not sent long ago.
TEST_F(ReplicaFetcherTest, J02_ARequestBringsBackTheIdOfTheLastAnswerOfItsConnection) {
  FollowAndConnect(At(Name(1), 0));
  EXPECT_EQ(last.send->session_id, kNoAnswer);
  wire::FetchResponse answer = Answer(Name(1), "");
  answer.session_id = 77;
  const Actions next = fetcher.OnResponse(1, answer, now);
  ASSERT_TRUE(next.send);
  EXPECT_EQ(next.send->session_id, 77);
  EXPECT_EQ(next.send->session_epoch, -1) << "it lasts one answer";
  fetcher.OnDisconnected(now);
  now += std::chrono::seconds(1);
  ASSERT_TRUE(fetcher.OnTick(now).connect);
  EXPECT_EQ(fetcher.OnConnected(now).send->session_id, kNoAnswer);
}

TEST(FetchClock, J02_AnAnswersIdSaysWhenItLeft) {
  const MonoTime left = MonoTime(std::chrono::hours(500)) + std::chrono::microseconds(1'900);
  const MonoTime floor = MonoTime(std::chrono::hours(500)) + milliseconds(1);
  EXPECT_EQ(AnsweredAt(AnswerId(left), left), floor);
  EXPECT_EQ(AnsweredAt(AnswerId(left), left + std::chrono::hours(24 * 24)), floor);
  EXPECT_EQ(AnsweredAt(kNoAnswer, left), MonoTime::min());
  EXPECT_EQ(AnsweredAt(-5, left), MonoTime::min());
  // The ids begin again.
  const MonoTime last = MonoTime(milliseconds(kAnswerIds - 1));
  EXPECT_EQ(AnswerId(last), kAnswerIds);
  EXPECT_EQ(AnswerId(last + milliseconds(1)), 1);
  EXPECT_EQ(AnsweredAt(kAnswerIds, last + milliseconds(3)), last);
}

TEST_F(ReplicaFetcherTest, OneRequestCarriesAllAcknowledgements) {
  fetcher.OnFollow(At(Name(1), 0), now);
  fetcher.OnFollow(At(Name(2), 0), now);
  EXPECT_EQ(fetcher.OnConnected(now).send->topics.size(), 2u);
  wire::FetchResponse response = Answer(Name(1), "a");
  AddAnswer(response, Name(2), "b", 0);
  EXPECT_EQ(fetcher.OnResponse(1, response, now).hand_over.size(), 2u);
  EXPECT_FALSE(fetcher.OnPosition(At(Name(1), 1), now).send);
  const Actions both = fetcher.OnPosition(At(Name(2), 1), now);
  ASSERT_TRUE(both.send);
  EXPECT_EQ(both.send->topics.size(), 2u);
}

TEST_F(ReplicaFetcherTest, WatermarksAreToldWithoutWaitingForAnybody) {
  FollowAndConnect(At(Name(1), 4));
  const Actions answered = fetcher.OnResponse(1, Answer(Name(1), "", 4), now);
  ASSERT_EQ(answered.tell.size(), 1u);
  EXPECT_EQ(answered.tell[0].high_watermark, Offset(4));
  ASSERT_TRUE(answered.send);
  EXPECT_EQ(answered.send->topics[0].partitions[0].high_watermark, 4) << "KIP-1166";
  EXPECT_TRUE(fetcher.OnResponse(2, Answer(Name(1), "", 4), now).tell.empty()) << "no news";
}

// I-20 (g, h): an answer to what is not asked any more must not be appended.
TEST_F(ReplicaFetcherTest, I20_AnAnswerOfAnotherEpochIsIgnored) {
  FollowAndConnect(At(Name(1), 4, 1));
  const Actions refollowed = fetcher.OnFollow(At(Name(1), 4, 2), now);
  ASSERT_TRUE(refollowed.send) << "followed anew, asked for anew (b)";
  EXPECT_EQ(refollowed.send->topics[0].partitions[0].current_leader_epoch, 2);
  EXPECT_EQ(refollowed.send->max_wait_ms, 0) << "it must not wait behind the long poll";
  EXPECT_TRUE(fetcher.OnResponse(1, Answer(Name(1), "old"), now).hand_over.empty());
  const Actions answered = fetcher.OnResponse(2, Answer(Name(1), "new"), now);
  ASSERT_EQ(answered.hand_over.size(), 1u);
  EXPECT_EQ(answered.hand_over[0].leader_epoch, LeaderEpoch(2));
}

TEST_F(ReplicaFetcherTest, I20_APositionOfAnotherEpochIsIgnored) {
  FollowAndConnect(At(Name(1), 0, 1));
  fetcher.OnResponse(1, Answer(Name(1), "a"), now);
  const Actions refollowed = fetcher.OnFollow(At(Name(1), 0, 2), now);
  ASSERT_TRUE(refollowed.send);
  fetcher.OnPosition(At(Name(1), 1, 1), now);
  const Actions answered = fetcher.OnResponse(2, Answer(Name(1), "b"), now);
  ASSERT_EQ(answered.hand_over.size(), 1u);
  EXPECT_EQ(answered.hand_over[0].fetch_offset, Offset(0));
}

TEST_F(ReplicaFetcherTest, AnUnfollowedPartitionsAnswerIsDropped) {
  fetcher.OnFollow(At(Name(2), 0), now);
  FollowAndConnect(At(Name(1), 0));
  fetcher.OnUnfollow(Name(1), now);
  EXPECT_TRUE(fetcher.OnResponse(1, Answer(Name(1), "a"), now).hand_over.empty());
  EXPECT_TRUE(fetcher.OnUnfollow(Name(2), now).disconnect) << "nobody is followed there any more";
}

TEST_F(ReplicaFetcherTest, I24_DivergenceIsHandedOver) {
  FollowAndConnect(At(Name(1), 9, 4));
  wire::FetchResponse response = Answer(Name(1), "", 3);
  response.responses[0].partitions[0].diverging_epoch = {.epoch = 2, .end_offset = 6};
  const Actions answered = fetcher.OnResponse(1, response, now);
  ASSERT_EQ(answered.hand_over.size(), 1u);
  EXPECT_EQ(answered.hand_over[0].diverging->epoch, LeaderEpoch(2));
  EXPECT_EQ(answered.hand_over[0].diverging->end_offset, Offset(6));
  EXPECT_TRUE(fetcher.OnPosition(At(Name(1), 6, 4), now).send);
}

TEST_F(ReplicaFetcherTest, I34_OutOfRangeIsHandedOverAndNotFatal) {
  FollowAndConnect(At(Name(1), 9));
  wire::FetchResponse response = Answer(Name(1), "", 30);
  response.responses[0].partitions[0].error_code = ErrorCode::kOffsetOutOfRange;
  response.responses[0].partitions[0].log_start_offset = 20;
  const Actions answered = fetcher.OnResponse(1, response, now);
  ASSERT_EQ(answered.hand_over.size(), 1u);
  EXPECT_EQ(answered.hand_over[0].error, ErrorCode::kOffsetOutOfRange);
  EXPECT_EQ(answered.hand_over[0].log_start_offset, Offset(20));
}

TEST_F(ReplicaFetcherTest, AnErrorDelaysItsPartitionOnlyAndEverLonger) {
  fetcher.OnFollow(At(Name(2), 0), now);
  FollowAndConnect(At(Name(1), 0));
  Duration last_pause{0};
  for (int32_t request = 1; request < 14; ++request) {
    wire::FetchResponse response = Answer(Name(2), "");
    AddAnswer(response, Name(1), "", 0).error_code = ErrorCode::kUnknownLeaderEpoch;
    const Actions answered = fetcher.OnResponse(request, response, now);
    ASSERT_TRUE(answered.send);
    EXPECT_EQ(answered.send->topics.size(), 1u);
    const Duration pause = fetcher.NextTick() - now;
    EXPECT_GE(pause, last_pause);
    EXPECT_LE(pause, milliseconds(1000));
    EXPECT_LE(milliseconds(answered.send->max_wait_ms), pause + milliseconds(1));
    last_pause = pause;
    now = fetcher.NextTick();
    // Ready again, but a request is under way: the next one takes it along.
    EXPECT_FALSE(fetcher.OnTick(now).send);
    const Actions next = fetcher.OnResponse(++request, Answer(Name(2), ""), now);
    ASSERT_TRUE(next.send);
    EXPECT_EQ(next.send->topics.size(), 2u);
  }
  EXPECT_EQ(last_pause, milliseconds(1000));
}

TEST_F(ReplicaFetcherTest, ALostConnectionIsMadeAgainAfterAPause) {
  FollowAndConnect(At(Name(1), 3));
  const Actions lost = fetcher.OnDisconnected(now);
  EXPECT_FALSE(lost.connect);
  now = fetcher.NextTick();
  EXPECT_TRUE(fetcher.OnTick(now).connect);
  const Actions open = fetcher.OnConnected(now);
  ASSERT_TRUE(open.send);
  EXPECT_EQ(open.send->topics[0].partitions[0].fetch_offset, 3);
}

TEST_F(ReplicaFetcherTest, ALeaderThatStaysSilentIsGivenUp) {
  FollowAndConnect(At(Name(1), 3));
  now = fetcher.NextTick();
  const Actions silent = fetcher.OnTick(now);
  EXPECT_TRUE(silent.disconnect);
  now = fetcher.NextTick();
  EXPECT_TRUE(fetcher.OnTick(now).connect);
}

TEST_F(ReplicaFetcherTest, AHandOverOutlivesItsConnection) {
  FollowAndConnect(At(Name(1), 0));
  fetcher.OnResponse(1, Answer(Name(1), "a"), now);
  fetcher.OnDisconnected(now);
  now = fetcher.NextTick();
  EXPECT_TRUE(fetcher.OnTick(now).connect);
  EXPECT_FALSE(fetcher.OnConnected(now).send) << "what was handed over has not come back";
  const Actions persisted = fetcher.OnPosition(At(Name(1), 1), now);
  ASSERT_TRUE(persisted.send);
  EXPECT_EQ(persisted.send->topics[0].partitions[0].fetch_offset, 1);
}

TEST_F(ReplicaFetcherTest, ARefusedHandOverIsFetchedAgainLater) {
  FollowAndConnect(At(Name(1), 0));
  fetcher.OnResponse(1, Answer(Name(1), "a"), now);
  EXPECT_FALSE(fetcher.OnRefused(Name(1), LeaderEpoch(1), now).send);
  now = fetcher.NextTick();
  const Actions again = fetcher.OnTick(now);
  ASSERT_TRUE(again.send);
  EXPECT_EQ(again.send->topics[0].partitions[0].fetch_offset, 0);
}

// A busy partition at the front must not keep those behind it waiting for ever.
TEST_F(ReplicaFetcherTest, TheNextRequestBeginsBehindWhoGotRecords) {
  fetcher.OnFollow(At(Name(2), 0), now);
  FollowAndConnect(At(Name(1), 0));
  wire::FetchResponse response = Answer(Name(1), "a");
  AddAnswer(response, Name(2), "", 0);
  fetcher.OnResponse(1, response, now);
  const Actions next = fetcher.OnPosition(At(Name(1), 1), now);
  ASSERT_TRUE(next.send);
  EXPECT_EQ(next.send->topics[0].topic_id, TopicId(2));
}

// ---- Throttled ------------------------------------------------------------------------

class ThrottledFetcherTest : public ReplicaFetcherTest {
 protected:
  static constexpr int64_t kRate = 1'000'000;

  ThrottledFetcherTest() {
    quotas.Of(ThrottleKind::kMove).SetRate(kRate);
    fetcher = ReplicaFetcher(FetcherOptions{}, &quotas);
  }
  FollowerPosition Throttled(TopicPartition partition, int64_t offset) {
    FollowerPosition position = At(partition, offset);
    position.throttle = ThrottleKind::kMove;
    return position;
  }
  // Exceeded for so long.
  void Exceed(Duration time) {
    quotas.Of(ThrottleKind::kMove).Record(kRate + kRate * time / seconds(1), now);
  }

  using seconds = std::chrono::seconds;
  ThrottleQuotas quotas;
};

TEST_F(ThrottledFetcherTest, TakesAsLongAsTheRateSays) {
  FollowAndConnect(Throttled(Name(1), 0));
  constexpr int64_t kEnd = 20'000'000;
  const MonoTime start = now;
  int64_t offset = 0;  // one byte is one record here
  while (offset < kEnd) {
    if (!last.send) {
      ASSERT_LT(fetcher.NextTick(), now + seconds(12)) << "it must not be starved";
      now = std::max(now, fetcher.NextTick());
      last = fetcher.OnTick(now);
      continue;
    }
    const auto& asked = last.send->topics.at(0).partitions.at(0);
    EXPECT_EQ(asked.fetch_offset, offset);
    EXPECT_LE(asked.partition_max_bytes, kRate);
    const auto bytes = std::min<int64_t>(asked.partition_max_bytes, kEnd - offset);
    last = fetcher.OnResponse(last.correlation_id,
                              Answer(Name(1), std::string(static_cast<size_t>(bytes), 'x'), kEnd),
                              now);
    ASSERT_EQ(last.hand_over.size(), 1u);
    offset += bytes;
    last = fetcher.OnPosition(Throttled(Name(1), offset), now);
  }
  EXPECT_GE(now - start, seconds(18)) << "one sample at the beginning, one fetch at the end";
  EXPECT_LE(now - start, seconds(21));
  EXPECT_EQ(quotas.bytes_total(), kEnd);
}

TEST_F(ThrottledFetcherTest, WhoHasAllThatIsReadableIsAskedForAllTheSame) {
  FollowAndConnect(Throttled(Name(1), 4));
  last = fetcher.OnResponse(1, Answer(Name(1), "", 4), now);
  ASSERT_TRUE(last.send);
  Exceed(seconds(5));
  last = fetcher.OnResponse(2, Answer(Name(1), "", 4), now);
  EXPECT_TRUE(last.send) << "the leader may wait for it";
  last = fetcher.OnResponse(3, Answer(Name(1), "new", 5), now);
  EXPECT_EQ(quotas.bytes_total(), 6 * kRate) << "what it keeps up with does not count";
}

TEST_F(ThrottledFetcherTest, TheOthersAreNotHeldUp) {
  fetcher.OnFollow(Throttled(Name(1), 0), now);
  Exceed(seconds(5));
  FollowAndConnect(At(Name(2), 0));
  ASSERT_EQ(last.send->topics.size(), 1u);
  EXPECT_EQ(last.send->topics[0].topic_id, TopicId(2));
  EXPECT_EQ(fetcher.NextTick(), now + seconds(5));
  now += seconds(5);
  last = fetcher.OnTick(now);
  ASSERT_TRUE(last.send) << "it interrupts the long poll of the others";
  EXPECT_EQ(last.send->topics[0].topic_id, TopicId(1));
}

TEST_F(ThrottledFetcherTest, ManyShareWhatIsAdmittedAtOnceAndAreAllAskedFor) {
  for (uint8_t i = 1; i < 5; ++i) fetcher.OnFollow(Throttled(Name(i), 0), now);
  FollowAndConnect(Throttled(Name(5), 0));
  int64_t asked = 0;
  ASSERT_EQ(last.send->topics.size(), 5u);
  for (const auto& topic : last.send->topics) asked += topic.partitions.at(0).partition_max_bytes;
  EXPECT_LE(asked, kRate + 5);
  // Whoever got records is the last one of the next request.
  last = fetcher.OnResponse(1, Answer(Name(1), "x", 100), now);
  fetcher.OnTick(now + milliseconds(20));
  last = fetcher.OnPosition(Throttled(Name(1), 1), now);
  ASSERT_TRUE(last.send);
  EXPECT_EQ(last.send->topics[0].topic_id, TopicId(2));
  EXPECT_GT(last.send->topics[0].partitions[0].partition_max_bytes, kRate / 2);
}

TEST_F(ReplicaFetcherTest, AnAnswerToNothingAskedEndsTheConnection) {
  FollowAndConnect(At(Name(1), 0));
  const Actions answered = fetcher.OnResponse(9, Answer(Name(1), "a"), now);
  EXPECT_TRUE(answered.disconnect);
  EXPECT_TRUE(answered.hand_over.empty());
}

}  // namespace
}  // namespace weir::replica
