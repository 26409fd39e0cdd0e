// weir topic create|alter|delete.
#include "controller/ctl/commands.h"
#include "controller/ctl/key_values.h"

namespace weir::ctl {
namespace {

using admin::v1::AlterConfigsReply;
using admin::v1::AlterConfigsRequest;
using admin::v1::AlteredResource;
using admin::v1::ConfigOperation;
using admin::v1::CreatePartitionsReply;
using admin::v1::CreatePartitionsRequest;
using admin::v1::CreateTopicsReply;
using admin::v1::CreateTopicsRequest;
using admin::v1::DeleteTopicsReply;
using admin::v1::DeleteTopicsRequest;

class TopicCreate final : public Command {
 public:
  explicit TopicCreate(CLI::App& app) {
    app.add_option("NAME", names_, "Topics to create")->required();
    app.add_option("-p,--partitions", partitions_, "Partitions (default: num.partitions)");
    app.add_option("-r,--replication-factor,--replicas", replication_factor_,
                   "Replicas of each partition (default: default.replication.factor)");
    app.add_option("-c,--config", configs_, "KEY=VALUE; may be repeated")->expected(1)->take_all();
    app.add_flag("--if-not-exists", if_not_exists_, "An existing topic is no error");
    AddDryRun(app, dry_run_);
  }

  Outcome Run(Session& session) override {
    CreateTopicsRequest request;
    request.set_validate_only(dry_run_);
    for (const std::string& name : names_) {
      auto* topic = request.add_topics();
      topic->set_name(name);
      topic->set_partitions(partitions_);
      topic->set_replication_factor(replication_factor_);
      for (const std::string& config : configs_) {
        const auto pair = ParseKeyValue(config);
        if (!pair) return UsageError(pair.error().message);
        (*topic->mutable_configs())[pair->first] = pair->second;
      }
    }
    WEIR_CTL_ASSIGN_OR_RETURN(const CreateTopicsReply reply,
                              session.Call(rpc::kCreateTopics, request));
    return Show(session, reply);
  }

 private:
  Outcome Show(Session& session, const CreateTopicsReply& reply) const {
    PartErrors errors(session);
    std::string text;
    for (const auto& topic : reply.topics()) {
      const bool exists = topic.error().code() == static_cast<int>(ErrorCode::kTopicAlreadyExists);
      if (if_not_exists_ && exists)
        text += "topic " + topic.name() + " exists already\n";
      else if (errors.Add(topic.name(), topic.error()))
        text += std::string(dry_run_ ? "would create" : "created") + " topic " + topic.name() +
                "  partitions " + std::to_string(topic.partitions()) + "  replicas " +
                std::to_string(topic.replication_factor()) + "  id " + OrDash(topic.topic_id()) +
                "\n";
    }
    session.PrintReply(reply, [&text] { return text; });
    return errors.Finish();
  }

  std::vector<std::string> names_;
  int32_t partitions_ = -1;
  int32_t replication_factor_ = -1;
  std::vector<std::string> configs_;
  bool if_not_exists_ = false;
  bool dry_run_ = false;
};

class TopicAlter final : public Command {
 public:
  explicit TopicAlter(CLI::App& app) {
    const auto add_list = [&app](const char* name, std::vector<std::string>& values,
                                 const char* description) {
      app.add_option(name, values, description)->expected(1)->take_all();
    };
    app.add_option("NAME", name_, "Topic")->required();
    add_list("-s,--set", set_, "KEY=VALUE; may be repeated");
    add_list("-d,--delete-config", delete_, "KEY back to its default; may be repeated");
    add_list("--append", append_, "KEY=ITEM added to a list value; may be repeated");
    add_list("--subtract", subtract_, "KEY=ITEM taken out of a list value; may be repeated");
    app.add_option("-p,--partitions", partitions_, "Raise the number of partitions to this");
    AddDryRun(app, dry_run_);
  }

  Outcome Run(Session& session) override {
    const size_t changes = set_.size() + delete_.size() + append_.size() + subtract_.size();
    if (partitions_ > 0 && changes > 0)
      return UsageError("--partitions and configuration are changed by separate calls");
    if (partitions_ > 0) return RaisePartitions(session);
    if (changes == 0)
      return UsageError("nothing to change", "weir topic alter " + name_ + " --set KEY=VALUE");
    return AlterConfigs(session);
  }

