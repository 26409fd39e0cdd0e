#include "controller/ctl/command.h"

#include <poll.h>

#include <algorithm>
#include <cstdlib>
#include <limits>

#include "common/rpc/status.h"
#include "common/runtime/clock.h"
#include "controller/ctl/profile.h"
#include "controller/ctl/tcp_socket.h"

namespace weir::ctl {
namespace {

constexpr const char* kAdminDefault = "127.0.0.1:9090";
constexpr Duration kConnectPatience = std::chrono::seconds(2);
constexpr int kListenerPollMs = 50;

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

std::vector<std::string> SplitByComma(const std::string& text) {
  std::vector<std::string> parts;
  std::string part;
  for (const char c : text + ",") {
    if (c != ',') {
      if (c != ' ') part += c;
    } else if (!part.empty()) {
      parts.push_back(std::exchange(part, {}));
    }
  }
  return parts;
}

// The first that is given of: the flag, the environment, the profile.
Result<std::string> Resolve(const std::string& flag, const char* variable,
                            const std::string& profile_name, std::string Profile::*field) {
  if (!flag.empty()) return flag;
  if (std::string value = Environment(variable); !value.empty()) return value;
  WEIR_ASSIGN_OR_RETURN(const ProfileFile file, LoadProfiles(ProfileFilePath()));
  WEIR_ASSIGN_OR_RETURN(const Profile profile, ChooseProfile(file, profile_name));
  return profile.*field;
}

// Whether one of `addresses` accepts connections, tried for `patience`: a command typed while a
// controller restarts should work, one typed without a cluster should not take half a minute.
Status WaitForListener(const std::vector<std::string>& addresses, Duration patience) {
  const MonoTime deadline = runtime::SteadyNow() + patience;
  std::string causes;
  do {
    causes.clear();
    for (const std::string& address : addresses) {
      const auto socket = TcpSocket::Connect(address, patience);
      if (socket) return {};
      causes += (causes.empty() ? "" : "; ") + socket.error().message;
    }
    ::poll(nullptr, 0, kListenerPollMs);
  } while (runtime::SteadyNow() < deadline);
  return Fail(ErrorCode::kNetworkException, "no controller answers: " + causes);
}

}  // namespace

Session::Session(GlobalOptions options, std::string version, Streams streams)
    : options_(std::move(options)), version_(std::move(version)), streams_(streams) {}

void Session::Print(std::string_view text) { streams_.out << text; }

void Session::PrintReply(const google::protobuf::Message& reply,
                         const std::function<std::string()>& text) {
  Print(json() ? ToJson(reply) : text());
}

Result<std::vector<std::string>> Session::AdminAddresses() {
  WEIR_ASSIGN_OR_RETURN(std::string text,
                        Resolve(options_.admin, "WEIR_ADMIN", options_.profile, &Profile::admin));
  std::vector<std::string> addresses = SplitByComma(text.empty() ? kAdminDefault : text);
  for (const std::string& address : addresses)
    if (address.find(':') == std::string::npos)
      return Fail(ErrorCode::kInvalidRequest,
                  "admin address " + address + ": HOST:PORT is expected");
  if (addresses.empty()) return Fail(ErrorCode::kInvalidRequest, "no admin address is given");
  return addresses;
}

Result<rpc::ControllerClient*> Session::Client() {
  if (client_ == nullptr) {
    WEIR_ASSIGN_OR_RETURN(std::vector<std::string> addresses, AdminAddresses());
    const Duration timeout = std::chrono::milliseconds(options_.timeout_ms);
    WEIR_RETURN_IF_ERROR(WaitForListener(addresses, std::min(kConnectPatience, timeout)));
    client_ = std::make_unique<rpc::ControllerClient>(
        std::move(addresses), rpc::ControllerClientOptions{.tool = "weir/" + version_});
  }
  return client_.get();
}

Result<std::string> Session::KafkaAddresses() {
  WEIR_ASSIGN_OR_RETURN(std::string given,
                        Resolve(options_.kafka, "WEIR_KAFKA", options_.profile, &Profile::kafka));
  if (!given.empty()) return given;
  WEIR_ASSIGN_OR_RETURN(const admin::v1::DescribeClusterReply cluster,
                        Call(rpc::kDescribeCluster, admin::v1::DescribeClusterRequest()));
  std::string addresses;
  for (const auto& broker : cluster.brokers()) {
    if (broker.fenced() || broker.endpoints_size() == 0) continue;
    // Client endpoints come before the inter-broker one (proto/record.proto).
    const auto& endpoint = broker.endpoints(0);
    addresses +=
        (addresses.empty() ? "" : ",") + endpoint.host() + ":" + std::to_string(endpoint.port());
  }
  if (addresses.empty())
    return Fail(ErrorCode::kBrokerNotAvailable, "no broker of the cluster is up");
  return addresses;
}

CLI::App& Commands::Noun(const std::string& name, const std::string& description) {
  for (CLI::App* present : app_.get_subcommands(nullptr))
    if (present->get_name() == name) return *present;
  CLI::App* noun = app_.add_subcommand(name, description);
  noun->require_subcommand(1);
  noun->fallthrough();
  return *noun;
}

Command* Commands::Chosen() const {
  for (const Entry& entry : commands_)
    if (entry.app->parsed() && entry.app->get_subcommands().empty()) return entry.command.get();
  return nullptr;
}

void AddDryRun(CLI::App& app, bool& dry_run) {
  app.add_flag("--dry-run", dry_run, "Check everything and answer as if, but change nothing");
}

void AddThrottle(CLI::App& app, int64_t& throttled_rate) {
  app.add_option("--throttle", throttled_rate,
                 "Bytes/s that each broker sends and receives for the moves, at most; it ends with "
                 "them")
      ->check(CLI::Range(int64_t{1}, std::numeric_limits<int64_t>::max()));
}

bool PartErrors::Add(const std::string& subject, const admin::v1::AdminError& error) {
  const Status status = rpc::FromAdminError(error);
  if (status) return true;
  if (first_ == ErrorCode::kNone) first_ = status.error().code;
  if (!session_.json())
    session_.streams().err << "error: " << subject << ": " << ToString(status.error()) << '\n';
  return false;
}

ExitCode PartErrors::Finish() {
  if (first_ == ErrorCode::kNone) return ExitCode::kOk;
  const std::string next = NextCommand(first_);
  if (!session_.json() && !next.empty()) session_.streams().err << "next:  " << next << '\n';
  return ExitCodeOf(first_);
}

}  // namespace weir::ctl
