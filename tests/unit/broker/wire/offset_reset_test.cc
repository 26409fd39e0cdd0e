// Records of resets: golden bytes, and nothing read that is not there.
#include "broker/wire/offset_reset.h"

#include <gtest/gtest.h>

#include <string>

namespace weir::wire {
namespace {

OffsetReset SomeReset() {
  OffsetReset reset{.timestamp_ms = 4096, .entries = {}};
  reset.entries.push_back(
      {.topic = "top",
       .partition = 7,
       .before = OffsetCommitValue{.offset = 258, .leader_epoch = 5, .metadata = "hi"},
       .after = 3});
  reset.entries.push_back({.topic = "new", .partition = 0, .before = std::nullopt, .after = 9});
  return reset;
}

TEST(OffsetResetRecords, KeyHasAVersionOfItsOwn) {
  const std::string key = EncodeOffsetResetKey("g1");
  EXPECT_EQ(key, std::string("\x77\x65\0\x02g1", 6));
  EXPECT_EQ(DecodeOffsetResetKey(key).value(), "g1");
  // Readers of committed offsets pass it over.
  EXPECT_EQ(DecodeOffsetKey(key).value(), std::nullopt);
  EXPECT_EQ(DecodeOffsetResetKey(EncodeOffsetKey({"g1", "top", 7})).value(), std::nullopt);
}

TEST(OffsetResetRecords, ValueComesBack) {
  const OffsetReset reset = SomeReset();
  EXPECT_EQ(DecodeOffsetReset(EncodeOffsetReset(reset)).value(), reset);
  const OffsetReset empty{.timestamp_ms = 1, .entries = {}};
  EXPECT_EQ(EncodeOffsetReset(empty), std::string("\0\0\0\0\0\0\0\0\0\x01\0\0\0\0", 14));
  EXPECT_EQ(DecodeOffsetReset(EncodeOffsetReset(empty)).value(), empty);
}

TEST(OffsetResetRecords, DamagedBytesAreRefused) {
  const std::string good = EncodeOffsetReset(SomeReset());
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(DecodeOffsetReset(good.substr(0, size)).has_value()) << size;
  }
  EXPECT_FALSE(DecodeOffsetReset(good + "x").has_value());
  std::string of_many = good;
  of_many[10] = '\x7f';  // two thousand million entries
  EXPECT_FALSE(DecodeOffsetReset(of_many).has_value());
  EXPECT_FALSE(DecodeOffsetResetKey("").has_value());
  EXPECT_FALSE(DecodeOffsetResetKey(EncodeOffsetResetKey("g1") + "x").has_value());
}

}  // namespace
}  // namespace weir::wire
