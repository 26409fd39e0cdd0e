#include "controller/quorum/log_format.h"

#include <charconv>
#include <cstdio>
#include <utility>

#include "common/base/check.h"
#include "common/base/crc32c.h"
#include "controller/quorum/codec.h"

namespace weir::quorum {
namespace {

constexpr uint64_t kSegmentMagic = 0x474f4c5249455731;  // "1WEIRLOG"
constexpr uint32_t kBatchMagic = 0x42465257;            // "WRFB"
constexpr uint32_t kVersion = 1;
constexpr uint32_t kFlagReset = 1;
constexpr size_t kBatchHeadBytes = 12;
constexpr std::string_view kPrefix = "log-";
constexpr std::string_view kSuffix = ".seg";
constexpr size_t kNumberDigits = 16;

// Over everything of the batch but the checksum itself.
uint32_t CrcOf(std::string_view batch) {
  const uint32_t head = Crc32cExtend(0, batch.data(), 8);
  return Crc32cExtend(head, batch.data() + kBatchHeadBytes, batch.size() - kBatchHeadBytes);
}

bool IsEntryType(uint8_t type) {
  return type >= static_cast<uint8_t>(raft::EntryType::kNormal) &&
         type <= static_cast<uint8_t>(raft::EntryType::kLeaderStart);
}

}  // namespace

std::string SegmentName(uint64_t number) {
  char text[64];
  std::snprintf(text, sizeof(text), "log-%016llu.seg", static_cast<unsigned long long>(number));
  return text;
}

std::optional<uint64_t> ParseSegmentName(std::string_view name) {
  if (name.size() != kPrefix.size() + kNumberDigits + kSuffix.size()) return std::nullopt;
  if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) return std::nullopt;
  uint64_t number = 0;
  const char* end = name.data() + kPrefix.size() + kNumberDigits;
  const auto [stop, error] = std::from_chars(name.data() + kPrefix.size(), end, number);
  if (error != std::errc() || stop != end) return std::nullopt;
  return number;
}

std::string EncodeSegmentHeader(const SegmentHeader& header) {
  std::string out;
  PutFixed<uint64_t>(out, kSegmentMagic);
  PutFixed<uint32_t>(out, kVersion);
  PutFixed<uint64_t>(out, header.number);
  PutFixed<uint32_t>(out, header.reset ? kFlagReset : 0);
  PutFixed<uint64_t>(out, header.base_index.value());
  PutFixed<uint64_t>(out, header.base_term.value());
  PutFixed<uint32_t>(out, Crc32c(out));
  WEIR_CHECK(out.size() == kSegmentHeaderBytes);
  return out;
}

std::optional<SegmentHeader> DecodeSegmentHeader(std::string_view bytes) {
  if (bytes.size() < kSegmentHeaderBytes) return std::nullopt;
  FixedReader reader(bytes.substr(0, kSegmentHeaderBytes));
  const bool known = reader.Get<uint64_t>() == kSegmentMagic && reader.Get<uint32_t>() == kVersion;
  if (!known) return std::nullopt;
  SegmentHeader header;
  header.number = reader.Get<uint64_t>();
  header.reset = (reader.Get<uint32_t>() & kFlagReset) != 0;
  header.base_index = LogIndex(reader.Get<uint64_t>());
  header.base_term = Term(reader.Get<uint64_t>());
  const uint32_t crc = reader.Get<uint32_t>();
  if (crc != Crc32c(bytes.substr(0, kSegmentHeaderBytes - 4))) return std::nullopt;
  return header;
}

std::string EncodeBatch(const std::vector<raft::Entry>& entries, uint32_t previous_crc) {
  std::string out;
  PutFixed<uint32_t>(out, kBatchMagic);
  PutFixed<uint32_t>(out, 0);  // size, below
  PutFixed<uint32_t>(out, 0);  // checksum, below
  PutFixed<uint32_t>(out, previous_crc);
  PutFixed<uint32_t>(out, static_cast<uint32_t>(entries.size()));
  for (const raft::Entry& entry : entries) {
    PutFixed<uint64_t>(out, entry.term.value());
    PutFixed<uint64_t>(out, entry.index.value());
    PutFixed<uint8_t>(out, static_cast<uint8_t>(entry.type));
    PutFixed<uint32_t>(out, static_cast<uint32_t>(entry.bytes()));
    if (entry.payload != nullptr) out.append(*entry.payload);
  }
  WEIR_CHECK(out.size() - kBatchHeadBytes <= UINT32_MAX,
             "a batch is bounded by what Raft proposes");
  std::string size;
  PutFixed<uint32_t>(size, static_cast<uint32_t>(out.size() - kBatchHeadBytes));
  out.replace(4, 4, size);
  std::string crc;
  PutFixed<uint32_t>(crc, CrcOf(out));
  out.replace(8, 4, crc);
  return out;
}

uint32_t BatchCrc(std::string_view batch) {
  return FixedReader(batch.substr(8, 4)).Get<uint32_t>();
}

std::optional<DecodedBatch> DecodeBatch(std::string_view bytes) {
  FixedReader head(bytes);
  if (head.Get<uint32_t>() != kBatchMagic) return std::nullopt;
  const uint32_t body_bytes = head.Get<uint32_t>();
  DecodedBatch batch;
  batch.crc = head.Get<uint32_t>();
  if (!head.ok() || head.left() < body_bytes) return std::nullopt;
  batch.bytes = kBatchHeadBytes + body_bytes;
  if (CrcOf(bytes.substr(0, batch.bytes)) != batch.crc) return std::nullopt;

  FixedReader body(bytes.substr(kBatchHeadBytes, body_bytes));
  batch.previous_crc = body.Get<uint32_t>();
  const uint32_t count = body.Get<uint32_t>();
  for (uint32_t i = 0; i < count && body.ok(); ++i) {
    raft::Entry entry;
    entry.term = Term(body.Get<uint64_t>());
    entry.index = LogIndex(body.Get<uint64_t>());
    const uint8_t type = body.Get<uint8_t>();
    if (!IsEntryType(type)) return std::nullopt;
    entry.type = static_cast<raft::EntryType>(type);
    const uint32_t payload_bytes = body.Get<uint32_t>();
    entry.payload = std::make_shared<const std::string>(body.GetBytes(payload_bytes));
    batch.entries.push_back(std::move(entry));
  }
  if (!body.AtEnd() || batch.entries.empty()) return std::nullopt;
  return batch;
}

bool ContainsBatch(std::string_view bytes) {
  std::string magic;
  PutFixed<uint32_t>(magic, kBatchMagic);
  for (size_t at = bytes.find(magic); at != std::string_view::npos;
       at = bytes.find(magic, at + 1)) {
    if (DecodeBatch(bytes.substr(at)).has_value()) return true;
  }
  return false;
}

}  // namespace weir::quorum
