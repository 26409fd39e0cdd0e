// record_batch.h: the v2 record batch (KIP-98), the unit in which records are sent, stored and
// fetched.
//
//   baseOffset int64 | batchLength int32 | partitionLeaderEpoch int32 | magic int8 = 2 | crc uint32
//   | attributes int16 | lastOffsetDelta int32 | baseTimestamp int64 | maxTimestamp int64 |
//   producerId int64 | producerEpoch int16 | baseSequence int32 | recordCount int32 | records
//   (compressed as a whole)
//
// Laws:
//  1. A RecordBatchView exists only over a whole batch: its length field has been checked against
//     the bytes. Nothing else has: Verify and batch_validation.h do that.
//  2. The CRC covers what follows it. Base offset and leader epoch stand before it, so that a
//     broker sets them without touching the checksum; LogAppendTime needs a new one.
//  3. Nothing here decompresses.
// Thread rule: plain values and pure functions. A view does not own its bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "broker/wire/reader.h"
#include "common/base/result.h"

namespace weir::wire {

// Codec of a batch's records: the low three bits of its attributes.
enum class CompressionType : int8_t { kNone = 0, kGzip = 1, kSnappy = 2, kLz4 = 3, kZstd = 4 };

// Whose clock the timestamps are of: bit 3 of the attributes.
enum class TimestampType : int8_t { kCreateTime = 0, kLogAppendTime = 1 };

// Timestamp of a record that has none.
inline constexpr int64_t kNoTimestamp = -1;
inline constexpr size_t kBatchHeaderBytes = 61;
// Bytes of baseOffset and batchLength, which batchLength does not count.
inline constexpr size_t kBatchOverheadBytes = 12;
inline constexpr int8_t kBatchMagic = 2;

class RecordBatchView {
 public:
  // The batch that begins `bytes`; more may follow it.
  // Errors: kCorruptMessage when the bytes end before the batch does, or its length or magic cannot
  // be; kInvalidRecord for the retired formats (magic 0 and 1).
  static Result<RecordBatchView> Parse(std::string_view bytes);

  int64_t base_offset() const { return Field<int64_t>(0); }
  int32_t partition_leader_epoch() const { return Field<int32_t>(12); }
  uint32_t crc() const { return Field<uint32_t>(17); }
  int16_t attributes() const { return Field<int16_t>(21); }
  int32_t last_offset_delta() const { return Field<int32_t>(23); }
  int64_t base_timestamp_ms() const { return Field<int64_t>(27); }
  int64_t max_timestamp_ms() const { return Field<int64_t>(35); }
  int64_t producer_id() const { return Field<int64_t>(43); }
  int16_t producer_epoch() const { return Field<int16_t>(51); }
  int32_t base_sequence() const { return Field<int32_t>(53); }
  int32_t record_count() const { return Field<int32_t>(57); }

  int64_t last_offset() const { return base_offset() + last_offset_delta(); }
  // The sequence number of the last record: counts modulo 2^31 (KIP-98). REQUIRES:
  // has_producer_id().
  int32_t last_sequence() const;
  // The numeric codec; 5 to 7 name none.
  int compression_id() const { return attributes() & 0x07; }
  // REQUIRES: compression_id() <= 4, as in every verified batch.
  CompressionType compression() const { return static_cast<CompressionType>(compression_id()); }
  TimestampType timestamp_type() const {
    return (attributes() & 0x08) != 0 ? TimestampType::kLogAppendTime : TimestampType::kCreateTime;
  }
  bool is_transactional() const { return (attributes() & 0x10) != 0; }
  bool is_control() const { return (attributes() & 0x20) != 0; }
  // Base timestamp is the time from which compaction may drop the tombstones (KIP-534).
  bool has_delete_horizon() const { return (attributes() & 0x40) != 0; }
  bool has_producer_id() const { return producer_id() >= 0; }

  // The whole batch, and its records as they stand (compressed).
  std::string_view bytes() const { return bytes_; }
  size_t size() const { return bytes_.size(); }
  std::string_view records_section() const { return bytes_.substr(kBatchHeaderBytes); }

  // Of the bytes that crc() should match.
  uint32_t ComputeCrc() const;

  // What every stored or replicated batch fulfils: checksum, codec, and offsets that agree with the
  // record count. Errors: kCorruptMessage.
  Status Verify() const;

 private:
  explicit RecordBatchView(std::string_view bytes) : bytes_(bytes) {}

  template <class Integer>
  Integer Field(size_t at) const {
    return LoadBigEndian<Integer>(bytes_.data() + at);
  }

  std::string_view bytes_;
};

// Writes in place what only the leader knows. `batch` is the first byte of a whole batch, not yet
// shared.
void SetBaseOffset(char* batch, int64_t base_offset);
void SetPartitionLeaderEpoch(char* batch, int32_t leader_epoch);
// Makes `now_ms` the time of every record (message.timestamp.type=LogAppendTime); new CRC.
void SetLogAppendTime(char* batch, int64_t now_ms);

// Walks the batches of a records field or of a stored value.
class BatchIterator {
 public:
  explicit BatchIterator(std::string_view records) : rest_(records) {}

  // The next batch; nullopt at the end. Errors: as Parse, after which the walk is over.
  Result<std::optional<RecordBatchView>> Next();
  // Bytes not yet walked.
  size_t remaining() const { return rest_.size(); }

 private:
  std::string_view rest_;
};

}  // namespace weir::wire
