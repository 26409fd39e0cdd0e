#include "controller/state/configs.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

#include "common/metadata/broker_options.h"
#include "common/metadata/consumer_group_config.h"
#include "common/metadata/group_options.h"
#include "common/metadata/topic_config.h"
#include "common/metadata/topic_options.h"
#include "controller/state/elect_leaders.h"

namespace weir::state {
namespace {

using admin::v1::ConfigChange;
using metadata::ConfigOption;
using metadata::ConfigResource;

constexpr std::string_view kConsumerGroupPrefix = "group.consumer.";

Result<NodeId> ParseBrokerId(const std::string& name) {
  int32_t id = -1;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), id);
  // One way to write a broker id only: "+1" and "01" would be resources of their own.
  if (error != std::errc() || id < 0 || std::to_string(id) != name) {
    return Fail(ErrorCode::kInvalidRequest, "'" + name + "' is no broker id");
  }
  return NodeId(id);
}

Status CheckResource(const MetadataImage& image, const ConfigResource& resource) {
  if (resource.type == metadata::v1::CONFIG_RESOURCE_TOPIC) {
    if (image.FindTopic(resource.name) != nullptr) return {};
    return Fail(ErrorCode::kUnknownTopicOrPartition,
                "topic '" + resource.name + "' does not exist");
  }
  if (resource.type == metadata::v1::CONFIG_RESOURCE_GROUP) {
    if (!resource.name.empty()) return {};
    return Fail(ErrorCode::kInvalidRequest,
                "a group id is expected: what holds for all groups is configured at the brokers");
  }
  if (resource.type != metadata::v1::CONFIG_RESOURCE_BROKER) {
    return Fail(ErrorCode::kInvalidRequest, "configuration resource type " +
                                                std::to_string(static_cast<int>(resource.type)) +
                                                " is not supported");
  }
  if (resource.name.empty()) return {};
  WEIR_ASSIGN_OR_RETURN(const NodeId id, ParseBrokerId(resource.name));
  if (image.FindBroker(id) != nullptr) return {};
  return Fail(ErrorCode::kBrokerIdNotRegistered, "broker " + resource.name + " is not registered");
}

Result<const ConfigOption*> FindChangeable(metadata::v1::ConfigResourceType type,
                                           const std::string& key) {
  const bool of_topic = type == metadata::v1::CONFIG_RESOURCE_TOPIC;
  const bool of_group = type == metadata::v1::CONFIG_RESOURCE_GROUP;
  const ConfigOption* option = of_topic   ? metadata::FindTopicOption(key)
                               : of_group ? metadata::FindGroupOption(key)
                                          : metadata::FindBrokerOption(key);
  if (option == nullptr) {
    return Fail(ErrorCode::kInvalidConfig, std::string("unknown ") +
                                               (of_topic   ? "topic"
                                                : of_group ? "group"
                                                           : "broker") +
                                               " option '" + key + "'");
  }
  if (!option->dynamic) {
    return Fail(ErrorCode::kInvalidConfig,
                key +
                    " cannot be changed while a broker runs: set it in the node's own "
                    "configuration and restart");
  }
  return option;
}

// The controllers count with these as well as brokers do: no broker has a value of its own.
Status CheckConcerns(const ConfigResource& resource, const std::string& key) {
  const bool of_one_broker =
      resource.type == metadata::v1::CONFIG_RESOURCE_BROKER && !resource.name.empty();
  if (!of_one_broker) return {};
  if (key.starts_with(kConsumerGroupPrefix)) {
    return Fail(ErrorCode::kInvalidConfig,
                key + " cannot be set for one broker: set it for all brokers");
  }
  if (key != "min.insync.replicas" && key != "unclean.leader.election.enable") return {};
  return Fail(ErrorCode::kInvalidConfig,
              key + " cannot be set for one broker: set it for a topic, or for all brokers");
}

Status CheckTopicValue(const std::string& key, const std::string& value) {
  WEIR_ASSIGN_OR_RETURN(const ConfigOption* option,
                        FindChangeable(metadata::v1::CONFIG_RESOURCE_TOPIC, key));
  WEIR_RETURN_IF_ERROR(metadata::ValidateConfig(*option, value));
  if (key == "remote.storage.enable" && metadata::ParseConfigBool(value).value_or(false)) {
    return Fail(ErrorCode::kInvalidConfig, "this cluster has no remote storage");
  }
  return {};
}

// Within what brokers allow groups to set (KIP-848).
Status CheckGroupValue(const metadata::ConfigView& view, const std::string& key,
                       const std::string& value) {
  const metadata::GroupConfigBounds bounds = metadata::BoundsOfGroupConfig(view, key);
  const int64_t number = metadata::ParseConfigInteger(value).value_or(-1);
  if (number >= bounds.min && number <= bounds.max) return {};
  return Fail(ErrorCode::kInvalidConfig, key + " must be from " + std::to_string(bounds.min) +
                                             " to " + std::to_string(bounds.max) + ", not " +
                                             value);
}

