// Lag from positions, and its lines on /metrics.
#include "broker/coordinator/lag.h"

#include <gtest/gtest.h>

#include <limits>
#include <optional>

namespace weir::coordinator {
namespace {

using Time = replica::PositionsOutcome::Time;

constexpr WallTime kNow{1'000'000};

Lag Of(int64_t committed, int64_t end, const std::optional<Time>& first) {
  return LagOf(Offset(committed), Offset(end), first, kNow);
}

TEST(GroupLag, IsWhatIsNotCommittedYet) {
  EXPECT_EQ(Of(4, 10, Time{Offset(4), WallTime(998'500)}), (Lag{.records = 6, .ms = 1'500}));
  // The records at the committed offset are gone: the first that exists counts.
  EXPECT_EQ(Of(0, 10, Time{Offset(8), WallTime(999'000)}), (Lag{.records = 10, .ms = 1'000}));
}

TEST(GroupLag, IsNothingAtTheEnd) {
  EXPECT_EQ(Of(10, 10, std::nullopt), (Lag{.records = 0, .ms = 0}));
  EXPECT_EQ(Of(12, 10, Time{}), (Lag{.records = 0, .ms = 0})) << "the log was cut";
  EXPECT_EQ(Of(3, 5, Time{}), (Lag{.records = 2, .ms = 0})) << "all records are gone";
}

TEST(GroupLag, TimeIsUnknownUntilTheRecordWasLookedUp) {
  EXPECT_EQ(Of(4, 10, std::nullopt), (Lag{.records = 6, .ms = std::nullopt}));
}

TEST(GroupLag, IsNeverNegative) {
  EXPECT_EQ(Of(4, 10, Time{Offset(4), WallTime(1'000'001)}), (Lag{.records = 6, .ms = 0}));
  EXPECT_EQ(Of(4, 10, Time{Offset(4), replica::kNoTimestamp}), (Lag{.records = 6, .ms = 0}));
}

TEST(GroupLag, AnOffsetBelowAllCountsAsTheFirst) {
  constexpr int64_t kLeast = std::numeric_limits<int64_t>::min();
  for (const int64_t committed : {int64_t{-1}, kLeast}) {
    EXPECT_EQ(Of(committed, 10, Time{}), (Lag{.records = 10, .ms = 0})) << committed;
  }
}

PartitionLag Partition(const std::string& topic, int32_t index, Lag lag) {
  PartitionLag partition;
  partition.committed.topic = topic;
  partition.committed.partition = index;
  partition.lag = lag;
  return partition;
}

TEST(GroupLag, MetricsHaveALinePerPartition) {
  PartitionLag failed = Partition("t", 2, {});
  failed.error = ErrorCode::kLeaderNotAvailable;
  const std::vector<GroupLag> groups = {
      {.group = "g",
       .partitions = {Partition("t", 0, {.records = 5, .ms = 1'250}),
                      Partition("t", 1, {.records = 7, .ms = std::nullopt}), failed},
       .last_reset = {}},
      {.group = "a \"b\" \\ \n",
       .partitions = {Partition("u", 3, {.records = 0, .ms = 0})},
       .last_reset = {}}};
  EXPECT_EQ(
      LagMetrics(groups),
      "# HELP weir_group_lag_records Records that a consumer group has not committed yet.\n"
      "# TYPE weir_group_lag_records gauge\n"
      "weir_group_lag_records{group=\"g\",topic=\"t\",partition=\"0\"} 5\n"
      "weir_group_lag_records{group=\"g\",topic=\"t\",partition=\"1\"} 7\n"
      "weir_group_lag_records{group=\"a \\\"b\\\" \\\\ \\n\",topic=\"u\",partition=\"3\"} 0\n"
      "# HELP weir_group_lag_seconds Age of the first record that a consumer group has not "
      "committed yet.\n"
      "# TYPE weir_group_lag_seconds gauge\n"
      "weir_group_lag_seconds{group=\"g\",topic=\"t\",partition=\"0\"} 1.25\n"
      "weir_group_lag_seconds{group=\"a \\\"b\\\" \\\\ \\n\",topic=\"u\",partition=\"3\"} 0\n");
}

}  // namespace
}  // namespace weir::coordinator
