// Delegation tokens (KIP-48). Fields and versions are those of the protocol; DESIGN D9 and
// describe.h say how they are read. Thread rule: plain values.
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

// CreateDelegationToken (key 38): a token for the caller, or for another owner from version 3
// (KIP-373).
struct CreateDelegationTokenRequest {
  static constexpr MessageInfo kInfo{
      ApiKey::kCreateDelegationToken, "CreateDelegationTokenRequest", {1, 3}, 2};

  struct Renewer {
    std::string principal_type;
    std::string principal_name;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("PrincipalType", self.principal_type, Always());
      visit("PrincipalName", self.principal_name, Always());
    }
    friend bool operator==(const Renewer&, const Renewer&) = default;
  };

  std::optional<std::string> owner_principal_type{std::in_place};
  std::optional<std::string> owner_principal_name{std::in_place};
  std::vector<Renewer> renewers;
  int64_t max_lifetime_ms = 0;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("OwnerPrincipalType", self.owner_principal_type, Since(3).Nullable());
    visit("OwnerPrincipalName", self.owner_principal_name, Since(3).Nullable());
    visit("Renewers", self.renewers, Always());
    visit("MaxLifetimeMs", self.max_lifetime_ms, Always());
  }
  friend bool operator==(const CreateDelegationTokenRequest&,
                         const CreateDelegationTokenRequest&) = default;
};

// hmac is the secret of the token.
struct CreateDelegationTokenResponse {
  static constexpr MessageInfo kInfo{
      ApiKey::kCreateDelegationToken, "CreateDelegationTokenResponse", {1, 3}, 2};

  ErrorCode error_code = ErrorCode::kNone;
  std::string principal_type;
  std::string principal_name;
  std::string token_requester_principal_type;
  std::string token_requester_principal_name;
  int64_t issue_timestamp_ms = 0;
  int64_t expiry_timestamp_ms = 0;
  int64_t max_timestamp_ms = 0;
  std::string token_id;
  Bytes hmac;
  int32_t throttle_time_ms = 0;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ErrorCode", self.error_code, Always());
    visit("PrincipalType", self.principal_type, Always());
    visit("PrincipalName", self.principal_name, Always());
    visit("TokenRequesterPrincipalType", self.token_requester_principal_type, Since(3));
    visit("TokenRequesterPrincipalName", self.token_requester_principal_name, Since(3));
    visit("IssueTimestampMs", self.issue_timestamp_ms, Always());
    visit("ExpiryTimestampMs", self.expiry_timestamp_ms, Always());
    visit("MaxTimestampMs", self.max_timestamp_ms, Always());
    visit("TokenId", self.token_id, Always());
    visit("Hmac", self.hmac, Always());
    visit("ThrottleTimeMs", self.throttle_time_ms, Always());
  }
  friend bool operator==(const CreateDelegationTokenResponse&,
                         const CreateDelegationTokenResponse&) = default;
};

// RenewDelegationToken (key 39): put off expiry.
struct RenewDelegationTokenRequest {
  static constexpr MessageInfo kInfo{
      ApiKey::kRenewDelegationToken, "RenewDelegationTokenRequest", {1, 2}, 2};

  Bytes hmac;
  int64_t renew_period_ms = 0;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("Hmac", self.hmac, Always());
    visit("RenewPeriodMs", self.renew_period_ms, Always());
  }
  friend bool operator==(const RenewDelegationTokenRequest&,
                         const RenewDelegationTokenRequest&) = default;
};

// The new expiry.
struct RenewDelegationTokenResponse {
  static constexpr MessageInfo kInfo{
      ApiKey::kRenewDelegationToken, "RenewDelegationTokenResponse", {1, 2}, 2};

  ErrorCode error_code = ErrorCode::kNone;
  int64_t expiry_timestamp_ms = 0;
  int32_t throttle_time_ms = 0;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ErrorCode", self.error_code, Always());
    visit("ExpiryTimestampMs", self.expiry_timestamp_ms, Always());
    visit("ThrottleTimeMs", self.throttle_time_ms, Always());
  }
  friend bool operator==(const RenewDelegationTokenResponse&,
                         const RenewDelegationTokenResponse&) = default;
};

