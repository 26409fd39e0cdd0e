// ElectLeaders: what is forwarded and how its outcome looks to a Kafka client.
#include <gtest/gtest.h>

#include <memory>

#include "broker/wire/messages/all.h"
#include "tests/unit/broker/handlers/broker_fixture.h"

namespace weir::handlers {
namespace {

class ElectLeadersHandler : public BrokerFixture {
 protected:
  void SetUp() override {
    BrokerFixture::SetUp();
    client_ = std::make_unique<BrokerClient>(port_);
    wire::CreateTopicsRequest request;
    request.topics.push_back({.name = "t", .num_partitions = 2, .replication_factor = 1});
    EXPECT_TRUE(client_->Ask<wire::CreateTopicsResponse>(7, request).has_value());
  }
  wire::ElectLeadersResponse Ask(const wire::ElectLeadersRequest& request, int16_t version = 2) {
    const auto answer = client_->Ask<wire::ElectLeadersResponse>(version, request);
    EXPECT_TRUE(answer.has_value());
    return answer.value_or(wire::ElectLeadersResponse{});
  }

  std::unique_ptr<BrokerClient> client_;
};

TEST_F(ElectLeadersHandler, AnswersByTopicInTheOrderOfTheRequest) {
  wire::ElectLeadersRequest request;
  request.topic_partitions->push_back({.topic = "t", .partitions = {1, 0}});
  request.topic_partitions->push_back({.topic = "nothing", .partitions = {}});
  request.topic_partitions->push_back({.topic = "other", .partitions = {5}});
  const wire::ElectLeadersResponse answer = Ask(request);
  EXPECT_EQ(answer.error_code, ErrorCode::kNone);
  ASSERT_EQ(answer.replica_election_results.size(), 2u);
  const auto& t = answer.replica_election_results[0];
  ASSERT_EQ(t.partition_result.size(), 2u);
  EXPECT_EQ(t.partition_result[0].partition_id, 1);
  EXPECT_EQ(t.partition_result[0].error_code, ErrorCode::kElectionNotNeeded);
  EXPECT_TRUE(t.partition_result[0].error_message.has_value());
  EXPECT_EQ(t.partition_result[1].partition_id, 0);
  const auto& other = answer.replica_election_results[1];
  EXPECT_EQ(other.partition_result[0].error_code, ErrorCode::kUnknownTopicOrPartition);
}

TEST_F(ElectLeadersHandler, NullMeansEveryPartition) {
  wire::ElectLeadersRequest request;
  request.topic_partitions.reset();
  const wire::ElectLeadersResponse answer = Ask(request);
  ASSERT_EQ(answer.replica_election_results.size(), 1u);
  EXPECT_EQ(answer.replica_election_results[0].topic, "t");
  ASSERT_EQ(answer.replica_election_results[0].partition_result.size(), 1u);
  EXPECT_EQ(answer.replica_election_results[0].partition_result[0].error_code, ErrorCode::kNone);
  EXPECT_FALSE(answer.replica_election_results[0].partition_result[0].error_message.has_value());
}

TEST_F(ElectLeadersHandler, AnUnknownTypeIsRefusedForEveryPartition) {
  wire::ElectLeadersRequest request;
  request.election_type = 2;
  request.topic_partitions->push_back({.topic = "t", .partitions = {0}});
  const wire::ElectLeadersResponse answer = Ask(request);
  EXPECT_EQ(answer.error_code, ErrorCode::kInvalidRequest);
  EXPECT_EQ(answer.replica_election_results[0].partition_result[0].error_code,
            ErrorCode::kInvalidRequest);
}

}  // namespace
}  // namespace weir::handlers
