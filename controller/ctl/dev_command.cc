// weir dev: a development cluster of child processes (DESIGN §3 is its contract).
//
// Laws:
//  1. One thread, one loop: stop signals, ends of children and commands all arrive in Poll.
//  2. Signals are blocked before gRPC's threads exist, so that only the loop sees them.
//  3. An unformatted directory is formatted until the cluster has once been READY, never after.
// Thread rule: main thread.
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "common/base/check.h"
#include "common/base/prng.h"
#include "common/base/uuid.h"
#include "common/runtime/clock.h"
#include "common/runtime/files.h"
#include "controller/ctl/commands.h"
#include "controller/ctl/dev/dev_directory.h"
#include "controller/ctl/dev/node_plan.h"
#include "controller/ctl/dev/readiness.h"
#include "controller/ctl/dev/supervisor.h"

namespace weir::ctl {
namespace {

// Orphans of a killed `weir dev` have had SIGTERM: they flush and end.
constexpr Duration kOrphanWait = std::chrono::seconds(15);
constexpr Duration kStopDeadline = std::chrono::seconds(10);
// Unless --ready-timeout says otherwise.
constexpr int kReadyTimeoutSeconds = 30;
constexpr int kReadyTimeoutSecondsMax = 3600;
constexpr Duration kProbeInterval = std::chrono::milliseconds(4);
constexpr Duration kIdlePoll = std::chrono::seconds(60);
constexpr int kLogTailLines = 15;

// Signals that end `weir dev`, as a descriptor. Blocked before any thread starts, so that every
// thread inherits the mask and only the loop sees them.
class StopSignals {
 public:
  StopSignals() {
    sigset_t signals;
    ::sigemptyset(&signals);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&signals, signal);
    ::sigprocmask(SIG_BLOCK, &signals, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
    fd_ = ::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    WEIR_CHECK(fd_ >= 0, "signalfd");
  }
  ~StopSignals() { ::close(fd_); }
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  int fd() const { return fd_; }
  // Whether one has come since the last call.
  bool Take() {
    signalfd_siginfo info;
    return ::read(fd_, &info, sizeof info) == static_cast<ssize_t>(sizeof info);
  }

 private:
  int fd_ = -1;
};

// The last lines of a child's log, for the error that it did not start.
std::string LogTail(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) {
    lines.push_back("  " + line + "\n");
    if (lines.size() > kLogTailLines) lines.erase(lines.begin());
  }
  std::string tail;
  for (const std::string& line : lines) tail += line;
  return tail;
}

// Binaries lie beside the `weir` that runs.
std::string SiblingBinary(const std::string& name) {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  return (self.parent_path() / name).string();
}

Outcome LocalFailure(Error error, std::string next = {}) {
  return FailWith(ExitCode::kLocal, std::move(error), std::move(next));
}

class DevCommand final : public Command {
 public:
  explicit DevCommand(CLI::App& app) {
    const auto add = [this, &app](const char* name, int dev::DevOptions::*value,
                                  const char* description) {
      numbers_.push_back({app.add_option(name, given_.*value, description), value});
    };
    add("-n,--nodes", &dev::DevOptions::nodes, "Controllers, and as many brokers (1 to 9; 1)");
    add("--kafka-port", &dev::DevOptions::kafka_port, "First broker's Kafka port (9092)");
    add("--admin-port", &dev::DevOptions::admin_port, "First controller's gRPC port (9090)");
    add("--http-port", &dev::DevOptions::http_port, "First HTTP port (8080)");
    app.add_option("--data", given_.data_dir, "Directory of the cluster (./weir-data)");
    app.add_option("--ready-timeout", ready_timeout_s_,
                   "Seconds after which a start without READY is an error (30)")
        ->check(CLI::Range(1, kReadyTimeoutSecondsMax));
  }

  Outcome Run(Session& session) override {
    session_ = &session;
    StopSignals signals;
    auto directory = dev::DevDirectory::Lock(given_.data_dir, kOrphanWait);
    if (!directory) return LocalFailure(directory.error());
    directory_ = directory->get();
    if (const Status status = Prepare(); !status) return LocalFailure(status.error());
    dev::Supervisor supervisor(
        ChildSpecs(), [this](const std::string& line) { PrintLine(line); }, kStopDeadline);
    Status started = supervisor.ListenForCommands(directory_->path());
    if (started) started = supervisor.StartAll();
    if (!started) return LocalFailure(started.error());
    return Supervise(supervisor, signals);
  }

 private:
  void PrintLine(const std::string& line) {
    session_->Print(line + "\n");
    session_->streams().out.flush();
  }

  // Reads or makes cluster.json, plans, and checks the ports.
  Status Prepare() {
    WEIR_ASSIGN_OR_RETURN(const auto stored, directory_->LoadCluster());
    if (stored) {
      cluster_ = *stored;
      if (!cluster_.formatted) cluster_.controllers.clear();
    } else {
      Prng prng(runtime::RandomSeed());
      cluster_.cluster_id = Uuid::Random(prng).ToString();
      cluster_.options = given_;
    }
    WEIR_RETURN_IF_ERROR(ApplyGivenOptions());
    cluster_.options.data_dir = directory_->path();
    WEIR_ASSIGN_OR_RETURN(
        plan_, dev::MakePlan(cluster_.options,
                             {SiblingBinary("weir-controller"), SiblingBinary("weir-broker"),
                              cluster_.cluster_id, !cluster_.formatted}));
    WEIR_RETURN_IF_ERROR(CheckControllers());
    WEIR_RETURN_IF_ERROR(dev::CheckPortsAreFree(plan_.ports));
    for (const dev::NodePlan& node : plan_.nodes)
      WEIR_RETURN_IF_ERROR(runtime::MakeDirectories(node.data_path));
    return directory_->SaveCluster(cluster_);
  }

