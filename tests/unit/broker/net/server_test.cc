// Server and Connection over real sockets on loopback: order, backpressure, limits, endings.
#include "broker/net/server.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>

#include <asio/connect.hpp>
#include <asio/read.hpp>
#include <asio/write.hpp>

namespace weir::net {
namespace {

using asio::ip::tcp;

std::string FrameOf(const std::string& body) {
  const auto size = static_cast<uint32_t>(body.size());
  std::string frame;
  for (int shift = 24; shift >= 0; shift -= 8) frame.push_back(static_cast<char>(size >> shift));
  return frame + body;
}

Chunks FramedChunks(const std::string& body) { return {SharedBytes::Copy(FrameOf(body))}; }

// Hands requests to a function and counts them.
class FakeSink : public RequestSink {
 public:
  using Function = std::function<void(ConnectionInfo&, Request)>;
  explicit FakeSink(Function function) : function_(std::move(function)) {}
  void OnRequest(ConnectionInfo& connection, Request request) override {
    requests.fetch_add(1);
    function_(connection, std::move(request));
  }
  std::atomic<int> requests = 0;

 private:
  Function function_;
};

void Echo(ConnectionInfo&, Request request) {
  request.responder.Send(FramedChunks(std::string(request.frame.view())));
}

class Client {
 public:
  explicit Client(uint16_t port) : socket_(context_) {
    socket_.connect(tcp::endpoint(asio::ip::address_v4::loopback(), port));
  }
  void Send(const std::string& bytes) { asio::write(socket_, asio::buffer(bytes)); }
  // The next frame's body; "<closed>" when the server has closed.
  std::string Receive() {
    unsigned char size_field[4];
    asio::error_code error;
    asio::read(socket_, asio::buffer(size_field), error);
    if (error) return "<closed>";
    size_t size = 0;
    for (const unsigned char byte : size_field) size = (size << 8) | byte;
    std::string body(size, '\0');
    asio::read(socket_, asio::buffer(body), error);
    return error ? "<closed>" : body;
  }
  tcp::socket& socket() { return socket_; }

 private:
  asio::io_context context_;
  tcp::socket socket_;
};

class ServerTest : public testing::Test {
 protected:
  void Serve(FakeSink::Function function, NetOptions options = {}, int shards = 2) {
    sink_ = std::make_unique<FakeSink>(std::move(function));
    shards_ = std::make_unique<ShardSet>(shards);
    server_ = std::make_unique<Server>(*shards_, options, *sink_);
    const auto listener = server_->Listen(*ParseListener("127.0.0.1:0", "TEST"));
    ASSERT_TRUE(listener.has_value()) << ToString(listener.error());
    port_ = (*listener)->port;
    shards_->Start();
    server_->StartAccepting();
  }
  void TearDown() override {
    if (shards_) shards_->Stop();
    server_.reset();
  }
  // Waits until everything a shard had to do has been done `rounds` times over. A test whose sink
  // uses the test's own variables ends with it: an answer arrives before its sender has returned.
  void Settle(int rounds = 3) {
    for (int round = 0; round < rounds; ++round) {
      for (int i = 0; i < shards_->size(); ++i) {
        auto done = std::make_shared<std::promise<void>>();
        std::future<void> future = done->get_future();
        shards_->at(i).Post([done] { done->set_value(); });
        future.wait();
      }
    }
  }
  void WaitUntil(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!condition()) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "condition never held";
      Settle(1);
    }
  }

  std::unique_ptr<FakeSink> sink_;
  std::unique_ptr<ShardSet> shards_;
  std::unique_ptr<Server> server_;
  uint16_t port_ = 0;
};

TEST_F(ServerTest, AnswersComeBack) {
  Serve(Echo);
  Client client(port_);
  client.Send(FrameOf("hello"));
  EXPECT_EQ(client.Receive(), "hello");
}

TEST_F(ServerTest, LargeFramesPassInBothDirections) {
  Serve(Echo);
  Client client(port_);
  const std::string large(5'000'000, 'z');
  std::thread sender([&] { client.Send(FrameOf(large)); });
  EXPECT_EQ(client.Receive(), large);
  sender.join();
}

