// weir cluster describe, weir broker list|describe.
#include "controller/ctl/commands.h"

namespace weir::ctl {
namespace {

using admin::v1::BrokerDescription;
using admin::v1::DescribeBrokersReply;
using admin::v1::DescribeBrokersRequest;
using admin::v1::DescribeClusterReply;
using admin::v1::DescribeClusterRequest;

std::string BrokerState(const BrokerDescription& broker) {
  if (broker.fenced()) return "fenced";
  return broker.in_controlled_shutdown() ? "stopping" : "running";
}

std::string Endpoints(const BrokerDescription& broker) {
  std::string text;
  for (const auto& endpoint : broker.endpoints())
    text += (text.empty() ? "" : ",") + endpoint.name() + "://" + endpoint.host() + ":" +
            std::to_string(endpoint.port());
  return OrDash(text);
}

std::string BrokerTable(const google::protobuf::RepeatedPtrField<BrokerDescription>& brokers) {
  Table table({"BROKER", "STATE", "LEADERS", "REPLICAS", "RACK", "ENDPOINTS", "HTTP"});
  for (const BrokerDescription& broker : brokers)
    table.AddRow({std::to_string(broker.broker_id()), BrokerState(broker),
                  std::to_string(broker.leader_count()), std::to_string(broker.replica_count()),
                  OrDash(broker.rack()), Endpoints(broker), OrDash(broker.http_address())});
  return table.ToText();
}

std::string ClusterText(const DescribeClusterReply& cluster) {
  std::string text = "Cluster id         " + cluster.cluster_id() + "\n";
  text += "Active controller  " + std::to_string(cluster.controller_id()) + "\n";
  text += "Topics             " + std::to_string(cluster.topic_count()) + "\n";
  text += "Partitions         " + std::to_string(cluster.partition_count()) + "\n";
  text += "  without leader   " + std::to_string(cluster.offline_partition_count()) + "\n";
  text += "  short of ISR     " + std::to_string(cluster.under_replicated_partition_count()) + "\n";
  text += "Metadata offset    " + std::to_string(cluster.metadata_offset()) + "\n\n";
  Table controllers({"CONTROLLER", "ROLE", "ADDRESS"});
  for (const auto& member : cluster.controllers())
    controllers.AddRow({std::to_string(member.controller_id()),
                        member.leader() ? "leader" : (member.voter() ? "voter" : "learner"),
                        OrDash(member.address())});
  return text + controllers.ToText() + "\n" + BrokerTable(cluster.brokers());
}

class ClusterDescribe final : public Command {
 public:
  explicit ClusterDescribe(CLI::App&) {}

  Outcome Run(Session& session) override {
    WEIR_CTL_ASSIGN_OR_RETURN(const DescribeClusterReply reply,
                              session.Call(rpc::kDescribeCluster, DescribeClusterRequest()));
    session.PrintReply(reply, [&reply] { return ClusterText(reply); });
    return ExitCode::kOk;
  }
};

class BrokerList final : public Command {
 public:
  explicit BrokerList(CLI::App&) {}

  Outcome Run(Session& session) override {
    WEIR_CTL_ASSIGN_OR_RETURN(const DescribeBrokersReply reply,
                              session.Call(rpc::kDescribeBrokers, DescribeBrokersRequest()));
    session.PrintReply(reply, [&reply] { return BrokerTable(reply.brokers()); });
    return ExitCode::kOk;
  }
};

std::string BrokerText(const BrokerDescription& broker) {
  std::string text = "Broker           " + std::to_string(broker.broker_id()) + "\n";
  text += "State            " + BrokerState(broker) + "\n";
  text += "Broker epoch     " + std::to_string(broker.broker_epoch()) + "\n";
  text += "Applied offset   " + std::to_string(broker.applied_offset()) + "\n";
  text += "Leaders          " + std::to_string(broker.leader_count()) + "\n";
  text += "Replicas         " + std::to_string(broker.replica_count()) + "\n";
  text += "Rack             " + OrDash(broker.rack()) + "\n";
  text += "Endpoints        " + Endpoints(broker) + "\n";
  text += "HTTP             " + OrDash(broker.http_address()) + "\n";
  text += "Version          " + OrDash(broker.version()) + "\n";
  for (const std::string& id : broker.directory_ids()) text += "Directory id     " + id + "\n";
  return text;
}

class BrokerDescribe final : public Command {
 public:
  explicit BrokerDescribe(CLI::App& app) {
    app.add_option("BROKER", broker_ids_, "Broker ids; none: all");
  }

  Outcome Run(Session& session) override {
    DescribeBrokersRequest request;
    for (const int32_t id : broker_ids_) request.add_broker_ids(id);
    WEIR_CTL_ASSIGN_OR_RETURN(const DescribeBrokersReply reply,
                              session.Call(rpc::kDescribeBrokers, request));
    session.PrintReply(reply, [&reply] {
      std::string text;
      for (const BrokerDescription& broker : reply.brokers())
        text += (text.empty() ? "" : "\n") + BrokerText(broker);
      return text;
    });
    if (!broker_ids_.empty() && reply.brokers().empty())
      return FailWith(ExitCode::kRefused,
                      {ErrorCode::kBrokerIdNotRegistered, "no such broker is registered"},
                      "weir broker list");
    return ExitCode::kOk;
  }

 private:
  std::vector<int32_t> broker_ids_;
};

}  // namespace

void AddClusterCommands(Commands& commands) {
  CLI::App& cluster = commands.Noun("cluster", "The cluster as a whole");
  commands.Add<ClusterDescribe>(cluster, "describe", "Controllers, brokers and counts");
}

void AddBrokerCommands(Commands& commands) {
  CLI::App& broker = commands.Noun("broker", "The registered brokers");
  commands.Add<BrokerList>(broker, "list", "All brokers, fenced ones too");
  commands.Add<BrokerDescribe>(broker, "describe", "All that is known about brokers");
  AddDrainCommands(commands, broker);
}

}  // namespace weir::ctl
