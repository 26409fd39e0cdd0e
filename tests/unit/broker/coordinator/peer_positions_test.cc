// Questions to other brokers: what is sent, and that every one is answered.
#include "broker/coordinator/peer_positions.h"

#include <gtest/gtest.h>

#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/wire/codec.h"
#include "broker/wire/messages/log_offsets.h"
#include "tests/support/manual_executor.h"

namespace weir::coordinator {
namespace {

using replica::PositionsOutcome;
using wire::ListOffsetsRequest;
using wire::ListOffsetsResponse;

class FakePeer : public FrameDialer {
 public:
  std::unique_ptr<FrameConnection> Dial(const std::string& host, uint16_t port,
                                        FrameEvents given) override {
    address = host + ":" + std::to_string(port);
    events = std::move(given);
    ++open;
    return std::make_unique<Connection>(*this);
  }
  // The last request; its header is checked.
  ListOffsetsRequest Request() {
    const SharedBytes frame = SharedBytes::Copy(sent.back());
    const auto envelope = wire::DecodeRequestHeader(frame).value();
    correlation_id = envelope.correlation_id();
    version = envelope.version();
    return wire::Decode<ListOffsetsRequest>(envelope.body, version).value();
  }
  void Answer(const ListOffsetsResponse& response) {
    const wire::Frame frame = wire::EncodeResponse(version, correlation_id, response);
    std::string bytes;
    for (const SharedBytes& part : frame.parts) bytes += part.view();
    events.on_frame(SharedBytes::Copy(bytes.substr(wire::kFrameSizeBytes)));
  }
  // Log start 1, end 9, and for an offset that record, 100 ms after 1970 and its offset.
  void AnswerAll() {
    ListOffsetsResponse response;
    for (const auto& topic : Request().topics) {
      auto& answer = response.topics.emplace_back();
      answer.name = topic.name;
      for (const auto& question : topic.partitions) {
        int64_t offset = question.timestamp == replica::kEarliestTimestamp ? 1 : 9;
        if (question.timestamp < -1'000) offset = question.timestamp - replica::kOffsetAsTimestamp;
        answer.partitions.push_back({.partition_index = question.partition_index,
                                     .error_code = ErrorCode::kNone,
                                     .timestamp = 100 + offset,
                                     .offset = offset});
      }
    }
    Answer(response);
  }

  std::string address;
  FrameEvents events;
  std::vector<std::string> sent;
  int open = 0;
  int32_t correlation_id = 0;
  int16_t version = 0;

 private:
  class Connection : public FrameConnection {
   public:
    explicit Connection(FakePeer& peer) : peer_(peer) {}
    ~Connection() override { --peer_.open; }
    void Send(std::vector<SharedBytes> parts) override {
      std::string frame;
      for (const SharedBytes& part : parts) frame += part.view();
      peer_.sent.push_back(frame.substr(wire::kFrameSizeBytes));
    }

   private:
    FakePeer& peer_;
  };
};

class PeerPositionsTest : public ::testing::Test {
 protected:
  void Ask(std::vector<PeerPositions::Part> parts) {
    positions.Ask({"host", 9}, std::move(parts), world.now + std::chrono::seconds(1),
                  [this](std::vector<PositionsOutcome> outcomes) { got = std::move(outcomes); });
  }
  void Run() { test::RunAll({&executor}); }

