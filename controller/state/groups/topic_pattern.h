// TopicPattern: the regular expression of a subscription (KIP-848), in RE2's syntax: time linear in
// the topic's name, whatever a client sends.
// Thread rule: immutable; copies share.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace re2 {
class RE2;
}

namespace weir::state {

class TopicPattern {
 public:
  // Errors: kInvalidRegularExpression, with what is wrong.
  static Result<TopicPattern> Parse(const std::string& expression);

  // Whether the whole name matches.
  bool Matches(std::string_view topic) const;

 private:
  explicit TopicPattern(std::shared_ptr<const re2::RE2> compiled)
      : compiled_(std::move(compiled)) {}

  std::shared_ptr<const re2::RE2> compiled_;
};

}  // namespace weir::state
