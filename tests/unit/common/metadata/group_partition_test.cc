#include "common/metadata/group_partition.h"

#include <gtest/gtest.h>

#include <limits>

#include "common/metadata/apply.h"

namespace weir::metadata {
namespace {

TEST(GroupPartition, HashIsJavas) {
  EXPECT_EQ(JavaStringHash(""), 0);
  EXPECT_EQ(JavaStringHash("a"), 97);
  // 31*(31*97 + 98) + 99.
  EXPECT_EQ(JavaStringHash("abc"), 96354);
  // The sum wraps.
  EXPECT_EQ(JavaStringHash("hello world"), 1794106052);
  // U+00E9 is one code unit; U+1F600 is D83D DE00.
  EXPECT_EQ(JavaStringHash("\xC3\xA9"), 0xE9);
  EXPECT_EQ(JavaStringHash("\xF0\x9F\x98\x80"), 31 * 0xD83D + 0xDE00);
}

TEST(GroupPartition, BytesThatAreNoUtf8AreReplaced) {
  EXPECT_EQ(JavaStringHash("\xFF"), 0xFFFD);
  EXPECT_EQ(JavaStringHash("\xC3"), 0xFFFD);
  // A lead byte without its follower does not swallow what comes after it.
  EXPECT_EQ(JavaStringHash("\xC3"
                           "a"),
            31 * 0xFFFD + 97);
}

TEST(GroupPartition, SmallestHashHasNoAbsoluteValueAndCountsAsZero) {
  // A well-known text of that hash.
  ASSERT_EQ(JavaStringHash("polygenelubricants"), std::numeric_limits<int32_t>::min());
  EXPECT_EQ(PartitionOfGroup("polygenelubricants", 50), PartitionIndex(0));
}

TEST(GroupPartition, IsTheAbsoluteValueModuloTheCount) {
  EXPECT_EQ(PartitionOfGroup("abc", 50), PartitionIndex(96354 % 50));
  EXPECT_EQ(PartitionOfGroup("abc", 1), PartitionIndex(0));
  // Whatever the sign of the hash, the partition is one that exists.
  for (const char* group : {"zzzzzzz", "my-group", "orders", "connect-cluster", "g1", "g2"}) {
    const PartitionIndex partition = PartitionOfGroup(group, 50);
    EXPECT_GE(partition.value(), 0);
    EXPECT_LT(partition.value(), 50);
  }
}

TEST(GroupPartition, IsFoundOnceThereIsTheTopic) {
  MetadataImage image;
  EXPECT_FALSE(FindGroupPartition(image, "abc"));
  v1::MetadataBatch batch;
  v1::TopicRecord* topic = batch.add_records()->mutable_topic();
  topic->set_topic_id("topic-id-16bytes");
  topic->set_name(std::string(kOffsetsTopic));
  topic->set_internal(true);
  for (int32_t index = 0; index < 2; ++index) {
    v1::PartitionRecord* partition = batch.add_records()->mutable_partition();
    partition->set_topic_id("topic-id-16bytes");
    partition->set_partition(index);
    partition->add_replicas(7 + index);
    partition->add_isr(7 + index);
    partition->set_leader(7 + index);
    partition->set_leader_epoch(3 + index);
  }
  Apply(image, batch, LogIndex(1));
  ASSERT_EQ(image.skipped_records(), 0u);
  const auto found = FindGroupPartition(image, "abc");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->topic_id, Uuid::FromBytes("topic-id-16bytes"));
  EXPECT_EQ(found->index, PartitionOfGroup("abc", 2));
  EXPECT_EQ(found->leader, NodeId(7 + found->index.value()));
  EXPECT_EQ(found->leader_epoch, LeaderEpoch(3 + found->index.value()));
}

}  // namespace
}  // namespace weir::metadata
