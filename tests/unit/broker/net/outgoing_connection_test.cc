// TcpDialer against a real socket: frames there and back, and every way a connection ends.
#include "broker/net/outgoing_connection.h"

#include <gtest/gtest.h>

#include <future>

#include <asio/ip/tcp.hpp>
#include <asio/read.hpp>
#include <asio/write.hpp>

namespace weir::net {
namespace {

// Runs `task` on the shard and waits for it.
void RunOn(Shard& shard, Task task) {
  std::promise<void> done;
  shard.Post([&] {
    task();
    done.set_value();
  });
  done.get_future().wait();
}

class OutgoingConnectionTest : public testing::Test {
 protected:
  void SetUp() override { shard.Start(); }
  void TearDown() override {
    RunOn(shard, [&] { connection = nullptr; });
    shard.Stop();
  }

  void Dial(const std::string& host, uint16_t port) {
    RunOn(shard, [&, host, port] {
      FrameEvents events;
      events.on_open = [&] { opened.set_value(); };
      events.on_frame = [&](SharedBytes frame) {
        received += std::string(frame.view()) + ";";
        if (received.size() >= wanted_bytes) got_all.set_value();
      };
      events.on_close = [&](const std::string& reason) { closed.set_value(reason); };
      connection = dialer.Dial(host, port, std::move(events));
    });
  }

  Shard shard{0};
  TcpDialer dialer{shard, 1000};
  asio::io_context context;
  asio::ip::tcp::acceptor acceptor{context, {asio::ip::address_v4::loopback(), 0}};
  std::unique_ptr<FrameConnection> connection;
  std::promise<void> opened;
  std::promise<void> got_all;
  std::promise<std::string> closed;
  std::string received;
  size_t wanted_bytes = 0;
};

TEST_F(OutgoingConnectionTest, CarriesFramesBothWays) {
  wanted_bytes = 9;
  Dial("localhost", acceptor.local_endpoint().port());
  asio::ip::tcp::socket peer = acceptor.accept();
  opened.get_future().wait();
  RunOn(shard, [&] { connection->Send({SharedBytes::Copy("abc"), SharedBytes::Copy("def")}); });
  std::string sent(6, ' ');
  asio::read(peer, asio::buffer(sent));
  EXPECT_EQ(sent, "abcdef");
  asio::write(peer, asio::buffer(std::string("\0\0\0\3one\0\0\0\4fo", 13)));
  asio::write(peer, asio::buffer(std::string("ur")));
  got_all.get_future().wait();
  EXPECT_EQ(received, "one;four;");
  peer.close();
  EXPECT_NE(closed.get_future().get(), "");
}

TEST_F(OutgoingConnectionTest, SaysWhenNobodyListens) {
  const uint16_t port = acceptor.local_endpoint().port();
  acceptor.close();
  Dial("127.0.0.1", port);
  EXPECT_NE(closed.get_future().get().find("cannot connect"), std::string::npos);
}

TEST_F(OutgoingConnectionTest, RefusesAFrameBeyondTheLimit) {
  Dial("127.0.0.1", acceptor.local_endpoint().port());
  asio::ip::tcp::socket peer = acceptor.accept();
  asio::write(peer, asio::buffer(std::string("\0\0\xff\xff", 4)));
  EXPECT_NE(closed.get_future().get().find("limit"), std::string::npos);
}

TEST_F(OutgoingConnectionTest, IsSilentOnceDestroyed) {
  Dial("127.0.0.1", acceptor.local_endpoint().port());
  asio::ip::tcp::socket peer = acceptor.accept();
  opened.get_future().wait();
  RunOn(shard, [&] { connection = nullptr; });
  char byte;
  asio::error_code error;
  asio::read(peer, asio::buffer(&byte, 1), error);
  EXPECT_EQ(error, asio::error::eof) << "destroying closes";
  RunOn(shard, [] {});
  EXPECT_EQ(closed.get_future().wait_for(std::chrono::seconds(0)), std::future_status::timeout);
}

}  // namespace
}  // namespace weir::net
