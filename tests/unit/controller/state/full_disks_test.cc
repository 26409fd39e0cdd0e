// Leaderships leave brokers whose disk is full (D-22).
#include "controller/state/full_disks.h"

#include <gtest/gtest.h>

#include <set>
#include <utility>

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
        cluster.context(),
        [this](NodeId id, const Uuid&, PartitionIndex index) {
          return !full.contains(id) && !full_replicas.contains({id, index});
        },
        changes_max, &records);
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
  std::set<std::pair<NodeId, PartitionIndex>> full_replicas;
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

TEST_F(FullDisksTest, D22_WhatLiesElsewhereStays) {
  const auto leader_of = [&](int32_t i) { return cluster.PartitionAt("t", i).leader; };
  const NodeId first = leader_of(0);
  const size_t led = LedBy(first.value());
  ASSERT_GT(led, 1u);
  full_replicas = {{first, PartitionIndex(0)}};
  Round();
  EXPECT_EQ(changes, 1u);
  EXPECT_NE(leader_of(0), first);
  EXPECT_EQ(LedBy(first.value()), led - 1);
  // Who leads now is full as well: the third takes over, never one that has no room.
  const NodeId second = leader_of(0);
  full_replicas.emplace(second, PartitionIndex(0));
  Round();
  EXPECT_EQ(changes, 1u);
  EXPECT_TRUE(leader_of(0) != first && leader_of(0) != second);
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
