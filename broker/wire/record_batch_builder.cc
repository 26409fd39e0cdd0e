// Serialization of records into a batch.
#include "broker/wire/record_batch_builder.h"

#include <algorithm>
#include <utility>

#include "broker/wire/compression.h"
#include "common/base/check.h"
#include "common/base/crc32c.h"

namespace weir::wire {
namespace {

// Zigzag base-128, for the 32 and the 64 bit fields alike.
void AppendVarint(std::string& out, int64_t value) {
  uint64_t raw = (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
  for (; raw >= 0x80; raw >>= 7) out += static_cast<char>(raw | 0x80);
  out += static_cast<char>(raw);
}

void AppendNullable(std::string& out, std::optional<std::string_view> bytes) {
  if (!bytes) return AppendVarint(out, -1);
  AppendVarint(out, static_cast<int64_t>(bytes->size()));
  out += *bytes;
}

template <class Integer>
void AppendFixed(std::string& out, Integer value) {
  char raw[sizeof value];
  StoreBigEndian(raw, value);
  out.append(raw, sizeof raw);
}

int16_t Attributes(const RecordBatchOptions& options) {
  int attributes = static_cast<int>(options.compression);
  if (options.timestamp_type == TimestampType::kLogAppendTime) attributes |= 0x08;
  if (options.transactional) attributes |= 0x10;
  if (options.control) attributes |= 0x20;
  return static_cast<int16_t>(attributes);
}

}  // namespace

void RecordBatchBuilder::Add(int64_t timestamp_ms, std::optional<std::string_view> key,
                             std::optional<std::string_view> value,
                             std::span<const RecordHeader> headers) {
  if (record_count_ == 0) base_timestamp_ms_ = timestamp_ms;
  max_timestamp_ms_ = std::max(max_timestamp_ms_, timestamp_ms);
  std::string body(1, '\0');  // attributes: none are defined
  AppendVarint(body, timestamp_ms - base_timestamp_ms_);
  AppendVarint(body, record_count_);
  AppendNullable(body, key);
  AppendNullable(body, value);
  AppendVarint(body, static_cast<int64_t>(headers.size()));
  for (const RecordHeader& header : headers) {
    AppendNullable(body, header.key);
    AppendNullable(body, header.value);
  }
  AppendVarint(records_, static_cast<int64_t>(body.size()));
  records_ += body;
  ++record_count_;
}

SharedBytes RecordBatchBuilder::Build() {
  WEIR_CHECK(record_count_ > 0);
  std::string covered;  // what the checksum covers: attributes to the end
  AppendFixed(covered, Attributes(options_));
  AppendFixed(covered, record_count_ - 1);
  AppendFixed(covered, base_timestamp_ms_);
  AppendFixed(covered, max_timestamp_ms_);
  AppendFixed(covered, options_.producer_id);
  AppendFixed(covered, options_.producer_epoch);
  AppendFixed(covered, options_.base_sequence);
  AppendFixed(covered, record_count_);
  covered += options_.compression == CompressionType::kNone
                 ? std::exchange(records_, {})
                 : Compress(options_.compression, std::exchange(records_, {}));
  std::string batch;
  AppendFixed(batch, options_.base_offset);
  // Leader epoch, magic and checksum stand between the length and what is covered.
  AppendFixed(batch, static_cast<int32_t>(covered.size() + 4 + 1 + 4));
  AppendFixed(batch, options_.partition_leader_epoch);
  AppendFixed(batch, kBatchMagic);
  AppendFixed(batch, Crc32c(covered));
  batch += covered;
  return SharedBytes::Copy(batch);
}

}  // namespace weir::wire
