// Random messages of every API and version: what is encoded decodes to itself, and no cut of it
// decodes at all.
#include <gtest/gtest.h>

#include "broker/wire/codec.h"
#include "broker/wire/messages/all.h"
#include "broker/wire/print.h"
#include "broker/wire/random_message.h"

namespace weir::wire {
namespace {

// Calls check.operator()<M>(message, version, bytes) for `rounds` random messages of every version.
template <class List, class Check>
void ForRandomMessages(int rounds, uint64_t seed, Check check) {
  Prng prng(seed);
  List::ForEach([&]<class M>() {
    for (int16_t v = M::kInfo.versions.first; v <= M::kInfo.versions.last; ++v) {
      for (int i = 0; i < rounds; ++i) {
        TextStore texts;
        const M message = RandomMessage<M>(prng, texts, v);
        check(message, v, EncodeBody(v, message).Flatten());
      }
    }
  });
}

struct DecodesToItself {
  template <class M>
  void operator()(const M& message, int16_t version, const SharedBytes& bytes) const {
    Result<M> decoded = Decode<M>(bytes, version);
    ASSERT_TRUE(decoded) << M::kInfo.name << " v" << version << ": " << decoded.error().message;
    ASSERT_TRUE(*decoded == message) << Print(message, version) << "\n" << Print(*decoded, version);
  }
};

TEST(WireRoundTrip, X48_RequestsDecodeToThemselves) {
  ForRandomMessages<AllRequests>(20, 1, DecodesToItself{});
}

TEST(WireRoundTrip, X48_ResponsesDecodeToThemselves) {
  ForRandomMessages<AllResponses>(20, 2, DecodesToItself{});
}

TEST(WireRoundTrip, X48_StructuresDecodeToThemselves) {
  ForRandomMessages<AllStructures>(50, 3, DecodesToItself{});
}

// A cut message is refused with the right code, at every cut; so is one byte too many.
struct FailsWhenCut {
  template <class M>
  void operator()(const M&, int16_t version, const SharedBytes& bytes) const {
    for (size_t size = 0; size < bytes.size(); ++size) {
      Result<M> decoded = Decode<M>(bytes.Slice(0, size), version);
      ASSERT_FALSE(decoded) << M::kInfo.name << " v" << version << " cut to " << size << " of "
                            << bytes.size();
      ASSERT_EQ(decoded.error().code, ErrorCode::kInvalidRequest);
    }
    const SharedBytes longer = SharedBytes::Copy(std::string(bytes.view()) + '\0');
    ASSERT_FALSE(Decode<M>(longer, version)) << M::kInfo.name << " v" << version;
  }
};

TEST(WireRoundTrip, X02_CutRequestsAreRefused) {
  ForRandomMessages<AllRequests>(1, 4, FailsWhenCut{});
}

TEST(WireRoundTrip, X02_CutResponsesAreRefused) {
  ForRandomMessages<AllResponses>(1, 5, FailsWhenCut{});
}

TEST(WireRoundTrip, VersionsOutsideTheRangeAreRefused) {
  AllRequests::ForEach([]<class M>() {
    for (int version : {M::kInfo.versions.first - 1, M::kInfo.versions.last + 1, 32767}) {
      Result<M> decoded = Decode<M>(SharedBytes(), static_cast<int16_t>(version));
      ASSERT_FALSE(decoded);
      EXPECT_EQ(decoded.error().code, ErrorCode::kUnsupportedVersion);
    }
  });
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
