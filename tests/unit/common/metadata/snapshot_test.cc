// Snapshots: chunk sizes, and damage that must be noticed.
#include "common/metadata/snapshot.h"

#include <gtest/gtest.h>

#include "common/metadata/apply.h"
#include "common/metadata/dump.h"
#include "tests/unit/common/metadata/random_history_support.h"

namespace weir::metadata {
namespace {

MetadataImage SomeImage() {
  RandomHistory history(21);
  MetadataImage image;
  for (int step = 0; step < 400; ++step) {
    Apply(image, history.Next(image), image.offset() + 1);
  }
  return image;
}

TEST(Snapshot, AnEmptyImageHasOneChunk) {
  const std::vector<std::string> chunks = WriteSnapshot(MetadataImage());
  EXPECT_EQ(chunks.size(), 1u);
  EXPECT_EQ(*LoadSnapshot(chunks, LogIndex(0)), MetadataImage());
}

TEST(Snapshot, ChunksAreBounded) {
  const MetadataImage image = SomeImage();
  size_t record_bytes_max = 0;
  for (const std::string& chunk : WriteSnapshot(image, 1)) {
    v1::SnapshotChunk parsed;
    ASSERT_TRUE(parsed.ParseFromString(chunk));
    EXPECT_EQ(parsed.records_size(), 1) << "one record per chunk when chunks are tiny";
    record_bytes_max = std::max(record_bytes_max, chunk.size());
  }
  const std::vector<std::string> chunks = WriteSnapshot(image, 500);
  EXPECT_GT(chunks.size(), 2u);
  for (const std::string& chunk : chunks) EXPECT_LE(chunk.size(), 500 + record_bytes_max);
}

TEST(Snapshot, DamageIsNoticedOrHarmless) {
  const MetadataImage image = SomeImage();
  const std::vector<std::string> chunks = WriteSnapshot(image, 400);
  Prng prng(4);
  int refused = 0;
  for (int i = 0; i < 500; ++i) {
    std::vector<std::string> damaged = chunks;
    std::string& chunk = damaged[prng.Below(damaged.size())];
    chunk[prng.Below(chunk.size())] ^= static_cast<char>(1 + prng.Below(255));
    const Result<MetadataImage> loaded = LoadSnapshot(damaged, image.offset());
    if (!loaded) {
      EXPECT_EQ(loaded.error().code, ErrorCode::kCorruptMessage);
      ++refused;
    }
  }
  EXPECT_GT(refused, 50);
}

TEST(Snapshot, MissingAndDoubledChunksAreRefused) {
  const MetadataImage image = SomeImage();
  std::vector<std::string> chunks = WriteSnapshot(image, 1);
  std::vector<std::string> doubled = chunks;
  for (size_t i = 0; i < chunks.size(); ++i) {
    v1::SnapshotChunk parsed;
    ASSERT_TRUE(parsed.ParseFromString(chunks[i]));
    if (!parsed.records(0).has_topic()) continue;
    doubled.insert(doubled.begin() + static_cast<std::ptrdiff_t>(i), chunks[i]);
    EXPECT_FALSE(LoadSnapshot(doubled, image.offset()));
    return;
  }
  FAIL() << "the image has no topic";
}

}  // namespace
}  // namespace weir::metadata
