// ClientCalls: requests of simulated clients to brokers' real handlers, over a network that loses,
// delays and repeats.
//
// Laws:
//  1. Each request goes on a connection of its own, and a repeated one on several. Whoever gives up
//     waiting closes them, which their brokers see a little later. Requests that go in order share
//     one to each life of a broker, until their client gives up, ends, or turns to another.
//  2. An answer counts only while its slot still waits for it: one that comes after that is lost.
//  3. A request that goes in order arrives once, and not at all after its client has given it up:
//     the consumer protocol's heartbeats have no numbers, and rely on one connection at a time.
// Thread rule: one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/net/request.h"
#include "broker/wire/codec.h"
#include "common/base/ids.h"
#include "tests/sim/cluster/sim_frontend.h"

namespace weir::sim {

class ClusterWorld;
class SimBroker;

// What a request that is under way holds of its connections.
struct ClientConnections {
  struct End {
    NodeId broker;
    uint64_t life;
    std::shared_ptr<net::PeerWatch> peer;
  };
  std::vector<End> ends;
  bool over = false;
};

// One request at a time. It outlives what is asked with it.
struct ClientSlot {
  bool in_order = false;
  // 0: none is under way.
  uint64_t asked = 0;
  int64_t waits_until_ms = 0;
  std::shared_ptr<ClientConnections> connections;
  // Of requests that go in order.
  std::optional<ClientConnections::End> kept;
};

class ClientCalls {
 public:
  explicit ClientCalls(ClusterWorld& world) : world_(world) {}

  // Whether its time is over; it is given up then.
  bool GiveUpIfLate(ClientSlot& slot);
  // Closes its connections; nobody waits for an answer any more.
  void End(ClientSlot& slot);
  // The leader of the group's committed offsets, as some broker knows it.
  NodeId OffsetsLeader(const std::string& group_id);

  // Sends what `make(number)` gives whenever a copy arrives; `take(number, response)` if the slot
  // still waits then. `number` is what `make` put there for that copy. A connection that the broker
  // closes answers nullopt.
  template <class Response, class Make, class Take>
  void Ask(ClientSlot& slot, NodeId target, int16_t version, const std::string& client_id,
           int64_t patience_ms, Make make, Take take);

 private:
  // Encodes a request when it arrives, and tells its number.
  using MakeFrame = std::function<SharedBytes(uint64_t& number)>;
  using Hear = std::function<void(uint64_t number, const std::optional<SharedBytes>& frame)>;
  void Send(ClientSlot& slot, NodeId target, int64_t patience_ms, const MakeFrame& make,
            const Hear& hear);
  // The connection that a request goes on which arrives at that broker.
  ClientConnections::End ConnectionTo(ClientSlot& slot, SimBroker& broker);
  void CloseKept(ClientSlot& slot);
  void CloseLater(const ClientConnections::End& end);
  void Unreadable(const std::string& why);

  ClusterWorld& world_;
  uint64_t last_asked_ = 0;
};

template <class Response, class Make, class Take>
void ClientCalls::Ask(ClientSlot& slot, NodeId target, int16_t version,
                      const std::string& client_id, int64_t patience_ms, Make make, Take take) {
  const auto frame_of = [make = std::move(make), version, client_id](uint64_t& number) {
    return WithoutSize(wire::EncodeRequest(version, 1, client_id, make(number)));
  };
  const auto hear = [this, take = std::move(take), version](
                        uint64_t number, const std::optional<SharedBytes>& frame) {
    if (!frame) return take(number, std::optional<Response>());
    int32_t correlation_id = 0;
    auto response = wire::DecodeResponse<Response>(*frame, version, &correlation_id);
    if (!response) return Unreadable(response.error().message);
    take(number, std::optional<Response>(*std::move(response)));
  };
  Send(slot, target, patience_ms, frame_of, hear);
}

}  // namespace weir::sim
