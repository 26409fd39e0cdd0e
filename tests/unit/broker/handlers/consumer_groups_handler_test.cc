// ConsumerGroupHeartbeat and ConsumerGroupDescribe over a socket, and what groups of the consumer
// protocol change for the other requests about groups (KIP-848).
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/broker/handlers/group_fixture.h"

namespace weir::handlers {
namespace {

using group::v1::ConsumerGroupHeartbeatReply;
using wire::ConsumerGroupDescribeRequest;
using wire::ConsumerGroupDescribeResponse;
using wire::ConsumerGroupHeartbeatRequest;
using wire::ConsumerGroupHeartbeatResponse;

const Uuid kTopic{{7, 7, 7}};

class ConsumerGroups : public GroupHandlers {
 protected:
  // A stable consumer group of epoch 4 with the member "m", at rest in epoch 4, and "behind", in
  // epoch 3.
  void AppendConsumerGroup(const std::string& group_id) {
    metadata::v1::MetadataBatch batch;
    metadata::v1::GroupRecord* group = batch.add_records()->mutable_group();
    group->set_group_id(group_id);
    group->set_type(metadata::v1::GROUP_TYPE_CONSUMER);
    group->set_state(metadata::v1::GROUP_STATE_RECONCILING);
    group->set_generation(4);
    group->set_assignment_epoch(4);
    group->set_protocol_type("consumer");
    struct Known {
      const char* member_id;
      const char* instance_id;
      int32_t epoch;
    };
    for (const auto& [member_id, instance_id, epoch] :
         {Known{"m", "", 4}, Known{"behind", "", 3}, Known{"s1", "i1", 4}, Known{"s2", "i2", 4}}) {
      metadata::v1::GroupMemberRecord* member = batch.add_records()->mutable_group_member();
      member->set_group_id(group_id);
      member->set_member_id(member_id);
      member->set_instance_id(instance_id);
      auto* at = batch.add_records()->mutable_group_member_epoch();
      at->set_group_id(group_id);
      at->set_member_id(member_id);
      at->set_member_epoch(epoch);
      at->set_previous_member_epoch(epoch - 1);
      at->set_state(metadata::v1::CONSUMER_MEMBER_STATE_STABLE);
    }
    controllers_->Append(std::move(batch));
    WaitUntil([&] { return Listed().contains(group_id); });
  }
  static ConsumerGroupHeartbeatRequest Idle(const std::string& member_id, int32_t epoch) {
    ConsumerGroupHeartbeatRequest request;
    request.group_id = "g";
    request.member_id = member_id;
    request.member_epoch = epoch;
    return request;
  }
  size_t Forwarded() { return group_calls_->consumer_heartbeats.Asked().size(); }
};

// ---- ApiVersions --------------------------------------------------------------------------

TEST_F(ConsumerGroups, TheFeatureIsFinalizedAndItsMinimumIsShownToThoseWhoBearIt) {
  for (int16_t v = 0; v <= 4; ++v) {
    const auto answer = Ask<wire::ApiVersionsResponse>(
        v,
        wire::ApiVersionsRequest{.client_software_name = "test", .client_software_version = "1.0"});
    ASSERT_EQ(answer.finalized_features.size(), v >= 3 ? 1u : 0u) << v;
    ASSERT_EQ(answer.supported_features.size(), v >= 4 ? 1u : 0u) << v;
    if (v < 3) continue;
    EXPECT_EQ(answer.finalized_features[0].name, "group.version");
    EXPECT_EQ(answer.finalized_features[0].max_version_level, 1);
    EXPECT_EQ(answer.finalized_features[0].min_version_level, 1);
    EXPECT_GT(answer.finalized_features_epoch, 0);
    if (v < 4) continue;
    EXPECT_EQ(answer.supported_features[0].name, "group.version");
    EXPECT_EQ(answer.supported_features[0].min_version, 0);
    EXPECT_EQ(answer.supported_features[0].max_version, 1);
  }
}

// ---- ConsumerGroupHeartbeat ---------------------------------------------------------------

TEST_F(ConsumerGroups, WhatAMemberSaysIsForwardedAndWhatIsNullIsAbsent) {
  group_calls_->consumer_heartbeats.answer = [](const auto&) {
    ConsumerGroupHeartbeatReply reply;
    reply.set_member_id("chosen");
    reply.set_member_epoch(5);
    reply.set_heartbeat_interval_ms(5'000);
    auto* topic = reply.mutable_assignment()->add_topic_partitions();
    topic->set_topic_id(kTopic.ToBytes());
    topic->add_partitions(0);
    topic->add_partitions(2);
    return reply;
  };
  for (int16_t v = 0; v <= 1; ++v) {
    ConsumerGroupHeartbeatRequest request;
    request.group_id = "g";
    request.member_id = "m";
    request.instance_id = "i";
    request.rack_id = "r";
    request.rebalance_timeout_ms = 45'000;
    request.subscribed_topic_names = {"a", "b"};
    if (v == 1) request.subscribed_topic_regex = "c.*";
    request.server_assignor = "range";
    request.topic_partitions = {{.topic_id = kTopic, .partitions = {1, 3}}};
    const auto answer = Ask<ConsumerGroupHeartbeatResponse>(v, request);
    EXPECT_EQ(answer.error_code, ErrorCode::kNone);
    EXPECT_EQ(answer.member_id, "chosen");
    EXPECT_EQ(answer.member_epoch, 5);
    EXPECT_EQ(answer.heartbeat_interval_ms, 5'000);
    ASSERT_TRUE(answer.assignment);
    ASSERT_EQ(answer.assignment->topic_partitions.size(), 1u);
    EXPECT_EQ(answer.assignment->topic_partitions[0].topic_id, kTopic);
    EXPECT_EQ(answer.assignment->topic_partitions[0].partitions, (std::vector<int32_t>{0, 2}));

    const auto asked = group_calls_->consumer_heartbeats.Asked().back();
    EXPECT_EQ(asked.group_id(), "g");
    EXPECT_EQ(asked.member_id(), "m");
    EXPECT_EQ(asked.instance_id(), "i");
    EXPECT_EQ(asked.rack_id(), "r");
    EXPECT_EQ(asked.rebalance_timeout_ms(), 45'000);
    EXPECT_EQ(asked.subscribed_topic_names().names_size(), 2);
    EXPECT_EQ(asked.has_subscribed_topic_regex(), v == 1);
    EXPECT_EQ(asked.subscribed_topic_regex(), v == 1 ? "c.*" : "");
    EXPECT_EQ(asked.server_assignor(), "range");
    ASSERT_EQ(asked.topic_partitions().topic_partitions_size(), 1);
    EXPECT_EQ(asked.topic_partitions().topic_partitions(0).topic_id(), kTopic.ToBytes());
    EXPECT_EQ(asked.topic_partitions().topic_partitions(0).partitions(1), 3);
    EXPECT_EQ(asked.client_host(), "/127.0.0.1");
  }
  Ask<ConsumerGroupHeartbeatResponse>(1, Idle("m", 7));
  const auto asked = group_calls_->consumer_heartbeats.Asked().back();
  EXPECT_FALSE(asked.has_instance_id() || asked.has_rack_id() || asked.has_server_assignor());
  EXPECT_FALSE(asked.has_subscribed_topic_names() || asked.has_subscribed_topic_regex());
  EXPECT_FALSE(asked.has_topic_partitions()) << "not the same as owning nothing";
  EXPECT_EQ(asked.rebalance_timeout_ms(), -1);
}

// A join that is sent to the controllers again must not make a second member, which would keep its
// share until its session ends.
TEST_F(ConsumerGroups, Version0IsGivenItsMemberIdHere) {
  Ask<ConsumerGroupHeartbeatResponse>(0, Idle("", 0));
  Ask<ConsumerGroupHeartbeatResponse>(0, Idle("", 0));
  const auto joins = group_calls_->consumer_heartbeats.Asked();
  EXPECT_EQ(joins.at(0).member_id().size(), 22u);
  EXPECT_EQ(joins.at(1).member_id().size(), 22u);
  EXPECT_NE(joins.at(0).member_id(), joins.at(1).member_id());
  Ask<ConsumerGroupHeartbeatResponse>(0, Idle("", 3));
  EXPECT_EQ(group_calls_->consumer_heartbeats.Asked().back().member_id(), "") << "it is a member";
  Ask<ConsumerGroupHeartbeatResponse>(1, Idle("", 0));
  EXPECT_EQ(group_calls_->consumer_heartbeats.Asked().back().member_id(), "") << "it has to choose";
}

TEST_F(ConsumerGroups, ARefusalSaysWhyAndGivesNothing) {
  group_calls_->consumer_heartbeats.answer = [](const auto&) {
    ConsumerGroupHeartbeatReply reply;
    reply.set_error_code(Number(ErrorCode::kFencedMemberEpoch));
    reply.set_error_message("too old");
    return reply;
  };
  const auto answer = Ask<ConsumerGroupHeartbeatResponse>(1, Idle("m", 3));
  EXPECT_EQ(answer.error_code, ErrorCode::kFencedMemberEpoch);
  EXPECT_EQ(answer.error_message, "too old");
  EXPECT_EQ(answer.member_id, std::nullopt);
  EXPECT_EQ(answer.assignment, std::nullopt);
}

TEST_F(ConsumerGroups, G08_AMemberAtRestIsAnsweredHere) {
  AppendConsumerGroup("g");
  const auto answer = Ask<ConsumerGroupHeartbeatResponse>(1, Idle("m", 4));
  EXPECT_EQ(answer.error_code, ErrorCode::kNone);
  EXPECT_EQ(answer.member_id, "m");
  EXPECT_EQ(answer.member_epoch, 4);
  EXPECT_EQ(answer.heartbeat_interval_ms, 5'000);
  EXPECT_EQ(answer.assignment, std::nullopt) << "as before";
  EXPECT_EQ(Forwarded(), 0u);
  WaitUntil([&] { return !group_calls_->reports.Asked().empty(); });
  const auto report = group_calls_->reports.Asked().at(0);
  ASSERT_EQ(report.groups_size(), 1);
  EXPECT_EQ(report.groups(0).members(0).member_id(), "m");
}

TEST_F(ConsumerGroups, WhoeverIsNotAtRestOrSaysSomethingIsAnsweredByTheController) {
  AppendConsumerGroup("g");
  size_t forwarded = 0;
  for (const auto& request : {Idle("behind", 3), Idle("m", 3), Idle("stranger", 4), Idle("m", 0),
                              Idle("m", -1), Idle("m", -2)}) {
    Ask<ConsumerGroupHeartbeatResponse>(1, request);
    EXPECT_EQ(Forwarded(), ++forwarded) << request.member_id << " " << request.member_epoch;
  }
  auto says = Idle("m", 4);
  says.topic_partitions.emplace();
  Ask<ConsumerGroupHeartbeatResponse>(1, says);
  EXPECT_EQ(Forwarded(), ++forwarded) << "it owns nothing: that is news";
  says = Idle("m", 4);
  says.subscribed_topic_names = {"a"};
  Ask<ConsumerGroupHeartbeatResponse>(1, says);
  EXPECT_EQ(Forwarded(), ++forwarded);
  says = Idle("m", 4);
  says.rebalance_timeout_ms = 1;
  Ask<ConsumerGroupHeartbeatResponse>(1, says);
  EXPECT_EQ(Forwarded(), ++forwarded);
}

TEST_F(ConsumerGroups, ALostClientWithdrawsItsHeartbeat) {
  group_calls_->consumer_heartbeats.answer = nullptr;
  {
    BrokerClient joining(port_);
    joining.Send(1, Idle("m", 0));
    WaitUntil([&] { return Forwarded() == 1; });
    EXPECT_EQ(group_calls_->consumer_heartbeats.cancelled(), 0);
  }
  WaitUntil([&] { return group_calls_->consumer_heartbeats.cancelled() == 1; });
}

TEST_F(ConsumerGroups, G19_TheEndOfAConnectionIsToldOfItsStaticMembers) {
  AppendConsumerGroup("g");
  {
    BrokerClient client(port_);
    for (const auto& [member_id, instance_id] :
         {std::pair{"s1", "i1"}, std::pair{"s2", "i2"}, std::pair{"m", ""}}) {
      auto request = Idle(member_id, 4);
      if (*instance_id != '\0') request.instance_id = instance_id;
      for (int beat = 0; beat < 3; ++beat) {
        ASSERT_TRUE(client.Ask<ConsumerGroupHeartbeatResponse>(1, request).has_value());
      }
    }
  }
  std::multiset<std::string> lost;
  size_t seen = 0;
  WaitUntil([&] {
    const auto reports = group_calls_->reports.Asked();
    for (; seen < reports.size(); ++seen) {
      for (const auto& member : reports[seen].groups(0).lost()) lost.insert(member.member_id());
    }
    return lost.size() >= 2;
  });
  EXPECT_EQ(lost, (std::multiset<std::string>{"s1", "s2"}));
}

// ---- ConsumerGroupDescribe ----------------------------------------------------------------

group::v1::DescribeConsumerGroupsReply Described() {
  group::v1::DescribeConsumerGroupsReply reply;
  auto* group = reply.add_groups();
  group->set_group_id("g");
  group->set_state("Reconciling");
  group->set_group_epoch(4);
  group->set_assignment_epoch(3);
  group->set_assignor_name("uniform");
  auto* member = group->add_members();
  member->set_member_id("m");
  member->set_instance_id("i");
  member->set_rack_id("r");
  member->set_member_epoch(3);
  member->set_client_id("client");
  member->set_client_host("/10.0.0.1");
  member->add_subscribed_topic_names("a");
  member->set_subscribed_topic_regex("b.*");
  auto* assigned = member->add_assignment();
  assigned->set_topic_id(kTopic.ToBytes());
  assigned->set_topic_name("a");
  assigned->add_partitions(1);
  auto* target = member->add_target_assignment();
  target->set_topic_id(kTopic.ToBytes());
  target->set_topic_name("a");
  target->add_partitions(2);
  group->add_members()->set_uses_classic_protocol(true);
  auto* missing = reply.add_groups();
  missing->set_group_id("missing");
  missing->set_error_code(static_cast<int32_t>(ErrorCode::kGroupIdNotFound));
  missing->set_error_message("Group missing not found.");
  missing->set_state("Dead");
  return reply;
}

TEST_F(ConsumerGroups, MembersAreDescribedWithWhatTheyOwnAndAreToOwn) {
  group_calls_->consumer_describes.answer = [](const auto&) { return Described(); };
  for (int16_t v = 0; v <= 1; ++v) {
    const ConsumerGroupDescribeRequest request{.group_ids = {"g", "missing"},
                                               .include_authorized_operations = v == 1};
    const auto answer = Ask<ConsumerGroupDescribeResponse>(v, request);
    ASSERT_EQ(answer.groups.size(), 2u);
    const auto& group = answer.groups[0];
    EXPECT_EQ(group.error_code, ErrorCode::kNone);
    EXPECT_EQ(group.group_state, "Reconciling");
    EXPECT_EQ(group.group_epoch, 4);
    EXPECT_EQ(group.assignment_epoch, 3);
    EXPECT_EQ(group.assignor_name, "uniform");
    EXPECT_EQ(group.authorized_operations, v == 1 ? 3'400 : INT32_MIN);
    ASSERT_EQ(group.members.size(), 2u);
    const auto& member = group.members[0];
    EXPECT_EQ(member.member_id, "m");
    EXPECT_EQ(member.instance_id, "i");
    EXPECT_EQ(member.rack_id, "r");
    EXPECT_EQ(member.member_epoch, 3);
    EXPECT_EQ(member.client_id, "client");
    EXPECT_EQ(member.client_host, "/10.0.0.1");
    EXPECT_EQ(member.subscribed_topic_names, std::vector<std::string>{"a"});
    EXPECT_EQ(member.subscribed_topic_regex, "b.*");
    EXPECT_EQ(member.assignment.topic_partitions.at(0).topic_id, kTopic);
    EXPECT_EQ(member.assignment.topic_partitions.at(0).topic_name, "a");
    EXPECT_EQ(member.assignment.topic_partitions.at(0).partitions, std::vector<int32_t>{1});
    EXPECT_EQ(member.target_assignment.topic_partitions.at(0).partitions, std::vector<int32_t>{2});
    EXPECT_EQ(member.member_type, v == 1 ? 1 : -1);
    EXPECT_EQ(group.members[1].instance_id, std::nullopt);
    EXPECT_EQ(group.members[1].subscribed_topic_regex, std::nullopt);
    EXPECT_EQ(group.members[1].member_type, v == 1 ? 0 : -1);
    EXPECT_EQ(answer.groups[1].error_code, ErrorCode::kGroupIdNotFound);
    EXPECT_EQ(answer.groups[1].error_message, "Group missing not found.");
    EXPECT_EQ(answer.groups[1].authorized_operations, INT32_MIN);
  }
  EXPECT_TRUE(Ask<ConsumerGroupDescribeResponse>(1, ConsumerGroupDescribeRequest{}).groups.empty());
}

// ---- The other requests -------------------------------------------------------------------

TEST_F(ConsumerGroups, AConsumerGroupIsListedWithItsTypeAndState) {
  AppendConsumerGroup("g");
  const auto answer = Ask<wire::ListGroupsResponse>(5, wire::ListGroupsRequest{});
  ASSERT_EQ(answer.groups.size(), 1u);
  EXPECT_EQ(answer.groups[0].group_state, "Reconciling");
  EXPECT_EQ(answer.groups[0].group_type, "consumer");
  EXPECT_EQ(answer.groups[0].protocol_type, "consumer");
  wire::ListGroupsRequest classic;
  classic.types_filter = {"classic"};
  EXPECT_TRUE(Ask<wire::ListGroupsResponse>(5, classic).groups.empty());
}

// As Kafka has it. The controllers are not asked: what they say of a member epoch is about commits.
TEST_F(ConsumerGroups, AClassicHeartbeatOfAMemberThatUsesTheConsumerProtocolIsRefused) {
  AppendConsumerGroup("g");
  wire::HeartbeatRequest request;
  request.group_id = "g";
  request.member_id = "m";
  request.generation_id = 4;
  EXPECT_EQ(Ask<wire::HeartbeatResponse>(4, request).error_code, ErrorCode::kUnknownMemberId);
  EXPECT_TRUE(group_calls_->heartbeats.Asked().empty());
}

TEST_F(ConsumerGroups, ItIsNoClassicGroup) {
  AppendConsumerGroup("g");
  group_calls_->describes.answer = [](const auto&) {
    group::v1::DescribeGroupsReply reply;
    auto* group = reply.add_groups();
    group->set_group_id("g");
    group->set_error_code(Number(ErrorCode::kGroupIdNotFound));
    group->set_state("Dead");
    return reply;
  };
  const auto answer =
      Ask<wire::DescribeGroupsResponse>(6, wire::DescribeGroupsRequest{.groups = {"g"}});
  ASSERT_EQ(answer.groups.size(), 1u);
  EXPECT_EQ(answer.groups[0].error_code, ErrorCode::kGroupIdNotFound);
  EXPECT_EQ(answer.groups[0].error_message, "Group g is not a classic group.");
  EXPECT_EQ(answer.groups[0].group_state, "Dead");
}

}  // namespace
}  // namespace weir::handlers
