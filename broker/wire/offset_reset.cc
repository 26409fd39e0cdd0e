#include "broker/wire/offset_reset.h"

#include <algorithm>

#include "broker/wire/offset_fields.h"

namespace weir::wire {
namespace {

constexpr int16_t kValueVersion = 0;
// Topic, partition, after, size of before.
constexpr size_t kEntryBytesMin = 2 + 4 + 8 + 4;

tl::unexpected<Error> Unreadable(std::string_view what, std::string_view why) {
  return Fail(ErrorCode::kCorruptMessage,
              "record of a reset: " + std::string(what) + ": " + std::string(why));
}

Result<OffsetReset::Entry> ReadEntry(Reader& reader) {
  OffsetReset::Entry entry;
  entry.topic = std::string(ReadString(reader));
  entry.partition = reader.Fixed<int32_t>();
  entry.after = reader.Fixed<int64_t>();
  const auto before_bytes = reader.Fixed<int32_t>();
  if (before_bytes < 0) return entry;
  const std::string_view before = reader.Take(static_cast<size_t>(before_bytes));
  if (reader.failed()) return entry;
  WEIR_ASSIGN_OR_RETURN(entry.before, DecodeOffsetValue(before));
  return entry;
}

}  // namespace

std::string EncodeOffsetResetKey(std::string_view group) {
  std::string bytes;
  AppendFixed(bytes, kOffsetResetKeyVersion);
  AppendString(bytes, group);
  return bytes;
}

std::string EncodeOffsetReset(const OffsetReset& reset) {
  std::string bytes;
  AppendFixed(bytes, kValueVersion);
  AppendFixed(bytes, reset.timestamp_ms);
  AppendFixed(bytes, static_cast<int32_t>(reset.entries.size()));
  for (const OffsetReset::Entry& entry : reset.entries) {
    AppendString(bytes, entry.topic);
    AppendFixed(bytes, entry.partition);
    AppendFixed(bytes, entry.after);
    if (!entry.before) {
      AppendFixed(bytes, int32_t{-1});
      continue;
    }
    const std::string before = EncodeOffsetValue(*entry.before);
    AppendFixed(bytes, static_cast<int32_t>(before.size()));
    bytes.append(before);
  }
  return bytes;
}

Result<std::optional<std::string_view>> DecodeOffsetResetKey(std::string_view bytes) {
  Reader reader(bytes);
  const auto version = reader.Fixed<int16_t>();
  if (reader.failed()) return Unreadable("key", reader.reason());
  if (version != kOffsetResetKeyVersion) return std::nullopt;
  const std::string_view group = ReadString(reader);
  if (!reader.failed() && reader.remaining() > 0) reader.Fail("bytes left over");
  if (reader.failed()) return Unreadable("key", reader.reason());
  return group;
}

Result<OffsetReset> DecodeOffsetReset(std::string_view bytes) {
  Reader reader(bytes);
  const auto version = reader.Fixed<int16_t>();
  if (!reader.failed() && version != kValueVersion) reader.Fail("unknown version");
  OffsetReset reset;
  reset.timestamp_ms = reader.Fixed<int64_t>();
  const auto count = reader.Fixed<int32_t>();
  // Before memory is given to it.
  if (count < 0 || static_cast<size_t>(count) > reader.remaining() / kEntryBytesMin) {
    reader.Fail("more entries than bytes");
  }
  for (int32_t i = 0; i < count && !reader.failed(); ++i) {
    WEIR_ASSIGN_OR_RETURN(OffsetReset::Entry entry, ReadEntry(reader));
    reset.entries.push_back(std::move(entry));
  }
  if (!reader.failed() && reader.remaining() > 0) reader.Fail("bytes left over");
  if (reader.failed()) return Unreadable("value", reader.reason());
  return reset;
}

}  // namespace weir::wire
