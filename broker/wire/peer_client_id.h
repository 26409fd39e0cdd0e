// The client id by which brokers know one another's requests. Thread rule: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "common/base/ids.h"

namespace weir::wire {

inline constexpr std::string_view kPeerClientIdPrefix = "broker-";

inline std::string PeerClientId(NodeId broker) {
  return std::string(kPeerClientIdPrefix) + ToString(broker);
}
inline bool IsPeerClientId(std::string_view client_id) {
  return client_id.starts_with(kPeerClientIdPrefix);
}

}  // namespace weir::wire
