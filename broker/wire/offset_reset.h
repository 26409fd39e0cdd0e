// offset_reset.h: a record of __consumer_offsets that only Weir writes: what the last reset of a
// group's offsets replaced, so that it can be undone (USERS 3.21). There is one key per group, so
// that compaction keeps the last reset for as long as nobody makes another.
//
//   key    int16 30565 | group string
//   value  int16 0 | timestamp int64 | count int32 | count x entry
//   entry  topic string | partition int32 | after int64 (-1: forgotten) |
//          size of before int32 (-1: there was none) | before: the value of a committed offset
//
// Laws:
//  1. The key's version is none of Kafka's: its tools and clients pass such records over.
//  2. A null value forgets the reset.
// Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/wire/offset_records.h"
#include "common/base/result.h"

namespace weir::wire {

inline constexpr int16_t kOffsetResetKeyVersion = 30'565;
inline constexpr int64_t kOffsetForgotten = -1;

struct OffsetReset {
  struct Entry {
    std::string topic;
    int32_t partition = 0;
    // nullopt: nothing was committed.
    std::optional<OffsetCommitValue> before;
    // kOffsetForgotten: there is no offset any more.
    int64_t after = kOffsetForgotten;

    friend bool operator==(const Entry&, const Entry&) = default;
  };

  int64_t timestamp_ms = -1;
  std::vector<Entry> entries;

  friend bool operator==(const OffsetReset&, const OffsetReset&) = default;
};

// REQUIRES: strings of at most kOffsetKeyStringBytesMax.
std::string EncodeOffsetResetKey(std::string_view group);
std::string EncodeOffsetReset(const OffsetReset& reset);

// The group, a view into `bytes`; nullopt: the key is of another kind. Errors: kCorruptMessage.
Result<std::optional<std::string_view>> DecodeOffsetResetKey(std::string_view bytes);
// Errors: kCorruptMessage.
Result<OffsetReset> DecodeOffsetReset(std::string_view bytes);

}  // namespace weir::wire
