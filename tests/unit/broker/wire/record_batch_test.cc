// Record batches: header view, patches in place, walks, and the builder.
#include "broker/wire/record_batch.h"

#include <gtest/gtest.h>

#include "broker/wire/compression.h"
#include "broker/wire/record_batch_builder.h"

namespace weir::wire {
namespace {

std::string ThreeRecords(RecordBatchOptions options = {}) {
  RecordBatchBuilder builder(options);
  const RecordHeader headers[] = {{"trace", "1"}, {"empty", std::nullopt}};
  builder.Add(1'000, "k0", "v0", headers);
  builder.Add(1'005, std::nullopt, "v1");
  builder.Add(998, "k2", std::nullopt);
  return std::string(builder.Build().view());
}

RecordBatchView Parsed(std::string_view bytes) {
  Result<RecordBatchView> batch = RecordBatchView::Parse(bytes);
  EXPECT_TRUE(batch) << batch.error().message;
  return *batch;
}

TEST(RecordBatch, AccessorsReadWhatTheBuilderWrote) {
  const std::string bytes = ThreeRecords({.base_offset = 40,
                                          .partition_leader_epoch = 7,
                                          .compression = CompressionType::kLz4,
                                          .producer_id = 9000,
                                          .producer_epoch = 2,
                                          .base_sequence = 11,
                                          .transactional = true});
  const RecordBatchView batch = Parsed(bytes);
  EXPECT_EQ(batch.base_offset(), 40);
  EXPECT_EQ(batch.last_offset(), 42);
  EXPECT_EQ(batch.partition_leader_epoch(), 7);
  EXPECT_EQ(batch.record_count(), 3);
  EXPECT_EQ(batch.base_timestamp_ms(), 1'000);
  EXPECT_EQ(batch.max_timestamp_ms(), 1'005);
  EXPECT_EQ(batch.producer_id(), 9000);
  EXPECT_EQ(batch.producer_epoch(), 2);
  EXPECT_EQ(batch.base_sequence(), 11);
  EXPECT_EQ(batch.last_sequence(), 13);
  EXPECT_EQ(batch.compression(), CompressionType::kLz4);
  EXPECT_EQ(batch.timestamp_type(), TimestampType::kCreateTime);
  EXPECT_TRUE(batch.is_transactional());
  EXPECT_FALSE(batch.is_control());
  EXPECT_TRUE(batch.Verify());
  EXPECT_EQ(batch.size(), bytes.size());
}

TEST(RecordBatch, SequencesWrapAroundTo0) {
  const std::string bytes =
      ThreeRecords({.producer_id = 1, .producer_epoch = 0, .base_sequence = INT32_MAX - 1});
  EXPECT_EQ(Parsed(bytes).last_sequence(), 0);
}

TEST(RecordBatch, OffsetAndEpochArePatchedOutsideTheChecksum) {
  std::string bytes = ThreeRecords();
  const uint32_t crc = Parsed(bytes).crc();
  SetBaseOffset(bytes.data(), 1'000'000'000'000);
  SetPartitionLeaderEpoch(bytes.data(), 12);
  const RecordBatchView batch = Parsed(bytes);
  EXPECT_EQ(batch.base_offset(), 1'000'000'000'000);
  EXPECT_EQ(batch.partition_leader_epoch(), 12);
  EXPECT_EQ(batch.crc(), crc);
  EXPECT_TRUE(batch.Verify());
}

TEST(RecordBatch, LogAppendTimeGetsANewChecksum) {
  std::string bytes = ThreeRecords();
  const uint32_t crc = Parsed(bytes).crc();
  SetLogAppendTime(bytes.data(), 777);
  const RecordBatchView batch = Parsed(bytes);
  EXPECT_EQ(batch.timestamp_type(), TimestampType::kLogAppendTime);
  EXPECT_EQ(batch.max_timestamp_ms(), 777);
  EXPECT_NE(batch.crc(), crc);
  EXPECT_TRUE(batch.Verify());
}

TEST(RecordBatch, X09_EveryFlippedBitIsFound) {
  const std::string bytes = ThreeRecords();
  for (size_t bit = 16 * 8; bit < bytes.size() * 8; ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    Result<RecordBatchView> batch = RecordBatchView::Parse(flipped);
    EXPECT_FALSE(batch && batch->Verify()) << "bit " << bit;
  }
}

TEST(RecordBatch, X09_LengthsThatCannotBeAreRefused) {
  const std::string bytes = ThreeRecords();
  for (size_t size = 0; size < bytes.size(); ++size) {
    Result<RecordBatchView> cut = RecordBatchView::Parse(std::string_view(bytes).substr(0, size));
    ASSERT_FALSE(cut) << size;
    EXPECT_EQ(cut.error().code, ErrorCode::kCorruptMessage);
  }
  for (const int32_t length :
       {INT32_MIN, -1, 0, 48, static_cast<int32_t>(bytes.size()), INT32_MAX}) {
    std::string wrong = bytes;
    StoreBigEndian(wrong.data() + 8, length);
    EXPECT_FALSE(RecordBatchView::Parse(wrong)) << length;
  }
}

TEST(RecordBatch, MagicDecidesTheError) {
  for (const int magic : {-1, 0, 1, 3}) {
    std::string bytes = ThreeRecords();
    bytes[16] = static_cast<char>(magic);
    Result<RecordBatchView> batch = RecordBatchView::Parse(bytes);
    ASSERT_FALSE(batch);
    EXPECT_EQ(batch.error().code,
              magic == 0 || magic == 1 ? ErrorCode::kInvalidRecord : ErrorCode::kCorruptMessage);
  }
}

TEST(RecordBatch, IteratorWalksABlobAndStopsAtATornTail) {
  const std::string blob = ThreeRecords() + ThreeRecords({.base_offset = 3});
  BatchIterator whole(blob);
  EXPECT_EQ((*whole.Next())->base_offset(), 0);
  EXPECT_EQ((*whole.Next())->base_offset(), 3);
  Result<std::optional<RecordBatchView>> end = whole.Next();
  ASSERT_TRUE(end);
  EXPECT_FALSE(end->has_value());

  BatchIterator torn(std::string_view(blob).substr(0, blob.size() - 1));
  EXPECT_TRUE(torn.Next());
  EXPECT_FALSE(torn.Next());
  EXPECT_EQ(torn.remaining(), 0u);
}

TEST(RecordReader, ReadsWhatTheBuilderWrote) {
  const std::string bytes = ThreeRecords();
  RecordReader reader(Parsed(bytes).records_section());
  Record record;
  ASSERT_TRUE(*reader.Next(record));
  EXPECT_EQ(record.key, "k0");
  EXPECT_EQ(record.value, "v0");
  const std::vector<RecordHeader> headers = {{"trace", "1"}, {"empty", std::nullopt}};
  EXPECT_EQ(record.headers, headers);
  ASSERT_TRUE(*reader.Next(record));
  EXPECT_EQ(record.key, std::nullopt);
  EXPECT_EQ(record.timestamp_delta_ms, 5);
  EXPECT_TRUE(record.headers.empty());
  ASSERT_TRUE(*reader.Next(record));
  EXPECT_EQ(record.value, std::nullopt);
  EXPECT_EQ(record.timestamp_delta_ms, -2);
  EXPECT_EQ(record.offset_delta, 2);
  EXPECT_FALSE(*reader.Next(record));
}

TEST(RecordReader, X04_HostileRecordsAreRefused) {
  using namespace std::string_view_literals;
  // attributes, timestamp delta, offset delta, key length, value length, header count
  EXPECT_TRUE(RecordReader("\x0c\x00\x00\x00\x01\x01\x00"sv).Next(*std::make_unique<Record>()));
  for (const std::string_view bytes : {
           "\x0c\x00\x00\x00\x01\x01"sv,                      // cut
           "\x0d\x00\x00\x00\x01\x01\x00"sv,                  // negative length
           "\x0e\x00\x00\x00\x01\x01\x00\x00"sv,              // bytes left over in the record
           "\x0c\x00\x00\x00\x03\x01\x00"sv,                  // key length -2
           "\x0c\x00\x00\x00\x02\x01\x00"sv,                  // value beyond the record
           "\x14\x00\x00\x00\x01\x01\xfe\xff\xff\xff\x0f"sv,  // 2^31 - 1 headers
           "\x0c\x00\x00\x00\x01\x01\x01"sv,                  // -1 headers
           "\x10\x00\x00\x00\x01\x01\x02\x01\x01"sv,          // header without a key
           "\xfe\xff\xff\xff\x0f"sv,                          // length 2^31 - 1
       }) {
    RecordReader reader(bytes);
    Record record;
    Result<bool> next = reader.Next(record);
    ASSERT_FALSE(next);
    EXPECT_EQ(next.error().code, ErrorCode::kInvalidRecord);
    EXPECT_FALSE(reader.Next(record)) << "a failed walk stays failed";
  }
}

}  // namespace
}  // namespace weir::wire
