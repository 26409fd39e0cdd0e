// Log lines: key=value text that a person and a program can read, and the same as JSON.
#include "common/runtime/log.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "tests/support/scratch_directory.h"

namespace weir {
namespace {

TEST(Log, TextQuotesOnlyWhatNeedsIt) {
  EXPECT_EQ(FormatLogLine(false, "quorum", "became leader",
                          {{"term", Term(3)}, {"ok", true}, {"name", "a b"}, {"host", "h:1"}}),
            R"(room=quorum event="became leader" term=3 ok=true name="a b" host=h:1)");
  EXPECT_EQ(FormatLogLine(false, "net", "refused", {{"text", "say \"hi\"\n"}, {"empty", ""}}),
            R"(room=net event="refused" text="say \"hi\"\n" empty="")");
}

TEST(Log, JsonEscapesControlCharacters) {
  EXPECT_EQ(FormatLogLine(true, "net", "refused", {{"bytes", 5}, {"text", std::string("a\x01\\")}}),
            R"("room":"net","event":"refused","bytes":5,"text":"a\u0001\\"})");
}

TEST(Log, AValueIsUtf8AndNotLongerThanCollectorsTake) {
  EXPECT_EQ(FormatLogLine(true, "net", "refused",
                          {{"client",
                            "a\xff"
                            "b"}}),
            R"("room":"net","event":"refused","client":"a?b"})");
  const std::string long_name = std::string(4095, 'n') + "\u00fc" + std::string(100'000, 'n');
  EXPECT_EQ(FormatLogLine(false, "net", "refused", {{"client", long_name}}),
            "room=net event=\"refused\" client=" + std::string(4095, 'n') + "...");
}

TEST(Log, AFileHasTheNamesOfTheLevelsThatTheConfigurationTakes) {
  test::ScratchDirectory scratch;
  const std::string path = scratch.path() + "/log";
  for (const bool json : {false, true}) {
    ASSERT_TRUE(InitLog({.level = LogLevel::kInfo, .json = json, .file = path}).has_value());
    LogWarn("net", "refused");
  }
  ASSERT_TRUE(InitLog({}).has_value());
  std::ifstream file(path);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  EXPECT_NE(text.find("Z warn  room=net event=\"refused\"\n"), std::string::npos) << text;
  EXPECT_NE(text.find("Z\",\"level\":\"warn\",\"room\":\"net\",\"event\":\"refused\"}\n"),
            std::string::npos)
      << text;
}

TEST(Log, LevelsHaveFourNames) {
  EXPECT_EQ(ParseLogLevel("warn").value(), LogLevel::kWarn);
  EXPECT_EQ(ParseLogLevel("loud").error().code, ErrorCode::kInvalidConfig);
}

}  // namespace
}  // namespace weir
