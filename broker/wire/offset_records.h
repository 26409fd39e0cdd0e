// offset_records.h: what a record of __consumer_offsets says, as Kafka writes it, so that Kafka's
// own tools read Weir's and Weir reads what was copied from Kafka.
//
//   key    int16 version (0, 1) | group string | topic string | partition int32
//   value  int16 version | offset int64 | leaderEpoch int32 (3+) | metadata string |
//          commitTimestamp int64 | expireTimestamp int64 (1) | tagged fields (4+; 0: topic id)
//
// Laws:
//  1. Keys are written in version 1, values in version 4; values of 0 to 4 are read. A newer value
//     is read as version 4 as far as it is one: later versions may only add tagged fields
//     (KIP-915).
//  2. A null value forgets the offset. Keys of other versions are of other kinds: groups, members.
// Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/base/uuid.h"

namespace weir::wire {

// Views into the bytes they were read from.
struct OffsetCommitKey {
  std::string_view group;
  std::string_view topic;
  int32_t partition = 0;

  friend bool operator==(const OffsetCommitKey&, const OffsetCommitKey&) = default;
};

struct OffsetCommitValue {
  int64_t offset = -1;
  // -1: the client did not say (KIP-320).
  int32_t leader_epoch = -1;
  std::string metadata;
  int64_t commit_timestamp_ms = -1;
  // Zero: not known.
  Uuid topic_id;

  friend bool operator==(const OffsetCommitValue&, const OffsetCommitValue&) = default;
};

// Bytes of a group id or topic that a key has room for.
inline constexpr size_t kOffsetKeyStringBytesMax = 32'767;
// Of the version that stands before a key or a value.
inline constexpr size_t kOffsetVersionBytes = 2;

// REQUIRES: strings of at most kOffsetKeyStringBytesMax.
std::string EncodeOffsetKey(const OffsetCommitKey& key);
// What all keys of a group's offsets begin with.
std::string EncodeOffsetKeyPrefix(std::string_view group);
std::string EncodeOffsetValue(const OffsetCommitValue& value);

// nullopt: the key is of another kind. Errors: kCorruptMessage.
Result<std::optional<OffsetCommitKey>> DecodeOffsetKey(std::string_view bytes);
// Errors: kCorruptMessage.
Result<OffsetCommitValue> DecodeOffsetValue(std::string_view bytes);

}  // namespace weir::wire
