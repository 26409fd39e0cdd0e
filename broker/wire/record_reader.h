// RecordReader: the records inside a batch, one by one (KIP-98 record format).
//
//   length varint | attributes int8 | timestampDelta varlong | offsetDelta varint |
//   keyLength varint (-1: null) | key | valueLength varint (-1: null) | value | headerCount varint
//   | headers
//
// Laws:
//  1. Reads uncompressed records: Decompress comes first.
//  2. Counts and lengths are checked against the remaining bytes before memory is given to them
//     a record fills its length exactly.
// Thread rule: one owner. Keys, values and headers are views into the bytes it was given.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "broker/wire/reader.h"
#include "common/base/result.h"

namespace weir::wire {

struct RecordHeader {
  std::string_view key;
  std::optional<std::string_view> value;

  friend bool operator==(const RecordHeader&, const RecordHeader&) = default;
};

// One record. Offset and timestamp are relative to the batch's base.
struct Record {
  int8_t attributes = 0;
  int64_t timestamp_delta_ms = 0;
  int32_t offset_delta = 0;
  std::optional<std::string_view> key;
  std::optional<std::string_view> value;
  std::vector<RecordHeader> headers;

  friend bool operator==(const Record&, const Record&) = default;
};

// The least bytes of a record with its length: every field one byte.
inline constexpr size_t kRecordBytesMin = 7;

class RecordReader {
 public:
  // `records`: a batch's records section, decompressed.
  explicit RecordReader(std::string_view records) : reader_(records) {}

  // Reads the next record into `record`, reusing its memory; false at the end.
  // Errors: kInvalidRecord, after which the walk is over.
  Result<bool> Next(Record& record);

 private:
  std::optional<std::string_view> NullableBytes();
  void ReadHeaders(std::vector<RecordHeader>& headers);

  Reader reader_;
};

}  // namespace weir::wire
