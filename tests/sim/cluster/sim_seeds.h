// What the tests of the cluster simulator take from the environment:
//
//   WEIR_SIM_SEEDS=50000       how many seeds (default 300)
//   WEIR_SIM_FIRST_SEED=17     where to begin (default 1)
//   WEIR_SIM_TRACE=1           print what happens (use with one seed)
//   WEIR_SIM_LOG=1             and what the nodes log
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <string>

#include "common/runtime/log.h"

namespace weir::sim {

inline uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}
inline uint64_t FirstSeed() { return FromEnvironment("WEIR_SIM_FIRST_SEED", 1); }
inline uint64_t SeedCount() { return FromEnvironment("WEIR_SIM_SEEDS", 300); }

inline std::ostream* Trace() {
  return FromEnvironment("WEIR_SIM_TRACE", 0) != 0 ? &std::cerr : nullptr;
}

inline std::string RunAgain(uint64_t seed) {
  return "seed " + std::to_string(seed) +
         ": run again with WEIR_SIM_FIRST_SEED=" + std::to_string(seed) +
         " WEIR_SIM_SEEDS=1 WEIR_SIM_TRACE=1";
}

// A suite of worlds.
class SimulationTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    const bool log = FromEnvironment("WEIR_SIM_LOG", 0) != 0;
    ASSERT_TRUE(InitLog({.level = log ? LogLevel::kDebug : LogLevel::kError}).has_value());
  }
};

}  // namespace weir::sim
