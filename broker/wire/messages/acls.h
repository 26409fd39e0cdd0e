// Access control lists (KIP-140). Numbers are those of ResourceType, PatternType, AclOperation and
// AclPermissionType. Fields and versions are those of the protocol; describe.h says
// how they are read. Thread rule: plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/wire/describe.h"
#include "common/base/error_code.h"

namespace weir::wire {

// DescribeAcls (key 29): bindings that match a filter; null matches anything. Patterns: KIP-290.
struct DescribeAclsRequest {
  static constexpr MessageInfo kInfo{ApiKey::kDescribeAcls, "DescribeAclsRequest", {1, 3}, 2};

  int8_t resource_type_filter = 0;
  std::optional<std::string> resource_name_filter{std::in_place};
  int8_t pattern_type_filter = 3;
  std::optional<std::string> principal_filter{std::in_place};
  std::optional<std::string> host_filter{std::in_place};
  int8_t operation = 0;
  int8_t permission_type = 0;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ResourceTypeFilter", self.resource_type_filter, Always());
    visit("ResourceNameFilter", self.resource_name_filter, Always().Nullable());
    visit("PatternTypeFilter", self.pattern_type_filter, Always());
    visit("PrincipalFilter", self.principal_filter, Always().Nullable());
    visit("HostFilter", self.host_filter, Always().Nullable());
    visit("Operation", self.operation, Always());
    visit("PermissionType", self.permission_type, Always());
  }
  friend bool operator==(const DescribeAclsRequest&, const DescribeAclsRequest&) = default;
};

// Bindings by resource.
struct DescribeAclsResponse {
  static constexpr MessageInfo kInfo{ApiKey::kDescribeAcls, "DescribeAclsResponse", {1, 3}, 2};

  struct Acl {
    std::string principal;
    std::string host;
    int8_t operation = 0;
    int8_t permission_type = 0;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Principal", self.principal, Always());
      visit("Host", self.host, Always());
      visit("Operation", self.operation, Always());
      visit("PermissionType", self.permission_type, Always());
    }
    friend bool operator==(const Acl&, const Acl&) = default;
  };

  struct Resource {
    int8_t resource_type = 0;
    std::string resource_name;
    int8_t pattern_type = 3;
    std::vector<Acl> acls;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("ResourceType", self.resource_type, Always());
      visit("ResourceName", self.resource_name, Always());
      visit("PatternType", self.pattern_type, Always());
      visit("Acls", self.acls, Always());
    }
    friend bool operator==(const Resource&, const Resource&) = default;
  };

  int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;
  std::optional<std::string> error_message{std::in_place};
  std::vector<Resource> resources;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ThrottleTimeMs", self.throttle_time_ms, Always());
    visit("ErrorCode", self.error_code, Always());
    visit("ErrorMessage", self.error_message, Always().Nullable());
    visit("Resources", self.resources, Always());
  }
  friend bool operator==(const DescribeAclsResponse&, const DescribeAclsResponse&) = default;
};

// CreateAcls (key 30): add bindings.
struct CreateAclsRequest {
  static constexpr MessageInfo kInfo{ApiKey::kCreateAcls, "CreateAclsRequest", {1, 3}, 2};

  struct AclCreation {
    int8_t resource_type = 0;
    std::string resource_name;
    int8_t resource_pattern_type = 3;
    std::string principal;
    std::string host;
    int8_t operation = 0;
    int8_t permission_type = 0;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("ResourceType", self.resource_type, Always());
      visit("ResourceName", self.resource_name, Always());
      visit("ResourcePatternType", self.resource_pattern_type, Always());
      visit("Principal", self.principal, Always());
      visit("Host", self.host, Always());
      visit("Operation", self.operation, Always());
      visit("PermissionType", self.permission_type, Always());
    }
    friend bool operator==(const AclCreation&, const AclCreation&) = default;
  };

  std::vector<AclCreation> creations;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("Creations", self.creations, Always());
  }
  friend bool operator==(const CreateAclsRequest&, const CreateAclsRequest&) = default;
};

