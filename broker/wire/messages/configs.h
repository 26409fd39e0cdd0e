// Reading and changing dynamic configuration. Fields and versions are those of the protocol; DESIGN
// D9 and describe.h say how they are read. Thread rule: plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/wire/describe.h"
#include "common/base/error_code.h"

namespace weir::wire {

// DescribeConfigs (key 32): values with source and synonyms (KIP-226, KIP-569). Null keys mean all.
struct DescribeConfigsRequest {
  static constexpr MessageInfo kInfo{ApiKey::kDescribeConfigs, "DescribeConfigsRequest", {1, 4}, 4};

  struct Resource {
    int8_t resource_type = 0;
    std::string resource_name;
    std::optional<std::vector<std::string>> configuration_keys{std::in_place};

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("ResourceType", self.resource_type, Always());
      visit("ResourceName", self.resource_name, Always());
      visit("ConfigurationKeys", self.configuration_keys, Always().Nullable());
    }
    friend bool operator==(const Resource&, const Resource&) = default;
  };

  std::vector<Resource> resources;
  bool include_synonyms = false;
  bool include_documentation = false;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("Resources", self.resources, Always());
    visit("IncludeSynonyms", self.include_synonyms, Always());
    visit("IncludeDocumentation", self.include_documentation, Since(3));
  }
  friend bool operator==(const DescribeConfigsRequest&, const DescribeConfigsRequest&) = default;
};

// config_source and config_type are the numbers of ConfigEntry in the protocol.
struct DescribeConfigsResponse {
  static constexpr MessageInfo kInfo{
      ApiKey::kDescribeConfigs, "DescribeConfigsResponse", {1, 4}, 4};

  struct Synonym {
    std::string name;
    std::optional<std::string> value{std::in_place};
    int8_t source = 0;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Name", self.name, Always());
      visit("Value", self.value, Always().Nullable());
      visit("Source", self.source, Always());
    }
    friend bool operator==(const Synonym&, const Synonym&) = default;
  };

  struct Config {
    std::string name;
    std::optional<std::string> value{std::in_place};
    bool read_only = false;
    int8_t config_source = -1;
    bool is_sensitive = false;
    std::vector<Synonym> synonyms;
    int8_t config_type = 0;
    std::optional<std::string> documentation{std::in_place};

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Name", self.name, Always());
      visit("Value", self.value, Always().Nullable());
      visit("ReadOnly", self.read_only, Always());
      visit("ConfigSource", self.config_source, Always());
      visit("IsSensitive", self.is_sensitive, Always());
      visit("Synonyms", self.synonyms, Always());
      visit("ConfigType", self.config_type, Since(3));
      visit("Documentation", self.documentation, Since(3).Nullable());
    }
    friend bool operator==(const Config&, const Config&) = default;
  };

  struct ResourceResult {
    ErrorCode error_code = ErrorCode::kNone;
    std::optional<std::string> error_message{std::in_place};
    int8_t resource_type = 0;
    std::string resource_name;
    std::vector<Config> configs;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("ErrorCode", self.error_code, Always());
      visit("ErrorMessage", self.error_message, Always().Nullable());
      visit("ResourceType", self.resource_type, Always());
      visit("ResourceName", self.resource_name, Always());
      visit("Configs", self.configs, Always());
    }
    friend bool operator==(const ResourceResult&, const ResourceResult&) = default;
  };

  int32_t throttle_time_ms = 0;
  std::vector<ResourceResult> results;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ThrottleTimeMs", self.throttle_time_ms, Always());
    visit("Results", self.results, Always());
  }
  friend bool operator==(const DescribeConfigsResponse&, const DescribeConfigsResponse&) = default;
};

// AlterConfigs (key 33): replaces all configuration of a resource (KIP-133); the older clients'
// way.
struct AlterConfigsRequest {
  static constexpr MessageInfo kInfo{ApiKey::kAlterConfigs, "AlterConfigsRequest", {0, 2}, 2};

  struct Config {
    std::string name;
    std::optional<std::string> value{std::in_place};

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Name", self.name, Always());
      visit("Value", self.value, Always().Nullable());
    }
    friend bool operator==(const Config&, const Config&) = default;
  };

  struct Resource {
    int8_t resource_type = 0;
    std::string resource_name;
    std::vector<Config> configs;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("ResourceType", self.resource_type, Always());
      visit("ResourceName", self.resource_name, Always());
      visit("Configs", self.configs, Always());
    }
    friend bool operator==(const Resource&, const Resource&) = default;
  };

  std::vector<Resource> resources;
  bool validate_only = false;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("Resources", self.resources, Always());
    visit("ValidateOnly", self.validate_only, Always());
  }
  friend bool operator==(const AlterConfigsRequest&, const AlterConfigsRequest&) = default;
};

