// ApiVersions (key 18): what this broker serves, from the registry, and the features that clients
// and tools look for. What is not named is at level 0.
#include "broker/wire/messages/api_versions.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "broker/handlers/handlers.h"
#include "broker/handlers/registry.h"

namespace weir::handlers {
namespace {

using wire::ApiVersionsRequest;
using wire::ApiVersionsResponse;

// KIP-511: letters, digits, dots and dashes, beginning and ending with a letter or digit.
bool IsValidSoftwareName(std::string_view name) {
  const auto is_alphanumeric = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  if (name.empty() || !is_alphanumeric(name.front()) || !is_alphanumeric(name.back())) return false;
  return std::all_of(name.begin(), name.end(),
                     [&](char c) { return is_alphanumeric(c) || c == '-' || c == '.'; });
}

// Groups of the consumer protocol (KIP-848) are served at level 1, and always on.
constexpr std::string_view kGroupVersion = "group.version";
constexpr int16_t kGroupVersionLevel = 1;
// Clients before refuse a minimum of 0 (KAFKA-17492).
constexpr int16_t kFirstVersionWithMinimumZero = 4;
constexpr int16_t kFirstVersionWithFeatures = 3;

void AddFeatures(int16_t version, LogIndex metadata_offset, ApiVersionsResponse& response) {
  response.finalized_features_epoch = static_cast<int64_t>(metadata_offset.value());
  response.finalized_features.push_back({.name = std::string(kGroupVersion),
                                         .max_version_level = kGroupVersionLevel,
                                         .min_version_level = kGroupVersionLevel});
  if (version < kFirstVersionWithMinimumZero) return;
  response.supported_features.push_back(
      {.name = std::string(kGroupVersion), .min_version = 0, .max_version = kGroupVersionLevel});
}

ApiVersionsResponse Advertise(const Registry& registry) {
  ApiVersionsResponse response;
  for (const ApiHandler& handler : registry.handlers()) {
    response.api_keys.push_back({.api_key = static_cast<int16_t>(handler.key),
                                 .min_version = handler.FirstAdvertised(),
                                 .max_version = handler.versions.last});
  }
  return response;
}

void Handle(Call call, net::ConnectionInfo& connection, ApiVersionsRequest request) {
  if (call.version() >= 3) {
    if (!IsValidSoftwareName(request.client_software_name) ||
        !IsValidSoftwareName(request.client_software_version)) {
      ApiVersionsResponse response;
      response.error_code = ErrorCode::kInvalidRequest;
      return call.Reply(response);
    }
    connection.client_software_name = std::move(request.client_software_name);
    connection.client_software_version = std::move(request.client_software_version);
  }
  ApiVersionsResponse response = Advertise(*call.broker().registry);
  if (call.version() >= kFirstVersionWithFeatures) {
    AddFeatures(call.version(), call.image().offset(), response);
  }
  call.Reply(response);
}

}  // namespace

void HandleApiVersions(Call call, net::ConnectionInfo& connection) {
  DecodeThen<ApiVersionsRequest, Handle>(std::move(call), connection);
}

void RefuseApiVersions(Call call) {
  const ApiHandler* own =
      call.broker().registry->Find(static_cast<int16_t>(wire::ApiKey::kApiVersions));
  ApiVersionsResponse response;
  response.error_code = ErrorCode::kUnsupportedVersion;
  response.api_keys.push_back({.api_key = static_cast<int16_t>(own->key),
                               .min_version = own->versions.first,
                               .max_version = own->versions.last});
  call.ReplyAs(0, response);
}

}  // namespace weir::handlers
