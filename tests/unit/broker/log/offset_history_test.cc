// What counts as a reset, and what is remembered of it.
#include "broker/log/offset_history.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace weir::log {
namespace {

using wire::OffsetCommitValue;
using wire::OffsetReset;

constexpr WallTime kNow{100'000};

std::optional<OffsetCommitValue> At(int64_t offset, int32_t leader_epoch = -1) {
  if (offset < 0) return std::nullopt;
  return OffsetCommitValue{.offset = offset, .leader_epoch = leader_epoch};
}

// A change of partition `partition`; -1: no offset.
OffsetChange Change(int32_t partition, int64_t before, int64_t after, int32_t leader_epoch = -1) {
  return {
      .topic = "t", .partition = partition, .before = At(before), .after = At(after, leader_epoch)};
}

// "partition:before>after" of each entry.
std::string Text(const std::optional<OffsetReset>& reset) {
  if (!reset) return "none";
  std::string text;
  for (const OffsetReset::Entry& entry : reset->entries) {
    text += (text.empty() ? "" : " ") + std::to_string(entry.partition) + ":" +
            (entry.before ? std::to_string(entry.before->offset) : "-") + ">" +
            std::to_string(entry.after);
  }
  return text;
}

constexpr size_t kRoom = 1'000'000;

std::string ResetText(std::vector<OffsetChange> changes) {
  return Text(ResetOf(std::move(changes), std::nullopt, kNow, kRoom).value());
}

TEST(OffsetHistory, ToolsReset) {
  EXPECT_EQ(ResetText({Change(0, 10, 0)}), "0:10>0");
  EXPECT_EQ(ResetText({Change(0, 10, 20)}), "0:10>20");
  EXPECT_EQ(ResetText({Change(0, -1, 5), Change(1, 5, -1)}), "0:->5 1:5>-1");
}

TEST(OffsetHistory, NothingChangedIsNoReset) {
  EXPECT_EQ(ResetText({}), "none");
  EXPECT_EQ(ResetText({Change(0, 10, 10), Change(1, -1, -1)}), "none");
  EXPECT_EQ(ResetText({Change(0, 10, 10), Change(1, 2, 1)}), "1:2>1");
}

TEST(OffsetHistory, ConsumersThatAssignThemselvesGoOn) {
  EXPECT_EQ(ResetText({Change(0, 10, 20, 3), Change(1, -1, 4, 3)}), "none");
  EXPECT_EQ(ResetText({Change(0, 10, 20, 3), Change(1, 10, 4, 3)}), "0:10>20 1:10>4");
}

TEST(OffsetHistory, RequestsThatFollowEachOtherAreOneReset) {
  const auto first = ResetOf({Change(0, 10, 0)}, std::nullopt, kNow, kRoom).value();
  const WallTime soon(kNow.value() + 10'000);
  const auto second = ResetOf({Change(1, 11, 0)}, first, soon, kRoom).value();
  EXPECT_EQ(Text(second), "0:10>0 1:11>0");
  EXPECT_EQ(second->timestamp_ms, soon.value());
  // The same partition again, a pause, and a clock that went back: another reset.
  EXPECT_EQ(Text(*ResetOf({Change(0, 0, 5)}, second, soon, kRoom)), "0:0>5");
  for (const int64_t apart_ms : {10'001, -1}) {
    const WallTime at(kNow.value() + apart_ms);
    EXPECT_EQ(Text(*ResetOf({Change(2, 1, 0)}, first, at, kRoom)), "2:1>0");
  }
}

TEST(OffsetHistory, ALargeResetIsNotWrittenAgainWithTheNext) {
  std::vector<OffsetChange> changes;
  for (int32_t i = 0; i < 2'000; ++i) changes.push_back(Change(i, 10, 0));
  const auto large = ResetOf(changes, std::nullopt, kNow, kRoom).value();
  ASSERT_EQ(large->entries.size(), 2'000u);
  EXPECT_EQ(Text(*ResetOf({Change(9'999, 1, 0)}, large, kNow, kRoom)), "9999:1>0");
}

TEST(OffsetHistory, TextsAreLeftOutBeforeTheReset) {
  std::vector<OffsetChange> changes;
  for (int32_t i = 0; i < 100; ++i) {
    changes.push_back(Change(i, 10, 0));
    changes.back().before->metadata = std::string(1'000, 'x');
  }
  const auto kept = ResetOf(changes, std::nullopt, kNow, 200'000).value();
  EXPECT_EQ(kept->entries[5].before->metadata.size(), 1'000u);
  const auto cut = ResetOf(changes, std::nullopt, kNow, 20'000).value();
  ASSERT_EQ(cut->entries.size(), 100u);
  EXPECT_EQ(cut->entries[5].before, At(10));
  const auto too_large = ResetOf(changes, std::nullopt, kNow, 1'000);
  ASSERT_FALSE(too_large);
  EXPECT_EQ(too_large.error().code, ErrorCode::kRecordListTooLarge);
}

}  // namespace
}  // namespace weir::log
