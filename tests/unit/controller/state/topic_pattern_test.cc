// Regular expressions of subscriptions: what is taken, and what would keep the controller busy.
#include "controller/state/groups/topic_pattern.h"

#include <gtest/gtest.h>

#include <string>

namespace weir::state {
namespace {

std::string Repeat(int times, const std::string& text) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

std::string RefusalOf(const std::string& expression) {
  const auto parsed = TopicPattern::Parse(expression);
  if (parsed) return "none";
  EXPECT_EQ(parsed.error().code, ErrorCode::kInvalidRegularExpression);
  return parsed.error().message;
}

TEST(TopicPattern, MatchesWholeNames) {
  const TopicPattern pattern = *TopicPattern::Parse("ord.*|pay-[0-9]+");
  EXPECT_TRUE(pattern.Matches("orders"));
  EXPECT_TRUE(pattern.Matches("pay-17"));
  EXPECT_FALSE(pattern.Matches("pay-17b"));
  EXPECT_FALSE(pattern.Matches("my-orders"));
}

TEST(TopicPattern, TakesWhatPeopleWrite) {
  std::string names = "orders-of-customers";
  for (int i = 0; i < 100; ++i) names += "|orders-of-region-" + std::to_string(i * 7919);
  for (const std::string& expression :
       {names, std::string("(?i)orders[._-](eu|us)-.{1,200}"), std::string("\\pL{1,100}"),
        std::string("[a-z0-9]{1,100}-[a-z0-9]{1,100}"), std::string("caf\u00e9.*|orders")}) {
    EXPECT_EQ(RefusalOf(expression), "none") << expression;
  }
}

// Each of them took up to 50 ms for one name, on the thread that decides everything.
TEST(TopicPattern, D11_WhatTakesLongForOneNameIsRefused) {
  for (const std::string& expression : {std::string("(?:.?){1000}"), Repeat(14, "(?:.?){1000}"),
                                        Repeat(400, "(?:.?){50}"), Repeat(500, "(.*a.{8})|")}) {
    EXPECT_NE(RefusalOf(expression).find("instructions, 2048 at most"), std::string::npos)
        << expression.substr(0, 40) << ": " << RefusalOf(expression);
  }
}

TEST(TopicPattern, SaysWhatIsWrong) {
  EXPECT_NE(RefusalOf("(").find("not valid: missing )"), std::string::npos);
  EXPECT_NE(RefusalOf("a(?!b)").find("not valid"), std::string::npos);
  EXPECT_NE(RefusalOf(std::string(9'000, 'a')).find("has 9000 bytes"), std::string::npos);
}

}  // namespace
}  // namespace weir::state
