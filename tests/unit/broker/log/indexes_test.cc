// The small tables of a partition's log: leader epochs, segments, the tail cache, and what may be
// reclaimed.
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "broker/log/key_format.h"
#include "broker/log/leader_epoch_cache.h"
#include "broker/log/log_start_map.h"
#include "broker/log/segment_index.h"
#include "broker/log/tail_cache.h"
#include "common/base/prng.h"
#include "tests/support/batches.h"

namespace weir::log {
namespace {

// ---- LeaderEpochCache -----------------------------------------------------------------

TEST(LeaderEpochCache, AnswersWhereEpochsEnd) {
  LeaderEpochCache cache;
  EXPECT_EQ(cache.EndOf(LeaderEpoch(0), Offset(0)), EpochEnd{});
  EXPECT_TRUE(cache.Assign(LeaderEpoch(1), Offset(0)));
  EXPECT_TRUE(cache.Assign(LeaderEpoch(4), Offset(10)));
  EXPECT_FALSE(cache.Assign(LeaderEpoch(4), Offset(12)));
  EXPECT_FALSE(cache.Assign(LeaderEpoch(3), Offset(12)));
  EXPECT_EQ(cache.EndOf(LeaderEpoch(1), Offset(15)), (EpochEnd{LeaderEpoch(1), Offset(10)}));
  EXPECT_EQ(cache.EndOf(LeaderEpoch(3), Offset(15)), (EpochEnd{LeaderEpoch(1), Offset(10)}));
  EXPECT_EQ(cache.EndOf(LeaderEpoch(4), Offset(15)), (EpochEnd{LeaderEpoch(4), Offset(15)}));
  EXPECT_EQ(cache.EndOf(LeaderEpoch(5), Offset(15)), EpochEnd{});
  EXPECT_EQ(cache.EpochAt(Offset(9)), LeaderEpoch(1));
  EXPECT_EQ(cache.EpochAt(Offset(10)), LeaderEpoch(4));
}

TEST(LeaderEpochCache, AnEpochThatEndedEmptyIsForgotten) {
  LeaderEpochCache cache;
  cache.Assign(LeaderEpoch(1), Offset(0));
  cache.Assign(LeaderEpoch(2), Offset(10));
  cache.Assign(LeaderEpoch(3), Offset(10));
  ASSERT_EQ(cache.starts().size(), 2u);
  EXPECT_EQ(cache.EndOf(LeaderEpoch(2), Offset(15)), (EpochEnd{LeaderEpoch(1), Offset(10)}));
}

TEST(LeaderEpochCache, TrimKeepsTheEpochOfTheLogStart) {
  LeaderEpochCache cache(
      {{LeaderEpoch(1), Offset(0)}, {LeaderEpoch(2), Offset(10)}, {LeaderEpoch(3), Offset(20)}});
  cache.TrimBefore(Offset(15));
  EXPECT_EQ(cache.starts(),
            (std::vector<EpochStart>{{LeaderEpoch(2), Offset(15)}, {LeaderEpoch(3), Offset(20)}}));
  cache.TrimBefore(Offset(20));
  EXPECT_EQ(cache.EpochAt(Offset(20)), LeaderEpoch(3));
  EXPECT_EQ(cache.EndOf(LeaderEpoch(1), Offset(30)), (EpochEnd{LeaderEpoch(1), Offset(20)}));
}

// ---- SegmentIndex ---------------------------------------------------------------------

// Appends a batch of one record to an index.
void AppendAt(SegmentIndex& index, int64_t offset, int64_t time, int64_t segment_bytes) {
  wire::RecordBatchOptions options;
  options.base_offset = offset;
  const SharedBytes bytes = test::MakeBatch("v", 1, time, options);
  index.Append(wire::RecordBatchView::Parse(bytes.view()).value(), segment_bytes);
}

TEST(SegmentIndex, CutsBySizeAndFindsTimes) {
  SegmentIndex index;
  const auto size = static_cast<int64_t>(test::MakeBatch("v").size());
  const int64_t times[] = {100, 300, 200, 250, 500, 400};
  for (int i = 0; i < 6; ++i) AppendAt(index, i, times[i], 2 * size);
  ASSERT_EQ(index.segments().size(), 3u);
  EXPECT_EQ(index.bytes(), 6 * size);
  EXPECT_EQ(index.segments()[1].first_offset, Offset(2));
  EXPECT_EQ(index.segments()[1].end_offset, Offset(4));
  EXPECT_EQ(index.FindTime(100)->first_offset, Offset(0));
  EXPECT_EQ(index.FindTime(301)->first_offset, Offset(4));
  EXPECT_EQ(index.FindTime(501), nullptr);
  EXPECT_EQ(index.Youngest()->timestamp_max_offset, Offset(4));
}

TEST(SegmentIndex, ChangesAreTakenOnce) {
  SegmentIndex index;
  const auto size = static_cast<int64_t>(test::MakeBatch("v").size());
  for (int i = 0; i < 4; ++i) AppendAt(index, i, i, 2 * size);
  EXPECT_EQ(index.TakeChanges().rows.size(), 2u);
  EXPECT_TRUE(index.TakeChanges().rows.empty());
  AppendAt(index, 4, 4, 2 * size);
  EXPECT_EQ(index.TakeChanges().rows.size(), 1u);
  AppendAt(index, 5, 5, 2 * size);
  SegmentIndex::Changes changes = index.TakeChanges();
  ASSERT_EQ(changes.rows.size(), 1u);
  EXPECT_EQ(changes.rows[0].end_offset, Offset(6));

  index.TrimBefore(Offset(3));
  EXPECT_EQ(index.segments().front().first_offset, Offset(2));
  EXPECT_EQ(index.bytes(), 4 * size);
  changes = index.TakeChanges();
  EXPECT_EQ(changes.dropped, std::vector<Offset>{Offset(0)});
  EXPECT_TRUE(changes.rows.empty());
  EXPECT_EQ(SegmentIndex(index.segments()).bytes(), index.bytes());
}

// ---- TailCache ------------------------------------------------------------------------

constexpr PartitionHandle kOne{1};
constexpr PartitionHandle kTwo{2};

void Insert(TailCache& cache, PartitionHandle partition, int64_t base, int64_t count, size_t size) {
  cache.Insert(partition,
               {Offset(base), Offset(base + count - 1), SharedBytes::Copy(std::string(size, 'x'))},
               size);
}

TEST(TailCache, FindsTheRunThatHoldsAnOffset) {
  TailCache cache(1'000'000);
  for (int i = 0; i < 10; ++i) Insert(cache, kOne, 100 + 10 * i, 10, 50);
  EXPECT_TRUE(cache.Find(kOne, Offset(99), 1000).empty());
  EXPECT_TRUE(cache.Find(kOne, Offset(200), 1000).empty());
  EXPECT_TRUE(cache.Find(kTwo, Offset(100), 1000).empty());
  const auto runs = cache.Find(kOne, Offset(119), 100);
  ASSERT_EQ(runs.size(), 2u);
  EXPECT_EQ(runs[0]->base_offset, Offset(110));
  EXPECT_EQ(cache.Find(kOne, Offset(100), 1).size(), 1u);
}

TEST(TailCache, StaysBelowItsBudgetOldestFirst) {
  TailCache cache(100'000);
  Prng prng(3);
  std::map<PartitionHandle, int64_t> ends;
  std::set<PartitionHandle> dropped;
  for (int i = 0; i < 5'000; ++i) {
    // Partitions go in the course of time, and others come.
    const PartitionHandle partition(static_cast<uint64_t>(i / 500 * 10 + prng.Below(20)));
    if (dropped.contains(partition)) continue;
    Insert(cache, partition, ends[partition]++, 1, 1'000);
    ASSERT_LE(cache.bytes(), 100'000u);
    ASSERT_EQ(cache.Find(partition, Offset(ends[partition] - 1), 1).size(), 1u);
    if (prng.Chance(1, 200)) {
      cache.Drop(partition);
      dropped.insert(partition);
      ASSERT_TRUE(cache.Find(partition, Offset(ends[partition] - 1), 1).empty());
    }
  }
  EXPECT_GT(cache.bytes(), 80'000u);
  for (const auto& [partition, end] : ends) cache.Drop(partition);
  EXPECT_EQ(cache.bytes(), 0u);
}

TEST(TailCache, ASmallSliceDoesNotKeepALargeBuffer) {
  TailCache cache(1'000'000);
  const auto large = Buffer::Allocate(500'000);
  const std::weak_ptr<Buffer> watched = large;
  cache.Insert(kOne, {Offset(0), Offset(0), SharedBytes(large, 0, 100)}, 500'000);
  EXPECT_EQ(large.use_count(), 1);
  EXPECT_LT(cache.bytes(), 1'000u);
  cache.Insert(kTwo, {Offset(0), Offset(0), SharedBytes(large, 0, 400'000)}, 500'000);
  EXPECT_EQ(large.use_count(), 2);
  EXPECT_GE(cache.bytes(), 500'000u);
}

// ---- LogStartMap ----------------------------------------------------------------------

constexpr PartitionLocalId kFirst{1};
constexpr PartitionLocalId kSecond{2};

TEST(LogStartMap, RulesAreSnapshotsAndStartsOnlyRise) {
  auto map = std::make_shared<LogStartMap>();
  const auto key = [](PartitionLocalId id, int64_t offset) {
    return std::string(View(MakeLogKey(id, Offset(offset))));
  };
  const KvDropRuleFactory factory = LogStartMap::DropRules(map);
  const KvDropRule before = factory();
  map->Publish({{kFirst, Offset(10)}});
  map->Publish({{kFirst, Offset(5)}});
  map->PublishDead({kSecond});
  const KvDropRule after = factory();
  EXPECT_FALSE(before(key(kFirst, 9)));
  EXPECT_TRUE(after(key(kFirst, 9)));
  EXPECT_FALSE(after(key(kFirst, 10)));
  EXPECT_TRUE(after(key(kSecond, 1'000'000)));
  EXPECT_FALSE(after(key(PartitionLocalId(3), 0)));
  EXPECT_FALSE(after("not a key"));
}

}  // namespace
}  // namespace weir::log
