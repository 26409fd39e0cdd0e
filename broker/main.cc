// weir-broker: configuration, one BrokerNode, and a clean end on SIGTERM or SIGINT.
//
// Exit status: 0 clean, or asked for --help, --version, --check-config; 1 configuration, start-up,
// or a failure that ended it (broker/node/end_at_once.h). A second signal ends it the hard way.
// Thread rule: the main thread waits for signals; everything else runs elsewhere.
#include <pthread.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "broker/handlers/broker_config.h"
#include "broker/node/broker_node.h"
#include "common/runtime/config.h"
#include "common/runtime/log.h"

namespace weir {
namespace {

// Before the first thread: every thread inherits the mask, so that only sigwait gets them.
sigset_t BlockSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return signals;
}

int Complain(const Error& error) {
  std::fprintf(stderr, "weir-broker: %s\n", error.message.c_str());
  return EXIT_FAILURE;
}

int Print(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  return EXIT_SUCCESS;
}

int Run(handlers::BrokerConfig config) {
  const sigset_t signals = BlockSignals();
  node::BrokerNode node(std::move(config), WEIR_VERSION);
  if (const Status started = node.Start(); !started) {
    LogError("broker", "cannot start", {{"reason", started.error().message}});
    return EXIT_FAILURE;
  }
  int received = 0;
  sigwait(&signals, &received);
  LogInfo("broker", "stopping", {{"signal", received}});
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
  node.StopCleanly();
  return EXIT_SUCCESS;
}

int Main(int argc, char** argv) {
  const auto loaded =
      runtime::LoadConfig(handlers::BrokerConfigKeys(), "weir-broker", WEIR_VERSION, argc, argv);
  if (!loaded) return Complain(loaded.error());
  const bool has_values = !loaded->config.values().empty();
  if (loaded->print_and_exit && !has_values) {
    return Print(*loaded->print_and_exit);  // --help, --version
  }
  Result<handlers::BrokerConfig> config = handlers::ReadBrokerConfig(loaded->config);
  if (!config) return Complain(config.error());
  if (loaded->print_and_exit) return Print(*loaded->print_and_exit);  // --check-config
  if (const Status log = InitLog(config->log); !log) return Complain(log.error());
  return Run(*std::move(config));
}

}  // namespace
}  // namespace weir

int main(int argc, char** argv) { return weir::Main(argc, argv); }
