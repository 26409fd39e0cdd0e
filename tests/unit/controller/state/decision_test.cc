// Batches, first answers, producer ids, the cluster's first records, and the admin reads.
#include "controller/state/decision.h"

#include <gtest/gtest.h>

#include "controller/state/cluster.h"
#include "controller/state/describe.h"
#include "controller/state/producer_ids.h"
#include "tests/unit/controller/state/state_support.h"

namespace weir::state {
namespace {

TEST(Decision, BatchesAreBounded) {
  Records records;
  for (int i = 0; i < 9; ++i) {
    records.emplace_back().mutable_config()->set_value(std::string(1024 * 1024, 'x'));
  }
  const Status status = CheckBatchSize(records);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kPolicyViolation);
  records.resize(7);
  EXPECT_TRUE(CheckBatchSize(records));
  metadata::v1::Cause cause;
  EXPECT_TRUE(MakeBatch(records, cause, std::string(4 * 1024 * 1024, 'r')))
      << "a reply nobody can ask for again is not kept";
  cause.set_request_id("r");
  EXPECT_FALSE(MakeBatch(records, cause, std::string(4 * 1024 * 1024, 'r')));
}

TEST(Decision, ARetriedRequestFindsItsFirstAnswer) {
  StateHarness cluster;
  metadata::v1::Cause cause;
  cause.set_request_id("abc");
  cause.set_method("CreateTopics");
  const auto batch = MakeBatch({}, cause, "the reply");
  metadata::Apply(cluster.image, *batch, cluster.image.offset() + 1);
  EXPECT_EQ(*FirstAnswer(cluster.image, "abc", "CreateTopics"), "the reply");
  EXPECT_EQ(*FirstAnswer(cluster.image, "abd", "CreateTopics"), std::nullopt);
  EXPECT_EQ(*FirstAnswer(cluster.image, "", "CreateTopics"), std::nullopt);
  const auto other = FirstAnswer(cluster.image, "abc", "DeleteTopics");
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, ErrorCode::kInvalidRequest);
}

TEST(Cluster, IsBootstrappedOnce) {
  Prng prng(1);
  MetadataImage image;
  const Uuid id = Uuid::Random(prng);
  const auto decision = BootstrapCluster(image, id);
  EXPECT_TRUE(decision.reply.bootstrapped);
  metadata::Apply(image, *MakeBatch(decision.records, {}, ""), LogIndex(1));
  EXPECT_EQ(image.cluster_id(), id);
  EXPECT_EQ(*image.features().Find("metadata.version"), 1);
  EXPECT_EQ(*image.features().Find("group.version"), 1);
  EXPECT_TRUE(BootstrapCluster(image, Uuid::Random(prng)).records.empty());
}

TEST(ProducerIds, BlocksNeverOverlap) {
  StateHarness cluster;
  cluster.AddBroker(1);
  broker::v1::AllocateProducerIdsRequest request;
  request.set_broker_id(1);
  request.set_broker_epoch(cluster.image.FindBroker(NodeId(1))->epoch.value());
  int64_t next = 0;
  for (int i = 0; i < 5; ++i) {
    const auto reply = cluster.Commit(AllocateProducerIds(cluster.context(), request));
    EXPECT_EQ(reply.first_producer_id(), next);
    EXPECT_EQ(reply.count(), 1000);
    next += reply.count();
  }
  request.set_broker_epoch(1);
  EXPECT_EQ(AllocateProducerIds(cluster.context(), request).error().code,
            ErrorCode::kStaleBrokerEpoch);
  request.set_broker_id(2);
  EXPECT_EQ(AllocateProducerIds(cluster.context(), request).error().code,
            ErrorCode::kBrokerIdNotRegistered);
}

