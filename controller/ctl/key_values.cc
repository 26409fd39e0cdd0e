#include "controller/ctl/key_values.h"

namespace weir::ctl {

Result<std::pair<std::string, std::string>> ParseKeyValue(const std::string& text) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0)
    return Fail(ErrorCode::kInvalidRequest, "\"" + text + "\": KEY=VALUE is expected");
  return std::pair{text.substr(0, equals), text.substr(equals + 1)};
}

}  // namespace weir::ctl
