#include "common/metadata/group_partition.h"

#include <gtest/gtest.h>

#include <limits>

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

}  // namespace
}  // namespace weir::metadata
