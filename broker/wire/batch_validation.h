// batch_validation.h: what a broker checks in a batch from a producer before it appends it.
//
// Laws:
//  1. ValidateProduced never decompresses: it checks the header, the checksum and the sizes
//     (STORAGE.md: a deliberate CPU win over walking every record).
//  2. ValidateRecords walks every record of the batch, within a bound on decompressed bytes. It
//     is for topics that need it: compacted ones (every record has a key) and those configured
//     so.
//  3. Errors are the codes that Kafka's clients expect from a Produce response.
// Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <limits>
#include <string_view>

#include "broker/wire/record_batch.h"
#include "common/base/limits.h"
#include "common/base/result.h"

namespace weir::wire {

// What the topic and the request allow.
struct ProduceRules {
  int16_t produce_version = 0;
  int32_t batch_bytes_max = limits::kBatchBytesDefault;  // max.message.bytes
  TimestampType timestamp_type = TimestampType::kCreateTime;
  // Timestamps must lie in [now - before, now + after] (message.timestamp.before/after.max.ms).
  int64_t now_ms = 0;
  int64_t timestamp_before_ms_max = std::numeric_limits<int64_t>::max();
  int64_t timestamp_after_ms_max = std::numeric_limits<int64_t>::max();
  bool keys_required = false;  // cleanup.policy has compact
  size_t decompressed_bytes_max = limits::kDecompressedBytesMax;
};

// Checks the `records` of one partition of a Produce request; gives its one batch.
// Errors: kInvalidRecord (none or several batches, retired format, control batch, counts or
// producer fields that cannot be), kCorruptMessage (length or checksum), kMessageTooLarge,
// kUnsupportedCompressionType (unknown codec, or zstd before Produce 7), kInvalidTimestamp.
Result<RecordBatchView> ValidateProduced(std::string_view records, const ProduceRules& rules);

// Walks the records of a batch that ValidateProduced accepted.
// Errors: kInvalidRecord (malformed record, offset deltas not 0, 1, 2…, count that differs from the
// header's, missing key), kInvalidTimestamp, kCorruptMessage (undecodable), kMessageTooLarge (a
// bomb).
Status ValidateRecords(const RecordBatchView& batch, const ProduceRules& rules);

}  // namespace weir::wire
