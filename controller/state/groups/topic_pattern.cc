#include "controller/state/groups/topic_pattern.h"

#include <re2/re2.h>

#include <utility>

#include "common/base/limits.h"

namespace weir::state {
namespace {

// A name is compared in time proportional to the instructions, at worst: 3 ms for so many. Lists of
// a hundred names have as many, nested repetitions of a few bytes have a hundred thousand.
constexpr int kInstructionsMax = 2048;

}  // namespace

Result<TopicPattern> TopicPattern::Parse(const std::string& expression) {
  if (expression.size() > limits::kTopicPatternBytesMax) {
    return Fail(ErrorCode::kInvalidRegularExpression,
                "the regular expression has " + std::to_string(expression.size()) + " bytes, " +
                    std::to_string(limits::kTopicPatternBytesMax) + " at most");
  }
  // Names of topics are ASCII: a character is a byte, and takes one instruction.
  re2::RE2::Options options;
  options.set_encoding(re2::RE2::Options::EncodingLatin1);
  options.set_log_errors(false);
  options.set_max_mem(limits::kTopicPatternMemoryBytesMax);
  auto compiled = std::make_shared<const re2::RE2>(expression, options);
  if (!compiled->ok()) {
    return Fail(ErrorCode::kInvalidRegularExpression,
                "the regular expression is not valid: " + compiled->error());
  }
  if (compiled->ProgramSize() > kInstructionsMax) {
    return Fail(ErrorCode::kInvalidRegularExpression,
                "the regular expression takes " + std::to_string(compiled->ProgramSize()) +
                    " instructions, " + std::to_string(kInstructionsMax) + " at most");
  }
  return TopicPattern(std::move(compiled));
}

bool TopicPattern::Matches(std::string_view topic) const {
  return re2::RE2::FullMatch(re2::StringPiece(topic.data(), topic.size()), *compiled_);
}

}  // namespace weir::state
