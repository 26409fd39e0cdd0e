// InFlightBudget: the bytes of requests and answers that all connections of a broker hold, against
// one limit (D11).
//
// Laws:
//  1. Taking never fails: what has been read is accounted for. Over the limit, connections stop
//     reading.
//  2. Whoever found the budget exhausted is told once it is not: RegisterWaiter, then one wake-up
//     per crossing back under the limit.
// Thread rule: Take, Give and Exhausted from any thread; the wake-up runs on the thread that gave
// bytes back.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <utility>

namespace weir::net {

class InFlightBudget {
 public:
  InFlightBudget(size_t bytes_max, std::function<void()> on_available)
      : bytes_max_(bytes_max), on_available_(std::move(on_available)) {}

  void Take(size_t bytes) { bytes_.fetch_add(bytes, std::memory_order_relaxed); }

  void Give(size_t bytes) {
    // Sequentially consistent with RegisterWaiter: either it sees the room or we see the waiter.
    const size_t before = bytes_.fetch_sub(bytes, std::memory_order_seq_cst);
    if (before - bytes < bytes_max_ && waiting_.load(std::memory_order_seq_cst) &&
        waiting_.exchange(false, std::memory_order_seq_cst)) {
      on_available_();
    }
  }

  bool Exhausted() const { return bytes_.load(std::memory_order_acquire) >= bytes_max_; }
  size_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

  // Asks for a wake-up. False when the budget has room after all: do not wait.
  bool RegisterWaiter() {
    waiting_.store(true, std::memory_order_seq_cst);
    return bytes_.load(std::memory_order_seq_cst) >= bytes_max_;
  }

 private:
  size_t bytes_max_;
  std::function<void()> on_available_;
  std::atomic<size_t> bytes_ = 0;
  std::atomic<bool> waiting_ = false;
};

}  // namespace weir::net
