// SeedRuns: see seed_runs.h.
#include "tests/sim/cluster/seed_runs.h"

#include <algorithm>
#include <chrono>
#include <iostream>

namespace weir::sim {

void SeedRuns::HoldOnEverySeed(ProfileOf profile_of, uint64_t seeds, uint64_t telling,
                               std::span<const ProbeField> fields) {
  const uint64_t first = FirstSeed();
  const auto begun = std::chrono::steady_clock::now();
  ClusterProbes sum;
  uint64_t events = 0;
  int64_t simulated_ms = 0;
  int64_t healed_after_ms_max = 0;
  for (uint64_t seed = first; seed < first + seeds; ++seed) {
    const ClusterResult result = ClusterWorld(seed, profile_of(seed), Trace()).Run();
    ASSERT_EQ(result.violation, "") << RunAgain(seed);
    for (const ProbeField& field : fields) sum.*field.count += result.probes.*field.count;
    events += result.events;
    simulated_ms += result.simulated_ms;
    healed_after_ms_max = std::max(healed_after_ms_max, result.healed_after_ms);
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  std::cout << seeds << " seeds: " << events << " events, " << simulated_ms / 1'000
            << " simulated seconds, "
            << static_cast<int64_t>(static_cast<double>(simulated_ms) / 1e3 / took.count())
            << " per second; healed after " << healed_after_ms_max << " ms at most\n";
  for (const ProbeField& field : fields) {
    std::cout << "  " << field.name << " " << sum.*field.count << "\n";
    if (seeds >= telling) {
      EXPECT_GT(sum.*field.count, 0u) << field.name;
    }
  }
}

void SeedRuns::SameSeedSameTrace(ProfileOf profile_of, uint64_t seeds) {
  const auto run = [&](uint64_t seed) { return ClusterWorld(seed, profile_of(seed)).Run(); };
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    const ClusterResult once = run(seed);
    const ClusterResult again = run(seed);
    EXPECT_EQ(once.trace_hash, again.trace_hash) << "seed " << seed;
    EXPECT_EQ(once.events, again.events) << "seed " << seed;
    EXPECT_NE(once.trace_hash, run(seed + 1'000'000).trace_hash) << "seed " << seed;
  }
}

}  // namespace weir::sim
