// The headers in front of every request and response. Fields and versions are those of the
// protocol; describe.h says how they are read. Thread rule: plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "broker/wire/describe.h"

namespace weir::wire {

// Leads every request. Version 2 (flexible, KIP-482) keeps the client id an int16 string, so that a
// broker can read it before it knows the version.
struct RequestHeader {
  static constexpr MessageInfo kInfo{ApiKey::kNone, "RequestHeader", {1, 2}, 2};

  int16_t request_api_key = 0;
  int16_t request_api_version = 0;
  int32_t correlation_id = 0;
  std::optional<std::string> client_id{std::in_place};

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("RequestApiKey", self.request_api_key, Always());
    visit("RequestApiVersion", self.request_api_version, Always());
    visit("CorrelationId", self.correlation_id, Always());
    visit("ClientId", self.client_id, Always().Nullable().AlwaysPlain());
  }
  friend bool operator==(const RequestHeader&, const RequestHeader&) = default;
};

// Leads every response; the correlation id is the request's.
struct ResponseHeader {
  static constexpr MessageInfo kInfo{ApiKey::kNone, "ResponseHeader", {0, 1}, 1};

  int32_t correlation_id = 0;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("CorrelationId", self.correlation_id, Always());
  }
  friend bool operator==(const ResponseHeader&, const ResponseHeader&) = default;
};

}  // namespace weir::wire
