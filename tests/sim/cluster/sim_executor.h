// SimProcess and SimExecutor: one life of a simulated process and its event loops, all on the
// world's one seeded queue.
//
// Laws:
//  1. Tasks of one executor run in the order of Post, each some time after it (never inside the
//     call), as executor.h promises.
//  2. Nothing of a process that was killed runs any more; its tasks are destroyed with it.
//  3. A paused process runs nothing until it is resumed; then everything, in order. Its clock goes
//     on meanwhile.
//  4. Each process has a clock of its own, with an offset and a rate (F-15).
// Thread rule: one thread.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <utility>

#include "common/base/executor.h"
#include "common/base/prng.h"
#include "tests/sim/scheduler.h"

namespace weir::sim {

struct ClockFault {
  int64_t offset_ms = 0;
  // How many of its milliseconds pass in 1,000 of the world's.
  int64_t rate_permille = 1'000;
  int64_t wall_offset_ms = 0;
};

struct SimProcess {
  SimProcess(Scheduler& scheduler, Prng& prng, ClockFault clock)
      : scheduler(scheduler), prng(prng), clock(clock) {}

  Scheduler& scheduler;
  Prng& prng;
  ClockFault clock;
  bool alive = true;
  bool paused = false;
  // Called on Resume: what could not run meanwhile.
  std::deque<Task> held;

  void Resume() {
    paused = false;
    for (Task& task : std::exchange(held, {})) scheduler.After(0, std::move(task));
  }
};
using SimProcessPtr = std::shared_ptr<SimProcess>;

class SimExecutor : public Executor {
 public:
  // How long a task waits before it runs.
  struct Delay {
    int64_t min_ms = 0;
    int64_t max_ms = 0;
  };

  // `delay` is read at every Post and must outlive the executor. `after_task` may be empty.
  SimExecutor(SimProcessPtr process, const Delay& delay, std::function<void()> after_task)
      : state_(std::make_shared<State>(
            State{std::move(process), &delay, std::move(after_task), {}, {}, 0, false})) {}
  ~SimExecutor() override { Clear(); }

  void Post(Task task) override {
    if (state_->direct) return task();
    if (!state_->process->alive) return;
    state_->tasks.push_back(std::move(task));
    Prng& prng = state_->process->prng;
    Schedule(prng.Between(state_->delay->min_ms, state_->delay->max_ms),
             [state = state_] { RunFront(*state); });
  }

  TimerId PostAt(MonoTime deadline, Task task) override {
    const TimerId id = ++state_->last_timer;
    state_->timers[id] = std::move(task);
    const int64_t local_ms =
        std::max<int64_t>(0, (deadline - Now()) / std::chrono::milliseconds(1) + 1);
    // A deadline beyond all ends is never reached.
    if (local_ms > kForeverMs) return id;
    // Rounded up: a timer is never early by its own clock.
    Schedule(local_ms * 1'000 / state_->process->clock.rate_permille + 1,
             [state = state_, id] { RunTimer(*state, id); });
    return id;
  }

  void Cancel(TimerId id) override { state_->timers.erase(id); }

  MonoTime Now() const override {
    const ClockFault& clock = state_->process->clock;
    const int64_t world_ms = state_->process->scheduler.now_ms();
    return MonoTime(
        std::chrono::milliseconds(clock.offset_ms + world_ms * clock.rate_permille / 1'000));
  }
  WallTime WallNow() const override {
    return WallTime(1'700'000'000'000 + state_->process->clock.wall_offset_ms +
                    state_->process->scheduler.now_ms());
  }

  // While on, Post runs the task inside the call: how a checker looks at a state that belongs to
  // this executor, between two tasks of it.
  void RunDirectly(bool on) { state_->direct = on; }
  // Forgets everything queued.
  void Clear() {
    state_->closed = true;
    state_->tasks.clear();
    state_->timers.clear();
  }

 private:
  static constexpr int64_t kForeverMs = 10LL * 365 * 24 * 3'600 * 1'000;

  struct State {
    SimProcessPtr process;
    const Delay* delay;
    std::function<void()> after_task;
    std::deque<Task> tasks;
    std::map<TimerId, Task> timers;
    TimerId last_timer = 0;
    bool direct = false;
    bool closed = false;
  };
  using StatePtr = std::shared_ptr<State>;

  void Schedule(int64_t delay_ms, Task task) {
    state_->process->scheduler.After(delay_ms,
                                     [process = state_->process, task = std::move(task)]() mutable {
                                       RunOrHold(*process, std::move(task));
                                     });
  }
  static void RunOrHold(SimProcess& process, Task task) {
    if (!process.alive) return;
    if (process.paused) return process.held.push_back(std::move(task));
    task();
  }
  static void RunFront(State& state) {
    if (!state.process->alive || state.tasks.empty()) return;
    Task task = std::move(state.tasks.front());
    state.tasks.pop_front();
    Run(state, std::move(task));
  }
  static void RunTimer(State& state, TimerId id) {
    const auto found = state.timers.find(id);
    if (!state.process->alive || found == state.timers.end()) return;
    Task task = std::move(found->second);
    state.timers.erase(found);
    Run(state, std::move(task));
  }
  static void Run(State& state, Task task) {
    task();
    if (!state.closed && state.after_task) state.after_task();
  }

  StatePtr state_;
};

}  // namespace weir::sim
