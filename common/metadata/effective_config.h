// Effective configuration: which value of a key is in force, and where it comes from.
//
// Order of preference, first found wins:
//   topic key:  set on the topic; then as for the broker keys it names as synonyms, in their order
//   group key:  set on the group; then likewise
//   broker key: set on that broker; set for all brokers; the node's own configuration; the default
// A synonym in hours or minutes is converted to the topic key's milliseconds.
// Thread rule: pure functions over a const image.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/ids.h"
#include "common/metadata/config_option.h"
#include "common/metadata/image.h"
#include "proto/admin.pb.h"

namespace weir::metadata {

// Kafka-named settings from a node's configuration file, environment or flags.
using StaticConfig = std::map<std::string, std::string, std::less<>>;

// From where the configuration is looked at.
struct ConfigView {
  const MetadataImage& image;
  // The broker whose own settings count; kNoNode: only those of all brokers.
  NodeId broker_id = kNoNode;
  // May be null.
  const StaticConfig* static_config = nullptr;
};

struct ConfigSynonymValue {
  std::string key;
  std::optional<std::string> value;
  admin::v1::ConfigSource source = admin::v1::CONFIG_SOURCE_DEFAULT;
};

// One key with the value in force. Values of sensitive options are left out.
struct EffectiveConfig {
  const ConfigOption* option = nullptr;
  std::optional<std::string> value;
  admin::v1::ConfigSource source = admin::v1::CONFIG_SOURCE_DEFAULT;
  // All values there are, the one in force first.
  std::vector<ConfigSynonymValue> synonyms;
};

// The value in force; nullopt when there is none or the key is unknown.
std::optional<std::string> EffectiveTopicValue(const ConfigView& view, std::string_view topic,
                                               std::string_view key);
std::optional<std::string> EffectiveBrokerValue(const ConfigView& view, std::string_view key);

// With source and synonyms, for DescribeConfigs. REQUIRES: the option is of the right table.
EffectiveConfig DescribeTopicConfig(const ConfigView& view, std::string_view topic,
                                    const ConfigOption& option);
EffectiveConfig DescribeGroupConfig(const ConfigView& view, std::string_view group_id,
                                    const ConfigOption& option);
EffectiveConfig DescribeBrokerConfig(const ConfigView& view, const ConfigOption& option);

// Answers one resource of a DescribeConfigs request, errors included: UNKNOWN_TOPIC_OR_PARTITION,
// INVALID_REQUEST. For a broker resource `view.broker_id` is ignored: the resource names it; the
// static configuration counts only if `static_broker_id` is that broker. Used by the admin service
// and by brokers.
admin::v1::DescribedConfigs DescribeConfigResource(const ConfigView& view, NodeId static_broker_id,
                                                   const admin::v1::ConfigSelector& selector);

}  // namespace weir::metadata
