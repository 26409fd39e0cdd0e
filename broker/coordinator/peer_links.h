// PeerLinks: requests from one shard of this broker to other brokers, in a client's place: one
// connection for each of them, made when the first request asks for it.
//
//   Ask --is there a connection? no: dials--> sent, in the order of Ask --its answer--> done
//       --the deadline of any, the end of the connection, another address--> all that wait: done
//
// Laws:
//  1. `done` runs once, on the executor, never inside Ask: with the answer's frame, or with
//     nothing. Nothing says nothing about what the other broker did with the request.
//  2. Requests to one broker arrive in the order of Ask, as long as its connection lives.
//  3. A broker that does not answer in time is not asked again on that connection. One that is not
//     used is closed by the other side (connections.max.idle.ms).
//  4. Nothing here bounds what waits: a client has few requests under way (net/in_flight_budget.h).
// Thread rule: the executor's.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "broker/replica/replica_fetchers.h"
#include "broker/wire/codec.h"
#include "broker/wire/peer_client_id.h"
#include "common/base/executor.h"
#include "common/base/frame_connection.h"
#include "common/base/ids.h"

namespace weir::coordinator {

class PeerLinks {
 public:
  // A response as wire::DecodeResponse takes it.
  using Done = absl::AnyInvocable<void(std::optional<SharedBytes> frame)>;

  // What is given outlives it, and outlives what is under way.
  PeerLinks(NodeId node_id, Executor& executor, FrameDialer& dialer);
  ~PeerLinks();

  // `address`: where the broker `to` listens for others now.
  template <wire::Message Request>
  void Ask(NodeId to, const replica::PeerAddress& address, int16_t version, const Request& request,
           MonoTime deadline, Done done) {
    const int32_t id = ++last_id_;
    Send(to, address, id,
         wire::EncodeRequest(version, id, wire::PeerClientId(node_id_), request).parts, deadline,
         std::move(done));
  }

 private:
  class Link;

  void Send(NodeId to, const replica::PeerAddress& address, int32_t id,
            std::vector<SharedBytes> frame, MonoTime deadline, Done done);
  void End(NodeId to, const Link* link);

  const NodeId node_id_;
  Executor& executor_;
  FrameDialer& dialer_;
  int32_t last_id_ = 0;
  std::map<NodeId, std::unique_ptr<Link>> links_;
};

}  // namespace weir::coordinator
