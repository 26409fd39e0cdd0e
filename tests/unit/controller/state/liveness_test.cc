#include "controller/state/liveness.h"

#include <gtest/gtest.h>

#include "tests/unit/controller/state/state_support.h"

namespace weir::state {
namespace {

using std::chrono::milliseconds;

class LivenessTest : public testing::Test {
 protected:
  void SetUp() override {
    for (int32_t id = 1; id <= 2; ++id) cluster_.AddBroker(id);
    liveness_.BecomeActive(cluster_.image, At(0));
  }
  static MonoTime At(int64_t ms) { return MonoTime(milliseconds(ms)); }
  std::vector<NodeId> Due(int64_t ms) { return liveness_.BrokersToFence(cluster_.image, At(ms)); }

  StateHarness cluster_;
  Liveness liveness_{LivenessOptions{}};
};

const std::vector<NodeId> kNobody;
const std::vector<NodeId> kOne = {NodeId(1)};
const std::vector<NodeId> kBoth = {NodeId(1), NodeId(2)};

TEST_F(LivenessTest, AFreshControllerWaitsOneSessionTimeout) {
  EXPECT_EQ(Due(2999), kNobody);
  EXPECT_EQ(Due(3000), kBoth);
  EXPECT_EQ(liveness_.NextDeadline(cluster_.image), At(3000));
}

TEST_F(LivenessTest, HeartbeatsKeepASessionAlive) {
  liveness_.OpenSession(NodeId(1), 11, At(100));
  liveness_.OpenSession(NodeId(2), 12, At(100));
  for (int64_t ms = 500; ms <= 10'000; ms += 500) {
    liveness_.OnHeartbeat(NodeId(2), 12, LogIndex(1), At(ms));
  }
  EXPECT_EQ(Due(3099), kNobody);
  EXPECT_EQ(Due(3100), kOne);
  EXPECT_EQ(Due(12'999), kOne);
  EXPECT_EQ(Due(13'000), kBoth);
}

TEST_F(LivenessTest, ABrokenSessionIsDueAfterTheGrace) {
  liveness_.OpenSession(NodeId(1), 11, At(0));
  liveness_.OpenSession(NodeId(2), 12, At(0));
  liveness_.OnSessionBroken(NodeId(1), 11, At(1000));
  EXPECT_EQ(Due(1199), kNobody);
  EXPECT_EQ(Due(1200), kOne);
  EXPECT_EQ(liveness_.NextDeadline(cluster_.image), At(1200));
  EXPECT_FALSE(liveness_.IsSessionOpen(NodeId(1), At(1000)));
}

TEST_F(LivenessTest, BackWithinTheGraceIsNotDue) {
  liveness_.OpenSession(NodeId(1), 11, At(0));
  liveness_.OpenSession(NodeId(2), 12, At(0));
  liveness_.OnSessionBroken(NodeId(1), 11, At(1000));
  liveness_.OpenSession(NodeId(1), 13, At(1100));
  EXPECT_EQ(Due(1300), kNobody);
  EXPECT_TRUE(liveness_.IsSessionOpen(NodeId(1), At(1300)));
}

TEST_F(LivenessTest, AnOldStreamSaysNothingAboutTheNewOne) {
  liveness_.OpenSession(NodeId(2), 21, At(0));
  liveness_.OpenSession(NodeId(1), 11, At(0));
  liveness_.OpenSession(NodeId(1), 12, At(100));
  liveness_.OnSessionBroken(NodeId(1), 11, At(200));
  EXPECT_EQ(Due(1000), kNobody);
  liveness_.OnHeartbeat(NodeId(1), 11, LogIndex(99), At(2000));
  EXPECT_EQ(liveness_.AppliedOffset(NodeId(1)), LogIndex(0));
  EXPECT_EQ(Due(3100), kBoth);
}

TEST_F(LivenessTest, BreakingNearTheTimeoutGivesNoMoreTime) {
  liveness_.OpenSession(NodeId(1), 11, At(0));
  liveness_.OpenSession(NodeId(2), 12, At(0));
  liveness_.OnSessionBroken(NodeId(1), 11, At(2950));
  EXPECT_EQ(Due(2999), kNobody);
  EXPECT_EQ(Due(3000), kBoth);
}

TEST_F(LivenessTest, ABrokerThatDiedWithTheLastControllerIsDueSoonAfterTheOthersReturn) {
  cluster_.AddBroker(3);
  liveness_.BecomeActive(cluster_.image, At(0));
  liveness_.OpenSession(NodeId(2), 12, At(50));
  EXPECT_EQ(Due(2999), kNobody);
  liveness_.OpenSession(NodeId(3), 13, At(100));
  EXPECT_EQ(Due(699), kNobody);
  EXPECT_EQ(Due(700), kOne);
  EXPECT_EQ(liveness_.NextDeadline(cluster_.image), At(700));
}

TEST_F(LivenessTest, BackWithinTheReconnectGraceIsNotDue) {
  liveness_.OpenSession(NodeId(2), 12, At(100));
  liveness_.OpenSession(NodeId(1), 11, At(699));
  EXPECT_EQ(Due(3000), kNobody);
}

TEST_F(LivenessTest, SlowBrokersAreNotFencedTogether) {
  for (int32_t id = 3; id <= 5; ++id) cluster_.AddBroker(id);
  liveness_.BecomeActive(cluster_.image, At(0));
  liveness_.OpenSession(NodeId(1), 11, At(10));
  // One broker that comes back again and again is one.
  for (uint64_t id = 12; id < 20; ++id) {
    liveness_.OnSessionBroken(NodeId(1), id - 1, At(20));
    liveness_.OpenSession(NodeId(1), id, At(20));
  }
  liveness_.OpenSession(NodeId(2), 21, At(20));
  EXPECT_EQ(Due(2999), kNobody);
  // However late half of them come: the others get the grace from then on.
  liveness_.OpenSession(NodeId(3), 31, At(2000));
  EXPECT_EQ(Due(2599), kNobody);
  EXPECT_EQ(Due(2600), (std::vector<NodeId>{NodeId(4), NodeId(5)}));
}

TEST_F(LivenessTest, TheReconnectGraceGivesNoMoreThanTheTimeout) {
  liveness_.OpenSession(NodeId(2), 12, At(2900));
  EXPECT_EQ(Due(2999), kNobody);
  EXPECT_EQ(Due(3000), kOne);
}

TEST_F(LivenessTest, AFencedBrokerThatReturnsSaysNothingOfTheOthers) {
  for (int32_t id = 3; id <= 4; ++id) cluster_.AddBroker(id);
  for (int32_t id = 3; id <= 4; ++id) cluster_.Fence(id);
  liveness_.BecomeActive(cluster_.image, At(0));
  liveness_.OpenSession(NodeId(3), 13, At(10));
  liveness_.OpenSession(NodeId(4), 14, At(10));
  EXPECT_EQ(Due(2999), kNobody);
}

TEST_F(LivenessTest, FencedBrokersAreNotDue) {
  cluster_.Fence(1);
  cluster_.Fence(2);
  EXPECT_EQ(Due(100'000), kNobody);
  EXPECT_EQ(liveness_.NextDeadline(cluster_.image), std::nullopt);
}

TEST_F(LivenessTest, ALiveBrokerNeverHeardOfIsDueAtOnce) {
  cluster_.AddBroker(3);
  EXPECT_EQ(Due(1), std::vector<NodeId>{NodeId(3)});
  liveness_.OpenSession(NodeId(3), 5, At(1));
  EXPECT_EQ(Due(2), kNobody);
}

TEST_F(LivenessTest, WaitsForEveryConnectedLiveBrokerToApply) {
  liveness_.OpenSession(NodeId(1), 11, At(0));
  liveness_.OpenSession(NodeId(2), 12, At(0));
  liveness_.OnHeartbeat(NodeId(1), 11, LogIndex(10), At(1));
  EXPECT_FALSE(liveness_.AllLiveHaveApplied(cluster_.image, LogIndex(10), At(1)));
  liveness_.OnHeartbeat(NodeId(2), 12, LogIndex(9), At(1));
  EXPECT_FALSE(liveness_.AllLiveHaveApplied(cluster_.image, LogIndex(10), At(1)));
  liveness_.OnHeartbeat(NodeId(2), 12, LogIndex(12), At(1));
  EXPECT_TRUE(liveness_.AllLiveHaveApplied(cluster_.image, LogIndex(10), At(1)));
  liveness_.OnSessionBroken(NodeId(1), 11, At(2));
  EXPECT_TRUE(liveness_.AllLiveHaveApplied(cluster_.image, LogIndex(12), At(2)));
}

TEST_F(LivenessTest, WaitsForBrokersNotHeardOfUntilTheyAreFenced) {
  liveness_.OpenSession(NodeId(1), 11, At(0));
  liveness_.OnHeartbeat(NodeId(1), 11, LogIndex(10), At(1));
  EXPECT_FALSE(liveness_.AllLiveHaveApplied(cluster_.image, LogIndex(10), At(1)));
  cluster_.Fence(2);
  EXPECT_TRUE(liveness_.AllLiveHaveApplied(cluster_.image, LogIndex(10), At(1)));
}

TEST_F(LivenessTest, I21_MayStopOnceTheShutdownBatchIsApplied) {
  liveness_.OpenSession(NodeId(1), 11, At(0));
  EXPECT_FALSE(liveness_.MayStop(cluster_.image, NodeId(1)));
  broker::v1::Heartbeat heartbeat = cluster_.HeartbeatOf(1);
  heartbeat.set_want_shutdown(true);
  cluster_.Beat(1, heartbeat);
  liveness_.SetShutdownOffset(NodeId(1), cluster_.image.offset());
  EXPECT_FALSE(liveness_.MayStop(cluster_.image, NodeId(1)));
  liveness_.OnHeartbeat(NodeId(1), 11, cluster_.image.offset(), At(5));
  EXPECT_TRUE(liveness_.MayStop(cluster_.image, NodeId(1)));
}

TEST_F(LivenessTest, D22_FullDirectoriesAreKnownUntilTheStreamEnds) {
  const Uuid topic{{1}};
  const auto has_room = [&](int32_t index) {
    return liveness_.HasRoom(NodeId(1), topic, PartitionIndex(index));
  };
  EXPECT_TRUE(has_room(0)) << "nothing heard";
  liveness_.OpenSession(NodeId(1), 11, At(0));
  EXPECT_TRUE(liveness_.AllHaveRoom());
  liveness_.SetFullPartitions(NodeId(1), 11, {{topic, PartitionIndex(0)}});
  EXPECT_FALSE(has_room(0));
  EXPECT_TRUE(has_room(1));
  EXPECT_TRUE(liveness_.HasRoom(NodeId(2), topic, PartitionIndex(0)));
  EXPECT_FALSE(liveness_.AllHaveRoom());
  const uint64_t changes = liveness_.room_changes();
  liveness_.SetFullPartitions(NodeId(1), 11, {{topic, PartitionIndex(0)}});
  liveness_.SetFullPartitions(NodeId(1), 9, {});
  EXPECT_EQ(liveness_.room_changes(), changes) << "the same again, and an old stream";
  liveness_.SetRoom(NodeId(1), 11, false);
  EXPECT_FALSE(has_room(1)) << "all directories";
  liveness_.OpenSession(NodeId(1), 12, At(10));
  EXPECT_TRUE(has_room(0)) << "another stream says it again";
}

}  // namespace
}  // namespace weir::state
