// The grammar of `weir topic consume -o`.
#include "controller/ctl/offset_range.h"

#include <gtest/gtest.h>

namespace weir::ctl {
namespace {

constexpr WallTime kNow{1'000'000'000'000};

OffsetRange Parsed(const std::string& text) {
  const auto range = ParseOffsetRange(text, kNow);
  EXPECT_TRUE(range.has_value()) << text;
  return range.value_or(OffsetRange{});
}

TEST(OffsetRange, StartsAreReadAsWritten) {
  EXPECT_EQ(Parsed("start"), (OffsetRange{{PositionKind::kStart, 0}, std::nullopt}));
  EXPECT_EQ(Parsed("end"), (OffsetRange{{PositionKind::kEnd, 0}, std::nullopt}));
  EXPECT_EQ(Parsed("42"), (OffsetRange{{PositionKind::kOffset, 42}, std::nullopt}));
  EXPECT_EQ(Parsed("+7"), (OffsetRange{{PositionKind::kFromStart, 7}, std::nullopt}));
  EXPECT_EQ(Parsed("-7"), (OffsetRange{{PositionKind::kBeforeEnd, 7}, std::nullopt}));
}

TEST(OffsetRange, EndsFollowAColon) {
  EXPECT_EQ(Parsed(":end"),
            (OffsetRange{{PositionKind::kStart, 0}, Position{PositionKind::kEnd, 0}}));
  EXPECT_EQ(Parsed("3:9"),
            (OffsetRange{{PositionKind::kOffset, 3}, Position{PositionKind::kOffset, 9}}));
  EXPECT_EQ(Parsed("-5:end"),
            (OffsetRange{{PositionKind::kBeforeEnd, 5}, Position{PositionKind::kEnd, 0}}));
}

TEST(OffsetRange, TimesAreMillisecondsDatesOrAgo) {
  EXPECT_EQ(Parsed("@1234").from, (Position{PositionKind::kTime, 1234}));
  EXPECT_EQ(Parsed("@-10m").from, (Position{PositionKind::kTime, kNow.value() - 600'000}));
  EXPECT_EQ(Parsed("@1970-01-02").from, (Position{PositionKind::kTime, 86'400'000}));
  EXPECT_EQ(Parsed("@2001-09-09T01:46:40Z").from, (Position{PositionKind::kTime, kNow.value()}));
}

TEST(OffsetRange, TheColonsOfATimeOfDayAreNotTheSeparator) {
  const OffsetRange range = Parsed("@1970-01-01T00:00:01:@1970-01-01T00:00:02");
  EXPECT_EQ(range.from, (Position{PositionKind::kTime, 1000}));
  EXPECT_EQ(range.to, (Position{PositionKind::kTime, 2000}));
  EXPECT_EQ(Parsed("@1970-01-01T00:00:01:end").to, (Position{PositionKind::kEnd, 0}));
}

TEST(OffsetRange, AnythingElseIsRefused) {
  for (const char* text :
       {"", ":", "middle", "--3", "3:", "3:start", "3:+4", "3:-4", "@", "@yesterday", "@-10",
        "@2024-13-01", "@2024-01-01T25:00:00", "1x", "99999999999999999999", "@2024-01-01Tx"})
    EXPECT_FALSE(ParseOffsetRange(text, kNow).has_value()) << text;
}

TEST(OffsetRange, PositionsResolveWithinTheLog) {
  const LogBounds log{10, 20};
  EXPECT_EQ(ResolvePosition({PositionKind::kStart, 0}, log), 10);
  EXPECT_EQ(ResolvePosition({PositionKind::kEnd, 0}, log), 20);
  EXPECT_EQ(ResolvePosition({PositionKind::kFromStart, 3}, log), 13);
  EXPECT_EQ(ResolvePosition({PositionKind::kFromStart, 30}, log), 20);
  EXPECT_EQ(ResolvePosition({PositionKind::kBeforeEnd, 3}, log), 17);
  EXPECT_EQ(ResolvePosition({PositionKind::kBeforeEnd, 30}, log), 10);
  // An offset outside is the broker's to refuse.
  EXPECT_EQ(ResolvePosition({PositionKind::kOffset, 5}, log), 5);
}

}  // namespace
}  // namespace weir::ctl
