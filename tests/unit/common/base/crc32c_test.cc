// CRC-32C: published vectors, and the fast path against the plain one at every length and
// alignment.
#include "common/base/crc32c.h"

#include <gtest/gtest.h>

#include <string>

#include "common/base/prng.h"

namespace weir {
namespace {

// The polynomial, one bit at a time: slow and obviously right.
uint32_t BitwiseCrc32c(std::string_view bytes) {
  uint32_t crc = 0xffffffff;
  for (char byte : bytes) {
    crc ^= static_cast<uint8_t>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) ? 0x82f63b78 : 0);
  }
  return ~crc;
}

TEST(Crc32c, PublishedVectors) {
  EXPECT_EQ(Crc32c("123456789"), 0xe3069283u);
  // RFC 3720, appendix B.4.
  EXPECT_EQ(Crc32c(std::string(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(Crc32c(std::string(32, '\xff')), 0x62a8ab43u);
  EXPECT_EQ(Crc32c(""), 0u);
}

TEST(Crc32c, BothImplementationsAgreeWithTheDefinition) {
  Prng prng(1);
  std::string data(40'000, '\0');
  for (char& c : data) c = static_cast<char>(prng.Next());
  for (size_t size :
       {0, 1, 7, 8, 9, 63, 767, 768, 769, 1'535, 4'096, 12'287, 12'288, 13'000, 24'576, 39'000}) {
    for (size_t begin : {0, 1, 3, 8}) {
      const std::string_view slice = std::string_view(data).substr(begin, size);
      const uint32_t expected = BitwiseCrc32c(slice);
      EXPECT_EQ(Crc32cExtendPortable(0, slice.data(), slice.size()), expected) << size;
      if (Crc32cIsHardware()) {
        EXPECT_EQ(Crc32cExtendHardware(0, slice.data(), slice.size()), expected) << size;
      }
    }
  }
}

TEST(Crc32c, ExtendsInPieces) {
  const std::string text(20'000, 'w');
  for (size_t cut : {0, 1, 100, 12'288, 19'999, 20'000}) {
    const uint32_t first = Crc32cExtend(0, text.data(), cut);
    EXPECT_EQ(Crc32cExtend(first, text.data() + cut, text.size() - cut), Crc32c(text));
  }
}

}  // namespace
}  // namespace weir
