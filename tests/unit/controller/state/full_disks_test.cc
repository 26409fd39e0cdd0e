// Leaderships leave brokers whose disk is full (D-22).
#include "controller/state/full_disks.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/unit/controller/state/state_support.h"

namespace weir::state {
namespace {

class FullDisksTest : public testing::Test {
 protected:
  FullDisksTest() {
    for (const int32_t id : {1, 2, 3}) cluster.AddBroker(id);
    cluster.CreateTopic("t", 6, 3);
  }

  bool Round(size_t changes_max = 100) {
    Records records;
    const bool more = AppendChangesForFullDisks(
        cluster.context(), [this](NodeId id) { return !full.contains(id); }, changes_max, &records);
    changes = records.size();
    cluster.Commit(records);
    return more;
  }
  size_t LedBy(int32_t id) {
    size_t led = 0;
    for (int32_t i = 0; i < 6; ++i) led += cluster.PartitionAt("t", i).leader == NodeId(id);
    return led;
  }

  StateHarness cluster;
  std::set<NodeId> full;
  size_t changes = 0;
};

TEST_F(FullDisksTest, D22_AnInSyncReplicaWithRoomLeadsInstead) {
  const size_t led = LedBy(1);
  ASSERT_GT(led, 0u);
  full = {NodeId(1)};
  EXPECT_FALSE(Round());
  EXPECT_EQ(changes, led);
  EXPECT_EQ(LedBy(1), 0u);
  for (int32_t i = 0; i < 6; ++i) {
    EXPECT_EQ(cluster.PartitionAt("t", i).isr.size(), 3u) << "it still has everything";
  }
  Round();
  EXPECT_EQ(changes, 0u);
}

TEST_F(FullDisksTest, D22_WhereAllAreFullNothingMoves) {
  full = {NodeId(1), NodeId(2), NodeId(3)};
  Round();
  EXPECT_EQ(changes, 0u);
  full = {NodeId(1), NodeId(2)};
  Round();
  EXPECT_EQ(LedBy(3), 6u);
  full = {NodeId(1), NodeId(2), NodeId(3)};
  Round();
  EXPECT_EQ(changes, 0u) << "no wandering";
}

TEST_F(FullDisksTest, D22_WhoIsNotInSyncTakesNothingOver) {
  cluster.Fence(3);
  cluster.Unfence(3);  // back, but out of the ISR
  full = {NodeId(1), NodeId(2)};
  Round();
  EXPECT_EQ(changes, 0u);
}

TEST_F(FullDisksTest, ManyAreMovedInSeveralRounds) {
  full = {NodeId(1), NodeId(2)};
  EXPECT_TRUE(Round(1));
  EXPECT_EQ(changes, 1u);
  while (Round(1)) {
  }
  EXPECT_EQ(LedBy(3), 6u);
}

}  // namespace
}  // namespace weir::state
