// The frame of every command: `weir NOUN VERB [arguments]`.
//
// A command is a class whose constructor binds its options to its members and whose Run does the
// work. Run gets a Session: the global options after profile and environment, the way to the
// controllers, and the output.
//
// Laws:
//  1. Run prints to stdout through Print and PrintReply only, so that --format is kept.
//  2. A mutation takes --dry-run (validate_only), and carries a request id and the tool's name.
// Thread rule: main thread.
#pragma once

#include <functional>
#include <istream>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "common/rpc/controller_client.h"
#include "controller/ctl/exit_code.h"
#include "controller/ctl/output.h"

namespace weir::ctl {

// Options that every command takes. Empty text: not given.
struct GlobalOptions {
  // host:port, separated by commas.
  std::string admin;
  std::string kafka;
  std::string profile;
  OutputFormat format = OutputFormat::kText;
  int64_t timeout_ms = 30'000;
};

struct Streams {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
};

class Session {
 public:
  Session(GlobalOptions options, std::string version, Streams streams);

  const GlobalOptions& options() const { return options_; }
  const std::string& version() const { return version_; }
  Streams& streams() { return streams_; }
  bool json() const { return options_.format == OutputFormat::kJson; }

  // One call to the controllers, repeated on connection loss until the deadline.
  template <class Request, class Reply>
  Result<Reply> Call(const rpc::Method<Request, Reply>& method, Request request);

  void Print(std::string_view text);
  // The reply as JSON with --format json, else `text()`.
  void PrintReply(const google::protobuf::Message& reply, const std::function<std::string()>& text);

  // The controllers to talk to: --admin, WEIR_ADMIN, the profile, 127.0.0.1:9090, in this order.
  Result<std::vector<std::string>> AdminAddresses();
  // bootstrap.servers: --kafka, WEIR_KAFKA, the profile, else the endpoints that DescribeCluster
  // names. Errors: those of the call; kBrokerNotAvailable when no broker is up.
  Result<std::string> KafkaAddresses();

 private:
  Result<rpc::ControllerClient*> Client();

  GlobalOptions options_;
  std::string version_;
  Streams streams_;
  std::unique_ptr<rpc::ControllerClient> client_;
};

class Command {
 public:
  virtual ~Command() = default;
  virtual Outcome Run(Session& session) = 0;
};

// All commands of the program, by noun.
class Commands {
 public:
  explicit Commands(CLI::App& app) : app_(app) {}

  // A noun is a group of verbs: "topic". The first to name it describes it.
  CLI::App& Noun(const std::string& name, const std::string& description);
  // A verb of `noun`, or a command of its own when `noun` is the program. C's constructor takes
  // CLI::App&. Returns that.
  template <class C>
  CLI::App& Add(CLI::App& noun, const std::string& name, const std::string& description) {
    CLI::App* app = noun.add_subcommand(name, description);
    app->fallthrough();
    commands_.push_back({app, std::make_unique<C>(*app)});
    return *app;
  }
  CLI::App& app() { return app_; }

  // The command that the command line named. REQUIRES: parsed.
  Command* Chosen() const;

 private:
  struct Entry {
    CLI::App* app;
    std::unique_ptr<Command> command;
  };
  CLI::App& app_;
  std::vector<Entry> commands_;
};

// Adds --dry-run to a mutation.
void AddDryRun(CLI::App& app, bool& dry_run);
// Adds --throttle, in bytes/s, to a command that starts moves; 0 while it is not given.
void AddThrottle(CLI::App& app, int64_t& throttled_rate);

// Collects what parts of a reply failed; prints each as "error: SUBJECT: cause" in text mode.
class PartErrors {
 public:
  explicit PartErrors(Session& session) : session_(session) {}
  // True when the part succeeded.
  bool Add(const std::string& subject, const admin::v1::AdminError& error);
  // kOk, or kRefused after the first failed part; prints the next command.
  ExitCode Finish();

 private:
  Session& session_;
  ErrorCode first_ = ErrorCode::kNone;
};

template <class Request, class Reply>
Result<Reply> Session::Call(const rpc::Method<Request, Reply>& method, Request request) {
  WEIR_ASSIGN_OR_RETURN(rpc::ControllerClient * client, Client());
  return client->CallSync(method, std::move(request),
                          std::chrono::milliseconds(options_.timeout_ms));
}

}  // namespace weir::ctl
