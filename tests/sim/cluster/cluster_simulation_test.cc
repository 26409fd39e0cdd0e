// The cluster simulator as a test: many seeds, each a world of its own (DESIGN D12, RELIABILITY
// I-01..I-16, I-43, S-01, S-10).
#include <gtest/gtest.h>

#include "tests/sim/cluster/seed_runs.h"

namespace weir::sim {
namespace {

class ClusterSimulation : public SeedRuns {};

constexpr ProbeField kFields[] = {
    {"acked", &ClusterProbes::acked},
    {"refused_not_enough_replicas", &ClusterProbes::refused_not_enough_replicas},
    {"refused_not_leader", &ClusterProbes::refused_not_leader},
    {"truncations", &ClusterProbes::truncations},
    {"divergences", &ClusterProbes::divergences},
    {"fetches_of_old_epochs", &ClusterProbes::fetches_of_old_epochs},
    {"fetches_of_new_epochs", &ClusterProbes::fetches_of_new_epochs},
    {"isr_shrinks", &ClusterProbes::isr_shrinks},
    {"isr_expansions", &ClusterProbes::isr_expansions},
    {"elections", &ClusterProbes::elections},
    {"elr_elections", &ClusterProbes::elr_elections},
    {"leaderless", &ClusterProbes::leaderless},
    {"fencings", &ClusterProbes::fencings},
    {"controller_changes", &ClusterProbes::controller_changes},
    {"kills", &ClusterProbes::kills},
    {"power_cuts", &ClusterProbes::power_cuts},
    {"clean_restarts", &ClusterProbes::clean_restarts},
    {"wipes", &ClusterProbes::wipes},
    {"failed_disks", &ClusterProbes::failed_disks},
    {"snapshots_installed", &ClusterProbes::snapshots_installed},
    {"metadata_snapshots", &ClusterProbes::metadata_snapshots},
    {"alter_partition_refused", &ClusterProbes::alter_partition_refused},
    {"refused_leader_epoch", &ClusterProbes::refused_leader_epoch},
    {"refused_partition_epoch", &ClusterProbes::refused_partition_epoch},
    {"refused_member", &ClusterProbes::refused_member},
    {"alter_partition_unanswered", &ClusterProbes::alter_partition_unanswered},
    {"leader_changed_in_flight", &ClusterProbes::leader_changed_in_flight},
    {"unclean_elections", &ClusterProbes::unclean_elections},
    {"topics_deleted", &ClusterProbes::topics_deleted},
    {"consumed", &ClusterProbes::consumed},
    {"follower_reads", &ClusterProbes::follower_reads},
    {"idempotent_acked", &ClusterProbes::idempotent_acked},
    {"idempotent_retries", &ClusterProbes::idempotent_retries},
    {"late_calls", &ClusterProbes::late_calls},
    {"repeated_calls", &ClusterProbes::repeated_calls},
    {"late_news", &ClusterProbes::late_news},
    {"returned_leaderships", &ClusterProbes::returned_leaderships},
    {"reassignments", &ClusterProbes::reassignments},
    {"cancelled_moves", &ClusterProbes::cancelled_moves},
    {"removed_replicas", &ClusterProbes::removed_replicas},
};

TEST_F(ClusterSimulation, I01_to_I16_HoldOnEverySeed) {
  HoldOnEverySeed(MakeClusterProfile, SeedCount(), 300, kFields);
}

TEST_F(ClusterSimulation, S01_SameSeedSameTrace) { SameSeedSameTrace(MakeClusterProfile, 5); }

TEST_F(ClusterSimulation, AQuietClusterComesUpAndTakesWrites) {
  ClusterProfile profile;
  ClusterWorld world(1, profile);
  ASSERT_TRUE(world.ComeUp()) << world.violation();
  for (int i = 0; i < 50; ++i) {
    world.Produce(0);
    world.RunFor(10);
  }
  world.RunFor(2'000);
  EXPECT_EQ(world.violation(), "");
  EXPECT_GE(world.probes().acked, 40u);
  EXPECT_EQ(world.probes().isr_shrinks, 0u);
}

}  // namespace
}  // namespace weir::sim
