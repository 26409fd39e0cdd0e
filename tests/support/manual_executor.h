// ManualExecutor: an Executor for tests. Time stands still until the test moves it, tasks run when
// the test says. Several executors can share one world, so that a test drives them together.
// Thread rule: the test's one thread.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "common/base/executor.h"

namespace weir::test {

class ManualWorld {
 public:
  MonoTime now{std::chrono::seconds(1'000)};
  WallTime wall_now{1'700'000'000'000};
};

class ManualExecutor : public Executor {
 public:
  // With a world of its own.
  ManualExecutor() : own_world_(std::make_unique<ManualWorld>()), world_(*own_world_) {}
  explicit ManualExecutor(ManualWorld& world) : world_(world) {}

  void Post(Task task) override { tasks_.push_back(std::move(task)); }
  TimerId PostAt(MonoTime deadline, Task task) override {
    timers_[{deadline, ++last_timer_}] = std::move(task);
    return last_timer_;
  }
  void Cancel(TimerId id) override {
    std::erase_if(timers_, [&](const auto& timer) { return timer.first.second == id; });
  }
  MonoTime Now() const override { return world_.now; }
  WallTime WallNow() const override { return world_.wall_now; }

  // Runs one due timer or task; false when there is none.
  bool RunOne() {
    Task task;
    if (!timers_.empty() && timers_.begin()->first.first <= world_.now) {
      task = std::move(timers_.begin()->second);
      timers_.erase(timers_.begin());
      ++timers_run_;
    } else if (!tasks_.empty()) {
      task = std::move(tasks_.front());
      tasks_.pop_front();
    } else {
      return false;
    }
    task();
    return true;
  }
  // Runs what is due and posted, and what that posts, until nothing is left.
  void Run() {
    while (RunOne()) {
    }
  }

  // Lets time pass; timers fire in order, each at its own time. Returns how many did.
  int Advance(Duration by) {
    const int before = timers_run_;
    const MonoTime until = world_.now + by;
    Run();
    while (!timers_.empty() && timers_.begin()->first.first <= until) {
      MoveTimeTo(timers_.begin()->first.first);
      Run();
    }
    MoveTimeTo(until);
    return timers_run_ - before;
  }

  // Forgets everything queued, as a crash does.
  void Clear() {
    tasks_.clear();
    timers_.clear();
  }
  size_t timers() const { return timers_.size(); }

 private:
  // Both clocks move together.
  void MoveTimeTo(MonoTime now) {
    const auto passed = std::chrono::duration_cast<std::chrono::milliseconds>(now - world_.now);
    world_.wall_now = world_.wall_now + passed.count();
    world_.now = now;
  }

  std::unique_ptr<ManualWorld> own_world_;
  ManualWorld& world_;
  std::deque<Task> tasks_;
  std::map<std::pair<MonoTime, TimerId>, Task> timers_;
  TimerId last_timer_ = 0;
  int timers_run_ = 0;
};

// Runs all of them, in turns, until none has anything to do.
inline void RunAll(const std::vector<ManualExecutor*>& executors) {
  for (bool ran = true; ran;) {
    ran = false;
    for (ManualExecutor* executor : executors) ran |= executor->RunOne();
  }
}

}  // namespace weir::test
