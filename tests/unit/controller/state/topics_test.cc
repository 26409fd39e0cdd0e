#include "controller/state/topics.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "tests/unit/controller/state/state_support.h"

namespace weir::state {
namespace {

class TopicsTest : public testing::Test {
 protected:
  void SetUp() override {
    for (int32_t id = 1; id <= 3; ++id) cluster_.AddBroker(id);
  }

  admin::v1::NewTopic* Add(const std::string& name, int32_t partitions = 1, int32_t factor = 1) {
    admin::v1::NewTopic* topic = request_.add_topics();
    topic->set_name(name);
    topic->set_partitions(partitions);
    topic->set_replication_factor(factor);
    return topic;
  }
  admin::v1::CreateTopicsReply Create() {
    const auto reply = cluster_.Commit(CreateTopics(cluster_.context(), request_));
    request_.Clear();
    return reply;
  }
  ErrorCode CreateOne() { return CodeOf(Create().topics(0).error()); }

  StateHarness cluster_;
  admin::v1::CreateTopicsRequest request_;
};

void Assign(admin::v1::NewTopic* topic, int32_t partition, std::initializer_list<int32_t> ids) {
  admin::v1::ReplicaAssignment* assignment = topic->add_assignments();
  assignment->set_partition(partition);
  for (const int32_t id : ids) assignment->add_broker_ids(id);
}

TEST_F(TopicsTest, CreatesWithPartitionsReplicasAndConfigs) {
  (*Add("orders", 4, 3)->mutable_configs())["retention.ms"] = "1000";
  const admin::v1::CreateTopicsReply reply = Create();
  const admin::v1::CreatedTopic& created = reply.topics(0);
  EXPECT_EQ(created.error().code(), 0);
  EXPECT_EQ(created.partitions(), 4);
  EXPECT_EQ(created.replication_factor(), 3);
  const metadata::Topic* topic = cluster_.image.FindTopic("orders");
  ASSERT_NE(topic, nullptr);
  EXPECT_EQ(created.topic_id(), topic->id.ToString());
  EXPECT_EQ(topic->partitions.size(), 4u);
  for (const auto& [index, partition] : topic->partitions) {
    EXPECT_EQ(partition.isr, partition.replicas);
    EXPECT_EQ(partition.leader, partition.replicas.front());
    EXPECT_EQ(partition.leader_epoch, LeaderEpoch(0));
  }
  EXPECT_EQ(*cluster_.image.FindConfig(metadata::ConfigResource::OfTopic("orders"), "retention.ms"),
            "1000");
  bool seen = false;
  for (const admin::v1::ConfigEntry& entry : created.configs()) {
    if (entry.key() != "retention.ms") continue;
    seen = true;
    EXPECT_EQ(entry.value(), "1000");
    EXPECT_EQ(entry.source(), admin::v1::CONFIG_SOURCE_TOPIC);
  }
  EXPECT_TRUE(seen);
}

TEST_F(TopicsTest, MinusOneAndZeroMeanTheDefaults) {
  cluster_.defaults.num_partitions = 5;
  cluster_.defaults.default_replication_factor = 2;
  Add("a", -1, -1);
  Add("b", 0, 0);
  Create();
  for (const char* name : {"a", "b"}) {
    const metadata::Topic* topic = cluster_.image.FindTopic(name);
    ASSERT_NE(topic, nullptr);
    EXPECT_EQ(topic->partitions.size(), 5u);
    EXPECT_EQ(topic->partitions.begin()->second.replicas.size(), 2u);
  }
}

TEST_F(TopicsTest, RefusesBadNames) {
  for (const std::string& name :
       {std::string(), std::string("."), std::string(".."), std::string("a b"), std::string("a/b"),
        std::string("caf\xc3\xa9"), std::string(250, 'x')}) {
    Add(name);
    EXPECT_EQ(CreateOne(), ErrorCode::kInvalidTopicException) << name;
  }
  Add(std::string(249, 'x'));
  EXPECT_EQ(CreateOne(), ErrorCode::kNone);
}

TEST_F(TopicsTest, RefusesNamesThatCollideInDotAndUnderscore) {
  Add("a.b");
  EXPECT_EQ(CreateOne(), ErrorCode::kNone);
  Add("a_b");
  EXPECT_EQ(CreateOne(), ErrorCode::kInvalidTopicException);
  Add("x.y");
  Add("x_y");
  const admin::v1::CreateTopicsReply reply = Create();
  EXPECT_EQ(CodeOf(reply.topics(0).error()), ErrorCode::kNone);
  EXPECT_EQ(CodeOf(reply.topics(1).error()), ErrorCode::kInvalidTopicException);
}

TEST_F(TopicsTest, OneBadTopicDoesNotHinderTheOthers) {
  Add("good");
  Add("bad", -7);
  Add("twice");
  Add("twice");
  Add("better");
  const admin::v1::CreateTopicsReply reply = Create();
  EXPECT_EQ(CodeOf(reply.topics(0).error()), ErrorCode::kNone);
  EXPECT_EQ(CodeOf(reply.topics(1).error()), ErrorCode::kInvalidPartitions);
  EXPECT_EQ(CodeOf(reply.topics(2).error()), ErrorCode::kInvalidRequest);
  EXPECT_EQ(CodeOf(reply.topics(3).error()), ErrorCode::kInvalidRequest);
  EXPECT_EQ(CodeOf(reply.topics(4).error()), ErrorCode::kNone);
  EXPECT_EQ(reply.topics(1).error().name(), "INVALID_PARTITIONS");
  EXPECT_EQ(cluster_.image.topics().size(), 2u);
}

TEST_F(TopicsTest, RefusesWhatExistsAndTooManyOfAnything) {
  cluster_.CreateTopic("t", 1, 1);
  Add("t");
  EXPECT_EQ(CreateOne(), ErrorCode::kTopicAlreadyExists);
  Add("u", 1, 4);
  EXPECT_EQ(CreateOne(), ErrorCode::kInvalidReplicationFactor);
  Add("u", 1, -3);
  EXPECT_EQ(CreateOne(), ErrorCode::kInvalidReplicationFactor);
  Add("u", limits::kPartitionsPerTopicMax + 1);
  EXPECT_EQ(CreateOne(), ErrorCode::kInvalidPartitions);
  Add("u", 6'000);
  Add("v", 6'000);
  const admin::v1::CreateTopicsReply reply = Create();
  EXPECT_EQ(CodeOf(reply.topics(0).error()), ErrorCode::kNone);
  EXPECT_EQ(CodeOf(reply.topics(1).error()), ErrorCode::kPolicyViolation);
}

TEST_F(TopicsTest, RefusesBadConfigs) {
  (*Add("t")->mutable_configs())["no.such.key"] = "1";
  EXPECT_EQ(CreateOne(), ErrorCode::kInvalidConfig);
  (*Add("t")->mutable_configs())["retention.ms"] = "soon";
  EXPECT_EQ(CreateOne(), ErrorCode::kInvalidConfig);
  (*Add("t")->mutable_configs())["durability"] = "maybe";
  EXPECT_EQ(CreateOne(), ErrorCode::kInvalidConfig);
  (*Add("t")->mutable_configs())["remote.storage.enable"] = "true";
  EXPECT_EQ(CreateOne(), ErrorCode::kInvalidConfig);
  admin::v1::NewTopic* topic = Add("t");
  (*topic->mutable_configs())["min.compaction.lag.ms"] = "10";
  (*topic->mutable_configs())["max.compaction.lag.ms"] = "5";
  EXPECT_EQ(CreateOne(), ErrorCode::kInvalidConfig);
}

TEST_F(TopicsTest, ManualAssignmentIsChecked) {
  Assign(Add("ok", -1, -1), 0, {2, 1});
  EXPECT_EQ(CreateOne(), ErrorCode::kNone);
  EXPECT_EQ(cluster_.PartitionAt("ok", 0).leader, NodeId(2));
  Assign(Add("counts", 1, 1), 0, {1});
  EXPECT_EQ(CreateOne(), ErrorCode::kInvalidRequest);
  Assign(Add("gap", -1, -1), 1, {1});
  EXPECT_EQ(CreateOne(), ErrorCode::kInvalidReplicaAssignment);
  Assign(Add("unknown", -1, -1), 0, {9});
  EXPECT_EQ(CreateOne(), ErrorCode::kInvalidReplicaAssignment);
  Assign(Add("same", -1, -1), 0, {1, 1});
  EXPECT_EQ(CreateOne(), ErrorCode::kInvalidReplicaAssignment);
  Assign(Add("none", -1, -1), 0, {});
  EXPECT_EQ(CreateOne(), ErrorCode::kInvalidReplicaAssignment);
  admin::v1::NewTopic* uneven = Add("uneven", -1, -1);
  Assign(uneven, 0, {1});
  Assign(uneven, 1, {1, 2});
  EXPECT_EQ(CreateOne(), ErrorCode::kInvalidReplicaAssignment);
  admin::v1::NewTopic* twice = Add("twice", -1, -1);
  Assign(twice, 0, {1});
  Assign(twice, 0, {2});
  EXPECT_EQ(CreateOne(), ErrorCode::kInvalidReplicaAssignment);
}

TEST_F(TopicsTest, FencedBrokersGetNothing) {
  cluster_.Fence(2);
  Add("t", 30, 2);
  EXPECT_EQ(CreateOne(), ErrorCode::kNone);
  for (const auto& [index, partition] : cluster_.image.FindTopic("t")->partitions) {
    EXPECT_FALSE(partition.replicas.Contains(NodeId(2)));
  }
  Assign(Add("fenced", -1, -1), 0, {2});
  EXPECT_EQ(CreateOne(), ErrorCode::kInvalidReplicaAssignment);
  Assign(Add("half", -1, -1), 0, {2, 3});
  EXPECT_EQ(CreateOne(), ErrorCode::kNone);
  EXPECT_EQ(cluster_.PartitionAt("half", 0).isr, metadata::NodeIdList{NodeId(3)});
  EXPECT_EQ(cluster_.PartitionAt("half", 0).leader, NodeId(3));
  cluster_.Fence(1);
  cluster_.Fence(3);
  Add("nobody", 1, 1);
  EXPECT_EQ(CreateOne(), ErrorCode::kInvalidReplicationFactor);
}

TEST_F(TopicsTest, ValidateOnlyAnswersAndChangesNothing) {
  Add("t", 3, 1);
  request_.set_validate_only(true);
  const auto decision = CreateTopics(cluster_.context(), request_);
  ASSERT_TRUE(decision);
  EXPECT_TRUE(decision->records.empty());
  EXPECT_EQ(decision->reply.topics(0).partitions(), 3);
  EXPECT_EQ(decision->reply.topics(0).error().code(), 0);
}

TEST_F(TopicsTest, InternalTopicsAreMarked) {
  cluster_.CreateTopic("__consumer_offsets", 50, 1);
  EXPECT_TRUE(cluster_.image.FindTopic("__consumer_offsets")->internal);
  cluster_.CreateTopic("__mine", 1, 1);
  EXPECT_FALSE(cluster_.image.FindTopic("__mine")->internal);
}

TEST_F(TopicsTest, DeletesByNameAndId) {
  cluster_.CreateTopic("a", 1, 1, {{"retention.ms", "1"}});
  cluster_.CreateTopic("b", 1, 1);
  cluster_.CreateTopic("c", 1, 1);
  admin::v1::DeleteTopicsRequest request;
  request.add_topics()->set_name("a");
  request.add_topics()->set_topic_id(cluster_.image.FindTopic("b")->id.ToString());
  request.add_topics()->set_name("nope");
  request.add_topics()->set_topic_id(Uuid::Random(cluster_.prng).ToString());
  request.add_topics()->set_name("c");
  request.add_topics()->set_topic_id(cluster_.image.FindTopic("c")->id.ToString());
  request.add_topics();
  const auto reply = cluster_.Commit(DeleteTopics(cluster_.context(), request));
  EXPECT_EQ(CodeOf(reply.topics(0).error()), ErrorCode::kNone);
  EXPECT_EQ(CodeOf(reply.topics(1).error()), ErrorCode::kNone);
  EXPECT_EQ(reply.topics(1).name(), "b");
  EXPECT_EQ(CodeOf(reply.topics(2).error()), ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(CodeOf(reply.topics(3).error()), ErrorCode::kUnknownTopicId);
  EXPECT_EQ(CodeOf(reply.topics(4).error()), ErrorCode::kInvalidRequest);
  EXPECT_EQ(CodeOf(reply.topics(5).error()), ErrorCode::kInvalidRequest);
  EXPECT_EQ(CodeOf(reply.topics(6).error()), ErrorCode::kInvalidRequest);
  EXPECT_EQ(cluster_.image.topics().size(), 1u);
  EXPECT_TRUE(cluster_.image.configs().empty());
}

TEST_F(TopicsTest, DeletionCanBeSwitchedOff) {
  cluster_.CreateTopic("a", 1, 1);
  cluster_.defaults.static_config["delete.topic.enable"] = "false";
  admin::v1::DeleteTopicsRequest request;
  request.add_topics()->set_name("a");
  const auto reply = cluster_.Commit(DeleteTopics(cluster_.context(), request));
  EXPECT_EQ(CodeOf(reply.topics(0).error()), ErrorCode::kTopicDeletionDisabled);
}

// I-44: a topic deleted and created again is another one.
TEST_F(TopicsTest, I44_RecreatedTopicsHaveNewIds) {
  std::set<Uuid> ids;
  for (int i = 0; i < 50; ++i) {
    cluster_.CreateTopic("t", 1, 1);
    ids.insert(cluster_.image.FindTopic("t")->id);
    admin::v1::DeleteTopicsRequest request;
    request.add_topics()->set_name("t");
    cluster_.Commit(DeleteTopics(cluster_.context(), request));
  }
  EXPECT_EQ(ids.size(), 50u);
}

class CreatePartitionsTest : public TopicsTest {
 protected:
  admin::v1::NewPartitions* Grow(const std::string& name, int32_t total) {
    admin::v1::NewPartitions* topic = partitions_.add_topics();
    topic->set_name(name);
    topic->set_total_count(total);
    return topic;
  }
  ErrorCode GrowNow() {
    const auto reply = cluster_.Commit(CreatePartitions(cluster_.context(), partitions_));
    partitions_.Clear();
    return CodeOf(reply.topics(0).error());
  }
  static void AssignTo(admin::v1::NewPartitions* topic, int32_t partition,
                       std::initializer_list<int32_t> ids) {
    admin::v1::ReplicaAssignment* assignment = topic->add_assignments();
    assignment->set_partition(partition);
    for (const int32_t id : ids) assignment->add_broker_ids(id);
  }

  admin::v1::CreatePartitionsRequest partitions_;
};

TEST_F(CreatePartitionsTest, AddsWithTheTopicsReplicationFactor) {
  cluster_.CreateTopic("t", 2, 2);
  const metadata::Topic before = *cluster_.image.FindTopic("t");
  Grow("t", 5);
  EXPECT_EQ(GrowNow(), ErrorCode::kNone);
  const metadata::Topic* topic = cluster_.image.FindTopic("t");
  ASSERT_EQ(topic->partitions.size(), 5u);
  EXPECT_EQ(*topic->FindPartition(PartitionIndex(1)), *before.FindPartition(PartitionIndex(1)));
  EXPECT_EQ(topic->FindPartition(PartitionIndex(4))->replicas.size(), 2u);
}

TEST_F(CreatePartitionsTest, RefusesWhatDoesNotGrow) {
  cluster_.CreateTopic("t", 2, 1);
  Grow("t", 2);
  EXPECT_EQ(GrowNow(), ErrorCode::kInvalidPartitions);
  Grow("t", 1);
  EXPECT_EQ(GrowNow(), ErrorCode::kInvalidPartitions);
  Grow("t", -1);
  EXPECT_EQ(GrowNow(), ErrorCode::kInvalidPartitions);
  Grow("t", limits::kPartitionsPerTopicMax + 1);
  EXPECT_EQ(GrowNow(), ErrorCode::kInvalidPartitions);
  Grow("t", 20'000);
  EXPECT_EQ(GrowNow(), ErrorCode::kPolicyViolation);
  Grow("nope", 3);
  EXPECT_EQ(GrowNow(), ErrorCode::kUnknownTopicOrPartition);
  Grow("t", 3);
  Grow("t", 4);
  EXPECT_EQ(GrowNow(), ErrorCode::kInvalidRequest);
}

TEST_F(CreatePartitionsTest, ManualAssignmentContinuesTheNumbers) {
  cluster_.CreateTopic("t", 1, 1);
  AssignTo(Grow("t", 2), 1, {3});
  EXPECT_EQ(GrowNow(), ErrorCode::kNone);
  EXPECT_EQ(cluster_.PartitionAt("t", 1).leader, NodeId(3));
  AssignTo(Grow("t", 3), 0, {3});
  EXPECT_EQ(GrowNow(), ErrorCode::kInvalidReplicaAssignment);
  AssignTo(Grow("t", 4), 2, {3});
  EXPECT_EQ(GrowNow(), ErrorCode::kInvalidReplicaAssignment);
  AssignTo(Grow("t", 3), 2, {3, 1});
  EXPECT_EQ(GrowNow(), ErrorCode::kInvalidReplicaAssignment);
}

TEST_F(CreatePartitionsTest, ValidateOnlyChangesNothing) {
  cluster_.CreateTopic("t", 1, 1);
  Grow("t", 9);
  partitions_.set_validate_only(true);
  EXPECT_EQ(GrowNow(), ErrorCode::kNone);
  EXPECT_EQ(cluster_.image.FindTopic("t")->partitions.size(), 1u);
}

}  // namespace
}  // namespace weir::state
