#include "controller/ctl/dev/supervisor.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <limits>

#include "common/base/check.h"
#include "common/runtime/clock.h"

namespace weir::ctl::dev {
namespace {

// SIGCHLD is always handled here; the mask keeps it pending until the descriptor is read.
int OpenChildSignals() {
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGCHLD);
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  return ::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

int ToPollTimeout(Duration timeout) {
  return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(timeout).count());
}

}  // namespace

Supervisor::Supervisor(std::vector<ChildSpec> children, LinePrinter print_line,
                       Duration stop_deadline)
    : print_line_(std::move(print_line)),
      stop_deadline_(stop_deadline),
      signal_fd_(OpenChildSignals()) {
  WEIR_CHECK(signal_fd_ >= 0, "signalfd");
  for (ChildSpec& spec : children) {
    Child child;
    child.spec = std::move(spec);
    children_.push_back(std::move(child));
  }
}

Supervisor::~Supervisor() {
  for (const Child& child : children_) {
    if (child.pid < 0) continue;
    ::kill(child.pid, SIGKILL);
    ::waitpid(child.pid, nullptr, 0);
  }
  ::close(signal_fd_);
}

Status Supervisor::Start(Child& child) {
  WEIR_CHECK(child.pid < 0);
  WEIR_ASSIGN_OR_RETURN(child.pid, StartChild(child.spec.command));
  child.terminating = false;
  child.last_exit.clear();
  print_line_(StatusLine(child));
  return {};
}

Status Supervisor::StartAll() {
  for (Child& child : children_) WEIR_RETURN_IF_ERROR(Start(child));
  return {};
}

Status Supervisor::ListenForCommands(const std::string& directory) {
  WEIR_ASSIGN_OR_RETURN(control_, ControlServer::Listen(directory, [this](ConnectionId connection,
                                                                          const std::string& line) {
                          HandleCommand(connection, line);
                        }));
  return {};
}

void Supervisor::Poll(Duration timeout, int wake_fd) {
  std::vector<pollfd> fds = {{signal_fd_, POLLIN, 0}};
  if (wake_fd >= 0) fds.push_back({wake_fd, POLLIN, 0});
  if (control_) control_->AppendPollFds(fds);
  const MonoTime now = runtime::SteadyNow();
  for (const Child& child : children_)
    if (child.terminating)
      timeout = std::clamp(std::chrono::duration_cast<Duration>(child.kill_at - now), Duration(0),
                           timeout);
  ::poll(fds.data(), fds.size(), ToPollTimeout(timeout));
  ReapAll();
  if (control_) control_->HandleReady();
  AdvanceStopping();
}

void Supervisor::ReapAll() {
  signalfd_siginfo info;
  while (::read(signal_fd_, &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
  }
  // Signals of several children merge into one: every child is asked.
  for (Child& child : children_) {
    int wait_status = 0;
    if (child.pid >= 0 && ::waitpid(child.pid, &wait_status, WNOHANG) == child.pid)
      HandleExit(child, wait_status);
  }
}

void Supervisor::HandleExit(Child& child, int wait_status) {
  child.pid = -1;
  child.terminating = false;
  child.last_exit = DescribeExit(wait_status);
  if (!stopping_) print_line_(StatusLine(child));
  if (child.restart) FinishRestart(child);
}

void Supervisor::FinishRestart(Child& child) {
  child.restart = false;
  const Status started =
      stopping_ ? Fail(ErrorCode::kInvalidRequest, "weir dev is stopping") : Start(child);
  const std::string answer =
      started ? "ok\n" + StatusLine(child) + "\n" : "error " + started.error().message + "\n";
  for (const ConnectionId connection : std::exchange(child.restart_waiters, {}))
    control_->Reply(connection, answer);
}

void Supervisor::Terminate(Child& child) {
  if (child.pid < 0 || child.terminating) return;
  ::kill(child.pid, SIGTERM);
  // A child that a debugger or a SIGSTOP holds could not act on SIGTERM.
  ::kill(child.pid, SIGCONT);
  child.terminating = true;
  child.kill_at = runtime::SteadyNow() + stop_deadline_;
}

void Supervisor::AdvanceStopping() {
  const MonoTime now = runtime::SteadyNow();
  for (const Child& child : children_)
    if (child.pid >= 0 && child.terminating && child.kill_at <= now) ::kill(child.pid, SIGKILL);
  if (!stopping_) return;
  int order = std::numeric_limits<int>::max();
  for (const Child& child : children_)
    if (child.pid >= 0) order = std::min(order, child.spec.stop_order);
  for (Child& child : children_)
    if (child.spec.stop_order == order) Terminate(child);
  if (!stopped()) return;
  for (const ConnectionId connection : std::exchange(stop_waiters_, {}))
    control_->Reply(connection, "ok\n");
}

void Supervisor::RequestStop() {
  if (stopping_) {
    for (const Child& child : children_)
      if (child.pid >= 0) ::kill(child.pid, SIGKILL);
    return;
  }
  stopping_ = true;
  AdvanceStopping();
}

bool Supervisor::stopped() const {
  return stopping_ &&
         std::ranges::all_of(children_, [](const Child& child) { return child.pid < 0; });
}

const std::string* Supervisor::FirstDead() const {
  for (const Child& child : children_)
    if (child.pid < 0) return &child.spec.name;
  return nullptr;
}

pid_t Supervisor::PidOf(const std::string& name) const {
  for (const Child& child : children_)
    if (child.spec.name == name) return child.pid;
  return -1;
}

std::string Supervisor::StatusLine(const Child& child) const {
  const std::string node = "NODE " + child.spec.name + " ";
  if (child.pid < 0) return node + (child.last_exit.empty() ? "not started" : child.last_exit);
  return node + "pid=" + std::to_string(child.pid) + " " + child.spec.description;
}

std::vector<std::string> Supervisor::StatusLines() const {
  std::vector<std::string> lines;
  for (const Child& child : children_) lines.push_back(StatusLine(child));
  return lines;
}

Supervisor::Child* Supervisor::Find(const std::string& name) {
  const auto found = std::ranges::find_if(
      children_, [&name](const Child& child) { return child.spec.name == name; });
  return found == children_.end() ? nullptr : &*found;
}

void Supervisor::HandleRestart(ConnectionId connection, const std::string& name) {
  Child* child = Find(name);
  if (child == nullptr) {
    std::string names;
    for (const Child& each : children_) names += " " + each.spec.name;
    return control_->Reply(connection, "error no node " + name + "; there are:" + names + "\n");
  }
  if (stopping_) return control_->Reply(connection, "error weir dev is stopping\n");
  child->restart = true;
  child->restart_waiters.push_back(connection);
  if (child->pid >= 0)
    Terminate(*child);
  else
    FinishRestart(*child);
}

void Supervisor::HandleCommand(ConnectionId connection, const std::string& line) {
  constexpr std::string_view kRestart = "restart ";
  if (line.starts_with(kRestart)) return HandleRestart(connection, line.substr(kRestart.size()));
  if (line == "status") {
    std::string answer = "ok\n";
    for (const std::string& status : StatusLines()) answer += status + "\n";
    return control_->Reply(connection, answer);
  }
  if (line == "stop") {
    stop_waiters_.push_back(connection);
    if (!stopping_) RequestStop();
    return;
  }
  control_->Reply(connection, "error unknown request\n");
}

}  // namespace weir::ctl::dev
