// What `weir dev` starts: the ports, the directories and the command line of every node, computed
// before anything runs (DESIGN §3, the contract of `weir dev`).
//
// Laws:
//  1. Broker i serves Kafka on kafka_port+i-1, controller i gRPC on admin_port+i-1; HTTP is
//     broker i on http_port+i-1, controller i on http_port+N+i-1. A port that an earlier rule has
//     taken is skipped, because the default ranges meet at three nodes (9090, 9091, 9092 against
//     9092): then the controllers have 9090, 9091 and 9095.
//  2. The same options give the same plan: a directory starts again on the addresses it knows.
//  3. Controllers come first in the plan, then brokers, each by node id.
// Thread rule: pure functions.
#pragma once

#include <string>
#include <vector>

#include "common/base/result.h"

namespace weir::ctl::dev {

// Where all nodes listen: nothing of a development cluster is reachable from other machines.
inline constexpr const char* kHost = "127.0.0.1";

struct DevOptions {
  int nodes = 1;
  std::string data_dir = "weir-data";
  int kafka_port = 9092;
  int admin_port = 9090;
  int http_port = 8080;
};

// Programs and identity that a plan needs besides the options.
struct DevEnvironment {
  std::string controller_binary;
  std::string broker_binary;
  // 22 characters; what --bootstrap formats the controllers with.
  std::string cluster_id;
  // Format empty node directories: only until the cluster has been up once, so that a wiped
  // directory is never taken for a new cluster's (DESIGN D1).
  bool bootstrap = false;
};

enum class NodeRole { kController, kBroker };

struct NodePlan {
  NodeRole role = NodeRole::kController;
  int node_id = 0;
  // "controller-1"
  std::string name;
  // host:port. `kafka_address` is a broker's, `admin_address` a controller's; the other is empty.
  std::string kafka_address;
  std::string admin_address;
  std::string http_address;
  // DIR/<name>/data and DIR/<name>/log.
  std::string data_path;
  std::string log_path;
  // Program and arguments.
  std::vector<std::string> command;
};

// A port that must be free, with the words for the error when it is not.
struct PortUse {
  int port = 0;
  // "broker-1 (Kafka)"
  std::string user;
  // "--kafka-port"
  std::string flag;
};

struct DevPlan {
  std::vector<NodePlan> nodes;
  std::vector<PortUse> ports;

  // Addresses of one kind in node order, separated by commas, as the READY line prints them.
  std::string KafkaAddresses() const;
  std::string AdminAddresses() const;
  std::string HttpAddresses() const;
};

// Errors: kInvalidConfig when the node count or a port is out of range.
Result<DevPlan> MakePlan(const DevOptions& options, const DevEnvironment& environment);

// "kafka=127.0.0.1:9092 http=127.0.0.1:8080 data=… log=…": the part of a NODE line that does not
// change.
std::string DescribeNode(const NodePlan& node);

// Errors: kBrokerNotAvailable, naming the first port that another process has, who needs it and
// which flag moves it.
Status CheckPortsAreFree(const std::vector<PortUse>& ports);

}  // namespace weir::ctl::dev
