// Requests to other brokers in a client's place: their order, and that every one is answered once.
#include "broker/coordinator/peer_links.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/wire/messages/group_offsets.h"
#include "tests/support/manual_executor.h"

namespace weir::coordinator {
namespace {

using wire::OffsetCommitRequest;
using wire::OffsetCommitResponse;

constexpr int16_t kVersion = 9;
constexpr NodeId kPeer{2};

// Every connection that was dialed, in order.
class FakeDialer : public FrameDialer {
 public:
  struct Dialed {
    std::string address;
    FrameEvents events;
    std::vector<SharedBytes> sent;
    bool open = true;

    wire::RequestEnvelope Sent(size_t index) {
      return wire::DecodeRequestHeader(sent.at(index)).value();
    }
    void Answer(size_t index, int throttle_time_ms = 0) {
      OffsetCommitResponse response;
      response.throttle_time_ms = throttle_time_ms;
      const SharedBytes frame =
          wire::EncodeResponse(kVersion, Sent(index).correlation_id(), response).Flatten();
      events.on_frame(frame.Slice(wire::kFrameSizeBytes, frame.size() - wire::kFrameSizeBytes));
    }
  };

  std::unique_ptr<FrameConnection> Dial(const std::string& host, uint16_t port,
                                        FrameEvents events) override {
    dialed.push_back(std::make_unique<Dialed>());
    dialed.back()->address = host + ":" + std::to_string(port);
    dialed.back()->events = std::move(events);
    return std::make_unique<Connection>(*dialed.back());
  }

  std::vector<std::unique_ptr<Dialed>> dialed;

 private:
  class Connection : public FrameConnection {
   public:
    explicit Connection(Dialed& dialed) : dialed_(dialed) {}
    ~Connection() override { dialed_.open = false; }
    void Send(std::vector<SharedBytes> parts) override {
      const SharedBytes frame = wire::Frame{std::move(parts)}.Flatten();
      dialed_.sent.push_back(
          frame.Slice(wire::kFrameSizeBytes, frame.size() - wire::kFrameSizeBytes));
    }

   private:
    Dialed& dialed_;
  };
};

class PeerLinksTest : public ::testing::Test {
 protected:
  // Which of them was answered how comes into `answers`: "a=<throttle time>" or "a=nothing".
  void Ask(const std::string& group, uint16_t port = 9, int deadline_ms = 1'000) {
    OffsetCommitRequest request;
    request.group_id = group;
    links.Ask(kPeer, {"host", port}, kVersion, request,
              world.now + std::chrono::milliseconds(deadline_ms),
              [this, group](std::optional<SharedBytes> frame) {
                if (!frame) return answers.push_back(group + "=nothing");
                int32_t id = 0;
                const auto response =
                    wire::DecodeResponse<OffsetCommitResponse>(*frame, kVersion, &id);
                answers.push_back(group + "=" + std::to_string(response->throttle_time_ms));
              });
  }
  FakeDialer::Dialed& Dialed(size_t index) { return *dialer.dialed.at(index); }