TEST_F(ServerTest, AnswersLeaveInRequestOrderHoweverTheyAreCompleted) {
  std::vector<Request> held;
  Serve(
      [&](ConnectionInfo&, Request request) {
        held.push_back(std::move(request));
        if (held.size() < 3) return;
        for (auto each = held.rbegin(); each != held.rend(); ++each) {
          each->responder.Send(FramedChunks(std::string(each->frame.view())));
        }
      },
      {}, 1);
  Client client(port_);
  client.Send(FrameOf("1") + FrameOf("2") + FrameOf("3"));
  EXPECT_EQ(client.Receive(), "1");
  EXPECT_EQ(client.Receive(), "2");
  EXPECT_EQ(client.Receive(), "3");
  Settle();
}

TEST_F(ServerTest, ARequestMayWaitForItsTurn) {
  std::optional<Request> first;
  std::string state = "old";
  Serve(
      [&](ConnectionInfo& connection, Request request) {
        if (request.frame.view() == "first") {
          first = std::move(request);
          return;
        }
        auto waiting = std::make_shared<Request>(std::move(request));
        connection.when_next([&, waiting] { waiting->responder.Send(FramedChunks(state)); });
      },
      {}, 1);
  Client client(port_);
  client.Send(FrameOf("alone"));
  EXPECT_EQ(client.Receive(), "old");
  client.Send(FrameOf("first") + FrameOf("second") + FrameOf("third"));
  WaitUntil([&] { return sink_->requests.load() == 4; });
  shards_->at(0).Post([&] {
    state = "new";
    first->responder.Send(FramedChunks("1"));
  });
  EXPECT_EQ(client.Receive(), "1");
  EXPECT_EQ(client.Receive(), "new");
  EXPECT_EQ(client.Receive(), "new");
  Settle();
}

// The number of this process's file that is the server's end of `client`.
int ServersFileOf(Client& client) {
  const tcp::endpoint here = client.socket().local_endpoint();
  for (int file = 0; file < 2'000; ++file) {
    sockaddr_in peer{};
    socklen_t size = sizeof(peer);
    if (::getpeername(file, reinterpret_cast<sockaddr*>(&peer), &size) != 0) continue;
    if (ntohs(peer.sin_port) == here.port()) return file;
  }
  return -1;
}

// The kernel closes them in the order of their numbers.
TEST_F(ServerTest, A01_BrokersHearOfTheEndBeforeClients) {
  Serve(Echo);
  ListenerSpec for_brokers = *ParseListener("127.0.0.1:0", "BROKERS");
  for_brokers.for_brokers = true;
  const auto listener = server_->Listen(for_brokers);
  ASSERT_TRUE(listener.has_value());
  server_->StartAccepting();
  Client client(port_);
  Client broker((*listener)->port);
  for (Client* each : {&client, &broker}) {
    each->Send(FrameOf("hello"));
    EXPECT_EQ(each->Receive(), "hello");
  }
  EXPECT_GT(ServersFileOf(broker), 0);
  EXPECT_GT(ServersFileOf(client), ServersFileOf(broker));
  EXPECT_GE(ServersFileOf(client), 512);
}

TEST_F(ServerTest, AnswersMayComeFromAnyThread) {
  std::vector<std::thread> threads;
  Serve([&](ConnectionInfo&, Request request) {
    threads.emplace_back([request = std::move(request)]() mutable {
      request.responder.Send(FramedChunks(std::string(request.frame.view())));
    });
  });
  Client client(port_);
  client.Send(FrameOf("a") + FrameOf("b"));
  EXPECT_EQ(client.Receive(), "a");
  EXPECT_EQ(client.Receive(), "b");
  for (std::thread& thread : threads) thread.join();
}

TEST_F(ServerTest, RequestWithoutAnswerIsSkipped) {
  Serve([&](ConnectionInfo& connection, Request request) {
    if (request.frame.view() == "quiet") return request.responder.SendNothing();
    Echo(connection, std::move(request));
  });
  Client client(port_);
  client.Send(FrameOf("quiet") + FrameOf("loud"));
  EXPECT_EQ(client.Receive(), "loud");
}

