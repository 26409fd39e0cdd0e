// Sessions: who is heard of stays, who is not expires; and nothing of it is written.
#include <gtest/gtest.h>

#include "tests/unit/controller/state/group_support.h"

namespace weir::state {
namespace {

using H = GroupHarness;

TEST(GroupSession, G08_SignsOfLifeWriteNothing) {
  H h;
  const std::vector<std::string> ids = h.StableGroup("g", 50);
  const LogIndex before = h.image.offset();
  for (int second = 0; second < 600; ++second) {
    h.AdvanceMs(1'000);
    for (const std::string& id : ids) h.Report("g", id);
  }
  EXPECT_EQ(h.image.offset(), before);
  EXPECT_EQ(h.StateOf("g"), GroupState::kStable);
}

TEST(GroupSession, ASilentMemberExpires) {
  H h;
  const std::vector<std::string> ids = h.StableGroup("g", 2);
  h.AdvanceMs(5'000);
  h.Report("g", ids[0]);
  h.AdvanceMs(4'999);
  EXPECT_EQ(h.GroupOf("g").members.size(), 2u);
  h.AdvanceMs(1);
  EXPECT_EQ(h.GroupOf("g").FindMember(ids[1]), nullptr);
  EXPECT_EQ(h.StateOf("g"), GroupState::kPreparingRebalance);
  EXPECT_EQ(h.Beat("g", ids[1], 1), ErrorCode::kUnknownMemberId);
}

// A gateway that falls silent is found out before the members are that it could not report.
TEST(GroupSession, A03_NoSessionIsShorterThanABrokers) {
  GroupConfig config;
  config.broker_session_timeout = std::chrono::seconds(12);
  H h(config);
  h.StableGroup("g", 1);
  h.AdvanceMs(11'999);
  EXPECT_EQ(h.GroupOf("g").members.size(), 1u) << "it asked for 10 s";
  h.FailOver();
  h.AdvanceMs(11'999);
  EXPECT_EQ(h.GroupOf("g").members.size(), 1u);
  h.AdvanceMs(1);
  EXPECT_EQ(h.GroupOf("g").members.size(), 0u);
}

TEST(GroupSession, TheAgeOfASignOfLifeCounts) {
  H h;
  const std::vector<std::string> ids = h.StableGroup("g", 1);
  h.AdvanceMs(9'000);
  h.Report("g", ids[0], 4'000);
  h.AdvanceMs(5'999);
  EXPECT_EQ(h.GroupOf("g").members.size(), 1u);
  h.AdvanceMs(1);
  EXPECT_EQ(h.GroupOf("g").members.size(), 0u);
  EXPECT_EQ(h.StateOf("g"), GroupState::kEmpty);
  EXPECT_EQ(h.GroupOf("g").protocol_name, "");
}

TEST(GroupSession, AnOldSignOfLifeTakesNothingAway) {
  H h;
  const std::vector<std::string> ids = h.StableGroup("g", 1);
  h.AdvanceMs(5'000);
  h.Report("g", ids[0]);
  h.Report("g", ids[0], 60'000);
  h.Report("g", ids[0], -5);
  h.AdvanceMs(9'999);
  EXPECT_EQ(h.GroupOf("g").members.size(), 1u);
}

TEST(GroupSession, ReportsOfUnknownMembersArePassedOver) {
  H h;
  h.StableGroup("g", 1);
  h.Report("x", "y");
  h.Report("g", "y");
  EXPECT_EQ(h.GroupOf("g").members.size(), 1u);
}

TEST(GroupSession, AHeartbeatThatWasAskedAboutCounts) {
  H h;
  const std::vector<std::string> ids = h.StableGroup("g", 1);
  h.AdvanceMs(9'000);
  EXPECT_EQ(h.Beat("g", ids[0], 1), ErrorCode::kNone);
  h.AdvanceMs(9'000);
  EXPECT_EQ(h.Beat("g", ids[0], 0), ErrorCode::kIllegalGeneration);
  h.AdvanceMs(1'000);
  EXPECT_EQ(h.GroupOf("g").members.size(), 0u) << "an older generation's heartbeat is none";
}

// KAFKA: members that wait for others are satisfied; G-12.
TEST(GroupSession, G12_WhoWaitsForOthersDoesNotExpire) {
  H h;
  const std::vector<std::string> ids = h.StableGroup("g", 2);
  const std::string leader = h.GroupOf("g").leader;
  const std::string other = leader == ids[0] ? ids[1] : ids[0];
  const GroupCallId call = h.Join(H::JoinOf("g", leader));
  for (int i = 0; i < 7; ++i) {
    h.AdvanceMs(8'000);
    h.Report("g", other);
    EXPECT_FALSE(h.IsAnswered(call));
    EXPECT_NE(h.GroupOf("g").FindMember(leader), nullptr);
  }
  h.AdvanceMs(8'000);
  EXPECT_EQ(h.JoinCode(call), ErrorCode::kNone);
}

TEST(GroupSession, ANewMemberWaitsForFiveMinutesAtMost) {
  H h;
  std::vector<std::string> ids = h.StableGroup("g", 1);
  JoinGroupRequest slow = H::JoinOf("g", ids[0]);
  slow.set_rebalance_timeout_ms(1'000'000);
  h.Join(slow);
  h.SyncAll("g");
  for (const int session_ms : {10'000, 1'000'000}) {
    JoinGroupRequest join = H::JoinOf("g", h.AskForId("g"));
    join.set_session_timeout_ms(session_ms);
    const GroupCallId call = h.Join(join);
    const MonoTime begin = h.now;
    while (!h.IsAnswered(call)) {
      h.AdvanceMs(5'000);
      h.Report("g", ids[0]);
      ASSERT_LE(h.now - begin, std::chrono::minutes(5));
    }
    EXPECT_EQ(h.now - begin, std::chrono::minutes(5));
    EXPECT_EQ(h.JoinCode(call), ErrorCode::kUnknownMemberId);
  }
}

TEST(GroupSession, WhoseClientIsGoneHasItsSessionLeft) {
  H h;
  const std::vector<std::string> ids = h.StableGroup("g", 1);
  const std::string id = h.AskForId("g");
  const GroupCallId call = h.Join(H::JoinOf("g", id));
  h.AdvanceMs(5'000);
  h.Report("g", ids[0]);
  h.Gone(call);
  h.AdvanceMs(5'000);
  h.Report("g", ids[0]);
  EXPECT_NE(h.GroupOf("g").FindMember(id), nullptr);
  h.AdvanceMs(5'000);
  EXPECT_EQ(h.GroupOf("g").FindMember(id), nullptr) << "not five minutes: the session";
  h.Gone(call);
}

// Kafka lets no loss cut the initial delay short: those who are coming are still coming.
TEST(GroupSession, TheInitialDelayOutlastsWhoeverIsLost) {
  GroupConfig config;
  config.initial_rebalance_delay = std::chrono::seconds(30);
  H h(config);
  JoinGroupRequest anonymous = H::JoinOf("g");
  anonymous.set_requires_known_member_id(false);
  h.AskForId("g");  // never used: expires after 10 s
  const std::string silent = h.AskForId("g");
  const GroupCallId lost = h.Join(anonymous);
  const GroupCallId call = h.Join(H::JoinOf("g", h.AskForId("g")));
  h.Gone(h.Join(H::JoinOf("g", silent)));
  h.Gone(lost);
  EXPECT_FALSE(h.IsAnswered(call)) << "an anonymous member is gone";
  h.AdvanceMs(29'999);
  EXPECT_FALSE(h.IsAnswered(call)) << "an id and a member have expired";
  EXPECT_EQ(h.GroupOf("g").members.size(), 1u);
  h.AdvanceMs(30'001);
  ASSERT_TRUE(h.IsAnswered(call));
  EXPECT_EQ(h.Joined(call).members_size(), 1);
}

// Static members that are absent when the delay is over are waited for; whoever comes back then
// waits for no second delay.
TEST(GroupSession, TheInitialDelayIsOverOnce) {
  H h;
  JoinGroupRequest request = H::JoinOf("g", "", "i");
  request.set_session_timeout_ms(100'000);
  h.Gone(h.Join(request));
  h.AdvanceMs(3'000);
  EXPECT_EQ(h.StateOf("g"), GroupState::kPreparingRebalance);
  const GroupCallId back = h.Join(request);
  EXPECT_TRUE(h.IsAnswered(back));
  EXPECT_EQ(h.GenerationOf("g"), 1);
}

TEST(GroupSession, AnIdThatIsNotUsedExpires) {
  H h;
  const std::vector<std::string> ids = h.StableGroup("g", 1);
  const std::string unused = h.AskForId("g");
  const GroupCallId call = h.Join(H::JoinOf("g", ids[0]));
  EXPECT_FALSE(h.IsAnswered(call)) << "somebody is about to join";
  h.AdvanceMs(10'000);
  EXPECT_EQ(h.Joined(call).generation_id(), 2);
  EXPECT_EQ(h.JoinCode(h.Join(H::JoinOf("g", unused))), ErrorCode::kUnknownMemberId);
}

// A member's other session timeout counts from its join on.
TEST(GroupSession, TheNewestTimeoutCounts) {
  H h;
  const std::vector<std::string> ids = h.StableGroup("g", 1);
  JoinGroupRequest request = H::JoinOf("g", ids[0]);
  request.set_session_timeout_ms(30'000);
  h.Join(request);
  h.SyncAll("g");
  h.AdvanceMs(29'999);
  EXPECT_EQ(h.GroupOf("g").members.size(), 1u);
  request.set_session_timeout_ms(6'000);
  h.Join(request);
  h.SyncAll("g");
  h.AdvanceMs(6'000);
  EXPECT_EQ(h.GroupOf("g").members.size(), 0u);
}

TEST(GroupTimers, FireOnceAtTheDeadlineLastSet) {
  GroupTimers timers;
  const MonoTime start{std::chrono::hours(1)};
  const auto at = [&](int ms) { return start + std::chrono::milliseconds(ms); };
  const GroupTimer a{GroupTimerKind::kSession, "g", "a"};
  const GroupTimer b{GroupTimerKind::kSession, "g", "b"};
  EXPECT_FALSE(timers.Extend(a, at(5)));
  timers.Set(a, at(10));
  timers.Set(b, at(20));
  EXPECT_TRUE(timers.Extend(a, at(30)));
  EXPECT_TRUE(timers.Extend(a, at(25)));
  EXPECT_EQ(timers.Next(), at(10)) << "asked too early rather than too late";
  EXPECT_EQ(timers.PopDue(at(19)), std::nullopt);
  timers.Set(b, at(15));
  EXPECT_EQ(timers.PopDue(at(19)), b);
  EXPECT_EQ(timers.PopDue(at(29)), std::nullopt) << "b's old place is void";
  timers.Cancel(a);
  EXPECT_EQ(timers.PopDue(at(99)), std::nullopt);
  timers.Set(a, at(100));
  timers.Cancel(a);
  timers.Set(a, at(200));
  EXPECT_EQ(timers.PopDue(at(150)), std::nullopt);
  EXPECT_EQ(timers.PopDue(at(200)), a);
  EXPECT_EQ(timers.Next(), std::nullopt);
}

// A client can have timers set and cancelled without end, long before their time.
TEST(GroupTimers, D11_WhatIsCancelledOrMovedLeavesNothingBehind) {
  GroupTimers timers;
  const MonoTime start{std::chrono::hours(1)};
  const GroupTimer a{GroupTimerKind::kSession, "g", "a"};
  for (int i = 0; i < 100; ++i) {
    timers.Set(a, start + std::chrono::minutes(30) - std::chrono::seconds(i));
    if (i % 10 == 0) timers.Cancel(a);
  }
  EXPECT_EQ(timers.size(), 1u);
  EXPECT_EQ(timers.queue_size_for_test(), 1u);
  timers.Cancel(a);
  EXPECT_EQ(timers.queue_size_for_test(), 0u);
}

}  // namespace
}  // namespace weir::state
