#include "common/metadata/topic_config.h"

#include <optional>
#include <string>
#include <utility>

namespace weir::metadata {
namespace {

// Each setter leaves the field as it is when the text is no value of its type.
template <class T>
void SetNumber(std::string_view text, T* field) {
  const std::optional<int64_t> number = ParseConfigInteger(text);
  if (number && std::in_range<T>(*number)) *field = static_cast<T>(*number);
}

void SetNumber(std::string_view text, bool* field) {
  *field = ParseConfigBool(text).value_or(*field);
}

void SetNumber(std::string_view text, double* field) {
  *field = ParseConfigDouble(text).value_or(*field);
}

template <auto Member>
void Set(std::string_view text, TopicConfig* config) {
  SetNumber(text, &(config->*Member));
}

void SetCleanupPolicy(std::string_view text, TopicConfig* config) {
  config->cleanup_delete = false;
  config->cleanup_compact = false;
  for (const std::string& policy : SplitList(text)) {
    if (policy == "delete") config->cleanup_delete = true;
    if (policy == "compact") config->cleanup_compact = true;
  }
}

void SetDurability(std::string_view text, TopicConfig* config) {
  if (text == "fsync") config->durability = Durability::kFsync;
  if (text == "os") config->durability = Durability::kOs;
}

void SetTimestampType(std::string_view text, TopicConfig* config) {
  if (text == "CreateTime") config->timestamp_type = TimestampType::kCreateTime;
  if (text == "LogAppendTime") config->timestamp_type = TimestampType::kLogAppendTime;
}

void SetCompressionType(std::string_view text, TopicConfig* config) {
  if (text == "producer") config->compression_type = CompressionType::kProducer;
  if (text == "uncompressed") config->compression_type = CompressionType::kUncompressed;
  if (text == "gzip") config->compression_type = CompressionType::kGzip;
  if (text == "snappy") config->compression_type = CompressionType::kSnappy;
  if (text == "lz4") config->compression_type = CompressionType::kLz4;
  if (text == "zstd") config->compression_type = CompressionType::kZstd;
}

struct Field {
  std::string_view key;
  void (*set)(std::string_view text, TopicConfig* config);
};

constexpr Field kFields[] = {
    {"cleanup.policy", SetCleanupPolicy},
    {"compression.type", SetCompressionType},
    {"delete.retention.ms", Set<&TopicConfig::delete_retention_ms>},
    {"durability", SetDurability},
    {"flush.messages", Set<&TopicConfig::flush_messages>},
    {"flush.ms", Set<&TopicConfig::flush_ms>},
    {"max.compaction.lag.ms", Set<&TopicConfig::max_compaction_lag_ms>},
    {"max.message.bytes", Set<&TopicConfig::max_message_bytes>},
    {"message.timestamp.after.max.ms", Set<&TopicConfig::timestamp_after_max_ms>},
    {"message.timestamp.before.max.ms", Set<&TopicConfig::timestamp_before_max_ms>},
    {"message.timestamp.type", SetTimestampType},
    {"min.cleanable.dirty.ratio", Set<&TopicConfig::min_cleanable_dirty_ratio>},
    {"min.compaction.lag.ms", Set<&TopicConfig::min_compaction_lag_ms>},
    {"min.insync.replicas", Set<&TopicConfig::min_insync_replicas>},
    {"retention.bytes", Set<&TopicConfig::retention_bytes>},
    {"retention.ms", Set<&TopicConfig::retention_ms>},
    {"segment.bytes", Set<&TopicConfig::segment_bytes>},
    {"segment.ms", Set<&TopicConfig::segment_ms>},
    {"unclean.leader.election.enable", Set<&TopicConfig::unclean_leader_election>},
};

}  // namespace

TopicConfig TopicConfigDefaults(const ConfigView& view) {
  TopicConfig config;
  for (const Field& field : kFields) {
    // No topic has an empty name: only the values of brokers and the default are found.
    if (const auto value = EffectiveTopicValue(view, "", field.key)) {
      field.set(TrimBlanks(*value), &config);
    }
  }
  return config;
}

TopicConfig OverrideTopicConfig(const TopicConfig& defaults, const ConfigValues* topic_values) {
  TopicConfig config = defaults;
  if (topic_values == nullptr) return config;
  for (const Field& field : kFields) {
    const std::string* value = topic_values->Find(field.key);
    if (value != nullptr) field.set(TrimBlanks(*value), &config);
  }
  return config;
}

TopicConfig EffectiveTopicConfig(const ConfigView& view, std::string_view topic) {
  return OverrideTopicConfig(TopicConfigDefaults(view),
                             view.image.FindConfigs(ConfigResource::OfTopic(topic)));
}

}  // namespace weir::metadata