 private:
  Outcome RaisePartitions(Session& session) {
    CreatePartitionsRequest request;
    request.set_validate_only(dry_run_);
    auto* topic = request.add_topics();
    topic->set_name(name_);
    topic->set_total_count(partitions_);
    WEIR_CTL_ASSIGN_OR_RETURN(const CreatePartitionsReply reply,
                              session.Call(rpc::kCreatePartitions, request));
    PartErrors errors(session);
    std::string text;
    for (const auto& changed : reply.topics())
      if (errors.Add(changed.name(), changed.error()))
        text += "topic " + changed.name() + (dry_run_ ? " would have " : " has ") +
                std::to_string(changed.total_count()) + " partitions\n";
    session.PrintReply(reply, [&text] { return text; });
    return errors.Finish();
  }

  Outcome AlterConfigs(Session& session) {
    AlterConfigsRequest request;
    request.set_validate_only(dry_run_);
    AlteredResource* resource = request.add_resources();
    resource->mutable_resource()->set_type(metadata::v1::CONFIG_RESOURCE_TOPIC);
    resource->mutable_resource()->set_name(name_);
    for (const std::string& key : delete_) {
      auto* change = resource->add_changes();
      change->set_key(key);
      change->set_operation(admin::v1::CONFIG_OPERATION_DELETE);
    }
    Status parsed = AddChanges(set_, admin::v1::CONFIG_OPERATION_SET, *resource);
    if (parsed) parsed = AddChanges(append_, admin::v1::CONFIG_OPERATION_APPEND, *resource);
    if (parsed) parsed = AddChanges(subtract_, admin::v1::CONFIG_OPERATION_SUBTRACT, *resource);
    if (!parsed) return UsageError(parsed.error().message);
    WEIR_CTL_ASSIGN_OR_RETURN(const AlterConfigsReply reply,
                              session.Call(rpc::kAlterConfigs, request));
    PartErrors errors(session);
    std::string text;
    for (const auto& changed : reply.resources())
      if (errors.Add(changed.resource().name(), changed.error()))
        text += std::string(dry_run_ ? "would alter" : "altered") + " topic " +
                changed.resource().name() + "\n";
    session.PrintReply(reply, [&text] { return text; });
    return errors.Finish();
  }

  static Status AddChanges(const std::vector<std::string>& pairs, ConfigOperation operation,
                           AlteredResource& resource) {
    for (const std::string& text : pairs) {
      WEIR_ASSIGN_OR_RETURN(const auto pair, ParseKeyValue(text));
      auto* change = resource.add_changes();
      change->set_key(pair.first);
      change->set_operation(operation);
      change->set_value(pair.second);
    }
    return {};
  }

  std::string name_;
  std::vector<std::string> set_, delete_, append_, subtract_;
  int32_t partitions_ = 0;
  bool dry_run_ = false;
};

class TopicDelete final : public Command {
 public:
  explicit TopicDelete(CLI::App& app) {
    app.add_option("NAME", names_, "Topics to delete with all their records")->required();
    app.add_flag("-y,--yes", yes_, "Do not ask");
    AddDryRun(app, dry_run_);
  }

  Outcome Run(Session& session) override {
    if (!yes_ && !dry_run_)
      for (const std::string& name : names_)
        if (!Confirm(session, name))
          return UsageError("topic " + name + " was not confirmed; nothing was deleted",
                            "weir topic delete -y " + name);
    DeleteTopicsRequest request;
    request.set_validate_only(dry_run_);
    for (const std::string& name : names_) request.add_topics()->set_name(name);
    WEIR_CTL_ASSIGN_OR_RETURN(const DeleteTopicsReply reply,
                              session.Call(rpc::kDeleteTopics, request));
    PartErrors errors(session);
    std::string text;
    for (const auto& topic : reply.topics())
      if (errors.Add(topic.name(), topic.error()))
        text +=
            std::string(dry_run_ ? "would delete" : "deleted") + " topic " + topic.name() + "\n";
    session.PrintReply(reply, [&text] { return text; });
    return errors.Finish();
  }

 private:
  // The question goes to stderr: stdout is for the answer.
  static bool Confirm(Session& session, const std::string& name) {
    session.streams().err << "Type the topic's name to delete it with all its records (" << name
                          << "): " << std::flush;
    std::string typed;
    return std::getline(session.streams().in, typed) && typed == name;
  }

  std::vector<std::string> names_;
  bool yes_ = false;
  bool dry_run_ = false;
};

}  // namespace

void AddTopicChangeCommands(Commands& commands, CLI::App& topic) {
  commands.Add<TopicCreate>(topic, "create", "Create topics");
  commands.Add<TopicAlter>(topic, "alter", "Change configuration or the number of partitions");
  commands.Add<TopicDelete>(topic, "delete", "Delete topics with all their records");
}

}  // namespace weir::ctl
