#include "controller/ctl/dev/child_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "common/base/check.h"
#include "common/runtime/files.h"

namespace weir::ctl::dev {
namespace {

// Exit code of a child whose program could not be executed, as shells have it.
constexpr int kExecFailed = 127;

// Runs in the child: async-signal-safe calls only.
[[noreturn]] void BecomeChild(char* const* arguments, int log_fd, int inherited_fd, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  // The parent may have died before prctl: then no signal will come.
  if (::getppid() != parent) ::_exit(kExecFailed);
  ::setpgid(0, 0);
  const int null_fd = ::open("/dev/null", O_RDONLY);
  ::dup2(null_fd, STDIN_FILENO);
  ::dup2(log_fd, STDOUT_FILENO);
  ::dup2(log_fd, STDERR_FILENO);
  if (inherited_fd >= 0) ::fcntl(inherited_fd, F_SETFD, 0);
  ::signal(SIGPIPE, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execv(arguments[0], arguments);
  constexpr char kMessage[] = "weir dev: cannot execute the program\n";
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, kMessage, sizeof kMessage - 1);
  ::_exit(kExecFailed);
}

}  // namespace

Result<pid_t> StartChild(const ChildCommand& command) {
  WEIR_CHECK(!command.arguments.empty());
  if (::access(command.arguments[0].c_str(), X_OK) != 0)
    return Fail(ErrorCode::kResourceNotFound,
                runtime::ErrnoMessage("cannot execute", command.arguments[0]));
  const int log_fd =
      ::open(command.log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (log_fd < 0)
    return Fail(ErrorCode::kKafkaStorageError, runtime::ErrnoMessage("open", command.log_path));
  std::vector<char*> arguments;
  for (const std::string& argument : command.arguments)
    arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0) BecomeChild(arguments.data(), log_fd, command.inherited_fd, parent);
  const int fork_errno = errno;
  ::close(log_fd);
  if (pid < 0)
    return Fail(ErrorCode::kUnknownServerError, std::string("fork: ") + std::strerror(fork_errno));
  return pid;
}

std::string DescribeExit(int wait_status) {
  if (WIFSIGNALED(wait_status)) return "exited signal=" + std::to_string(WTERMSIG(wait_status));
  return "exited code=" + std::to_string(WEXITSTATUS(wait_status));
}

}  // namespace weir::ctl::dev
