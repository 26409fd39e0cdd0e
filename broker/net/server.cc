#include "broker/net/server.h"

#include <fcntl.h>
#include <unistd.h>

#include <utility>

#include <asio/ip/v6_only.hpp>

#include "common/base/check.h"
#include "common/runtime/log.h"

namespace weir::net {
namespace {

constexpr Duration kAcceptRetryInterval = std::chrono::milliseconds(100);
// Above what a broker has open besides, and below the usual limit of 1,024.
constexpr int kClientFilesFrom = 512;

Error BindError(const ListenerSpec& spec, const asio::error_code& error) {
  return {ErrorCode::kNetworkException, "cannot listen on " + spec.host + ":" +
                                            std::to_string(spec.port) + ": " + error.message()};
}

// The kernel closes the files of a process that dies in the order of their numbers. Clients ask the
// other brokers at once who leads now: those must have heard of the end before.
asio::ip::tcp::socket ClosedAfterOthers(asio::ip::tcp::socket socket) {
  const int high = ::fcntl(socket.native_handle(), F_DUPFD_CLOEXEC, kClientFilesFrom);
  if (high < 0) return socket;
  asio::error_code error;
  const auto protocol = socket.local_endpoint(error).protocol();
  asio::ip::tcp::socket moved(socket.get_executor());
  if (!error) moved.assign(protocol, high, error);
  if (error) {
    ::close(high);
    return socket;
  }
  return moved;
}

}  // namespace

Server::Server(ShardSet& shards, NetOptions options, RequestSink& sink)
    : shards_(shards), options_(options), budget_(limits::kBytesInFlightMax, [this] {
        for (const auto& table : tables_) table->ResumeWaiting();
      }) {
  for (int i = 0; i < shards.size(); ++i) {
    tables_.push_back(std::make_unique<ConnectionTable>(
        shards.at(i), options_, sink, budget_,
        [this](const std::string& host) { shards_.at(0).Post([this, host] { OnClosed(host); }); }));
  }
}

Server::~Server() = default;

Result<const ListenerSpec*> Server::Listen(ListenerSpec spec) {
  asio::io_context& context = shards_.at(0).context();
  asio::error_code error;
  asio::ip::tcp::resolver resolver(context);
  const auto found = resolver.resolve(spec.host, std::to_string(spec.port),
                                      asio::ip::tcp::resolver::passive, error);
  if (error || found.empty()) {
    return Fail(ErrorCode::kInvalidConfig,
                "cannot resolve listener host " + spec.host + ": " + error.message());
  }
  const asio::ip::tcp::endpoint endpoint = *found.begin();
  asio::ip::tcp::acceptor acceptor(context);
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!error && endpoint.address() == asio::ip::address_v6::any()) {
    acceptor.set_option(asio::ip::v6_only(false), error);
  }
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) return tl::unexpected<Error>(BindError(spec, error));
  spec.port = acceptor.local_endpoint().port();
  if (spec.advertised_port == 0) spec.advertised_port = spec.port;
  listeners_.push_back(
      std::unique_ptr<Listener>(new Listener{std::move(spec), std::move(acceptor)}));
  return &listeners_.back()->spec;
}

void Server::StartAccepting() {
  shards_.at(0).Post([this] {
    for (const auto& listener : listeners_) Accept(*listener);
  });
}

void Server::StopAccepting() {
  shards_.at(0).Post([this] {
    stopping_ = true;
    asio::error_code ignored;
    for (const auto& listener : listeners_) listener->acceptor.close(ignored);
  });
}

void Server::CloseAll() {
  for (int i = 0; i < shards_.size(); ++i) {
    shards_.at(i).Post([table = tables_[static_cast<size_t>(i)].get()] { table->CloseAll(); });
  }
}

void Server::Accept(Listener& listener) {
  if (stopping_) return;
  const size_t shard = next_shard_++ % static_cast<size_t>(shards_.size());
  listener.acceptor.async_accept(
      shards_.at(static_cast<int>(shard)).context(),
      [this, &listener, shard](const asio::error_code& error, asio::ip::tcp::socket socket) {
        if (stopping_) return;
        if (error) {
          LogWarn("net", "cannot accept", {{"reason", error.message()}});
          shards_.at(0).PostAt(shards_.at(0).Now() + kAcceptRetryInterval,
                               [this, &listener] { Accept(listener); });
          return;
        }
        OnAccepted(listener, shard, std::move(socket));
        Accept(listener);
      });
}

void Server::OnAccepted(Listener& listener, size_t shard, asio::ip::tcp::socket socket) {
  asio::error_code error;
  const auto peer = socket.remote_endpoint(error);
  if (error) return;
  const std::string host = peer.address().to_string();
  if (!Admit(host)) {
    LogWarn("net", "too many connections", {{"peer", host}, {"open", connections_}});
    return;
  }
  if (!listener.spec.for_brokers) socket = ClosedAfterOthers(std::move(socket));
  ConnectionTable* table = tables_[shard].get();
  shards_.at(static_cast<int>(shard))
      .Post([table, &listener, peer, socket = std::move(socket)]() mutable {
        table->Adopt(std::move(socket), peer, listener.spec);
      });
}

bool Server::Admit(const std::string& host) {
  if (connections_ >= options_.connections_max) return false;
  size_t& of_host = connections_by_host_[host];
  if (of_host >= options_.connections_per_address_max) return false;
  ++of_host;
  ++connections_;
  return true;
}

void Server::OnClosed(const std::string& host) {
  const auto found = connections_by_host_.find(host);
  if (found == connections_by_host_.end()) return;
  WEIR_CHECK(connections_ > 0);
  --connections_;
  if (--found->second == 0) connections_by_host_.erase(found);
}

Server::Traffic Server::CurrentTraffic() const {
  Traffic sum;
  for (const auto& table : tables_) {
    const TrafficCounters& counters = table->counters();
    sum.connections_open += counters.connections_open.load(std::memory_order_relaxed);
    sum.connections_accepted += counters.connections_accepted.load(std::memory_order_relaxed);
    sum.bytes_received += counters.bytes_received.load(std::memory_order_relaxed);
    sum.bytes_sent += counters.bytes_sent.load(std::memory_order_relaxed);
  }
  sum.bytes_in_flight = static_cast<int64_t>(budget_.bytes());
  return sum;
}

}  // namespace weir::net
