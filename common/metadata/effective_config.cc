#include "common/metadata/effective_config.h"

#include <charconv>

#include "common/metadata/broker_options.h"
#include "common/metadata/group_options.h"
#include "common/metadata/topic_options.h"

namespace weir::metadata {
namespace {

using admin::v1::ConfigSource;

// Where values of broker keys come from, in order of preference.
constexpr ConfigSource kBrokerSources[] = {admin::v1::CONFIG_SOURCE_DYNAMIC_BROKER,
                                           admin::v1::CONFIG_SOURCE_DYNAMIC_DEFAULT_BROKER,
                                           admin::v1::CONFIG_SOURCE_STATIC_BROKER};

// How many of the topic key's milliseconds one unit of the synonym is; 1 where units agree.
int64_t UnitMs(std::string_view synonym) {
  if (synonym.ends_with(".hours")) return 3'600'000;
  if (synonym.ends_with(".minutes")) return 60'000;
  return 1;
}

std::string ConvertUnit(std::string_view synonym, const std::string& value) {
  const int64_t unit_ms = UnitMs(synonym);
  int64_t number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (unit_ms == 1 || error != std::errc() || number < 0) return value;
  if (number > INT64_MAX / unit_ms) return std::to_string(INT64_MAX);
  return std::to_string(number * unit_ms);
}

std::optional<std::string> ValueAt(const ConfigView& view, ConfigSource source,
                                   std::string_view key) {
  const std::string* set = nullptr;
  if (source == admin::v1::CONFIG_SOURCE_DYNAMIC_BROKER && view.broker_id != kNoNode) {
    set = view.image.FindConfig(ConfigResource::OfBroker(view.broker_id), key);
  } else if (source == admin::v1::CONFIG_SOURCE_DYNAMIC_DEFAULT_BROKER) {
    set = view.image.FindConfig(ConfigResource::OfAllBrokers(), key);
  } else if (source == admin::v1::CONFIG_SOURCE_STATIC_BROKER && view.static_config != nullptr) {
    const auto found = view.static_config->find(key);
    if (found != view.static_config->end()) set = &found->second;
  }
  return set == nullptr ? std::nullopt : std::optional(*set);
}

// Broker-level values of the given keys, in order of preference, without the default.
void AppendBrokerValues(const ConfigView& view, const std::vector<std::string>& keys,
                        std::vector<ConfigSynonymValue>* out) {
  for (const ConfigSource source : kBrokerSources) {
    for (const std::string& key : keys) {
      if (auto value = ValueAt(view, source, key)) out->push_back({key, std::move(value), source});
    }
  }
}

std::optional<std::string> DefaultOf(const ConfigOption& option) {
  if (!option.default_value) return std::nullopt;
  return std::string(*option.default_value);
}

// The broker key whose default stands for the topic key's, or the topic key itself.
ConfigSynonymValue DefaultSynonym(const ConfigOption& option,
                                  const std::vector<std::string>& keys) {
  for (const std::string& key : keys) {
    const ConfigOption* broker_option = FindBrokerOption(key);
    if (broker_option != nullptr && broker_option->default_value) {
      return {key, DefaultOf(*broker_option), admin::v1::CONFIG_SOURCE_DEFAULT};
    }
  }
  return {std::string(option.name), DefaultOf(option), admin::v1::CONFIG_SOURCE_DEFAULT};
}

void HideIfSensitive(EffectiveConfig* config) {
  if (!config->option->sensitive()) return;
  config->value.reset();
  for (ConfigSynonymValue& synonym : config->synonyms) synonym.value.reset();
}

// All values of `option`, the one set on `resource` first; `source` is what that is called.
EffectiveConfig Describe(const ConfigView& view, const ConfigResource& resource,
                         ConfigSource source, const ConfigOption& option) {
  EffectiveConfig config;
  config.option = &option;
  const std::vector<std::string> keys = SplitList(option.synonyms);
  const std::string* set = view.image.FindConfig(resource, option.name);
  if (set != nullptr) config.synonyms.push_back({std::string(option.name), *set, source});
  AppendBrokerValues(view, keys, &config.synonyms);
  if (config.synonyms.empty()) {
    config.value = DefaultOf(option);
    config.source = admin::v1::CONFIG_SOURCE_DEFAULT;
  } else {
    config.value = ConvertUnit(config.synonyms.front().key, *config.synonyms.front().value);
    config.source = config.synonyms.front().source;
  }
  ConfigSynonymValue standard = DefaultSynonym(option, keys);
  if (standard.value) config.synonyms.push_back(std::move(standard));
  HideIfSensitive(&config);
  return config;
}

void FillEntry(const EffectiveConfig& config, bool read_only, admin::v1::ConfigEntry* entry) {
  entry->set_key(std::string(config.option->name));
  if (config.value) entry->set_value(*config.value);
  entry->set_source(config.source);
  entry->set_read_only(read_only);
  entry->set_sensitive(config.option->sensitive());
  entry->set_type(std::string(ConfigTypeName(config.option->type)));
  entry->set_documentation(std::string(config.option->doc));
  for (const ConfigSynonymValue& synonym : config.synonyms) {
    admin::v1::ConfigSynonym* out = entry->add_synonyms();
    out->set_key(synonym.key);
    if (synonym.value) out->set_value(*synonym.value);
    out->set_source(synonym.source);
  }
}

bool IsWanted(const admin::v1::ConfigSelector& selector, std::string_view key) {
  if (selector.keys_size() == 0) return true;
  for (const std::string& wanted : selector.keys()) {
    if (wanted == key) return true;
  }
  return false;
}

void SetError(ErrorCode code, std::string message, admin::v1::DescribedConfigs* out) {
  out->mutable_error()->set_code(static_cast<int32_t>(code));
  out->mutable_error()->set_name(std::string(ErrorName(code)));
  out->mutable_error()->set_message(std::move(message));
}

void DescribeTopicResource(const ConfigView& view, const admin::v1::ConfigSelector& selector,
                           admin::v1::DescribedConfigs* out) {
  const std::string& topic = selector.resource().name();
  if (view.image.FindTopic(topic) == nullptr) {
    SetError(ErrorCode::kUnknownTopicOrPartition, "topic " + topic + " does not exist", out);
    return;
  }
  for (const ConfigOption& option : TopicOptions()) {
    if (option.internal || !IsWanted(selector, option.name)) continue;
    FillEntry(DescribeTopicConfig(view, topic, option), /*read_only=*/false, out->add_entries());
  }
}

// A group need not exist to have a configuration: its first member finds it.
void DescribeGroupResource(const ConfigView& view, const admin::v1::ConfigSelector& selector,
                           admin::v1::DescribedConfigs* out) {
  const std::string& group_id = selector.resource().name();
  if (group_id.empty()) {
    SetError(ErrorCode::kInvalidRequest, "a group id is expected", out);
    return;
  }
  for (const ConfigOption& option : GroupOptions()) {
    if (!IsWanted(selector, option.name)) continue;
    FillEntry(DescribeGroupConfig(view, group_id, option), /*read_only=*/false, out->add_entries());
  }
}

void DescribeOneBroker(ConfigView view, NodeId static_broker_id,
                       const admin::v1::ConfigSelector& selector,
                       admin::v1::DescribedConfigs* out) {
  const std::string& name = selector.resource().name();
  int32_t id = -1;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), id);
  if (error != std::errc() || end != name.data() + name.size() || id < 0) {
    SetError(ErrorCode::kInvalidRequest, "'" + name + "' is no broker id", out);
    return;
  }
  if (view.image.FindBroker(NodeId(id)) == nullptr) {
    SetError(ErrorCode::kBrokerIdNotRegistered, "broker " + name + " is not registered", out);
    return;
  }
  view.broker_id = NodeId(id);
  if (static_broker_id != view.broker_id) view.static_config = nullptr;
  for (const ConfigOption& option : BrokerOptions()) {
    if (option.internal || !IsWanted(selector, option.name)) continue;
    FillEntry(DescribeBrokerConfig(view, option), !option.dynamic, out->add_entries());
  }
}