  // What was typed wins over what the directory remembers, except for the node count.
  Status ApplyGivenOptions() {
    const int nodes = cluster_.options.nodes;
    for (const auto& [option, value] : numbers_)
      if (option->count() > 0) cluster_.options.*value = given_.*value;
    if (cluster_.options.nodes == nodes) return {};
    return Fail(ErrorCode::kInvalidConfig,
                directory_->path() + " holds a cluster of " + std::to_string(nodes) +
                    " nodes; start it without --nodes, or choose another --data");
  }

  // The members of a quorum find each other at the addresses it was founded with.
  Status CheckControllers() {
    const std::string addresses = plan_.AdminAddresses();
    if (!cluster_.controllers.empty() && cluster_.options.nodes > 1 &&
        cluster_.controllers != addresses)
      return Fail(ErrorCode::kInvalidConfig, "the controllers of " + directory_->path() +
                                                 " know each other as " + cluster_.controllers +
                                                 ", not as " + addresses +
                                                 "; start it with the ports of its first start");
    cluster_.controllers = addresses;
    return {};
  }

  std::vector<dev::ChildSpec> ChildSpecs() const {
    std::vector<dev::ChildSpec> specs;
    for (const dev::NodePlan& node : plan_.nodes)
      specs.push_back({node.name,
                       dev::DescribeNode(node),
                       {node.command, node.log_path, directory_->lock_fd()},
                       node.role == dev::NodeRole::kBroker ? 0 : 1});
    return specs;
  }

  Outcome Supervise(dev::Supervisor& supervisor, StopSignals& signals) {
    Outcome outcome = WaitUntilReady(supervisor, signals);
    if (!outcome && !supervisor.stopping()) supervisor.RequestStop();
    while (!supervisor.stopped()) {
      supervisor.Poll(kIdlePoll, signals.fd());
      if (signals.Take()) supervisor.RequestStop();
    }
    return outcome;
  }

  // Prints READY once. A stop in between is no failure.
  Outcome WaitUntilReady(dev::Supervisor& supervisor, StopSignals& signals) {
    dev::ReadinessProbe probe(plan_);
    const MonoTime deadline = runtime::SteadyNow() + std::chrono::seconds(ready_timeout_s_);
    while (!supervisor.stopping()) {
      supervisor.Poll(kProbeInterval, signals.fd());
      if (signals.Take()) supervisor.RequestStop();
      if (supervisor.stopping()) break;
      if (const std::string* dead = supervisor.FirstDead()) return DeadChild(*dead);
      if (probe.Check()) return AnnounceReady();
      if (runtime::SteadyNow() >= deadline) return NotReady(probe.waiting_for());
    }
    return ExitCode::kOk;
  }

  Outcome NotReady(const std::string& waiting_for) const {
    const int more_s = std::min(2 * ready_timeout_s_, kReadyTimeoutSecondsMax);
    return LocalFailure(
        {ErrorCode::kRequestTimedOut,
         "not ready after " + std::to_string(ready_timeout_s_) + " s; " + waiting_for},
        "if the machine is slow: --ready-timeout " + std::to_string(more_s));
  }

  Outcome AnnounceReady() {
    if (!cluster_.formatted) {
      cluster_.formatted = true;
      if (const Status saved = directory_->SaveCluster(cluster_); !saved)
        return LocalFailure(saved.error());
    }
    PrintLine("READY kafka=" + plan_.KafkaAddresses() + " admin=" + plan_.AdminAddresses() +
              " http=" + plan_.HttpAddresses());
    session_->streams().err << "next:  weir topic create hello --admin " << plan_.AdminAddresses()
                            << "    (Ctrl-C stops the cluster)" << std::endl;
    return ExitCode::kOk;
  }

  Outcome DeadChild(const std::string& name) const {
    for (const dev::NodePlan& node : plan_.nodes)
      if (node.name == name)
        return LocalFailure({ErrorCode::kUnknownServerError,
                             name + " ended before the cluster was ready; its log says:\n" +
                                 LogTail(node.log_path)},
                            "less " + node.log_path);
    WEIR_UNREACHABLE("a child is a node of the plan");
  }

  // As typed, or the defaults.
  dev::DevOptions given_;
  std::vector<std::pair<CLI::Option*, int dev::DevOptions::*>> numbers_;
  int ready_timeout_s_ = kReadyTimeoutSeconds;
  Session* session_ = nullptr;
  dev::DevDirectory* directory_ = nullptr;
  dev::ClusterFile cluster_;
  dev::DevPlan plan_;
};

}  // namespace

void AddDevCommands(Commands& commands) {
  CLI::App& dev = commands.Add<DevCommand>(
      commands.app(), "dev", "Run a cluster on this machine: controllers and brokers");
  dev.require_subcommand(0, 1);
  AddDevControlCommands(commands, dev);
}

}  // namespace weir::ctl
