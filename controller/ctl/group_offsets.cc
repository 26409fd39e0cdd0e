#include "controller/ctl/group_offsets.h"

#include <google/protobuf/util/json_util.h>
#include <poll.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "common/runtime/clock.h"
#include "common/runtime/http_pages.h"

namespace weir::ctl {
namespace {

using admin::v1::BrokerDescription;
using group::v1::GroupOffsetsReport;

constexpr Duration kPageTimeout = std::chrono::seconds(5);
// How long a coordinator that changes is waited for.
constexpr Duration kPatience = std::chrono::seconds(10);
constexpr int kPauseMs = 100;

std::string ClientAddress(const BrokerDescription& broker) {
  if (broker.endpoints_size() == 0) return {};
  // Client endpoints come before the inter-broker one (proto/record.proto).
  const auto& endpoint = broker.endpoints(0);
  return endpoint.host() + ":" + std::to_string(endpoint.port());
}

// Where its pages are for us: a broker that listens everywhere is where its clients find it.
std::string PageAddress(const BrokerDescription& broker) {
  const auto at = runtime::ParseHostPort(broker.http_address());
  if (!at) return {};
  const bool is_anywhere = at->host == "0.0.0.0" || at->host == "::" || at->host.empty();
  if (!is_anywhere || broker.endpoints_size() == 0) return broker.http_address();
  return broker.endpoints(0).host() + ":" + std::to_string(at->port);
}

Result<GroupOffsetsReport> AskBroker(const BrokerDescription& broker, const std::string& group) {
  const std::string address = PageAddress(broker);
  if (address.empty())
    return Fail(ErrorCode::kBrokerNotAvailable,
                "broker " + std::to_string(broker.broker_id()) +
                    " serves no pages: http.listen of its configuration is empty");
  WEIR_ASSIGN_OR_RETURN(const runtime::HttpAnswer answer,
                        runtime::GetPage(address, "/groups", {{"group", group}}, kPageTimeout));
  if (answer.status != 200)
    return Fail(ErrorCode::kBrokerNotAvailable,
                "http://" + address + "/groups answered " + std::to_string(answer.status));
  GroupOffsetsReport report;
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  if (!google::protobuf::util::JsonStringToMessage(answer.body, &report, options).ok())
    return Fail(ErrorCode::kBrokerNotAvailable, "http://" + address + "/groups is not understood");
  return report;
}

// The broker to ask: the one that was named, or else the first that is up.
const BrokerDescription* Choose(const admin::v1::DescribeClusterReply& cluster,
                                std::optional<int32_t> wanted) {
  for (const BrokerDescription& broker : cluster.brokers()) {
    if (wanted ? broker.broker_id() == *wanted : !broker.fenced()) return &broker;
  }
  return nullptr;
}

// One attempt, by way of any broker. kNotCoordinator: the brokers do not agree yet.
Result<CoordinatedOffsets> AskOnce(const admin::v1::DescribeClusterReply& cluster,
                                   const std::string& group) {
  std::optional<int32_t> coordinator;
  for (int hops = 0; hops < 2; ++hops) {
    const BrokerDescription* broker = Choose(cluster, coordinator);
    if (broker == nullptr) return Fail(ErrorCode::kBrokerNotAvailable, "no broker is up");
    WEIR_ASSIGN_OR_RETURN(const GroupOffsetsReport report, AskBroker(*broker, group));
    const ErrorCode error = ErrorCodeFromNumber(static_cast<int16_t>(report.error_code()));
    if (error == ErrorCode::kNotCoordinator) {
      coordinator = report.coordinator_id();
      continue;
    }
    if (error != ErrorCode::kNone) return Fail(error, "the offsets of group " + group);
    CoordinatedOffsets found;
    if (report.groups_size() > 0) found.offsets = report.groups(0);
    found.offsets.set_group_id(group);
    found.coordinator_id = report.coordinator_id();
    if (found.coordinator_id >= 0) found.coordinator = ClientAddress(*broker);
    return found;
  }
  return Fail(ErrorCode::kNotCoordinator, "the coordinator of group " + group + " changes");
}

bool IsPassing(ErrorCode code) {
  return code == ErrorCode::kNotCoordinator || code == ErrorCode::kCoordinatorNotAvailable ||
         code == ErrorCode::kCoordinatorLoadInProgress || code == ErrorCode::kNetworkException ||
         code == ErrorCode::kNotLeaderOrFollower;
}

}  // namespace

Result<CoordinatedOffsets> AskGroupOffsets(Session& session, const std::string& group) {
  const Duration timeout = std::chrono::milliseconds(session.options().timeout_ms);
  const MonoTime deadline = runtime::SteadyNow() + std::min(kPatience, timeout);
  while (true) {
    WEIR_ASSIGN_OR_RETURN(const admin::v1::DescribeClusterReply cluster,
                          session.Call(rpc::kDescribeCluster, admin::v1::DescribeClusterRequest()));
    auto found = AskOnce(cluster, group);
    if (found || !IsPassing(found.error().code) || runtime::SteadyNow() >= deadline) return found;
    ::poll(nullptr, 0, kPauseMs);
  }
}

bool IsEmpty(const group::v1::GroupOffsets& offsets) {
  return offsets.partitions().empty() && !offsets.has_last_reset();
}

}  // namespace weir::ctl