// Only what has been set for all brokers: there is no node whose values could be meant.
void DescribeAllBrokers(const ConfigView& view, const admin::v1::ConfigSelector& selector,
                        admin::v1::DescribedConfigs* out) {
  const ConfigView common{view.image, kNoNode, nullptr};
  for (const ConfigOption& option : BrokerOptions()) {
    if (!IsWanted(selector, option.name)) continue;
    if (view.image.FindConfig(ConfigResource::OfAllBrokers(), option.name) == nullptr) continue;
    FillEntry(DescribeBrokerConfig(common, option), !option.dynamic, out->add_entries());
  }
}

}  // namespace

std::optional<std::string> EffectiveTopicValue(const ConfigView& view, std::string_view topic,
                                               std::string_view key) {
  const std::string* set = view.image.FindConfig(ConfigResource::OfTopic(topic), key);
  if (set != nullptr) return *set;
  const ConfigOption* option = FindTopicOption(key);
  if (option == nullptr) return std::nullopt;
  std::vector<ConfigSynonymValue> values;
  AppendBrokerValues(view, SplitList(option->synonyms), &values);
  if (!values.empty()) return ConvertUnit(values.front().key, *values.front().value);
  return DefaultOf(*option);
}

std::optional<std::string> EffectiveBrokerValue(const ConfigView& view, std::string_view key) {
  for (const ConfigSource source : kBrokerSources) {
    if (auto value = ValueAt(view, source, key)) return value;
  }
  const ConfigOption* option = FindBrokerOption(key);
  return option == nullptr ? std::nullopt : DefaultOf(*option);
}

