// The active controller is another one, or cannot write: what is lost is soft state only.
#include <gtest/gtest.h>

#include "tests/unit/controller/state/group_support.h"

namespace weir::state {
namespace {

using H = GroupHarness;

TEST(GroupFailover, G11_AStableGroupNoticesNothing) {
  H h;
  const std::vector<std::string> ids = h.StableGroup("g", 3);
  h.AdvanceMs(9'999);
  const LogIndex before = h.image.offset();
  h.FailOver();
  h.AdvanceMs(9'999);
  EXPECT_EQ(h.StateOf("g"), GroupState::kStable) << "a fresh session timeout for everybody";
  for (const std::string& id : ids) {
    EXPECT_EQ(h.Beat("g", id, 1), ErrorCode::kNone);
    h.Report("g", id);
    EXPECT_EQ(h.Synced(h.Sync(H::SyncOf("g", id, 1))).assignment(), id + "@1");
  }
  h.AdvanceMs(9'999);
  EXPECT_EQ(h.image.offset(), before) << "nothing was written";
}

TEST(GroupFailover, WhoDiedMeanwhileExpires) {
  H h;
  const std::vector<std::string> ids = h.StableGroup("g", 2);
  h.FailOver();
  h.AdvanceMs(5'000);
  h.Report("g", ids[0]);
  h.AdvanceMs(5'000);
  EXPECT_EQ(h.GroupOf("g").members.size(), 1u);
}

TEST(GroupFailover, G19_AStaticMemberReturnsToTheNewController) {
  H h;
  const std::vector<std::string> ids = h.StableStaticGroup("g", {"a", "b"});
  h.FailOver();
  const GroupCallId call = h.Join(H::JoinOf("g", "", "a"));
  EXPECT_EQ(h.Joined(call).generation_id(), 1);
  EXPECT_EQ(h.Synced(h.Sync(H::SyncOf("g", h.Joined(call).member_id(), 1))).assignment(),
            ids[0] + "@1");
}

// Members whose joins waited are records; their gateways send the joins again.
TEST(GroupFailover, ARebalanceGoesOnWithAllItsMembers) {
  H h;
  const std::vector<std::string> ids = h.StableGroup("g", 2);
  const std::string added = h.AskForId("g");
  const GroupCallId waiting = h.Join(H::JoinOf("g", added));
  h.AdvanceMs(5'000);
  h.FailOver();
  EXPECT_EQ(h.JoinCode(waiting), ErrorCode::kCoordinatorNotAvailable);
  EXPECT_EQ(h.Joined(waiting).member_id(), added);
  EXPECT_EQ(h.Beat("g", ids[0], 1), ErrorCode::kRebalanceInProgress);
  std::vector<GroupCallId> calls;
  for (const std::string& id : {added, ids[0], ids[1]}) {
    calls.push_back(h.Join(H::JoinOf("g", id)));
  }
  for (const GroupCallId call : calls) EXPECT_EQ(h.Joined(call).generation_id(), 2);
  EXPECT_EQ(h.GroupOf("g").members.size(), 3u);
}

TEST(GroupFailover, AnInitialRebalanceWaitsForTheMembersItHad) {
  H h;
  const std::vector<std::string> ids = {h.AskForId("g"), h.AskForId("g")};
  for (const std::string& id : ids) h.Join(H::JoinOf("g", id));
  h.FailOver();
  const GroupCallId first = h.Join(H::JoinOf("g", ids[0]));
  h.AdvanceMs(9'000);
  EXPECT_FALSE(h.IsAnswered(first)) << "the delay of three seconds must not lose the other one";
  const GroupCallId second = h.Join(H::JoinOf("g", ids[1]));
  EXPECT_EQ(h.Joined(first).generation_id(), 1);
  EXPECT_EQ(h.Joined(second).generation_id(), 1);
}

TEST(GroupFailover, ARebalanceEndsThoughNobodyComesBack) {
  H h;
  h.StableGroup("g", 2);
  h.Join(H::JoinOf("g", h.GroupOf("g").leader));
  h.FailOver();
  h.AdvanceMs(60'000);
  EXPECT_EQ(h.StateOf("g"), GroupState::kEmpty);
}

// The generation was formed: whoever joins again is told of it, nobody is moved.
TEST(GroupFailover, AFormedGenerationStays) {
  H h;
  std::vector<std::string> ids = {h.AskForId("g"), h.AskForId("g")};
  for (const std::string& id : ids) h.Join(H::JoinOf("g", id));
  h.AdvanceMs(6'000);
  if (h.GroupOf("g").leader != ids[0]) std::swap(ids[0], ids[1]);
  const GroupCallId waiting = h.Sync(H::SyncOf("g", ids[1], 1));
  h.FailOver();
  EXPECT_EQ(h.SyncCode(waiting), ErrorCode::kCoordinatorNotAvailable);
  const GroupCallId leader = h.Join(H::JoinOf("g", ids[0]));
  EXPECT_EQ(h.Joined(leader).generation_id(), 1);
  EXPECT_EQ(h.Joined(leader).members_size(), 2);
  h.SyncAll("g");
  EXPECT_EQ(h.GenerationOf("g"), 1);
  EXPECT_EQ(h.StateOf("g"), GroupState::kStable);
}

TEST(GroupFailover, AFormedGenerationIsSyncedInTimeOrBegunAnew) {
  H h;
  std::vector<std::string> ids = {h.AskForId("g"), h.AskForId("g")};
  for (const std::string& id : ids) h.Join(H::JoinOf("g", id));
  h.AdvanceMs(6'000);
  h.FailOver();
  for (int i = 0; i < 8; ++i) {
    for (const std::string& id : ids) h.Report("g", id);
    h.AdvanceMs(7'500);
  }
  EXPECT_EQ(h.StateOf("g"), GroupState::kEmpty);
}

// As with Kafka: the client asks for another one.
TEST(GroupFailover, IdsThatWereHandedOutAreForgotten) {
  H h;
  h.StableGroup("g", 1);
  const std::string id = h.AskForId("g");
  const std::string of_new_group = h.AskForId("x");
  h.FailOver();
  EXPECT_EQ(h.JoinCode(h.Join(H::JoinOf("g", id))), ErrorCode::kUnknownMemberId);
  EXPECT_EQ(h.JoinCode(h.Join(H::JoinOf("x", of_new_group))), ErrorCode::kUnknownMemberId);
  EXPECT_EQ(h.StateOf("g"), GroupState::kStable);
}

// group.max.size was lowered while no controller was active.
TEST(GroupFailover, AGroupThatIsTooLargeIsRebalanced) {
  H h;
  const std::vector<std::string> ids = h.StableGroup("g", 3);
  GroupConfig config;
  config.size_max = 2;
  GroupCoordinator smaller(config);
  smaller.BecomeActive(h.image, h.now);
  const GroupOutcome outcome = smaller.OnTime(h.context());
  ASSERT_EQ(outcome.records.size(), 1u);
  EXPECT_EQ(outcome.records[0].group().state(), metadata::v1::GROUP_STATE_PREPARING_REBALANCE);
}

// The batch could not be appended: as if the controller had changed, for these groups.
TEST(GroupFailover, ARejectedBatchLeavesTheRecordsThatThereAre) {
  H h;
  const std::vector<std::string> ids = h.StableGroup("g", 2);
  h.StableGroup("other", 1);
  const std::string added = h.AskForId("g");
  const GroupCallId waiting = h.Join(H::JoinOf("g", ids[0]));
  const GroupCallId call = h.NewCall();
  GroupOutcome outcome = h.coordinator.Join(h.context(), call, H::JoinOf("g", added));
  ASSERT_FALSE(outcome.records.empty());
  for (GroupAnswer& answer : h.coordinator.Rejected(h.context(), std::move(outcome))) {
    h.TakeAnswer(std::move(answer));
  }
  h.CheckLaws();
  EXPECT_EQ(h.JoinCode(waiting), ErrorCode::kCoordinatorNotAvailable);
  EXPECT_EQ(h.JoinCode(call), ErrorCode::kCoordinatorNotAvailable);
  EXPECT_EQ(h.GroupOf("g").FindMember(added), nullptr);
  EXPECT_EQ(h.StateOf("other"), GroupState::kStable);
  const GroupCallId again = h.Join(H::JoinOf("g", ids[0]));
  const GroupCallId last = h.Join(H::JoinOf("g", ids[1]));
  EXPECT_EQ(h.Joined(again).generation_id(), 2);
  EXPECT_EQ(h.Joined(last).generation_id(), 2);
}

TEST(GroupFailover, EveryKindOfRejectedCallIsAnswered) {
  H h;
  const std::vector<std::string> ids = h.StableGroup("g", 1);
  h.Join(H::JoinOf("g", ids[0]));
  const GroupCallId sync = h.NewCall();
  const GroupCallId leave = h.NewCall();
  GroupOutcome synced = h.coordinator.Sync(h.context(), sync, H::SyncOf("g", ids[0], 2));
  ASSERT_FALSE(synced.records.empty());
  for (auto& answer : h.coordinator.Rejected(h.context(), std::move(synced))) {
    h.TakeAnswer(std::move(answer));
  }
  EXPECT_EQ(h.SyncCode(sync), ErrorCode::kCoordinatorNotAvailable);
  group::v1::LeaveGroupRequest request;
  request.set_group_id("g");
  request.add_members()->set_member_id(ids[0]);
  GroupOutcome left = h.coordinator.Leave(h.context(), leave, request);
  for (auto& answer : h.coordinator.Rejected(h.context(), std::move(left))) {
    h.TakeAnswer(std::move(answer));
  }
  EXPECT_EQ(CodeOfReply(std::get<group::v1::LeaveGroupReply>(h.answers.at(leave))),
            ErrorCode::kCoordinatorNotAvailable);
  EXPECT_EQ(h.GroupOf("g").members.size(), 1u);
  h.Leave("g", ids[0]);
  const GroupCallId call = h.NewCall();
  group::v1::DeleteGroupsRequest deletion;
  deletion.add_group_ids("g");
  deletion.add_group_ids("x");
  GroupOutcome deleted = h.coordinator.Delete(h.context(), call, deletion);
  for (auto& answer : h.coordinator.Rejected(h.context(), std::move(deleted))) {
    h.TakeAnswer(std::move(answer));
  }
  const auto& reply = std::get<group::v1::DeleteGroupsReply>(h.answers.at(call));
  EXPECT_EQ(CodeOfReply(reply.groups(0)), ErrorCode::kCoordinatorNotAvailable);
  EXPECT_EQ(CodeOfReply(reply.groups(1)), ErrorCode::kGroupIdNotFound);
  h.CheckLaws();
}

}  // namespace
}  // namespace weir::state
