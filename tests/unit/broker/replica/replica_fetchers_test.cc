// The fetch loops with their connections, on manual executors and a network that the test plays.
#include "broker/replica/replica_fetchers.h"

#include <gtest/gtest.h>

#include "broker/wire/codec.h"
#include "tests/support/manual_executor.h"

namespace weir::replica {
namespace {

using test::ManualExecutor;
using test::ManualWorld;

TopicPartition Name(uint8_t topic) {
  TopicPartition name;
  name.topic_id.bytes[15] = topic;
  return name;
}

FollowerPosition At(TopicPartition partition, int64_t offset, int32_t epoch = 1) {
  return {.partition = partition,
          .leader_epoch = LeaderEpoch(epoch),
          .fetch_offset = Offset(offset),
          .last_fetched_epoch = LeaderEpoch(-1),
          .log_start_offset = Offset(0),
          .high_watermark = Offset(0)};
}

// The leaders' side of the network.
class FakeDialer : public FrameDialer {
 public:
  struct Peer {
    std::string host;
    FrameEvents events;
    std::vector<std::string> sent;
    bool destroyed = false;
  };

  std::unique_ptr<FrameConnection> Dial(const std::string& host, uint16_t port,
                                        FrameEvents events) override {
    peers.push_back(std::make_shared<Peer>());
    peers.back()->host = host + ":" + std::to_string(port);
    peers.back()->events = std::move(events);
    return std::make_unique<Connection>(peers.back());
  }

  std::vector<std::shared_ptr<Peer>> peers;

 private:
  class Connection : public FrameConnection {
   public:
    explicit Connection(std::shared_ptr<Peer> peer) : peer_(std::move(peer)) {}
    ~Connection() override { peer_->destroyed = true; }
    void Send(std::vector<SharedBytes> parts) override {
      std::string frame;
      for (const SharedBytes& part : parts) frame += part.view();
      peer_->sent.push_back(frame.substr(wire::kFrameSizeBytes));
    }

   private:
    std::shared_ptr<Peer> peer_;
  };
};

// Says that everything is persisted at once, ten records further.
class FakeReplicas : public FollowedReplicas {
 public:
  void TakeFetched(size_t, std::vector<FollowerFetch> fetched, TakeFetchedDone done) override {
    std::vector<TakenFetch> taken;
    for (FollowerFetch& each : fetched) {
      FollowerPosition position = At(each.partition, each.fetch_offset.value() + 10);
      position.leader_epoch = each.leader_epoch;
      taken.push_back({.error = refuse, .position = position});
      seen.push_back(std::move(each));
    }
    done(std::move(taken));
  }

  ErrorCode refuse = ErrorCode::kNone;
  std::vector<FollowerFetch> seen;
};

class ReplicaFetchersTest : public testing::Test {
 protected:
  ReplicaFetchersTest() {
    fetchers.OnBrokers({{NodeId(2), {"two", 9}}, {NodeId(3), {"three", 9}}});
  }
  void Run() { test::RunAll({&lane0, &lane1}); }

  static wire::FetchRequest Asked(const std::string& frame, int32_t* correlation_id) {
    const auto envelope = wire::DecodeRequestHeader(SharedBytes::Copy(frame));
    *correlation_id = envelope->correlation_id();
    return *wire::Decode<wire::FetchRequest>(envelope->body, envelope->version());
  }
  // Answers the last request of a peer with `records` for its first partition.
  void Answer(FakeDialer::Peer& peer, const std::string& records) {
    int32_t correlation_id = 0;
    const wire::FetchRequest request = Asked(peer.sent.back(), &correlation_id);
    wire::FetchResponse response;
    auto& topic = response.responses.emplace_back();
    topic.topic_id = request.topics.at(0).topic_id;
    topic.partitions.emplace_back().records = wire::Records(SharedBytes::Copy(records));
    const SharedBytes frame = wire::EncodeResponse(17, correlation_id, response).Flatten();
    peer.events.on_frame(frame.Slice(wire::kFrameSizeBytes, frame.size() - wire::kFrameSizeBytes));
    Run();
  }

