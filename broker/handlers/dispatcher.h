// Dispatcher: from a frame to its handler.
//
// Laws:
//  1. An API or version that is not served, or a header that cannot be read, closes the
//     connection with one log line; ApiVersions alone answers versions it does not know
//     (KIP-511).
//  2. Requests of one connection reach their handlers in order of arrival.
// Thread rule: the connection's shard.
#pragma once

#include "broker/handlers/broker_context.h"
#include "broker/handlers/registry.h"
#include "broker/net/request.h"

namespace weir::handlers {

class Dispatcher : public net::RequestSink {
 public:
  // Both outlive the dispatcher.
  Dispatcher(const BrokerContext& broker, const Registry& registry)
      : broker_(broker), registry_(registry) {}

  void OnRequest(net::ConnectionInfo& connection, net::Request request) override;

 private:
  const BrokerContext& broker_;
  const Registry& registry_;
};

}  // namespace weir::handlers