// What is configured for all groups agrees with itself, and with what groups have set.
Status CheckAllGroups(const metadata::ConfigView& view) {
  WEIR_RETURN_IF_ERROR(metadata::CheckConsumerConfigOfAll(view));
  for (const auto& [resource, values] : view.image.configs()) {
    if (resource.type != metadata::v1::CONFIG_RESOURCE_GROUP) continue;
    WEIR_RETURN_IF_ERROR(metadata::CheckConsumerConfigOf(view, resource.name));
  }
  return {};
}

// Options that must agree with each other.
Status CheckTogether(const metadata::ConfigValues& values) {
  const metadata::TopicConfig config = metadata::OverrideTopicConfig({}, &values);
  if (config.min_compaction_lag_ms <= config.max_compaction_lag_ms) return {};
  return Fail(ErrorCode::kInvalidConfig, "min.compaction.lag.ms (" +
                                             std::to_string(config.min_compaction_lag_ms) +
                                             ") is more than max.compaction.lag.ms (" +
                                             std::to_string(config.max_compaction_lag_ms) + ")");
}

// One resource's change in the making.
class ResourceChange {
 public:
  // `image` has what the request's resources before this one change.
  ResourceChange(MetadataImage* image, const Defaults& defaults, ConfigResource resource)
      : image_(*image), defaults_(defaults), resource_(std::move(resource)) {
    const metadata::ConfigValues* present = image_.FindConfigs(resource_);
    if (present != nullptr) values_ = *present;
  }

  Status Apply(const ConfigChange& change) {
    WEIR_ASSIGN_OR_RETURN(const ConfigOption* option, FindChangeable(resource_.type, change.key()));
    if (change.operation() == admin::v1::CONFIG_OPERATION_DELETE) {
      Delete(change.key());
      return {};
    }
    if (!change.has_value()) {
      return Fail(ErrorCode::kInvalidConfig, "no value is given for " + change.key());
    }
    std::string value = change.value();
    if (change.operation() != admin::v1::CONFIG_OPERATION_SET) {
      WEIR_ASSIGN_OR_RETURN(value, Edited(*option, change));
    }
    if (resource_.type == metadata::v1::CONFIG_RESOURCE_TOPIC) {
      WEIR_RETURN_IF_ERROR(CheckTopicValue(change.key(), value));
    } else {
      WEIR_RETURN_IF_ERROR(CheckConcerns(resource_, change.key()));
      WEIR_RETURN_IF_ERROR(metadata::ValidateConfig(*option, value));
      if (resource_.type == metadata::v1::CONFIG_RESOURCE_GROUP)
        WEIR_RETURN_IF_ERROR(CheckGroupValue(View(), change.key(), value));
    }
    Set(change.key(), std::move(value));
    return {};
  }

  // Deletes what is set now and not in `keys`.
  void DeleteOthers(const std::set<std::string>& keys) {
    const metadata::ConfigValues present = values_;
    for (const auto& [key, value] : present) {
      if (!keys.contains(key)) Delete(key);
    }
  }

  Status Finish(Records* records) {
    if (resource_.type == metadata::v1::CONFIG_RESOURCE_TOPIC) {
      WEIR_RETURN_IF_ERROR(CheckTogether(values_));
    } else {
      MetadataImage after = Preview(image_, records_);
      WEIR_RETURN_IF_ERROR(CheckGroups({after, kNoNode, &defaults_.static_config}));
      image_ = std::move(after);
    }
    std::move(records_.begin(), records_.end(), std::back_inserter(*records));
    return {};
  }

 private:
  metadata::ConfigView View() const { return {image_, kNoNode, &defaults_.static_config}; }

  Status CheckGroups(const metadata::ConfigView& after) const {
    if (resource_.type == metadata::v1::CONFIG_RESOURCE_GROUP) {
      return metadata::CheckConsumerConfigOf(after, resource_.name);
    }
    const bool concerned =
        std::any_of(records_.begin(), records_.end(), [](const MetadataRecord& record) {
          return record.config().key().starts_with(kConsumerGroupPrefix);
        });
    return concerned ? CheckAllGroups(after) : Status();
  }

  void Set(const std::string& key, std::string value) {
    const std::string* present = values_.Find(key);
    if (present != nullptr && *present == value) return;
    NewRecord(key)->set_value(value);
    values_.Put(key, std::move(value));
  }

  void Delete(const std::string& key) {
    if (values_.Erase(key)) NewRecord(key);
  }

  metadata::v1::ConfigRecord* NewRecord(const std::string& key) {
    metadata::v1::ConfigRecord* record = records_.emplace_back().mutable_config();
    record->set_resource_type(resource_.type);
    record->set_resource_name(resource_.name);
    record->set_key(key);
    return record;
  }

