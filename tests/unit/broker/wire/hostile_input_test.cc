// Bytes that an attacker would send: hostile lengths at every place of every message, and the bound
// on memory.
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

#include "broker/wire/codec.h"
#include "broker/wire/messages/api_versions.h"
#include "broker/wire/messages/fetch.h"
#include "broker/wire/messages/groups.h"
#include "broker/wire/messages/metadata.h"
#include "tests/fuzz/message_table.h"

namespace {
size_t allocated_bytes = 0;  // by operator new in this binary; tests here have one thread
}  // namespace

// Never inlined: the compiler would see malloc behind new and free behind delete, and warn of a
// mismatch.
[[gnu::noinline]] void* operator new(size_t size) {
  allocated_bytes += size;
  void* memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
[[gnu::noinline]] void* operator new[](size_t size) { return operator new(size); }
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete[](void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete[](void* memory, size_t) noexcept { std::free(memory); }

namespace weir::wire {
namespace {

using namespace std::string_view_literals;

// What stands for a length of -1, -2^31, 2^31 - 1 and near them, in each of the encodings.
constexpr std::string_view kHostile[] = {
    "\xff\xff"sv,
    "\x80\x00"sv,
    "\x7f\xff"sv,
    "\xff\xff\xff\xff"sv,
    "\x80\x00\x00\x00"sv,
    "\x7f\xff\xff\xff"sv,
    "\xff\xff\xff\xff\x0f"sv,
    "\x00"sv,
    "\xff\xff\xff\xff\x1f"sv,
    "\x80\x80\x80\x80\x08"sv,
    "\xff\xff\xff\x7f"sv,
    "\xfe"sv,
};

void DecodeWithinBudget(const MessageRow& row, const std::string& bytes, int16_t version) {
  const SharedBytes body = SharedBytes::Copy(bytes);
  const size_t before = allocated_bytes;
  (void)row.check(body, version);
  const size_t used = allocated_bytes - before;
  // The error's text and the growth of strings stand beside what the decoder counts.
  const size_t budget =
      Decoder::kAllocationFloor + Decoder::kAmplificationMax * bytes.size() + 4096;
  ASSERT_LE(used, budget) << row.info.name << " v" << version;
}

// One random pattern at every place, and every pattern at the first 48.
void PlantHostileLengths(Prng& prng, const MessageRow& row, int16_t version) {
  std::string bytes(row.random(prng, version)->view());
  if (bytes.size() > 1500) bytes.resize(1500);
  for (size_t at = 0; at < bytes.size(); ++at) {
    const uint64_t chosen = prng.Below(std::size(kHostile));
    for (size_t i = 0; i < std::size(kHostile); ++i) {
      if (at >= 48 && i != chosen) continue;
      std::string hostile = bytes;
      hostile.replace(at, kHostile[i].size(), kHostile[i]);
      DecodeWithinBudget(row, hostile, version);
    }
  }
}

TEST(WireHostile, X02_HostileLengthsStayWithinBudget) {
  Prng prng(11);
  for (const MessageRow& row : AllMessages()) {
    for (int16_t v = row.info.versions.first; v <= row.info.versions.last; ++v) {
      PlantHostileLengths(prng, row, v);
    }
  }
}

template <Message M>
ErrorCode CodeOf(std::string_view bytes, int16_t version) {
  const Result<M> decoded = Decode<M>(SharedBytes::Copy(bytes), version);
  return decoded ? ErrorCode::kNone : decoded.error().code;
}

TEST(WireHostile, X02_ArrayCountsAreCheckedBeforeAllocation) {
  for (const std::string_view count :
       {"\x7f\xff\xff\xff"sv, "\x80\x00\x00\x00"sv, "\x00\x00\x00\x05"sv}) {
    const size_t before = allocated_bytes;
    EXPECT_EQ(CodeOf<MetadataRequest>(count, 1), ErrorCode::kInvalidRequest);
    EXPECT_LT(allocated_bytes - before, 2000u);
  }
  // Null topics are fine from version 1, not in version 0.
  EXPECT_EQ(CodeOf<MetadataRequest>("\xff\xff\xff\xff"sv, 1), ErrorCode::kNone);
  EXPECT_EQ(CodeOf<MetadataRequest>("\xff\xff\xff\xff"sv, 0), ErrorCode::kInvalidRequest);
}

TEST(WireHostile, X05_AMillionEmptyStringsAreRefused) {
  FindCoordinatorRequest request;
  request.coordinator_keys.resize(1'000'000);
  const SharedBytes body = EncodeBody(4, request).Flatten();
  EXPECT_LT(body.size(), 1'000'100u);
  const size_t before = allocated_bytes;
  EXPECT_FALSE(Decode<FindCoordinatorRequest>(body, 4));
  EXPECT_LT(allocated_bytes - before, 100'000u);
}

// Where the length is a varint too: what is built from a string of many MiB would be as long.
TEST(WireHostile, X05_AStringIsNoLongerThanKafkas) {
  // FindCoordinatorRequest v4: a key type, and an array of one key of 32,767 or 32,768 bytes.
  const std::string before("\x00\x02", 2);
  EXPECT_EQ(CodeOf<FindCoordinatorRequest>(
                before + "\x80\x80\x02" + std::string(32'767, 'g') + std::string(1, 0), 4),
            ErrorCode::kNone);
  EXPECT_EQ(CodeOf<FindCoordinatorRequest>(
                before + "\x81\x80\x02" + std::string(32'768, 'g') + std::string(1, 0), 4),
            ErrorCode::kInvalidRequest);
}

TEST(WireHostile, X03_TaggedFieldsAreBounded) {
  // ApiVersionsRequest v3: two compact strings, then the tagged section.
  const std::string names("\x02x\x02y");
  EXPECT_EQ(CodeOf<ApiVersionsRequest>(names + std::string(1, 0), 3), ErrorCode::kNone);
  EXPECT_EQ(CodeOf<ApiVersionsRequest>(names + "\x01\x63\x02zz", 3), ErrorCode::kNone);
  // A count of 2^32 - 1, a size beyond the end, tags that descend and that repeat.
  EXPECT_EQ(CodeOf<ApiVersionsRequest>(names + "\xff\xff\xff\xff\x0f", 3),
            ErrorCode::kInvalidRequest);
  EXPECT_EQ(CodeOf<ApiVersionsRequest>(names + "\x01\x63\x7fzz", 3), ErrorCode::kInvalidRequest);
  EXPECT_EQ(CodeOf<ApiVersionsRequest>(names + "\x02\x63\x01z\x62\x01z", 3),
            ErrorCode::kInvalidRequest);
  EXPECT_EQ(CodeOf<ApiVersionsRequest>(names + "\x02\x63\x01z\x63\x01z", 3),
            ErrorCode::kInvalidRequest);
}

TEST(WireHostile, X03_AKnownTagMustFillItsSize) {
  FetchRequest request;
  request.cluster_id = "abc";
  std::string bytes(EncodeBody(12, request).Flatten().view());
  const size_t at = bytes.find(
      "\x04"
      "abc");
  ASSERT_NE(at, std::string::npos);
  ASSERT_EQ(bytes[at - 1], 4);  // the size of the tagged field
  bytes[at - 1] = 5;
  bytes += '\0';
  EXPECT_EQ(CodeOf<FetchRequest>(bytes, 12), ErrorCode::kInvalidRequest);
}

TEST(WireHostile, X09_OverlongVarintsAreRefused) {
  Reader five("\xff\xff\xff\xff\x0f"sv);
  EXPECT_EQ(five.UnsignedVarint(), UINT32_MAX);
  EXPECT_FALSE(five.failed());
  for (const std::string_view bytes :
       {"\xff\xff\xff\xff\x1f"sv, "\x80\x80\x80\x80\x80\x00"sv, "\xff\xff"sv, ""sv}) {
    Reader reader(bytes);
    reader.UnsignedVarint();
    EXPECT_TRUE(reader.failed());
  }
  Reader ten("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"sv);
  EXPECT_EQ(ten.Varlong(), INT64_MIN);
  Reader eleven("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"sv);
  eleven.Varlong();
  EXPECT_TRUE(eleven.failed());
}

TEST(WireHostile, X09_TextMustBeUtf8) {
  for (const std::string_view good : {""sv, "orders"sv, "\xc3\xa9"sv, "\xe6\xbc\xa2"sv,
                                      "\xf0\x9f\x98\x80"sv, "\xf4\x8f\xbf\xbf"sv}) {
    EXPECT_TRUE(IsValidUtf8(good)) << good;
  }
  for (const std::string_view bad :
       {"\x80"sv, "\xc3"sv, "\xc0\xaf"sv, "\xe0\x80\xaf"sv, "\xed\xa0\x80"sv, "\xf4\x90\x80\x80"sv,
        "\xf8\x88\x80\x80\x80"sv, "a\xff"sv, "\xe6\xbc"sv}) {
    EXPECT_FALSE(IsValidUtf8(bad));
  }
  EXPECT_EQ(CodeOf<MetadataRequest>("\x00\x00\x00\x01\x00\x02\xc3\x28"sv, 1),
            ErrorCode::kInvalidRequest);
}

TEST(WireHostile, HeadersOfUnknownApisAreRefused) {
  for (const std::string_view bytes : {"\x00\x5f\x00\x00\x00\x00\x00\x01\xff\xff"sv,
                                       "\xff\xff\x00\x00\x00\x00\x00\x01\xff\xff"sv}) {
    const auto envelope = DecodeRequestHeader(SharedBytes::Copy(bytes));
    ASSERT_FALSE(envelope);
    EXPECT_EQ(envelope.error().code, ErrorCode::kUnsupportedVersion);
  }
  for (size_t size = 0; size < 10; ++size) {
    EXPECT_FALSE(DecodeRequestHeader(
        SharedBytes::Copy("\x00\x03\x00\x01\x00\x00\x00\x01\x00\x00"sv.substr(0, size))));
  }
}

TEST(WireHostile, ATooNewApiVersionsRequestStillHasAHeader) {
  // Key 18, version 99, correlation id 5, client id "c", no tagged fields, then an unknown body
  // (KIP-511).
  const auto envelope =
      DecodeRequestHeader(SharedBytes::Copy("\x00\x12\x00\x63\x00\x00\x00\x05\x00\x01"
                                            "c\x00zzz"sv));
  ASSERT_TRUE(envelope) << envelope.error().message;
  EXPECT_EQ(envelope->api->key, ApiKey::kApiVersions);
  EXPECT_EQ(envelope->version(), 99);
  EXPECT_EQ(envelope->correlation_id(), 5);
  EXPECT_EQ(envelope->body.view(), "zzz");
}

}  // namespace
}  // namespace weir::wire
