// Server: the broker's listening sockets and, behind them, one ConnectionTable per shard.
//
// Laws:
//  1. Accepted sockets go to the shards in turn and stay there.
//  2. Over the limits on connections, in all or per address, a new one is closed at once.
//  3. Running out of file descriptors pauses accepting; it never ends it.
// Thread rule: Listen before Start, from the thread that owns the server; StopAccepting and
// CloseAll from any.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include <asio/ip/tcp.hpp>

#include "broker/net/connection_table.h"
#include "broker/net/in_flight_budget.h"
#include "broker/net/net_options.h"
#include "broker/net/shard.h"

namespace weir::net {

class Server {
 public:
  Server(ShardSet& shards, NetOptions options, RequestSink& sink);
  // REQUIRES: the shards have stopped.
  ~Server();

  // Binds. The returned spec has the real port; it lives as long as the server.
  // Errors: kInvalidConfig (host unknown), kNetworkException (address in use).
  Result<const ListenerSpec*> Listen(ListenerSpec spec);
  // Begins to accept on every bound listener.
  void StartAccepting();
  void StopAccepting();
  // Closes every connection.
  void CloseAll();

  struct Traffic {
    int64_t connections_open = 0;
    int64_t connections_accepted = 0;
    int64_t bytes_received = 0;
    int64_t bytes_sent = 0;
    int64_t bytes_in_flight = 0;
  };
  // From any thread.
  Traffic CurrentTraffic() const;

 private:
  struct Listener {
    ListenerSpec spec;
    asio::ip::tcp::acceptor acceptor;
  };

  void Accept(Listener& listener);
  void OnAccepted(Listener& listener, size_t shard, asio::ip::tcp::socket socket);
  // Counts the connection in; false when a limit forbids it.
  bool Admit(const std::string& host);
  void OnClosed(const std::string& host);

  ShardSet& shards_;
  const NetOptions options_;
  InFlightBudget budget_;
  std::vector<std::unique_ptr<ConnectionTable>> tables_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  // The rest is touched on shard 0 only.
  std::unordered_map<std::string, size_t> connections_by_host_;
  size_t connections_ = 0;
  size_t next_shard_ = 0;
  bool stopping_ = false;
};

}  // namespace weir::net
