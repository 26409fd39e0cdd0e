// weir-controller: configuration, one ControllerNode, its gRPC server and HTTP pages, and a clean
// end.
//
// Start: directory and log are read, then the port is opened, then the node starts: whoever
// connects is answered. Prints one line, "SERVING controller-<id> grpc=... http=...
// directory_id=...", when the port is open; /readyz says when there is a quorum with a leader. End:
// SIGTERM or SIGINT: leadership is handed over, waiting calls are answered, the server ends, the
// log is closed. Exit status: 0 clean; 1 configuration or start-up; 2 the node had to stop (its
// disk, its cluster). Thread rule: the main thread waits for signals; everything else runs
// elsewhere.
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <future>
#include <memory>
#include <string>

#include "common/rpc/server.h"
#include "common/runtime/metrics.h"
#include "controller/service/admin_service.h"
#include "controller/service/broker_service.h"
#include "controller/service/controller_config.h"
#include "controller/service/group_service.h"
#include "controller/service/group_stream_service.h"
#include "controller/service/pages.h"
#include "controller/service/raft_service.h"

namespace weir {
namespace {

// For answers on their way; streams of peers would never end by themselves.
constexpr Duration kStopGrace = std::chrono::milliseconds(100);

// Signals are taken by sigwait in Run only: every thread started later inherits the mask.
sigset_t BlockSignals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_IGN);
  return set;
}

int Complain(const Error& error) {
  std::fprintf(stderr, "weir-controller: %s\n", error.message.c_str());
  return 1;
}

// `listen` with the port that was really bound.
std::string WithPort(const std::string& listen, int port) {
  return listen.substr(0, listen.rfind(':') + 1) + std::to_string(port);
}

class Controller {
 public:
  Status Start(const service::ControllerConfig& config) {
    WEIR_ASSIGN_OR_RETURN(
        node_, quorum::ControllerNode::Create(config.node, [this](const std::string& reason) {
          std::fprintf(stderr, "weir-controller: %s\n", reason.c_str());
          failed_ = true;
          kill(getpid(), SIGTERM);
        }));
    admin_ = std::make_unique<service::AdminService>(*node_, config.node.defaults);
    brokers_ = std::make_unique<service::BrokerService>(*node_);
    groups_ = std::make_unique<service::GroupService>(*node_);
    group_streams_ = std::make_unique<service::GroupStreamService>(*node_);
    raft_ = std::make_unique<service::RaftService>(*node_);
    WEIR_ASSIGN_OR_RETURN(server_, rpc::Server::Start({.listen_address = config.listen},
                                                      {admin_.get(), brokers_.get(), groups_.get(),
                                                       group_streams_.get(), raft_.get()}));
    node_->OnReadyChange([this](bool ready) { server_->SetServing(ready); });
    const std::string grpc = WithPort(config.listen, server_->port());
    std::string http = "none";
    service::AddMetrics(*node_);
    pages_ = service::MakePages(*node_);
    if (!config.http_listen.empty()) {
      WEIR_ASSIGN_OR_RETURN(const int port, pages_->Start(config.http_listen));
      http = WithPort(config.http_listen, port);
    }
    WEIR_RETURN_IF_ERROR(
        node_->Start(config.advertised_address.empty() ? grpc : config.advertised_address));
    std::printf("SERVING controller-%s grpc=%s http=%s directory_id=%s\n",
                ToString(node_->id()).c_str(), grpc.c_str(), http.c_str(),
                node_->directory_id().ToString().c_str());
    std::fflush(stdout);
    return {};
  }

  void Stop() {
    std::promise<void> handed_over;
    node_->BeginStop(/*transfer=*/!failed_, [&] { handed_over.set_value(); });
    handed_over.get_future().wait();
    // The loop still runs: pages and calls that came late are answered.
    pages_->Stop();
    server_->Stop(kStopGrace);
    runtime::Metrics::Global().ClearCallbacks();
    node_->Stop();
  }

  bool failed() const { return failed_; }

 private:
  std::atomic<bool> failed_ = false;
  std::unique_ptr<quorum::ControllerNode> node_;
  std::unique_ptr<service::AdminService> admin_;
  std::unique_ptr<service::BrokerService> brokers_;
  std::unique_ptr<service::GroupService> groups_;
  std::unique_ptr<service::GroupStreamService> group_streams_;
  std::unique_ptr<service::RaftService> raft_;
  std::unique_ptr<rpc::Server> server_;
  std::unique_ptr<runtime::HttpPages> pages_;
};

int Run(int argc, char** argv) {
  const sigset_t signals = BlockSignals();
  const auto loaded = service::LoadControllerConfig(argc, argv);
  if (!loaded) return Complain(loaded.error());
  if (loaded->print_and_exit) {
    std::printf("%s\n", loaded->print_and_exit->c_str());
    return 0;
  }
  if (const Status log = InitLog(loaded->config.log); !log) return Complain(log.error());
  Controller controller;
  if (const Status started = controller.Start(loaded->config); !started) {
    return Complain(started.error());
  }
  int signal_number = 0;
  sigwait(&signals, &signal_number);
  LogInfo("main", "stopping", {{"signal", signal_number}});
  controller.Stop();
  return controller.failed() ? 2 : 0;
}

}  // namespace
}  // namespace weir

int main(int argc, char** argv) { return weir::Run(argc, argv); }
