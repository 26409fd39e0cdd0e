// ManualExecutor: an Executor whose time and turns the test decides.
#pragma once

#include <deque>
#include <map>
#include <utility>

#include "common/base/executor.h"

namespace weir::broker {

class ManualExecutor : public Executor {
 public:
  void Post(Task task) override { tasks_.push_back(std::move(task)); }
  TimerId PostAt(MonoTime deadline, Task task) override {
    timers_.emplace(std::pair(deadline, ++next_id_), std::move(task));
    return next_id_;
  }
  void Cancel(TimerId id) override {
    std::erase_if(timers_, [id](const auto& timer) { return timer.first.second == id; });
  }
  MonoTime Now() const override { return now_; }
  WallTime WallNow() const override { return WallTime(now_.time_since_epoch().count() / 1000); }

  // Runs what is posted, and what that posts, until nothing is left.
  void Run() {
    while (!tasks_.empty()) {
      Task task = std::move(tasks_.front());
      tasks_.pop_front();
      task();
    }
  }
  // Lets time pass; timers fire in order.
  void Advance(Duration by) {
    const MonoTime until = now_ + by;
    Run();
    while (!timers_.empty() && timers_.begin()->first.first <= until) {
      auto node = timers_.extract(timers_.begin());
      now_ = std::max(now_, node.key().first);
      node.mapped()();
      Run();
    }
    now_ = until;
  }

 private:
  std::deque<Task> tasks_;
  std::map<std::pair<MonoTime, TimerId>, Task> timers_;
  TimerId next_id_ = 0;
  MonoTime now_{std::chrono::seconds(1000)};
};

}  // namespace weir::broker
