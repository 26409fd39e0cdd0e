// ThreadExecutor: an Executor with one thread of its own: a queue of tasks and a heap of timers.
//
// Laws:
//  1. Due timers run before tasks posted after they became due.
//  2. Stop finishes the running task, drops everything queued and joins; nothing runs after it
//     returns.
//  3. Post after Stop drops the task: its destructor runs, the task does not.
// Thread rule: Post and Stop from any thread except that Stop is never called on the executor's
// own.
#pragma once

#include <memory>
#include <string>

#include "common/base/executor.h"

namespace weir::runtime {

class ThreadExecutor : public Executor {
 public:
  // `name` shows in ps and gdb: 15 characters at most.
  explicit ThreadExecutor(std::string name);
  ~ThreadExecutor() override;
  ThreadExecutor(const ThreadExecutor&) = delete;
  ThreadExecutor& operator=(const ThreadExecutor&) = delete;

  void Post(Task task) override;
  TimerId PostAt(MonoTime deadline, Task task) override;
  void Cancel(TimerId id) override;
  MonoTime Now() const override;
  WallTime WallNow() const override;

  // Whether the caller runs on this executor's thread.
  bool IsCurrentThread() const;
  // Idempotent.
  void Stop();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace weir::runtime
