// Guarded: a value that several threads use, each for the length of one call, never without its
// lock.
//
//   runtime::Guarded<Table> table;
//   table.With([&](Table& t) { return t.Find(key); });
//
// Laws:
//  1. The value is reachable through With only; what it returns must not point into the value.
//  2. A call neither blocks nor calls With of another Guarded that could come back here.
// Thread rule: any thread.
#pragma once

#include <mutex>
#include <utility>

namespace weir::runtime {

template <class T>
class Guarded {
 public:
  Guarded() = default;
  explicit Guarded(T value) : value_(std::move(value)) {}

  template <class Use>
  decltype(auto) With(Use&& use) {
    const std::lock_guard lock(mutex_);
    return std::forward<Use>(use)(value_);
  }
  template <class Use>
  decltype(auto) With(Use&& use) const {
    const std::lock_guard lock(mutex_);
    return std::forward<Use>(use)(value_);
  }

 private:
  mutable std::mutex mutex_;
  T value_;
};

}  // namespace weir::runtime
