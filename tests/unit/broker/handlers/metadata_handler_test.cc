// ApiVersions, Metadata, DescribeCluster, DescribeTopicPartitions, configs: what clients learn
// about the cluster, and the version traps of FEATURES 8.
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "broker/handlers/cluster_view.h"
#include "broker/wire/messages/all.h"
#include "common/metadata/apply.h"
#include "tests/unit/broker/handlers/broker_fixture.h"

namespace weir::handlers {
namespace {

class MetadataHandlers : public BrokerFixture {
 protected:
  void Create(BrokerClient& client, const std::string& name, int partitions = 1) {
    wire::CreateTopicsRequest request;
    request.topics.push_back({.name = name, .num_partitions = partitions, .replication_factor = 1});
    const auto answer = client.Ask<wire::CreateTopicsResponse>(7, request);
    ASSERT_TRUE(answer.has_value());
    ASSERT_EQ(answer->topics[0].error_code, ErrorCode::kNone);
  }

  // Another broker, at this port, leads partition 0 of a topic, and this one follows it.
  void LetLead(NodeId id, uint16_t port, const Uuid& topic_id) {
    metadata::v1::MetadataBatch batch;
    auto* broker = batch.add_records()->mutable_register_broker();
    broker->set_broker_id(id.value());
    Prng prng(9);
    broker->set_incarnation_id(Uuid::Random(prng).ToBytes());
    broker->add_directory_ids(Uuid::Random(prng).ToBytes());
    broker->set_inter_broker_listener("PLAINTEXT");
    auto* endpoint = broker->add_endpoints();
    endpoint->set_name("PLAINTEXT");
    endpoint->set_host("127.0.0.1");
    endpoint->set_port(port);
    auto* change = batch.add_records()->mutable_partition_change();
    change->set_topic_id(topic_id.ToBytes());
    change->set_partition(0);
    change->set_leader(id.value());
    change->mutable_isr()->add_ids(id.value());
    for (const int32_t replica : {kBrokerId.value(), id.value()}) {
      change->mutable_replicas()->add_ids(replica);
    }
    controllers_->Append(std::move(batch));
  }
};

TEST_F(MetadataHandlers, ApiVersionsAnswersUnknownVersionsInVersionZero) {
  BrokerClient client(port_);
  const wire::Frame head = wire::EncodeBody(
      2,
      wire::RequestHeader{.request_api_key = 18, .request_api_version = 99, .correlation_id = 9});
  std::string frame(head.Flatten().view());
  frame.insert(0, std::string("\0\0\0", 3) + static_cast<char>(frame.size()));
  client.SendBytes(frame);
  const auto answer = client.Receive<wire::ApiVersionsResponse>(0);
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->error_code, ErrorCode::kUnsupportedVersion);
  ASSERT_EQ(answer->api_keys.size(), 1u);
  EXPECT_EQ(answer->api_keys[0].api_key, 18);
  // The connection lives on.
  EXPECT_TRUE(client.Ask<wire::ApiVersionsResponse>(0, wire::ApiVersionsRequest{}).has_value());
}

TEST_F(MetadataHandlers, ApiVersionsAdvertisesTheRegistryAndProduceFromZero) {
  BrokerClient client(port_);
  const auto answer = client.Ask<wire::ApiVersionsResponse>(2, wire::ApiVersionsRequest{});
  ASSERT_EQ(answer->api_keys.size(), registry_.handlers().size());
  EXPECT_EQ(answer->api_keys[0].api_key, 0);
  EXPECT_EQ(answer->api_keys[0].min_version, 0);
  EXPECT_EQ(answer->api_keys[0].max_version, 13);
  for (const auto& api : answer->api_keys) {
    const wire::ApiFacts* facts = wire::FindApi(api.api_key);
    EXPECT_GE(api.min_version, facts->broker_range.first) << facts->name;
    EXPECT_LE(api.max_version, facts->broker_range.last) << facts->name;
    EXPECT_EQ(api.min_version, facts->broker_range.first)
        << facts->name << ": clients test the floor";
  }
}

TEST_F(MetadataHandlers, ApiVersionsChecksTheSoftwareName) {
  BrokerClient client(port_);
  wire::ApiVersionsRequest request;
  request.client_software_name = "bad name";
  request.client_software_version = "1";
  EXPECT_EQ(client.Ask<wire::ApiVersionsResponse>(3, request)->error_code,
            ErrorCode::kInvalidRequest);
}

TEST_F(MetadataHandlers, UnservedApiAndOldProduceCloseTheConnection) {
  BrokerClient end(port_);
  end.Send(0, wire::EndTxnRequest{});
  EXPECT_FALSE(end.ReceiveFrame().has_value());
  BrokerClient produce(port_);
  produce.SendBytes(std::string("\0\0\0\x0a\0\0\0\x02\0\0\0\x01\xff\xff", 14));
  EXPECT_FALSE(produce.ReceiveFrame().has_value());
}

TEST_F(MetadataHandlers, NoTopicsMeansAllOrNoneByVersion) {
  BrokerClient client(port_);
  Create(client, "a");
  Create(client, "b");
  wire::MetadataRequest all;
  all.topics.reset();
  wire::MetadataRequest none;
  EXPECT_EQ(client.Ask<wire::MetadataResponse>(0, none)->topics.size(), 2u);
  for (int16_t v = 1; v <= 13; ++v) {
    EXPECT_EQ(client.Ask<wire::MetadataResponse>(v, none)->topics.size(), 0u) << v;
    EXPECT_EQ(client.Ask<wire::MetadataResponse>(v, all)->topics.size(), 2u) << v;
  }
}

TEST_F(MetadataHandlers, NamesBrokersControllerAndCluster) {
  BrokerClient client(port_);
  const auto answer = client.Ask<wire::MetadataResponse>(12, wire::MetadataRequest{});
  ASSERT_EQ(answer->brokers.size(), 1u);
  EXPECT_EQ(answer->brokers[0].port, port_);
  EXPECT_EQ(answer->brokers[0].host, "127.0.0.1");
  EXPECT_EQ(answer->brokers[0].rack, "rack-a");
  EXPECT_EQ(answer->controller_id, 1) << "a live broker (FEATURES 8.10)";
  EXPECT_EQ(answer->cluster_id, controllers_->cluster_id().ToString());
}

// A01: kafka-python asks the least loaded broker it was told of for metadata. One that died has
// nothing outstanding.
TEST_F(MetadataHandlers, A01_ABrokerThatEndedItsConnectionIsNotNamed) {
  BrokerClient client(port_);
  Create(client, "t");
  wire::MetadataRequest request;
  request.topics->push_back({.topic_id = {}, .name = "t"});
  const auto ask = [&] { return *client.Ask<wire::MetadataResponse>(12, request); };
  asio::io_context context;
  std::optional<asio::ip::tcp::acceptor> acceptor(
      std::in_place, context, asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  const asio::ip::tcp::endpoint place = acceptor->local_endpoint();
  LetLead(NodeId(2), place.port(), ask().topics[0].topic_id);
  asio::ip::tcp::socket follower = acceptor->accept();
  wire::MetadataResponse answer = ask();
  // A shard follows the new leader before the last shard has heard of it.
  while (answer.brokers.size() < 2) answer = ask();
  ASSERT_EQ(answer.topics[0].partitions[0].leader_id, 2);
  for (;;) {
    acceptor.reset();
    follower.close();
    answer = ask();
    // Asked too late, it may only be this broker that does not reach it (ReplicaFetchers, law 4).
    if (answer.brokers.size() == 1) break;
    acceptor.emplace(context, place);
    follower = acceptor->accept();
  }
  EXPECT_EQ(answer.brokers[0].node_id, kBrokerId.value());
  EXPECT_EQ(answer.topics[0].partitions[0].leader_id, -1);
  EXPECT_EQ(answer.topics[0].partitions[0].error_code, ErrorCode::kLeaderNotAvailable);
  EXPECT_EQ(answer.topics[0].partitions[0].replica_nodes, std::vector<int32_t>({1, 2}));
}

TEST_F(MetadataHandlers, AbsentTopicIsCreatedAndNamedAtOnce) {
  BrokerClient client(port_);
  wire::MetadataRequest request;
  request.topics->push_back({.topic_id = {}, .name = "fresh"});
  request.topics->push_back({.topic_id = {}, .name = "not/valid"});
  const auto answer = client.Ask<wire::MetadataResponse>(9, request);
  ASSERT_EQ(answer->topics.size(), 2u);
  EXPECT_EQ(answer->topics[0].error_code, ErrorCode::kNone);
  ASSERT_EQ(answer->topics[0].partitions.size(), 1u);
  EXPECT_EQ(answer->topics[0].partitions[0].leader_id, 1);
  EXPECT_EQ(answer->topics[1].error_code, ErrorCode::kInvalidTopicException);
}

TEST_F(MetadataHandlers, AbsentTopicIsNotCreatedWhenTheClientForbidsIt) {
  BrokerClient client(port_);
  wire::MetadataRequest request;
  request.allow_auto_topic_creation = false;
  request.topics->push_back({.topic_id = {}, .name = "absent"});
  const auto answer = client.Ask<wire::MetadataResponse>(9, request);
  EXPECT_EQ(answer->topics[0].error_code, ErrorCode::kUnknownTopicOrPartition);
  request.topics->at(0) = {.topic_id = Uuid{{9}}, .name = std::nullopt};
  EXPECT_EQ(client.Ask<wire::MetadataResponse>(12, request)->topics[0].error_code,
            ErrorCode::kUnknownTopicId);
}

TEST_F(MetadataHandlers, TopicPartitionsComeInPages) {
  BrokerClient client(port_);
  Create(client, "a", 3);
  Create(client, "b", 3);
  wire::DescribeTopicPartitionsRequest request;
  request.response_partition_limit = 2;
  std::vector<std::string> seen;
  for (int page = 0; page < 10; ++page) {
    const auto answer = client.Ask<wire::DescribeTopicPartitionsResponse>(0, request);
    ASSERT_TRUE(answer.has_value());
    for (const auto& topic : answer->topics) {
      for (const auto& partition : topic.partitions) {
        seen.push_back(*topic.name + std::to_string(partition.partition_index));
      }
    }
    if (!answer->next_cursor) break;
    request.cursor = {.topic_name = answer->next_cursor->topic_name,
                      .partition_index = answer->next_cursor->partition_index};
  }
  EXPECT_EQ(seen, (std::vector<std::string>{"a0", "a1", "a2", "b0", "b1", "b2"}));
}

TEST_F(MetadataHandlers, ConfigsListEveryKeyAndTheStaticOnesOfThisBroker) {
  BrokerClient client(port_);
  Create(client, "t");
  wire::DescribeConfigsRequest request;
  request.resources.push_back(
      {.resource_type = 4, .resource_name = "1", .configuration_keys = std::nullopt});
  request.resources.push_back(
      {.resource_type = 2, .resource_name = "t", .configuration_keys = std::nullopt});
  request.resources.push_back(
      {.resource_type = 2, .resource_name = "absent", .configuration_keys = std::nullopt});
  const auto answer = client.Ask<wire::DescribeConfigsResponse>(4, request);
  ASSERT_EQ(answer->results.size(), 3u);
  const auto find = [&](size_t result, const std::string& key) {
    const auto& configs = answer->results[result].configs;
    return *std::find_if(configs.begin(), configs.end(), [&](auto& c) { return c.name == key; });
  };
  EXPECT_EQ(find(0, "message.max.bytes").value, "1000012");
  EXPECT_EQ(find(0, "message.max.bytes").config_source, 4) << "STATIC_BROKER_CONFIG";
  EXPECT_EQ(find(1, "cleanup.policy").value, "delete") << "exactly so: schema registries compare";
  EXPECT_EQ(find(1, "cleanup.policy").config_source, 5) << "DEFAULT_CONFIG";
  EXPECT_GT(answer->results[0].configs.size(), 100u);
  EXPECT_EQ(answer->results[2].error_code, ErrorCode::kUnknownTopicOrPartition);
}

TEST_F(MetadataHandlers, CreateTopicsRefusesWhatOnlyTheRequestGetsWrong) {
  BrokerClient client(port_);
  wire::CreateTopicsRequest request;
  request.topics.push_back({.name = "twice", .num_partitions = 1, .replication_factor = 1});
  request.topics.push_back({.name = "twice", .num_partitions = 1, .replication_factor = 1});
  request.topics.push_back({.name = "none", .num_partitions = 0, .replication_factor = 1});
  request.topics.push_back({.name = "rf", .num_partitions = 1, .replication_factor = 0});
  request.topics.push_back({.name = "good", .num_partitions = 1, .replication_factor = 1});
  const auto answer = client.Ask<wire::CreateTopicsResponse>(7, request);
  ASSERT_EQ(answer->topics.size(), 4u);
  EXPECT_EQ(answer->topics[0].error_code, ErrorCode::kInvalidRequest);
  EXPECT_EQ(answer->topics[1].error_code, ErrorCode::kInvalidPartitions);
  EXPECT_EQ(answer->topics[2].error_code, ErrorCode::kInvalidReplicationFactor);
  EXPECT_EQ(answer->topics[3].error_code, ErrorCode::kNone);
}

// ---- Addresses (pure) -----------------------------------------------------------------

metadata::MetadataImage TwoBrokers(const std::string& host_one, const std::string& host_two) {
  metadata::v1::MetadataBatch batch;
  Prng prng(3);
  for (int id = 1; id <= 2; ++id) {
    metadata::v1::RegisterBrokerRecord* broker = batch.add_records()->mutable_register_broker();
    broker->set_broker_id(id);
    broker->set_incarnation_id(Uuid::Random(prng).ToBytes());
    broker->add_directory_ids(Uuid::Random(prng).ToBytes());
    metadata::v1::Endpoint* endpoint = broker->add_endpoints();
    endpoint->set_name("PLAINTEXT");
    endpoint->set_host(id == 1 ? host_one : host_two);
    endpoint->set_port(9091 + id);
    broker->set_inter_broker_listener("PLAINTEXT");
    broker->set_fenced(true);
  }
  metadata::MetadataImage image;
  metadata::Apply(image, batch, LogIndex(1));
  return image;
}

TEST(ClusterView, AutoAdvertisedListenerAnswersWithTheHostTheClientUsed) {
  const metadata::MetadataImage image = TwoBrokers("0.0.0.0", "other.example");
  net::ListenerSpec listener{.name = "PLAINTEXT", .host = "0.0.0.0", .port = 9092};
  net::ConnectionInfo connection;
  connection.listener = &listener;
  connection.local_host = "10.0.0.5";
  const auto brokers = BrokersFor(image, NodeId(1), ClientAddress(connection), true);
  ASSERT_EQ(brokers.size(), 2u);
  EXPECT_EQ(brokers[0].host, "10.0.0.5");
  EXPECT_EQ(brokers[1].host, "other.example");
  EXPECT_TRUE(BrokersFor(image, NodeId(1), ClientAddress(connection), false).empty())
      << "fenced brokers are not named to clients";
}

TEST(ClusterView, AdvertisedAddressIsTakenAsItIs) {
  const metadata::MetadataImage image = TwoBrokers("broker-1", "broker-2");
  net::ListenerSpec listener{.name = "PLAINTEXT",
                             .host = "0.0.0.0",
                             .port = 9092,
                             .advertised_host = "broker-1",
                             .advertised_port = 9092};
  net::ConnectionInfo connection;
  connection.listener = &listener;
  connection.local_host = "10.0.0.5";
  const auto brokers = BrokersFor(image, NodeId(1), ClientAddress(connection), true);
  EXPECT_EQ(brokers[0].host, "broker-1");
  listener.name = "OTHER";
  EXPECT_TRUE(BrokersFor(image, NodeId(1), ClientAddress(connection), true).empty())
      << "never an address of another listener";
}

}  // namespace
}  // namespace weir::handlers
