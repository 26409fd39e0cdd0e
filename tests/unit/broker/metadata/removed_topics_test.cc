// RemovedTopics: who is told of deletions that a failed leader of committed offsets left undone.
#include "broker/metadata/removed_topics.h"

#include <gtest/gtest.h>

#include <memory>

namespace weir::broker {
namespace {

using std::chrono::seconds;

constexpr NodeId kSelf{1};
constexpr NodeId kOther{2};
const Uuid kOffsets{{9}};
const Uuid kA{{1}};

replica::Assignment AssignmentOf(NodeId leader, int epoch, bool offsets = true) {
  auto config = std::make_shared<log::LogConfig>();
  config->committed_offsets = offsets;
  replica::Assignment assignment;
  assignment.partition = {kOffsets, PartitionIndex(3)};
  assignment.leader = leader;
  assignment.leader_epoch = LeaderEpoch(epoch);
  assignment.config = std::move(config);
  return assignment;
}

class RemovedTopicsTest : public testing::Test {
 protected:
  size_t Told(const replica::Assignment& assignment) {
    return removed_.ToForget({assignment}, kSelf, now_).size();
  }

  RemovedTopics removed_;
  MonoTime now_{seconds(1'000)};
};

// The leader at the time of the deletion fails before it has written its tombstones.
TEST_F(RemovedTopicsTest, ASuccessorForgetsWhatItsPredecessorMayHaveLeft) {
  EXPECT_EQ(Told(AssignmentOf(kOther, 4)), 0u);
  removed_.Add({{kA, "a"}}, now_);
  EXPECT_EQ(Told(AssignmentOf(kOther, 4)), 0u);
  now_ += seconds(5);
  EXPECT_EQ(removed_.ToForget({AssignmentOf(kSelf, 5)}, kSelf, now_),
            (RemovedTopics::Names{{kA, "a"}}));
  EXPECT_EQ(Told(AssignmentOf(kSelf, 5)), 0u) << "its ISR changes, its leadership does not";
  EXPECT_EQ(Told(AssignmentOf(kOther, 6)), 0u);
  EXPECT_EQ(Told(AssignmentOf(kSelf, 7)), 1u) << "it leads again";
}

TEST_F(RemovedTopicsTest, OnlyCommittedOffsetsAreOfInterest) {
  removed_.Add({{kA, "a"}}, now_);
  EXPECT_EQ(Told(AssignmentOf(kSelf, 1, /*offsets=*/false)), 0u);
  replica::Assignment bare = AssignmentOf(kSelf, 1);
  bare.config = nullptr;
  EXPECT_EQ(Told(bare), 0u);
}

TEST_F(RemovedTopicsTest, D11_OldDeletionsAreForgotten) {
  removed_.Add({{kA, "a"}}, now_);
  now_ += kRemovedTopicsKept;
  EXPECT_EQ(Told(AssignmentOf(kSelf, 1)), 1u);
  now_ += seconds(1);
  EXPECT_EQ(Told(AssignmentOf(kSelf, 2)), 0u);
  RemovedTopics::Names many;
  for (size_t i = 0; i < kRemovedTopicsMax + 5; ++i) {
    Uuid id;
    id.bytes[0] = 1;
    id.bytes[1] = static_cast<uint8_t>(i % 256);
    id.bytes[2] = static_cast<uint8_t>(i / 256);
    many.emplace(id, "t");
  }
  removed_.Add(many, now_);
  EXPECT_EQ(Told(AssignmentOf(kSelf, 3)), kRemovedTopicsMax);
}

}  // namespace
}  // namespace weir::broker