// ExpireDelegationToken (key 40): bring expiry forward, or end the token at once.
struct ExpireDelegationTokenRequest {
  static constexpr MessageInfo kInfo{
      ApiKey::kExpireDelegationToken, "ExpireDelegationTokenRequest", {1, 2}, 2};

  Bytes hmac;
  int64_t expiry_time_period_ms = 0;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("Hmac", self.hmac, Always());
    visit("ExpiryTimePeriodMs", self.expiry_time_period_ms, Always());
  }
  friend bool operator==(const ExpireDelegationTokenRequest&,
                         const ExpireDelegationTokenRequest&) = default;
};

// The new expiry.
struct ExpireDelegationTokenResponse {
  static constexpr MessageInfo kInfo{
      ApiKey::kExpireDelegationToken, "ExpireDelegationTokenResponse", {1, 2}, 2};

  ErrorCode error_code = ErrorCode::kNone;
  int64_t expiry_timestamp_ms = 0;
  int32_t throttle_time_ms = 0;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ErrorCode", self.error_code, Always());
    visit("ExpiryTimestampMs", self.expiry_timestamp_ms, Always());
    visit("ThrottleTimeMs", self.throttle_time_ms, Always());
  }
  friend bool operator==(const ExpireDelegationTokenResponse&,
                         const ExpireDelegationTokenResponse&) = default;
};

// DescribeDelegationToken (key 41): tokens of owners; null owners means all.
struct DescribeDelegationTokenRequest {
  static constexpr MessageInfo kInfo{
      ApiKey::kDescribeDelegationToken, "DescribeDelegationTokenRequest", {1, 3}, 2};

  struct Owner {
    std::string principal_type;
    std::string principal_name;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("PrincipalType", self.principal_type, Always());
      visit("PrincipalName", self.principal_name, Always());
    }
    friend bool operator==(const Owner&, const Owner&) = default;
  };

  std::optional<std::vector<Owner>> owners{std::in_place};

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("Owners", self.owners, Always().Nullable());
  }
  friend bool operator==(const DescribeDelegationTokenRequest&,
                         const DescribeDelegationTokenRequest&) = default;
};

// Tokens with their renewers.
struct DescribeDelegationTokenResponse {
  static constexpr MessageInfo kInfo{
      ApiKey::kDescribeDelegationToken, "DescribeDelegationTokenResponse", {1, 3}, 2};

  struct Renewer {
    std::string principal_type;
    std::string principal_name;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("PrincipalType", self.principal_type, Always());
      visit("PrincipalName", self.principal_name, Always());
    }
    friend bool operator==(const Renewer&, const Renewer&) = default;
  };

  struct Token {
    std::string principal_type;
    std::string principal_name;
    std::string token_requester_principal_type;
    std::string token_requester_principal_name;
    int64_t issue_timestamp = 0;
    int64_t expiry_timestamp = 0;
    int64_t max_timestamp = 0;
    std::string token_id;
    Bytes hmac;
    std::vector<Renewer> renewers;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("PrincipalType", self.principal_type, Always());
      visit("PrincipalName", self.principal_name, Always());
      visit("TokenRequesterPrincipalType", self.token_requester_principal_type, Since(3));
      visit("TokenRequesterPrincipalName", self.token_requester_principal_name, Since(3));
      visit("IssueTimestamp", self.issue_timestamp, Always());
      visit("ExpiryTimestamp", self.expiry_timestamp, Always());
      visit("MaxTimestamp", self.max_timestamp, Always());
      visit("TokenId", self.token_id, Always());
      visit("Hmac", self.hmac, Always());
      visit("Renewers", self.renewers, Always());
    }
    friend bool operator==(const Token&, const Token&) = default;
  };

  ErrorCode error_code = ErrorCode::kNone;
  std::vector<Token> tokens;
  int32_t throttle_time_ms = 0;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ErrorCode", self.error_code, Always());
    visit("Tokens", self.tokens, Always());
    visit("ThrottleTimeMs", self.throttle_time_ms, Always());
  }
  friend bool operator==(const DescribeDelegationTokenResponse&,
                         const DescribeDelegationTokenResponse&) = default;
};

}  // namespace weir::wire
