// Static membership (KIP-345): a process that restarts inside its session moves nobody.
#include <gtest/gtest.h>

#include "tests/unit/controller/state/group_support.h"

namespace weir::state {
namespace {

using H = GroupHarness;

TEST(GroupStatic, G19_ARestartInsideTheSessionMovesNobody) {
  H h;
  const std::vector<std::string> ids = h.StableStaticGroup("g", {"a", "b"});
  EXPECT_TRUE(ids[0].starts_with("a-"));
  const std::string leader = h.GroupOf("g").leader;
  const std::string instance = leader == ids[0] ? "b" : "a";
  const std::string old_id = leader == ids[0] ? ids[1] : ids[0];
  const GroupCallId call = h.Join(H::JoinOf("g", "", instance));
  const JoinGroupReply& reply = h.Joined(call);
  EXPECT_EQ(reply.error_code(), 0);
  EXPECT_EQ(reply.generation_id(), 1);
  EXPECT_NE(reply.member_id(), old_id);
  EXPECT_EQ(reply.leader(), leader);
  EXPECT_FALSE(reply.skip_assignment());
  EXPECT_EQ(h.StateOf("g"), GroupState::kStable);
  const GroupCallId sync = h.Sync(H::SyncOf("g", reply.member_id(), 1));
  EXPECT_EQ(h.Synced(sync).assignment(), old_id + "@1") << "the assignment that it had";
  EXPECT_EQ(h.Beat("g", leader, 1), ErrorCode::kNone);
  EXPECT_EQ(h.Beat("g", reply.member_id(), 1, instance), ErrorCode::kNone);
}

TEST(GroupStatic, G17_TheOldProcessIsFenced) {
  H h;
  const std::vector<std::string> ids = h.StableStaticGroup("g", {"a"});
  h.Join(H::JoinOf("g", "", "a"));
  EXPECT_EQ(h.Beat("g", ids[0], 1, "a"), ErrorCode::kFencedInstanceId);
  EXPECT_EQ(h.Beat("g", ids[0], 1), ErrorCode::kUnknownMemberId);
  EXPECT_EQ(h.JoinCode(h.Join(H::JoinOf("g", ids[0], "a"))), ErrorCode::kFencedInstanceId);
  SyncGroupRequest sync = H::SyncOf("g", ids[0], 1);
  sync.set_instance_id("a");
  EXPECT_EQ(h.SyncCode(h.Sync(sync)), ErrorCode::kFencedInstanceId);
  EXPECT_EQ(h.Leave("g", ids[0], "a"), ErrorCode::kFencedInstanceId);
  EXPECT_EQ(h.JoinCode(h.Join(H::JoinOf("g", ids[0], "unknown"))), ErrorCode::kUnknownMemberId);
}

// KIP-814.
TEST(GroupStatic, ALeaderThatIsBackNeedNotAssign) {
  H h;
  const std::vector<std::string> ids = h.StableStaticGroup("g", {"a", "b"});
  const std::string leader = h.GroupOf("g").leader;
  const GroupCallId call = h.Join(H::JoinOf("g", "", leader == ids[0] ? "a" : "b"));
  const JoinGroupReply& reply = h.Joined(call);
  EXPECT_TRUE(reply.skip_assignment());
  EXPECT_EQ(reply.leader(), reply.member_id());
  EXPECT_EQ(reply.members_size(), 2) << "to watch for changes of topics";
  EXPECT_EQ(h.GroupOf("g").leader, reply.member_id());
  const GroupCallId sync = h.Sync(H::SyncOf("g", reply.member_id(), 1));
  EXPECT_EQ(h.Synced(sync).assignment(), leader + "@1");
}

// JoinGroup before version 9.
TEST(GroupStatic, AnOlderLeaderThatIsBackTakesItselfForAFollower) {
  H h;
  const std::vector<std::string> ids = h.StableStaticGroup("g", {"a"});
  JoinGroupRequest request = H::JoinOf("g", "", "a");
  request.set_supports_skip_assignment(false);
  const GroupCallId call = h.Join(request);
  EXPECT_EQ(h.Joined(call).leader(), ids[0]) << "its old id";
  EXPECT_EQ(h.Joined(call).members_size(), 0);
  EXPECT_FALSE(h.Joined(call).skip_assignment());
  EXPECT_EQ(h.StateOf("g"), GroupState::kStable);
}

TEST(GroupStatic, AnotherProtocolMovesTheGroup) {
  H h;
  std::vector<GroupCallId> calls;
  for (const char* instance : {"a", "b"}) {
    JoinGroupRequest request = H::JoinOf("g", "", instance);
    H::AddProtocol(&request, "sticky", "topics");
    calls.push_back(h.Join(request));
  }
  h.AdvanceMs(6'000);
  h.SyncAll("g");
  EXPECT_EQ(h.GroupOf("g").protocol_name, "range");
  JoinGroupRequest request = H::JoinOf("g", "", "a");
  request.mutable_protocols(0)->set_name("sticky");
  const GroupCallId call = h.Join(request);
  EXPECT_FALSE(h.IsAnswered(call));
  EXPECT_EQ(h.StateOf("g"), GroupState::kPreparingRebalance);
  JoinGroupRequest other = H::JoinOf("g", h.Joined(calls[1]).member_id(), "b");
  H::AddProtocol(&other, "sticky", "topics");
  h.Join(other);
  EXPECT_EQ(h.Joined(call).protocol_name(), "sticky");
  EXPECT_EQ(h.Joined(call).generation_id(), 2);
}

TEST(GroupStatic, AReturnWhileTheGenerationCompletesBeginsAnother) {
  H h;
  const GroupCallId first = h.Join(H::JoinOf("g", "", "a"));
  const GroupCallId other = h.Join(H::JoinOf("g", "", "b"));
  h.AdvanceMs(6'000);
  const std::string id = h.Joined(first).member_id();
  const GroupCallId sync = h.Sync(H::SyncOf("g", h.Joined(other).member_id(), 1));
  const GroupCallId again = h.Join(H::JoinOf("g", "", "a"));
  EXPECT_EQ(h.StateOf("g"), GroupState::kPreparingRebalance);
  EXPECT_EQ(h.SyncCode(sync), ErrorCode::kRebalanceInProgress);
  EXPECT_FALSE(h.IsAnswered(again));
  EXPECT_EQ(h.GroupOf("g").FindMember(id), nullptr);
}

TEST(GroupStatic, WhoWaitsIsFencedWhenTheOtherComes) {
  H h;
  h.StableStaticGroup("g", {"a", "b"});
  const std::string leader = h.GroupOf("g").leader;
  const std::string instance = h.GroupOf("g").FindMember(leader)->instance_id;
  const GroupCallId waiting = h.Join(H::JoinOf("g", leader, instance));
  ASSERT_FALSE(h.IsAnswered(waiting));
  const GroupCallId newer = h.Join(H::JoinOf("g", "", instance));
  EXPECT_EQ(h.JoinCode(waiting), ErrorCode::kFencedInstanceId);
  EXPECT_EQ(h.Joined(waiting).member_id(), leader);
  EXPECT_FALSE(h.IsAnswered(newer));
}

// Absent static members keep their place for their session, and are assigned to.
TEST(GroupStatic, AnAbsentMemberStaysThroughARebalance) {
  H h;
  const std::vector<std::string> ids = h.StableStaticGroup("g", {"a", "b"});
  const std::string leader = h.GroupOf("g").leader;
  const std::string absent = leader == ids[0] ? ids[1] : ids[0];
  JoinGroupRequest request = H::JoinOf("g", leader);
  request.set_rebalance_timeout_ms(4'000);
  request.set_session_timeout_ms(30'000);
  const GroupCallId call = h.Join(request);
  h.AdvanceMs(4'000);
  h.Report("g", absent);
  EXPECT_FALSE(h.IsAnswered(call)) << "the longest rebalance timeout of its members counts";
  for (int i = 0; i < 7; ++i) {
    h.AdvanceMs(8'000);
    h.Report("g", absent);
  }
  ASSERT_TRUE(h.IsAnswered(call));
  EXPECT_EQ(h.Joined(call).members_size(), 2);
  EXPECT_NE(h.GroupOf("g").FindMember(absent), nullptr);
}

TEST(GroupStatic, WithOnlyAbsentMembersTheRebalanceWaits) {
  H h;
  h.StableStaticGroup("g", {"a"});
  const std::string id = h.GroupOf("g").leader;
  const std::string dynamic = h.AskForId("g");
  const GroupCallId call = h.Join(H::JoinOf("g", dynamic));
  h.Gone(call);
  EXPECT_EQ(h.StateOf("g"), GroupState::kPreparingRebalance);
  for (int i = 0; i < 20; ++i) {
    h.AdvanceMs(5'000);
    h.Report("g", id);
  }
  EXPECT_EQ(h.GenerationOf("g"), 1) << "nobody is there to lead";
  EXPECT_EQ(h.GroupOf("g").FindMember(dynamic), nullptr);
  const GroupCallId back = h.Join(H::JoinOf("g", "", "a"));
  EXPECT_EQ(h.Joined(back).generation_id(), 2);
}

TEST(GroupStatic, AnExpiredStaticMemberIsANewOneWhenItComesBack) {
  H h;
  h.StableStaticGroup("g", {"a"});
  h.AdvanceMs(10'000);
  EXPECT_EQ(h.StateOf("g"), GroupState::kEmpty);
  const GroupCallId call = h.Join(H::JoinOf("g", "", "a"));
  h.AdvanceMs(3'000);
  EXPECT_EQ(h.Joined(call).generation_id(), 3) << "2 was empty";
}

TEST(GroupStatic, AFullGroupTakesItsStaticMembersBack) {
  GroupConfig config;
  config.size_max = 1;
  H h(config);
  h.StableStaticGroup("g", {"a"});
  EXPECT_EQ(h.JoinCode(h.Join(H::JoinOf("g", "", "b"))), ErrorCode::kGroupMaxSizeReached);
  EXPECT_EQ(h.JoinCode(h.Join(H::JoinOf("g", "", "a"))), ErrorCode::kNone);
}

// An administrator removes static members by their instance ids.
TEST(GroupStatic, LeavingByInstanceId) {
  H h;
  h.StableStaticGroup("g", {"a", "b"});
  EXPECT_EQ(h.Leave("g", "", "a"), ErrorCode::kNone);
  EXPECT_EQ(h.GroupOf("g").FindStaticMember("a"), nullptr);
  EXPECT_EQ(h.StateOf("g"), GroupState::kPreparingRebalance);
  EXPECT_EQ(h.Leave("g", "", "a"), ErrorCode::kUnknownMemberId);
  EXPECT_EQ(h.Leave("g", ""), ErrorCode::kUnknownMemberId);
}

}  // namespace
}  // namespace weir::state
