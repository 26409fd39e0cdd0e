// Client quotas (KIP-546) and SCRAM credentials (KIP-554). Fields and versions are those of the
// protocol; describe.h says how they are read. Thread rule: plain values.
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

// DescribeClientQuotas (key 48): quotas of matching entities. match_type 0 exact, 1 default, 2 any.
struct DescribeClientQuotasRequest {
  static constexpr MessageInfo kInfo{
      ApiKey::kDescribeClientQuotas, "DescribeClientQuotasRequest", {0, 1}, 1};

  struct Component {
    std::string entity_type;
    int8_t match_type = 0;
    std::optional<std::string> match{std::in_place};

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("EntityType", self.entity_type, Always());
      visit("MatchType", self.match_type, Always());
      visit("Match", self.match, Always().Nullable());
    }
    friend bool operator==(const Component&, const Component&) = default;
  };

  std::vector<Component> components;
  bool strict = false;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("Components", self.components, Always());
    visit("Strict", self.strict, Always());
  }
  friend bool operator==(const DescribeClientQuotasRequest&,
                         const DescribeClientQuotasRequest&) = default;
};

// A null entity name is the default entity.
struct DescribeClientQuotasResponse {
  static constexpr MessageInfo kInfo{
      ApiKey::kDescribeClientQuotas, "DescribeClientQuotasResponse", {0, 1}, 1};

  struct EntityPart {
    std::string entity_type;
    std::optional<std::string> entity_name{std::in_place};

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("EntityType", self.entity_type, Always());
      visit("EntityName", self.entity_name, Always().Nullable());
    }
    friend bool operator==(const EntityPart&, const EntityPart&) = default;
  };

  struct QuotaValue {
    std::string key;
    double value = 0;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Key", self.key, Always());
      visit("Value", self.value, Always());
    }
    friend bool operator==(const QuotaValue&, const QuotaValue&) = default;
  };

  struct Entry {
    std::vector<EntityPart> entity;
    std::vector<QuotaValue> values;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Entity", self.entity, Always());
      visit("Values", self.values, Always());
    }
    friend bool operator==(const Entry&, const Entry&) = default;
  };

  int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;
  std::optional<std::string> error_message{std::in_place};
  std::optional<std::vector<Entry>> entries{std::in_place};

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ThrottleTimeMs", self.throttle_time_ms, Always());
    visit("ErrorCode", self.error_code, Always());
    visit("ErrorMessage", self.error_message, Always().Nullable());
    visit("Entries", self.entries, Always().Nullable());
  }
  friend bool operator==(const DescribeClientQuotasResponse&,
                         const DescribeClientQuotasResponse&) = default;
};

// AlterClientQuotas (key 49): set or remove quotas of entities.
struct AlterClientQuotasRequest {
  static constexpr MessageInfo kInfo{
      ApiKey::kAlterClientQuotas, "AlterClientQuotasRequest", {0, 1}, 1};

  struct EntityPart {
    std::string entity_type;
    std::optional<std::string> entity_name{std::in_place};

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("EntityType", self.entity_type, Always());
      visit("EntityName", self.entity_name, Always().Nullable());
    }
    friend bool operator==(const EntityPart&, const EntityPart&) = default;
  };

  struct QuotaChange {
    std::string key;
    double value = 0;
    bool remove = false;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Key", self.key, Always());
      visit("Value", self.value, Always());
      visit("Remove", self.remove, Always());
    }
    friend bool operator==(const QuotaChange&, const QuotaChange&) = default;
  };

  struct Entry {
    std::vector<EntityPart> entity;
    std::vector<QuotaChange> ops;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Entity", self.entity, Always());
      visit("Ops", self.ops, Always());
    }
    friend bool operator==(const Entry&, const Entry&) = default;
  };

  std::vector<Entry> entries;
  bool validate_only = false;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("Entries", self.entries, Always());
    visit("ValidateOnly", self.validate_only, Always());
  }
  friend bool operator==(const AlterClientQuotasRequest&,
                         const AlterClientQuotasRequest&) = default;
};

// Results by entity.
struct AlterClientQuotasResponse {
  static constexpr MessageInfo kInfo{
      ApiKey::kAlterClientQuotas, "AlterClientQuotasResponse", {0, 1}, 1};

  struct EntityPart {
    std::string entity_type;
    std::optional<std::string> entity_name{std::in_place};

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("EntityType", self.entity_type, Always());
      visit("EntityName", self.entity_name, Always().Nullable());
    }
    friend bool operator==(const EntityPart&, const EntityPart&) = default;
  };

  struct Entry {
    ErrorCode error_code = ErrorCode::kNone;
    std::optional<std::string> error_message{std::in_place};
    std::vector<EntityPart> entity;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("ErrorCode", self.error_code, Always());
      visit("ErrorMessage", self.error_message, Always().Nullable());
      visit("Entity", self.entity, Always());
    }
    friend bool operator==(const Entry&, const Entry&) = default;
  };

  int32_t throttle_time_ms = 0;
  std::vector<Entry> entries;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ThrottleTimeMs", self.throttle_time_ms, Always());
    visit("Entries", self.entries, Always());
  }
  friend bool operator==(const AlterClientQuotasResponse&,
                         const AlterClientQuotasResponse&) = default;
};

