// What the broker's socket layer may be told: limits with their defaults from limits.h, and the
// listeners.
//
// Laws:
//  1. Every queue of a connection is bounded by a value here (D11).
// Thread rule: plain values, fixed before the first listener opens.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/limits.h"
#include "common/base/result.h"

namespace weir::net {

struct NetOptions {
  // Larger frames close the connection before anything is allocated for them.
  size_t frame_bytes_max = limits::kFrameBytesMax;
  // Past either of these the socket is not read until answers have left.
  size_t requests_in_flight_max = limits::kRequestsInFlightPerConnectionMax;
  size_t bytes_in_flight_max = limits::kBytesInFlightPerConnectionMax;
  size_t connections_max = limits::kConnectionsMax;
  size_t connections_per_address_max = limits::kConnectionsPerAddressMax;
  // A connection without traffic for so long is closed; one that stopped in the middle of a frame
  // earlier.
  int64_t idle_ms_max = limits::kConnectionIdleMsMax;
  int64_t half_frame_ms_max = 30'000;
};

// One socket the broker listens on. `name` is the Kafka listener name that endpoints refer to.
struct ListenerSpec {
  std::string name;
  std::string host;
  // 0: any free port, known after binding.
  uint16_t port = 0;
  // Host and port that clients are told. An empty host means "auto": the host the client itself
  // used when the listener binds a wildcard or loopback address, else the bound one (USERS 2.7).
  // Port 0: the bound one.
  std::string advertised_host;
  uint16_t advertised_port = 0;
  // Other brokers connect here, not clients.
  bool for_brokers = false;

  bool advertised_auto() const { return advertised_host.empty(); }
};

// "HOST:PORT", "[V6]:PORT" or "NAME://HOST:PORT"; `name` is used when the text has none.
// Errors: kInvalidConfig.
Result<ListenerSpec> ParseListener(std::string_view text, std::string_view name);

// Whether a bound address says nothing about where clients reach it (0.0.0.0, ::, 127.x, ::1,
// localhost).
bool IsWildcardOrLoopback(std::string_view host);

}  // namespace weir::net
