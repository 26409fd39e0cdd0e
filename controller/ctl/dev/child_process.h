// Starting a child process that cannot outlive its parent.
//
// Laws:
//  1. The child gets SIGTERM when the thread that started it ends (PR_SET_PDEATHSIG is per thread):
//     start children from the main thread only.
//  2. Between fork and exec only async-signal-safe calls are made: gRPC's threads may be running.
//  3. The child is a process group of its own: Ctrl-C at the terminal reaches the parent only,
//     which stops the children in order.
// Thread rule: main thread.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "common/base/result.h"

namespace weir::ctl::dev {

struct ChildCommand {
  // Program and arguments; the program is a path.
  std::vector<std::string> arguments;
  // Gets stdout and stderr, appended.
  std::string log_path;
  // A descriptor that stays open in the child, so that a lock on it lasts as long as the child; -1:
  // none.
  int inherited_fd = -1;
};

// The child's process id. Errors: kResourceNotFound when the program cannot be executed,
// kKafkaStorageError when the log cannot be opened, kUnknownServerError when the system has no room
// for a process.
Result<pid_t> StartChild(const ChildCommand& command);

// "exited code=1" or "exited signal=9", from a status of waitpid.
std::string DescribeExit(int wait_status);

}  // namespace weir::ctl::dev
