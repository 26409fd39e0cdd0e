// Groups that change their type while they have members (KIP-848, online migration; G-18).
#include <gtest/gtest.h>

#include "controller/state/groups/consumer_protocol.h"
#include "tests/unit/controller/state/consumer_group_support.h"

namespace weir::state {
namespace {

using group::v1::JoinGroupReply;
using group::v1::JoinGroupRequest;
using group::v1::SyncGroupReply;

template <class Int>
void Put(Int value, std::string* out) {
  for (int shift = static_cast<int>(sizeof(Int)) * 8 - 8; shift >= 0; shift -= 8) {
    out->push_back(static_cast<char>(value >> shift));
  }
}

// Version 1 of a consumer's subscription to "orders".
std::string SubscriptionOf(const std::vector<int32_t>& owned, const std::string& user_data = "") {
  std::string out;
  Put(int16_t{1}, &out);
  Put(int32_t{1}, &out);
  Put(int16_t{6}, &out);
  out += "orders";
  Put(user_data.empty() ? int32_t{-1} : static_cast<int32_t>(user_data.size()), &out);
  out += user_data;
  Put(int32_t{owned.empty() ? 0 : 1}, &out);
  if (owned.empty()) return out;
  Put(int16_t{6}, &out);
  out += "orders";
  Put(static_cast<int32_t>(owned.size()), &out);
  for (const int32_t partition : owned) Put(partition, &out);
  return out;
}

class MigrationTest : public testing::Test, public ConsumerHarness {
 protected:
  explicit MigrationTest(GroupConfig config = AtOnce()) : ConsumerHarness(std::move(config)) {
    topic = AddTopic("orders", 4);
  }
  static GroupConfig AtOnce() {
    GroupConfig config;
    config.static_config["group.consumer.assignment.interval.ms"] = "0";
    config.initial_rebalance_delay = Duration::zero();
    return config;
  }

