#include "broker/log/key_format.h"

#include <cstring>
#include <limits>

#include "broker/wire/reader.h"

namespace weir::log {
namespace {

using wire::LoadBigEndian;
using wire::StoreBigEndian;

constexpr char kRowVersion = 1;
constexpr size_t kUuidBytes = 16;

template <class Integer>
void Append(std::string& to, Integer value) {
  char raw[sizeof value];
  StoreBigEndian(raw, value);
  to.append(raw, sizeof value);
}

tl::unexpected<Error> BadRow(std::string_view what) {
  return Fail(ErrorCode::kKafkaStorageError,
              "the store holds a damaged " + std::string(what) + " row");
}

// The row after its version byte. Errors: another version or size.
Result<std::string_view> Body(std::string_view bytes, size_t size, std::string_view what) {
  if (bytes.size() != size + 1) return BadRow(what);
  if (bytes[0] != kRowVersion) return BadRow(what);
  return bytes.substr(1);
}

}  // namespace

LogKey MakeLogKey(PartitionLocalId partition, Offset last_offset) {
  LogKey key;
  StoreBigEndian(key.data(), partition.value());
  StoreBigEndian(key.data() + sizeof(uint32_t), static_cast<uint64_t>(last_offset.value()));
  return key;
}

LogKey MakeLogKeyEnd(PartitionLocalId partition) {
  LogKey key;
  StoreBigEndian(key.data(), partition.value());
  StoreBigEndian(key.data() + sizeof(uint32_t), std::numeric_limits<uint64_t>::max());
  return key;
}

std::optional<ParsedLogKey> ParseLogKey(std::string_view key) {
  if (key.size() != kLogKeyBytes) return std::nullopt;
  return ParsedLogKey{PartitionLocalId(LoadBigEndian<uint32_t>(key.data())),
                      Offset(LoadBigEndian<int64_t>(key.data() + sizeof(uint32_t)))};
}

std::string MakeRowKey(RowKind kind, PartitionLocalId partition) {
  std::string key(1, static_cast<char>(kind));
  Append(key, partition.value());
  return key;
}

std::string MakeEpochKey(PartitionLocalId partition, LeaderEpoch epoch) {
  std::string key = MakeRowKey(RowKind::kEpoch, partition);
  Append(key, epoch.value());
  return key;
}

std::string MakeSegmentKey(PartitionLocalId partition, Offset first_offset) {
  std::string key = MakeRowKey(RowKind::kSegment, partition);
  Append(key, first_offset.value());
  return key;
}

std::string MakeCommittedKey(PartitionLocalId partition, std::string_view key) {
  return MakeRowKey(RowKind::kCommitted, partition).append(key);
}

std::string MakeRowKeyEnd(RowKind kind, PartitionLocalId partition) {
  return MakeRowKey(kind, partition + 1);
}

std::string MakeBrokerKey(BrokerRow row) {
  return {static_cast<char>(RowKind::kBroker), static_cast<char>(row)};
}

Result<PartitionLocalId> PartitionOfRow(std::string_view key) {
  if (key.size() < 1 + sizeof(uint32_t)) return BadRow("key of a");
  return PartitionLocalId(LoadBigEndian<uint32_t>(key.data() + 1));
}

Result<LeaderEpoch> EpochOfKey(std::string_view key) {
  if (key.size() != 1 + 2 * sizeof(uint32_t)) return BadRow("leader epoch");
  return LeaderEpoch(LoadBigEndian<int32_t>(key.data() + 1 + sizeof(uint32_t)));
}

Result<Offset> SegmentOfKey(std::string_view key) {
  if (key.size() != 1 + sizeof(uint32_t) + sizeof(uint64_t)) return BadRow("segment");
  return Offset(LoadBigEndian<int64_t>(key.data() + 1 + sizeof(uint32_t)));
}

std::string Encode(const PartitionRow& row) {
  std::string bytes(1, kRowVersion);
  bytes.append(row.partition.topic_id.ToBytes());
  Append(bytes, row.partition.partition.value());
  Append(bytes, static_cast<uint8_t>(row.family));
  Append(bytes, row.log_start_offset.value());
  return bytes;
}

Result<PartitionRow> DecodePartitionRow(std::string_view bytes) {
  constexpr size_t kSize = kUuidBytes + sizeof(int32_t) + sizeof(uint8_t) + sizeof(int64_t);
  WEIR_ASSIGN_OR_RETURN(const std::string_view body, Body(bytes, kSize, "partition"));
  WEIR_ASSIGN_OR_RETURN(const Uuid topic_id, Uuid::FromBytes(body.substr(0, kUuidBytes)));
  const char* at = body.data() + kUuidBytes;
  const auto family = LoadBigEndian<uint8_t>(at + sizeof(int32_t));
  if (family >= static_cast<uint8_t>(KvFamily::kMeta)) return BadRow("partition");
  PartitionRow row;
  row.partition = {topic_id, PartitionIndex(LoadBigEndian<int32_t>(at))};
  row.family = static_cast<KvFamily>(family);
  row.log_start_offset = Offset(LoadBigEndian<int64_t>(at + sizeof(int32_t) + sizeof(uint8_t)));
  return row;
}

std::string Encode(const SegmentRow& row) {
  std::string bytes(1, kRowVersion);
  Append(bytes, row.end_offset.value());
  Append(bytes, row.bytes);
  Append(bytes, row.timestamp_max_ms);
  Append(bytes, row.timestamp_max_offset.value());
  return bytes;
}

Result<SegmentRow> DecodeSegmentRow(Offset first_offset, std::string_view bytes) {
  WEIR_ASSIGN_OR_RETURN(const std::string_view body, Body(bytes, 4 * sizeof(int64_t), "segment"));
  SegmentRow row;
  row.first_offset = first_offset;
  row.end_offset = Offset(LoadBigEndian<int64_t>(body.data()));
  row.bytes = LoadBigEndian<int64_t>(body.data() + 8);
  row.timestamp_max_ms = LoadBigEndian<int64_t>(body.data() + 16);
  row.timestamp_max_offset = Offset(LoadBigEndian<int64_t>(body.data() + 24));
  return row;
}

std::string Encode(const CommittedRow& row) {
  std::string bytes(1, kRowVersion);
  Append(bytes, row.log_offset.value());
  bytes.append(row.value);
  return bytes;
}

Result<CommittedRow> DecodeCommittedRow(std::string_view bytes) {
  if (bytes.size() < 1 + sizeof(int64_t) || bytes[0] != kRowVersion) {
    return BadRow("committed offset");
  }
  return CommittedRow{Offset(LoadBigEndian<int64_t>(bytes.data() + 1)),
                      std::string(bytes.substr(1 + sizeof(int64_t)))};
}

std::string EncodeNumber(int64_t value) {
  std::string bytes(1, kRowVersion);
  Append(bytes, value);
  return bytes;
}

Result<int64_t> DecodeNumber(std::string_view bytes) {
  WEIR_ASSIGN_OR_RETURN(const std::string_view body, Body(bytes, sizeof(int64_t), "number"));
  return LoadBigEndian<int64_t>(body.data());
}

}  // namespace weir::log
