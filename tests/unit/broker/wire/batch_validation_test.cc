// What a broker accepts from producers, and the code it answers otherwise.
#include "broker/wire/batch_validation.h"

#include <gtest/gtest.h>

#include "broker/wire/compression.h"
#include "broker/wire/record_batch_builder.h"
#include "common/base/crc32c.h"

namespace weir::wire {
namespace {

constexpr int64_t kNow = 1'700'000'000'000;

std::string TwoRecords(RecordBatchOptions options = {}) {
  RecordBatchBuilder builder(options);
  builder.Add(kNow, "k0", "v0");
  builder.Add(kNow + 1, "k1", "v1");
  return std::string(builder.Build().view());
}

// Changes one header field and makes the checksum right again.
template <class Integer>
std::string WithField(std::string batch, size_t at, Integer value) {
  StoreBigEndian(batch.data() + at, value);
  StoreBigEndian(batch.data() + 17, Crc32c(std::string_view(batch).substr(21)));
  return batch;
}

ProduceRules Rules() { return {.produce_version = 9, .now_ms = kNow}; }

ErrorCode CodeOf(const std::string& records, const ProduceRules& rules = Rules()) {
  Result<RecordBatchView> batch = ValidateProduced(records, rules);
  return batch ? ErrorCode::kNone : batch.error().code;
}

ErrorCode WalkCode(const std::string& records, const ProduceRules& rules = Rules()) {
  Result<RecordBatchView> batch = ValidateProduced(records, rules);
  EXPECT_TRUE(batch) << batch.error().message;
  const Status walked = ValidateRecords(*batch, rules);
  return walked ? ErrorCode::kNone : walked.error().code;
}

TEST(BatchValidation, GoodBatchesOfEveryCodecPass) {
  for (int codec = 0; codec <= 4; ++codec) {
    const std::string batch = TwoRecords({.compression = static_cast<CompressionType>(codec)});
    EXPECT_EQ(CodeOf(batch), ErrorCode::kNone);
    EXPECT_EQ(WalkCode(batch), ErrorCode::kNone);
  }
}

TEST(BatchValidation, ExactlyOneBatch) {
  EXPECT_EQ(CodeOf(""), ErrorCode::kInvalidRecord);
  EXPECT_EQ(CodeOf(TwoRecords() + TwoRecords()), ErrorCode::kInvalidRecord);
  EXPECT_EQ(CodeOf(TwoRecords() + "x"), ErrorCode::kInvalidRecord);
}

TEST(BatchValidation, X09_ChecksumMismatchIsCorrupt) {
  std::string batch = TwoRecords();
  batch.back() = static_cast<char>(batch.back() ^ 1);
  EXPECT_EQ(CodeOf(batch), ErrorCode::kCorruptMessage);
}

TEST(BatchValidation, SizeLimitIsMaxMessageBytes) {
  const std::string batch = TwoRecords();
  ProduceRules rules = Rules();
  rules.batch_bytes_max = static_cast<int32_t>(batch.size());
  EXPECT_EQ(CodeOf(batch, rules), ErrorCode::kNone);
  --rules.batch_bytes_max;
  EXPECT_EQ(CodeOf(batch, rules), ErrorCode::kMessageTooLarge);
}

TEST(BatchValidation, CodecsByVersion) {
  ProduceRules old = Rules();
  old.produce_version = 6;
  EXPECT_EQ(CodeOf(TwoRecords({.compression = CompressionType::kZstd}), old),
            ErrorCode::kUnsupportedCompressionType);
  EXPECT_EQ(CodeOf(TwoRecords({.compression = CompressionType::kLz4}), old), ErrorCode::kNone);
  EXPECT_EQ(CodeOf(WithField<int16_t>(TwoRecords(), 21, 5)),
            ErrorCode::kUnsupportedCompressionType);
}

TEST(BatchValidation, X09_HeaderFieldsMustAgree) {
  const std::string good = TwoRecords({.producer_id = 4, .producer_epoch = 0, .base_sequence = 0});
  EXPECT_EQ(CodeOf(good), ErrorCode::kNone);
  EXPECT_EQ(CodeOf(WithField<int32_t>(good, 23, 5)), ErrorCode::kInvalidRecord);
  EXPECT_EQ(CodeOf(WithField<int32_t>(good, 23, -1)), ErrorCode::kInvalidRecord);
  EXPECT_EQ(CodeOf(WithField<int32_t>(good, 57, 0)), ErrorCode::kInvalidRecord);
  EXPECT_EQ(CodeOf(WithField<int32_t>(good, 57, -2)), ErrorCode::kInvalidRecord);
  const std::string many = WithField<int32_t>(WithField<int32_t>(good, 57, 1'000'000), 23, 999'999);
  EXPECT_EQ(CodeOf(many), ErrorCode::kInvalidRecord);
  EXPECT_EQ(CodeOf(WithField<int64_t>(good, 43, -7)), ErrorCode::kInvalidRecord);
  EXPECT_EQ(CodeOf(WithField<int16_t>(good, 51, -1)), ErrorCode::kInvalidRecord);
  EXPECT_EQ(CodeOf(WithField<int32_t>(good, 53, -1)), ErrorCode::kInvalidRecord);
  EXPECT_EQ(CodeOf(TwoRecords({.control = true})), ErrorCode::kInvalidRecord);
  EXPECT_EQ(CodeOf(TwoRecords({.transactional = true})), ErrorCode::kInvalidRecord);
}

TEST(BatchValidation, TimestampsWithinBounds) {
  ProduceRules rules = Rules();
  rules.timestamp_after_ms_max = 1'000;
  rules.timestamp_before_ms_max = 1'000;
  EXPECT_EQ(CodeOf(TwoRecords(), rules), ErrorCode::kNone);
  rules.now_ms = kNow - 1'001;
  EXPECT_EQ(CodeOf(TwoRecords(), rules), ErrorCode::kInvalidTimestamp);
  rules.now_ms = kNow + 1'001;
  EXPECT_EQ(CodeOf(TwoRecords(), rules), ErrorCode::kInvalidTimestamp);
  rules.timestamp_type = TimestampType::kLogAppendTime;
  EXPECT_EQ(CodeOf(TwoRecords(), rules), ErrorCode::kNone);
  EXPECT_EQ(CodeOf(TwoRecords({.timestamp_type = TimestampType::kLogAppendTime})),
            ErrorCode::kInvalidTimestamp);
}

TEST(BatchValidation, X09_NegativeTimestampsAreRefusedButAbsentOnesAreNot) {
  RecordBatchBuilder absent;
  absent.Add(kNoTimestamp, "k", "v");
  EXPECT_EQ(CodeOf(std::string(absent.Build().view())), ErrorCode::kNone);
  RecordBatchBuilder negative;
  negative.Add(-5, "k", "v");
  EXPECT_EQ(CodeOf(std::string(negative.Build().view())), ErrorCode::kInvalidTimestamp);
}

TEST(BatchValidation, CompactedTopicsNeedKeys) {
  RecordBatchBuilder builder;
  builder.Add(kNow, "k", "v");
  builder.Add(kNow, std::nullopt, "v");
  const std::string batch(builder.Build().view());
  EXPECT_EQ(WalkCode(batch), ErrorCode::kNone);
  ProduceRules rules = Rules();
  rules.keys_required = true;
  EXPECT_EQ(WalkCode(batch, rules), ErrorCode::kInvalidRecord);
}

TEST(BatchValidation, X09_OffsetDeltasMustCount) {
  std::string batch = TwoRecords();
  const size_t second = batch.size() - 11;  // length, attributes, timestamp delta, offset delta, …
  ASSERT_EQ(batch[second + 3], 2);          // zigzag 1
  for (const int8_t delta : {0, 1, 3, 4}) {
    EXPECT_EQ(WalkCode(WithField<int8_t>(batch, second + 3, delta)), ErrorCode::kInvalidRecord);
  }
}

TEST(BatchValidation, RecordsMustMatchTheCount) {
  // The header says one record, the body holds two.
  EXPECT_EQ(WalkCode(WithField<int32_t>(WithField<int32_t>(TwoRecords(), 57, 1), 23, 0)),
            ErrorCode::kInvalidRecord);
}

TEST(BatchValidation, UndecodableRecordsAreCorrupt) {
  const std::string batch = WithField<int16_t>(TwoRecords(), 21, 2);
  EXPECT_EQ(WalkCode(batch), ErrorCode::kCorruptMessage);
}

TEST(BatchValidation, X07_BombsAreTooLarge) {
  RecordBatchBuilder builder({.compression = CompressionType::kZstd});
  builder.Add(kNow, "k", std::string(30'000'000, 'x'));
  ProduceRules rules = Rules();
  rules.decompressed_bytes_max = 1'000'000;
  const std::string batch(builder.Build().view());
  EXPECT_LT(batch.size(), 10'000u);
  EXPECT_EQ(WalkCode(batch, rules), ErrorCode::kMessageTooLarge);
}

}  // namespace
}  // namespace weir::wire
