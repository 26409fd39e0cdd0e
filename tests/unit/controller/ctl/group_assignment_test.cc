// Assignments as members have them: Kafka's bytes, and others'.
#include "controller/ctl/group_assignment.h"

#include <gtest/gtest.h>

#include <string>

namespace weir::ctl {
namespace {

// Version 1: topic "b" 3 and 1, topic "a" 0; no user data.
const std::string kBytes(
    "\0\x01\0\0\0\x02\0\x01"
    "b\0\0\0\x02\0\0\0\x03\0\0\0\x01\0\x01"
    "a\0\0\0\x01\0\0\0\0\xff\xff\xff\xff",
    36);

TEST(GroupAssignment, IsReadInOrder) {
  EXPECT_EQ(ParseAssignment(kBytes).value(), (Assignment{{"a", 0}, {"b", 1}, {"b", 3}}));
  EXPECT_EQ(ParseAssignment("").value(), Assignment());
}

TEST(GroupAssignment, BytesOfOtherProtocolsAreRefused) {
  // The user data may be missing: it is not looked at.
  for (size_t size = 1; size < kBytes.size() - 4; ++size) {
    EXPECT_FALSE(ParseAssignment(kBytes.substr(0, size)).has_value()) << size;
  }
  EXPECT_FALSE(ParseAssignment("\xff\xff\0\0\0\0").has_value());
  EXPECT_FALSE(ParseAssignment("{\"error\":0}").has_value());
}

}  // namespace
}  // namespace weir::ctl
