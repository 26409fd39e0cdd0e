#include "controller/ctl/dev/readiness.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>

#include "controller/ctl/tcp_socket.h"

namespace weir::ctl::dev {
namespace {

constexpr Duration kAnswerTimeout = std::chrono::milliseconds(100);
// Every millisecond here is one of the start.
constexpr Duration kRetryPause = std::chrono::milliseconds(5);

// A Kafka Metadata request, version 1, for no topic: size, api key 3, version 1, correlation id 7,
// null client id, an array of 0 topics.
constexpr std::array<uint8_t, 18> kMetadataRequest = {0, 0, 0, 14,   0,    3, 0, 1, 0,
                                                      0, 0, 7, 0xff, 0xff, 0, 0, 0, 0};
// Of the response: size, correlation id, number of brokers.
constexpr size_t kMetadataResponseHead = 12;

uint32_t ReadUint32(const uint8_t* at) {
  uint32_t value = 0;
  std::memcpy(&value, at, sizeof value);
  return ntohl(value);
}

}  // namespace

Result<int> CountBrokersByKafka(const std::string& address) {
  WEIR_ASSIGN_OR_RETURN(TcpSocket socket, TcpSocket::Connect(address, kAnswerTimeout));
  std::array<uint8_t, kMetadataResponseHead> head{};
  if (!socket.Send(kMetadataRequest.data(), kMetadataRequest.size()) ||
      !socket.Receive(head.data(), head.size()))
    return Fail(ErrorCode::kNetworkException, "no answer to a Metadata request");
  return static_cast<int>(ReadUint32(head.data() + 8));
}

ReadinessProbe::ReadinessProbe(const DevPlan& plan)
    : brokers_(
          static_cast<int>(std::ranges::count(plan.nodes, NodeRole::kBroker, &NodePlan::role))) {
  for (const NodePlan& node : plan.nodes) targets_.push_back({node, false, nullptr});
}

Status ReadinessProbe::CheckController(Target& target) const {
  // A plain connect first: a refused gRPC dial would only be repeated after a pause.
  if (target.client == nullptr) {
    const auto socket = TcpSocket::Connect(target.node.admin_address, kAnswerTimeout);
    if (!socket) return tl::unexpected<Error>(socket.error());
    target.client = std::make_unique<rpc::ControllerClient>(
        std::vector{target.node.admin_address},
        rpc::ControllerClientOptions{.tool = "weir dev", .retry_pause = kRetryPause});
  }
  WEIR_ASSIGN_OR_RETURN(
      const admin::v1::DescribeClusterReply reply,
      target.client->CallSync(rpc::kDescribeCluster, admin::v1::DescribeClusterRequest(),
                              kAnswerTimeout));
  const auto unfenced = std::ranges::count_if(
      reply.brokers(), [](const admin::v1::BrokerDescription& broker) { return !broker.fenced(); });
  if (unfenced >= brokers_) return {};
  return Fail(
      ErrorCode::kBrokerNotAvailable,
      std::to_string(unfenced) + " of " + std::to_string(brokers_) + " brokers are unfenced");
}

Status ReadinessProbe::CheckBroker(const Target& target) const {
  WEIR_ASSIGN_OR_RETURN(const int known, CountBrokersByKafka(target.node.kafka_address));
  if (known >= brokers_) return {};
  return Fail(ErrorCode::kBrokerNotAvailable,
              "knows " + std::to_string(known) + " of " + std::to_string(brokers_) + " brokers");
}

bool ReadinessProbe::Check() {
  for (Target& target : targets_) {
    if (target.ready) continue;
    const Status status =
        target.node.role == NodeRole::kController ? CheckController(target) : CheckBroker(target);
    if (!status) {
      waiting_for_ = target.node.name + ": " + status.error().message;
      return false;
    }
    target.ready = true;
  }
  waiting_for_.clear();
  return true;
}

}  // namespace weir::ctl::dev
