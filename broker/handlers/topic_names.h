// Kafka's rule for topic names: 1 to 249 of a-z, A-Z, 0-9, '.', '_' and '-', and neither "." nor
// "..". Thread rule: pure.
#pragma once

#include <algorithm>
#include <string_view>

#include "common/base/limits.h"

namespace weir::handlers {

inline bool IsValidTopicName(std::string_view name) {
  if (name.empty() || name.size() > limits::kTopicNameBytesMax) return false;
  if (name == "." || name == "..") return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  });
}

}  // namespace weir::handlers
