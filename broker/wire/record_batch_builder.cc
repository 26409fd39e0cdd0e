// Serialization of records into a batch.
#include "broker/wire/record_batch_builder.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "broker/wire/compression.h"
#include "common/base/check.h"
#include "common/base/crc32c.h"

namespace weir::wire {
namespace {

// As its bytes are coded: small numbers of either sign are short.
uint64_t Zigzag(int64_t value) {
  return (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
}

size_t VarintBytes(int64_t value) {
  size_t bytes = 1;
  for (uint64_t raw = Zigzag(value); raw >= 0x80; raw >>= 7) ++bytes;
  return bytes;
}

// Zigzag base-128, for the 32 and the 64 bit fields alike.
void AppendVarint(std::string& out, int64_t value) {
  uint64_t raw = Zigzag(value);
  for (; raw >= 0x80; raw >>= 7) out += static_cast<char>(raw | 0x80);
  out += static_cast<char>(raw);
}

size_t NullableBytes(std::optional<std::string_view> bytes) {
  if (!bytes) return VarintBytes(-1);
  return VarintBytes(static_cast<int64_t>(bytes->size())) + bytes->size();
}

void AppendNullable(std::string& out, std::optional<std::string_view> bytes) {
  if (!bytes) return AppendVarint(out, -1);
  AppendVarint(out, static_cast<int64_t>(bytes->size()));
  out += *bytes;
}

// Writes the fields of a batch's header, one after another.
class HeaderWriter {
 public:
  explicit HeaderWriter(char* at) : at_(at) {}

  template <class Integer>
  void Fixed(Integer value) {
    StoreBigEndian(at_, value);
    at_ += sizeof value;
  }

 private:
  char* at_;
};

// Where the checksum stands, and where what it covers begins.
constexpr size_t kCrcAt = 17;
constexpr size_t kCoveredAt = kCrcAt + sizeof(uint32_t);

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
  const int64_t timestamp_delta_ms = timestamp_ms - base_timestamp_ms_;
  const auto header_count = static_cast<int64_t>(headers.size());
  size_t bytes = 1 + VarintBytes(timestamp_delta_ms) + VarintBytes(record_count_) +
                 NullableBytes(key) + NullableBytes(value) + VarintBytes(header_count);
  for (const RecordHeader& header : headers) {
    bytes += NullableBytes(header.key) + NullableBytes(header.value);
  }
  AppendVarint(records_, static_cast<int64_t>(bytes));
  records_ += '\0';  // attributes: none are defined
  AppendVarint(records_, timestamp_delta_ms);
  AppendVarint(records_, record_count_);
  AppendNullable(records_, key);
  AppendNullable(records_, value);
  AppendVarint(records_, header_count);
  for (const RecordHeader& header : headers) {
    AppendNullable(records_, header.key);
    AppendNullable(records_, header.value);
  }
  ++record_count_;
}

SharedBytes RecordBatchBuilder::Build() {
  WEIR_CHECK(record_count_ > 0);
  const bool plain = options_.compression == CompressionType::kNone;
  const std::string records = plain ? std::exchange(records_, {})
                                    : Compress(options_.compression, std::exchange(records_, {}));
  auto batch = Buffer::Allocate(kBatchHeaderBytes + records.size());
  HeaderWriter header(batch->data());
  header.Fixed(options_.base_offset);
  header.Fixed(static_cast<int32_t>(batch->size() - kBatchOverheadBytes));
  header.Fixed(options_.partition_leader_epoch);
  header.Fixed(kBatchMagic);
  header.Fixed(uint32_t{0});  // the checksum, once there is something to sum up
  header.Fixed(Attributes(options_));
  header.Fixed(record_count_ - 1);
  header.Fixed(base_timestamp_ms_);
  header.Fixed(max_timestamp_ms_);
  header.Fixed(options_.producer_id);
  header.Fixed(options_.producer_epoch);
  header.Fixed(options_.base_sequence);
  header.Fixed(record_count_);
  std::memcpy(batch->data() + kBatchHeaderBytes, records.data(), records.size());
  const std::string_view covered(batch->data() + kCoveredAt, batch->size() - kCoveredAt);
  StoreBigEndian(batch->data() + kCrcAt, Crc32c(covered));
  const size_t size = batch->size();
  return SharedBytes(std::move(batch), 0, size);
}

}  // namespace weir::wire
