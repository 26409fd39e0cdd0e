// Supervisor: the children of `weir dev` and what happens to them.
//
//   stopped  --StartAll, restart-->  running  --exits-->  stopped (a line says how; it stays dead)
//   running  --restart-->  stopping (SIGTERM)  --exits-->  running (new pid)
//   running  --RequestStop-->  stopping  --exits-->  stopped
//
// Laws:
//  1. Stopping goes by stop order: the next order gets its SIGTERM when the last child of the one
//     before has ended, so that brokers can hand over to living controllers.
//  2. A child that is still there a stop deadline after its SIGTERM gets SIGKILL.
//  3. A child that ends by itself is reported and never restarted unless asked.
//  4. Every child is reaped; the destructor kills and reaps what still runs.
// Thread rule: main thread; only Poll waits. The constructor blocks SIGCHLD in that thread.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/base/time.h"
#include "controller/ctl/dev/child_process.h"
#include "controller/ctl/dev/control_socket.h"

namespace weir::ctl::dev {

struct ChildSpec {
  // "broker-1"
  std::string name;
  // The tail of its NODE line.
  std::string description;
  ChildCommand command;
  // Smaller ones stop first.
  int stop_order = 0;
};

class Supervisor {
 public:
  // Prints one line for the person at the terminal.
  using LinePrinter = std::function<void(const std::string&)>;

  // `stop_deadline`: from SIGTERM to SIGKILL.
  Supervisor(std::vector<ChildSpec> children, LinePrinter print_line, Duration stop_deadline);
  ~Supervisor();
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  // Starts every child, all at once, and prints its NODE line.
  Status StartAll();
  // Opens DIR/control. Errors: those of ControlServer::Listen.
  Status ListenForCommands(const std::string& directory);

  // Waits up to `timeout` for children's ends, commands and readability of `wake_fd` (-1: none),
  // and handles the former two.
  void Poll(Duration timeout, int wake_fd);

  // Begins to stop everything. A second call stops waiting: SIGKILL to whoever is left.
  void RequestStop();
  // Stop was requested and every child has ended.
  bool stopped() const;
  bool stopping() const { return stopping_; }

  // The first child that is not running, if any.
  const std::string* FirstDead() const;
  // -1 when it does not run or does not exist.
  pid_t PidOf(const std::string& name) const;

  // "NODE broker-1 pid=12 …" or "NODE broker-1 exited signal=9".
  std::vector<std::string> StatusLines() const;

 private:
  struct Child {
    ChildSpec spec;
    pid_t pid = -1;
    // SIGTERM has been sent; SIGKILL follows at the deadline.
    bool terminating = false;
    MonoTime kill_at{};
    // Who waits for the restart; empty: nobody.
    std::vector<ConnectionId> restart_waiters;
    bool restart = false;
    // The last exit, in words.
    std::string last_exit;
  };

  Status Start(Child& child);
  void Terminate(Child& child);
  void ReapAll();
  void HandleExit(Child& child, int wait_status);
  void FinishRestart(Child& child);
  // Sends SIGKILL where it is due and SIGTERM to the next stop order.
  void AdvanceStopping();
  void HandleCommand(ConnectionId connection, const std::string& line);
  void HandleRestart(ConnectionId connection, const std::string& name);
  std::string StatusLine(const Child& child) const;
  Child* Find(const std::string& name);

  std::vector<Child> children_;
  LinePrinter print_line_;
  Duration stop_deadline_;
  int signal_fd_ = -1;  // readable on SIGCHLD
  bool stopping_ = false;
  std::unique_ptr<ControlServer> control_;
  // Who waits for the end of everything.
  std::vector<ConnectionId> stop_waiters_;
};

}  // namespace weir::ctl::dev
