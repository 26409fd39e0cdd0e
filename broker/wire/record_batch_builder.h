// RecordBatchBuilder: makes a v2 record batch from records, for what a broker itself writes
// (transaction markers, internal topics) and for tests.
//
//   RecordBatchBuilder builder({.compression = CompressionType::kLz4});
//   builder.Add(now_ms, "key", "value");
//   SharedBytes batch = builder.Build();
//
// Thread rule: one owner.
#pragma once

#include <span>
#include <string>

#include "broker/wire/record_batch.h"
#include "broker/wire/record_reader.h"
#include "common/base/bytes.h"

namespace weir::wire {

struct RecordBatchOptions {
  int64_t base_offset = 0;
  int32_t partition_leader_epoch = -1;
  CompressionType compression = CompressionType::kNone;
  TimestampType timestamp_type = TimestampType::kCreateTime;
  int64_t producer_id = -1;
  int16_t producer_epoch = -1;
  int32_t base_sequence = -1;
  bool transactional = false;
  bool control = false;
};

class RecordBatchBuilder {
 public:
  explicit RecordBatchBuilder(RecordBatchOptions options = {}) : options_(options) {}

  // Appends a record with the next offset. The bytes are copied.
  void Add(int64_t timestamp_ms, std::optional<std::string_view> key,
           std::optional<std::string_view> value, std::span<const RecordHeader> headers = {});

  int32_t record_count() const { return record_count_; }
  // Bytes of the records so far, uncompressed.
  size_t records_bytes() const { return records_.size(); }

  // The finished batch. REQUIRES: record_count() > 0. The builder is used up.
  SharedBytes Build();

 private:
  RecordBatchOptions options_;
  std::string records_;
  int32_t record_count_ = 0;
  int64_t base_timestamp_ms_ = kNoTimestamp;
  int64_t max_timestamp_ms_ = kNoTimestamp;
};

}  // namespace weir::wire
