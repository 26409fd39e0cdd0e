// The hand-written reading of DescribeLogDirs version 1.
#include "controller/ctl/replica_sizes.h"

#include <gtest/gtest.h>

namespace weir::ctl {
namespace {

using std::string_literals::operator""s;

// One directory with two partitions of "orders": 5 and 0x010203 bytes.
const std::string kAnswer = "\0\0\0\0"s + "\0\0\0\1"s + "\0\0"s + "\0\4/dir"s + "\0\0\0\1"s +
                            "\0\6orders"s + "\0\0\0\2"s + "\0\0\0\0"s + "\0\0\0\0\0\0\0\5"s +
                            "\0\0\0\0\0\0\0\0"s + "\0"s + "\0\0\0\7"s + "\0\0\0\0\0\1\2\3"s +
                            "\0\0\0\0\0\0\0\0"s + "\0"s;

TEST(ReplicaSizes, ReadsEveryPartition) {
  const auto sizes = ParseLogDirs(kAnswer);
  ASSERT_TRUE(sizes);
  const ReplicaSizes expected{{{"orders", 0}, 5}, {{"orders", 7}, 0x010203}};
  EXPECT_EQ(*sizes, expected);
}

TEST(ReplicaSizes, RefusesWhatIsCutOff) {
  for (size_t size = 0; size < kAnswer.size(); ++size) {
    EXPECT_FALSE(ParseLogDirs(kAnswer.substr(0, size))) << size;
  }
  EXPECT_FALSE(ParseLogDirs("\0\0\0\0\x7f\xff\xff\xff"s)) << "more than there is";
}

}  // namespace
}  // namespace weir::ctl
