// LogConfig: what a topic's configuration says about the logs of its partitions. One object per
// topic, shared by its partitions and replaced as a whole when the configuration changes.
// Thread rule: const once shared.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>

#include "broker/wire/record_batch.h"
#include "common/base/kv_store.h"
#include "common/base/limits.h"

namespace weir::log {

// When an append counts as persisted (D8).
enum class Durability : uint8_t {
  // On disk: survives a power cut. The default.
  kFsync,
  // In the operating system's cache: survives kill -9. The topic asked for it.
  kOs,
};

// message.timestamp.type.
using wire::TimestampType;

struct LogConfig {
  Durability durability = Durability::kFsync;
  TimestampType timestamp_type = TimestampType::kCreateTime;
  // Where new entries of the topic go; a partition stays in the family it was created in.
  KvFamily family = KvFamily::kLogLong;
  // max.message.bytes: of one record batch.
  int32_t batch_bytes_max = limits::kBatchBytesDefault;
  // message.timestamp.before.max.ms, message.timestamp.after.max.ms.
  int64_t timestamp_before_max_ms = std::numeric_limits<int64_t>::max();
  int64_t timestamp_after_max_ms = 60 * 60 * 1000;
  // segment.bytes: bounds the pieces that time lookups and retention work on.
  int64_t segment_bytes = 1024 * 1024 * 1024;
  // min.insync.replicas.
  int32_t min_insync_replicas = 1;
  // producer.id.expiration.ms: when an idle producer is forgotten.
  int64_t producer_id_expiration_ms = 24 * 60 * 60 * 1000;
  // cleanup.policy has "compact": every record needs a key.
  bool compacted = false;
  // The topic is __consumer_offsets: its partitions keep their records as rows too. Does not
  // change.
  bool committed_offsets = false;
};

using LogConfigPtr = std::shared_ptr<const LogConfig>;

}  // namespace weir::log
