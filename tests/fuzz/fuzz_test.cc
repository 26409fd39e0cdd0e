// A short seeded run of every fuzz target, so that the targets themselves stay alive and the plain
// mistakes are found on every test run. Long runs: weir-fuzz.
#include <gtest/gtest.h>

#include "tests/fuzz/targets.h"

namespace weir::fuzz {
namespace {

class FuzzTarget : public testing::TestWithParam<const char*> {};

TEST_P(FuzzTarget, X47_SurvivesSeededInputs) {
  const Target* target = FindTarget(GetParam());
  ASSERT_NE(target, nullptr);
  RunSeeded(*target, 1, 0, 20'000);
}

std::vector<const char*> TargetNames() {
  std::vector<const char*> names;
  for (const Target& target : AllTargets()) names.push_back(target.name);
  return names;
}

INSTANTIATE_TEST_SUITE_P(Wire, FuzzTarget, testing::ValuesIn(TargetNames()),
                         [](const auto& info) { return std::string(info.param); });

// The law that lets a crash be run again alone.
TEST(FuzzLoop, SameSeedAndNumberGiveTheSameInput) {
  Prng first(5);
  Prng second(5);
  for (int i = 0; i < 1'000; ++i) {
    ASSERT_EQ(Mutate(first, "some valid input", "other"),
              Mutate(second, "some valid input", "other"));
  }
}

}  // namespace
}  // namespace weir::fuzz
