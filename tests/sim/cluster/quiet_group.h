// QuietGroupTest: a world with a group in it in which a script is the nemesis, for both kinds of
// members: `Members` is ClusterGroup or ClusterConsumers.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "tests/sim/cluster/cluster_world.h"
#include "tests/sim/cluster/sim_seeds.h"

namespace weir::sim {

template <class Members, Members& (ClusterWorld::*kMembersOf)()>
class QuietGroupTest : public SimulationTest {
 protected:
  static constexpr int32_t kMembers = 4;
  // A gateway's report of whom it heard is a second apart from the one before.
  static constexpr int64_t kHeardAndReportedMs = 1'500;

  // The world of that profile, with sessions of the least length that production allows: what a
  // gateway had not reported yet dies with it.
  void Begin() {
    profile_.group_session_ms = profile_.group_rebalance_ms = 6'000;
    world_ = std::make_unique<ClusterWorld>(1, profile_, Trace());
    ASSERT_TRUE(world_->ComeUp()) << world_->violation();
    world_->StartGroup();
    members().BecomeCalm();
    Settle();
  }
  Members& members() { return (world_.get()->*kMembersOf)(); }
  void Settle() {
    const auto settled = [&] { return world_->InSync() && members().Settled(); };
    ASSERT_TRUE(world_->RunUntil(settled, 60'000)) << world_->violation() << members().Describe();
  }
  const metadata::Group& group() { return *world_->checkers().newest().FindGroup(kGroupId); }
  // The one that the metadata are decided by.
  SimController& active() {
    for (int32_t id = 1; id < ClusterWorld::kControllers; ++id) {
      if (world_->controller(id).active()) return world_->controller(id);
    }
    return world_->controller(ClusterWorld::kControllers);
  }

  // ---- what every group must stand ----------------------------------------------------

  void HeartbeatsMakeNoLogEntries() {
    const LogIndex offset = world_->checkers().newest().offset();
    world_->RunFor(60'000);
    EXPECT_EQ(world_->violation(), "");
    EXPECT_EQ(world_->checkers().newest().offset(), offset);
    EXPECT_EQ(world_->probes().group_expirations, 0u);
    EXPECT_GT(world_->probes().group_commits, 0u);
  }
  // Each active controller falls shortly before it would know that all are alive.
  void ControllerFailoversMoveNobody() {
    const int32_t generation = group().generation;
    for (int i = 0; i < 10; ++i) {
      SimController& fallen = active();
      fallen.Crash();
      world_->RunFor(1'000 + 150 * i);
      fallen.Start();
      world_->RunFor(2'000);
    }
    ASSERT_NO_FATAL_FAILURE(Settle());
    EXPECT_EQ(group().generation, generation);
    EXPECT_GE(world_->probes().group_failovers, 5u);
  }
  // Each falls when the one before it is back and has told of whom it heard: a sign of life that
  // was not reported falls with its gateway, and a session of 6 s survives a few of them only.
  void BrokerFailoversMoveNobody() {
    const int32_t generation = group().generation;
    for (int32_t i = 0; i < 9; ++i) {
      SimBroker& fallen = world_->broker(i % 3 + 1);
      fallen.Crash(Fall::kKill);
      world_->RunFor(1'500);
      fallen.Start();
      ASSERT_NO_FATAL_FAILURE(Settle());
      world_->RunFor(kHeardAndReportedMs);
    }
    EXPECT_EQ(group().generation, generation);
  }

  ClusterProfile profile_;
  std::unique_ptr<ClusterWorld> world_;
};

}  // namespace weir::sim
