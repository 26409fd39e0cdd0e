// Laws that hold at every image of random histories: snapshots rebuild it, deltas name what
// changed, copies stay as they were, and the dump tells images apart.
#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "common/metadata/apply.h"
#include "common/metadata/delta.h"
#include "common/metadata/dump.h"
#include "common/metadata/snapshot.h"
#include "tests/unit/common/metadata/random_history_support.h"

namespace weir::metadata {
namespace {

constexpr int kSteps = 300;
constexpr uint64_t kSeeds = 12;

TEST(History, SnapshotRebuildsEveryIntermediateImage) {
  size_t brokers = 0;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    RandomHistory history(seed);
    MetadataImage image;
    for (int step = 0; step < kSteps; ++step) {
      Apply(image, history.Next(image), image.offset() + 1);
      const size_t chunk_bytes_max = 1 + history.prng().Below(2000);
      const std::vector<std::string> chunks = WriteSnapshot(image, chunk_bytes_max);
      const Result<MetadataImage> loaded = LoadSnapshot(chunks, image.offset());
      ASSERT_TRUE(loaded) << ToString(loaded.error());
      ASSERT_EQ(*loaded, image) << "seed " << seed << " step " << step;
      ASSERT_EQ(WriteSnapshot(*loaded, chunk_bytes_max), chunks);
    }
    EXPECT_GT(image.topics().size(), 0u);
    EXPECT_GT(image.completed_requests().size(), 10u);
    EXPECT_GT(image.groups().size(), 0u);
    brokers += image.brokers().size();
  }
  EXPECT_GT(brokers, kSeeds);
}

// What a snapshot does not carry must not matter later: both images go on equally.
TEST(History, ALoadedImageContinuesAsTheOriginal) {
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    RandomHistory history(seed);
    MetadataImage image;
    for (int step = 0; step < kSteps; ++step) {
      Apply(image, history.Next(image), image.offset() + 1);
    }
    MetadataImage loaded = *LoadSnapshot(WriteSnapshot(image), image.offset());
    for (int step = 0; step < kSteps; ++step) {
      const v1::MetadataBatch batch = history.Next(image);
      Apply(image, batch, image.offset() + 1);
      Apply(loaded, batch, loaded.offset() + 1);
      ASSERT_EQ(loaded, image);
    }
    for (const char* name : {"a.b", "a_b", "a.b_c", "a_b.c"}) {
      const std::string* expected = image.FindCollidingTopic(name);
      const std::string* found = loaded.FindCollidingTopic(name);
      ASSERT_EQ(found == nullptr, expected == nullptr) << name;
    }
  }
}

void ExpectCovers(const Delta& delta, const Delta& difference) {
  EXPECT_TRUE(!difference.cluster_changed || delta.cluster_changed);
  for (const NodeId id : difference.changed_brokers) {
    EXPECT_TRUE(delta.changed_brokers.contains(id));
  }
  EXPECT_EQ(delta.removed_topics.size() >= difference.removed_topics.size(), true);
  for (const auto& [id, name] : difference.removed_topics) {
    EXPECT_TRUE(delta.removed_topics.contains(id));
  }
  for (const auto& [id, partitions] : difference.changed_partitions) {
    const auto found = delta.changed_partitions.find(id);
    if (found == delta.changed_partitions.end()) {
      ADD_FAILURE() << "topic " << id << " is not named";
      continue;
    }
    // Removed and created again under one id: its partitions went with the removal.
    if (delta.removed_topics.contains(id)) continue;
    for (const PartitionIndex index : partitions) EXPECT_TRUE(found->second.contains(index));
  }
  for (const ConfigResource& resource : difference.changed_configs) {
    EXPECT_TRUE(delta.changed_configs.contains(resource)) << resource.name;
  }
  for (const std::string& id : difference.changed_groups) {
    EXPECT_TRUE(delta.changed_groups.contains(id)) << id;
  }
}

TEST(History, TrackedDeltasCoverTheDifference) {
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    RandomHistory history(seed);
    MetadataImage image;
    for (int step = 0; step < kSteps; ++step) {
      const MetadataImage before = image;
      Delta delta;
      Delta merged;
      const uint64_t batches = 1 + history.prng().Below(4);
      for (uint64_t i = 0; i < batches; ++i) {
        const v1::MetadataBatch batch = history.Next(image);
        MetadataImage apart = image;
        Delta one;
        ApplyAndTrack(apart, batch, apart.offset() + 1, &one);
        merged.Merge(one);
        ApplyAndTrack(image, batch, image.offset() + 1, &delta);
      }
      ASSERT_EQ(merged, delta) << Dump(merged) << "\nagainst\n" << Dump(delta);
      ExpectCovers(delta, Diff(before, image));
      ASSERT_FALSE(HasFailure()) << "seed " << seed << " step " << step << "\n" << Dump(delta);
    }
  }
}

TEST(History, DiffOfEqualImagesIsEmpty) {
  RandomHistory history(5);
  MetadataImage image;
  for (int step = 0; step < kSteps; ++step) {
    Apply(image, history.Next(image), image.offset() + 1);
  }
  EXPECT_TRUE(Diff(image, image).empty());
  const MetadataImage loaded = *LoadSnapshot(WriteSnapshot(image), image.offset());
  EXPECT_TRUE(Diff(image, loaded).empty());
  const Delta all = Diff(MetadataImage(), image);
  EXPECT_EQ(all.changed_partitions.size(), image.topics().size());
  EXPECT_EQ(all.changed_brokers.size(), image.brokers().size());
  EXPECT_TRUE(all.removed_topics.empty());
}

TEST(History, CopiesStayAsTheyWere) {
  RandomHistory history(8);
  MetadataImage image;
  std::vector<std::pair<MetadataImage, std::string>> copies;
  for (int step = 0; step < kSteps; ++step) {
    Apply(image, history.Next(image), image.offset() + 1);
    if (step % 20 == 0) copies.emplace_back(image, Dump(image));
  }
  for (const auto& [copy, text] : copies) EXPECT_EQ(Dump(copy), text);
}

TEST(History, EqualImagesDumpEqually) {
  RandomHistory history(9);
  MetadataImage image;
  std::string last = Dump(image);
  MetadataImage last_image = image;
  for (int step = 0; step < kSteps; ++step) {
    Apply(image, history.Next(image), image.offset() + 1);
    const std::string text = Dump(image);
    EXPECT_EQ(text == last, image == last_image);
    last = text;
    last_image = image;
  }
}

}  // namespace
}  // namespace weir::metadata
