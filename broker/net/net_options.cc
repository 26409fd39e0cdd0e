#include "broker/net/net_options.h"

#include <charconv>

namespace weir::net {

Result<ListenerSpec> ParseListener(std::string_view text, std::string_view name) {
  ListenerSpec spec;
  spec.name = name;
  const std::string whole(text);
  if (const size_t at = text.find("://"); at != std::string_view::npos) {
    spec.name = text.substr(0, at);
    text.remove_prefix(at + 3);
  }
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || spec.name.empty()) {
    return Fail(ErrorCode::kInvalidConfig, "'" + whole + "' is not [NAME://]HOST:PORT");
  }
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), spec.port);
  if (error != std::errc() || end != port.data() + port.size() || host.empty()) {
    return Fail(ErrorCode::kInvalidConfig, "'" + whole + "' is not [NAME://]HOST:PORT");
  }
  spec.host = host;
  return spec;
}

bool IsWildcardOrLoopback(std::string_view host) {
  return host == "0.0.0.0" || host == "::" || host == "::1" || host == "localhost" ||
         host.substr(0, 4) == "127.";
}

}  // namespace weir::net
