// targets.h: the fuzz targets. Each takes any bytes and must neither crash nor break its law; what
// it holds to is checked with WEIR_CHECK, so that a sanitizer-free build finds it too.
//
// Run as a test (fuzz_test.cc: a short seeded run of each), by hand (main.cc: long runs, replay of
// files), or under libFuzzer where the compiler is clang (libfuzzer.cc). Thread rule: one thread.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/prng.h"

namespace weir::fuzz {

struct Target {
  const char* name;
  void (*run)(std::string_view input);
  // Valid inputs to start from.
  std::vector<std::string> (*seeds)(Prng& prng);
};

std::span<const Target> AllTargets();

// The target of that name; null when there is none.
const Target* FindTarget(std::string_view name);

// One random change to `input`, or several: bits, bytes, cuts, repeats, hostile integers, parts of
// `other`.
std::string Mutate(Prng& prng, std::string input, std::string_view other);

// Runs the target on `runs` inputs that follow from `seed` and their number alone, beginning with
// number `first`: the same numbers give the same inputs, so that a crash can be run again alone.
void RunSeeded(const Target& target, uint64_t seed, uint64_t first, uint64_t runs);

}  // namespace weir::fuzz
