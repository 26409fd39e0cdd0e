// A group of the consumer protocol (KIP-848) in the cluster simulator, and one that migrates online
// between the protocols (RELIABILITY G-01..G-19): many seeds, each a world of its own; and quiet
// worlds in which a script is the nemesis. What is checked stands in consumer_checkers.h; the
// environment in sim_seeds.h.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <iostream>

#include "tests/sim/cluster/cluster_world.h"
#include "tests/sim/cluster/sim_seeds.h"

namespace weir::sim {
namespace {

class ConsumerSimulation : public SimulationTest {};

struct Field {
  const char* name;
  uint64_t ClusterProbes::*count;
};
constexpr Field kFields[] = {
    {"epochs", &ClusterProbes::group_generations},
    {"assignments", &ClusterProbes::group_assignments},
    {"revocations", &ClusterProbes::group_revocations},
    {"members_turned_away", &ClusterProbes::group_members_turned_away},
    {"expirations", &ClusterProbes::group_expirations},
    {"failovers", &ClusterProbes::group_failovers},
    {"static_returns", &ClusterProbes::group_static_returns},
    {"instances_in_use", &ClusterProbes::group_instances_in_use},
    {"subscription_changes", &ClusterProbes::group_subscription_changes},
    {"upgrades", &ClusterProbes::group_upgrades},
    {"downgrades", &ClusterProbes::group_downgrades},
    {"descriptions", &ClusterProbes::group_descriptions},
    {"commits", &ClusterProbes::group_commits},
    {"zombie_commits", &ClusterProbes::group_zombie_commits},
    {"offset_fetches", &ClusterProbes::group_offset_fetches},
    {"elections", &ClusterProbes::elections},
    {"late_news", &ClusterProbes::late_news},
    {"repeated_calls", &ClusterProbes::repeated_calls},
};

TEST_F(ConsumerSimulation, G01_to_G19_HoldOnEverySeed) {
  const uint64_t first = FirstSeed();
  // As for groups of the classic protocol.
  const uint64_t seeds = std::max<uint64_t>(1, SeedCount() / 5);
  const auto begun = std::chrono::steady_clock::now();
  ClusterProbes sum;
  int64_t simulated_ms = 0;
  for (uint64_t seed = first; seed < first + seeds; ++seed) {
    const ClusterResult result = ClusterWorld(seed, MakeConsumerProfile(seed), Trace()).Run();
    ASSERT_EQ(result.violation, "") << RunAgain(seed);
    for (const Field& field : kFields) sum.*field.count += result.probes.*field.count;
    simulated_ms += result.simulated_ms;
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  std::cout << seeds << " seeds, " << simulated_ms / 1'000 << " simulated seconds, "
            << static_cast<int64_t>(static_cast<double>(simulated_ms) / 1e3 / took.count())
            << " per second\n";
  for (const Field& field : kFields) {
    std::cout << "  " << field.name << " " << sum.*field.count << "\n";
    if (seeds >= 60) {
      EXPECT_GT(sum.*field.count, 0u) << field.name;
    }
  }
}

TEST_F(ConsumerSimulation, S01_SameSeedSameTrace) {
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    const ClusterResult once = ClusterWorld(seed, MakeConsumerProfile(seed)).Run();
    const ClusterResult again = ClusterWorld(seed, MakeConsumerProfile(seed)).Run();
    EXPECT_EQ(once.trace_hash, again.trace_hash) << "seed " << seed;
    EXPECT_EQ(once.events, again.events) << "seed " << seed;
  }
}

// ---- Quiet worlds -----------------------------------------------------------------------

class QuietConsumers : public ConsumerSimulation {
 protected:
  static constexpr int32_t kMembers = 4;