  // The list value with the change's items added or taken out.
  Result<std::string> Edited(const ConfigOption& option, const ConfigChange& change) const {
    if (option.type != metadata::ConfigType::kList) {
      return Fail(ErrorCode::kInvalidConfig, change.key() + " is not a list: set it instead");
    }
    const bool append = change.operation() == admin::v1::CONFIG_OPERATION_APPEND;
    if (!append && change.operation() != admin::v1::CONFIG_OPERATION_SUBTRACT) {
      return Fail(ErrorCode::kInvalidRequest, "unknown operation on " + change.key());
    }
    std::vector<std::string> items = metadata::SplitList(Present(option));
    for (const std::string& item : metadata::SplitList(change.value())) {
      const auto at = std::find(items.begin(), items.end(), item);
      if (append && at == items.end()) items.push_back(item);
      if (!append && at != items.end()) items.erase(at);
    }
    return metadata::JoinList(items);
  }

  // What an edit of a list starts from: the value set here, else the one in force.
  std::string Present(const ConfigOption& option) const {
    const std::string* set = values_.Find(option.name);
    if (set != nullptr) return *set;
    const bool of_topic = resource_.type == metadata::v1::CONFIG_RESOURCE_TOPIC;
    const std::optional<std::string> value =
        of_topic ? metadata::EffectiveTopicValue(View(), resource_.name, option.name)
                 : metadata::EffectiveBrokerValue(View(), option.name);
    return value.value_or("");
  }

  MetadataImage& image_;
  const Defaults& defaults_;
  ConfigResource resource_;
  metadata::ConfigValues values_;
  Records records_;
};

Status AlterResource(MetadataImage* image, const Defaults& defaults,
                     const admin::v1::AlteredResource& altered, Records* records) {
  const ConfigResource resource{altered.resource().type(), altered.resource().name()};
  WEIR_RETURN_IF_ERROR(CheckResource(*image, resource));
  ResourceChange change(image, defaults, resource);
  std::set<std::string> keys;
  for (const ConfigChange& one : altered.changes()) {
    if (!keys.insert(one.key()).second) {
      return Fail(ErrorCode::kInvalidRequest, one.key() + " is in the request twice");
    }
    if (altered.replace_all() && one.operation() != admin::v1::CONFIG_OPERATION_SET) {
      return Fail(ErrorCode::kInvalidRequest,
                  "replacing all values goes with the operation SET only");
    }
    WEIR_RETURN_IF_ERROR(change.Apply(one));
  }
  if (altered.replace_all()) change.DeleteOthers(keys);
  return change.Finish(records);
}

}  // namespace

Result<Decision<admin::v1::AlterConfigsReply>> AlterConfigs(
    const DecisionContext& context, const admin::v1::AlterConfigsRequest& request) {
  Decision<admin::v1::AlterConfigsReply> decision;
  std::map<ConfigResource, int> mentions;
  for (const admin::v1::AlteredResource& altered : request.resources()) {
    ++mentions[{altered.resource().type(), altered.resource().name()}];
  }
  MetadataImage image = context.image;
  for (const admin::v1::AlteredResource& altered : request.resources()) {
    admin::v1::AlteredConfigs* result = decision.reply.add_resources();
    *result->mutable_resource() = altered.resource();
    const bool once = mentions[{altered.resource().type(), altered.resource().name()}] == 1;
    const Status status =
        once ? AlterResource(&image, context.defaults, altered, &decision.records)
             : Fail(ErrorCode::kInvalidRequest,
                    "resource '" + altered.resource().name() + "' is in the request twice");
    if (!status) SetError(status.error(), result->mutable_error());
  }
  WEIR_RETURN_IF_ERROR(CheckBatchSize(decision.records));
  AppendChangesForConfigs(context, &decision.records);
  if (request.validate_only()) decision.records.clear();
  return decision;
}

admin::v1::DescribeConfigsReply DescribeConfigs(const MetadataImage& image,
                                                const Defaults& defaults,
                                                const admin::v1::DescribeConfigsRequest& request) {
  admin::v1::DescribeConfigsReply reply;
  const metadata::ConfigView view{image, kNoNode, &defaults.static_config};
  for (const admin::v1::ConfigSelector& selector : request.resources()) {
    *reply.add_resources() = metadata::DescribeConfigResource(view, kNoNode, selector);
  }
  return reply;
}

Status ValidateTopicConfigs(const google::protobuf::Map<std::string, std::string>& configs) {
  metadata::ConfigValues values;
  for (const auto& [key, value] : configs) {
    WEIR_RETURN_IF_ERROR(CheckTopicValue(key, value));
    values.Put(key, value);
  }
  return CheckTogether(values);
}

}  // namespace weir::state
