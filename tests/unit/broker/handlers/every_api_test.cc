// Every API this broker advertises, at every version of it: a minimal request gets an answer of
// that version that decodes to the last byte. What is advertised is served (D9).
#include <gtest/gtest.h>

#include "broker/wire/messages/all.h"
#include "tests/unit/broker/handlers/broker_fixture.h"

namespace weir::handlers {
namespace {

class EveryApi : public BrokerFixture {
 protected:
  // Asks at every advertised version; `request` is minimal for the API.
  template <class Request, class Response>
  void AskAllVersions(const Request& request = {}) {
    const ApiHandler* handler = registry_.Find(static_cast<int16_t>(Request::kInfo.api_key));
    ASSERT_NE(handler, nullptr) << Request::kInfo.name;
    BrokerClient client(port_);
    for (int16_t v = handler->versions.first; v <= handler->versions.last; ++v) {
      const auto answer = client.Ask<Response>(v, request);
      ASSERT_TRUE(answer.has_value())
          << Request::kInfo.name << " v" << v << ": " << ToString(answer.error());
    }
    asked_.insert(Request::kInfo.api_key);
  }

  std::set<wire::ApiKey> asked_;
};

TEST_F(EveryApi, AnswersEveryAdvertisedVersion) {
  wire::CreateTopicsRequest create;
  create.topics.push_back({.name = "t", .num_partitions = 1, .replication_factor = 1});
  AskAllVersions<wire::CreateTopicsRequest, wire::CreateTopicsResponse>(create);

  wire::ApiVersionsRequest versions;
  versions.client_software_name = "test";
  versions.client_software_version = "1.0";
  AskAllVersions<wire::ApiVersionsRequest, wire::ApiVersionsResponse>(versions);

  wire::MetadataRequest metadata;
  metadata.topics->push_back({.topic_id = {}, .name = "t"});
  AskAllVersions<wire::MetadataRequest, wire::MetadataResponse>(metadata);

  wire::ProduceRequest produce;
  produce.acks = -1;
  produce.topic_data.push_back({.topic_id = {}, .name = "t", .partition_data = {{.index = 0}}});
  AskAllVersions<wire::ProduceRequest, wire::ProduceResponse>(produce);

  wire::FetchRequest fetch;
  fetch.topics.push_back({.topic_id = {}, .topic = "t", .partitions = {{.partition = 0}}});
  AskAllVersions<wire::FetchRequest, wire::FetchResponse>(fetch);

  wire::ListOffsetsRequest list;
  list.topics.push_back({.name = "t", .partitions = {{.partition_index = 0, .timestamp = -1}}});
  AskAllVersions<wire::ListOffsetsRequest, wire::ListOffsetsResponse>(list);

  wire::FindCoordinatorRequest find;
  find.key = "group";
  find.coordinator_keys = {"group"};
  AskAllVersions<wire::FindCoordinatorRequest, wire::FindCoordinatorResponse>(find);

  wire::OffsetCommitRequest commit;
  commit.group_id = "g";
  commit.topics.push_back({.topic_id = {}, .name = "t", .partitions = {{.partition_index = 0}}});
  AskAllVersions<wire::OffsetCommitRequest, wire::OffsetCommitResponse>(commit);
  AskAllVersions<wire::OffsetFetchRequest, wire::OffsetFetchResponse>();
  AskAllVersions<wire::OffsetDeleteRequest, wire::OffsetDeleteResponse>();

  AskAllVersions<wire::JoinGroupRequest, wire::JoinGroupResponse>();
  AskAllVersions<wire::SyncGroupRequest, wire::SyncGroupResponse>();
  AskAllVersions<wire::HeartbeatRequest, wire::HeartbeatResponse>();
  AskAllVersions<wire::LeaveGroupRequest, wire::LeaveGroupResponse>();
  AskAllVersions<wire::DescribeGroupsRequest, wire::DescribeGroupsResponse>();
  AskAllVersions<wire::ListGroupsRequest, wire::ListGroupsResponse>();
  AskAllVersions<wire::DeleteGroupsRequest, wire::DeleteGroupsResponse>();
  AskAllVersions<wire::ConsumerGroupHeartbeatRequest, wire::ConsumerGroupHeartbeatResponse>();
  AskAllVersions<wire::ConsumerGroupDescribeRequest, wire::ConsumerGroupDescribeResponse>();

  wire::DeleteRecordsRequest trim;
  trim.topics.push_back({.name = "t", .partitions = {{.partition_index = 0, .offset = 0}}});
  AskAllVersions<wire::DeleteRecordsRequest, wire::DeleteRecordsResponse>(trim);

  wire::InitProducerIdRequest init;
  init.transactional_id.reset();
  AskAllVersions<wire::InitProducerIdRequest, wire::InitProducerIdResponse>(init);

  wire::OffsetForLeaderEpochRequest epoch;
  epoch.topics.push_back({.topic = "t", .partitions = {{.partition = 0}}});
  AskAllVersions<wire::OffsetForLeaderEpochRequest, wire::OffsetForLeaderEpochResponse>(epoch);

  wire::DescribeConfigsRequest configs;
  configs.resources.push_back(
      {.resource_type = 2, .resource_name = "t", .configuration_keys = std::nullopt});
  configs.include_synonyms = true;
  configs.include_documentation = true;
  AskAllVersions<wire::DescribeConfigsRequest, wire::DescribeConfigsResponse>(configs);

  wire::AlterConfigsRequest alter;
  alter.resources.push_back(
      {.resource_type = 2, .resource_name = "t", .configs = {{"retention.ms", "1000"}}});
  AskAllVersions<wire::AlterConfigsRequest, wire::AlterConfigsResponse>(alter);

  wire::IncrementalAlterConfigsRequest incremental;
  incremental.resources.push_back(
      {.resource_type = 2, .resource_name = "t", .configs = {{"retention.ms", 0, "1000"}}});
  AskAllVersions<wire::IncrementalAlterConfigsRequest, wire::IncrementalAlterConfigsResponse>(
      incremental);

  wire::CreatePartitionsRequest grow;
  grow.topics.push_back({.name = "t", .count = 2, .assignments = std::nullopt});
  AskAllVersions<wire::CreatePartitionsRequest, wire::CreatePartitionsResponse>(grow);

  wire::ElectLeadersRequest elect;
  elect.topic_partitions->push_back({.topic = "t", .partitions = {0}});
  AskAllVersions<wire::ElectLeadersRequest, wire::ElectLeadersResponse>(elect);

  wire::DescribeQuorumRequest quorum;
  quorum.topics.push_back({.topic_name = "__cluster_metadata", .partitions = {{0}}});
  AskAllVersions<wire::DescribeQuorumRequest, wire::DescribeQuorumResponse>(quorum);

  AskAllVersions<wire::DescribeLogDirsRequest, wire::DescribeLogDirsResponse>();
  wire::AlterPartitionReassignmentsRequest move;
  move.topics.push_back(
      {.name = "t", .partitions = {{.partition_index = 0, .replicas = std::vector<int32_t>{1}}}});
  AskAllVersions<wire::AlterPartitionReassignmentsRequest,
                 wire::AlterPartitionReassignmentsResponse>(move);
  AskAllVersions<wire::ListPartitionReassignmentsRequest,
                 wire::ListPartitionReassignmentsResponse>();
  AskAllVersions<wire::DescribeClusterRequest, wire::DescribeClusterResponse>();
  AskAllVersions<wire::ListConfigResourcesRequest, wire::ListConfigResourcesResponse>();
  AskAllVersions<wire::DescribeTopicPartitionsRequest, wire::DescribeTopicPartitionsResponse>();

  wire::DeleteTopicsRequest remove;
  remove.topic_names = {"t"};
  remove.topics.push_back({.name = "t", .topic_id = {}});
  AskAllVersions<wire::DeleteTopicsRequest, wire::DeleteTopicsResponse>(remove);

  for (const ApiHandler& handler : registry_.handlers()) {
    EXPECT_TRUE(asked_.contains(handler.key)) << wire::ApiName(handler.key) << " is not tested";
  }
}

// Empty requests are legal for most APIs and must not break anything.
TEST_F(EveryApi, X10_EmptyRequestsAreAnswered) {
  AskAllVersions<wire::MetadataRequest, wire::MetadataResponse>();
  AskAllVersions<wire::FetchRequest, wire::FetchResponse>();
  AskAllVersions<wire::ListOffsetsRequest, wire::ListOffsetsResponse>();
  AskAllVersions<wire::CreateTopicsRequest, wire::CreateTopicsResponse>();
  AskAllVersions<wire::DeleteTopicsRequest, wire::DeleteTopicsResponse>();
  AskAllVersions<wire::DeleteRecordsRequest, wire::DeleteRecordsResponse>();
  AskAllVersions<wire::OffsetForLeaderEpochRequest, wire::OffsetForLeaderEpochResponse>();
  AskAllVersions<wire::DescribeConfigsRequest, wire::DescribeConfigsResponse>();
  AskAllVersions<wire::AlterConfigsRequest, wire::AlterConfigsResponse>();
  AskAllVersions<wire::CreatePartitionsRequest, wire::CreatePartitionsResponse>();
  AskAllVersions<wire::IncrementalAlterConfigsRequest, wire::IncrementalAlterConfigsResponse>();
  AskAllVersions<wire::DescribeQuorumRequest, wire::DescribeQuorumResponse>();
  wire::ProduceRequest produce;
  produce.acks = 1;
  AskAllVersions<wire::ProduceRequest, wire::ProduceResponse>(produce);
}

// Bytes that are no request close the connection and harm nobody else (D11).
TEST_F(EveryApi, X09_MalformedBodiesCloseTheConnectionOnly) {
  BrokerClient other(port_);
  for (const ApiHandler& handler : registry_.handlers()) {
    // Its first versions have no body at all.
    if (handler.key == wire::ApiKey::kApiVersions) continue;
    for (int16_t v = handler.versions.first; v <= handler.versions.last; ++v) {
      // No body before version 3.
      if (handler.key == wire::ApiKey::kListGroups && v < 3) continue;
      const wire::ApiFacts* facts = wire::FindApi(static_cast<int16_t>(handler.key));
      wire::RequestHeader header{.request_api_key = static_cast<int16_t>(handler.key),
                                 .request_api_version = v,
                                 .correlation_id = 1};
      const wire::Frame head = wire::EncodeBody(wire::RequestHeaderVersion(*facts, v), header);
      std::string body = std::string(head.Flatten().view()) + std::string(9, '\x7f');
      std::string frame;
      for (int shift = 24; shift >= 0; shift -= 8) {
        frame.push_back(static_cast<char>(body.size() >> shift));
      }
      BrokerClient client(port_);
      client.SendBytes(frame + body);
      EXPECT_FALSE(client.ReceiveFrame().has_value()) << facts->name << " v" << v;
    }
  }
  EXPECT_TRUE(other.Ask<wire::MetadataResponse>(9, wire::MetadataRequest{}).has_value());
}

// librdkafka's "all topics" in Metadata 13: null topics, then more bytes than the message has.
TEST_F(EveryApi, BytesAfterARequestAreIgnored) {
  const wire::Frame head = wire::EncodeBody(
      2, wire::RequestHeader{.request_api_key = 3, .request_api_version = 13, .correlation_id = 5});
  std::string frame = std::string(head.Flatten().view()) + std::string("\0\0\0\0\1\0\0", 7);
  frame.insert(0, std::string("\0\0\0", 3) + static_cast<char>(frame.size()));
  BrokerClient client(port_);
  client.SendBytes(frame);
  EXPECT_TRUE(client.Receive<wire::MetadataResponse>(13).has_value());
}

}  // namespace
}  // namespace weir::handlers
