#include "broker/net/connection_table.h"

#include <utility>

#include "broker/net/connection.h"
#include "common/base/check.h"

namespace weir::net {
namespace {

constexpr Duration kSweepInterval = std::chrono::seconds(1);
// The shard's index stands in the top bits, so that ids are unique over the broker.
constexpr int kIdShardShift = 48;

}  // namespace

ConnectionTable::ConnectionTable(Shard& shard, const NetOptions& options, RequestSink& sink,
                                 InFlightBudget& budget,
                                 std::function<void(const std::string&)> on_closed)
    : shard_(shard),
      options_(options),
      sink_(sink),
      budget_(budget),
      on_closed_(std::move(on_closed)),
      next_id_((static_cast<ConnectionId>(shard.index()) << kIdShardShift) + 1) {}

ConnectionTable::~ConnectionTable() = default;

Connection* ConnectionTable::Find(ConnectionId id) {
  const auto found = connections_.find(id);
  return found == connections_.end() ? nullptr : found->second.get();
}

void ConnectionTable::Adopt(asio::ip::tcp::socket socket, const asio::ip::tcp::endpoint& peer,
                            const ListenerSpec& listener) {
  ConnectionInfo info;
  info.id = next_id_++;
  info.shard = shard_.index();
  info.listener = &listener;
  info.peer_host = peer.address().to_string();
  info.peer_port = peer.port();
  asio::error_code error;
  const auto local = socket.local_endpoint(error);
  if (error || closed_) return on_closed_(info.peer_host);
  info.local_host = local.address().to_string();
  info.local_port = local.port();
  const ConnectionId id = info.id;
  auto connection = std::make_unique<Connection>(*this, std::move(socket), std::move(info));
  Connection& started = *connection;
  connections_.emplace(id, std::move(connection));
  counters_.connections_open.fetch_add(1, std::memory_order_relaxed);
  counters_.connections_accepted.fetch_add(1, std::memory_order_relaxed);
  started.Start();
  StartSweep();
}

void ConnectionTable::Complete(ConnectionId id, uint64_t sequence, Answer answer) {
  if (!shard_.IsCurrentThread()) {
    shard_.Post([this, id, sequence, answer = std::move(answer)]() mutable {
      if (Connection* connection = Find(id)) connection->Complete(sequence, std::move(answer));
    });
    return;
  }
  if (Connection* connection = Find(id)) connection->Complete(sequence, std::move(answer));
}

void ConnectionTable::FlushLater(ConnectionId id) {
  dirty_.push_back(id);
  if (dirty_.size() == 1) shard_.AtEndOfRound([this] { FlushDirty(); });
}

void ConnectionTable::FlushDirty() {
  const std::vector<ConnectionId> dirty = std::exchange(dirty_, {});
  for (const ConnectionId id : dirty) {
    if (Connection* connection = Find(id)) connection->Flush();
  }
}

void ConnectionTable::ResumeWaiting() {
  shard_.Post([this] {
    const std::vector<ConnectionId> waiting = std::exchange(waiting_, {});
    for (const ConnectionId id : waiting) {
      if (Connection* connection = Find(id)) connection->Resume();
    }
  });
}

void ConnectionTable::Retire(ConnectionId id) {
  shard_.AtEndOfRound([this, id] {
    const auto found = connections_.find(id);
    if (found == connections_.end()) return;
    on_closed_(found->second->info().peer_host);
    connections_.erase(found);
    counters_.connections_open.fetch_sub(1, std::memory_order_relaxed);
  });
}

void ConnectionTable::CloseAll() {
  closed_ = true;
  for (const auto& [id, connection] : connections_) connection->Close("broker stops");
}

void ConnectionTable::StartSweep() {
  if (sweeping_ || connections_.empty()) return;
  sweeping_ = true;
  shard_.PostAt(shard_.Now() + kSweepInterval, [this] { Sweep(); });
}

void ConnectionTable::Sweep() {
  sweeping_ = false;
  const MonoTime now = shard_.Now();
  for (const auto& [id, connection] : connections_) connection->CheckIdle(now);
  StartSweep();
}

}  // namespace weir::net
