// weir-fuzz: runs a fuzz target on files, or on seeded random inputs.
//
//   weir-fuzz TARGET FILE...            replay
//   weir-fuzz TARGET SEED RUNS [FIRST]  inputs FIRST… of SEED; prints where it is every 100,000
// Thread rule: one thread.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "tests/fuzz/targets.h"

namespace {

constexpr uint64_t kRunsPerLine = 100'000;

int Usage() {
  std::fprintf(stderr, "usage: weir-fuzz TARGET FILE... | weir-fuzz TARGET SEED RUNS [FIRST]\n");
  for (const weir::fuzz::Target& target : weir::fuzz::AllTargets()) {
    std::fprintf(stderr, "  %s\n", target.name);
  }
  return 2;
}

bool IsNumber(const char* text) {
  return std::string_view(text).find_first_not_of("0123456789") == std::string_view::npos;
}

void RunLong(const weir::fuzz::Target& target, uint64_t seed, uint64_t runs, uint64_t first) {
  for (uint64_t done = 0; done < runs; done += kRunsPerLine) {
    std::printf("%s seed=%llu from=%llu\n", target.name, static_cast<unsigned long long>(seed),
                static_cast<unsigned long long>(first + done));
    std::fflush(stdout);
    weir::fuzz::RunSeeded(target, seed, first + done, std::min(kRunsPerLine, runs - done));
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return Usage();
  const weir::fuzz::Target* target = weir::fuzz::FindTarget(argv[1]);
  if (target == nullptr) return Usage();
  if (argc >= 4 && IsNumber(argv[2]) && IsNumber(argv[3])) {
    const uint64_t first = argc > 4 ? std::strtoull(argv[4], nullptr, 10) : 0;
    RunLong(*target, std::strtoull(argv[2], nullptr, 10), std::strtoull(argv[3], nullptr, 10),
            first);
    return 0;
  }
  for (int i = 2; i < argc; ++i) {
    std::ifstream file(argv[i], std::ios::binary);
    if (!file) return Usage();
    const std::string input{std::istreambuf_iterator<char>(file), {}};
    target->run(input);
    std::printf("%s %s: %zu bytes, fine\n", target->name, argv[i], input.size());
  }
  return 0;
}
