// API versions: what a client asks first. Fields and versions are those of the protocol; DESIGN D9
// and describe.h say how they are read. Thread rule: plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "broker/wire/describe.h"
#include "common/base/error_code.h"

namespace weir::wire {

// ApiVersions (key 18): which APIs and versions the broker serves; from version 3 the client names
// its software (KIP-511).
struct ApiVersionsRequest {
  static constexpr MessageInfo kInfo{ApiKey::kApiVersions, "ApiVersionsRequest", {0, 5}, 3};

  std::string client_software_name;
  std::string client_software_version;
  std::optional<std::string> cluster_id;
  int32_t node_id = -1;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ClientSoftwareName", self.client_software_name, Since(3));
    visit("ClientSoftwareVersion", self.client_software_version, Since(3));
    visit("ClusterId", self.cluster_id, Since(5).Nullable());
    visit("NodeId", self.node_id, Since(5));
  }
  friend bool operator==(const ApiVersionsRequest&, const ApiVersionsRequest&) = default;
};

// Finalized features (KIP-584) decide what a group of brokers does; supported ones what this broker
// could do.
struct ApiVersionsResponse {
  static constexpr MessageInfo kInfo{ApiKey::kApiVersions, "ApiVersionsResponse", {0, 5}, 3};

  struct SupportedApi {
    int16_t api_key = 0;
    int16_t min_version = 0;
    int16_t max_version = 0;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("ApiKey", self.api_key, Always());
      visit("MinVersion", self.min_version, Always());
      visit("MaxVersion", self.max_version, Always());
    }
    friend bool operator==(const SupportedApi&, const SupportedApi&) = default;
  };

  struct SupportedFeature {
    std::string name;
    int16_t min_version = 0;
    int16_t max_version = 0;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Name", self.name, Always());
      visit("MinVersion", self.min_version, Always());
      visit("MaxVersion", self.max_version, Always());
    }
    friend bool operator==(const SupportedFeature&, const SupportedFeature&) = default;
  };

  struct FinalizedFeature {
    std::string name;
    int16_t max_version_level = 0;
    int16_t min_version_level = 0;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Name", self.name, Always());
      visit("MaxVersionLevel", self.max_version_level, Always());
      visit("MinVersionLevel", self.min_version_level, Always());
    }
    friend bool operator==(const FinalizedFeature&, const FinalizedFeature&) = default;
  };

  ErrorCode error_code = ErrorCode::kNone;
  std::vector<SupportedApi> api_keys;
  int32_t throttle_time_ms = 0;
  std::vector<SupportedFeature> supported_features;
  int64_t finalized_features_epoch = -1;
  std::vector<FinalizedFeature> finalized_features;
  bool zk_migration_ready = false;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ErrorCode", self.error_code, Always());
    visit("ApiKeys", self.api_keys, Always());
    visit("ThrottleTimeMs", self.throttle_time_ms, Since(1));
    visit("SupportedFeatures", self.supported_features, Since(3).Tagged(0));
    visit("FinalizedFeaturesEpoch", self.finalized_features_epoch, Since(3).Tagged(1), -1);
    visit("FinalizedFeatures", self.finalized_features, Since(3).Tagged(2));
    visit("ZkMigrationReady", self.zk_migration_ready, Since(3).Tagged(3));
  }
  friend bool operator==(const ApiVersionsResponse&, const ApiVersionsResponse&) = default;
};

}  // namespace weir::wire