  void SetUp() override {
    profile_.consumers_of_group = kMembers;
    profile_.partitions = kMembers;
    // Longer than a gateway holds back what it has heard.
    profile_.group_session_ms = profile_.group_rebalance_ms = 6'000;
    Begin();
  }
  void Begin() {
    world_ = std::make_unique<ClusterWorld>(1, profile_, Trace());
    ASSERT_TRUE(world_->ComeUp()) << world_->violation();
    world_->StartGroup();
    world_->consumers().BecomeCalm();
    ASSERT_TRUE(Settles()) << What();
  }
  bool Settles() {
    return world_->RunUntil([&] { return world_->InSync() && world_->consumers().Settled(); },
                            60'000);
  }
  std::string What() { return world_->violation() + world_->consumers().Describe(); }
  const metadata::Group& group() { return *world_->checkers().newest().FindGroup(kGroupId); }
  SimController& active() {
    for (int32_t id = 1; id < ClusterWorld::kControllers; ++id) {
      if (world_->controller(id).active()) return world_->controller(id);
    }
    return world_->controller(ClusterWorld::kControllers);
  }

  ClusterProfile profile_;
  std::unique_ptr<ClusterWorld> world_;
};

TEST_F(QuietConsumers, G08_HeartbeatsMakeNoLogEntries) {
  const LogIndex offset = world_->checkers().newest().offset();
  world_->RunFor(60'000);
  EXPECT_EQ(world_->violation(), "");
  EXPECT_EQ(world_->checkers().newest().offset(), offset);
  EXPECT_EQ(world_->probes().group_expirations, 0u);
  EXPECT_GT(world_->probes().group_commits, 0u);
}

// Each active controller falls shortly before it would know that all are alive.
TEST_F(QuietConsumers, G11_ControllerFailoversMoveNobody) {
  const int32_t epoch = group().generation;
  for (int i = 0; i < 10; ++i) {
    SimController& fallen = active();
    fallen.Crash();
    world_->RunFor(1'000 + 150 * i);
    fallen.Start();
    world_->RunFor(2'000);
  }
  ASSERT_TRUE(Settles()) << What();
  EXPECT_EQ(group().generation, epoch);
  EXPECT_GE(world_->probes().group_failovers, 5u);
}

TEST_F(QuietConsumers, BrokerFailoversMoveNobody) {
  const int32_t epoch = group().generation;
  for (int32_t i = 0; i < 9; ++i) {
    SimBroker& fallen = world_->broker(i % 3 + 1);
    fallen.Crash(Fall::kKill);
    world_->RunFor(1'500);
    fallen.Start();
    ASSERT_TRUE(Settles()) << What();
  }
  EXPECT_EQ(group().generation, epoch);
}

TEST_F(QuietConsumers, G19_StaticMembersRestartAndMoveNobody) {
  const int32_t epoch = group().generation;
  for (size_t i = 0; i < 20; ++i) {
    const size_t member = i % kMembers;
    if (!world_->consumers().IsStatic(member)) continue;
    world_->consumers().RestartInOrder(member);
    ASSERT_TRUE(Settles()) << What();
  }
  EXPECT_EQ(group().generation, epoch);
  EXPECT_EQ(world_->probes().group_static_returns, 10u);
}

// One after the other changes over, as in a rolling restart: to the consumer protocol and back.
TEST_F(QuietConsumers, G18_MembersChangeOverOneByOneBothWays) {
  profile_.classic_percent = 100;
  Begin();
  for (const auto type : {metadata::GroupType::kConsumer, metadata::GroupType::kClassic}) {
    EXPECT_NE(group().type, type);
    for (size_t member = 0; member < world_->consumers().size(); ++member) {
      world_->consumers().SwitchProtocol(member);
      ASSERT_TRUE(Settles()) << What();
    }
    EXPECT_EQ(group().type, type);
  }
  EXPECT_EQ(world_->probes().group_upgrades, 1u);
  EXPECT_EQ(world_->probes().group_downgrades, 1u);
}

}  // namespace
}  // namespace weir::sim
