// Walk over the records of a batch.
#include "broker/wire/record_reader.h"

#include <string>

namespace weir::wire {
namespace {

// The least bytes of a header: two lengths.
constexpr size_t kHeaderBytesMin = 2;

}  // namespace

std::optional<std::string_view> RecordReader::NullableBytes() {
  const int32_t size = reader_.Varint();
  if (size < -1) reader_.Fail("negative length");
  if (size < 0) return std::nullopt;
  return reader_.Take(static_cast<size_t>(size));
}

void RecordReader::ReadHeaders(std::vector<RecordHeader>& headers) {
  headers.clear();
  const int32_t count = reader_.Varint();
  if (count < 0 || static_cast<size_t>(count) > reader_.remaining() / kHeaderBytesMin) {
    reader_.Fail("header count beyond the record");
    return;
  }
  headers.reserve(static_cast<size_t>(count));
  for (int32_t i = 0; i < count && !reader_.failed(); ++i) {
    std::optional<std::string_view> key = NullableBytes();
    if (!key) reader_.Fail("header without a key");
    headers.push_back({key.value_or(std::string_view()), NullableBytes()});
  }
}

Result<bool> RecordReader::Next(Record& record) {
  if (reader_.remaining() == 0 && !reader_.failed()) return false;
  const int32_t length = reader_.Varint();
  if (length < 0) reader_.Fail("negative length");
  const char* end = reader_.Narrow(static_cast<size_t>(length));
  record.attributes = reader_.Fixed<int8_t>();
  record.timestamp_delta_ms = reader_.Varlong();
  record.offset_delta = reader_.Varint();
  record.key = NullableBytes();
  record.value = NullableBytes();
  ReadHeaders(record.headers);
  reader_.Widen(end);
  if (reader_.failed()) {
    return Fail(ErrorCode::kInvalidRecord, std::string("malformed record: ") + reader_.reason());
  }
  return true;
}

}  // namespace weir::wire