// One result for each resource.
struct AlterConfigsResponse {
  static constexpr MessageInfo kInfo{ApiKey::kAlterConfigs, "AlterConfigsResponse", {0, 2}, 2};

  struct ResourceResult {
    ErrorCode error_code = ErrorCode::kNone;
    std::optional<std::string> error_message{std::in_place};
    int8_t resource_type = 0;
    std::string resource_name;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("ErrorCode", self.error_code, Always());
      visit("ErrorMessage", self.error_message, Always().Nullable());
      visit("ResourceType", self.resource_type, Always());
      visit("ResourceName", self.resource_name, Always());
    }
    friend bool operator==(const ResourceResult&, const ResourceResult&) = default;
  };

  int32_t throttle_time_ms = 0;
  std::vector<ResourceResult> responses;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ThrottleTimeMs", self.throttle_time_ms, Always());
    visit("Responses", self.responses, Always());
  }
  friend bool operator==(const AlterConfigsResponse&, const AlterConfigsResponse&) = default;
};

// IncrementalAlterConfigs (key 44): config_operation 0 set, 1 delete, 2 append, 3 subtract
// (KIP-339).
struct IncrementalAlterConfigsRequest {
  static constexpr MessageInfo kInfo{
      ApiKey::kIncrementalAlterConfigs, "IncrementalAlterConfigsRequest", {0, 1}, 1};

  struct Config {
    std::string name;
    int8_t config_operation = 0;
    std::optional<std::string> value{std::in_place};

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Name", self.name, Always());
      visit("ConfigOperation", self.config_operation, Always());
      visit("Value", self.value, Always().Nullable());
    }
    friend bool operator==(const Config&, const Config&) = default;
  };

  struct Resource {
    int8_t resource_type = 0;
    std::string resource_name;
    std::vector<Config> configs;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("ResourceType", self.resource_type, Always());
      visit("ResourceName", self.resource_name, Always());
      visit("Configs", self.configs, Always());
    }
    friend bool operator==(const Resource&, const Resource&) = default;
  };

  std::vector<Resource> resources;
  bool validate_only = false;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("Resources", self.resources, Always());
    visit("ValidateOnly", self.validate_only, Always());
  }
  friend bool operator==(const IncrementalAlterConfigsRequest&,
                         const IncrementalAlterConfigsRequest&) = default;
};

// One result for each resource.
struct IncrementalAlterConfigsResponse {
  static constexpr MessageInfo kInfo{
      ApiKey::kIncrementalAlterConfigs, "IncrementalAlterConfigsResponse", {0, 1}, 1};

  struct ResourceResult {
    ErrorCode error_code = ErrorCode::kNone;
    std::optional<std::string> error_message{std::in_place};
    int8_t resource_type = 0;
    std::string resource_name;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("ErrorCode", self.error_code, Always());
      visit("ErrorMessage", self.error_message, Always().Nullable());
      visit("ResourceType", self.resource_type, Always());
      visit("ResourceName", self.resource_name, Always());
    }
    friend bool operator==(const ResourceResult&, const ResourceResult&) = default;
  };

  int32_t throttle_time_ms = 0;
  std::vector<ResourceResult> responses;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ThrottleTimeMs", self.throttle_time_ms, Always());
    visit("Responses", self.responses, Always());
  }
  friend bool operator==(const IncrementalAlterConfigsResponse&,
                         const IncrementalAlterConfigsResponse&) = default;
};

// ListConfigResources (key 74): names of resources that have configuration (KIP-1142). Version 0
// lists client-metrics subscriptions only.
struct ListConfigResourcesRequest {
  static constexpr MessageInfo kInfo{
      ApiKey::kListConfigResources, "ListConfigResourcesRequest", {0, 1}, 0};

  std::vector<int8_t> resource_types;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ResourceTypes", self.resource_types, Since(1));
  }
  friend bool operator==(const ListConfigResourcesRequest&,
                         const ListConfigResourcesRequest&) = default;
};

// resource_type is 16 (client metrics) in version 0.
struct ListConfigResourcesResponse {
  static constexpr MessageInfo kInfo{
      ApiKey::kListConfigResources, "ListConfigResourcesResponse", {0, 1}, 0};

  struct ConfigResource {
    std::string resource_name;
    int8_t resource_type = 16;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("ResourceName", self.resource_name, Always());
      visit("ResourceType", self.resource_type, Since(1));
    }
    friend bool operator==(const ConfigResource&, const ConfigResource&) = default;
  };

  int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;
  std::vector<ConfigResource> config_resources;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ThrottleTimeMs", self.throttle_time_ms, Always());
    visit("ErrorCode", self.error_code, Always());
    visit("ConfigResources", self.config_resources, Always());
  }
  friend bool operator==(const ListConfigResourcesResponse&,
                         const ListConfigResourcesResponse&) = default;
};

}  // namespace weir::wire
