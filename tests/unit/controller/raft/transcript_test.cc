// Every script of tests/data/raft, byte for byte (RELIABILITY R-53).
// WEIR_REWRITE=1 writes what the scripts print now back into them; read the difference before it
// is committed.
#include "tests/unit/controller/raft/transcript.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace weir::raft {
namespace {

std::vector<std::filesystem::path> Scripts() {
  std::vector<std::filesystem::path> scripts;
  for (const auto& file : std::filesystem::directory_iterator(WEIR_SOURCE_DIR "/tests/data/raft")) {
    if (file.path().extension() == ".txt") scripts.push_back(file.path());
  }
  std::sort(scripts.begin(), scripts.end());
  return scripts;
}

class RaftTranscript : public testing::TestWithParam<std::filesystem::path> {};

TEST_P(RaftTranscript, R53_PrintsWhatItPrinted) {
  std::ifstream file(GetParam());
  const std::string script((std::istreambuf_iterator<char>(file)), {});
  const std::string now = Transcript().Run(script);
  if (std::getenv("WEIR_REWRITE") != nullptr) {
    std::ofstream(GetParam()) << now;
    return;
  }
  EXPECT_EQ(now, script) << "WEIR_REWRITE=1 rewrites " << GetParam();
}

TEST(RaftTranscripts, R53_AreAtLeastForty) { EXPECT_GE(Scripts().size(), 40u); }

INSTANTIATE_TEST_SUITE_P(Scripts, RaftTranscript, testing::ValuesIn(Scripts()),
                         [](const auto& info) {
                           std::string name = info.param.stem();
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace weir::raft
