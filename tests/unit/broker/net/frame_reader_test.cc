// FrameReader: splitting, gathering and bounding frames.
#include "broker/net/frame_reader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "common/base/prng.h"

namespace weir::net {
namespace {

std::string FrameOf(const std::string& body) {
  const auto size = static_cast<uint32_t>(body.size());
  std::string frame;
  for (int shift = 24; shift >= 0; shift -= 8) frame.push_back(static_cast<char>(size >> shift));
  return frame + body;
}

// Feeds `bytes` in reads of at most `read_bytes_max` and collects the frames.
Result<std::vector<std::string>> Feed(FrameReader& reader, std::string_view bytes,
                                      size_t read_bytes_max) {
  std::vector<std::string> frames;
  while (!bytes.empty()) {
    const FrameReader::Spans spans = reader.PrepareRead();
    EXPECT_GT(spans[0].size, 0u);
    size_t read = std::min({bytes.size(), read_bytes_max, spans[0].size + spans[1].size});
    const size_t first = std::min(read, spans[0].size);
    std::memcpy(spans[0].data, bytes.data(), first);
    if (read > first) std::memcpy(spans[1].data, bytes.data() + first, read - first);
    bytes.remove_prefix(read);
    reader.Commit(read);
    for (;;) {
      WEIR_ASSIGN_OR_RETURN(std::optional<SharedBytes> frame, reader.Next());
      if (!frame) break;
      frames.emplace_back(frame->view());
    }
  }
  return frames;
}

TEST(FrameReader, FramesComeOutWholeHoweverTheyAreSplit) {
  Prng prng(7);
  for (const size_t read_bytes_max : {1u, 3u, 100u, 4096u, 70'000u, 1'000'000u}) {
    std::string stream;
    std::vector<std::string> sent;
    for (int i = 0; i < 30; ++i) {
      const size_t size =
          i % 3 == 0 ? prng.Below(20) : prng.Below(read_bytes_max == 1 ? 50 : 60'000);
      sent.push_back(std::string(size, static_cast<char>('a' + i % 26)));
      stream += FrameOf(sent.back());
    }
    FrameReader reader(1 << 20);
    const auto frames = Feed(reader, stream, read_bytes_max);
    ASSERT_TRUE(frames.has_value());
    EXPECT_EQ(*frames, sent) << read_bytes_max;
    EXPECT_FALSE(reader.InsideFrame());
  }
}

TEST(FrameReader, EmptyFrameIsAFrame) {
  FrameReader reader(100);
  const auto frames = Feed(reader, FrameOf("") + FrameOf("x"), 100);
  ASSERT_TRUE(frames.has_value());
  EXPECT_EQ(*frames, (std::vector<std::string>{"", "x"}));
}

TEST(FrameReader, X01_OversizedFrameIsRefusedBeforeAllocation) {
  FrameReader reader(1000);
  const FrameReader::Spans spans = reader.PrepareRead();
  const size_t offered = spans[0].size;
  std::memcpy(spans[0].data, "\x00\x00\x03\xe9", 4);  // 1001
  reader.Commit(4);
  const auto frame = reader.Next();
  ASSERT_FALSE(frame.has_value());
  EXPECT_EQ(frame.error().code, ErrorCode::kInvalidRequest);
  EXPECT_LE(offered, 64u * 1024);
}

TEST(FrameReader, X01_NegativeSizeIsRefused) {
  FrameReader reader(1000);
  EXPECT_FALSE(Feed(reader, std::string("\xff\xff\xff\xff", 4), 4).has_value());
}

TEST(FrameReader, X05_ClaimedSizeAloneAllocatesLittle) {
  FrameReader reader(100 << 20);
  const FrameReader::Spans first = reader.PrepareRead();
  std::memcpy(first[0].data, "\x06\x00\x00\x00", 4);  // 96 MiB
  reader.Commit(4);
  ASSERT_TRUE(reader.Next().has_value());
  const FrameReader::Spans second = reader.PrepareRead();
  EXPECT_LE(second[0].size + second[1].size, 64u * 1024);
}

TEST(FrameReader, RepeatedLargeFramesGetBuffersOfTheirSize) {
  FrameReader reader(1 << 20);
  const std::string frame = FrameOf(std::string(200'000, 'r'));
  ASSERT_TRUE(Feed(reader, frame + frame, 1 << 20).has_value());
  // The third: whoever keeps it keeps little more than the frame itself.
  size_t retained = 0;
  std::string_view bytes = frame;
  while (retained == 0) {
    const FrameReader::Spans spans = reader.PrepareRead();
    const size_t read = std::min(bytes.size(), spans[0].size);
    std::memcpy(spans[0].data, bytes.data(), read);
    bytes.remove_prefix(read);
    reader.Commit(read);
    auto next = reader.Next();
    ASSERT_TRUE(next.has_value());
    if (next->has_value()) retained = (*next)->retained_bytes();
  }
  EXPECT_EQ(retained, frame.size());
}

TEST(FrameReader, IdleReaderHoldsNoMemoryAndGoesOn) {
  FrameReader reader(1000);
  ASSERT_TRUE(Feed(reader, FrameOf("one"), 100).has_value());
  reader.ReleaseIdleMemory();
  const auto frames = Feed(reader, FrameOf("two"), 100);
  ASSERT_TRUE(frames.has_value());
  EXPECT_EQ(*frames, std::vector<std::string>{"two"});
}

}  // namespace
}  // namespace weir::net
