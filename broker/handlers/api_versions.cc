// ApiVersions (key 18): what this broker serves, from the registry. Finalized features appear once
// groups and transactions are there to be switched; until then none is named, which clients read as
// level 0.
#include "broker/wire/messages/api_versions.h"

#include <algorithm>
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
  call.Reply(Advertise(*call.broker().registry));
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
