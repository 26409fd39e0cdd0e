// Every error name and number against the protocol's table (tests/data/error_codes.tsv).
#include "common/base/error_code.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

namespace weir {
namespace {

TEST(ErrorCode, AllOfTheProtocolsTable) {
  std::ifstream table(std::string(WEIR_SOURCE_DIR) + "/tests/data/error_codes.tsv");
  ASSERT_TRUE(table) << "tests/data/error_codes.tsv is missing";
  std::string line;
  std::getline(table, line);
  int codes = 0;
  while (std::getline(table, line)) {
    std::istringstream fields(line);
    int number = 0;
    std::string name;
    ASSERT_TRUE(fields >> number >> name) << line;
    EXPECT_EQ(static_cast<int>(ErrorCodeFromNumber(number)), number);
    EXPECT_EQ(ErrorName(ErrorCodeFromNumber(number)), name);
    ++codes;
  }
  EXPECT_GT(codes, 130);
}

}  // namespace
}  // namespace weir
