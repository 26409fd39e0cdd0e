// Records of __consumer_offsets, byte by byte as Kafka's OffsetCommitKey and OffsetCommitValue
// define them.
#include "broker/wire/offset_records.h"

#include <gtest/gtest.h>

#include <string>

namespace weir::wire {
namespace {

// "00 01 ..." as bytes.
std::string Bytes(std::string_view hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size();) {
    if (hex[i] == ' ') {
      ++i;
      continue;
    }
    bytes.push_back(static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
    i += 2;
  }
  return bytes;
}

Uuid CountingUuid() {
  Uuid id;
  for (size_t i = 0; i < id.bytes.size(); ++i) id.bytes[i] = static_cast<uint8_t>(i + 1);
  return id;
}

TEST(OffsetRecords, KeyIsKafkasVersion1) {
  const std::string bytes = Bytes("0001 0002 6731 0003 746f70 00000007");
  EXPECT_EQ(EncodeOffsetKey({"g1", "top", 7}), bytes);
  EXPECT_EQ(DecodeOffsetKey(bytes).value(), (OffsetCommitKey{"g1", "top", 7}));
  EXPECT_TRUE(bytes.starts_with(EncodeOffsetKeyPrefix("g1")));
  EXPECT_FALSE(bytes.starts_with(EncodeOffsetKeyPrefix("g")));
}

TEST(OffsetRecords, KeyOfVersion0IsTheSame) {
  EXPECT_EQ(DecodeOffsetKey(Bytes("0000 0002 6731 0003 746f70 00000007")).value(),
            (OffsetCommitKey{"g1", "top", 7}));
}

TEST(OffsetRecords, KeysOfOtherKindsAreToldApart) {
  // Group metadata is version 2, members of consumer groups 3 and up.
  for (const char* hex : {"0002 0002 6731", "0003 0002 6731", "0005", "7fff"}) {
    const auto key = DecodeOffsetKey(Bytes(hex));
    ASSERT_TRUE(key.has_value()) << hex;
    EXPECT_FALSE(key->has_value()) << hex;
  }
}

TEST(OffsetRecords, ValueIsKafkasVersion4) {
  const OffsetCommitValue plain{
      .offset = 258, .leader_epoch = 5, .metadata = "hi", .commit_timestamp_ms = 4096};
  EXPECT_EQ(EncodeOffsetValue(plain),
            Bytes("0004 0000000000000102 00000005 03 6869 0000000000001000 00"));
  OffsetCommitValue with_topic = plain;
  with_topic.topic_id = CountingUuid();
  const std::string bytes = Bytes(
      "0004 0000000000000102 00000005 03 6869 0000000000001000"
      "01 00 10 0102030405060708 090a0b0c0d0e0f10");
  EXPECT_EQ(EncodeOffsetValue(with_topic), bytes);
  EXPECT_EQ(DecodeOffsetValue(bytes).value(), with_topic);
}

TEST(OffsetRecords, ValuesOfEveryVersionAreRead) {
  OffsetCommitValue value{.offset = 258, .metadata = "hi", .commit_timestamp_ms = 4096};
  EXPECT_EQ(DecodeOffsetValue(Bytes("0000 0000000000000102 0002 6869 0000000000001000")).value(),
            value);
  EXPECT_EQ(
      DecodeOffsetValue(Bytes("0001 0000000000000102 0002 6869 0000000000001000 0000000000002000"))
          .value(),
      value);
  EXPECT_EQ(DecodeOffsetValue(Bytes("0002 0000000000000102 0002 6869 0000000000001000")).value(),
            value);
  value.leader_epoch = 5;
  EXPECT_EQ(
      DecodeOffsetValue(Bytes("0003 0000000000000102 00000005 0002 6869 0000000000001000")).value(),
      value);
}

TEST(OffsetRecords, UnknownTaggedFieldsAndLaterVersionsAreRead) {
  const auto value =
      DecodeOffsetValue(Bytes("0005 0000000000000102 00000005 01 0000000000001000 02"
                              "00 10 0102030405060708090a0b0c0d0e0f10 09 02 ffff"));
  ASSERT_TRUE(value.has_value()) << value.error().message;
  EXPECT_EQ(value->topic_id, CountingUuid());
  EXPECT_EQ(value->metadata, "");
}

TEST(OffsetRecords, DamagedBytesAreErrors) {
  const std::string key = EncodeOffsetKey({"g1", "top", 7});
  for (size_t size = 0; size < key.size(); ++size) {
    EXPECT_FALSE(DecodeOffsetKey(std::string_view(key).substr(0, size)).has_value()) << size;
  }
  EXPECT_FALSE(DecodeOffsetKey(key + "x").has_value());
  OffsetCommitValue value{.offset = 1, .metadata = "m"};
  value.topic_id = CountingUuid();
  const std::string bytes = EncodeOffsetValue(value);
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(DecodeOffsetValue(std::string_view(bytes).substr(0, size)).has_value()) << size;
  }
  // A topic id of another size.
  EXPECT_FALSE(
      DecodeOffsetValue(Bytes("0004 0000000000000102 00000005 01 0000000000001000 01 00 01 07"))
          .has_value());
}

}  // namespace
}  // namespace weir::wire
