// BrokerLink: a client's connection to one broker, with any number of requests under way, which
// are answered in their order.
//
// Laws: (1) what goes wrong ends the run with Fatal, but an end of the connection that somebody
// asked to be told of; (2) destroying the link closes the connection, and nothing comes afterwards.
// Thread rule: the dialer's shard.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "broker/net/outgoing_connection.h"
#include "broker/wire/codec.h"
#include "tests/bench/client.h"

namespace weir::bench {

struct Endpoint {
  std::string host;
  uint16_t port = 0;

  bool operator==(const Endpoint&) const = default;
};

// Of "HOST:PORT[,...]", in order; at least one. Fatal if one of them is no HOST:PORT.
std::vector<Endpoint> Endpoints(const std::string& bootstrap);

class BrokerLink {
 public:
  // `on_close` hears why the connection could not be made, or has ended, and may destroy the link.
  BrokerLink(net::TcpDialer& dialer, Endpoint at,
             std::function<void(const std::string&)> on_close = nullptr);
  BrokerLink(const BrokerLink&) = delete;
  BrokerLink& operator=(const BrokerLink&) = delete;

  bool open() const { return open_; }

  // REQUIRES: open().
  template <wire::Message Response, wire::Message Request>
  void Send(int16_t version, const Request& request, std::function<void(Response)> done) {
    waiting_.push_back([version, done = std::move(done)](const SharedBytes& frame) {
      int32_t correlation_id = 0;
      Result<Response> response = wire::DecodeResponse<Response>(frame, version, &correlation_id);
      if (!response) Fatal(response.error().message);
      done(*std::move(response));
    });
    connection_->Send(wire::EncodeRequest(version, ++last_id_, "weir-bench", request).parts);
  }

 private:
  void OnFrame(const SharedBytes& frame);

  const Endpoint at_;
  bool open_ = false;
  int32_t last_id_ = 0;
  std::deque<std::function<void(const SharedBytes&)>> waiting_;
  std::unique_ptr<FrameConnection> connection_;
};

}  // namespace weir::bench
