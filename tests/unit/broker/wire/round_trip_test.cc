// Random messages of every API and version: what is encoded decodes to itself, and no cut of it
// decodes at all.
#include <gtest/gtest.h>

#include "broker/wire/codec.h"
#include "broker/wire/messages/metadata.h"
#include "broker/wire/random_message.h"
#include "tests/fuzz/message_table.h"

namespace weir::wire {
namespace {

// Calls check(row, version, bytes) for `rounds` random messages of every version. Making one fails
// when its bytes do not decode to it.
template <class Check>
void ForRandomMessages(MessageRole role, int rounds, uint64_t seed, Check check) {
  Prng prng(seed);
  for (const MessageRow& row : AllMessages()) {
    if (row.role != role) continue;
    for (int16_t v = row.info.versions.first; v <= row.info.versions.last; ++v) {
      for (int i = 0; i < rounds; ++i) {
        const Result<SharedBytes> bytes = row.random(prng, v);
        ASSERT_TRUE(bytes) << row.info.name << " v" << v << ": " << bytes.error().message;
        check(row, v, *bytes);
      }
    }
  }
}

// Encoding what was decoded gives the same bytes.
void TranscodesToItself(const MessageRow& row, int16_t version, const SharedBytes& bytes) {
  const Result<Transcoded> again = row.transcode(bytes, version);
  ASSERT_TRUE(again) << row.info.name << " v" << version << ": " << again.error().message;
  ASSERT_TRUE(again->bytes.view() == bytes.view()) << again->text;
}

TEST(WireRoundTrip, X48_RequestsDecodeToThemselves) {
  ForRandomMessages(MessageRole::kRequest, 20, 1, TranscodesToItself);
}

TEST(WireRoundTrip, X48_ResponsesDecodeToThemselves) {
  ForRandomMessages(MessageRole::kResponse, 20, 2, TranscodesToItself);
}

TEST(WireRoundTrip, X48_StructuresDecodeToThemselves) {
  ForRandomMessages(MessageRole::kStructure, 50, 3, TranscodesToItself);
}

// A cut message is refused with the right code, at every cut; so is one byte too many.
void FailsWhenCut(const MessageRow& row, int16_t version, const SharedBytes& bytes) {
  for (size_t size = 0; size < bytes.size(); ++size) {
    const Status decoded = row.check(bytes.Slice(0, size), version);
    ASSERT_FALSE(decoded) << row.info.name << " v" << version << " cut to " << size << " of "
                          << bytes.size();
    ASSERT_EQ(decoded.error().code, ErrorCode::kInvalidRequest);
  }
  const SharedBytes longer = SharedBytes::Copy(std::string(bytes.view()) + '\0');
  ASSERT_FALSE(row.check(longer, version)) << row.info.name << " v" << version;
}

TEST(WireRoundTrip, X02_CutRequestsAreRefused) {
  ForRandomMessages(MessageRole::kRequest, 1, 4, FailsWhenCut);
}

TEST(WireRoundTrip, X02_CutResponsesAreRefused) {
  ForRandomMessages(MessageRole::kResponse, 1, 5, FailsWhenCut);
}

TEST(WireRoundTrip, VersionsOutsideTheRangeAreRefused) {
  for (const MessageRow& row : AllMessages()) {
    for (const int version : {row.info.versions.first - 1, row.info.versions.last + 1, 32767}) {
      const Status decoded = row.check(SharedBytes(), static_cast<int16_t>(version));
      ASSERT_FALSE(decoded);
      EXPECT_EQ(decoded.error().code, ErrorCode::kUnsupportedVersion);
    }
  }
}

TEST(WireRoundTrip, FramedRequestsAndResponsesComeBack) {
  Prng prng(6);
  TextStore texts;
  const auto request = RandomMessage<MetadataRequest>(prng, texts, 12);
  const SharedBytes sent = EncodeRequest(12, 77, "client-1", request).Flatten();
  EXPECT_EQ(LoadBigEndian<int32_t>(sent.data()), static_cast<int32_t>(sent.size() - 4));
  Result<RequestEnvelope> envelope = DecodeRequestHeader(sent.Slice(4, sent.size() - 4));
  ASSERT_TRUE(envelope) << envelope.error().message;
  EXPECT_EQ(envelope->api->key, ApiKey::kMetadata);
  EXPECT_EQ(envelope->version(), 12);
  EXPECT_EQ(envelope->correlation_id(), 77);
  EXPECT_EQ(envelope->header.client_id, "client-1");
  Result<MetadataRequest> received = Decode<MetadataRequest>(envelope->body, envelope->version());
  ASSERT_TRUE(received) << received.error().message;
  EXPECT_TRUE(*received == request);

  for (const int16_t version : {int16_t{0}, int16_t{9}, int16_t{13}}) {
    const auto response = RandomMessage<MetadataResponse>(prng, texts, version);
    const SharedBytes answer = EncodeResponse(version, 78, response).Flatten();
    int32_t correlation_id = 0;
    auto decoded = DecodeResponse<MetadataResponse>(answer.Slice(4, answer.size() - 4), version,
                                                    &correlation_id);
    ASSERT_TRUE(decoded) << decoded.error().message;
    EXPECT_EQ(correlation_id, 78);
    EXPECT_TRUE(*decoded == response);
  }
}

}  // namespace
}  // namespace weir::wire
