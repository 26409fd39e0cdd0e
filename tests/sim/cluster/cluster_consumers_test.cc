// A group of the consumer protocol (KIP-848) in the cluster simulator, and one that migrates online
// between the protocols (RELIABILITY G-01..G-19): many seeds, each a world of its own; and quiet
// worlds in which a script is the nemesis. What is checked stands in consumer_checkers.h; the
// environment in sim_seeds.h.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/sim/cluster/quiet_group.h"
#include "tests/sim/cluster/seed_runs.h"

namespace weir::sim {
namespace {

class ConsumerSimulation : public SeedRuns {};

constexpr ProbeField kFields[] = {
    {"epochs", &ClusterProbes::group_generations},
    {"assignments", &ClusterProbes::group_assignments},
    {"revocations", &ClusterProbes::group_revocations},
    {"members_turned_away", &ClusterProbes::group_members_turned_away},
    {"expirations", &ClusterProbes::group_expirations},
    {"failovers", &ClusterProbes::group_failovers},
    {"static_returns", &ClusterProbes::group_static_returns},
    {"instances_in_use", &ClusterProbes::group_instances_in_use},
    {"takeovers", &ClusterProbes::group_takeovers},
    {"subscription_changes", &ClusterProbes::group_subscription_changes},
    {"upgrades", &ClusterProbes::group_upgrades},
    {"downgrades", &ClusterProbes::group_downgrades},
    {"descriptions", &ClusterProbes::group_descriptions},
    {"streams", &ClusterProbes::group_streams},
    {"batches_of_several", &ClusterProbes::group_batches_of_several},
    {"commits", &ClusterProbes::group_commits},
    {"zombie_commits", &ClusterProbes::group_zombie_commits},
    {"offset_fetches", &ClusterProbes::group_offset_fetches},
    {"elections", &ClusterProbes::elections},
    {"offsets_elections", &ClusterProbes::group_offsets_elections},
    {"late_news", &ClusterProbes::late_news},
    {"repeated_calls", &ClusterProbes::repeated_calls},
};

// As for groups of the classic protocol.
TEST_F(ConsumerSimulation, G01_to_G19_HoldOnEverySeed) {
  HoldOnEverySeed(MakeConsumerProfile, std::max<uint64_t>(1, SeedCount() / 5), 60, kFields);
}

TEST_F(ConsumerSimulation, S01_SameSeedSameTrace) { SameSeedSameTrace(MakeConsumerProfile, 3); }

// ---- Quiet worlds -----------------------------------------------------------------------

class QuietConsumers : public QuietGroupTest<ClusterConsumers, &ClusterWorld::consumers> {
 protected:
  void SetUp() override {
    profile_.consumers_of_group = kMembers;
    profile_.partitions = kMembers;
    Begin();
  }
};

TEST_F(QuietConsumers, G08_HeartbeatsMakeNoLogEntries) { HeartbeatsMakeNoLogEntries(); }

TEST_F(QuietConsumers, G11_ControllerFailoversMoveNobody) { ControllerFailoversMoveNobody(); }

TEST_F(QuietConsumers, BrokerFailoversMoveNobody) { BrokerFailoversMoveNobody(); }

TEST_F(QuietConsumers, G19_StaticMembersRestartAndMoveNobody) {
  const int32_t epoch = group().generation;
  for (size_t i = 0; i < 20; ++i) {
    const size_t member = i % kMembers;
    if (!members().IsStatic(member)) continue;
    members().RestartInOrder(member);
    ASSERT_NO_FATAL_FAILURE(Settle());
  }
  EXPECT_EQ(group().generation, epoch);
  EXPECT_EQ(world_->probes().group_static_returns, 10u);
}

// A process that is killed says nothing; the end of its connection does, perhaps after its
// successor has come.
TEST_F(QuietConsumers, G19_StaticMembersAreKilledAndRestartAndMoveNobody) {
  const int32_t epoch = group().generation;
  for (size_t i = 0; i < 20; ++i) {
    const size_t member = i % kMembers;
    if (!members().IsStatic(member)) continue;
    members().CrashAndRestart(member);
    ASSERT_NO_FATAL_FAILURE(Settle());
  }
  EXPECT_EQ(group().generation, epoch);
  EXPECT_EQ(world_->probes().group_takeovers, 10u);
  EXPECT_EQ(world_->probes().group_instances_in_use, 0u);
  EXPECT_EQ(world_->probes().group_expirations, 0u);
}

// One after the other changes over, as in a rolling restart: to the consumer protocol and back.
TEST_F(QuietConsumers, G18_MembersChangeOverOneByOneBothWays) {
  profile_.classic_percent = 100;
  Begin();
  for (const auto type : {metadata::GroupType::kConsumer, metadata::GroupType::kClassic}) {
    EXPECT_NE(group().type, type);
    for (size_t member = 0; member < members().size(); ++member) {
      members().SwitchProtocol(member);
      ASSERT_NO_FATAL_FAILURE(Settle());
    }
    EXPECT_EQ(group().type, type);
  }
  EXPECT_EQ(world_->probes().group_upgrades, 1u);
  EXPECT_EQ(world_->probes().group_downgrades, 1u);
}

}  // namespace
}  // namespace weir::sim
