// FindCoordinator and the groups' APIs: what is asked of the controllers, version by version, and
// how their answers look to a Kafka client.
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <set>
#include <string>

#include "broker/handlers/offsets_topic.h"
#include "broker/wire/messages/all.h"
#include "common/metadata/group_partition.h"
#include "tests/unit/broker/handlers/broker_fixture.h"

namespace weir::handlers {
namespace {

class GroupHandlers : public BrokerFixture {
 protected:
  void SetUp() override {
    BrokerFixture::SetUp();
    client_ = std::make_unique<BrokerClient>(port_);
  }
  template <class Response, class Request>
  Response Ask(int16_t version, const Request& request) {
    const auto answer = client_->Ask<Response>(version, request);
    EXPECT_TRUE(answer.has_value()) << Request::kInfo.name << " v" << version;
    return answer.value_or(Response{});
  }
  static int32_t Number(ErrorCode error) { return static_cast<int32_t>(error); }

  // A stable group of generation 4 with the members "m" and, static, "s".
  void AppendGroup(const std::string& group_id) {
    metadata::v1::MetadataBatch batch;
    metadata::v1::GroupRecord* group = batch.add_records()->mutable_group();
    group->set_group_id(group_id);
    group->set_type(metadata::v1::GROUP_TYPE_CLASSIC);
    group->set_state(metadata::v1::GROUP_STATE_STABLE);
    group->set_generation(4);
    group->set_protocol_type("consumer");
    for (const auto& [member_id, instance_id] : {std::pair{"m", ""}, std::pair{"s", "i"}}) {
      metadata::v1::GroupMemberRecord* member = batch.add_records()->mutable_group_member();
      member->set_group_id(group_id);
      member->set_member_id(member_id);
      member->set_instance_id(instance_id);
      member->set_session_timeout_ms(10'000);
    }
    controllers_->Append(std::move(batch));
    WaitUntil([&] { return Listed().contains(group_id); });
  }
  std::set<std::string> Listed() {
    std::set<std::string> ids;
    for (const auto& group : Ask<wire::ListGroupsResponse>(5, wire::ListGroupsRequest{}).groups) {
      ids.insert(group.group_id);
    }
    return ids;
  }
  // Asks something between two looks, so that the broker gets its turn.
  void WaitUntil(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!condition()) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "condition never held";
      Ask<wire::ApiVersionsResponse>(0, wire::ApiVersionsRequest{});
    }
  }

