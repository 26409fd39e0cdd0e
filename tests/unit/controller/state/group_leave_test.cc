// LeaveGroup, DeleteGroups, DescribeGroups, ListGroups.
#include <gtest/gtest.h>

#include "controller/state/groups/describe_groups.h"
#include "tests/unit/controller/state/group_support.h"

namespace weir::state {
namespace {

using H = GroupHarness;

TEST(GroupLeave, TheOthersGoOn) {
  H h;
  const std::vector<std::string> ids = h.StableGroup("g", 3);
  EXPECT_EQ(h.Leave("g", ids[0]), ErrorCode::kNone);
  EXPECT_EQ(h.StateOf("g"), GroupState::kPreparingRebalance);
  const GroupCallId call = h.Join(H::JoinOf("g", ids[1]));
  EXPECT_EQ(h.Leave("g", ids[2]), ErrorCode::kNone);
  EXPECT_EQ(h.Joined(call).generation_id(), 2) << "nobody is waited for any more";
  EXPECT_EQ(h.Joined(call).leader(), ids[1]);
}

TEST(GroupLeave, TheLastOneEmptiesTheGroup) {
  H h;
  const std::vector<std::string> ids = h.StableGroup("g", 1);
  EXPECT_EQ(h.Leave("g", ids[0]), ErrorCode::kNone);
  EXPECT_EQ(h.StateOf("g"), GroupState::kEmpty);
  EXPECT_EQ(h.GenerationOf("g"), 2) << "commits of generation 1 are refused from now on";
  EXPECT_EQ(h.GroupOf("g").protocol_type, "consumer");
  EXPECT_EQ(h.Leave("g", ids[0]), ErrorCode::kUnknownMemberId);
}

TEST(GroupLeave, TheLastOneDuringTheInitialDelay) {
  H h;
  const std::string id = h.AskForId("g");
  const GroupCallId call = h.Join(H::JoinOf("g", id));
  EXPECT_EQ(h.Leave("g", id), ErrorCode::kNone);
  EXPECT_EQ(h.JoinCode(call), ErrorCode::kUnknownMemberId);
  EXPECT_EQ(h.Joined(call).member_id(), "");
  EXPECT_EQ(h.StateOf("g"), GroupState::kEmpty);
}

TEST(GroupLeave, ManyAtOnceEachWithItsOwnAnswer) {
  H h;
  const std::vector<std::string> ids = h.StableGroup("g", 3);
  const std::string pending = h.AskForId("g");
  group::v1::LeaveGroupRequest request;
  request.set_group_id("g");
  for (const std::string& id : {ids[0], std::string("nobody"), pending, ids[1], ids[0]}) {
    request.add_members()->set_member_id(id);
  }
  request.mutable_members(0)->set_reason("shutting down");
  const group::v1::LeaveGroupReply reply = h.Leave(request);
  EXPECT_EQ(reply.error_code(), 0);
  ASSERT_EQ(reply.members_size(), 5);
  const ErrorCode expected[] = {ErrorCode::kNone, ErrorCode::kUnknownMemberId, ErrorCode::kNone,
                                ErrorCode::kNone, ErrorCode::kUnknownMemberId};
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(CodeOfReply(reply.members(i)), expected[i]) << i;
    EXPECT_EQ(reply.members(i).member_id(), request.members(i).member_id());
  }
  EXPECT_EQ(h.GroupOf("g").members.size(), 1u);
  EXPECT_EQ(h.StateOf("g"), GroupState::kPreparingRebalance);
}

TEST(GroupLeave, GroupsThatAreNotThere) {
  H h;
  EXPECT_EQ(h.Leave("g", "m"), ErrorCode::kUnknownMemberId);
  group::v1::LeaveGroupRequest request;
  EXPECT_EQ(CodeOfReply(h.Leave(request)), ErrorCode::kInvalidGroupId);
  EXPECT_TRUE(h.image.groups().empty());
}

TEST(GroupDelete, OnlyEmptyGroups) {
  H h;
  EXPECT_EQ(h.Delete("g"), ErrorCode::kGroupIdNotFound);
  const std::vector<std::string> ids = h.StableGroup("g", 1);
  EXPECT_EQ(h.Delete("g"), ErrorCode::kNonEmptyGroup);
  h.Leave("g", ids[0]);
  const std::string pending = h.AskForId("g");
  EXPECT_EQ(h.Delete("g"), ErrorCode::kNone);
  EXPECT_EQ(h.image.FindGroup("g"), nullptr);
  const GroupCallId call = h.Join(H::JoinOf("g", pending));
  h.AdvanceMs(3'000);
  EXPECT_EQ(h.Joined(call).generation_id(), 1) << "the id is good for a new group";
}

TEST(GroupDelete, TwiceInOneRequest) {
  H h;
  const std::vector<std::string> ids = h.StableGroup("g", 1);
  h.Leave("g", ids[0]);
  group::v1::DeleteGroupsRequest request;
  request.add_group_ids("g");
  request.add_group_ids("g");
  request.add_group_ids("");
  const GroupCallId call = h.NewCall();
  h.Take(h.coordinator.Delete(h.context(), call, request));
  const auto& reply = std::get<group::v1::DeleteGroupsReply>(h.answers.at(call));
  EXPECT_EQ(CodeOfReply(reply.groups(0)), ErrorCode::kNone);
  EXPECT_EQ(CodeOfReply(reply.groups(1)), ErrorCode::kGroupIdNotFound);
  EXPECT_EQ(CodeOfReply(reply.groups(2)), ErrorCode::kGroupIdNotFound);
}

TEST(GroupDescribe, ByState) {
  H h;
  const std::vector<std::string> ids = h.StableGroup("g", 2);
  group::v1::DescribeGroupsRequest request;
  request.add_group_ids("g");
  request.add_group_ids("x");
  group::v1::DescribeGroupsReply reply = DescribeGroups(h.image, request);
  EXPECT_EQ(reply.groups(0).state(), "Stable");
  EXPECT_EQ(reply.groups(0).type(), "classic");
  EXPECT_EQ(reply.groups(0).protocol_name(), "range");
  EXPECT_EQ(reply.groups(0).members(0).client_id(), "client");
  EXPECT_EQ(reply.groups(0).members(0).client_host(), "/127.0.0.1");
  EXPECT_EQ(reply.groups(0).members(0).metadata(), "topics");
  EXPECT_EQ(reply.groups(0).members(0).assignment(), reply.groups(0).members(0).member_id() + "@1");
  EXPECT_EQ(reply.groups(1).state(), "Dead");
  EXPECT_EQ(CodeOfReply(reply.groups(1)), ErrorCode::kGroupIdNotFound);
  h.Join(H::JoinOf("g", h.GroupOf("g").leader));
  reply = DescribeGroups(h.image, request);
  EXPECT_EQ(reply.groups(0).state(), "PreparingRebalance");
  EXPECT_EQ(reply.groups(0).protocol_name(), "");
  EXPECT_EQ(reply.groups(0).members(0).metadata(), "");
  EXPECT_EQ(reply.groups(0).members(0).assignment(), "") << "of a generation that is over";
}

// A classic group that is stable, whose members say `bytes` each.
void AddLargeGroup(H& h, const std::string& group_id, int members, size_t bytes) {
  metadata::v1::MetadataBatch batch;
  metadata::v1::GroupRecord* group = batch.add_records()->mutable_group();
  group->set_group_id(group_id);
  group->set_type(metadata::v1::GROUP_TYPE_CLASSIC);
  group->set_state(metadata::v1::GROUP_STATE_STABLE);
  group->set_generation(1);
  group->set_protocol_type("consumer");
  group->set_protocol_name("range");
  for (int i = 0; i < members; ++i) {
    auto* member = batch.add_records()->mutable_group_member();
    member->set_group_id(group_id);
    member->set_member_id(std::to_string(i));
    auto* subscription = batch.add_records()->mutable_group_subscription();
    subscription->set_group_id(group_id);
    subscription->set_member_id(std::to_string(i));
    auto* protocol = subscription->add_protocols();
    protocol->set_name("range");
    protocol->set_metadata(std::string(bytes, 't'));
  }
  metadata::Apply(h.image, batch, h.image.offset() + 1);
}

// Who asks for a group many times, or for many large ones, is told of the first.
TEST(GroupDescribe, D11_AReplyHoldsTheFirstGroupsThatItHasRoomFor) {
  H h;
  for (const char* group_id : {"a", "b", "c"}) AddLargeGroup(h, group_id, 6, 100'000);
  group::v1::DescribeGroupsRequest request;
  for (int i = 0; i < 20'000; ++i) {
    for (const char* group_id : {"a", "b", "c"}) request.add_group_ids(group_id);
  }
  const group::v1::DescribeGroupsReply reply = DescribeGroups(h.image, request);
  ASSERT_EQ(reply.groups_size(), 2);
  EXPECT_EQ(reply.groups(0).group_id(), "a");
  EXPECT_EQ(reply.groups(1).group_id(), "b");
  EXPECT_EQ(reply.groups(1).members_size(), 6);
}

TEST(GroupDescribe, D11_AGroupThatNoMessageHoldsSpoilsNoOther) {
  H h;
  AddLargeGroup(h, "small", 1, 10);
  AddLargeGroup(h, "large", 20, 1'000'000);
  group::v1::DescribeGroupsRequest request;
  for (const char* group_id : {"small", "large", "small"}) request.add_group_ids(group_id);
  const group::v1::DescribeGroupsReply reply = DescribeGroups(h.image, request);
  ASSERT_EQ(reply.groups_size(), 3);
  EXPECT_EQ(reply.groups(0).members_size(), 1);
  EXPECT_EQ(reply.groups(1).group_id(), "large");
  EXPECT_EQ(CodeOfReply(reply.groups(1)), ErrorCode::kUnknownServerError);
  EXPECT_EQ(reply.groups(1).members_size(), 0);
  EXPECT_EQ(reply.groups(2).members_size(), 1);
}

TEST(GroupDescribe, ListsByStateAndType) {
  H h;
  h.StableGroup("b", 1);
  h.Leave("b", h.GroupOf("b").leader);
  h.StableGroup("a", 1);
  const auto list = [&](const std::string& state, const std::string& type) {
    group::v1::ListGroupsRequest request;
    if (!state.empty()) request.add_states(state);
    if (!type.empty()) request.add_types(type);
    std::string text;
    const group::v1::ListGroupsReply reply = ListGroups(h.image, request);
    for (const auto& group : reply.groups()) {
      text += group.group_id() + " " + group.state() + " " + group.type() + " " +
              group.protocol_type() + ";";
    }
    return text;
  };
  EXPECT_EQ(list("", ""), "a Stable classic consumer;b Empty classic consumer;");
  EXPECT_EQ(list("empty", "Classic"), "b Empty classic consumer;");
  EXPECT_EQ(list("", "consumer"), "");
}

}  // namespace
}  // namespace weir::state
