// Executor: the port through which logic asks to be run later. In production one event loop thread
// stands behind each; in the simulator all executors share one seeded queue.
//
// Laws:
//  1. Tasks of one executor never run at the same time, and Post keeps their order.
//  2. Post never runs the task inside the call.
//  3. After a cancelled timer's Cancel has returned on the executor's own thread, its task does
//     not run.
// Thread rule: Post may be called from any thread; the rest only from tasks of this executor.
#pragma once

#include <cstdint>

#include "absl/functional/any_invocable.h"
#include "common/base/time.h"

namespace weir {

using Task = absl::AnyInvocable<void()>;

class Executor {
 public:
  using TimerId = uint64_t;

  virtual ~Executor() = default;
  virtual void Post(Task task) = 0;
  // Runs `task` once at `deadline` or as soon after as the executor is free.
  virtual TimerId PostAt(MonoTime deadline, Task task) = 0;
  // Unknown and finished ids are ignored.
  virtual void Cancel(TimerId id) = 0;
  virtual MonoTime Now() const = 0;
  virtual WallTime WallNow() const = 0;
};

}  // namespace weir