  std::unique_ptr<BrokerClient> client_;
};

// ---- FindCoordinator ----------------------------------------------------------------------

TEST_F(GroupHandlers, TheOffsetsTopicIsAskedForAsKafkaMakesIt) {
  metadata::MetadataImage image;
  metadata::v1::MetadataBatch batch;
  for (int32_t id = 1; id <= 2; ++id) {
    auto* broker = batch.add_records()->mutable_register_broker();
    broker->set_broker_id(id);
    broker->set_incarnation_id(Uuid{}.ToBytes());
  }
  metadata::Apply(image, batch, LogIndex(1));
  const auto live = static_cast<int32_t>(image.LiveBrokers().size());
  const admin::v1::NewTopic topic = NewOffsetsTopic({image, NodeId(1), nullptr});
  EXPECT_EQ(topic.name(), "__consumer_offsets");
  EXPECT_EQ(topic.partitions(), 50);
  EXPECT_EQ(topic.replication_factor(), std::max(1, live)) << "as many as there are, up to three";
  EXPECT_EQ(topic.configs().at(std::string("cleanup.policy")), "compact");
  const metadata::StaticConfig own = {{"offsets.topic.num.partitions", "7"},
                                      {"offsets.topic.replication.factor", "1"}};
  const admin::v1::NewTopic other = NewOffsetsTopic({image, NodeId(1), &own});
  EXPECT_EQ(other.partitions(), 7);
  EXPECT_EQ(other.replication_factor(), 1);
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

// ---- JoinGroup and SyncGroup --------------------------------------------------------------

TEST_F(GroupHandlers, AJoinSaysWhatItsVersionCanDo) {
  group_calls_->joins.answer = [](const group::v1::JoinGroupRequest& request) {
    group::v1::JoinGroupReply reply;
    reply.set_generation_id(7);
    reply.set_protocol_type("consumer");
    reply.set_protocol_name("range");
    reply.set_leader("m");
    reply.set_member_id("m");
    reply.set_skip_assignment(request.supports_skip_assignment());
    group::v1::JoinedMember* member = reply.add_members();
    member->set_member_id("m");
    member->set_instance_id(request.instance_id());
    member->set_metadata(std::string("\0\1", 2));
    return reply;
  };
  for (int16_t v = 0; v <= 9; ++v) {
    wire::JoinGroupRequest request;
    request.group_id = "g";
    request.session_timeout_ms = 10'000;
    if (v >= 1) request.rebalance_timeout_ms = 60'000;
    if (v >= 5) request.group_instance_id = "i";
    if (v >= 8) request.reason = "wants to";
    request.protocol_type = "consumer";
    request.protocols = {{"range", {"\xff"}}, {"sticky", {""}}};
    const auto answer = Ask<wire::JoinGroupResponse>(v, request);

    const group::v1::JoinGroupRequest asked = group_calls_->joins.Asked().back();
    EXPECT_EQ(asked.group_id(), "g");
    EXPECT_EQ(asked.client_id(), "test");
    EXPECT_EQ(asked.client_host(), "/127.0.0.1");
    EXPECT_EQ(asked.session_timeout_ms(), 10'000);
    EXPECT_EQ(asked.rebalance_timeout_ms(), v >= 1 ? 60'000 : -1);
    EXPECT_EQ(asked.instance_id(), v >= 5 ? "i" : "");
    EXPECT_EQ(asked.reason(), v >= 8 ? "wants to" : "");
    EXPECT_EQ(asked.requires_known_member_id(), v >= 4);
    EXPECT_EQ(asked.supports_skip_assignment(), v >= 9);
    ASSERT_EQ(asked.protocols_size(), 2);
    EXPECT_EQ(asked.protocols(0).name(), "range");
    EXPECT_EQ(asked.protocols(0).metadata(), "\xff");

    EXPECT_EQ(answer.error_code, ErrorCode::kNone) << v;
    EXPECT_EQ(answer.generation_id, 7);
    if (v >= 7) {
      EXPECT_EQ(answer.protocol_type, "consumer");
    }
    EXPECT_EQ(answer.protocol_name, "range");
    EXPECT_EQ(answer.leader, "m");
    EXPECT_EQ(answer.skip_assignment, v >= 9);
    ASSERT_EQ(answer.members.size(), 1u);
    if (v >= 5) {
      EXPECT_EQ(answer.members[0].group_instance_id, "i");
    }
    EXPECT_EQ(answer.members[0].metadata.data, std::string("\0\1", 2));
  }
}

TEST_F(GroupHandlers, ARefusedJoinTellsTheMemberIdAndNoGeneration) {
  group_calls_->joins.answer = [](const auto&) {
    group::v1::JoinGroupReply reply;
    reply.set_error_code(Number(ErrorCode::kMemberIdRequired));
    reply.set_generation_id(-1);
    reply.set_member_id("yours");
    return reply;
  };
  for (int16_t v = 0; v <= 9; ++v) {
    const auto answer = Ask<wire::JoinGroupResponse>(v, wire::JoinGroupRequest{});
    EXPECT_EQ(answer.error_code, ErrorCode::kMemberIdRequired);
    EXPECT_EQ(answer.generation_id, -1);
    EXPECT_EQ(answer.member_id, "yours");
    EXPECT_EQ(answer.protocol_name.has_value(), v < 7);
  }
}

TEST_F(GroupHandlers, ALostClientWithdrawsItsJoinAndItsSync) {
  group_calls_->joins.answer = nullptr;
  group_calls_->syncs.answer = nullptr;
  {
    BrokerClient joining(port_);
    joining.Send(9, wire::JoinGroupRequest{});
    BrokerClient syncing(port_);
    syncing.Send(3, wire::SyncGroupRequest{});
    WaitUntil([&] {
      return !group_calls_->joins.Asked().empty() && !group_calls_->syncs.Asked().empty();
    });
    EXPECT_EQ(group_calls_->joins.cancelled(), 0);
  }
  WaitUntil(
      [&] { return group_calls_->joins.cancelled() == 1 && group_calls_->syncs.cancelled() == 1; });
  EXPECT_EQ(group_calls_->joins.Asked().size(), 1u);
}

TEST_F(GroupHandlers, ASyncHandsInAndTakesAssignments) {
  group_calls_->syncs.answer = [](const auto&) {
    group::v1::SyncGroupReply reply;
    reply.set_protocol_type("consumer");
    reply.set_protocol_name("range");
    reply.set_assignment("yours");
    return reply;
  };
  for (int16_t v = 0; v <= 5; ++v) {
    wire::SyncGroupRequest request;
    request.group_id = "g";
    request.generation_id = 7;
    request.member_id = "m";
    if (v >= 3) request.group_instance_id = "i";
    if (v >= 5) {
      request.protocol_type = "consumer";
      request.protocol_name = "range";
    }
    request.assignments = {{"m", {"mine"}}};
    const auto answer = Ask<wire::SyncGroupResponse>(v, request);
    const group::v1::SyncGroupRequest asked = group_calls_->syncs.Asked().back();
    EXPECT_EQ(asked.generation_id(), 7);
    EXPECT_EQ(asked.instance_id(), v >= 3 ? "i" : "");
    EXPECT_EQ(asked.protocol_name(), v >= 5 ? "range" : "");
    ASSERT_EQ(asked.assignments_size(), 1);
    EXPECT_EQ(asked.assignments(0).assignment(), "mine");
    EXPECT_EQ(answer.error_code, ErrorCode::kNone) << v;
    EXPECT_EQ(answer.assignment.data, "yours");
    if (v >= 5) {
      EXPECT_EQ(answer.protocol_name, "range");
    }
  }
}

TEST_F(GroupHandlers, ANewSyncThatNamesNoProtocolIsInconsistent) {
  wire::SyncGroupRequest request;
  request.protocol_type = "consumer";
  EXPECT_EQ(Ask<wire::SyncGroupResponse>(5, request).error_code,
            ErrorCode::kInconsistentGroupProtocol);
  EXPECT_TRUE(group_calls_->syncs.Asked().empty());
}

// ---- Heartbeat and LeaveGroup -------------------------------------------------------------

TEST_F(GroupHandlers, G08_HeartbeatsOfAGroupAtRestStayHere) {
  AppendGroup("g");
  for (int16_t v = 0; v <= 4; ++v) {
    wire::HeartbeatRequest request;
    request.group_id = "g";
    request.generation_id = 4;
    request.member_id = v >= 3 ? "s" : "m";
    if (v >= 3) request.group_instance_id = "i";
    EXPECT_EQ(Ask<wire::HeartbeatResponse>(v, request).error_code, ErrorCode::kNone) << v;
  }
  EXPECT_TRUE(group_calls_->heartbeats.Asked().empty());
  std::set<std::string> reported;
  WaitUntil([&] {
    for (const group::v1::LivenessReport& report : group_calls_->reports.Asked()) {
      for (const auto& member : report.groups(0).members()) reported.insert(member.member_id());
    }
    return reported.size() >= 2;
  });
  EXPECT_EQ(reported, (std::set<std::string>{"m", "s"}));
}

TEST_F(GroupHandlers, AStrangersHeartbeatIsForTheControllerToRefuse) {
  group_calls_->heartbeats.answer = [](const auto&) {
    group::v1::HeartbeatReply reply;
    reply.set_error_code(Number(ErrorCode::kUnknownMemberId));
    return reply;
  };
  wire::HeartbeatRequest request;
  request.group_id = "nobody's";
  request.generation_id = 2;
  request.member_id = "m";
  EXPECT_EQ(Ask<wire::HeartbeatResponse>(4, request).error_code, ErrorCode::kUnknownMemberId);
  EXPECT_EQ(group_calls_->heartbeats.Asked().at(0).generation_id(), 2);
}

TEST_F(GroupHandlers, OneMemberLeavesUntilVersionTwoManyFromThree) {
  group_calls_->leaves.answer = [](const group::v1::LeaveGroupRequest& request) {
    group::v1::LeaveGroupReply reply;
    for (const auto& leaving : request.members()) {
      group::v1::LeftMember* left = reply.add_members();
      left->set_member_id(leaving.member_id());
      left->set_instance_id(leaving.instance_id());
      if (leaving.member_id() == "stranger") {
        left->set_error_code(Number(ErrorCode::kUnknownMemberId));
      }
    }
    return reply;
  };
  for (int16_t v = 0; v <= 5; ++v) {
    wire::LeaveGroupRequest request;
    request.group_id = "g";
    request.member_id = "stranger";
    if (v >= 3) {
      request.member_id.clear();
      request.members.push_back({.member_id = "m", .group_instance_id = std::nullopt});
      request.members.push_back({.member_id = "stranger", .group_instance_id = "i"});
      if (v >= 5) request.members[0].reason = "closed";
    }
    const auto answer = Ask<wire::LeaveGroupResponse>(v, request);
    const group::v1::LeaveGroupRequest asked = group_calls_->leaves.Asked().back();
    if (v < 3) {
      EXPECT_EQ(answer.error_code, ErrorCode::kUnknownMemberId) << v;
      continue;
    }
    EXPECT_EQ(asked.members(0).reason(), v >= 5 ? "closed" : "");
    EXPECT_EQ(answer.error_code, ErrorCode::kNone) << v;
    ASSERT_EQ(answer.members.size(), 2u);
    EXPECT_EQ(answer.members[0].error_code, ErrorCode::kNone);
    EXPECT_FALSE(answer.members[0].group_instance_id.has_value());
    EXPECT_EQ(answer.members[1].error_code, ErrorCode::kUnknownMemberId);
    EXPECT_EQ(answer.members[1].group_instance_id, "i");
  }
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

  group_calls_->describes.answer = [](const group::v1::DescribeGroupsRequest& request) {
    group::v1::DescribeGroupsReply reply;
    for (const std::string& group_id : request.group_ids()) {
      group::v1::DescribedGroup* missing = reply.add_groups();
      missing->set_group_id(group_id);
      missing->set_state("Dead");
      missing->set_error_code(Number(ErrorCode::kGroupIdNotFound));
    }
    return reply;
  };
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
}

}  // namespace
}  // namespace weir::handlers
