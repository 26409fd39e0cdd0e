// The log store against torn tails, flipped bits, failing syncs and power cuts (R-46..R-50,
// D-04..D-06).
#include "controller/quorum/raft_log_store.h"

#include <gtest/gtest.h>

#include "controller/quorum/log_format.h"
#include "tests/unit/controller/quorum/mem_disk.h"

namespace weir::quorum {
namespace {

using raft::Entry;

Entry MakeEntry(uint64_t term, uint64_t index, std::string payload = "payload") {
  return {Term(term), LogIndex(index), raft::EntryType::kNormal,
          std::make_shared<const std::string>(std::move(payload) + std::to_string(index))};
}

std::vector<Entry> Range(uint64_t term, uint64_t first, uint64_t last) {
  std::vector<Entry> entries;
  for (uint64_t index = first; index <= last; ++index) entries.push_back(MakeEntry(term, index));
  return entries;
}

Result<RecoveredLog> Recover(MemDisk& disk, LogStoreOptions options = {}) {
  RecoveredLog log;
  auto store = RaftLogStore::Open(disk, options, &log);
  if (!store) return tl::unexpected<Error>(store.error());
  return log;
}

std::unique_ptr<RaftLogStore> OpenStore(MemDisk& disk, LogStoreOptions options = {}) {
  RecoveredLog log;
  auto store = RaftLogStore::Open(disk, options, &log);
  EXPECT_TRUE(store.has_value()) << ToString(store.error());
  return *std::move(store);
}

TEST(RaftLogStore, ReturnsWhatWasAppended) {
  MemDisk disk;
  auto store = OpenStore(disk);
  ASSERT_TRUE(store->Append(Range(1, 1, 3)));
  ASSERT_TRUE(store->Append(Range(2, 4, 4)));
  const auto log = Recover(disk);
  ASSERT_TRUE(log);
  std::vector<Entry> wanted = Range(1, 1, 3);
  wanted.push_back(MakeEntry(2, 4));
  EXPECT_EQ(log->entries, wanted);
  EXPECT_EQ(log->cut_bytes, 0u);
}

TEST(RaftLogStore, AnEntryAtOrBelowTheLastReplacesFromThereOn) {
  MemDisk disk;
  auto store = OpenStore(disk);
  ASSERT_TRUE(store->Append(Range(1, 1, 5)));
  ASSERT_TRUE(store->Append(Range(2, 3, 4)));
  const auto log = Recover(disk);
  ASSERT_TRUE(log);
  ASSERT_EQ(log->entries.size(), 4u);
  EXPECT_EQ(log->entries[1].term, Term(1));
  EXPECT_EQ(log->entries[2].term, Term(2));
}

TEST(RaftLogStore, ResetVoidsEverythingBefore) {
  MemDisk disk;
  auto store = OpenStore(disk);
  ASSERT_TRUE(store->Append(Range(1, 1, 5)));
  ASSERT_TRUE(store->ResetTo(Term(3), LogIndex(100)));
  EXPECT_EQ(Recover(disk)->entries.size(), 0u);
  ASSERT_TRUE(store->Append(Range(3, 101, 102)));
  EXPECT_EQ(Recover(disk)->entries, Range(3, 101, 102));
  EXPECT_EQ(store->segment_count(), 1u);
}

TEST(RaftLogStore, DeletesWholeSegmentsOldestFirst) {
  MemDisk disk;
  const LogStoreOptions small{.segment_bytes = 200};
  auto store = OpenStore(disk, small);
  for (uint64_t i = 1; i <= 50; ++i) ASSERT_TRUE(store->Append(Range(1, i, i)));
  ASSERT_GT(store->segment_count(), 3u);
  ASSERT_TRUE(store->DeleteBefore(LogIndex(30)));
  const auto log = Recover(disk, small);
  ASSERT_TRUE(log);
  EXPECT_LE(log->entries.front().index, LogIndex(30));
  EXPECT_GT(log->entries.front().index, LogIndex(1));
  EXPECT_EQ(log->entries.back().index, LogIndex(50));
  // Replacing from before the oldest segment that is left on.
  const uint64_t first = log->entries.front().index.value();
  ASSERT_TRUE(store->Append(Range(2, first - 1, first)));
  EXPECT_EQ(Recover(disk, small)->entries, Range(2, first - 1, first));
}

TEST(RaftLogStore, R50_TornTailIsCutAtEveryByte) {
  MemDisk disk;
  auto store = OpenStore(disk);
  ASSERT_TRUE(store->Append(Range(1, 1, 2)));
  const size_t whole = disk.Bytes(SegmentName(1)).size();
  ASSERT_TRUE(store->Append(Range(1, 3, 4)));
  const size_t end = disk.Bytes(SegmentName(1)).size();
  for (size_t size = whole; size < end; ++size) {
    auto torn = disk.Clone();
    torn->Bytes(SegmentName(1)).resize(size);
    const auto log = Recover(*torn);
    ASSERT_TRUE(log) << size;
    EXPECT_EQ(log->entries, Range(1, 1, 2)) << size;
    EXPECT_EQ(log->cut_bytes, size - whole);
    // What was cut is gone: the next entry takes its place.
    auto reopened = OpenStore(*torn);
    ASSERT_TRUE(reopened->Append(Range(2, 3, 3)));
    EXPECT_EQ(Recover(*torn)->entries.size(), 3u);
  }
}

TEST(RaftLogStore, R50_D17_AFlippedBitBeforeReadableEntriesStopsTheNode) {
  MemDisk disk;
  auto store = OpenStore(disk);
  ASSERT_TRUE(store->Append(Range(1, 1, 2)));
  const size_t first_batch_end = disk.Bytes(SegmentName(1)).size();
  ASSERT_TRUE(store->Append(Range(1, 3, 4)));
  for (size_t at = 0; at < first_batch_end; ++at) {
    auto damaged = disk.Clone();
    damaged->Bytes(SegmentName(1))[at] ^= static_cast<char>(1 << (at % 8));
    const auto log = Recover(*damaged);
    ASSERT_FALSE(log) << "byte " << at;
    EXPECT_EQ(log.error().code, ErrorCode::kCorruptMessage);
    EXPECT_NE(log.error().message.find(SegmentName(1)), std::string::npos);
  }
}

TEST(RaftLogStore, R50_DamageInAnEarlierSegmentOrAMissingOneStopsTheNode) {
  MemDisk disk;
  const LogStoreOptions small{.segment_bytes = 200};
  auto store = OpenStore(disk, small);
  for (uint64_t i = 1; i <= 20; ++i) ASSERT_TRUE(store->Append(Range(1, i, i)));
  auto damaged = disk.Clone();
  damaged->Bytes(SegmentName(2)).back() ^= 1;
  EXPECT_FALSE(Recover(*damaged, small));
  auto shortened = disk.Clone();
  shortened->Bytes(SegmentName(2)).pop_back();
  EXPECT_FALSE(Recover(*shortened, small));
  auto missing = disk.Clone();
  ASSERT_TRUE(missing->Remove(SegmentName(2)));
  EXPECT_FALSE(Recover(*missing, small));
}

TEST(RaftLogStore, D20_AnOlderCopyOfABatchIsFound) {
  MemDisk disk;
  auto store = OpenStore(disk);
  ASSERT_TRUE(store->Append(Range(1, 1, 1)));
  const size_t begin = disk.Bytes(SegmentName(1)).size();
  ASSERT_TRUE(store->Append(Range(1, 2, 2)));
  const size_t middle = disk.Bytes(SegmentName(1)).size();
  ASSERT_TRUE(store->Append(Range(2, 2, 2)));
  std::string& bytes = disk.Bytes(SegmentName(1));
  ASSERT_EQ(bytes.size() - middle, middle - begin);
  bytes.replace(middle, middle - begin, bytes.substr(begin, middle - begin));
  const auto log = Recover(disk);
  ASSERT_FALSE(log);
  EXPECT_EQ(log.error().code, ErrorCode::kCorruptMessage);
}

TEST(RaftLogStore, R49_AFailedSyncIsFinal) {
  MemDisk disk;
  auto store = OpenStore(disk);
  ASSERT_TRUE(store->Append(Range(1, 1, 1)));
  disk.FailSyncs();
  EXPECT_FALSE(store->Append(Range(1, 2, 2)));
  EXPECT_FALSE(store->Append(Range(1, 3, 3)));
  EXPECT_FALSE(store->ResetTo(Term(1), LogIndex(9)));
  EXPECT_FALSE(store->DeleteBefore(LogIndex(2)));
}

// What the store was told, beside what it acknowledged.
struct Model {
  std::vector<Entry> acknowledged;
  std::vector<Entry> attempted;  // the state if the operation under way took effect
  uint64_t base = 0;
};

std::vector<Entry> WithAppended(std::vector<Entry> entries, const std::vector<Entry>& more) {
  while (!entries.empty() && entries.back().index >= more.front().index) entries.pop_back();
  entries.insert(entries.end(), more.begin(), more.end());
  return entries;
}

// One random step; false when the power went.
bool Step(RaftLogStore& store, Model& model, Prng& prng, uint64_t term) {
  const uint64_t last = model.base + model.acknowledged.size();
  if (prng.Chance(1, 25)) {
    model.attempted.clear();
    const uint64_t base = last + prng.Below(20) + 1;
    if (!store.ResetTo(Term(term), LogIndex(base))) return false;
    model.base = base;
    model.acknowledged.clear();
    return true;
  }
  uint64_t first = last + 1;
  if (prng.Chance(1, 6) && !model.acknowledged.empty()) {
    first -= prng.Below(std::min<uint64_t>(4, model.acknowledged.size()) + 1);
  }
  const auto more = Range(term, first, first + prng.Below(4));
  model.attempted = WithAppended(model.acknowledged, more);
  if (!store.Append(more)) return false;
  model.acknowledged = model.attempted;
  return true;
}

TEST(RaftLogStore, D04_D05_PowerCutsLoseNothingAcknowledged) {
  const LogStoreOptions small{.segment_bytes = 300};
  int cuts = 0;
  for (uint64_t seed = 1; seed <= 400; ++seed) {
    Prng prng(seed);
    auto disk = std::make_unique<MemDisk>();
    Model model;
    uint64_t term = 1;
    for (int life = 0; life < 3; ++life) {
      auto store = OpenStore(*disk, small);
      disk->CutPowerAfter(static_cast<int>(prng.Below(120)));
      bool resetting = false;
      while (true) {
        const uint64_t base_before = model.base;
        const bool ok = Step(*store, model, prng, term);
        if (!ok) {
          resetting = model.attempted.empty() && model.base == base_before;
          break;
        }
      }
      ++cuts;
      store.reset();
      disk = disk->AfterPowerCut(prng);
      const auto log = Recover(*disk, small);
      ASSERT_TRUE(log) << "seed " << seed << ": " << ToString(log.error());
      const bool as_before = log->entries == model.acknowledged;
      const bool as_after = log->entries == model.attempted;
      ASSERT_TRUE(as_before || as_after || (resetting && log->entries.empty()))
          << "seed " << seed << " life " << life;
      model.acknowledged = model.attempted = log->entries;
      // An empty log does not tell where it begins (the snapshot does): begin anew.
      if (log->entries.empty()) {
        disk = std::make_unique<MemDisk>();
        model = Model{};
      }
      ++term;
    }
  }
  EXPECT_GE(cuts, 1000);
}

}  // namespace
}  // namespace weir::quorum
