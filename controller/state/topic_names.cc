// The part of topics.h about names.
#include <algorithm>

#include "controller/state/topics.h"

namespace weir::state {
namespace {

bool IsNameCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
}

}  // namespace

Status ValidateTopicName(std::string_view name) {
  if (name.empty()) return Fail(ErrorCode::kInvalidTopicException, "a topic needs a name");
  if (name.size() > limits::kTopicNameBytesMax) {
    return Fail(ErrorCode::kInvalidTopicException,
                "the topic name has " + std::to_string(name.size()) + " characters, " +
                    std::to_string(limits::kTopicNameBytesMax) + " at most are allowed");
  }
  if (name == "." || name == "..") {
    return Fail(ErrorCode::kInvalidTopicException, "a topic cannot be named '.' or '..'");
  }
  if (!std::all_of(name.begin(), name.end(), IsNameCharacter)) {
    return Fail(ErrorCode::kInvalidTopicException,
                "topic name '" + std::string(name) +
                    "' has a character other than a-z, A-Z, 0-9, '.', '_' and '-'");
  }
  return {};
}

bool IsInternalTopic(std::string_view name) {
  return name == "__consumer_offsets" || name == "__transaction_state" ||
         name == "__share_group_state";
}

}  // namespace weir::state