  test::ManualWorld world;
  test::ManualExecutor executor{world};
  FakePeer peer;
  PeerPositions positions{NodeId(3), executor, peer};
  std::optional<std::vector<PositionsOutcome>> got;
};

TEST_F(PeerPositionsTest, AsksForStartEndAndTimes) {
  Ask({{"t", 4, {Offset(5), Offset(0)}}, {"u", 0, {}}});
  EXPECT_EQ(peer.address, "host:9");
  peer.events.on_open();
  const ListOffsetsRequest request = peer.Request();
  EXPECT_EQ(request.replica_id, 3);
  ASSERT_EQ(request.topics.size(), 2u);
  ASSERT_EQ(request.topics[0].partitions.size(), 4u);
  EXPECT_EQ(request.topics[0].partitions[2].partition_index, 4);
  EXPECT_EQ(request.topics[1].partitions.size(), 2u);
  peer.AnswerAll();
  ASSERT_TRUE(got.has_value());
  EXPECT_EQ(got->at(0).log_start_offset, Offset(1));
  EXPECT_EQ(got->at(0).end_offset, Offset(9));
  EXPECT_EQ(got->at(0).times, (std::vector<PositionsOutcome::Time>{{Offset(5), WallTime(105)},
                                                                   {Offset(0), WallTime(100)}}));
  EXPECT_TRUE(got->at(1).times.empty());
  EXPECT_EQ(peer.open, 1) << "never inside one of its events";
  Run();
  EXPECT_EQ(peer.open, 0);
}

// Clients may commit any number: it must not become another question, or spoil those of other
// groups.
TEST_F(PeerPositionsTest, AnOffsetThatNoLogHasIsStillAskedForAsAnOffset) {
  constexpr int64_t kLeast = std::numeric_limits<int64_t>::min();
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  Ask({{"t", 4, {Offset(-1), Offset(kLeast), Offset(kMost), Offset(kMost / 2 + 1), Offset(5)}}});
  peer.events.on_open();
  const ListOffsetsRequest request = peer.Request();
  std::vector<int64_t> asked;
  for (size_t i = 2; i < request.topics.at(0).partitions.size(); ++i) {
    asked.push_back(request.topics[0].partitions[i].timestamp - replica::kOffsetAsTimestamp);
  }
  EXPECT_EQ(asked, (std::vector<int64_t>{0, 0, kMost / 2, kMost / 2, 5}));
}

TEST_F(PeerPositionsTest, ManyQuestionsGoInSmallRequests) {
  std::vector<PeerPositions::Part> parts;
  for (int32_t i = 0; i < 300; ++i) parts.push_back({"t", i, {Offset(i)}});
  Ask(std::move(parts));
  peer.events.on_open();
  while (!got) {
    EXPECT_LE(peer.Request().topics.size(), kQuestionsMax / 2);
    peer.AnswerAll();
  }
  EXPECT_EQ(peer.sent.size(), 5u);
  ASSERT_EQ(got->size(), 300u);
  EXPECT_EQ(got->at(299).times.at(0).offset, Offset(299));
}

TEST_F(PeerPositionsTest, APeerThatIsLostAnswersWithAnError) {
  Ask({{"t", 4, {Offset(5)}}});
  peer.events.on_close("refused");
  ASSERT_TRUE(got.has_value());
  EXPECT_EQ(got->at(0).error, ErrorCode::kNetworkException);
  Run();
  EXPECT_EQ(peer.open, 0);
}

TEST_F(PeerPositionsTest, TheDeadlineKeepsWhatHasCome) {
  std::vector<PeerPositions::Part> parts;
  for (int32_t i = 0; i < 100; ++i) parts.push_back({"t", i, {Offset(i)}});
  Ask(std::move(parts));
  peer.events.on_open();
  peer.AnswerAll();
  world.now += std::chrono::seconds(1);
  Run();
  ASSERT_TRUE(got.has_value());
  EXPECT_EQ(got->at(0).error, ErrorCode::kNone);
  EXPECT_EQ(got->at(99).error, ErrorCode::kRequestTimedOut);
}

TEST_F(PeerPositionsTest, AnAnswerToSomethingElseIsNone) {
  Ask({{"t", 4, {Offset(5)}}});
  peer.events.on_open();
  peer.Request();
  peer.Answer({});
  ASSERT_TRUE(got.has_value());
  EXPECT_EQ(got->at(0).error, ErrorCode::kNetworkException);
}

}  // namespace
}  // namespace weir::coordinator
