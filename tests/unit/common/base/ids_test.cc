// Ids, uuids, errors and the generator: small values that everything else stands on.
#include "common/base/ids.h"

#include <gtest/gtest.h>

#include <set>

#include "common/base/bytes.h"
#include "common/base/prng.h"
#include "common/base/result.h"
#include "common/base/uuid.h"

namespace weir {
namespace {

static_assert(!std::is_convertible_v<LeaderEpoch, PartitionEpoch>);
static_assert(!std::is_convertible_v<int32_t, NodeId>);

TEST(StrongInt, CountsAndCompares) {
  Offset offset(41);
  EXPECT_EQ((++offset).value(), 42);
  EXPECT_EQ(Offset(50) - offset, 8);
  EXPECT_LT(offset, offset + 1);
  EXPECT_EQ(ToString(kNoNode), "-1");
}

TEST(Uuid, PrintsAsKafkaPrintsAndReadsBack) {
  Prng prng(1);
  std::set<std::string> seen;
  for (int i = 0; i < 1'000; ++i) {
    const Uuid id = Uuid::Random(prng);
    const std::string text = id.ToString();
    ASSERT_EQ(text.size(), 22u);
    ASSERT_NE(text.front(), '-');
    ASSERT_EQ(Uuid::Parse(text).value(), id);
    ASSERT_EQ(Uuid::FromBytes(id.ToBytes()).value(), id);
    ASSERT_EQ(id.bytes[6] >> 4, 4);
    seen.insert(text);
  }
  EXPECT_EQ(seen.size(), 1'000u);
  EXPECT_EQ(Uuid{}.ToString(), "AAAAAAAAAAAAAAAAAAAAAA");
}

TEST(Uuid, MalformedTextIsRefused) {
  EXPECT_FALSE(Uuid::Parse("short"));
  EXPECT_FALSE(Uuid::Parse("AAAAAAAAAAAAAAAAAAAAA+"));
  EXPECT_FALSE(Uuid::FromBytes("fifteen bytes.."));
}

TEST(ErrorCode, NamesAndNumbersAreKafkas) {
  EXPECT_EQ(ErrorName(ErrorCode::kUnknownTopicOrPartition), "UNKNOWN_TOPIC_OR_PARTITION");
  EXPECT_EQ(ErrorCodeFromNumber(36), ErrorCode::kTopicAlreadyExists);
  EXPECT_EQ(ErrorCodeFromNumber(-1), ErrorCode::kUnknownServerError);
  EXPECT_EQ(ErrorCodeFromNumber(65'536), ErrorCode::kUnknownServerError);
  EXPECT_TRUE(IsRetriable(ErrorCode::kNotLeaderOrFollower));
  EXPECT_FALSE(IsRetriable(ErrorCode::kTopicAlreadyExists));
}

Result<int> Half(int value) {
  if (value % 2 != 0) return Fail(ErrorCode::kInvalidRequest, "odd");
  return value / 2;
}

Result<int> Quarter(int value) {
  WEIR_ASSIGN_OR_RETURN(const int half, Half(value));
  return Half(half);
}

TEST(Result, MacrosCarryTheFirstError) {
  EXPECT_EQ(Quarter(8).value(), 2);
  EXPECT_EQ(ToString(Quarter(6).error()), "INVALID_REQUEST: odd");
  EXPECT_EQ(Quarter(7).error().message, "odd");
}

TEST(Prng, SameSeedSameNumbersAndBoundsHold) {
  Prng a(5);
  Prng b(5);
  Prng c(6);
  bool differs = false;
  for (int i = 0; i < 10'000; ++i) {
    const uint64_t word = a.Next();
    ASSERT_EQ(word, b.Next());
    differs |= word != c.Next();
    ASSERT_LT(a.Below(10), 10u);
    b.Below(10);
    const int64_t between = a.Between(-3, 3);
    ASSERT_GE(between, -3);
    ASSERT_LE(between, 3);
    b.Between(-3, 3);
  }
  EXPECT_TRUE(differs);
}

TEST(SharedBytes, SlicesShareTheBuffer) {
  const SharedBytes whole = SharedBytes::Copy("hello weir");
  const SharedBytes part = whole.Slice(6, 4);
  EXPECT_EQ(part.view(), "weir");
  EXPECT_EQ(part.data(), whole.data() + 6);
  EXPECT_EQ(part.retained_bytes(), 10u);
  EXPECT_DEATH(whole.Slice(6, 5), "CHECK failed");
}

}  // namespace
}  // namespace weir