TEST_F(ServerTest, AbortClosesAfterTheEarlierAnswers) {
  Serve([&](ConnectionInfo& connection, Request request) {
    if (request.frame.view() == "bad") return request.responder.Abort("test");
    Echo(connection, std::move(request));
  });
  Client client(port_);
  client.Send(FrameOf("good") + FrameOf("bad") + FrameOf("late"));
  EXPECT_EQ(client.Receive(), "good");
  EXPECT_EQ(client.Receive(), "<closed>");
}

TEST_F(ServerTest, X01_OversizedFrameClosesTheConnection) {
  Serve(Echo, {.frame_bytes_max = 1000});
  Client client(port_);
  client.Send(std::string("\x7f\xff\xff\xff", 4));
  EXPECT_EQ(client.Receive(), "<closed>");
  EXPECT_EQ(sink_->requests.load(), 0);
}

TEST_F(ServerTest, X12_ConnectionsOverTheLimitAreClosed) {
  Serve(Echo, {.connections_max = 2});
  Client first(port_);
  first.Send(FrameOf("x"));
  EXPECT_EQ(first.Receive(), "x");
  {
    Client second(port_);
    second.Send(FrameOf("y"));
    EXPECT_EQ(second.Receive(), "y");
    Client third(port_);
    EXPECT_EQ(third.Receive(), "<closed>");
  }
  // A closed one makes room.
  WaitUntil([&] { return server_->CurrentTraffic().connections_open == 1; });
  Settle();
  Client fourth(port_);
  fourth.Send(FrameOf("z"));
  EXPECT_EQ(fourth.Receive(), "z");
}

TEST_F(ServerTest, HalfOpenClientGetsItsAnswersBeforeTheEnd) {
  std::promise<Request> promise;
  Serve([&](ConnectionInfo&, Request request) { promise.set_value(std::move(request)); });
  Client client(port_);
  client.Send(FrameOf("slow"));
  Request held = promise.get_future().get();
  client.socket().shutdown(tcp::socket::shutdown_send);
  Settle();
  held.responder.Send(FramedChunks("answer"));
  EXPECT_EQ(client.Receive(), "answer");
  EXPECT_EQ(client.Receive(), "<closed>");
}

TEST_F(ServerTest, BackpressureStopsTakingRequestsUntilAnswersLeave) {
  std::vector<Request> held;
  bool hold = true;
  Serve(
      [&](ConnectionInfo& connection, Request request) {
        if (!hold) return Echo(connection, std::move(request));
        held.push_back(std::move(request));
      },
      {.requests_in_flight_max = 4}, 1);
  Client client(port_);
  std::string burst;
  for (int i = 0; i < 20; ++i) burst += FrameOf(std::to_string(i));
  client.Send(burst);
  WaitUntil([&] { return sink_->requests.load() >= 4; });
  Settle();
  EXPECT_EQ(sink_->requests.load(), 4);
  shards_->at(0).Post([&] {
    hold = false;
    for (Request& request : held) {
      request.responder.Send(FramedChunks(std::string(request.frame.view())));
    }
  });
  for (int i = 0; i < 20; ++i) EXPECT_EQ(client.Receive(), std::to_string(i));
  Settle();
}

TEST_F(ServerTest, X13_ConnectionStoppedInsideAFrameIsClosed) {
  Serve(Echo, {.half_frame_ms_max = 50});
  Client client(port_);
  client.Send(FrameOf("whole") + std::string("\0\0", 2));
  EXPECT_EQ(client.Receive(), "whole");
  EXPECT_EQ(client.Receive(), "<closed>");
}

TEST_F(ServerTest, IdleConnectionIsClosed) {
  Serve(Echo, {.idle_ms_max = 50});
  Client client(port_);
  EXPECT_EQ(client.Receive(), "<closed>");
}