  test::ManualWorld world;
  test::ManualExecutor executor{world};
  FakeDialer dialer;
  PeerLinks links{NodeId(1), executor, dialer};
  std::vector<std::string> answers;
};

using Strings = std::vector<std::string>;

TEST_F(PeerLinksTest, RequestsWaitForTheConnectionAndKeepTheirOrder) {
  Ask("a");
  Ask("b");
  ASSERT_EQ(dialer.dialed.size(), 1u);
  EXPECT_EQ(Dialed(0).address, "host:9");
  EXPECT_TRUE(Dialed(0).sent.empty());
  Dialed(0).events.on_open();
  Ask("c");
  ASSERT_EQ(Dialed(0).sent.size(), 3u);
  Strings groups;
  for (size_t i = 0; i < 3; ++i) {
    const wire::RequestEnvelope envelope = Dialed(0).Sent(i);
    EXPECT_EQ(envelope.header.client_id, "broker-1");
    EXPECT_EQ(envelope.version(), kVersion);
    groups.push_back(wire::Decode<OffsetCommitRequest>(envelope.body, kVersion)->group_id);
  }
  EXPECT_EQ(groups, (Strings{"a", "b", "c"}));
  for (size_t i = 0; i < 3; ++i) Dialed(0).Answer(i, static_cast<int>(i));
  EXPECT_EQ(answers, (Strings{"a=0", "b=1", "c=2"}));
  executor.Advance(std::chrono::minutes(1));
  EXPECT_TRUE(Dialed(0).open) << "nothing waits, no deadline ends it";
}

TEST_F(PeerLinksTest, ConnectionThatEndsAnswersAllThatWaitWithNothing) {
  Ask("a");
  Dialed(0).events.on_open();
  Ask("b");
  Dialed(0).Answer(0);
  Ask("c");
  Dialed(0).events.on_close("gone");
  EXPECT_EQ(answers, (Strings{"a=0"})) << "not inside the event";
  Ask("d");
  executor.Run();
  EXPECT_EQ(answers, (Strings{"a=0", "b=nothing", "c=nothing"}));
  EXPECT_FALSE(Dialed(0).open);
  ASSERT_EQ(dialer.dialed.size(), 2u);
  Dialed(1).events.on_open();
  Dialed(1).Answer(0);
  EXPECT_EQ(answers.back(), "d=0");
}

TEST_F(PeerLinksTest, PeerThatDoesNotAnswerInTimeIsDialedAnew) {
  Ask("a", 9, 500);
  Dialed(0).events.on_open();
  Ask("b", 9, 2'000);
  executor.Advance(std::chrono::milliseconds(500));
  EXPECT_EQ(answers, (Strings{"a=nothing", "b=nothing"}));
  EXPECT_FALSE(Dialed(0).open);
  Ask("c");
  EXPECT_EQ(dialer.dialed.size(), 2u);
}

TEST_F(PeerLinksTest, DialThatHangsEndsAtTheDeadline) {
  Ask("a");
  executor.Advance(std::chrono::seconds(1));
  EXPECT_EQ(answers, (Strings{"a=nothing"}));
  EXPECT_FALSE(Dialed(0).open);
}

TEST_F(PeerLinksTest, BrokerThatMovedIsAskedWhereItIs) {
  Ask("a", 9);
  Dialed(0).events.on_open();
  Ask("b", 10);
  executor.Run();
  EXPECT_EQ(answers, (Strings{"a=nothing"}));
  ASSERT_EQ(dialer.dialed.size(), 2u);
  EXPECT_EQ(Dialed(1).address, "host:10");
}

TEST_F(PeerLinksTest, AnEndedConnectionsLastEventsDoNotTouchTheNextOne) {
  Ask("a");
  Dialed(0).events.on_open();
  Dialed(0).events.on_frame(SharedBytes::Copy("xx"));
  Ask("b");
  ASSERT_EQ(dialer.dialed.size(), 2u) << "what is no answer ends the connection";
  Dialed(0).events.on_close("gone");
  executor.Run();
  EXPECT_EQ(answers, (Strings{"a=nothing"}));
  EXPECT_TRUE(Dialed(1).open);
}

TEST_F(PeerLinksTest, AnAnswerToNothingIsNotTrusted) {
  Ask("a");
  Dialed(0).events.on_open();
  Dialed(0).Answer(0);
  Ask("b");
  Dialed(0).Answer(0);
  executor.Run();
  EXPECT_EQ(answers, (Strings{"a=0", "b=nothing"}));
}

TEST_F(PeerLinksTest, WhatWaitsAtTheEndIsDropped) {
  std::optional<PeerLinks> short_lived;
  short_lived.emplace(NodeId(1), executor, dialer);
  const auto held = std::make_shared<int>(0);
  short_lived->Ask(kPeer, {"host", 9}, kVersion, OffsetCommitRequest{},
                   world.now + std::chrono::seconds(1),
                   [held](const std::optional<SharedBytes>&) { FAIL(); });
  short_lived.reset();
  EXPECT_EQ(held.use_count(), 1);
  EXPECT_FALSE(Dialed(0).open);
  executor.Advance(std::chrono::seconds(2));
}

}  // namespace
}  // namespace weir::coordinator