class DescribeTest : public testing::Test {
 protected:
  void SetUp() override {
    for (int32_t id = 1; id <= 2; ++id) cluster_.AddBroker(id, "rack" + std::to_string(id));
    cluster_.CreateTopic("orders", 4, 2, {{"retention.ms", "5"}});
    cluster_.CreateTopic("__consumer_offsets", 2, 1);
    cluster_.Fence(2);
  }
  StateHarness cluster_;
};

TEST_F(DescribeTest, Topics) {
  const admin::v1::DescribeTopicsReply all = DescribeTopics(cluster_.image, {});
  ASSERT_EQ(all.topics_size(), 2);
  EXPECT_EQ(all.topics(0).name(), "__consumer_offsets");
  EXPECT_TRUE(all.topics(0).internal());
  const admin::v1::TopicDescription& orders = all.topics(1);
  ASSERT_EQ(orders.partitions_size(), 4);
  EXPECT_EQ(orders.configs().at("retention.ms"), "5");
  EXPECT_EQ(orders.partitions(0).leader_id(), 1);
  EXPECT_EQ(orders.partitions(0).isr_ids_size(), 1);
  ASSERT_EQ(orders.partitions(0).offline_replica_ids_size(), 1);
  EXPECT_EQ(orders.partitions(0).offline_replica_ids(0), 2);

  admin::v1::DescribeTopicsRequest request;
  request.add_topics()->set_topic_id(orders.topic_id());
  request.add_topics()->set_name("nope");
  request.add_topics()->set_topic_id("not an id");
  const admin::v1::DescribeTopicsReply some = DescribeTopics(cluster_.image, request);
  EXPECT_EQ(some.topics(0).name(), "orders");
  EXPECT_EQ(CodeOf(some.topics(1).error()), ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(CodeOf(some.topics(2).error()), ErrorCode::kInvalidRequest);
}

TEST_F(DescribeTest, TopicList) {
  admin::v1::ListTopicsRequest request;
  EXPECT_EQ(ListTopics(cluster_.image, request).topics_size(), 1);
  request.set_include_internal(true);
  const admin::v1::ListTopicsReply reply = ListTopics(cluster_.image, request);
  ASSERT_EQ(reply.topics_size(), 2);
  EXPECT_EQ(reply.topics(1).partitions(), 4);
  EXPECT_EQ(reply.topics(1).replication_factor(), 2);
}

TEST_F(DescribeTest, ClusterAndBrokers) {
  SoftInfo soft;
  soft.controller_id = NodeId(3);
  soft.applied_offsets[NodeId(1)] = LogIndex(17);
  soft.controllers.emplace_back().set_controller_id(3);
  const admin::v1::DescribeClusterReply reply = DescribeCluster(cluster_.image, soft);
  EXPECT_EQ(reply.cluster_id(), cluster_.image.cluster_id().ToString());
  EXPECT_EQ(reply.controller_id(), 3);
  EXPECT_EQ(reply.topic_count(), 2);
  EXPECT_EQ(reply.partition_count(), 6);
  EXPECT_EQ(reply.offline_partition_count(), 1) << "the one that only broker 2 had";
  EXPECT_EQ(reply.under_replicated_partition_count(), 5);
  ASSERT_EQ(reply.brokers_size(), 2);
  EXPECT_EQ(reply.brokers(0).applied_offset(), 17);
  EXPECT_EQ(reply.brokers(0).leader_count(), 5);
  EXPECT_EQ(reply.brokers(1).applied_offset(), -1);
  EXPECT_TRUE(reply.brokers(1).fenced());
  EXPECT_EQ(reply.brokers(1).rack(), "rack2");

  admin::v1::DescribeBrokersRequest request;
  request.add_broker_ids(2);
  EXPECT_EQ(DescribeBrokers(cluster_.image, soft, request)->brokers(0).replica_count(), 5);
  request.add_broker_ids(9);
  EXPECT_EQ(DescribeBrokers(cluster_.image, soft, request).error().code,
            ErrorCode::kBrokerIdNotRegistered);
}

}  // namespace
}  // namespace weir::state