  ManualWorld world;
  ManualExecutor lane0{world};
  ManualExecutor lane1{world};
  FakeDialer dialer;
  FakeReplicas replicas;
  ReplicaFetchers fetchers{
      NodeId(1), {{&lane0, &dialer}, {&lane1, &dialer}}, replicas, FetcherOptions{}, [] {
        return BrokerEpoch(77);
      }};
};

TEST_F(ReplicaFetchersTest, FetchesRecordsAndAcknowledgesThem) {
  fetchers.Follow(NodeId(2), {At(Name(1), 5)});
  Run();
  ASSERT_EQ(dialer.peers.size(), 1u);
  FakeDialer::Peer& leader = *dialer.peers[0];
  EXPECT_EQ(leader.host, "two:9");
  leader.events.on_open();
  ASSERT_EQ(leader.sent.size(), 1u);
  int32_t correlation_id = 0;
  const wire::FetchRequest request = Asked(leader.sent[0], &correlation_id);
  EXPECT_EQ(request.replica_state.replica_id, 1);
  EXPECT_EQ(request.replica_state.replica_epoch, 77);
  Answer(leader, "records");
  ASSERT_EQ(replicas.seen.size(), 1u);
  EXPECT_EQ(replicas.seen[0].records.view(), "records");
  ASSERT_EQ(leader.sent.size(), 2u);
  EXPECT_EQ(Asked(leader.sent[1], &correlation_id).topics[0].partitions[0].fetch_offset, 15);
}

TEST_F(ReplicaFetchersTest, I10_AnotherLeaderMeansLeavingTheOneBefore) {
  fetchers.Follow(NodeId(2), {At(Name(1), 5, 1)});
  Run();
  fetchers.Follow(NodeId(3), {At(Name(1), 5, 2)});
  Run();
  ASSERT_EQ(dialer.peers.size(), 2u);
  EXPECT_TRUE(dialer.peers[0]->destroyed);
  EXPECT_EQ(dialer.peers[1]->host, "three:9");
  fetchers.Unfollow({Name(1)});
  Run();
  EXPECT_TRUE(dialer.peers[1]->destroyed);
}

TEST_F(ReplicaFetchersTest, TriesAgainWhileTheLeaderIsAway) {
  fetchers.Follow(NodeId(2), {At(Name(1), 5)});
  Run();
  for (size_t attempt = 1; attempt < 5; ++attempt) {
    ASSERT_EQ(dialer.peers.size(), attempt);
    dialer.peers.back()->events.on_close("refused");
    lane0.Advance(std::chrono::seconds(1));
  }
}

// A01: an event that a loop has gathered, but not run yet, comes first.
TEST_F(ReplicaFetchersTest, A01_WhoAsksWhoIsLostWaitsForWhatTheSocketsHave) {
  fetchers.Follow(NodeId(2), {At(Name(1), 5)});
  Run();
  dialer.peers.back()->events.on_open();
  Run();
  bool lost = false;
  fetchers.WhenCurrent(1, [&] { lost = fetchers.IsLost(1, NodeId(2)); });
  lane0.Post([&] { dialer.peers.back()->events.on_close("reset"); });
  Run();
  EXPECT_TRUE(lost);
}

// A01: clients hear of it before the controllers have elected another.
TEST_F(ReplicaFetchersTest, A01_ALeaderThatEndsTheConnectionIsLostUntilItTakesAnother) {
  const auto lost = [&] {
    EXPECT_EQ(fetchers.IsLost(0, NodeId(2)), fetchers.IsLost(1, NodeId(2)));
    return fetchers.IsLost(0, NodeId(2));
  };
  fetchers.Follow(NodeId(2), {At(Name(1), 5)});
  Run();
  dialer.peers.back()->events.on_close("refused");
  Run();
  EXPECT_FALSE(lost()) << "it has never been seen";
  lane0.Advance(std::chrono::seconds(1));
  dialer.peers.back()->events.on_open();
  Run();
  EXPECT_FALSE(lost());
  dialer.peers.back()->events.on_close("reset");
  Run();
  EXPECT_TRUE(lost());
  EXPECT_FALSE(fetchers.IsLost(0, NodeId(3)));
  lane0.Advance(std::chrono::seconds(1));
  dialer.peers.back()->events.on_open();
  Run();
  EXPECT_FALSE(lost()) << "it is back";
  dialer.peers.back()->events.on_close("reset");
  for (int i = 0; i < 4; ++i) {
    Run();
    EXPECT_TRUE(lost());
    lane0.Advance(kLostMax / 4);
    dialer.peers.back()->events.on_close("refused");
  }
  Run();
  EXPECT_FALSE(lost()) << "others may reach it";
}

TEST_F(ReplicaFetchersTest, ALeaderWithoutAddressIsFoundWhenItIsKnown) {
  fetchers.Follow(NodeId(4), {At(Name(1), 5)});
  Run();
  EXPECT_TRUE(dialer.peers.empty());
  fetchers.OnBrokers({{NodeId(4), {"four", 9}}});
  Run();
  lane0.Advance(std::chrono::seconds(1));
  ASSERT_EQ(dialer.peers.size(), 1u);
  EXPECT_EQ(dialer.peers[0]->host, "four:9");
}

TEST_F(ReplicaFetchersTest, ALeaderThatMovedIsConnectedAnew) {
  fetchers.Follow(NodeId(2), {At(Name(1), 5)});
  Run();
  dialer.peers[0]->events.on_open();
  fetchers.OnBrokers({{NodeId(2), {"elsewhere", 9}}});
  Run();
  EXPECT_TRUE(dialer.peers[0]->destroyed);
  lane0.Advance(std::chrono::seconds(1));
  ASSERT_EQ(dialer.peers.size(), 2u);
  EXPECT_EQ(dialer.peers[1]->host, "elsewhere:9");
}

TEST_F(ReplicaFetchersTest, BytesThatAreNoAnswerEndTheConnection) {
  fetchers.Follow(NodeId(2), {At(Name(1), 5)});
  Run();
  dialer.peers[0]->events.on_open();
  dialer.peers[0]->events.on_frame(SharedBytes::Copy("nonsense"));
  EXPECT_TRUE(dialer.peers[0]->destroyed);
  lane0.Advance(std::chrono::seconds(1));
  EXPECT_EQ(dialer.peers.size(), 2u);
}

}  // namespace
}  // namespace weir::replica
