#include "common/runtime/thread_executor.h"

#include <pthread.h>

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "common/base/check.h"
#include "common/runtime/clock.h"

namespace weir::runtime {

struct ThreadExecutor::State {
  std::mutex mutex;
  std::condition_variable wake;
  std::deque<Task> tasks;
  // Ordered by deadline, then by age: timers of one deadline run in the order they were set.
  std::map<std::pair<MonoTime, TimerId>, Task> timers;
  std::map<TimerId, MonoTime> deadlines;
  TimerId next_timer = 1;
  bool stopping = false;
  std::thread thread;

  // Waits for work; false when stopping. The caller runs the task without the lock.
  bool Next(Task& task) {
    std::unique_lock lock(mutex);
    while (!stopping) {
      if (!timers.empty() && timers.begin()->first.first <= SteadyNow()) {
        auto due = timers.begin();
        task = std::move(due->second);
        deadlines.erase(due->first.second);
        timers.erase(due);
        return true;
      }
      if (!tasks.empty()) {
        task = std::move(tasks.front());
        tasks.pop_front();
        return true;
      }
      if (timers.empty()) {
        wake.wait(lock);
      } else {
        const auto deadline =
            std::chrono::steady_clock::time_point(timers.begin()->first.first.time_since_epoch());
        wake.wait_until(lock, deadline);
      }
    }
    return false;
  }

  void Run() {
    Task task;
    while (Next(task)) {
      task();
      task = nullptr;
    }
  }
};

ThreadExecutor::ThreadExecutor(std::string name) : state_(std::make_unique<State>()) {
  WEIR_CHECK(name.size() <= 15, "thread names are limited to 15 characters");
  state_->thread = std::thread([state = state_.get()] { state->Run(); });
  pthread_setname_np(state_->thread.native_handle(), name.c_str());
}

ThreadExecutor::~ThreadExecutor() { Stop(); }

void ThreadExecutor::Post(Task task) {
  {
    std::lock_guard lock(state_->mutex);
    if (state_->stopping) return;
    state_->tasks.push_back(std::move(task));
  }
  state_->wake.notify_one();
}

Executor::TimerId ThreadExecutor::PostAt(MonoTime deadline, Task task) {
  TimerId id = 0;
  {
    std::lock_guard lock(state_->mutex);
    id = state_->next_timer++;
    if (state_->stopping) return id;
    state_->timers.emplace(std::pair(deadline, id), std::move(task));
    state_->deadlines.emplace(id, deadline);
  }
  state_->wake.notify_one();
  return id;
}

void ThreadExecutor::Cancel(TimerId id) {
  Task dropped;  // destroyed outside the lock: it may own anything
  std::lock_guard lock(state_->mutex);
  const auto deadline = state_->deadlines.find(id);
  if (deadline == state_->deadlines.end()) return;
  const auto timer = state_->timers.find(std::pair(deadline->second, id));
  dropped = std::move(timer->second);
  state_->timers.erase(timer);
  state_->deadlines.erase(deadline);
}

MonoTime ThreadExecutor::Now() const { return SteadyNow(); }

WallTime ThreadExecutor::WallNow() const { return runtime::WallNow(); }

bool ThreadExecutor::IsCurrentThread() const {
  return std::this_thread::get_id() == state_->thread.get_id();
}

void ThreadExecutor::Stop() {
  {
    std::lock_guard lock(state_->mutex);
    state_->stopping = true;
  }
  state_->wake.notify_one();
  if (!state_->thread.joinable()) return;
  WEIR_CHECK(!IsCurrentThread(), "an executor cannot join itself");
  state_->thread.join();
  // Queued work may hold references to what is destroyed after us: drop it now, without the lock.
  std::deque<Task> tasks;
  std::map<std::pair<MonoTime, TimerId>, Task> timers;
  std::lock_guard lock(state_->mutex);
  tasks.swap(state_->tasks);
  timers.swap(state_->timers);
  state_->deadlines.clear();
}

}  // namespace weir::runtime
