#include "common/metadata/broker_records.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include <limits>
#include <optional>

namespace weir::metadata {
namespace {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;

// Nothing is parsed but the frames: a batch that moves ten thousand partitions passes by every
// broker's feed in a moment. REQUIRES: no more bytes than INT_MAX.
CodedInputStream Read(std::string_view bytes) {
  return CodedInputStream(reinterpret_cast<const uint8_t*>(bytes.data()),
                          static_cast<int>(bytes.size()));
}

// The last of a record's fields is its kind, as parsers have it. nullopt: no record.
std::optional<bool> IsForBrokers(std::string_view record) {
  CodedInputStream in = Read(record);
  auto kind = v1::MetadataRecord::KIND_NOT_SET;
  while (const uint32_t tag = in.ReadTag()) {
    kind = static_cast<v1::MetadataRecord::KindCase>(WireFormatLite::GetTagFieldNumber(tag));
    if (!WireFormatLite::SkipField(&in, tag)) return std::nullopt;
  }
  if (!in.ConsumedEntireMessage()) return std::nullopt;
  return metadata::IsForBrokers(kind);
}

// `bytes` without the fields of that number that hold a record which brokers do not get.
std::string Filtered(std::string_view bytes, int records_field) {
  if (bytes.size() > static_cast<size_t>(std::numeric_limits<int>::max())) {
    return std::string(bytes);
  }
  const uint32_t record_tag =
      WireFormatLite::MakeTag(records_field, WireFormatLite::WIRETYPE_LENGTH_DELIMITED);
  CodedInputStream in = Read(bytes);
  std::string kept;
  // Behind the last field that was dropped.
  size_t copied = 0;
  while (true) {
    const auto begin = static_cast<size_t>(in.CurrentPosition());
    const uint32_t tag = in.ReadTag();
    if (tag == 0) break;
    uint32_t size = 0;
    if (tag != record_tag) {
      if (!WireFormatLite::SkipField(&in, tag)) return std::string(bytes);
      continue;
    }
    if (!in.ReadVarint32(&size)) return std::string(bytes);
    const auto body = static_cast<size_t>(in.CurrentPosition());
    if (size > bytes.size() - body || !in.Skip(static_cast<int>(size))) return std::string(bytes);
    const std::optional<bool> wanted = IsForBrokers(bytes.substr(body, size));
    if (!wanted) return std::string(bytes);
    if (*wanted) continue;
    kept.append(bytes.substr(copied, begin - copied));
    copied = body + size;
  }
  if (!in.ConsumedEntireMessage() || copied == 0) return std::string(bytes);
  kept.append(bytes.substr(copied));
  return kept;
}

}  // namespace

bool IsForBrokers(v1::MetadataRecord::KindCase kind) {
  return kind != v1::MetadataRecord::kGroupSubscription &&
         kind != v1::MetadataRecord::kGroupAssignment &&
         kind != v1::MetadataRecord::kGroupTargetAssignment &&
         kind != v1::MetadataRecord::kGroupCurrentAssignment;
}

std::string BatchForBrokers(std::string_view batch) {
  return Filtered(batch, v1::MetadataBatch::kRecordsFieldNumber);
}

std::string ChunkForBrokers(std::string_view chunk) {
  return Filtered(chunk, v1::SnapshotChunk::kRecordsFieldNumber);
}

}  // namespace weir::metadata
