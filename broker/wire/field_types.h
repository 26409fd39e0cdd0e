// field_types.h: the C++ types of Kafka's `bytes` and `records` fields. Integers, bool, double,
// std::string, std::string_view, Uuid, ErrorCode (an int16), std::vector and std::optional serve
// for the rest.
//
// Laws:
//  1. A std::string_view or Records in a decoded message points into the request frame: whoever
//     keeps the message keeps the frame.
//  2. Record bytes are never copied by the codec, neither in (a slice of the frame) nor out
//     (gathered).
// Thread rule: plain values.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "common/base/bytes.h"

namespace weir::wire {

// A `bytes` field: opaque to the broker (subscriptions, assignments, SASL tokens).
struct Bytes {
  std::string data;

  friend bool operator==(const Bytes&, const Bytes&) = default;
};

// A `records` field: zero or more runs of whole record batches, in order. One run when decoded; a
// Fetch response appends one per cached entry.
class Records {
 public:
  Records() = default;
  explicit Records(SharedBytes run) : first_(std::move(run)) {}

  void Append(SharedBytes run) {
    if (run.empty()) return;
    if (first_.empty()) {
      first_ = std::move(run);
    } else {
      more_.push_back(std::move(run));
    }
  }

  size_t size() const {
    size_t total = first_.size();
    for (const SharedBytes& run : more_) total += run.size();
    return total;
  }
  bool empty() const { return first_.empty(); }
  // All of the bytes. REQUIRES: at most one run, as in every decoded message.
  const SharedBytes& contiguous() const {
    WEIR_CHECK(more_.empty());
    return first_;
  }

  template <class Function>
  void ForEachRun(Function&& function) const {
    if (!first_.empty()) function(first_);
    for (const SharedBytes& run : more_) function(run);
  }
  // A copy of the bytes, for tests and printing.
  std::string ToString() const {
    std::string text;
    text.reserve(size());
    ForEachRun([&](const SharedBytes& run) { text.append(run.view()); });
    return text;
  }
  friend bool operator==(const Records& a, const Records& b) {
    return a.size() == b.size() && a.ToString() == b.ToString();
  }

 private:
  SharedBytes first_;
  std::vector<SharedBytes> more_;
};

}  // namespace weir::wire
