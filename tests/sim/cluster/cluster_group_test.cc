// A consumer group in the cluster simulator (RELIABILITY G-01..G-19): many seeds, each a world of
// its own with crashes, pauses, partitions, slow news and churn; and quiet worlds in which a script
// is the nemesis. What is checked stands in group_checkers.h; the environment in sim_seeds.h.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/sim/cluster/quiet_group.h"
#include "tests/sim/cluster/seed_runs.h"

namespace weir::sim {
namespace {

class GroupSimulation : public SeedRuns {};

constexpr ProbeField kFields[] = {
    {"generations", &ClusterProbes::group_generations},
    {"assignments", &ClusterProbes::group_assignments},
    {"members_turned_away", &ClusterProbes::group_members_turned_away},
    {"expirations", &ClusterProbes::group_expirations},
    {"failovers", &ClusterProbes::group_failovers},
    {"static_returns", &ClusterProbes::group_static_returns},
    {"calls_withdrawn", &ClusterProbes::group_calls_withdrawn},
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

// Its worlds are three times as long as the others.
TEST_F(GroupSimulation, G01_to_G19_HoldOnEverySeed) {
  HoldOnEverySeed(MakeGroupProfile, std::max<uint64_t>(1, SeedCount() / 5), 60, kFields);
}

TEST_F(GroupSimulation, S01_SameSeedSameTrace) { SameSeedSameTrace(MakeGroupProfile, 3); }

// ---- Quiet worlds -----------------------------------------------------------------------

class QuietGroup : public QuietGroupTest<ClusterGroup, &ClusterWorld::group> {
 protected:
  void SetUp() override {
    profile_.group_members = kMembers;
    Begin();
  }
};

TEST_F(QuietGroup, G08_HeartbeatsMakeNoLogEntries) { HeartbeatsMakeNoLogEntries(); }

TEST_F(QuietGroup, G11_ControllerFailoversCostNobodyItsMembership) {
  ControllerFailoversMoveNobody();
}

TEST_F(QuietGroup, BrokerFailoversMoveNobody) { BrokerFailoversMoveNobody(); }

TEST_F(QuietGroup, G19_StaticMembersRestartWithoutARebalance) {
  const int32_t generation = group().generation;
  for (size_t i = 0; i < 20; ++i) {
    const size_t member = i % kMembers;
    if (!members().IsStatic(member)) continue;
    members().Restart(member);
    world_->RunFor(500);
    ASSERT_NO_FATAL_FAILURE(Settle());
  }
  EXPECT_EQ(group().generation, generation);
  EXPECT_EQ(world_->probes().group_static_returns, 10u);
}

}  // namespace
}  // namespace weir::sim
