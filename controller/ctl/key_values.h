// "key=value" arguments, as --config, --set and -H take them. Thread rule: pure functions.
#pragma once

#include <string>
#include <utility>

#include "common/base/result.h"

namespace weir::ctl {

// Splits at the first '='. Errors: kInvalidRequest when there is no '=' or no key.
Result<std::pair<std::string, std::string>> ParseKeyValue(const std::string& text);

}  // namespace weir::ctl