TEST_F(ServerTest, BytesInFlightComeBackToZero) {
  Serve(Echo);
  {
    Client client(port_);
    client.Send(FrameOf(std::string(100'000, 'q')));
    client.Receive();
  }
  WaitUntil([&] { return server_->CurrentTraffic().connections_open == 0; });
  EXPECT_EQ(server_->CurrentTraffic().bytes_in_flight, 0);
}

TEST_F(ServerTest, PortInUseIsAnError) {
  Serve(Echo);
  const auto again = server_->Listen(*ParseListener("127.0.0.1:" + std::to_string(port_), "TEST"));
  ASSERT_FALSE(again.has_value());
  EXPECT_NE(again.error().message.find(std::to_string(port_)), std::string::npos);
}

TEST(InFlightBudget, WaiterIsToldOnceWhenThereIsRoom) {
  int told = 0;
  InFlightBudget budget(100, [&] { ++told; });
  EXPECT_FALSE(budget.RegisterWaiter());
  budget.Take(150);
  EXPECT_TRUE(budget.Exhausted());
  EXPECT_TRUE(budget.RegisterWaiter());
  budget.Give(40);
  EXPECT_EQ(told, 0);
  budget.Give(40);
  EXPECT_EQ(told, 1);
  budget.Give(40);
  EXPECT_EQ(told, 1);
}

TEST(ParseListener, FormsAndFaults) {
  EXPECT_EQ(ParseListener("0.0.0.0:9092", "PLAINTEXT")->port, 9092);
  EXPECT_EQ(ParseListener("EXT://[::1]:1", "PLAINTEXT")->name, "EXT");
  EXPECT_EQ(ParseListener("EXT://[::1]:1", "PLAINTEXT")->host, "::1");
  for (const char* bad : {"", "host", "host:", ":9092", "host:70000", "://h:1", "h:9x"}) {
    EXPECT_FALSE(ParseListener(bad, "PLAINTEXT").has_value()) << bad;
  }
  EXPECT_TRUE(IsWildcardOrLoopback("127.0.1.1"));
  EXPECT_FALSE(IsWildcardOrLoopback("10.0.0.1"));
}

// Whoever waits for long withdraws what it waits for when its client has gone.
TEST_F(ServerTest, ThatThePeerHasGoneIsHeardWhileItsRequestWaits) {
  std::optional<Request> held;
  std::atomic<int> gone = 0;
  std::atomic<bool> taken = false;
  Serve(
      [&](ConnectionInfo& connection, Request request) {
        held = std::move(request);
        const PeerWatch::Id forgotten = connection.peer->WhenGone([&] { gone += 100; });
        connection.peer->Forget(forgotten);
        for (int i = 0; i < 3; ++i) connection.peer->WhenGoneOnce("name", [&] { gone += 10; });
        connection.peer->WhenGone([&] {
          ++gone;
          held->responder.SendNothing();
        });
        taken = true;
      },
      {}, 1);
  {
    Client client(port_);
    client.Send(FrameOf("join"));
    WaitUntil([&] { return taken.load(); });
    EXPECT_EQ(gone, 0);
  }
  WaitUntil([&] { return gone > 0; });
  Settle();
  EXPECT_EQ(gone, 11);
}

TEST(PeerWatch, D11_RemembersSoManyNamesAtMost) {
  PeerWatch peer;
  size_t ran = 0;
  for (size_t i = 0; i < 2 * PeerWatch::kNamedTasksMax; ++i) {
    peer.WhenGoneOnce(std::to_string(i), [&ran] { ++ran; });
  }
  peer.Gone();
  peer.Gone();
  EXPECT_EQ(ran, PeerWatch::kNamedTasksMax);
}

TEST_F(ServerTest, AStoppingServerTellsWhoeverWaits) {
  std::optional<Request> held;
  std::atomic<int> gone = 0;
  std::atomic<bool> taken = false;
  Serve(
      [&](ConnectionInfo& connection, Request request) {
        held = std::move(request);
        connection.peer->WhenGone([&] { ++gone; });
        taken = true;
      },
      {}, 1);
  Client client(port_);
  client.Send(FrameOf("join"));
  WaitUntil([&] { return taken.load(); });
  server_->CloseAll();
  WaitUntil([&] { return gone == 1; });
  held->responder.SendNothing();
}

}  // namespace
}  // namespace weir::net
