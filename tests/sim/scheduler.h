// Scheduler: the simulated world's time, in milliseconds, and its queue of things to come.
// Laws: events run in order of (time, order of scheduling); nothing else makes time pass.
// Thread rule: one thread.
#pragma once

#include <cstdint>
#include <queue>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"

namespace weir::sim {

class Scheduler {
 public:
  using Task = absl::AnyInvocable<void()>;

  int64_t now_ms() const { return now_ms_; }
  uint64_t events_run() const { return events_run_; }

  void After(int64_t delay_ms, Task task) {
    queue_.push({now_ms_ + delay_ms, next_order_++, std::move(task)});
  }

  // Runs the next event. Returns false when there is none.
  bool RunOne() {
    if (queue_.empty()) return false;
    // priority_queue gives const access only; the event is popped right away.
    Event event = std::move(const_cast<Event&>(queue_.top()));
    queue_.pop();
    now_ms_ = event.at_ms;
    ++events_run_;
    event.task();
    return true;
  }

 private:
  struct Event {
    int64_t at_ms = 0;
    uint64_t order = 0;
    Task task;
    // Reversed, because priority_queue gives the largest first.
    bool operator<(const Event& other) const {
      return std::pair(at_ms, order) > std::pair(other.at_ms, other.order);
    }
  };
  std::priority_queue<Event> queue_;
  int64_t now_ms_ = 0;
  uint64_t next_order_ = 0;
  uint64_t events_run_ = 0;
};

}  // namespace weir::sim
