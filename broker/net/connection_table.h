// ConnectionTable: the connections of one shard. Everything that happens later finds its connection
// here by id, so that nothing keeps a closed connection alive.
//
// Laws:
//  1. Ids are never reused while the process lives; what arrives for a closed connection is
//     dropped.
//  2. A connection is destroyed only between rounds of the loop, never under its own feet.
// Thread rule: the shard's thread; Complete and ResumeWaiting may be called from any.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include <asio/ip/tcp.hpp>

#include "broker/net/in_flight_budget.h"
#include "broker/net/net_options.h"
#include "broker/net/request.h"
#include "broker/net/shard.h"

namespace weir::net {

class Connection;

// Bytes and counts over the life of one shard, for /metrics.
struct TrafficCounters {
  std::atomic<int64_t> connections_open = 0;
  std::atomic<int64_t> connections_accepted = 0;
  std::atomic<int64_t> bytes_received = 0;
  std::atomic<int64_t> bytes_sent = 0;
};

class ConnectionTable : public AnswerSink {
 public:
  // `on_closed` gets the peer's host of every connection that has ended.
  ConnectionTable(Shard& shard, const NetOptions& options, RequestSink& sink,
                  InFlightBudget& budget, std::function<void(const std::string&)> on_closed);
  ~ConnectionTable() override;

  // Starts to serve `socket`, which belongs to this shard's io_context and whose other end is
  // `peer`.
  void Adopt(asio::ip::tcp::socket socket, const asio::ip::tcp::endpoint& peer,
             const ListenerSpec& listener);
  void Complete(ConnectionId id, uint64_t sequence, Answer answer) override;
  // The budget has room again: connections that wait for it read on.
  void ResumeWaiting();
  // Closes every connection at once, and the ones that come later.
  void CloseAll();

  size_t size() const { return connections_.size(); }
  const TrafficCounters& counters() const { return counters_; }

 private:
  friend class Connection;

  Connection* Find(ConnectionId id);
  // Flush this connection's answers at the end of the round.
  void FlushLater(ConnectionId id);
  void FlushDirty();
  void WaitForBudget(ConnectionId id) { waiting_.push_back(id); }
  // Destroys the connection between rounds.
  void Retire(ConnectionId id);
  void StartSweep();
  void Sweep();

  Shard& shard_;
  const NetOptions& options_;
  RequestSink& sink_;
  InFlightBudget& budget_;
  std::function<void(const std::string&)> on_closed_;
  std::unordered_map<ConnectionId, std::unique_ptr<Connection>> connections_;
  ConnectionId next_id_;
  std::vector<ConnectionId> dirty_;
  std::vector<ConnectionId> waiting_;
  bool sweeping_ = false;
  bool closed_ = false;
  TrafficCounters counters_;
};

}  // namespace weir::net
