// Log lines: key=value text that a person and a program can read, and the same as JSON.
#include "common/runtime/log.h"

#include <gtest/gtest.h>

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

TEST(Log, LevelsHaveFourNames) {
  EXPECT_EQ(ParseLogLevel("warn").value(), LogLevel::kWarn);
  EXPECT_EQ(ParseLogLevel("loud").error().code, ErrorCode::kInvalidConfig);
}

}  // namespace
}  // namespace weir