// DescribeUserScramCredentials (key 50): mechanisms and iterations of users; null users means all.
struct DescribeUserScramCredentialsRequest {
  static constexpr MessageInfo kInfo{
      ApiKey::kDescribeUserScramCredentials, "DescribeUserScramCredentialsRequest", {0, 0}, 0};

  struct User {
    std::string name;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Name", self.name, Always());
    }
    friend bool operator==(const User&, const User&) = default;
  };

  std::optional<std::vector<User>> users{std::in_place};

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("Users", self.users, Always().Nullable());
  }
  friend bool operator==(const DescribeUserScramCredentialsRequest&,
                         const DescribeUserScramCredentialsRequest&) = default;
};

// No secret leaves the broker.
struct DescribeUserScramCredentialsResponse {
  static constexpr MessageInfo kInfo{
      ApiKey::kDescribeUserScramCredentials, "DescribeUserScramCredentialsResponse", {0, 0}, 0};

  struct CredentialInfo {
    int8_t mechanism = 0;
    int32_t iterations = 0;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Mechanism", self.mechanism, Always());
      visit("Iterations", self.iterations, Always());
    }
    friend bool operator==(const CredentialInfo&, const CredentialInfo&) = default;
  };

  struct UserResult {
    std::string user;
    ErrorCode error_code = ErrorCode::kNone;
    std::optional<std::string> error_message{std::in_place};
    std::vector<CredentialInfo> credential_infos;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("User", self.user, Always());
      visit("ErrorCode", self.error_code, Always());
      visit("ErrorMessage", self.error_message, Always().Nullable());
      visit("CredentialInfos", self.credential_infos, Always());
    }
    friend bool operator==(const UserResult&, const UserResult&) = default;
  };

  int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;
  std::optional<std::string> error_message{std::in_place};
  std::vector<UserResult> results;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ThrottleTimeMs", self.throttle_time_ms, Always());
    visit("ErrorCode", self.error_code, Always());
    visit("ErrorMessage", self.error_message, Always().Nullable());
    visit("Results", self.results, Always());
  }
  friend bool operator==(const DescribeUserScramCredentialsResponse&,
                         const DescribeUserScramCredentialsResponse&) = default;
};

// AlterUserScramCredentials (key 51): delete or upsert salted passwords. mechanism 1 SCRAM-SHA-256,
// 2 SCRAM-SHA-512.
struct AlterUserScramCredentialsRequest {
  static constexpr MessageInfo kInfo{
      ApiKey::kAlterUserScramCredentials, "AlterUserScramCredentialsRequest", {0, 0}, 0};

  struct Deletion {
    std::string name;
    int8_t mechanism = 0;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Name", self.name, Always());
      visit("Mechanism", self.mechanism, Always());
    }
    friend bool operator==(const Deletion&, const Deletion&) = default;
  };

  struct Upsertion {
    std::string name;
    int8_t mechanism = 0;
    int32_t iterations = 0;
    Bytes salt;
    Bytes salted_password;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Name", self.name, Always());
      visit("Mechanism", self.mechanism, Always());
      visit("Iterations", self.iterations, Always());
      visit("Salt", self.salt, Always());
      visit("SaltedPassword", self.salted_password, Always());
    }
    friend bool operator==(const Upsertion&, const Upsertion&) = default;
  };

  std::vector<Deletion> deletions;
  std::vector<Upsertion> upsertions;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("Deletions", self.deletions, Always());
    visit("Upsertions", self.upsertions, Always());
  }
  friend bool operator==(const AlterUserScramCredentialsRequest&,
                         const AlterUserScramCredentialsRequest&) = default;
};

// Results by user.
struct AlterUserScramCredentialsResponse {
  static constexpr MessageInfo kInfo{
      ApiKey::kAlterUserScramCredentials, "AlterUserScramCredentialsResponse", {0, 0}, 0};

  struct UserResult {
    std::string user;
    ErrorCode error_code = ErrorCode::kNone;
    std::optional<std::string> error_message{std::in_place};

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("User", self.user, Always());
      visit("ErrorCode", self.error_code, Always());
      visit("ErrorMessage", self.error_message, Always().Nullable());
    }
    friend bool operator==(const UserResult&, const UserResult&) = default;
  };

  int32_t throttle_time_ms = 0;
  std::vector<UserResult> results;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ThrottleTimeMs", self.throttle_time_ms, Always());
    visit("Results", self.results, Always());
  }
  friend bool operator==(const AlterUserScramCredentialsResponse&,
                         const AlterUserScramCredentialsResponse&) = default;
};

}  // namespace weir::wire
