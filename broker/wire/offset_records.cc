#include "broker/wire/offset_records.h"

#include <algorithm>

#include "broker/wire/offset_fields.h"

namespace weir::wire {
namespace {

constexpr int16_t kKeyVersion = 1;
constexpr int16_t kValueVersion = 4;
constexpr int16_t kFirstFlexibleValue = 4;
constexpr uint32_t kTopicIdTag = 0;

void AppendUnsignedVarint(std::string& to, uint32_t value) {
  for (; value >= 0x80; value >>= 7) to.push_back(static_cast<char>((value & 0x7f) | 0x80));
  to.push_back(static_cast<char>(value));
}

std::string_view ReadCompactString(Reader& reader) {
  const uint32_t size_and_one = reader.UnsignedVarint();
  if (size_and_one == 0) reader.Fail("null string");
  return reader.Take(size_and_one == 0 ? 0 : size_and_one - 1);
}

void ReadTaggedFields(Reader& reader, OffsetCommitValue& value) {
  for (uint32_t left = reader.UnsignedVarint(); left > 0 && !reader.failed(); --left) {
    const uint32_t tag = reader.UnsignedVarint();
    const std::string_view field = reader.Take(reader.UnsignedVarint());
    if (tag != kTopicIdTag || reader.failed()) continue;
    if (field.size() != value.topic_id.bytes.size()) return reader.Fail("topic id");
    std::copy(field.begin(), field.end(), value.topic_id.bytes.begin());
  }
}

tl::unexpected<Error> Unreadable(std::string_view what, const Reader& reader) {
  return Fail(ErrorCode::kCorruptMessage, "record of committed offsets: " + std::string(what) +
                                              ": " + std::string(reader.reason()));
}

}  // namespace

std::string EncodeOffsetKeyPrefix(std::string_view group) {
  std::string bytes;
  AppendFixed(bytes, kKeyVersion);
  AppendString(bytes, group);
  return bytes;
}

std::string EncodeOffsetKey(const OffsetCommitKey& key) {
  std::string bytes = EncodeOffsetKeyPrefix(key.group);
  AppendString(bytes, key.topic);
  AppendFixed(bytes, key.partition);
  return bytes;
}

std::string EncodeOffsetValue(const OffsetCommitValue& value) {
  std::string bytes;
  AppendFixed(bytes, kValueVersion);
  AppendFixed(bytes, value.offset);
  AppendFixed(bytes, value.leader_epoch);
  AppendUnsignedVarint(bytes, static_cast<uint32_t>(value.metadata.size() + 1));
  bytes.append(value.metadata);
  AppendFixed(bytes, value.commit_timestamp_ms);
  if (value.topic_id.IsZero()) {
    AppendUnsignedVarint(bytes, 0);
    return bytes;
  }
  AppendUnsignedVarint(bytes, 1);
  AppendUnsignedVarint(bytes, kTopicIdTag);
  AppendUnsignedVarint(bytes, static_cast<uint32_t>(value.topic_id.bytes.size()));
  bytes.append(value.topic_id.ToBytes());
  return bytes;
}

Result<std::optional<OffsetCommitKey>> DecodeOffsetKey(std::string_view bytes) {
  Reader reader(bytes);
  const auto version = reader.Fixed<int16_t>();
  if (!reader.failed() && (version < 0 || version > kKeyVersion)) return std::nullopt;
  OffsetCommitKey key;
  key.group = ReadString(reader);
  key.topic = ReadString(reader);
  key.partition = reader.Fixed<int32_t>();
  if (!reader.failed() && reader.remaining() > 0) reader.Fail("bytes left over");
  if (reader.failed()) return Unreadable("key", reader);
  return key;
}

Result<OffsetCommitValue> DecodeOffsetValue(std::string_view bytes) {
  Reader reader(bytes);
  const auto version = reader.Fixed<int16_t>();
  if (version < 0) reader.Fail("negative version");
  OffsetCommitValue value;
  value.offset = reader.Fixed<int64_t>();
  if (version >= 3) value.leader_epoch = reader.Fixed<int32_t>();
  value.metadata =
      std::string(version >= kFirstFlexibleValue ? ReadCompactString(reader) : ReadString(reader));
  value.commit_timestamp_ms = reader.Fixed<int64_t>();
  // When the offset would expire: offsets do not.
  if (version == 1) reader.Fixed<int64_t>();
  if (version >= kFirstFlexibleValue) ReadTaggedFields(reader, value);
  if (reader.failed()) return Unreadable("value", reader);
  return value;
}

}  // namespace weir::wire
