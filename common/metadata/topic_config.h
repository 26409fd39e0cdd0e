// TopicConfig: a topic's effective configuration as numbers and enums, read once per change so that
// the hot path of brokers never parses text.
// Thread rule: plain value.
#pragma once

#include <cstdint>
#include <string_view>

#include "common/metadata/effective_config.h"

namespace weir::metadata {

enum class Durability : uint8_t {
  // Acknowledged records are on disk.
  kFsync,
  // Acknowledged records survive the death of the process, not a power cut.
  kOs,
};

enum class TimestampType : uint8_t { kCreateTime, kLogAppendTime };

// What the broker does to batches: keep what the producer chose, or recompress.
enum class CompressionType : uint8_t { kProducer, kUncompressed, kGzip, kSnappy, kLz4, kZstd };

struct TopicConfig {
  int32_t max_message_bytes = 1'048'588;
  int32_t min_insync_replicas = 1;
  // -1: unlimited.
  int64_t retention_ms = 604'800'000;
  int64_t retention_bytes = -1;
  bool cleanup_delete = true;
  bool cleanup_compact = false;
  Durability durability = Durability::kFsync;
  int64_t flush_messages = INT64_MAX;
  int64_t flush_ms = INT64_MAX;
  TimestampType timestamp_type = TimestampType::kCreateTime;
  int64_t timestamp_before_max_ms = INT64_MAX;
  int64_t timestamp_after_max_ms = 3'600'000;
  CompressionType compression_type = CompressionType::kProducer;
  int64_t delete_retention_ms = 86'400'000;
  int64_t min_compaction_lag_ms = 0;
  int64_t max_compaction_lag_ms = INT64_MAX;
  double min_cleanable_dirty_ratio = 0.5;
  int64_t segment_ms = 604'800'000;
  int32_t segment_bytes = 1'073'741'824;
  bool unclean_leader_election = false;

  friend bool operator==(const TopicConfig&, const TopicConfig&) = default;
};

// Total: a value that does not parse (nobody checked it before it was appended) counts as the
// default.
TopicConfig EffectiveTopicConfig(const ConfigView& view, std::string_view topic);

// The same in two steps, for going over many topics: what a topic without settings of its own has,
// and with its settings (null: none) laid over it.
TopicConfig TopicConfigDefaults(const ConfigView& view);
TopicConfig OverrideTopicConfig(const TopicConfig& defaults, const ConfigValues* topic_values);

}  // namespace weir::metadata
