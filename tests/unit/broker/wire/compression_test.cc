// The four codecs: round trips, foreign framings, corrupt input and ratio bombs.
#include "broker/wire/compression.h"

#include <gtest/gtest.h>
#include <snappy.h>

#include "common/base/prng.h"

namespace weir::wire {
namespace {

constexpr CompressionType kAll[] = {CompressionType::kNone, CompressionType::kGzip,
                                    CompressionType::kSnappy, CompressionType::kLz4,
                                    CompressionType::kZstd};
constexpr size_t kPlenty = 64 * 1024 * 1024;

std::string Text(size_t bytes) {
  std::string text;
  for (size_t i = 0; text.size() < bytes; ++i) text += "line " + std::to_string(i * 7919) + "\n";
  text.resize(bytes);
  return text;
}

TEST(Compression, RoundTripsAtEverySize) {
  for (const CompressionType type : kAll) {
    for (const size_t size : {0, 1, 100, 32'768, 32'769, 65'536, 1'000'000}) {
      const std::string text = Text(size);
      Result<std::string> back = Decompress(type, Compress(type, text), kPlenty);
      ASSERT_TRUE(back) << CompressionName(type) << " " << size << " " << back.error().message;
      EXPECT_TRUE(*back == text) << CompressionName(type) << " " << size;
    }
  }
}

TEST(Compression, BoundIsExact) {
  for (const CompressionType type : kAll) {
    const std::string packed = Compress(type, Text(100'000));
    EXPECT_TRUE(Decompress(type, packed, 100'000)) << CompressionName(type);
    Result<std::string> refused = Decompress(type, packed, 99'999);
    ASSERT_FALSE(refused) << CompressionName(type);
    EXPECT_EQ(refused.error().code, ErrorCode::kMessageTooLarge);
  }
}

TEST(Compression, X07_RatioBombsStopAtTheBound) {
  const std::string zeros(50'000'000, '\0');
  for (const CompressionType type : kAll) {
    if (type == CompressionType::kNone) continue;
    const std::string packed = Compress(type, zeros);
    Result<std::string> refused = Decompress(type, packed, 1'000'000);
    ASSERT_FALSE(refused) << CompressionName(type);
    EXPECT_EQ(refused.error().code, ErrorCode::kMessageTooLarge) << CompressionName(type);
  }
}

TEST(Compression, RawSnappyIsReadToo) {
  std::string packed;
  const std::string text = Text(10'000);
  snappy::Compress(text.data(), text.size(), &packed);
  Result<std::string> back = Decompress(CompressionType::kSnappy, packed, kPlenty);
  ASSERT_TRUE(back);
  EXPECT_EQ(*back, text);
}

TEST(Compression, ConcatenatedGzipMembersAreRead) {
  const std::string packed =
      Compress(CompressionType::kGzip, "one ") + Compress(CompressionType::kGzip, "two");
  EXPECT_EQ(Decompress(CompressionType::kGzip, packed, kPlenty), "one two");
}

TEST(Compression, X07_CutAndDamagedInputIsCorrupt) {
  Prng prng(3);
  for (const CompressionType type : kAll) {
    if (type == CompressionType::kNone) continue;
    const std::string packed = Compress(type, Text(3'000));
    for (size_t size = 0; size + 1 < packed.size(); size += 1 + size / 16) {
      Result<std::string> back = Decompress(type, packed.substr(0, size), 100'000);
      // A cut between snappy blocks is whole again; everything else is not.
      if (!back) {
        EXPECT_EQ(back.error().code, ErrorCode::kCorruptMessage) << CompressionName(type);
      }
      if (type != CompressionType::kSnappy) {
        EXPECT_FALSE(back) << CompressionName(type) << size;
      }
    }
    for (int i = 0; i < 300; ++i) {
      std::string damaged = packed;
      damaged[prng.Below(damaged.size())] = static_cast<char>(prng.Next());
      Result<std::string> back = Decompress(type, damaged, 100'000);
      if (back) {
        EXPECT_LE(back->size(), 100'000u);
      }
    }
  }
}

TEST(Compression, NamesAreThoseOfTheConfiguration) {
  for (const CompressionType type : kAll) EXPECT_EQ(ParseCompression(CompressionName(type)), type);
  EXPECT_EQ(CompressionName(CompressionType::kZstd), "zstd");
  EXPECT_FALSE(ParseCompression("brotli"));
}

}  // namespace
}  // namespace weir::wire
