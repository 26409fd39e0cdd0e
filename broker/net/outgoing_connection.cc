#include "broker/net/outgoing_connection.h"

#include <array>
#include <utility>

#include <asio/buffer.hpp>
#include <asio/connect.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/write.hpp>

#include "broker/net/frame_reader.h"
#include "common/base/check.h"

namespace weir::net {
namespace {

// What the pending operations of the socket hold on to. Outlives its owner until they have ended.
class Link : public std::enable_shared_from_this<Link> {
 public:
  Link(asio::io_context& context, size_t frame_bytes_max, FrameEvents events)
      : socket_(context),
        resolver_(context),
        reader_(frame_bytes_max),
        events_(std::move(events)) {}

  void Open(const std::string& host, uint16_t port) {
    asio::error_code not_an_address;
    const asio::ip::address address = asio::ip::make_address(host, not_an_address);
    if (!not_an_address) {
      socket_.async_connect(
          {address, port},
          [self = shared_from_this()](const asio::error_code& error) { self->OnConnected(error); });
      return;
    }
    resolver_.async_resolve(
        host, std::to_string(port),
        [self = shared_from_this()](const asio::error_code& error, const auto& addresses) {
          if (self->closed_) return;
          if (error) return self->Fail("cannot resolve: " + error.message());
          asio::async_connect(
              self->socket_, addresses,
              [self](const asio::error_code& failed, const auto&) { self->OnConnected(failed); });
        });
  }

  void Send(std::vector<SharedBytes> parts) {
    WEIR_CHECK(open_, "nothing is sent before on_open");
    for (SharedBytes& part : parts) {
      if (!part.empty()) waiting_.push_back(std::move(part));
    }
    if (sending_.empty()) WriteOn();
  }

  // No event comes after this.
  void Close() {
    closed_ = true;
    asio::error_code ignored;
    resolver_.cancel();
    socket_.close(ignored);
  }

 private:
  void OnConnected(const asio::error_code& error) {
    if (closed_) return;
    if (error) return Fail("cannot connect: " + error.message());
    asio::error_code ignored;
    socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
    open_ = true;
    ReadOn();
    events_.on_open();
  }

  void ReadOn() {
    const FrameReader::Spans spans = reader_.PrepareRead();
    const std::array<asio::mutable_buffer, 2> buffers = {
        asio::buffer(spans[0].data, spans[0].size), asio::buffer(spans[1].data, spans[1].size)};
    socket_.async_read_some(
        buffers, [self = shared_from_this()](const asio::error_code& error, size_t bytes) {
          self->OnRead(error, bytes);
        });
  }

  void OnRead(const asio::error_code& error, size_t bytes) {
    if (closed_) return;
    if (error) return Fail(error.message());
    reader_.Commit(bytes);
    while (true) {
      Result<std::optional<SharedBytes>> frame = reader_.Next();
      if (!frame) return Fail(frame.error().message);
      if (!frame->has_value()) break;
      events_.on_frame(std::move(**frame));
      if (closed_) return;
    }
    ReadOn();
  }

  void WriteOn() {
    if (waiting_.empty()) return;
    sending_ = std::exchange(waiting_, {});
    std::vector<asio::const_buffer> buffers;
    buffers.reserve(sending_.size());
    for (const SharedBytes& part : sending_) buffers.emplace_back(part.data(), part.size());
    asio::async_write(socket_, buffers,
                      [self = shared_from_this()](const asio::error_code& error, size_t) {
                        self->sending_.clear();
                        if (self->closed_) return;
                        if (error) return self->Fail(error.message());
                        self->WriteOn();
                      });
  }

  void Fail(const std::string& reason) {
    if (closed_) return;
    Close();
    events_.on_close(reason);
  }

  asio::ip::tcp::socket socket_;
  asio::ip::tcp::resolver resolver_;
  FrameReader reader_;
  FrameEvents events_;
  std::vector<SharedBytes> waiting_;
  // What the running write refers to; empty: none runs.
  std::vector<SharedBytes> sending_;
  bool open_ = false;
  bool closed_ = false;
};

class TcpConnection : public FrameConnection {
 public:
  explicit TcpConnection(std::shared_ptr<Link> link) : link_(std::move(link)) {}
  ~TcpConnection() override { link_->Close(); }
  void Send(std::vector<SharedBytes> parts) override { link_->Send(std::move(parts)); }

 private:
  std::shared_ptr<Link> link_;
};

}  // namespace

std::unique_ptr<FrameConnection> TcpDialer::Dial(const std::string& host, uint16_t port,
                                                 FrameEvents events) {
  auto link = std::make_shared<Link>(shard_.context(), frame_bytes_max_, std::move(events));
  link->Open(host, port);
  return std::make_unique<TcpConnection>(std::move(link));
}

}  // namespace weir::net
