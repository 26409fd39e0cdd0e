// JoinGroup: who is let in, the first generation, and what moves the others.
#include <gtest/gtest.h>

#include "common/base/limits.h"
#include "tests/unit/controller/state/group_support.h"

namespace weir::state {
namespace {

using H = GroupHarness;

struct Refusal {
  const char* what;
  void (*spoil)(JoinGroupRequest*);
  ErrorCode error;
};

const Refusal kRefusals[] = {
    {"no group id", [](JoinGroupRequest* r) { r->clear_group_id(); }, ErrorCode::kInvalidGroupId},
    {"session too short", [](JoinGroupRequest* r) { r->set_session_timeout_ms(5'999); },
     ErrorCode::kInvalidSessionTimeout},
    {"session too long", [](JoinGroupRequest* r) { r->set_session_timeout_ms(1'800'001); },
     ErrorCode::kInvalidSessionTimeout},
    {"member id of a group that is not there",
     [](JoinGroupRequest* r) { r->set_member_id("somebody"); }, ErrorCode::kUnknownMemberId},
    {"no protocol type", [](JoinGroupRequest* r) { r->clear_protocol_type(); },
     ErrorCode::kInconsistentGroupProtocol},
    {"no protocols", [](JoinGroupRequest* r) { r->clear_protocols(); },
     ErrorCode::kInconsistentGroupProtocol},
    {"too large",
     [](JoinGroupRequest* r) {
       r->mutable_protocols(0)->set_metadata(std::string(limits::kGroupMemberBytesMax, 'x'));
     },
     ErrorCode::kUnknownServerError},
};

TEST(GroupJoin, RefusalsLeaveNothingBehind) {
  for (const Refusal& refusal : kRefusals) {
    H h;
    JoinGroupRequest request = H::JoinOf("g");
    refusal.spoil(&request);
    const GroupCallId call = h.Join(request);
    EXPECT_EQ(h.JoinCode(call), refusal.error) << refusal.what;
    EXPECT_EQ(h.Joined(call).member_id(), request.member_id()) << refusal.what;
    EXPECT_TRUE(h.image.groups().empty()) << refusal.what;
    EXPECT_EQ(h.coordinator.FindSoftStateForTest("g"), nullptr) << refusal.what;
  }
}

// KIP-394.
TEST(GroupJoin, ADynamicMemberIsToldItsIdAndComesAgain) {
  H h;
  const std::string id = h.AskForId("g");
  EXPECT_TRUE(id.starts_with("client-"));
  EXPECT_EQ(id.size(), std::string("client-").size() + 36);
  EXPECT_TRUE(h.image.groups().empty()) << "an id that was handed out is no member";
  const GroupCallId call = h.Join(H::JoinOf("g", id));
  EXPECT_FALSE(h.IsAnswered(call));
  EXPECT_EQ(h.StateOf("g"), GroupState::kPreparingRebalance);
  h.AdvanceMs(2'999);
  EXPECT_FALSE(h.IsAnswered(call)) << "group.initial.rebalance.delay.ms";
  h.AdvanceMs(1);
  const JoinGroupReply& reply = h.Joined(call);
  EXPECT_EQ(reply.error_code(), 0);
  EXPECT_EQ(reply.generation_id(), 1);
  EXPECT_EQ(reply.protocol_type(), "consumer");
  EXPECT_EQ(reply.protocol_name(), "range");
  EXPECT_EQ(reply.leader(), id);
  ASSERT_EQ(reply.members_size(), 1);
  EXPECT_EQ(reply.members(0).member_id(), id);
  EXPECT_EQ(reply.members(0).metadata(), "topics");
  EXPECT_EQ(h.StateOf("g"), GroupState::kCompletingRebalance);
}

// JoinGroup 0 to 3.
TEST(GroupJoin, OldClientsJoinInOneStep) {
  H h;
  JoinGroupRequest request = H::JoinOf("g");
  request.set_requires_known_member_id(false);
  request.set_rebalance_timeout_ms(-1);
  const GroupCallId call = h.Join(request);
  EXPECT_EQ(h.GroupOf("g").members.begin()->second.rebalance_timeout_ms, 10'000)
      << "version 0 has no rebalance timeout: it is the session's";
  h.AdvanceMs(3'000);
  EXPECT_EQ(h.JoinCode(call), ErrorCode::kNone);
  EXPECT_EQ(h.Joined(call).member_id(), h.GroupOf("g").leader);
}

TEST(GroupJoin, TheInitialDelayIsExtendedWhileMembersCome) {
  H h;
  std::vector<std::string> ids;
  for (int i = 0; i < 3; ++i) ids.push_back(h.AskForId("g"));
  const GroupCallId first = h.Join(H::JoinOf("g", ids[0]));
  h.AdvanceMs(2'000);
  const GroupCallId second = h.Join(H::JoinOf("g", ids[1]));
  h.AdvanceMs(2'000);
  EXPECT_FALSE(h.IsAnswered(first)) << "somebody came: another delay";
  const GroupCallId third = h.Join(H::JoinOf("g", ids[2]));
  h.AdvanceMs(4'999);
  EXPECT_FALSE(h.IsAnswered(first)) << "somebody came again";
  h.AdvanceMs(1);
  EXPECT_EQ(h.GenerationOf("g"), 1);
  EXPECT_EQ(h.Joined(first).members_size(), 3);
  EXPECT_EQ(h.Joined(second).members_size(), 0);
  for (const GroupCallId call : {first, second, third}) {
    EXPECT_EQ(h.Joined(call).generation_id(), 1);
    EXPECT_EQ(h.Joined(call).leader(), ids[0]) << "who came first leads";
  }
}

TEST(GroupJoin, TheInitialDelayEndsAtTheRebalanceTimeout) {
  H h;
  std::vector<GroupCallId> calls;
  for (int i = 0; i < 5; ++i) {
    JoinGroupRequest request = H::JoinOf("g", h.AskForId("g"));
    request.set_rebalance_timeout_ms(7'000);
    calls.push_back(h.Join(request));
    h.AdvanceMs(1'600);
  }
  EXPECT_TRUE(h.IsAnswered(calls[0])) << "3 + 3 + 1 seconds";
}

TEST(GroupJoin, WithoutDelayTheFirstMemberIsServedAtOnce) {
  GroupConfig config;
  config.initial_rebalance_delay = Duration::zero();
  H h(config);
  const GroupCallId call = h.Join(H::JoinOf("g", h.AskForId("g")));
  EXPECT_EQ(h.Joined(call).generation_id(), 1);
}

TEST(GroupJoin, ANewMemberMovesTheOthers) {
  H h;
  const std::vector<std::string> ids = h.StableGroup("g", 2);
  const std::string id = h.AskForId("g");
  EXPECT_EQ(h.StateOf("g"), GroupState::kStable) << "an id alone moves nobody";
  const GroupCallId joining = h.Join(H::JoinOf("g", id));
  EXPECT_EQ(h.StateOf("g"), GroupState::kPreparingRebalance);
  EXPECT_EQ(h.Beat("g", ids[0], 1), ErrorCode::kRebalanceInProgress);
  h.Join(H::JoinOf("g", ids[1]));
  EXPECT_FALSE(h.IsAnswered(joining));
  h.Join(H::JoinOf("g", ids[0]));
  EXPECT_EQ(h.Joined(joining).generation_id(), 2) << "at once: all have joined";
  EXPECT_EQ(h.Joined(joining).leader(), ids[0]) << "the leader stays";
  EXPECT_EQ(h.Beat("g", ids[0], 2), ErrorCode::kNone);
  EXPECT_EQ(h.Beat("g", ids[0], 1), ErrorCode::kIllegalGeneration);
}

TEST(GroupJoin, WhoDoesNotJoinInTimeIsOut) {
  H h;
  const std::vector<std::string> ids = h.StableGroup("g", 3);
  const GroupCallId joined = h.Join(H::JoinOf("g", ids[0]));
  for (int i = 0; i < 12; ++i) {
    h.AdvanceMs(4'999);
    for (const std::string& id : {ids[1], ids[2]}) h.Report("g", id);
    EXPECT_FALSE(h.IsAnswered(joined));
  }
  h.AdvanceMs(100);
  EXPECT_EQ(h.Joined(joined).generation_id(), 2) << "the rebalance timeout of 60 s is over";
  EXPECT_EQ(h.GroupOf("g").members.size(), 1u);
  EXPECT_EQ(h.Beat("g", ids[1], 1), ErrorCode::kUnknownMemberId);
}

TEST(GroupJoin, AnAbsentLeaderIsReplaced) {
  H h;
  const std::vector<std::string> ids = h.StableGroup("g", 3);
  const std::string leader = h.GroupOf("g").leader;
  std::vector<GroupCallId> calls;
  for (const std::string& id : ids) {
    JoinGroupRequest request = H::JoinOf("g", id);
    request.mutable_protocols(0)->set_metadata("other topics");
    if (id != leader) calls.push_back(h.Join(request));
  }
  h.AdvanceMs(10'000);
  EXPECT_EQ(h.GroupOf("g").FindMember(leader), nullptr) << "its session is over";
  EXPECT_NE(h.Joined(calls[0]).leader(), leader);
  EXPECT_EQ(h.Joined(calls[0]).leader(), h.Joined(calls[1]).leader());
}

TEST(GroupJoin, JoiningAgainInAStableGroup) {
  H h;
  const std::vector<std::string> ids = h.StableGroup("g", 2);
  const std::string leader = h.GroupOf("g").leader;
  const std::string follower = leader == ids[0] ? ids[1] : ids[0];
  GroupCallId call = h.Join(H::JoinOf("g", follower));
  EXPECT_EQ(h.Joined(call).generation_id(), 1) << "a follower that changes nothing is told at once";
  EXPECT_EQ(h.StateOf("g"), GroupState::kStable);
  EXPECT_TRUE(h.last_records.empty());
  JoinGroupRequest changed = H::JoinOf("g", follower);
  changed.mutable_protocols(0)->set_metadata("other topics");
  call = h.Join(changed);
  EXPECT_FALSE(h.IsAnswered(call));
  const GroupCallId leading = h.Join(H::JoinOf("g", leader));
  EXPECT_EQ(h.Joined(call).generation_id(), 2);
  EXPECT_EQ(h.Joined(leading).generation_id(), 2);
  h.SyncAll("g");
  h.Join(H::JoinOf("g", leader));
  EXPECT_EQ(h.StateOf("g"), GroupState::kPreparingRebalance)
      << "a leader that joins again wants to assign anew";
}

TEST(GroupJoin, JoiningAgainWhileTheGenerationCompletes) {
  H h;
  const std::vector<std::string> ids = {h.AskForId("g"), h.AskForId("g")};
  for (const std::string& id : ids) h.Join(H::JoinOf("g", id));
  h.AdvanceMs(6'000);
  ASSERT_EQ(h.StateOf("g"), GroupState::kCompletingRebalance);
  GroupCallId call = h.Join(H::JoinOf("g", ids[0]));
  EXPECT_EQ(h.Joined(call).generation_id(), 1) << "the answer may have been lost: told again";
  EXPECT_EQ(h.Joined(call).members_size(), 2);
  const GroupCallId sync = h.Sync(H::SyncOf("g", ids[1], 1));
  JoinGroupRequest changed = H::JoinOf("g", ids[0]);
  changed.mutable_protocols(0)->set_metadata("other topics");
  call = h.Join(changed);
  EXPECT_EQ(h.SyncCode(sync), ErrorCode::kRebalanceInProgress);
  EXPECT_EQ(h.StateOf("g"), GroupState::kPreparingRebalance);
}

TEST(GroupJoin, ASecondJoinTakesThePlaceOfTheFirst) {
  H h;
  h.StableGroup("g", 2);
  const std::string leader = h.GroupOf("g").leader;
  const GroupCallId first = h.Join(H::JoinOf("g", leader));
  const GroupCallId second = h.Join(H::JoinOf("g", leader));
  EXPECT_EQ(h.JoinCode(first), ErrorCode::kRebalanceInProgress);
  EXPECT_FALSE(h.IsAnswered(second));
}

TEST(GroupJoin, TheProtocolIsOneThatAllSupport) {
  GroupConfig config;
  config.initial_rebalance_delay = std::chrono::milliseconds(100);
  H h(config);
  const std::vector<std::vector<const char*>> supported = {
      {"sticky", "range", "roundrobin"}, {"roundrobin", "range"}, {"range", "roundrobin", "x"}};
  std::vector<GroupCallId> calls;
  for (const auto& protocols : supported) {
    JoinGroupRequest request = H::JoinOf("g", h.AskForId("g"));
    request.clear_protocols();
    for (const char* name : protocols) H::AddProtocol(&request, name, name);
    calls.push_back(h.Join(request));
  }
  JoinGroupRequest stranger = H::JoinOf("g");
  stranger.mutable_protocols(0)->set_name("x");
  EXPECT_EQ(h.JoinCode(h.Join(stranger)), ErrorCode::kInconsistentGroupProtocol);
  stranger = H::JoinOf("g");
  stranger.set_protocol_type("connect");
  EXPECT_EQ(h.JoinCode(h.Join(stranger)), ErrorCode::kInconsistentGroupProtocol);
  h.AdvanceMs(200);
  for (const GroupCallId call : calls) EXPECT_EQ(h.Joined(call).protocol_name(), "range");
  EXPECT_EQ(h.Joined(calls[0]).members(0).metadata(), "range") << "of the protocol chosen";
}

TEST(GroupJoin, ProtocolTypesAreOpaque) {
  GroupConfig config;
  config.initial_rebalance_delay = Duration::zero();
  H h(config);
  for (const char* type : {"consumer", "connect", "sr", "anything"}) {
    JoinGroupRequest request = H::JoinOf(type, h.AskForId(type));
    request.set_protocol_type(type);
    EXPECT_EQ(h.Joined(h.Join(request)).protocol_type(), type);
  }
}

// group.max.size.
TEST(GroupJoin, AFullGroupTakesNobody) {
  GroupConfig config;
  config.size_max = 2;
  H h(config);
  const std::vector<std::string> late = {h.AskForId("g")};
  const std::vector<std::string> ids = {h.AskForId("g"), h.AskForId("g")};
  for (const std::string& id : ids) h.Join(H::JoinOf("g", id));
  GroupCallId call = h.Join(H::JoinOf("g", late[0]));
  EXPECT_EQ(h.JoinCode(call), ErrorCode::kGroupMaxSizeReached);
  EXPECT_EQ(h.Joined(call).member_id(), "");
  h.AdvanceMs(6'000);
  h.SyncAll("g");
  EXPECT_EQ(h.JoinCode(h.Join(H::JoinOf("g"))), ErrorCode::kGroupMaxSizeReached);
  EXPECT_EQ(h.StateOf("g"), GroupState::kStable);
  h.Leave("g", ids[0]);
  h.Join(H::JoinOf("g", ids[1]));
  EXPECT_EQ(h.JoinCode(h.Join(H::JoinOf("g"))), ErrorCode::kMemberIdRequired);
}

// Kept in several places each, of 200,000 groups and 50,000 members.
TEST(GroupJoin, D11_NamesHaveAThousandBytesAtMost) {
  H h;
  const std::string fits(limits::kGroupNameBytesMax, 'n');
  const std::string is_long = fits + "n";
  EXPECT_EQ(h.JoinCode(h.Join(H::JoinOf(is_long))), ErrorCode::kInvalidGroupId);
  EXPECT_EQ(h.JoinCode(h.Join(H::JoinOf("g", "", is_long))), ErrorCode::kInvalidRequest);
  EXPECT_TRUE(h.image.groups().empty());
  EXPECT_FALSE(h.IsAnswered(h.Join(H::JoinOf(fits, "", fits)))) << "it is in, and waits";
}

// 100,000 of groups with long names took gigabytes.
TEST(GroupJoin, D11_IdsThatAreHandedOutTakeBoundedMemory) {
  H h;
  size_t handed_out = 0;
  const auto ask = [&h](size_t number) {
    std::string group = std::to_string(number);
    group.resize(limits::kGroupNameBytesMax, 'g');
    return h.JoinCode(h.Join(H::JoinOf(group)));
  };
  while (handed_out < 100'000 && ask(handed_out) == ErrorCode::kMemberIdRequired) ++handed_out;
  EXPECT_LT(handed_out * 4 * limits::kGroupNameBytesMax, limits::kGroupPendingIdBytesMax);
  EXPECT_GT(handed_out, 10'000u);
  EXPECT_EQ(ask(handed_out), ErrorCode::kCoordinatorNotAvailable);
  h.AdvanceMs(11'000);
  EXPECT_EQ(ask(handed_out), ErrorCode::kMemberIdRequired) << "those of before have expired";
}

void SayMuch(JoinGroupRequest& request) {
  request.mutable_protocols(0)->set_metadata(std::string(900 * 1024, 'x'));
}

void NameMuch(JoinGroupRequest& request) {
  for (int i = 0; i < 28; ++i) {
    request.add_protocols()->set_name(std::string(32'000, 'x') + std::to_string(i));
  }
}

TEST(GroupJoin, WhatAllMembersSayFitsIntoTheLeadersAnswer) {
  for (const auto say : {&SayMuch, &NameMuch}) {
    GroupConfig config;
    config.initial_rebalance_delay = std::chrono::milliseconds(10);
    H h(config);
    int refused = 0;
    for (int i = 0; i < 20; ++i) {
      JoinGroupRequest request = H::JoinOf("g", h.AskForId("g"));
      say(request);
      const GroupCallId call = h.Join(request);
      if (!h.IsAnswered(call)) continue;
      EXPECT_EQ(h.JoinCode(call), ErrorCode::kGroupMaxSizeReached);
      ++refused;
    }
    EXPECT_EQ(refused, 11);
    h.AdvanceMs(100);
    const Group& group = h.GroupOf("g");
    EXPECT_EQ(group.state, GroupState::kCompletingRebalance);
    EXPECT_EQ(group.members.size(), 9u);
  }
}

// A client that names no id and goes away cannot come back as that member: nobody waits for it.
TEST(GroupJoin, AnAnonymousMemberIsLostWithItsCall) {
  H h;
  const std::vector<std::string> ids = h.StableGroup("g", 1);
  JoinGroupRequest request = H::JoinOf("g");
  request.set_requires_known_member_id(false);
  const GroupCallId call = h.Join(request);
  const GroupCallId known = h.Join(H::JoinOf("g", ids[0]));
  EXPECT_EQ(h.Joined(known).members_size(), 2);
  EXPECT_TRUE(h.IsAnswered(call));
  h.SyncAll("g");
  const GroupCallId lost = h.Join(request);
  h.Gone(lost);
  EXPECT_EQ(h.GroupOf("g").members.size(), 2u);
}

}  // namespace
}  // namespace weir::state
