// SASL authentication. Fields and versions are those of the protocol; describe.h says
// how they are read. Thread rule: plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/wire/describe.h"
#include "broker/wire/field_types.h"
#include "common/base/error_code.h"

namespace weir::wire {

// SaslHandshake (key 17): chooses a mechanism (KIP-43).
struct SaslHandshakeRequest {
  static constexpr MessageInfo kInfo{
      ApiKey::kSaslHandshake, "SaslHandshakeRequest", {0, 1}, kNeverFlexible};

  std::string mechanism;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("Mechanism", self.mechanism, Always());
  }
  friend bool operator==(const SaslHandshakeRequest&, const SaslHandshakeRequest&) = default;
};

// The mechanisms that the broker has enabled.
struct SaslHandshakeResponse {
  static constexpr MessageInfo kInfo{
      ApiKey::kSaslHandshake, "SaslHandshakeResponse", {0, 1}, kNeverFlexible};

  ErrorCode error_code = ErrorCode::kNone;
  std::vector<std::string> mechanisms;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ErrorCode", self.error_code, Always());
    visit("Mechanisms", self.mechanisms, Always());
  }
  friend bool operator==(const SaslHandshakeResponse&, const SaslHandshakeResponse&) = default;
};

// SaslAuthenticate (key 36): one step of the mechanism's exchange (KIP-152).
struct SaslAuthenticateRequest {
  static constexpr MessageInfo kInfo{
      ApiKey::kSaslAuthenticate, "SaslAuthenticateRequest", {0, 2}, 2};

  Bytes auth_bytes;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("AuthBytes", self.auth_bytes, Always());
  }
  friend bool operator==(const SaslAuthenticateRequest&, const SaslAuthenticateRequest&) = default;
};

// session_lifetime_ms asks for re-authentication (KIP-368).
struct SaslAuthenticateResponse {
  static constexpr MessageInfo kInfo{
      ApiKey::kSaslAuthenticate, "SaslAuthenticateResponse", {0, 2}, 2};

  ErrorCode error_code = ErrorCode::kNone;
  std::optional<std::string> error_message{std::in_place};
  Bytes auth_bytes;
  int64_t session_lifetime_ms = 0;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ErrorCode", self.error_code, Always());
    visit("ErrorMessage", self.error_message, Always().Nullable());
    visit("AuthBytes", self.auth_bytes, Always());
    visit("SessionLifetimeMs", self.session_lifetime_ms, Since(1));
  }
  friend bool operator==(const SaslAuthenticateResponse&,
                         const SaslAuthenticateResponse&) = default;
};

}  // namespace weir::wire
