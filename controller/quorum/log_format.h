// The bytes of log segments (raft_log_store.h has the grammar). On disk: never change a field, add
// a version. Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/raft/types.h"

namespace weir::quorum {

struct SegmentHeader {
  uint64_t number = 0;
  // Everything in earlier segments is void; the log begins after (base_term, base_index).
  bool reset = false;
  LogIndex base_index;
  Term base_term;
};

inline constexpr size_t kSegmentHeaderBytes = 8 + 4 + 8 + 4 + 8 + 8 + 4;

std::string SegmentName(uint64_t number);
// None when `name` is not one of a segment.
std::optional<uint64_t> ParseSegmentName(std::string_view name);

std::string EncodeSegmentHeader(const SegmentHeader& header);
std::optional<SegmentHeader> DecodeSegmentHeader(std::string_view bytes);

struct DecodedBatch {
  uint32_t crc = 0;
  uint32_t previous_crc = 0;
  size_t bytes = 0;
  std::vector<raft::Entry> entries;
};

std::string EncodeBatch(const std::vector<raft::Entry>& entries, uint32_t previous_crc);
// The checksum that EncodeBatch put into it.
uint32_t BatchCrc(std::string_view batch);
// None when no whole, correct batch begins at the first byte.
std::optional<DecodedBatch> DecodeBatch(std::string_view bytes);
// Whether a correct batch begins anywhere in `bytes`.
bool ContainsBatch(std::string_view bytes);

}  // namespace weir::quorum
