// SyncGroup, and the sessions and time limits around it.
#include <gtest/gtest.h>

#include <algorithm>

#include "common/base/limits.h"
#include "tests/unit/controller/state/group_support.h"

namespace weir::state {
namespace {

using H = GroupHarness;

// A group of two in CompletingRebalance; the leader first.
std::vector<std::string> FormedGroup(H& h) {
  std::vector<std::string> ids = {h.AskForId("g"), h.AskForId("g")};
  for (const std::string& id : ids) h.Join(H::JoinOf("g", id));
  h.AdvanceMs(6'000);
  EXPECT_EQ(h.StateOf("g"), GroupState::kCompletingRebalance);
  if (h.GroupOf("g").leader != ids[0]) std::swap(ids[0], ids[1]);
  return ids;
}

TEST(GroupSync, EverybodyGetsWhatTheLeaderAssigned) {
  H h;
  const std::vector<std::string> ids = FormedGroup(h);
  const GroupCallId follower = h.Sync(H::SyncOf("g", ids[1], 1));
  EXPECT_FALSE(h.IsAnswered(follower));
  SyncGroupRequest assign = H::SyncOf("g", ids[0], 1);
  assign.add_assignments()->set_member_id(ids[1]);
  assign.mutable_assignments(0)->set_assignment("p1");
  assign.add_assignments()->set_member_id("nobody");
  const GroupCallId leader = h.Sync(assign);
  EXPECT_EQ(h.Synced(follower).assignment(), "p1");
  EXPECT_EQ(h.Synced(follower).protocol_type(), "consumer");
  EXPECT_EQ(h.Synced(follower).protocol_name(), "range");
  EXPECT_EQ(h.SyncCode(leader), ErrorCode::kNone);
  EXPECT_EQ(h.Synced(leader).assignment(), "") << "nothing was assigned to it";
  EXPECT_EQ(h.StateOf("g"), GroupState::kStable);
  const GroupCallId again = h.Sync(H::SyncOf("g", ids[1], 1));
  EXPECT_EQ(h.Synced(again).assignment(), "p1");
}

TEST(GroupSync, AssignmentsComeInAnyOrderAndTheLastOfAMemberCounts) {
  H h;
  const std::vector<std::string> ids = FormedGroup(h);
  const GroupCallId follower = h.Sync(H::SyncOf("g", ids[1], 1));
  SyncGroupRequest assign = H::SyncOf("g", ids[0], 1);
  const std::vector<std::pair<std::string, std::string>> assignments = {
      {"~", "x"}, {std::max(ids[0], ids[1]), "old"}, {"!", "x"}, {ids[0], "a"}, {ids[1], "b"}};
  for (const auto& [member_id, assignment] : assignments) {
    assign.add_assignments()->set_member_id(member_id);
    assign.mutable_assignments()->rbegin()->set_assignment(assignment);
  }
  const GroupCallId leader = h.Sync(assign);
  EXPECT_EQ(h.Synced(leader).assignment(), "a");
  EXPECT_EQ(h.Synced(follower).assignment(), "b");
}

TEST(GroupSync, G03_WhoIsNotOfTheGenerationGetsNothing) {
  H h;
  const std::vector<std::string> ids = FormedGroup(h);
  const auto code = [&](const SyncGroupRequest& request) { return h.SyncCode(h.Sync(request)); };
  EXPECT_EQ(code(H::SyncOf("", ids[0], 1)), ErrorCode::kInvalidGroupId);
  EXPECT_EQ(code(H::SyncOf("x", ids[0], 1)), ErrorCode::kUnknownMemberId);
  EXPECT_EQ(code(H::SyncOf("g", "x", 1)), ErrorCode::kUnknownMemberId);
  EXPECT_EQ(code(H::SyncOf("g", ids[0], 0)), ErrorCode::kIllegalGeneration);
  EXPECT_EQ(code(H::SyncOf("g", ids[0], 2)), ErrorCode::kIllegalGeneration);
  SyncGroupRequest request = H::SyncOf("g", ids[0], 1);
  request.set_protocol_type("connect");
  EXPECT_EQ(code(request), ErrorCode::kInconsistentGroupProtocol);
  request.set_protocol_type("consumer");
  request.set_protocol_name("sticky");
  EXPECT_EQ(code(request), ErrorCode::kInconsistentGroupProtocol);
  h.SyncAll("g");
  h.Join(H::JoinOf("g", ids[0]));
  EXPECT_EQ(code(H::SyncOf("g", ids[1], 1)), ErrorCode::kRebalanceInProgress);
}

TEST(GroupSync, TheSecondCallTakesThePlaceOfTheFirst) {
  H h;
  const std::vector<std::string> ids = FormedGroup(h);
  const GroupCallId first = h.Sync(H::SyncOf("g", ids[1], 1));
  const GroupCallId second = h.Sync(H::SyncOf("g", ids[1], 1));
  EXPECT_EQ(h.SyncCode(first), ErrorCode::kRebalanceInProgress);
  EXPECT_FALSE(h.IsAnswered(second));
}

// Only what changed is written: most rebalances move few partitions.
TEST(GroupSync, AssignmentsThatStayAreNotWrittenAgain) {
  H h;
  const std::vector<std::string> ids = FormedGroup(h);
  const auto assign = [&](int32_t generation, const char* second) {
    SyncGroupRequest request = H::SyncOf("g", ids[0], generation);
    for (int i = 0; i < 2; ++i) {
      request.add_assignments()->set_member_id(ids[static_cast<size_t>(i)]);
      request.mutable_assignments(i)->set_assignment(i == 0 ? "p0" : second);
    }
    h.Sync(request);
  };
  assign(1, "p1");
  EXPECT_EQ(h.last_records.size(), 3u) << "the group and two assignments";
  h.Join(H::JoinOf("g", ids[0]));
  EXPECT_EQ(h.last_records.size(), 1u) << "the group's state";
  h.Join(H::JoinOf("g", ids[1]));
  assign(2, "p2");
  EXPECT_EQ(h.last_records.size(), 2u) << "the group and one assignment";
}

TEST(GroupSync, AnAssignmentThatFitsIntoNoBatchIsRefused) {
  H h;
  const std::vector<std::string> ids = FormedGroup(h);
  const GroupCallId follower = h.Sync(H::SyncOf("g", ids[1], 1));
  SyncGroupRequest assign = H::SyncOf("g", ids[0], 1);
  assign.add_assignments()->set_member_id(ids[1]);
  assign.mutable_assignments(0)->set_assignment(std::string(limits::kMetadataBatchBytesMax, 'x'));
  const GroupCallId leader = h.Sync(assign);
  EXPECT_EQ(h.SyncCode(leader), ErrorCode::kUnknownServerError);
  EXPECT_EQ(h.SyncCode(follower), ErrorCode::kUnknownServerError);
  EXPECT_EQ(h.StateOf("g"), GroupState::kPreparingRebalance);
}

TEST(GroupSync, WhoDoesNotAskForItsAssignmentInTimeIsOut) {
  H h;
  const std::vector<std::string> ids = FormedGroup(h);
  SyncGroupRequest assign = H::SyncOf("g", ids[0], 1);
  h.Sync(assign);
  EXPECT_EQ(h.StateOf("g"), GroupState::kStable);
  for (int i = 0; i < 8; ++i) {
    h.AdvanceMs(7'400);
    EXPECT_EQ(h.StateOf("g"), GroupState::kStable);
    for (const std::string& id : ids) h.Report("g", id);
  }
  h.AdvanceMs(800);
  EXPECT_EQ(h.StateOf("g"), GroupState::kPreparingRebalance) << "60 s are over";
  EXPECT_EQ(h.GroupOf("g").FindMember(ids[1]), nullptr);
}

TEST(GroupSync, TheLeaderThatNeverAssignsIsOut) {
  H h;
  const std::vector<std::string> ids = FormedGroup(h);
  const GroupCallId follower = h.Sync(H::SyncOf("g", ids[1], 1));
  h.AdvanceMs(9'999);
  EXPECT_FALSE(h.IsAnswered(follower));
  h.AdvanceMs(1);
  EXPECT_EQ(h.SyncCode(follower), ErrorCode::kRebalanceInProgress)
      << "the leader's session is over";
  EXPECT_EQ(h.GroupOf("g").members.size(), 1u);
  EXPECT_EQ(h.GroupOf("g").leader, ids[1]);
}

}  // namespace
}  // namespace weir::state
