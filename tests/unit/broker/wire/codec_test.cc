// The codec's own laws: gathered frames, nulls and strings that do not fit, header versions,
// printing.
#include "broker/wire/codec.h"

#include <gtest/gtest.h>

#include "broker/wire/messages/api_versions.h"
#include "broker/wire/messages/fetch.h"
#include "broker/wire/messages/metadata.h"
#include "broker/wire/messages/produce.h"
#include "broker/wire/print.h"

namespace weir::wire {
namespace {

FetchResponse ResponseWith(std::initializer_list<SharedBytes> runs) {
  FetchResponse::Partition partition;
  for (const SharedBytes& run : runs) partition.records->Append(run);
  FetchResponse response;
  response.responses.push_back({.topic = "orders", .partitions = {partition}});
  return response;
}

TEST(WireCodec, RecordBytesAreGatheredNotCopied) {
  const SharedBytes first = SharedBytes::Copy(std::string(4'000, 'a'));
  const SharedBytes second = SharedBytes::Copy(std::string(5'000, 'b'));
  const FetchResponse response = ResponseWith({first, second});
  const Frame frame = EncodeResponse(12, 1, response);
  ASSERT_EQ(frame.parts.size(), 4u);
  EXPECT_EQ(frame.parts[1].data(), first.data());
  EXPECT_EQ(frame.parts[2].data(), second.data());
  const SharedBytes flat = frame.Flatten();
  EXPECT_EQ(LoadBigEndian<int32_t>(flat.data()), static_cast<int32_t>(frame.size() - 4));

  int32_t correlation_id = 0;
  auto decoded = DecodeResponse<FetchResponse>(flat.Slice(4, flat.size() - 4), 12, &correlation_id);
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(*decoded, response);
}

TEST(WireCodec, ShortRunsAreCopiedIntoTheFrame) {
  const Frame frame = EncodeResponse(12, 1, ResponseWith({SharedBytes::Copy("tiny")}));
  EXPECT_EQ(frame.parts.size(), 1u);
}

TEST(WireCodec, DecodedRecordsAreASliceOfTheFrame) {
  ProduceRequest request;
  ProduceRequest::PartitionData partition{.index = 3};
  partition.records->Append(SharedBytes::Copy(std::string(1'000, 'r')));
  request.topic_data.push_back({.name = "orders", .partition_data = {partition}});
  const SharedBytes body = EncodeBody(9, request).Flatten();
  Result<ProduceRequest> decoded = Decode<ProduceRequest>(body, 9);
  ASSERT_TRUE(decoded);
  const auto& data = decoded->topic_data[0].partition_data[0];
  const SharedBytes& records = data.records->contiguous();
  EXPECT_EQ(records.size(), 1'000u);
  EXPECT_GE(records.data(), body.data());
  EXPECT_LE(records.data() + records.size(), body.data() + body.size());
  EXPECT_GE(decoded->topic_data[0].name.data(), body.data());
}

TEST(WireCodec, ANullThatTheVersionDoesNotKnowIsWrittenEmpty) {
  MetadataRequest all;
  all.topics.reset();
  Result<MetadataRequest> modern = Decode<MetadataRequest>(EncodeBody(1, all).Flatten(), 1);
  EXPECT_EQ(modern->topics, std::nullopt);
  Result<MetadataRequest> old = Decode<MetadataRequest>(EncodeBody(0, all).Flatten(), 0);
  ASSERT_TRUE(old) << old.error().message;
  EXPECT_TRUE(old->topics.has_value());
  EXPECT_TRUE(old->topics->empty());
}

TEST(WireCodec, AStringBeyondInt16IsCut) {
  MetadataResponse response;
  response.cluster_id = std::string(40'000, 'c');
  for (const int16_t version : {2, 9}) {
    const SharedBytes body = EncodeBody(version, response).Flatten();
    EXPECT_EQ(Decode<MetadataResponse>(body, version)->cluster_id->size(), 32'767u) << version;
  }
}

TEST(WireCodec, FieldsOutsideTheVersionKeepTheirDefaults) {
  MetadataResponse response;
  response.controller_id = 5;
  response.topics.push_back({.topic_id = Uuid{{1}}});
  Result<MetadataResponse> old = Decode<MetadataResponse>(EncodeBody(0, response).Flatten(), 0);
  EXPECT_EQ(old->controller_id, -1);
  EXPECT_TRUE(old->topics[0].topic_id.IsZero());
}

TEST(WireCodec, HeaderVersions) {
  const ApiFacts& metadata = *FindApi(3);
  EXPECT_EQ(RequestHeaderVersion(metadata, 8), 1);
  EXPECT_EQ(RequestHeaderVersion(metadata, 9), 2);
  EXPECT_EQ(ResponseHeaderVersion(metadata, 8), 0);
  EXPECT_EQ(ResponseHeaderVersion(metadata, 9), 1);
  const ApiFacts& api_versions = *FindApi(18);
  EXPECT_EQ(RequestHeaderVersion(api_versions, 3), 2);
  EXPECT_EQ(ResponseHeaderVersion(api_versions, 4), 0);
  EXPECT_EQ(RequestHeaderVersion(*FindApi(17), 1), 1);
  EXPECT_EQ(FindApi(95), nullptr);
  EXPECT_EQ(FindApi(-1), nullptr);
  EXPECT_EQ(ApiName(ApiKey::kDescribeTopicPartitions), "DescribeTopicPartitions");
}

TEST(WireCodec, Printing) {
  ProduceRequest request;
  request.acks = -1;
  request.timeout_ms = 30;
  ProduceRequest::PartitionData partition{.index = 3};
  partition.records->Append(SharedBytes::Copy("secret"));
  request.topic_data.push_back({.name = "a\"b\n", .partition_data = {partition}});
  EXPECT_EQ(Print(request, 3),
            R"({"TransactionalId":null,"Acks":-1,"TimeoutMs":30,"TopicData":[{"Name":"a\"b\u000a",)"
            R"("PartitionData":[{"Index":3,"Records":"<6 bytes>"}]}]})");
  const std::string cut = Print(request, 3, 40);
  EXPECT_LE(cut.size(), 40u + std::string_view("…").size());
  EXPECT_TRUE(cut.ends_with("…"));
}

}  // namespace
}  // namespace weir::wire
