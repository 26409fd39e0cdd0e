// A leader that joins its stable group again, of a client that cannot say why (JoinGroup before
// version 8): whether the group is moved.
#include <gtest/gtest.h>

#include <string_view>

#include "controller/state/groups/consumer_protocol.h"
#include "tests/unit/controller/state/consumer_group_support.h"

namespace weir::state {
namespace {

using group::v1::JoinGroupReply;
using group::v1::JoinGroupRequest;
using group::v1::SyncGroupReply;
using std::string_view_literals::operator""sv;

// Version 0 of a consumer's subscription to "orders", without user data.
constexpr std::string_view kToOrders = "\0\0\0\0\0\1\0\6orders\377\377\377\377"sv;

class RejoiningLeader : public testing::Test, public ConsumerHarness {
 protected:
  RejoiningLeader() : ConsumerHarness(AtOnce()) { AddTopic("orders", 4); }

  static GroupConfig AtOnce() {
    GroupConfig config;
    config.initial_rebalance_delay = Duration::zero();
    return config;
  }

  static JoinGroupRequest ClassicJoin(const std::string& member_id) {
    JoinGroupRequest request;
    request.set_group_id("g");
    request.set_member_id(member_id);
    request.set_session_timeout_ms(30'000);
    request.set_rebalance_timeout_ms(60'000);
    request.set_protocol_type("consumer");
    request.add_protocols()->set_name("range");
    request.mutable_protocols(0)->set_metadata(std::string(kToOrders));
    return request;
  }
  GroupCallId Join(const JoinGroupRequest& request) {
    Take(coordinator.Join(context(), ++last_call, request));
    return last_call;
  }
  JoinGroupReply Joined(GroupCallId call) { return std::get<JoinGroupReply>(answers.at(call)); }
  std::string Sync(const std::string& member_id,
                   const std::map<std::string, std::string>& assignments = {}) {
    group::v1::SyncGroupRequest request;
    request.set_group_id("g");
    request.set_member_id(member_id);
    request.set_generation_id(TheGroup().generation);
    for (const auto& [id, assignment] : assignments) {
      request.add_assignments()->set_member_id(id);
      request.mutable_assignments(request.assignments_size() - 1)->set_assignment(assignment);
    }
    Take(coordinator.Sync(context(), ++last_call, request));
    const auto& reply = std::get<SyncGroupReply>(answers.at(last_call));
    EXPECT_EQ(reply.error_code(), 0);
    return reply.assignment();
  }
  static std::string Orders(const std::vector<int32_t>& partitions) {
    return SerializeClassicAssignment(0, {{"orders", partitions}});
  }
  // A stable group of two, whose leader made that of its assignment.
  void StableGroup(const std::string& of_leader, const std::string& of_follower) {
    leader = Joined(Join(ClassicJoin(""))).member_id();
    const GroupCallId second = Join(ClassicJoin(""));
    Join(ClassicJoin(leader));
    follower = Joined(second).member_id();
    ASSERT_EQ(TheGroup().leader, leader);
    Sync(leader, {{leader, of_leader}, {follower, of_follower}});
    Sync(follower);
    ASSERT_EQ(TheGroup().state, GroupState::kStable);
    generation = TheGroup().generation;
  }
  void SharedGroup() { StableGroup(Orders({0, 1}), Orders({3, 2})); }
  // Whether the leader's join begins a rebalance.
  bool Moves(const JoinGroupRequest& request) {
    Join(request);
    return TheGroup().state == GroupState::kPreparingRebalance;
  }

  std::string leader;
  std::string follower;
  int32_t generation = 0;
};

TEST_F(RejoiningLeader, KeepsTheGenerationWhenThereIsNothingToAssign) {
  SharedGroup();
  const JoinGroupReply reply = Joined(Join(ClassicJoin(leader)));
  EXPECT_EQ(reply.error_code(), 0);
  EXPECT_EQ(reply.generation_id(), generation);
  EXPECT_EQ(reply.leader(), leader) << "it goes on to watch the topics";
  EXPECT_EQ(reply.members_size(), 2);
  EXPECT_EQ(TheGroup().state, GroupState::kStable);
  EXPECT_EQ(Sync(leader, {{leader, Orders({0, 1, 2, 3})}}), Orders({0, 1}))
      << "what it hands in now changes nothing";
  EXPECT_EQ(Sync(follower), Orders({3, 2}));
}

TEST_F(RejoiningLeader, IsKeptAliveByItsJoin) {
  SharedGroup();
  for (int i = 0; i < 4; ++i) {
    AdvanceMs(20'000);
    Join(ClassicJoin(leader));
    Join(ClassicJoin(follower));
  }
  EXPECT_EQ(TheGroup().generation, generation);
  EXPECT_EQ(TheGroup().members.size(), 2u);
}

TEST_F(RejoiningLeader, AssignsAnewWhenItCanSayWhyAndJoinsAsKafkaExpects) {
  SharedGroup();
  JoinGroupRequest newest = ClassicJoin(leader);
  newest.set_supports_skip_assignment(true);
  EXPECT_TRUE(Moves(newest)) << "version 9";
}

TEST_F(RejoiningLeader, AssignsAnewForAReason) {
  SharedGroup();
  JoinGroupRequest with_reason = ClassicJoin(leader);
  with_reason.set_reason("rebalance enforced by user");
  EXPECT_TRUE(Moves(with_reason)) << "version 8";
}

TEST_F(RejoiningLeader, AssignsNewPartitions) {
  SharedGroup();
  AddPartitions("orders", 1);
  EXPECT_TRUE(Moves(ClassicJoin(leader)));
}

TEST_F(RejoiningLeader, AssignsAnewWhenATopicIsGone) {
  SharedGroup();
  RemoveTopic("orders");
  EXPECT_TRUE(Moves(ClassicJoin(leader)));
}

TEST_F(RejoiningLeader, AssignsWhatNobodyHas) {
  StableGroup(Orders({0, 1}), Orders({2}));
  EXPECT_TRUE(Moves(ClassicJoin(leader)));
}

TEST_F(RejoiningLeader, AssignsAnewWhatTwoHave) {
  StableGroup(Orders({0, 1}), Orders({1, 2, 3}));
  EXPECT_TRUE(Moves(ClassicJoin(leader)));
}

TEST_F(RejoiningLeader, AssignsAnewWhenATopicWasGivenThatNobodyAskedFor) {
  AddTopic("others", 1);
  StableGroup(SerializeClassicAssignment(0, {{"orders", {0, 1}}, {"others", {0}}}), Orders({2, 3}));
  EXPECT_TRUE(Moves(ClassicJoin(leader)));
}

TEST_F(RejoiningLeader, AssignsAnewWhatACustomAssignorWrote) {
  std::string with_user_data = Orders({0, 1});
  with_user_data.replace(with_user_data.size() - 4, 4, "\0\0\0\1x"sv);
  StableGroup(with_user_data, Orders({2, 3}));
  EXPECT_TRUE(Moves(ClassicJoin(leader)));
}

TEST_F(RejoiningLeader, AssignsAnewWhatCannotBeRead) {
  StableGroup("not an assignment", Orders({2, 3}));
  EXPECT_TRUE(Moves(ClassicJoin(leader)));
}

TEST_F(RejoiningLeader, OfNoTopicsThatExistHasNothingToAssign) {
  RemoveTopic("orders");
  StableGroup("", "");
  EXPECT_FALSE(Moves(ClassicJoin(leader)));
  AddTopic("orders", 1);
  EXPECT_TRUE(Moves(ClassicJoin(leader)));
}

TEST_F(RejoiningLeader, OfAnotherProtocolTypeIsNotSecondGuessed) {
  const auto connect = [this](const std::string& id) {
    JoinGroupRequest request = ClassicJoin(id);
    request.set_protocol_type("connect");
    return request;
  };
  leader = Joined(Join(connect(""))).member_id();
  Sync(leader, {{leader, Orders({0, 1, 2, 3})}});
  ASSERT_EQ(TheGroup().state, GroupState::kStable);
  const JoinGroupReply reply = Joined(Join(connect(leader)));
  EXPECT_EQ(reply.generation_id(), 2) << "it assigns anew, as the only one it waits for nobody";
}

}  // namespace
}  // namespace weir::state
