// Idempotent producers (KIP-98, KIP-360; G-29).
#include "broker/log/producer_state.h"

#include <gtest/gtest.h>

#include <limits>

#include "tests/support/batches.h"

namespace weir::log {
namespace {

constexpr WallTime kNow{1'000'000};
constexpr int32_t kSequenceMax = std::numeric_limits<int32_t>::max();

// One partition that appends what is accepted.
class ProducerStatesTest : public ::testing::Test {
 protected:
  // The outcome in one word: "ok@<offset>", "dup@<offset>" or the error's name.
  std::string Send(int64_t id, int16_t epoch, int32_t sequence, int count = 1) {
    SharedBytes bytes = test::MakeProducerBatch("v", id, epoch, sequence, count);
    const auto checked = wire::RecordBatchView::Parse(bytes.view()).value();
    const auto verdict = states.Check(checked, now);
    if (!verdict) return std::string(ErrorName(verdict.error().code));
    if (verdict->duplicate_of) return "dup@" + ToString(verdict->duplicate_of->base_offset);
    wire::SetBaseOffset(const_cast<char*>(bytes.data()), end);
    states.Append(checked, now);
    end += count;
    return "ok@" + std::to_string(end - count);
  }
  void Refuse(int64_t id, int16_t epoch, int32_t sequence, ErrorCode error) {
    const SharedBytes bytes = test::MakeProducerBatch("v", id, epoch, sequence, 1);
    states.Refuse(wire::RecordBatchView::Parse(bytes.view()).value(), error, now);
  }
  void Reload() {
    auto decoded = ProducerStates::Decode(states.Encode(Offset(end)), now);
    ASSERT_TRUE(decoded.has_value()) << decoded.error().message;
    EXPECT_EQ(decoded->offset, Offset(end));
    states = std::move(decoded->states);
  }