EffectiveConfig DescribeTopicConfig(const ConfigView& view, std::string_view topic,
                                    const ConfigOption& option) {
  return Describe(view, ConfigResource::OfTopic(topic), admin::v1::CONFIG_SOURCE_TOPIC, option);
}

EffectiveConfig DescribeGroupConfig(const ConfigView& view, std::string_view group_id,
                                    const ConfigOption& option) {
  return Describe(view, ConfigResource::OfGroup(group_id), admin::v1::CONFIG_SOURCE_GROUP, option);
}

EffectiveConfig DescribeBrokerConfig(const ConfigView& view, const ConfigOption& option) {
  EffectiveConfig config;
  config.option = &option;
  AppendBrokerValues(view, {std::string(option.name)}, &config.synonyms);
  if (option.default_value) {
    config.synonyms.push_back(
        {std::string(option.name), DefaultOf(option), admin::v1::CONFIG_SOURCE_DEFAULT});
  }
  if (!config.synonyms.empty()) {
    config.value = config.synonyms.front().value;
    config.source = config.synonyms.front().source;
  }
  HideIfSensitive(&config);
  return config;
}

admin::v1::DescribedConfigs DescribeConfigResource(const ConfigView& view, NodeId static_broker_id,
                                                   const admin::v1::ConfigSelector& selector) {
  admin::v1::DescribedConfigs described;
  *described.mutable_resource() = selector.resource();
  const v1::ConfigResourceType type = selector.resource().type();
  if (type == v1::CONFIG_RESOURCE_TOPIC) {
    DescribeTopicResource(view, selector, &described);
  } else if (type == v1::CONFIG_RESOURCE_GROUP) {
    DescribeGroupResource(view, selector, &described);
  } else if (type == v1::CONFIG_RESOURCE_BROKER && selector.resource().name().empty()) {
    DescribeAllBrokers(view, selector, &described);
  } else if (type == v1::CONFIG_RESOURCE_BROKER) {
    DescribeOneBroker(view, static_broker_id, selector, &described);
  } else {
    SetError(ErrorCode::kInvalidRequest,
             "configuration resource type " + std::to_string(static_cast<int>(type)) +
                 " is not supported",
             &described);
  }
  return described;
}

}  // namespace weir::metadata
