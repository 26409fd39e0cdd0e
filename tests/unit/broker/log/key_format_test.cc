// On-disk bytes of keys and rows: golden, because disks remember them.
#include "broker/log/key_format.h"

#include <gtest/gtest.h>

namespace weir::log {
namespace {

std::string Hex(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (const char c : bytes) {
    hex += kDigits[static_cast<uint8_t>(c) >> 4];
    hex += kDigits[static_cast<uint8_t>(c) & 15];
  }
  return hex;
}

constexpr PartitionLocalId kId{0x01020304};

TEST(KeyFormat, GoldenKeys) {
  EXPECT_EQ(Hex(View(MakeLogKey(kId, Offset(0x0a0b0c)))), "0102030400000000000a0b0c");
  EXPECT_EQ(Hex(View(MakeLogKeyEnd(kId))), "01020304ffffffffffffffff");
  EXPECT_EQ(Hex(MakeRowKey(RowKind::kPartition, kId)), "5001020304");
  EXPECT_EQ(Hex(MakeRowKey(RowKind::kProducers, kId)), "4e01020304");
  EXPECT_EQ(Hex(MakeRowKey(RowKind::kDeleted, kId)), "4401020304");
  EXPECT_EQ(Hex(MakeRowKey(RowKind::kCommittedEnd, kId)), "4101020304");
  EXPECT_EQ(Hex(MakeCommittedKey(kId, "xy")), "43010203047879");
  EXPECT_EQ(Hex(MakeEpochKey(kId, LeaderEpoch(5))), "450102030400000005");
  EXPECT_EQ(Hex(MakeSegmentKey(kId, Offset(6))), "53010203040000000000000006");
  EXPECT_EQ(Hex(MakeBrokerKey(BrokerRow::kCleanShutdown)), "4201");
  EXPECT_EQ(Hex(MakeBrokerKey(BrokerRow::kNextPartition)), "4202");
  EXPECT_EQ(Hex(MakeRowKeyEnd(RowKind::kEpoch, kId)), "4501020305");
}

TEST(KeyFormat, GoldenRows) {
  PartitionRow partition;
  partition.partition.topic_id.bytes.fill(0xab);
  partition.partition.partition = PartitionIndex(3);
  partition.family = KvFamily::kLogCompacted;
  partition.log_start_offset = Offset(9);
  EXPECT_EQ(Hex(Encode(partition)), "01abababababababababababababababab00000003020000000000000009");
  EXPECT_EQ(DecodePartitionRow(Encode(partition)).value(), partition);

  const SegmentRow segment{Offset(1), Offset(2), 3, 4, Offset(5)};
  EXPECT_EQ(Hex(Encode(segment)),
            "010000000000000002000000000000000300000000000000040000000000000005");
  EXPECT_EQ(DecodeSegmentRow(Offset(1), Encode(segment)).value(), segment);

  EXPECT_EQ(Hex(EncodeNumber(-2)), "01fffffffffffffffe");
  EXPECT_EQ(DecodeNumber(EncodeNumber(-2)).value(), -2);
}

TEST(KeyFormat, KeysSortByPartitionThenOffset) {
  const auto key = [](uint32_t id, int64_t offset) {
    return std::string(View(MakeLogKey(PartitionLocalId(id), Offset(offset))));
  };
  EXPECT_LT(key(1, 255), key(1, 256));
  EXPECT_LT(key(1, int64_t{1} << 40), key(2, 0));
  EXPECT_LT(key(255, 9), key(256, 0));
  EXPECT_LT(key(1, INT64_MAX), std::string(View(MakeLogKeyEnd(PartitionLocalId(1)))));
  const auto parsed = ParseLogKey(key(7, 99));
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(parsed->partition, PartitionLocalId(7));
  EXPECT_EQ(parsed->last_offset, Offset(99));
  EXPECT_FALSE(ParseLogKey("short").has_value());
}

TEST(KeyFormat, DamagedRowsAreErrors) {
  const std::string row = Encode(PartitionRow{});
  EXPECT_FALSE(DecodePartitionRow(row.substr(1)).has_value());
  EXPECT_FALSE(DecodePartitionRow(row + "x").has_value());
  EXPECT_FALSE(DecodePartitionRow("").has_value());
  std::string newer = row;
  newer[0] = 2;
  EXPECT_FALSE(DecodePartitionRow(newer).has_value());
  std::string family = row;
  family[21] = 9;
  EXPECT_FALSE(DecodePartitionRow(family).has_value());
  EXPECT_FALSE(DecodeNumber("1234").has_value());
  EXPECT_FALSE(DecodeSegmentRow(Offset(0), "x").has_value());
  EXPECT_FALSE(PartitionOfRow("P").has_value());
}

}  // namespace
}  // namespace weir::log