  ProducerStates states;
  WallTime now = kNow;
  int64_t end = 0;
};

TEST_F(ProducerStatesTest, SequencesFollowOneAnother) {
  EXPECT_EQ(Send(1, 0, 0, 3), "ok@0");
  EXPECT_EQ(Send(1, 0, 3, 2), "ok@3");
  EXPECT_EQ(Send(1, 0, 6), "OUT_OF_ORDER_SEQUENCE_NUMBER");
  EXPECT_EQ(Send(2, 0, 0), "ok@5");
  EXPECT_EQ(Send(1, 0, 5), "ok@6");
}

TEST_F(ProducerStatesTest, G29_TheLastFiveBatchesAreRecognisedAcrossARestart) {
  for (int i = 0; i < 7; ++i) Send(1, 0, 2 * i, 2);
  for (int life = 0; life < 2; ++life) {
    for (int i = 2; i < 7; ++i) EXPECT_EQ(Send(1, 0, 2 * i, 2), "dup@" + std::to_string(2 * i));
    EXPECT_EQ(Send(1, 0, 2, 2), "OUT_OF_ORDER_SEQUENCE_NUMBER");
    // Same first sequence, another length: not the same batch.
    EXPECT_EQ(Send(1, 0, 12, 1), "OUT_OF_ORDER_SEQUENCE_NUMBER");
    Reload();
  }
  EXPECT_EQ(Send(1, 0, 14), "ok@14");
}

TEST_F(ProducerStatesTest, SequencesWrapAround) {
  EXPECT_EQ(Send(1, 0, kSequenceMax - 1, 2), "ok@0");
  EXPECT_EQ(Send(1, 0, 0, 2), "ok@2");
  EXPECT_EQ(Send(1, 0, 2), "ok@4");
  Reload();
  EXPECT_EQ(Send(1, 0, 0, 2), "dup@2");
  // A batch that itself crosses the end.
  EXPECT_EQ(Send(2, 0, kSequenceMax, 3), "ok@5");
  EXPECT_EQ(Send(2, 0, kSequenceMax, 3), "dup@5");
  EXPECT_EQ(Send(2, 0, 2), "ok@8");
}

// Called out of order, librdkafka begins a new epoch and sends what other partitions may have
// already once more.
TEST_F(ProducerStatesTest, J04_WhatWasSentBehindARefusedBatchIsRefusedAlike) {
  EXPECT_EQ(Send(1, 0, 0), "ok@0");
  Refuse(1, 0, 1, ErrorCode::kNotLeaderOrFollower);
  Refuse(1, 0, 2, ErrorCode::kNotEnoughReplicas);
  EXPECT_EQ(Send(1, 0, 3), "NOT_ENOUGH_REPLICAS") << "1 and 2 come again before it";
  EXPECT_EQ(Send(1, 0, 0), "dup@0");
  EXPECT_EQ(Send(1, 0, 1), "ok@1");
  EXPECT_EQ(Send(1, 0, 3), "OUT_OF_ORDER_SEQUENCE_NUMBER") << "nothing is known to be on its way";
  EXPECT_EQ(Send(1, 0, 2), "ok@2");
  EXPECT_EQ(Send(1, 0, 3), "ok@3");
}

TEST_F(ProducerStatesTest, J04_ARefusedBatchThatDoesNotComeAgainHasBeenGivenUp) {
  EXPECT_EQ(Send(1, 0, 0), "ok@0");
  Refuse(1, 0, 1, ErrorCode::kNotLeaderOrFollower);
  now = now + ProducerStates::kRefusalLasts / std::chrono::milliseconds(1);
  EXPECT_EQ(Send(1, 0, 2), "OUT_OF_ORDER_SEQUENCE_NUMBER") << "its producer learns of the gap";
}

TEST_F(ProducerStatesTest, J04_AnUnknownProducerDoesNotBeginBehindItsRefusedBatch) {
  Refuse(1, 0, 7, ErrorCode::kNotLeaderOrFollower);
  EXPECT_EQ(Send(1, 0, 8), "NOT_LEADER_OR_FOLLOWER");
  EXPECT_EQ(Send(2, 0, 8), "ok@0") << "another producer";
  EXPECT_EQ(Send(1, 0, 7), "ok@1");
  EXPECT_EQ(Send(1, 0, 8), "ok@2");
  Refuse(1, 0, 9, ErrorCode::kNotLeaderOrFollower);
  EXPECT_EQ(Send(1, 1, 0), "ok@3") << "a new epoch has given it up";
  EXPECT_EQ(Send(1, 1, 1), "ok@4");
}

TEST_F(ProducerStatesTest, J04_RefusalsAreComparedAcrossTheWrap) {
  EXPECT_EQ(Send(1, 0, kSequenceMax - 1), "ok@0");
  Refuse(1, 0, kSequenceMax, ErrorCode::kNotLeaderOrFollower);
  EXPECT_EQ(Send(1, 0, 0), "NOT_LEADER_OR_FOLLOWER");
  EXPECT_EQ(Send(1, 0, kSequenceMax), "ok@1");
  EXPECT_EQ(Send(1, 0, 0), "ok@2");
}

TEST_F(ProducerStatesTest, EpochsTakeOver) {
  EXPECT_EQ(Send(1, 3, 0), "ok@0");
  EXPECT_EQ(Send(1, 4, 5), "OUT_OF_ORDER_SEQUENCE_NUMBER");
  EXPECT_EQ(Send(1, 4, 0), "ok@1");
  EXPECT_EQ(Send(1, 3, 1), "INVALID_PRODUCER_EPOCH");
  EXPECT_EQ(Send(1, 3, 0), "INVALID_PRODUCER_EPOCH");
  EXPECT_EQ(Send(1, 4, 0), "dup@1");
}

TEST_F(ProducerStatesTest, AnUnknownProducerMayBeginAnywhere) {
  EXPECT_EQ(Send(1, 2, 17), "ok@0");
  EXPECT_EQ(Send(1, 2, 18), "ok@1");
}

TEST_F(ProducerStatesTest, G29_ExpiryComesAfterTheConfiguredTimeOnly) {
  Send(1, 0, 0);
  now = kNow + 60;
  Send(2, 0, 0);
  states.Expire(kNow + 99, 100);
  EXPECT_EQ(states.size(), 2u);
  states.Expire(kNow + 100, 100);
  EXPECT_EQ(states.size(), 1u);
  EXPECT_EQ(Send(2, 0, 0), "dup@1");
  states.Expire(kNow + 160, 100);
  EXPECT_EQ(states.size(), 0u);
}

TEST_F(ProducerStatesTest, DamagedRowsAreErrors) {
  Send(1, 0, 0);
  Send(9, 2, 0);
  const std::string row = states.Encode(Offset(2));
  for (size_t size = 0; size < row.size(); ++size) {
    EXPECT_FALSE(ProducerStates::Decode(row.substr(0, size), now).has_value()) << size;
  }
  EXPECT_FALSE(ProducerStates::Decode(row + "x", now).has_value());
}

}  // namespace
}  // namespace weir::log
