// Suites of the cluster simulator that run many seeds, each a world of its own; the environment is
// in sim_seeds.h.
#pragma once

#include <cstdint>
#include <span>

#include "tests/sim/cluster/cluster_world.h"
#include "tests/sim/cluster/sim_seeds.h"

namespace weir::sim {

// Something that happens in worlds, and how often it did.
struct ProbeField {
  const char* name;
  uint64_t ClusterProbes::*count;
};

class SeedRuns : public SimulationTest {
 protected:
  using ProfileOf = ClusterProfile (*)(uint64_t seed);

  // Fails at the first seed whose world breaks a law. Prints how often each of `fields` happened;
  // from `telling` seeds on each must have: a simulation in which nothing happens proves nothing
  // (F-49).
  static void HoldOnEverySeed(ProfileOf profile_of, uint64_t seeds, uint64_t telling,
                              std::span<const ProbeField> fields);
  // S-01, for `seeds` of them.
  static void SameSeedSameTrace(ProfileOf profile_of, uint64_t seeds);
};

}  // namespace weir::sim
