// SimFrontend: what a simulated broker has between its clients and its partitions: production's
// dispatcher, handlers and group gateways, fed with frames of the simulated network.
//
// Laws:
//  1. Each request comes on a connection of its own: what one waits for holds up no other.
//  2. Answers to what a life was asked die with it.
// Thread rule: one thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "broker/coordinator/group_gateways.h"
#include "broker/coordinator/peer_links.h"
#include "broker/handlers/dispatcher.h"
#include "broker/handlers/registry.h"
#include "broker/metadata/broker_core.h"
#include "common/runtime/metrics.h"

namespace weir::sim {

// A frame's bytes after its size, in a buffer of their own, as the receiver's would be.
inline SharedBytes WithoutSize(wire::Frame frame) {
  const SharedBytes whole = frame.Flatten();
  return whole.Slice(wire::kFrameSizeBytes, whole.size() - wire::kFrameSizeBytes);
}

class SimFrontend : private net::AnswerSink {
 public:
  // Without its size; nullopt: the connection was closed instead.
  using Answered = std::function<void(std::optional<SharedBytes>)>;

  explicit SimFrontend(NodeId id);

  // One life. All outlive Close.
  void Open(broker::BrokerCore& core, std::shared_ptr<Executor> metadata, Executor& shard,
            FrameDialer& dialer, broker::ControllerPort& controllers, broker::GroupPort& groups,
            uint64_t seed);
  // What is not answered yet is dropped, and what waits for its client is withdrawn: nothing of
  // this life is left in the hands of clients.
  void DropAnswers();
  void Close() {
    links_.reset();
    gateways_.reset();
  }

  // On the shard. `frame`: without its size.
  void Serve(SharedBytes frame, std::shared_ptr<net::PeerWatch> peer, Answered answered);

 private:
  void Complete(net::ConnectionId id, uint64_t sequence, net::Answer answer) override;

  runtime::Metrics metrics_;
  const handlers::Registry registry_ = handlers::MakeRegistry();
  handlers::ApiMetrics api_metrics_{metrics_, registry_};
  handlers::BrokerContext context_;
  handlers::Dispatcher dispatcher_{context_, registry_};
  std::unique_ptr<coordinator::BrokerStanding> standing_;
  std::unique_ptr<coordinator::GroupGateways> gateways_;
  std::unique_ptr<coordinator::PeerLinks> links_;
  net::ConnectionId last_connection_ = 0;
  struct Waiting {
    Answered answered;
    std::shared_ptr<net::PeerWatch> peer;
  };
  std::map<net::ConnectionId, Waiting> waiting_;
};

}  // namespace weir::sim
