// Parsing and patching of record batch headers.
#include "broker/wire/record_batch.h"

#include <string>

#include "common/base/crc32c.h"

namespace weir::wire {
namespace {

constexpr size_t kLengthAt = 8;
constexpr size_t kLeaderEpochAt = 12;
constexpr size_t kMagicAt = 16;
constexpr size_t kCrcAt = 17;
constexpr size_t kAttributesAt = 21;
constexpr size_t kMaxTimestampAt = 35;
constexpr int16_t kLogAppendTimeBit = 0x08;

size_t BatchBytes(const char* batch) {
  return kBatchOverheadBytes + static_cast<size_t>(LoadBigEndian<int32_t>(batch + kLengthAt));
}

}  // namespace

Result<RecordBatchView> RecordBatchView::Parse(std::string_view bytes) {
  // Magic stands at the same place in every format, so that old ones can be told.
  if (bytes.size() <= kMagicAt) {
    return Fail(ErrorCode::kCorruptMessage, "record batch is cut short");
  }
  const int8_t magic = bytes[kMagicAt];
  if (magic == 0 || magic == 1) {
    return Fail(ErrorCode::kInvalidRecord,
                "message format " + std::to_string(magic) + " is retired, send format 2");
  }
  if (magic != kBatchMagic) {
    return Fail(ErrorCode::kCorruptMessage, "record batch has magic " + std::to_string(magic));
  }
  const int64_t length = LoadBigEndian<int32_t>(bytes.data() + kLengthAt);
  const int64_t length_min = kBatchHeaderBytes - kBatchOverheadBytes;
  const int64_t length_max = static_cast<int64_t>(bytes.size()) - kBatchOverheadBytes;
  if (length < length_min || length > length_max) {
    return Fail(ErrorCode::kCorruptMessage, "record batch of length " + std::to_string(length) +
                                                " in " + std::to_string(bytes.size()) + " bytes");
  }
  return RecordBatchView(bytes.substr(0, kBatchOverheadBytes + static_cast<size_t>(length)));
}

int32_t RecordBatchView::last_sequence() const {
  const int64_t sequence = static_cast<int64_t>(base_sequence()) + last_offset_delta();
  return static_cast<int32_t>(sequence & INT32_MAX);
}

uint32_t RecordBatchView::ComputeCrc() const { return Crc32c(bytes_.substr(kAttributesAt)); }

Status RecordBatchView::Verify() const {
  if (crc() != ComputeCrc()) {
    return Fail(ErrorCode::kCorruptMessage, "record batch checksum does not match");
  }
  if (compression_id() > static_cast<int>(CompressionType::kZstd)) {
    return Fail(ErrorCode::kCorruptMessage, "record batch has an unknown codec");
  }
  if (base_offset() < 0 || last_offset_delta() < 0 || record_count() < 0) {
    return Fail(ErrorCode::kCorruptMessage, "record batch has negative offsets");
  }
  // A compacted batch has fewer records than offsets, never more.
  if (record_count() > static_cast<int64_t>(last_offset_delta()) + 1 ||
      base_offset() > INT64_MAX - last_offset_delta()) {
    return Fail(ErrorCode::kCorruptMessage, "record batch offsets do not hold its records");
  }
  return {};
}

void SetBaseOffset(char* batch, int64_t base_offset) { StoreBigEndian(batch, base_offset); }

void SetPartitionLeaderEpoch(char* batch, int32_t leader_epoch) {
  StoreBigEndian(batch + kLeaderEpochAt, leader_epoch);
}

void SetLogAppendTime(char* batch, int64_t now_ms) {
  const int16_t attributes = LoadBigEndian<int16_t>(batch + kAttributesAt);
  StoreBigEndian(batch + kAttributesAt, static_cast<int16_t>(attributes | kLogAppendTimeBit));
  StoreBigEndian(batch + kMaxTimestampAt, now_ms);
  const std::string_view covered(batch + kAttributesAt, BatchBytes(batch) - kAttributesAt);
  StoreBigEndian(batch + kCrcAt, Crc32c(covered));
}

Result<std::optional<RecordBatchView>> BatchIterator::Next() {
  if (rest_.empty()) return std::nullopt;
  Result<RecordBatchView> batch = RecordBatchView::Parse(rest_);
  if (!batch) {
    rest_ = {};
    return tl::unexpected(std::move(batch).error());
  }
  rest_.remove_prefix(batch->size());
  return *batch;
}

}  // namespace weir::wire
