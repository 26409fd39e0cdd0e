// FindCoordinator, DescribeGroups, ListGroups, DeleteGroups: where a group's offsets are, and what
// administrators see of groups.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "broker/handlers/offsets_topic.h"
#include "common/metadata/group_partition.h"
#include "tests/unit/broker/handlers/group_fixture.h"

namespace weir::handlers {
namespace {

group::v1::DescribeGroupsReply KnowsNoGroup(const group::v1::DescribeGroupsRequest& request) {
  group::v1::DescribeGroupsReply reply;
  for (const std::string& group_id : request.group_ids()) {
    group::v1::DescribedGroup* missing = reply.add_groups();
    missing->set_group_id(group_id);
    missing->set_state("Dead");
    missing->set_error_code(static_cast<int32_t>(ErrorCode::kGroupIdNotFound));
  }
  return reply;
}

// ---- FindCoordinator ----------------------------------------------------------------------

// Brokers 1 to `registered`, of which the first ones live.
metadata::MetadataImage ImageWith(int32_t registered, int32_t live) {
  metadata::MetadataImage image;
  metadata::v1::MetadataBatch batch;
  for (int32_t id = 1; id <= registered; ++id) {
    auto* broker = batch.add_records()->mutable_register_broker();
    broker->set_broker_id(id);
    broker->set_incarnation_id(Uuid{}.ToBytes());
  }
  metadata::Apply(image, batch, LogIndex(1));
  metadata::v1::MetadataBatch changes;
  for (int32_t id = live + 1; id <= registered; ++id) {
    auto* change = changes.add_records()->mutable_broker_change();
    change->set_broker_id(id);
    change->set_broker_epoch(1);
    change->set_fenced(true);
  }
  metadata::Apply(image, changes, LogIndex(2));
  EXPECT_EQ(image.LiveBrokers().size(), static_cast<size_t>(live));
  return image;
}

TEST_F(GroupHandlers, TheOffsetsTopicIsAskedForAsKafkaMakesIt) {
  const metadata::MetadataImage image = ImageWith(2, 2);
  const admin::v1::NewTopic topic = NewOffsetsTopic({image, NodeId(1), nullptr});
  EXPECT_EQ(topic.name(), "__consumer_offsets");
  EXPECT_EQ(topic.partitions(), 50);
  EXPECT_EQ(topic.replication_factor(), 2) << "as many as there are, up to three";
  EXPECT_EQ(topic.assignments_size(), 0);
  EXPECT_EQ(topic.configs().at(std::string("cleanup.policy")), "compact");
  EXPECT_EQ(NewOffsetsTopic({ImageWith(5, 3), NodeId(1), nullptr}).replication_factor(), 3);
  const metadata::StaticConfig own = {{"offsets.topic.num.partitions", "7"},
                                      {"offsets.topic.replication.factor", "1"}};
  const admin::v1::NewTopic other = NewOffsetsTopic({image, NodeId(1), &own});
  EXPECT_EQ(other.partitions(), 7);
  EXPECT_EQ(other.replication_factor(), 1);
}

// Brokers that are away for now do not cost committed offsets their replicas for ever.
TEST_F(GroupHandlers, TheOffsetsTopicHasReplicasOnBrokersThatAreAway) {
  for (const auto& [registered, live] : {std::pair(3, 1), std::pair(3, 2), std::pair(6, 1)}) {
    const metadata::MetadataImage image = ImageWith(registered, live);
    const admin::v1::NewTopic topic = NewOffsetsTopic({image, NodeId(1), nullptr});
    EXPECT_EQ(topic.partitions(), 0) << "the assignment says it";
    EXPECT_EQ(topic.replication_factor(), 0);
    ASSERT_EQ(topic.assignments_size(), 50);
    std::map<int32_t, int> preferred;
    for (const admin::v1::ReplicaAssignment& assignment : topic.assignments()) {
      const std::set<int32_t> replicas(assignment.broker_ids().begin(),
                                       assignment.broker_ids().end());
      EXPECT_EQ(replicas.size(), 3u);
      EXPECT_TRUE(std::any_of(replicas.begin(), replicas.end(),
                              [&](int32_t id) { return image.IsLive(NodeId(id)); }));
      ++preferred[assignment.broker_ids(0)];
    }
    EXPECT_EQ(preferred.size(), static_cast<size_t>(registered));
    for (const auto& [id, count] : preferred) EXPECT_LE(count, 50 / registered + 1);
  }
}

TEST_F(GroupHandlers, TransactionsHaveNoCoordinatorYet) {
  for (int16_t v = 1; v <= 6; ++v) {
    wire::FindCoordinatorRequest request;
    request.key = "t";
    request.coordinator_keys = {"t"};
    request.key_type = 1;
    const auto answer = Ask<wire::FindCoordinatorResponse>(v, request);
    const ErrorCode error = v < 4 ? answer.error_code : answer.coordinators.at(0).error_code;
    EXPECT_EQ(error, ErrorCode::kCoordinatorNotAvailable) << v;
  }
}

TEST_F(GroupHandlers, AnUnknownTypeOfKeyIsRefused) {
  wire::FindCoordinatorRequest request;
  request.coordinator_keys = {"g:AAAAAAAAAAAAAAAAAAAAAA:0"};
  request.key_type = 2;
  const auto answer = Ask<wire::FindCoordinatorResponse>(6, request);
  EXPECT_EQ(answer.coordinators.at(0).error_code, ErrorCode::kInvalidRequest);
  EXPECT_EQ(answer.coordinators.at(0).key, request.coordinator_keys[0]);
  EXPECT_EQ(answer.coordinators.at(0).node_id, -1);
}

TEST_F(GroupHandlers, TheFirstQuestionForAGroupCreatesTheTopic) {
  for (int16_t v = 0; v <= 6; ++v) {
    wire::FindCoordinatorRequest request;
    request.key = "g";
    request.coordinator_keys = {"g", "other"};
    const auto answer = Ask<wire::FindCoordinatorResponse>(v, request);
    if (v < 4) {
      EXPECT_EQ(answer.error_code, ErrorCode::kNone) << v;
      EXPECT_EQ(answer.node_id, kBrokerId.value());
      EXPECT_EQ(answer.port, port_);
    } else {
      ASSERT_EQ(answer.coordinators.size(), 2u);
      EXPECT_EQ(answer.coordinators[1].key, "other");
      EXPECT_EQ(answer.coordinators[1].error_code, ErrorCode::kNone);
      EXPECT_EQ(answer.coordinators[1].port, port_);
    }
  }
  wire::MetadataRequest metadata;
  metadata.topics->push_back({.topic_id = {}, .name = "__consumer_offsets"});
  metadata.allow_auto_topic_creation = false;
  const auto described = Ask<wire::MetadataResponse>(9, metadata);
  EXPECT_EQ(described.topics.at(0).partitions.size(), 50u);
}

// ---- DescribeGroups, ListGroups, DeleteGroups ---------------------------------------------

TEST_F(GroupHandlers, AMissingGroupIsDeadAndFromVersionSixAnError) {
  group_calls_->describes.answer = [](const group::v1::DescribeGroupsRequest& request) {
    group::v1::DescribeGroupsReply reply;
    group::v1::DescribedGroup* found = reply.add_groups();
    found->set_group_id(request.group_ids(0));
    found->set_state("Stable");
    found->set_protocol_type("consumer");
    found->set_protocol_name("range");
    group::v1::DescribedMember* member = found->add_members();
    member->set_member_id("m");
    member->set_client_host("/10.0.0.1");
    member->set_assignment("its");
    group::v1::DescribedGroup* missing = reply.add_groups();
    missing->set_group_id(request.group_ids(1));
    missing->set_state("Dead");
    missing->set_error_code(Number(ErrorCode::kGroupIdNotFound));
    return reply;
  };
  for (int16_t v = 0; v <= 6; ++v) {
    wire::DescribeGroupsRequest request;
    request.groups = {"g", "nothing"};
    request.include_authorized_operations = v >= 3;
    const auto answer = Ask<wire::DescribeGroupsResponse>(v, request);
    ASSERT_EQ(answer.groups.size(), 2u);
    const auto& found = answer.groups[0];
    EXPECT_EQ(found.group_state, "Stable");
    EXPECT_EQ(found.protocol_data, "range");
    EXPECT_EQ(found.members.at(0).client_host, "/10.0.0.1");
    EXPECT_EQ(found.members.at(0).member_assignment.data, "its");
    // READ, DELETE, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS.
    if (v >= 3) {
      EXPECT_EQ(found.authorized_operations, 0b1101'0100'1000);
    }
    const auto& missing = answer.groups[1];
    EXPECT_EQ(missing.group_state, "Dead");
    EXPECT_EQ(missing.error_code, v >= 6 ? ErrorCode::kGroupIdNotFound : ErrorCode::kNone);
  }
}

TEST_F(GroupHandlers, GroupsAreListedByStateAndType) {
  AppendGroup("g");
  for (int16_t v = 0; v <= 5; ++v) {
    const auto answer = Ask<wire::ListGroupsResponse>(v, wire::ListGroupsRequest{});
    ASSERT_EQ(answer.groups.size(), 1u) << v;
    EXPECT_EQ(answer.groups[0].group_id, "g");
    EXPECT_EQ(answer.groups[0].protocol_type, "consumer");
    EXPECT_EQ(answer.groups[0].group_state, v >= 4 ? "Stable" : "");
    EXPECT_EQ(answer.groups[0].group_type, v >= 5 ? "classic" : "");
  }
  wire::ListGroupsRequest request;
  request.states_filter = {"Empty", "sTaBle"};
  EXPECT_EQ(Ask<wire::ListGroupsResponse>(5, request).groups.size(), 1u);
  request.states_filter = {"Empty"};
  EXPECT_TRUE(Ask<wire::ListGroupsResponse>(5, request).groups.empty());
  request = {};
  request.types_filter = {"share"};
  EXPECT_TRUE(Ask<wire::ListGroupsResponse>(5, request).groups.empty());
}

// Clients list at every broker: a group must come once (librdkafka adds the answers up).
TEST_F(GroupHandlers, AGroupIsListedByItsCoordinatorAlone) {
  AppendGroup("g");
  metadata::v1::MetadataBatch batch;
  Prng prng(3);
  auto* other = batch.add_records()->mutable_register_broker();
  other->set_broker_id(2);
  other->set_incarnation_id(Uuid::Random(prng).ToBytes());
  other->add_directory_ids(Uuid::Random(prng).ToBytes());
  const Uuid topic = Uuid::Random(prng);
  auto* record = batch.add_records()->mutable_topic();
  record->set_topic_id(topic.ToBytes());
  record->set_name("__consumer_offsets");
  for (int32_t i = 0; i < 2; ++i) {
    auto* partition = batch.add_records()->mutable_partition();
    partition->set_topic_id(topic.ToBytes());
    partition->set_partition(i);
    const int32_t leader =
        metadata::PartitionOfGroup("g", 2) == PartitionIndex(i) ? 2 : kBrokerId.value();
    partition->add_replicas(leader);
    partition->add_isr(leader);
    partition->set_leader(leader);
  }
  controllers_->Append(std::move(batch));
  WaitUntil([&] { return Listed().empty(); });

  wire::DeleteGroupsRequest request;
  request.groups_names = {"g"};
  EXPECT_EQ(Ask<wire::DeleteGroupsResponse>(2, request).results.at(0).error_code,
            ErrorCode::kNotCoordinator)
      << "its offsets are elsewhere";
  EXPECT_TRUE(group_calls_->deletes.Asked().empty());
}

// After a failover tools come to a broker that does not know of a group without members: they are
// to look for the coordinator again, not to be told that the group is gone.
TEST_F(GroupHandlers, AGroupThatMayHaveOffsetsElsewhereIsNotSaidToBeDead) {
  group_calls_->describes.answer = KnowsNoGroup;
  const auto described = [&](int16_t version) {
    wire::DescribeGroupsRequest request;
    request.groups = {"simple"};
    return Ask<wire::DescribeGroupsResponse>(version, request).groups.at(0);
  };
  EXPECT_EQ(described(6).error_code, ErrorCode::kGroupIdNotFound) << "nothing was ever committed";

  wire::FindCoordinatorRequest find;
  find.coordinator_keys = {"simple"};
  Ask<wire::FindCoordinatorResponse>(6, find);
  wire::MetadataRequest metadata;
  metadata.topics->push_back({.topic_id = {}, .name = "__consumer_offsets"});
  const std::string id = Ask<wire::MetadataResponse>(12, metadata).topics.at(0).topic_id.ToBytes();
  const auto lead = [&](int32_t leader) {
    metadata::v1::MetadataBatch batch;
    for (int32_t partition = 0; partition < 50; ++partition) {
      auto* change = batch.add_records()->mutable_partition_change();
      change->set_topic_id(id);
      change->set_partition(partition);
      change->set_leader(leader);
    }
    controllers_->Append(std::move(batch));
  };
  WaitUntil([&] { return described(6).group_state == "Dead"; });
  lead(9);
  WaitUntil([&] { return described(6).error_code == ErrorCode::kNotCoordinator; });
  EXPECT_EQ(described(0).error_code, ErrorCode::kNotCoordinator);
  EXPECT_EQ(described(0).group_state, "");
  lead(kNoNode.value());
  WaitUntil([&] { return described(6).error_code == ErrorCode::kCoordinatorNotAvailable; });
}

TEST_F(GroupHandlers, GroupsAreDeletedOneByOne) {
  group_calls_->deletes.answer = [](const group::v1::DeleteGroupsRequest& request) {
    group::v1::DeleteGroupsReply reply;
    for (const std::string& group_id : request.group_ids()) {
      group::v1::DeletedGroup* deleted = reply.add_groups();
      deleted->set_group_id(group_id);
      if (group_id == "busy") deleted->set_error_code(Number(ErrorCode::kNonEmptyGroup));
    }
    return reply;
  };
  for (int16_t v = 0; v <= 2; ++v) {
    wire::DeleteGroupsRequest request;
    request.groups_names = {"g", "busy"};
    const auto answer = Ask<wire::DeleteGroupsResponse>(v, request);
    ASSERT_EQ(answer.results.size(), 2u);
    EXPECT_EQ(answer.results[0].error_code, ErrorCode::kNone);
    EXPECT_EQ(answer.results[1].group_id, "busy");
    EXPECT_EQ(answer.results[1].error_code, ErrorCode::kNonEmptyGroup);
  }
}

// What Kafka calls a simple group: nobody has joined it, offsets were committed for it.
TEST_F(GroupHandlers, AGroupThatHasOnlyOffsetsIsEmptyAndCanBeDeleted) {
  wire::CreateTopicsRequest create;
  create.topics.push_back({.name = "t", .num_partitions = 1, .replication_factor = 1});
  Ask<wire::CreateTopicsResponse>(7, create);
  wire::FindCoordinatorRequest find;
  find.coordinator_keys = {"simple"};
  Ask<wire::FindCoordinatorResponse>(6, find);
  wire::OffsetCommitRequest commit;
  commit.group_id = "simple";
  commit.generation_id_or_member_epoch = -1;
  commit.topics.push_back(
      {.topic_id = {}, .name = "t", .partitions = {{.partition_index = 0, .committed_offset = 5}}});
  const auto committed = Ask<wire::OffsetCommitResponse>(9, commit);
  ASSERT_EQ(committed.topics.at(0).partitions.at(0).error_code, ErrorCode::kNone);
  for (int16_t v = 0; v <= 5; ++v) {
    const auto listed = Ask<wire::ListGroupsResponse>(v, wire::ListGroupsRequest{});
    ASSERT_EQ(listed.groups.size(), 1u) << v;
    EXPECT_EQ(listed.groups[0].group_id, "simple");
    EXPECT_EQ(listed.groups[0].protocol_type, "");
    EXPECT_EQ(listed.groups[0].group_state, v >= 4 ? "Empty" : "");
    EXPECT_EQ(listed.groups[0].group_type, v >= 5 ? "classic" : "");
  }
  wire::ListGroupsRequest filtered;
  filtered.states_filter = {"stable"};
  EXPECT_TRUE(Ask<wire::ListGroupsResponse>(4, filtered).groups.empty());
  filtered.states_filter = {"empty"};
  filtered.types_filter = {"consumer"};
  EXPECT_TRUE(Ask<wire::ListGroupsResponse>(5, filtered).groups.empty());
  filtered.types_filter = {"Classic"};
  EXPECT_EQ(Ask<wire::ListGroupsResponse>(5, filtered).groups.size(), 1u);

  group_calls_->describes.answer = KnowsNoGroup;
  group_calls_->deletes.answer = [](const group::v1::DeleteGroupsRequest& request) {
    group::v1::DeleteGroupsReply reply;
    for (const std::string& group_id : request.group_ids()) {
      group::v1::DeletedGroup* missing = reply.add_groups();
      missing->set_group_id(group_id);
      missing->set_error_code(Number(ErrorCode::kGroupIdNotFound));
    }
    return reply;
  };
  wire::DescribeGroupsRequest describe;
  describe.groups = {"nothing", "simple"};
  const auto described = Ask<wire::DescribeGroupsResponse>(6, describe);
  EXPECT_EQ(described.groups.at(0).error_code, ErrorCode::kGroupIdNotFound);
  EXPECT_EQ(described.groups.at(0).group_state, "Dead");
  EXPECT_EQ(described.groups.at(1).error_code, ErrorCode::kNone);
  EXPECT_EQ(described.groups.at(1).group_state, "Empty");

  wire::DeleteGroupsRequest remove;
  remove.groups_names = {"simple", "nothing"};
  const auto deleted = Ask<wire::DeleteGroupsResponse>(2, remove);
  EXPECT_EQ(deleted.results.at(0).error_code, ErrorCode::kNone);
  EXPECT_EQ(deleted.results.at(1).error_code, ErrorCode::kGroupIdNotFound);
  EXPECT_EQ(Ask<wire::DeleteGroupsResponse>(2, remove).results.at(0).error_code,
            ErrorCode::kGroupIdNotFound)
      << "with its offsets";
  EXPECT_TRUE(Listed().empty());
}

}  // namespace
}  // namespace weir::handlers
