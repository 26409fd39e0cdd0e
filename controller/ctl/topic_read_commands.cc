// weir topic list|describe|config: what topics there are.
#include "common/rpc/status.h"
#include "controller/ctl/commands.h"

namespace weir::ctl {
namespace {

using admin::v1::ConfigEntry;
using admin::v1::DescribeConfigsReply;
using admin::v1::DescribeConfigsRequest;
using admin::v1::DescribeTopicsReply;
using admin::v1::DescribeTopicsRequest;
using admin::v1::ListTopicsReply;
using admin::v1::ListTopicsRequest;
using admin::v1::TopicDescription;

class TopicList final : public Command {
 public:
  explicit TopicList(CLI::App& app) {
    app.add_flag("-i,--internal", internal_, "Also topics the cluster keeps for itself");
  }

  Outcome Run(Session& session) override {
    ListTopicsRequest request;
    request.set_include_internal(internal_);
    WEIR_CTL_ASSIGN_OR_RETURN(const ListTopicsReply reply, session.Call(rpc::kListTopics, request));
    session.PrintReply(reply, [&reply] {
      Table table({"NAME", "PARTITIONS", "REPLICAS", "TOPIC ID"});
      for (const auto& topic : reply.topics())
        table.AddRow({topic.name(), std::to_string(topic.partitions()),
                      std::to_string(topic.replication_factor()), topic.topic_id()});
      return table.ToText();
    });
    return ExitCode::kOk;
  }

 private:
  bool internal_ = false;
};

std::string TopicText(const TopicDescription& topic) {
  std::string text = "Topic       " + topic.name() + "\nTopic id    " + topic.topic_id() +
                     "\nPartitions  " + std::to_string(topic.partitions_size()) + "\n";
  if (topic.internal()) text += "Internal    yes\n";
  const std::map<std::string, std::string> configs(topic.configs().begin(), topic.configs().end());
  for (const auto& [key, value] : configs) text += "Config      " + key + "=" + value + "\n";
  Table table({"PARTITION", "LEADER", "EPOCH", "REPLICAS", "ISR", "OFFLINE"});
  for (const auto& partition : topic.partitions())
    table.AddRow({std::to_string(partition.partition()),
                  partition.leader_id() < 0 ? "none" : std::to_string(partition.leader_id()),
                  std::to_string(partition.leader_epoch()), JoinIds(partition.replica_ids()),
                  JoinIds(partition.isr_ids()), JoinIds(partition.offline_replica_ids())});
  return text + "\n" + table.ToText();
}

class TopicDescribe final : public Command {
 public:
  explicit TopicDescribe(CLI::App& app) { app.add_option("NAME", names_, "Topics; none: all"); }

  Outcome Run(Session& session) override {
    DescribeTopicsRequest request;
    for (const std::string& name : names_) request.add_topics()->set_name(name);
    WEIR_CTL_ASSIGN_OR_RETURN(const DescribeTopicsReply reply,
                              session.Call(rpc::kDescribeTopics, request));
    PartErrors errors(session);
    std::string text;
    for (const TopicDescription& topic : reply.topics())
      if (errors.Add(topic.name(), topic.error()))
        text += (text.empty() ? "" : "\n") + TopicText(topic);
    session.PrintReply(reply, [&text] { return text; });
    return errors.Finish();
  }

 private:
  std::vector<std::string> names_;
};

std::string SourceName(admin::v1::ConfigSource source) {
  constexpr std::string_view kPrefix = "CONFIG_SOURCE_";
  std::string name = admin::v1::ConfigSource_Name(source);
  if (name.starts_with(kPrefix)) name.erase(0, kPrefix.size());
  return OrDash(name);
}

class TopicConfig final : public Command {
 public:
  explicit TopicConfig(CLI::App& app) {
    app.add_option("NAME", name_, "Topic")->required();
    app.add_option("-k,--key", keys_, "Only these keys; may be repeated")->expected(1)->take_all();
  }

  Outcome Run(Session& session) override {
    DescribeConfigsRequest request;
    auto* selector = request.add_resources();
    selector->mutable_resource()->set_type(metadata::v1::CONFIG_RESOURCE_TOPIC);
    selector->mutable_resource()->set_name(name_);
    for (const std::string& key : keys_) selector->add_keys(key);
    WEIR_CTL_ASSIGN_OR_RETURN(const DescribeConfigsReply reply,
                              session.Call(rpc::kDescribeConfigs, request));
    PartErrors errors(session);
    Table table({"KEY", "VALUE", "SOURCE"});
    for (const auto& resource : reply.resources()) {
      errors.Add(name_, resource.error());
      for (const ConfigEntry& entry : resource.entries())
        table.AddRow({entry.key(), OrDash(entry.value()), SourceName(entry.source())});
    }
    session.PrintReply(reply, [&table] { return table.empty() ? std::string() : table.ToText(); });
    return errors.Finish();
  }

 private:
  std::string name_;
  std::vector<std::string> keys_;
};

}  // namespace

void AddTopicReadCommands(Commands& commands, CLI::App& topic) {
  commands.Add<TopicList>(topic, "list", "Names, ids and sizes of all topics");
  commands.Add<TopicDescribe>(topic, "describe", "Partitions, leaders, replicas of topics");
  commands.Add<TopicConfig>(topic, "config", "A topic's configuration with sources and defaults");
}

}  // namespace weir::ctl
