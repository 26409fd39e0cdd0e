// Keys and rows of a broker's store, as they are on disk. All integers are big-endian, so that keys
// sort by number.
//
//   log families
//     u32 partition | u64 last offset     record batches; the last one ends at that offset
//   meta
//     'P' u32 partition                   identity: topic, index, family, log start
//     'E' u32 partition u32 leader epoch  i64 first offset of the epoch
//     'S' u32 partition u64 first offset  a segment: end, bytes, largest timestamp
//     'N' u32 partition                   producer states at an offset
//     'D' u32 partition                   deleted partition whose entries await reclaiming
//     'C' u32 partition key               of __consumer_offsets: a committed offset, by the key of
//                                         its record
//     'A' u32 partition                   how far into the log the C rows go
//     'B' u8 which                        of the broker: clean shutdown, next partition id
//
// Laws:
//  1. Prefixes are unique and never reused; a row's first byte is its layout's version.
//  2. The key is the last offset, so that Seek(partition, offset) finds the entry holding that
//     offset.
// Thread rule: pure functions.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "broker/log/topic_partition.h"
#include "common/base/ids.h"
#include "common/base/kv_store.h"
#include "common/base/result.h"

namespace weir::log {

enum class RowKind : char {
  kPartition = 'P',
  kEpoch = 'E',
  kSegment = 'S',
  kProducers = 'N',
  kDeleted = 'D',
  kBroker = 'B',
  kCommitted = 'C',
  kCommittedEnd = 'A',
};

inline constexpr std::array kRowKinds = {
    RowKind::kPartition, RowKind::kEpoch,  RowKind::kSegment,   RowKind::kProducers,
    RowKind::kDeleted,   RowKind::kBroker, RowKind::kCommitted, RowKind::kCommittedEnd};

consteval bool RowKindsAreUnique() {
  for (size_t i = 0; i < kRowKinds.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (kRowKinds[i] == kRowKinds[j]) return false;
    }
  }
  return true;
}
static_assert(RowKindsAreUnique(), "two kinds of rows share a prefix");

// ---- Log entries ----------------------------------------------------------------------

inline constexpr size_t kLogKeyBytes = 12;
// On the stack: one is made per append and per read.
using LogKey = std::array<char, kLogKeyBytes>;

LogKey MakeLogKey(PartitionLocalId partition, Offset last_offset);
inline std::string_view View(const LogKey& key) { return {key.data(), key.size()}; }
// Greater than every key of the partition.
LogKey MakeLogKeyEnd(PartitionLocalId partition);

struct ParsedLogKey {
  PartitionLocalId partition;
  Offset last_offset;
};
// nullopt for bytes that are no log key.
std::optional<ParsedLogKey> ParseLogKey(std::string_view key);

// ---- Meta rows ------------------------------------------------------------------------

std::string MakeRowKey(RowKind kind, PartitionLocalId partition);
std::string MakeEpochKey(PartitionLocalId partition, LeaderEpoch epoch);
std::string MakeSegmentKey(PartitionLocalId partition, Offset first_offset);
// `key`: an OffsetCommitKey without its version, or what such keys begin with.
std::string MakeCommittedKey(PartitionLocalId partition, std::string_view key);
// The end of a partition's rows of one kind: the first key of the next partition.
std::string MakeRowKeyEnd(RowKind kind, PartitionLocalId partition);

enum class BrokerRow : char { kCleanShutdown = 1, kNextPartition = 2 };
std::string MakeBrokerKey(BrokerRow row);

// Partition of a P, E, S, N, D, C or A key. Errors: kKafkaStorageError.
Result<PartitionLocalId> PartitionOfRow(std::string_view key);
// Errors: kKafkaStorageError.
Result<LeaderEpoch> EpochOfKey(std::string_view key);
Result<Offset> SegmentOfKey(std::string_view key);

struct PartitionRow {
  TopicPartition partition;
  KvFamily family = KvFamily::kLogLong;
  Offset log_start_offset{0};

  friend bool operator==(const PartitionRow&, const PartitionRow&) = default;
};
std::string Encode(const PartitionRow& row);
Result<PartitionRow> DecodePartitionRow(std::string_view bytes);

// A run of entries: what time lookups and retention work on ("virtual segment", STORAGE 2.1).
struct SegmentRow {
  Offset first_offset{0};  // in the key
  Offset end_offset{0};
  int64_t bytes = 0;
  // -1 while empty.
  int64_t timestamp_max_ms = -1;
  // Base offset of the first batch that has it.
  Offset timestamp_max_offset{-1};

  friend bool operator==(const SegmentRow&, const SegmentRow&) = default;
};
std::string Encode(const SegmentRow& row);
Result<SegmentRow> DecodeSegmentRow(Offset first_offset, std::string_view bytes);

// A committed offset: the value of its record, and where that lies.
struct CommittedRow {
  Offset log_offset{0};
  std::string value;

  friend bool operator==(const CommittedRow&, const CommittedRow&) = default;
};
std::string Encode(const CommittedRow& row);
Result<CommittedRow> DecodeCommittedRow(std::string_view bytes);

// One 64-bit number: E, D, A and B rows.
std::string EncodeNumber(int64_t value);
Result<int64_t> DecodeNumber(std::string_view bytes);

}  // namespace weir::log
