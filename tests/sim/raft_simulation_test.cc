// The Raft simulator as a test: many seeds, each a world of its own (DESIGN D12, RELIABILITY
// R-01..R-16, S-01).
//
//   WEIR_SIM_SEEDS=100000      how many seeds (default 1,000)
//   WEIR_SIM_FIRST_SEED=17     where to begin (default 1)
//   WEIR_SIM_TRACE=1           print every event (use with one seed)
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>

#include "tests/sim/world.h"

namespace weir::sim {
namespace {

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

RunResult RunSeed(uint64_t seed) {
  std::ostream* trace = FromEnvironment("WEIR_SIM_TRACE", 0) != 0 ? &std::cerr : nullptr;
  return World(seed, MakeProfile(seed), trace).Run();
}

void Add(RunResult& sum, const RunResult& result) {
  sum.events += result.events;
  sum.elections += result.elections;
  sum.committed += result.committed;
  sum.membership_changes += result.membership_changes;
  sum.counts.snapshots_installed += result.counts.snapshots_installed;
  sum.counts.snapshot_restarts += result.counts.snapshot_restarts;
  sum.counts.reads_served += result.counts.reads_served;
  sum.counts.timeout_now_sent += result.counts.timeout_now_sent;
  sum.counts.appends_refused += result.counts.appends_refused;
}

void Print(uint64_t seeds, const RunResult& sum) {
  std::cout << seeds << " seeds: " << sum.events << " events, " << sum.elections << " elections, "
            << sum.committed << " entries committed, " << sum.membership_changes
            << " membership changes, " << sum.counts.snapshots_installed << " snapshots installed, "
            << sum.counts.snapshot_restarts << " begun again, " << sum.counts.reads_served
            << " reads, " << sum.counts.timeout_now_sent << " transfers, "
            << sum.counts.appends_refused << " appends refused\n";
}

TEST(RaftSimulation, R01_to_R16_HoldOnEverySeed) {
  const uint64_t first = FromEnvironment("WEIR_SIM_FIRST_SEED", 1);
  const uint64_t seeds = FromEnvironment("WEIR_SIM_SEEDS", 1'000);
  RunResult sum;
  for (uint64_t seed = first; seed < first + seeds; ++seed) {
    const RunResult result = RunSeed(seed);
    ASSERT_EQ(result.violation, "")
        << "seed " << seed << ": run again with WEIR_SIM_FIRST_SEED=" << seed
        << " WEIR_SIM_SEEDS=1 WEIR_SIM_TRACE=1";
    Add(sum, result);
    if (seeds > 1'000 && (seed - first) % 1'000 == 999) {
      std::cout << (seed - first + 1) << " of " << seeds << " seeds pass" << std::endl;
    }
  }
  Print(seeds, sum);
  if (seeds < 100) return;
  // A simulation in which nothing happens proves nothing (RELIABILITY F-49).
  EXPECT_GT(sum.elections, seeds);
  EXPECT_GT(sum.committed, 10 * seeds);
  EXPECT_GT(sum.membership_changes, 0u);
  EXPECT_GT(sum.counts.snapshots_installed, 0u);
  EXPECT_GT(sum.counts.snapshot_restarts, 0u);
  EXPECT_GT(sum.counts.reads_served, 0u);
  EXPECT_GT(sum.counts.timeout_now_sent, 0u);
  EXPECT_GT(sum.counts.appends_refused, 0u);
}

TEST(RaftSimulation, S01_SameSeedSameTrace) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const RunResult once = RunSeed(seed);
    const RunResult again = RunSeed(seed);
    EXPECT_EQ(once.trace_hash, again.trace_hash) << "seed " << seed;
    EXPECT_EQ(once.events, again.events) << "seed " << seed;
    EXPECT_NE(once.trace_hash, RunSeed(seed + 1'000'000).trace_hash) << "seed " << seed;
  }
}

}  // namespace
}  // namespace weir::sim
