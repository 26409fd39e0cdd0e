// JoinGroup, SyncGroup, Heartbeat, LeaveGroup: what is asked of the controllers, version by
// version, and how their answers look to a Kafka client.
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "tests/unit/broker/handlers/group_fixture.h"

namespace weir::handlers {
namespace {

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

}  // namespace
}  // namespace weir::handlers
