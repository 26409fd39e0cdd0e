#include "controller/state/groups/topic_pattern.h"

#include <re2/re2.h>

#include <utility>

#include "common/base/limits.h"

namespace weir::state {

Result<TopicPattern> TopicPattern::Parse(const std::string& expression) {
  if (expression.size() > limits::kTopicPatternBytesMax) {
    return Fail(ErrorCode::kInvalidRegularExpression,
                "the regular expression has " + std::to_string(expression.size()) + " bytes, " +
                    std::to_string(limits::kTopicPatternBytesMax) + " at most");
  }
  // Topic names are ASCII; an expression that is no UTF-8 is an error, not a crash.
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(limits::kTopicPatternMemoryBytesMax);
  auto compiled = std::make_shared<const re2::RE2>(expression, options);
  if (!compiled->ok()) {
    return Fail(ErrorCode::kInvalidRegularExpression,
                "the regular expression is not valid: " + compiled->error());
  }
  return TopicPattern(std::move(compiled));
}

bool TopicPattern::Matches(std::string_view topic) const {
  return re2::RE2::FullMatch(re2::StringPiece(topic.data(), topic.size()), *compiled_);
}

}  // namespace weir::state
