// Checks of produced batches.
#include "broker/wire/batch_validation.h"

#include <algorithm>
#include <string>

#include "broker/wire/compression.h"
#include "broker/wire/record_reader.h"

namespace weir::wire {
namespace {

tl::unexpected<Error> Invalid(std::string message) {
  return Fail(ErrorCode::kInvalidRecord, std::move(message));
}

Status CheckCompression(const RecordBatchView& batch, const ProduceRules& rules) {
  if (batch.compression_id() > static_cast<int>(CompressionType::kZstd)) {
    return Fail(ErrorCode::kUnsupportedCompressionType,
                "codec " + std::to_string(batch.compression_id()) + " is unknown");
  }
  // Brokers and consumers that old cannot read it (KIP-110).
  if (batch.compression() == CompressionType::kZstd && rules.produce_version < 7) {
    return Fail(ErrorCode::kUnsupportedCompressionType, "zstd needs Produce version 7");
  }
  return {};
}

// Counts, offsets and producer fields must agree with each other.
Status CheckHeaderFields(const RecordBatchView& batch) {
  if (batch.is_control()) return Invalid("clients do not write control records");
  if (batch.record_count() < 1) return Invalid("record batch without records");
  if (batch.last_offset_delta() != batch.record_count() - 1) {
    return Invalid("last offset delta " + std::to_string(batch.last_offset_delta()) +
                   " does not fit " + std::to_string(batch.record_count()) + " records");
  }
  if (batch.compression_id() == 0 && static_cast<size_t>(batch.record_count()) >
                                         batch.records_section().size() / kRecordBytesMin) {
    return Invalid("record count beyond the batch's bytes");
  }
  if (batch.producer_id() < -1) return Invalid("negative producer id");
  if (batch.has_producer_id() && (batch.producer_epoch() < 0 || batch.base_sequence() < 0)) {
    return Invalid("producer id without epoch or sequence number");
  }
  if (batch.is_transactional() && !batch.has_producer_id()) {
    return Invalid("transactional batch without a producer id");
  }
  return {};
}

Status CheckTimestamp(int64_t timestamp_ms, const ProduceRules& rules) {
  if (rules.timestamp_type == TimestampType::kLogAppendTime || timestamp_ms == kNoTimestamp) {
    return {};
  }
  // Differences that do not overflow: both bounds and the clock are at least 0.
  const bool too_old =
      timestamp_ms < 0 ||
      (timestamp_ms < rules.now_ms && rules.now_ms - timestamp_ms > rules.timestamp_before_ms_max);
  const bool too_new =
      timestamp_ms > rules.now_ms && timestamp_ms - rules.now_ms > rules.timestamp_after_ms_max;
  if (!too_old && !too_new) return {};
  return Fail(ErrorCode::kInvalidTimestamp, "timestamp " + std::to_string(timestamp_ms) +
                                                " is too " + (too_old ? "old" : "far ahead") +
                                                " at " + std::to_string(rules.now_ms));
}

Status CheckTimestamps(const RecordBatchView& batch, const ProduceRules& rules) {
  if (rules.timestamp_type == TimestampType::kCreateTime &&
      batch.timestamp_type() == TimestampType::kLogAppendTime) {
    return Fail(ErrorCode::kInvalidTimestamp, "producers do not set LogAppendTime");
  }
  WEIR_RETURN_IF_ERROR(CheckTimestamp(batch.base_timestamp_ms(), rules));
  return CheckTimestamp(batch.max_timestamp_ms(), rules);
}

Status CheckRecord(const RecordBatchView& batch, const Record& record, int32_t index,
                   const ProduceRules& rules) {
  if (record.offset_delta != index) {
    return Invalid("record " + std::to_string(index) + " has offset delta " +
                   std::to_string(record.offset_delta));
  }
  if (rules.keys_required && !record.key) {
    return Invalid("record " + std::to_string(index) +
                   " has no key, which a compacted topic needs");
  }
  int64_t timestamp_ms = 0;
  if (__builtin_add_overflow(batch.base_timestamp_ms(), record.timestamp_delta_ms, &timestamp_ms)) {
    return Fail(ErrorCode::kInvalidTimestamp, "timestamp out of range");
  }
  return CheckTimestamp(timestamp_ms, rules);
}

}  // namespace

Result<RecordBatchView> ValidateProduced(std::string_view records, const ProduceRules& rules) {
  if (records.empty()) return Invalid("Produce needs one record batch per partition");
  WEIR_ASSIGN_OR_RETURN(RecordBatchView batch, RecordBatchView::Parse(records));
  WEIR_RETURN_IF_ERROR(CheckCompression(batch, rules));
  if (batch.size() != records.size()) {
    return Invalid("Produce takes exactly one record batch per partition");
  }
  if (batch.size() > static_cast<size_t>(std::max(0, rules.batch_bytes_max))) {
    return Fail(ErrorCode::kMessageTooLarge, "record batch of " + std::to_string(batch.size()) +
                                                 " bytes is over max.message.bytes " +
                                                 std::to_string(rules.batch_bytes_max));
  }
  if (batch.crc() != batch.ComputeCrc()) {
    return Fail(ErrorCode::kCorruptMessage, "record batch checksum does not match");
  }
  WEIR_RETURN_IF_ERROR(CheckHeaderFields(batch));
  WEIR_RETURN_IF_ERROR(CheckTimestamps(batch, rules));
  return batch;
}

Status ValidateRecords(const RecordBatchView& batch, const ProduceRules& rules) {
  std::string decompressed;
  std::string_view section = batch.records_section();
  if (batch.compression() != CompressionType::kNone) {
    WEIR_ASSIGN_OR_RETURN(decompressed,
                          Decompress(batch.compression(), section, rules.decompressed_bytes_max));
    section = decompressed;
  }
  RecordReader reader(section);
  Record record;
  int32_t count = 0;
  while (true) {
    WEIR_ASSIGN_OR_RETURN(const bool more, reader.Next(record));
    if (!more) break;
    WEIR_RETURN_IF_ERROR(CheckRecord(batch, record, count, rules));
    ++count;
  }
  if (count != batch.record_count()) {
    return Invalid("batch of " + std::to_string(batch.record_count()) + " records holds " +
                   std::to_string(count));
  }
  return {};
}

}  // namespace weir::wire
