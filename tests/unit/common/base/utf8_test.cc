// Bytes that are text, and bytes that are not.
#include "common/base/utf8.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(Utf8, TextStaysAsItIs) {
  for (const char* text : {"", "orders", "b\u00fcro", "\u20ac", "\U0001f600", "\U0010ffff"}) {
    EXPECT_EQ(ToUtf8(text), text);
  }
  EXPECT_EQ(ToUtf8(std::string_view("a\0b", 3)), std::string_view("a\0b", 3));
}

TEST(Utf8, WhatIsNoTextIsMarked) {
  EXPECT_EQ(ToUtf8("a\xff\xfe"), "a??");
  EXPECT_EQ(ToUtf8("\x80z"), "?z");
  EXPECT_EQ(ToUtf8("\xc3"), "?");                 // cut off
  EXPECT_EQ(ToUtf8("\xc0\xaf"), "??");            // longer than needed
  EXPECT_EQ(ToUtf8("\xed\xa0\x80"), "???");       // a surrogate
  EXPECT_EQ(ToUtf8("\xf4\x90\x80\x80"), "????");  // beyond the last code point
}

TEST(Utf8, APrefixEndsBetweenTwoCharacters) {
  EXPECT_EQ(PrefixOf("orders", 6), "orders");
  EXPECT_EQ(PrefixOf("orders", 5), "order");
  EXPECT_EQ(PrefixOf("a\u20acb", 4), "a\u20ac");
  EXPECT_EQ(PrefixOf("a\u20acb", 3), "a");
  EXPECT_EQ(PrefixOf("a\u20acb", 2), "a");
  EXPECT_EQ(PrefixOf("\U0001f600", 3), "");
  EXPECT_EQ(PrefixOf("", 0), "");
}

}  // namespace
}  // namespace weir
