#include "controller/ctl/dev/node_plan.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>

namespace weir::ctl::dev {
namespace {

// A laptop that runs more than this is better served by real machines.
constexpr int kNodesMax = 9;
constexpr int kPortMax = 65535;
constexpr int kReplicationFactorMax = 3;

std::string Address(int port) { return std::string(kHost) + ":" + std::to_string(port); }

// The next `count` ports from `first` on that nobody has taken yet.
std::vector<int> TakePorts(int first, int count, std::set<int>& taken) {
  std::vector<int> ports;
  for (int port = first; static_cast<int>(ports.size()) < count; ++port)
    if (taken.insert(port).second) ports.push_back(port);
  return ports;
}

struct Ports {
  std::vector<int> kafka, admin, http;  // http: brokers', then controllers'
};

Ports LayOutPorts(const DevOptions& options) {
  std::set<int> taken;
  Ports ports;
  ports.kafka = TakePorts(options.kafka_port, options.nodes, taken);
  ports.admin = TakePorts(options.admin_port, options.nodes, taken);
  ports.http = TakePorts(options.http_port, 2 * options.nodes, taken);
  return ports;
}

Status CheckOptions(const DevOptions& options) {
  if (options.nodes < 1 || options.nodes > kNodesMax)
    return Fail(ErrorCode::kInvalidConfig,
                "--nodes " + std::to_string(options.nodes) + ": 1 to " + std::to_string(kNodesMax));
  const auto check_port = [](const char* flag, int port) -> Status {
    // Room for every port that may be counted up from here.
    if (port >= 1 && port <= kPortMax - 4 * kNodesMax) return {};
    return Fail(ErrorCode::kInvalidConfig, std::string(flag) + " " + std::to_string(port) +
                                               ": 1 to " +
                                               std::to_string(kPortMax - 4 * kNodesMax));
  };
  WEIR_RETURN_IF_ERROR(check_port("--kafka-port", options.kafka_port));
  WEIR_RETURN_IF_ERROR(check_port("--admin-port", options.admin_port));
  return check_port("--http-port", options.http_port);
}

std::string Voters(const Ports& ports) {
  std::string voters;
  for (size_t i = 0; i < ports.admin.size(); ++i)
    voters += (i == 0 ? "" : ",") + std::to_string(i + 1) + "@" + Address(ports.admin[i]);
  return voters;
}

std::string Join(const std::vector<NodePlan>& nodes, std::string NodePlan::*address) {
  std::string joined;
  for (const NodePlan& node : nodes)
    if (!(node.*address).empty()) joined += (joined.empty() ? "" : ",") + node.*address;
  return joined;
}

NodePlan BasicNode(NodeRole role, int node_id, const DevOptions& options, int http_port) {
  NodePlan node;
  node.role = role;
  node.node_id = node_id;
  node.name = (role == NodeRole::kController ? "controller-" : "broker-") + std::to_string(node_id);
  node.http_address = Address(http_port);
  node.data_path = options.data_dir + "/" + node.name + "/data";
  node.log_path = options.data_dir + "/" + node.name + "/log";
  return node;
}

// Keys: controller/service/controller_config.h.
std::vector<std::string> ControllerCommand(const NodePlan& node, const std::string& voters,
                                           int replication_factor,
                                           const DevEnvironment& environment) {
  std::vector<std::string> command = {
      environment.controller_binary,
      "--node-id=" + std::to_string(node.node_id),
      "--data-dir=" + node.data_path,
      "--listen=" + node.admin_address,
      "--http-listen=" + node.http_address,
      "--quorum-voters=" + voters,
      "--default-replication-factor=" + std::to_string(replication_factor),
  };
  if (environment.bootstrap) {
    command.push_back("--bootstrap=true");
    command.push_back("--cluster-id=" + environment.cluster_id);
  }
  return command;
}

// Keys: broker/main.cc.
std::vector<std::string> BrokerCommand(const NodePlan& node, const std::string& controllers,
                                       const DevEnvironment& environment) {
  std::vector<std::string> command = {
      environment.broker_binary,
      "--node-id=" + std::to_string(node.node_id),
      "--data-dir=" + node.data_path,
      "--kafka-listen=" + node.kafka_address,
      "--http-listen=" + node.http_address,
      "--controllers=" + controllers,
      "--auto-create-topics-enable=true",
  };
  if (environment.bootstrap) command.push_back("--bootstrap=true");
  return command;
}

bool PortIsFree(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  // Connections of an earlier run in TIME_WAIT do not count.
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  ::inet_pton(AF_INET, kHost, &address.sin_addr);
  const bool free = ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  ::close(fd);
  return free;
}

}  // namespace

std::string DevPlan::KafkaAddresses() const { return Join(nodes, &NodePlan::kafka_address); }
std::string DevPlan::AdminAddresses() const { return Join(nodes, &NodePlan::admin_address); }

std::string DevPlan::HttpAddresses() const {
  // Brokers first, as their ports are.
  std::vector<NodePlan> ordered;
  for (const NodeRole role : {NodeRole::kBroker, NodeRole::kController})
    for (const NodePlan& node : nodes)
      if (node.role == role) ordered.push_back(node);
  return Join(ordered, &NodePlan::http_address);
}

Result<DevPlan> MakePlan(const DevOptions& options, const DevEnvironment& environment) {
  WEIR_RETURN_IF_ERROR(CheckOptions(options));
  const Ports ports = LayOutPorts(options);
  const std::string voters = Voters(ports);
  DevPlan plan;
  for (int i = 0; i < options.nodes; ++i) {
    NodePlan node = BasicNode(NodeRole::kController, i + 1, options, ports.http[options.nodes + i]);
    node.admin_address = Address(ports.admin[i]);
    node.command = ControllerCommand(node, voters, std::min(options.nodes, kReplicationFactorMax),
                                     environment);
    plan.ports.push_back({ports.admin[i], node.name + " (gRPC)", "--admin-port"});
    plan.ports.push_back({ports.http[options.nodes + i], node.name + " (HTTP)", "--http-port"});
    plan.nodes.push_back(std::move(node));
  }
  const std::string controllers = plan.AdminAddresses();
  for (int i = 0; i < options.nodes; ++i) {
    NodePlan node = BasicNode(NodeRole::kBroker, i + 1, options, ports.http[i]);
    node.kafka_address = Address(ports.kafka[i]);
    node.command = BrokerCommand(node, controllers, environment);
    plan.ports.push_back({ports.kafka[i], node.name + " (Kafka)", "--kafka-port"});
    plan.ports.push_back({ports.http[i], node.name + " (HTTP)", "--http-port"});
    plan.nodes.push_back(std::move(node));
  }
  return plan;
}

std::string DescribeNode(const NodePlan& node) {
  std::string text;
  if (!node.kafka_address.empty()) text += "kafka=" + node.kafka_address + " ";
  if (!node.admin_address.empty()) text += "admin=" + node.admin_address + " ";
  return text + "http=" + node.http_address + " data=" + node.data_path + " log=" + node.log_path;
}

Status CheckPortsAreFree(const std::vector<PortUse>& ports) {
  for (const PortUse& use : ports)
    if (!PortIsFree(use.port))
      return Fail(ErrorCode::kBrokerNotAvailable,
                  "port " + std::to_string(use.port) + " of " + use.user +
                      " is in use by another process; choose another range with " + use.flag);
  return {};
}

}  // namespace weir::ctl::dev
