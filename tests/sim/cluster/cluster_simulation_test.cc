// The cluster simulator as a test: many seeds, each a world of its own (DESIGN D12, RELIABILITY
// I-01..I-16, I-43, S-01, S-10).
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <iostream>

#include "tests/sim/cluster/cluster_world.h"
#include "tests/sim/cluster/sim_seeds.h"

namespace weir::sim {
namespace {

ClusterResult RunSeed(uint64_t seed) {
  return ClusterWorld(seed, MakeClusterProfile(seed), Trace()).Run();
}

class ClusterSimulation : public SimulationTest {};

struct Sum {
  ClusterProbes probes;
  uint64_t events = 0;
  int64_t simulated_ms = 0;
  int64_t healed_after_ms_max = 0;

  void Add(const ClusterResult& result) {
    const ClusterProbes& from = result.probes;
    for (const auto field : kFields) probes.*field.count += from.*field.count;
    events += result.events;
    simulated_ms += result.simulated_ms;
    healed_after_ms_max = std::max(healed_after_ms_max, result.healed_after_ms);
  }

  struct Field {
    const char* name;
    uint64_t ClusterProbes::*count;
  };
  static constexpr Field kFields[] = {
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
};

TEST_F(ClusterSimulation, I01_to_I16_HoldOnEverySeed) {
  const uint64_t first = FirstSeed();
  const uint64_t seeds = SeedCount();
  const auto begun = std::chrono::steady_clock::now();
  Sum sum;
  for (uint64_t seed = first; seed < first + seeds; ++seed) {
    const ClusterResult result = RunSeed(seed);
    ASSERT_EQ(result.violation, "") << RunAgain(seed);
    sum.Add(result);
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  std::cout << seeds << " seeds: " << sum.events << " events, " << sum.simulated_ms / 1'000
            << " simulated seconds, "
            << static_cast<int64_t>(static_cast<double>(sum.simulated_ms) / 1e3 / took.count())
            << " per second; healed after " << sum.healed_after_ms_max << " ms at most\n";
  for (const Sum::Field& field : Sum::kFields) {
    std::cout << "  " << field.name << " " << sum.probes.*field.count << "\n";
    // A simulation in which nothing happens proves nothing (F-49).
    if (seeds >= 300) {
      EXPECT_GT(sum.probes.*field.count, 0u) << field.name;
    }
  }
}

TEST_F(ClusterSimulation, S01_SameSeedSameTrace) {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    const ClusterResult once = RunSeed(seed);
    const ClusterResult again = RunSeed(seed);
    EXPECT_EQ(once.trace_hash, again.trace_hash) << "seed " << seed;
    EXPECT_EQ(once.events, again.events) << "seed " << seed;
    EXPECT_NE(once.trace_hash, RunSeed(seed + 1'000'000).trace_hash) << "seed " << seed;
  }
}

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
