// The image's values: node id lists, and what large clusters cost.
#include "common/metadata/image.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <chrono>
#include <vector>

#include "common/base/prng.h"
#include "common/metadata/apply.h"
#include "common/metadata/dump.h"

namespace weir::metadata {
namespace {

TEST(NodeIdList, EqualsAVectorUnderRandomOperations) {
  Prng prng(6);
  std::vector<std::pair<NodeIdList, std::vector<NodeId>>> lists(4);
  for (int i = 0; i < 5000; ++i) {
    auto& [list, reference] = lists[prng.Below(lists.size())];
    const NodeId id(static_cast<int32_t>(prng.Below(6)));
    switch (prng.Below(5)) {
      case 0:
      case 1:
        list.Add(id);
        reference.push_back(id);
        break;
      case 2:
        list = list.Without(id);
        std::erase(reference, id);
        break;
      case 3:
        lists[prng.Below(lists.size())] = {list, reference};
        break;
      default: {
        const NodeIdList moved = std::move(list);
        list = moved;
        break;
      }
    }
    for (const auto& [l, r] : lists) {
      ASSERT_EQ(std::vector<NodeId>(l.begin(), l.end()), r);
      ASSERT_EQ(l.size(), r.size());
    }
  }
  EXPECT_EQ(ToString(NodeIdList{NodeId(1), NodeId(2)}), "[1, 2]");
  EXPECT_EQ(ToString(NodeIdList{}), "[]");
}

// One topic of many partitions, or many topics of one.
MetadataImage LargeImage(int topics, int partitions) {
  MetadataImage image;
  Prng prng(1);
  for (int t = 0; t < topics; ++t) {
    v1::MetadataBatch batch;
    const std::string id = Uuid::Random(prng).ToBytes();
    v1::TopicRecord* topic = batch.add_records()->mutable_topic();
    topic->set_topic_id(id);
    topic->set_name("topic-" + std::to_string(t));
    for (int p = 0; p < partitions; ++p) {
      v1::PartitionRecord* partition = batch.add_records()->mutable_partition();
      partition->set_topic_id(id);
      partition->set_partition(p);
      partition->add_replicas(1);
      partition->add_isr(1);
      partition->set_leader(1);
    }
    Apply(image, batch, image.offset() + 1);
  }
  return image;
}

TEST(LargeImage, TakesLittleMemory) {
  for (const auto& [topics, partitions] : {std::pair(1, 10'000), std::pair(10'000, 1)}) {
    const size_t before = mallinfo2().uordblks;
    const MetadataImage image = LargeImage(topics, partitions);
    const size_t bytes = mallinfo2().uordblks - before;
    EXPECT_EQ(image.partition_count(), 10'000u);
    // Sanitizers keep their own books: there is nothing to see for mallinfo then.
    EXPECT_LT(bytes, partitions > 1 ? 2'500'000u : 8'000'000u) << topics << " topics";
    RecordProperty("bytes_of_10000_partitions_in_" + std::to_string(topics) + "_topics",
                   static_cast<int>(bytes));
  }
}

// A change of one partition in a published image copies a spine and a leaf, not the cluster.
TEST(LargeImage, ChangingOnePartitionIsCheap) {
  for (const auto& [topics, partitions] : {std::pair(1, 100'000), std::pair(20'000, 1)}) {
    MetadataImage image = LargeImage(topics, partitions);
    const Uuid id = image.topics().begin()->first;
    v1::MetadataBatch batch;
    v1::PartitionChangeRecord* change = batch.add_records()->mutable_partition_change();
    change->set_topic_id(id.ToBytes());
    change->set_leader(-1);
    std::vector<std::shared_ptr<const MetadataImage>> published;
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < 100; ++i) {
      published.push_back(std::make_shared<const MetadataImage>(image));
      Apply(image, batch, image.offset() + 1);
    }
    const auto took = std::chrono::steady_clock::now() - begin;
    const auto us = std::chrono::duration_cast<std::chrono::microseconds>(took).count() / 100;
    EXPECT_LT(us, 5'000) << "per change, with room for sanitizers";
    RecordProperty("change_us_with_" + std::to_string(topics) + "_topics", static_cast<int>(us));
    EXPECT_EQ(published[0]->FindPartition(id, PartitionIndex(0))->leader, NodeId(1));
    EXPECT_EQ(image.FindPartition(id, PartitionIndex(0))->leader_epoch, LeaderEpoch(100));
  }
}

}  // namespace
}  // namespace weir::metadata