  static JoinGroupRequest ClassicJoin(const std::string& member_id,
                                      const std::vector<int32_t>& owned = {},
                                      const std::string& instance_id = "") {
    JoinGroupRequest request;
    request.set_group_id("g");
    request.set_member_id(member_id);
    request.set_instance_id(instance_id);
    request.set_client_id("classic");
    request.set_session_timeout_ms(30'000);
    request.set_rebalance_timeout_ms(60'000);
    request.set_protocol_type("consumer");
    request.add_protocols()->set_name("cooperative-sticky");
    request.mutable_protocols(0)->set_metadata(SubscriptionOf(owned));
    return request;
  }
  GroupCallId Join(const JoinGroupRequest& request) {
    Take(coordinator.Join(context(), ++last_call, request));
    return last_call;
  }
  JoinGroupReply Joined(GroupCallId call) { return std::get<JoinGroupReply>(answers.at(call)); }
  SyncGroupReply Sync(const std::string& member_id, int32_t generation,
                      const std::map<std::string, std::vector<int32_t>>& assigned = {}) {
    std::map<std::string, std::string> assignments;
    for (const auto& [id, partitions] : assigned) {
      assignments[id] = SerializeClassicAssignment(1, {{"orders", partitions}});
    }
    return SyncBytes(member_id, generation, assignments);
  }
  SyncGroupReply SyncBytes(const std::string& member_id, int32_t generation,
                           const std::map<std::string, std::string>& assignments) {
    group::v1::SyncGroupRequest request;
    request.set_group_id("g");
    request.set_member_id(member_id);
    request.set_generation_id(generation);
    request.set_protocol_type("consumer");
    request.set_protocol_name("cooperative-sticky");
    for (const auto& [id, assignment] : assignments) {
      auto* added = request.add_assignments();
      added->set_member_id(id);
      added->set_assignment(assignment);
    }
    Take(coordinator.Sync(context(), ++last_call, request));
    return std::get<SyncGroupReply>(answers.at(last_call));
  }
  static std::vector<int32_t> PartitionsOf(const SyncGroupReply& reply) {
    EXPECT_EQ(reply.error_code(), 0);
    return ParseClassicAssignment(reply.assignment()).value().partitions["orders"];
  }
  ErrorCode ClassicBeat(const std::string& member_id, int32_t generation) {
    group::v1::HeartbeatRequest request;
    request.set_group_id("g");
    request.set_member_id(member_id);
    request.set_generation_id(generation);
    return ErrorCodeFromNumber(coordinator.Heartbeat(context(), request).error_code());
  }

  // A classic group of one, that owns all of the topic.
  std::string ClassicGroup() {
    return ClassicGroup(SerializeClassicAssignment(1, {{"orders", {0, 1, 2, 3}}}));
  }
  // One whose leader gave it that.
  std::string ClassicGroup(const std::string& assignment) {
    const JoinGroupReply joined = Joined(Join(ClassicJoin("")));
    EXPECT_EQ(joined.error_code(), 0);
    SyncBytes(joined.member_id(), joined.generation_id(), {{joined.member_id(), assignment}});
    EXPECT_EQ(TheGroup().state, GroupState::kStable);
    return joined.member_id();
  }

  Uuid topic;
};

TEST_F(MigrationTest, G18_G02_AClassicGroupBecomesAConsumerGroupMemberByMember) {
  const std::string classic = ClassicGroup();
  const int32_t generation = TheGroup().generation;
  const Reply joined = Send(JoinOf("new", {"orders"}));
  EXPECT_EQ(CodeOf(joined), ErrorCode::kNone);
  EXPECT_EQ(TheGroup().type, metadata::GroupType::kConsumer);
  EXPECT_TRUE(Assigned(joined).empty()) << "the classic member owns all of it";
  EXPECT_EQ(metadata::CheckCommit(image, "g", {classic, ""}, generation), ErrorCode::kNone);
  EXPECT_EQ(ClassicBeat(classic, generation), ErrorCode::kRebalanceInProgress);
  EXPECT_EQ(Sync(classic, generation).error_code(),
            static_cast<int32_t>(ErrorCode::kRebalanceInProgress));
  // It joins again with what it owns, is told what to keep, gives up the rest and joins again.
  const JoinGroupReply told = Joined(Join(ClassicJoin(classic, {0, 1, 2, 3})));
  EXPECT_EQ(told.generation_id(), generation);
  EXPECT_NE(told.leader(), classic) << "the controller assigns";
  const std::vector<int32_t> kept = PartitionsOf(Sync(classic, generation));
  EXPECT_EQ(kept.size(), 2u);
  EXPECT_EQ(OwnedCount("new"), 0u);
  EXPECT_EQ(ClassicBeat(classic, generation), ErrorCode::kRebalanceInProgress);
  const JoinGroupReply again = Joined(Join(ClassicJoin(classic, kept)));
  EXPECT_EQ(again.generation_id(), generation + 1);
  EXPECT_EQ(PartitionsOf(Sync(classic, generation + 1)), kept);
  EXPECT_EQ(ClassicBeat(classic, generation + 1), ErrorCode::kNone);
  EXPECT_EQ(ClassicBeat(classic, generation), ErrorCode::kIllegalGeneration);
  EXPECT_EQ(metadata::CheckCommit(image, "g", {classic, ""}, generation),
            ErrorCode::kIllegalGeneration);
  EXPECT_EQ(metadata::CountPartitions(Assigned(Send(BeatOf("new", joined.member_epoch())))), 2u);
  EXPECT_EQ(TheGroup().state, GroupState::kStable);
}

// One change of the log writes all its members anew: one that is too large would be refused again
// and again, and with it what brought it on.
TEST_F(MigrationTest, G18_D11_AGroupTooLargeForOneChangeKeepsItsType) {
  JoinGroupRequest much = ClassicJoin("");
  much.mutable_protocols(0)->set_metadata(SubscriptionOf({}, std::string(900'000, 'u')));
  std::vector<std::string> classic;
  const auto add = [&] {
    const JoinGroupReply joined = Joined(Join(much));
    EXPECT_EQ(joined.error_code(), 0);
    classic.push_back(joined.member_id());
  };
  add();
  SyncBytes(classic[0], TheGroup().generation, {});
  EXPECT_EQ(CodeAfter(JoinOf("new", {"orders"})), ErrorCode::kNone);
  while (classic.size() < 6) add();
  EXPECT_EQ(CodeAfter(BeatOf("new", -1)), ErrorCode::kNone);
  EXPECT_EQ(TheGroup().members.size(), 6u) << "it has left";
  EXPECT_EQ(TheGroup().type, metadata::GroupType::kConsumer);
  // Once it fits it goes back; a classic one that does not stays as it is too.
  const auto leave = [&](const std::string& member_id) {
    group::v1::LeaveGroupRequest request;
    request.set_group_id("g");
    request.add_members()->set_member_id(member_id);
    Take(coordinator.Leave(context(), ++last_call, request));
  };
  while (TheGroup().type == metadata::GroupType::kConsumer && classic.size() > 1) {
    leave(classic.back());
    classic.pop_back();
  }
  EXPECT_EQ(classic.size(), 4u);
  EXPECT_EQ(TheGroup().type, metadata::GroupType::kClassic);
  for (int i = 0; i < 3; ++i) Join(much);
  EXPECT_EQ(CodeAfter(JoinOf("new", {"orders"})), ErrorCode::kGroupIdNotFound);
  EXPECT_EQ(TheGroup().type, metadata::GroupType::kClassic);
}

TEST_F(MigrationTest, G18_WithoutConsumerMembersItBecomesAClassicGroupAgain) {
  const std::string classic = ClassicGroup();
  const int32_t epoch = Send(JoinOf("new", {"orders"})).member_epoch();
  FailOver();
  Join(ClassicJoin(classic));
  EXPECT_EQ(ClassicBeat(classic, epoch), ErrorCode::kNone);
  Send(BeatOf("new", -1));
  EXPECT_EQ(TheGroup().type, metadata::GroupType::kClassic);
  EXPECT_EQ(TheGroup().state, GroupState::kPreparingRebalance);
  // It is told as in any rebalance, and commits what it has read before it joins again.
  EXPECT_EQ(ClassicBeat(classic, epoch), ErrorCode::kRebalanceInProgress);
  EXPECT_EQ(metadata::CheckCommit(image, "g", {classic, {}}, epoch), ErrorCode::kNone);
  const GroupCallId call = Join(ClassicJoin(classic));
  const JoinGroupReply joined = Joined(call);
  EXPECT_EQ(joined.leader(), classic);
  EXPECT_GT(joined.generation_id(), epoch);
  EXPECT_EQ(PartitionsOf(Sync(classic, joined.generation_id(), {{classic, {0, 1, 2, 3}}})).size(),
            4u);
  EXPECT_EQ(TheGroup().state, GroupState::kStable);
}

// Protocols are compared with each other, and with those of all members.
TEST_F(MigrationTest, D11_AClientKnowsSoManyProtocolsAtMost) {
  Send(JoinOf("new", {"orders"}));
  JoinGroupRequest request = ClassicJoin("");
  for (int i = 0; i < 100'000; ++i) request.add_protocols()->set_name(std::to_string(i));
  EXPECT_EQ(ErrorCodeFromNumber(Joined(Join(request)).error_code()),
            ErrorCode::kInconsistentGroupProtocol);
}

TEST_F(MigrationTest, AWaitingClassicMemberIsToldToJoinAgainOnceSomethingIsReleased) {
  Send(JoinOf("new", {"orders"}));
  const JoinGroupReply joined = Joined(Join(ClassicJoin("")));
  EXPECT_EQ(joined.error_code(), 0);
  const std::string& classic = joined.member_id();
  EXPECT_TRUE(PartitionsOf(Sync(classic, joined.generation_id())).empty());
  EXPECT_EQ(ClassicBeat(classic, joined.generation_id()), ErrorCode::kNone);
  const PartitionsByTopic kept = Assigned(Send(BeatOf("new", 1)));
  EXPECT_EQ(ClassicBeat(classic, joined.generation_id()), ErrorCode::kNone);
  Send(OwningOf("new", 1, kept));
  EXPECT_EQ(ClassicBeat(classic, joined.generation_id()), ErrorCode::kRebalanceInProgress);
  Join(ClassicJoin(classic));
  EXPECT_EQ(PartitionsOf(Sync(classic, joined.generation_id())).size(), 2u);
  EXPECT_EQ(TheGroup().state, GroupState::kStable);
}

TEST_F(MigrationTest, AClassicMemberThatDoesNotJoinAgainIsRemoved) {
  const std::string classic = ClassicGroup();
  const int32_t generation = TheGroup().generation;
  Send(JoinOf("new", {"orders"}));
  for (int i = 0; i < 6; ++i) {
    AdvanceMs(9'900);
    EXPECT_EQ(ClassicBeat(classic, generation), ErrorCode::kRebalanceInProgress);
    Report("new");
  }
  AdvanceMs(1'000);
  EXPECT_EQ(TheGroup().FindMember(classic), nullptr);
  EXPECT_EQ(metadata::CountPartitions(Assigned(Send(BeatOf("new", Member("new").member_epoch)))),
            4u);
}

TEST_F(MigrationTest, WhatCannotBeUnderstoodDoesNotMigrate) {
  JoinGroupRequest request = ClassicJoin("");
  request.mutable_protocols(0)->set_metadata("x");
  const JoinGroupReply joined = Joined(Join(request));
  EXPECT_EQ(CodeAfter(JoinOf("new", {"orders"})), ErrorCode::kGroupIdNotFound);
  EXPECT_EQ(TheGroup().type, metadata::GroupType::kClassic);
  EXPECT_NE(TheGroup().FindMember(joined.member_id()), nullptr);
}

class NoMigrationTest : public MigrationTest {
 protected:
  static GroupConfig Disabled() {
    GroupConfig config = AtOnce();
    config.static_config["group.consumer.migration.policy"] = "disabled";
    return config;
  }
  NoMigrationTest() : MigrationTest(Disabled()) {}
};

TEST_F(NoMigrationTest, ThePolicyForbidsIt) {
  const std::string classic = ClassicGroup();
  EXPECT_EQ(CodeAfter(JoinOf("new", {"orders"})), ErrorCode::kGroupIdNotFound);
  EXPECT_EQ(ClassicBeat(classic, TheGroup().generation), ErrorCode::kNone);
}

// What a custom assignor tells members beside their partitions nobody would tell them any more.
TEST_F(MigrationTest, G18_AGroupOfACustomAssignorStaysClassic) {
  std::string told = SerializeClassicAssignment(1, {{"orders", {0, 1, 2, 3}}});
  told.resize(told.size() - sizeof(int32_t));
  Put(int32_t{4}, &told);
  told += "plan";
  const std::string classic = ClassicGroup(told);
  EXPECT_EQ(CodeAfter(JoinOf("new", {"orders"})), ErrorCode::kGroupIdNotFound);
  EXPECT_EQ(ClassicBeat(classic, TheGroup().generation), ErrorCode::kNone);
}

TEST_F(MigrationTest, G18_AGroupWhoseAssignmentCannotBeReadStaysClassic) {
  const std::string classic = ClassicGroup("of another kind");
  EXPECT_EQ(CodeAfter(JoinOf("new", {"orders"})), ErrorCode::kGroupIdNotFound);
  EXPECT_EQ(ClassicBeat(classic, TheGroup().generation), ErrorCode::kNone);
}

TEST_F(MigrationTest, ThePolicyCountsFromTheMomentItIsSet) {
  ConfigureAll("group.consumer.migration.policy", "downgrade");
  const std::string classic = ClassicGroup();
  EXPECT_EQ(CodeAfter(JoinOf("new", {"orders"})), ErrorCode::kGroupIdNotFound);
  ConfigureAll("group.consumer.migration.policy", "upgrade");
  EXPECT_EQ(CodeAfter(JoinOf("new", {"orders"})), ErrorCode::kNone);
  Send(BeatOf("new", -1));
  EXPECT_EQ(TheGroup().type, metadata::GroupType::kConsumer) << "there is no way back";
  EXPECT_NE(TheGroup().FindMember(classic), nullptr);
}

TEST(ConsumerProtocol, DamagedBytesAreNone) {
  const std::string whole = SubscriptionOf({1, 2});
  EXPECT_EQ(ParseClassicSubscription(whole)->owned, (PartitionsByName{{"orders", {1, 2}}}));
  EXPECT_EQ(ParseClassicSubscription(whole)->topics, std::vector<std::string>{"orders"});
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(ParseClassicSubscription(whole.substr(0, size))) << size;
  }
  EXPECT_FALSE(ParseClassicSubscription("\xff\xff"));
  const std::string assignment = SerializeClassicAssignment(1, {{"orders", {3}}});
  EXPECT_EQ(ParseClassicAssignment(assignment)->partitions, (PartitionsByName{{"orders", {3}}}));
  EXPECT_FALSE(ParseClassicAssignment(assignment)->has_user_data);
  for (size_t size = 0; size < assignment.size(); ++size) {
    EXPECT_FALSE(ParseClassicAssignment(assignment.substr(0, size))) << size;
  }
}

}  // namespace
}  // namespace weir::state
