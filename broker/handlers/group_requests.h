// What the handlers of group requests share: where they ask, and how Kafka's fields are told from
// the controllers'.
// Thread rule: on the call's shard.
#pragma once

#include <optional>
#include <string>

#include "broker/coordinator/group_gateways.h"
#include "broker/handlers/broker_context.h"

namespace weir::handlers {

inline coordinator::GroupGateway& GatewayOf(const Call& call) {
  return call.broker().groups->At(call.shard());
}

// Controllers say nothing where Kafka says null.
inline std::optional<std::string> NullIfEmpty(std::string text) {
  if (text.empty()) return std::nullopt;
  return text;
}

// As Java prints addresses: tools show it so.
inline std::string ClientHostOf(const net::ConnectionInfo& connection) {
  return "/" + connection.peer_host;
}

}  // namespace weir::handlers
