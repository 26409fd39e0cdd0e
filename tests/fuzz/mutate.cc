// Mutation and the seeded loop.
#include <algorithm>

#include "tests/fuzz/targets.h"

namespace weir::fuzz {
namespace {

using namespace std::string_view_literals;

constexpr size_t kInputBytesMax = 64 * 1024;

// Lengths and counts that break careless readers, in all encodings of the protocol.
constexpr std::string_view kHostile[] = {
    "\xff\xff"sv,
    "\x80\x00"sv,
    "\x7f\xff"sv,
    "\xff\xff\xff\xff"sv,
    "\x80\x00\x00\x00"sv,
    "\x7f\xff\xff\xff"sv,
    "\x00\x00\x00\x00"sv,
    "\xff\xff\xff\xff\x0f"sv,
    "\xfe\xff\xff\xff\x0f"sv,
    "\xff\xff\xff\xff\xff\xff\xff\xff"sv,
};

void MutateOnce(Prng& prng, std::string& input, std::string_view other) {
  const size_t at = input.empty() ? 0 : prng.Below(input.size());
  switch (prng.Below(7)) {
    case 0:
      if (!input.empty()) input[at] = static_cast<char>(input[at] ^ (1 << prng.Below(8)));
      break;
    case 1:
      if (!input.empty()) input[at] = static_cast<char>(prng.Next());
      break;
    case 2:
      input.erase(at, 1 + prng.Below(8));
      break;
    case 3:
      input.insert(at, 1 + prng.Below(8), static_cast<char>(prng.Next()));
      break;
    case 4: {
      const std::string_view hostile = kHostile[prng.Below(std::size(kHostile))];
      input.replace(at, prng.Chance(1, 2) ? hostile.size() : 0, hostile);
      break;
    }
    case 5:
      input.resize(at);
      break;
    case 6:
      if (!other.empty()) {
        const size_t begin = prng.Below(other.size());
        input.insert(at, other.substr(begin, 1 + prng.Below(64)));
      }
      break;
  }
}

}  // namespace

const Target* FindTarget(std::string_view name) {
  for (const Target& target : AllTargets()) {
    if (target.name == name) return &target;
  }
  return nullptr;
}

std::string Mutate(Prng& prng, std::string input, std::string_view other) {
  for (uint64_t left = prng.Below(5); left > 0; --left) MutateOnce(prng, input, other);
  if (input.size() > kInputBytesMax) input.resize(kInputBytesMax);
  return input;
}

void RunSeeded(const Target& target, uint64_t seed, uint64_t first, uint64_t runs) {
  Prng seeds_prng(seed);
  const std::vector<std::string> seeds = target.seeds(seeds_prng);
  for (uint64_t number = first; number < first + runs; ++number) {
    Prng prng(seed * 1'000'003 + number);
    const std::string& base = seeds[prng.Below(seeds.size())];
    const std::string& other = seeds[prng.Below(seeds.size())];
    target.run(Mutate(prng, base, other));
  }
}

}  // namespace weir::fuzz
