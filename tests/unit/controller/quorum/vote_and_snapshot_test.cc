// The vote file and the snapshot files against damage and power cuts (R-14, R-34, D-04..D-06,
//
#include <gtest/gtest.h>

#include "controller/quorum/snapshot_store.h"
#include "controller/quorum/vote_store.h"
#include "tests/unit/controller/quorum/mem_disk.h"

namespace weir::quorum {
namespace {

raft::HardState MakeVote(uint64_t term, int32_t id) {
  raft::VoterKey key{NodeId(id), {}};
  key.directory_id.bytes[3] = static_cast<uint8_t>(id);
  return {Term(term), key};
}

TEST(VoteStore, ReturnsWhatWasSaved) {
  MemDisk disk;
  EXPECT_EQ(*LoadVote(disk), raft::HardState{});
  ASSERT_TRUE(SaveVote(disk, MakeVote(7, 2)));
  EXPECT_EQ(*LoadVote(disk), MakeVote(7, 2));
  ASSERT_TRUE(SaveVote(disk, {Term(8), std::nullopt}));
  EXPECT_EQ(*LoadVote(disk), (raft::HardState{Term(8), std::nullopt}));
}

TEST(VoteStore, R34_AnyFlippedBitAndAnyLostByteIsNoticed) {
  MemDisk disk;
  ASSERT_TRUE(SaveVote(disk, MakeVote(7, 2)));
  const size_t size = disk.Bytes("vote").size();
  for (size_t bit = 0; bit < size * 8; ++bit) {
    auto damaged = disk.Clone();
    damaged->Bytes("vote")[bit / 8] ^= static_cast<char>(1 << (bit % 8));
    EXPECT_FALSE(LoadVote(*damaged)) << bit;
  }
  for (size_t left = 0; left < size; ++left) {
    auto damaged = disk.Clone();
    damaged->Bytes("vote").resize(left);
    EXPECT_FALSE(LoadVote(*damaged)) << left;
  }
}

TEST(VoteStore, R14_D04_PowerCutsNeverTakeBackAnAcknowledgedVote) {
  int cuts = 0;
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    Prng prng(seed);
    auto disk = std::make_unique<MemDisk>();
    uint64_t acknowledged = 0;
    disk->CutPowerAfter(static_cast<int>(prng.Below(40)));
    while (SaveVote(*disk, MakeVote(acknowledged + 1, 1))) ++acknowledged;
    ++cuts;
    disk = disk->AfterPowerCut(prng);
    const auto found = LoadVote(*disk);
    ASSERT_TRUE(found) << "seed " << seed;
    EXPECT_GE(found->term.value(), acknowledged);
    EXPECT_LE(found->term.value(), acknowledged + 1);
  }
  EXPECT_GE(cuts, 100);
}

raft::SnapshotMeta MakeMeta(uint64_t index) {
  raft::SnapshotMeta meta{LogIndex(index), Term(2), {}};
  meta.configuration.members.push_back({NodeId(1), {}, "host:1", true});
  return meta;
}

std::unique_ptr<SnapshotStore> OpenStore(MemDisk& disk) {
  auto store = SnapshotStore::Open(disk);
  EXPECT_TRUE(store);
  return *std::move(store);
}

TEST(SnapshotStore, KeepsTheNewestTwo) {
  MemDisk disk;
  auto store = OpenStore(disk);
  for (uint64_t i = 1; i <= 4; ++i) {
    ASSERT_TRUE(store->Save(MakeMeta(i * 10), "data" + std::to_string(i)));
  }
  EXPECT_EQ((*OpenStore(disk)->LoadNewest())->data, "data4");
  EXPECT_EQ((*OpenStore(disk)->LoadNewest())->meta, MakeMeta(40));
  EXPECT_EQ(disk.List()->size(), 2u);
  EXPECT_EQ(store->ReadPiece(MakeMeta(10), 0, 10).error().code, ErrorCode::kSnapshotNotFound);
  EXPECT_EQ(store->ReadPiece(MakeMeta(30), 0, 10)->data, "data3");
}

TEST(SnapshotStore, PiecesAreStoredAndReadInOrder) {
  MemDisk from_disk;
  auto from = OpenStore(from_disk);
  const std::string data(1000, 'x');
  ASSERT_TRUE(from->Save(MakeMeta(10), data));
  MemDisk to_disk;
  auto to = OpenStore(to_disk);
  uint64_t offset = 0;
  bool done = false;
  while (!done) {
    const auto piece = from->ReadPiece(MakeMeta(10), offset, 300);
    ASSERT_TRUE(piece);
    const auto stored = to->StoreChunk(
        {MakeMeta(10), offset, std::make_shared<const std::string>(piece->data), piece->is_last});
    ASSERT_TRUE(stored);
    EXPECT_EQ(*stored, piece->is_last);
    offset += piece->data.size();
    done = *stored;
  }
  EXPECT_EQ((*to->LoadNewest())->data, data);
}

TEST(SnapshotStore, PiecesThatDoNotFitAreRefused) {
  MemDisk disk;
  auto store = OpenStore(disk);
  const auto piece = std::make_shared<const std::string>("abc");
  EXPECT_FALSE(store->StoreChunk({MakeMeta(10), 3, piece, false}));
  ASSERT_TRUE(store->StoreChunk({MakeMeta(10), 0, piece, false}));
  EXPECT_FALSE(store->StoreChunk({MakeMeta(10), 6, piece, true}));
  EXPECT_FALSE(store->StoreChunk({MakeMeta(11), 3, piece, true}));
  EXPECT_TRUE(store->StoreChunk({MakeMeta(10), 3, piece, true}).value());
}

TEST(SnapshotStore, X20_D17_EveryFlippedBitIsNoticed) {
  MemDisk disk;
  ASSERT_TRUE(OpenStore(disk)->Save(MakeMeta(10), "some data of the image"));
  const std::string name = disk.List()->front();
  const size_t size = disk.Bytes(name).size();
  for (size_t bit = 0; bit < size * 8; ++bit) {
    auto damaged = disk.Clone();
    damaged->Bytes(name)[bit / 8] ^= static_cast<char>(1 << (bit % 8));
    EXPECT_FALSE(OpenStore(*damaged)->LoadNewest()) << bit;
    EXPECT_FALSE(OpenStore(*damaged)->ReadPiece(MakeMeta(10), 0, 10)) << bit;
  }
}

TEST(SnapshotStore, D04_D06_PowerCutsLeaveTheLastAcknowledgedOrTheNext) {
  int cuts = 0;
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    Prng prng(seed);
    auto disk = std::make_unique<MemDisk>();
    auto store = OpenStore(*disk);
    uint64_t acknowledged = 0;
    disk->CutPowerAfter(static_cast<int>(prng.Below(50)));
    while (store->Save(MakeMeta(acknowledged + 1), "data" + std::to_string(acknowledged + 1))) {
      ++acknowledged;
    }
    ++cuts;
    disk = disk->AfterPowerCut(prng);
    const auto found = OpenStore(*disk)->LoadNewest();
    ASSERT_TRUE(found) << "seed " << seed << ": " << ToString(found.error());
    if (acknowledged == 0 && !found->has_value()) continue;
    ASSERT_TRUE(found->has_value()) << "seed " << seed;
    EXPECT_GE((*found)->meta.last_index.value(), acknowledged);
    EXPECT_LE((*found)->meta.last_index.value(), acknowledged + 1);
  }
  EXPECT_GE(cuts, 100);
}

}  // namespace
}  // namespace weir::quorum