// Results in the order of the request.
struct CreateAclsResponse {
  static constexpr MessageInfo kInfo{ApiKey::kCreateAcls, "CreateAclsResponse", {1, 3}, 2};

  struct CreationResult {
    ErrorCode error_code = ErrorCode::kNone;
    std::optional<std::string> error_message{std::in_place};

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("ErrorCode", self.error_code, Always());
      visit("ErrorMessage", self.error_message, Always().Nullable());
    }
    friend bool operator==(const CreationResult&, const CreationResult&) = default;
  };

  int32_t throttle_time_ms = 0;
  std::vector<CreationResult> results;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ThrottleTimeMs", self.throttle_time_ms, Always());
    visit("Results", self.results, Always());
  }
  friend bool operator==(const CreateAclsResponse&, const CreateAclsResponse&) = default;
};

// DeleteAcls (key 31): delete the bindings that match filters.
struct DeleteAclsRequest {
  static constexpr MessageInfo kInfo{ApiKey::kDeleteAcls, "DeleteAclsRequest", {1, 3}, 2};

  struct AclFilter {
    int8_t resource_type_filter = 0;
    std::optional<std::string> resource_name_filter{std::in_place};
    int8_t pattern_type_filter = 3;
    std::optional<std::string> principal_filter{std::in_place};
    std::optional<std::string> host_filter{std::in_place};
    int8_t operation = 0;
    int8_t permission_type = 0;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("ResourceTypeFilter", self.resource_type_filter, Always());
      visit("ResourceNameFilter", self.resource_name_filter, Always().Nullable());
      visit("PatternTypeFilter", self.pattern_type_filter, Always());
      visit("PrincipalFilter", self.principal_filter, Always().Nullable());
      visit("HostFilter", self.host_filter, Always().Nullable());
      visit("Operation", self.operation, Always());
      visit("PermissionType", self.permission_type, Always());
    }
    friend bool operator==(const AclFilter&, const AclFilter&) = default;
  };

  std::vector<AclFilter> filters;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("Filters", self.filters, Always());
  }
  friend bool operator==(const DeleteAclsRequest&, const DeleteAclsRequest&) = default;
};

// What each filter deleted, in the order of the request.
struct DeleteAclsResponse {
  static constexpr MessageInfo kInfo{ApiKey::kDeleteAcls, "DeleteAclsResponse", {1, 3}, 2};

  struct MatchingAcl {
    ErrorCode error_code = ErrorCode::kNone;
    std::optional<std::string> error_message{std::in_place};
    int8_t resource_type = 0;
    std::string resource_name;
    int8_t pattern_type = 3;
    std::string principal;
    std::string host;
    int8_t operation = 0;
    int8_t permission_type = 0;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("ErrorCode", self.error_code, Always());
      visit("ErrorMessage", self.error_message, Always().Nullable());
      visit("ResourceType", self.resource_type, Always());
      visit("ResourceName", self.resource_name, Always());
      visit("PatternType", self.pattern_type, Always());
      visit("Principal", self.principal, Always());
      visit("Host", self.host, Always());
      visit("Operation", self.operation, Always());
      visit("PermissionType", self.permission_type, Always());
    }
    friend bool operator==(const MatchingAcl&, const MatchingAcl&) = default;
  };

  struct FilterResult {
    ErrorCode error_code = ErrorCode::kNone;
    std::optional<std::string> error_message{std::in_place};
    std::vector<MatchingAcl> matching_acls;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("ErrorCode", self.error_code, Always());
      visit("ErrorMessage", self.error_message, Always().Nullable());
      visit("MatchingAcls", self.matching_acls, Always());
    }
    friend bool operator==(const FilterResult&, const FilterResult&) = default;
  };

  int32_t throttle_time_ms = 0;
  std::vector<FilterResult> filter_results;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ThrottleTimeMs", self.throttle_time_ms, Always());
    visit("FilterResults", self.filter_results, Always());
  }
  friend bool operator==(const DeleteAclsResponse&, const DeleteAclsResponse&) = default;
};

}  // namespace weir::wire
