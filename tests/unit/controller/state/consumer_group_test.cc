// Consumer groups (KIP-848): joining, reconciliation, fencing, time, topics.
#include <gtest/gtest.h>

#include "controller/state/groups/describe_groups.h"
#include "tests/unit/controller/state/consumer_group_support.h"

namespace weir::state {
namespace {

using Reply = ConsumerHarness::Reply;
using Request = ConsumerHarness::Request;

// Without pauses between assignments, where a test is not about them.
GroupConfig AtOnce() {
  GroupConfig config;
  config.static_config["group.consumer.assignment.interval.ms"] = "0";
  return config;
}

class ConsumerGroupTest : public testing::Test, public ConsumerHarness {
 protected:
  ConsumerGroupTest() : ConsumerHarness(AtOnce()) { topic = AddTopic("orders", 4); }

  // Two members with two partitions each, at rest in epoch 2.
  void TwoMembers() {
    Send(JoinOf("a", {"orders"}));
    Send(JoinOf("b", {"orders"}));
    const PartitionsByTopic kept = Assigned(Send(BeatOf("a", 1)));
    Send(OwningOf("a", 1, kept));
    Send(BeatOf("b", 2));
    ASSERT_EQ(TheGroup().state, GroupState::kStable);
    ASSERT_EQ(OwnedCount("a"), 2u);
    ASSERT_EQ(OwnedCount("b"), 2u);
  }

  Uuid topic;
};

TEST_F(ConsumerGroupTest, G01_G04_TheFirstMemberGetsAllAtOnce) {
  const Reply reply = Send(JoinOf("a", {"orders", "orders", "not-there"}));
  EXPECT_EQ(CodeOf(reply), ErrorCode::kNone);
  EXPECT_EQ(reply.member_id(), "a");
  EXPECT_EQ(reply.member_epoch(), 1);
  EXPECT_EQ(reply.heartbeat_interval_ms(), 5'000);
  EXPECT_EQ(Assigned(reply), (PartitionsByTopic{{topic, {0, 1, 2, 3}}}));
  EXPECT_EQ(TheGroup().state, GroupState::kStable);
  EXPECT_EQ(TheGroup().protocol_name, "uniform");
  EXPECT_EQ(TheGroup().protocol_type, "consumer");
}

TEST_F(ConsumerGroupTest, AGroupsOwnTimesGoBeforeThoseOfAllGroups) {
  Configure("consumer.heartbeat.interval.ms", "6000");
  Configure("consumer.session.timeout.ms", "60000");
  EXPECT_EQ(Send(JoinOf("a", {"orders"})).heartbeat_interval_ms(), 6'000);
  AdvanceMs(59'000);
  ASSERT_NE(TheGroup().FindMember("a"), nullptr) << "45 s are for groups without a value";
  AdvanceMs(2'000);
  EXPECT_EQ(TheGroup().FindMember("a"), nullptr);
}

TEST_F(ConsumerGroupTest, G02_APartitionMovesOnlyOnceItsOwnerHasConfirmed) {
  Send(JoinOf("a", {"orders"}));
  const Reply joined = Send(JoinOf("b", {"orders"}));
  EXPECT_EQ(joined.member_epoch(), 2);
  EXPECT_TRUE(Assigned(joined).empty()) << "a owns all of it still";
  EXPECT_TRUE(joined.has_assignment());
  EXPECT_LT(joined.heartbeat_interval_ms(), 5'000) << "who waits asks again soon";
  const Reply told = Send(BeatOf("a", 1));
  EXPECT_EQ(told.member_epoch(), 1) << "it stays in its epoch until it has confirmed";
  EXPECT_EQ(metadata::CountPartitions(Assigned(told)), 2u);
  EXPECT_EQ(Member("a").state, ConsumerMemberState::kUnrevokedPartitions);
  EXPECT_EQ(metadata::CountPartitions(Assigned(Send(JoinOf("b", {"orders"})))), 0u)
      << "pending revocations are nobody else's";
  EXPECT_EQ(Assigned(Send(BeatOf("a", 1))), Assigned(told)) << "it does not say that it knows";
  EXPECT_EQ(Send(OwningOf("a", 1, {{topic, {0, 1, 2, 3}}})).member_epoch(), 1);
  FailOver();
  EXPECT_EQ(Send(BeatOf("b", 2)).member_epoch(), 2);
  EXPECT_EQ(OwnedCount("b"), 0u) << "a new controller knows of the revocation";
  const Reply done = Send(OwningOf("a", 1, Assigned(told)));
  EXPECT_EQ(done.member_epoch(), 2);
  EXPECT_FALSE(done.has_assignment()) << "it has it already";
  EXPECT_EQ(TheGroup().state, GroupState::kReconciling);
  EXPECT_EQ(metadata::CountPartitions(Assigned(Send(BeatOf("b", 2)))), 2u);
  EXPECT_EQ(TheGroup().state, GroupState::kStable);
}

// A commit of what it gave up first may be under way still, and its epoch counts.
TEST_F(ConsumerGroupTest, G17_WhatAMemberConfirmsIsNobodysWhileItStaysInItsEpoch) {
  Send(JoinOf("a", {"orders"}));
  Send(JoinOf("b", {"orders"}));
  const PartitionsByTopic kept = Assigned(Send(BeatOf("a", 1)));
  Send(JoinOf("c", {"orders"}));
  Send(JoinOf("d", {"orders"}));
  const Reply told = Send(OwningOf("a", 1, kept));
  EXPECT_EQ(told.member_epoch(), 1);
  ASSERT_EQ(metadata::CountPartitions(Assigned(told)), 1u) << "it has more to give up";
  ASSERT_EQ(metadata::CheckCommit(image, "g", {"a", ""}, 1), ErrorCode::kNone);
  for (const char* other : {"b", "c", "d"}) {
    Send(BeatOf(other, Member(other).member_epoch));
    EXPECT_EQ(OwnedCount(other), 0u) << other;
  }
  EXPECT_EQ(Send(OwningOf("a", 1, Assigned(told))).member_epoch(), 4);
  for (const char* other : {"b", "c", "d"}) {
    Send(BeatOf(other, Member(other).member_epoch));
    EXPECT_EQ(OwnedCount(other), 1u) << other;
  }
}

// A gateway sends a heartbeat again when it did not hear the answer, and the client hears only the
// last one: it must learn of what the first has given it.
TEST_F(ConsumerGroupTest, AHeartbeatThatIsSentAgainIsToldTheAssignmentAgain) {
  Send(JoinOf("a", {"orders"}));
  Send(JoinOf("b", {"orders"}));
  Send(OwningOf("a", 1, Assigned(Send(BeatOf("a", 1)))));
  const PartitionsByTopic lost = Assigned(Send(BeatOf("b", 2)));
  ASSERT_EQ(metadata::CountPartitions(lost), 2u);
  const Reply again = Send(BeatOf("b", 2));
  ASSERT_TRUE(again.has_assignment());
  EXPECT_EQ(Assigned(again), lost);
  EXPECT_FALSE(Send(OwningOf("b", 2, lost)).has_assignment()) << "it says that it knows";
}

TEST_F(ConsumerGroupTest, G03_WhoNamesAnotherEpochIsFenced) {
  TwoMembers();
  EXPECT_EQ(CodeAfter(BeatOf("a", 3)), ErrorCode::kFencedMemberEpoch);
  EXPECT_EQ(CodeAfter(BeatOf("a", 1)), ErrorCode::kFencedMemberEpoch)
      << "the epoch before, without what it owns";
  EXPECT_EQ(CodeAfter(OwningOf("a", 1, {{topic, {0, 1, 2, 3}}})), ErrorCode::kFencedMemberEpoch)
      << "the epoch before, with what is another's now";
  EXPECT_EQ(CodeAfter(BeatOf("nobody", 1)), ErrorCode::kUnknownMemberId);
  // Its last answer was lost: it says all it knows, and hears all there is.
  Request again = OwningOf("a", 1, metadata::Get(Member("a").assigned));
  again.set_rebalance_timeout_ms(60'000);
  again.mutable_subscribed_topic_names()->add_names("orders");
  const Reply reply = Send(again);
  EXPECT_EQ(CodeOf(reply), ErrorCode::kNone);
  EXPECT_EQ(reply.member_epoch(), 2);
  EXPECT_EQ(Assigned(reply), metadata::Get(Member("a").assigned));
}

TEST_F(ConsumerGroupTest, AMemberThatJoinsAgainBeginsFromNothing) {
  TwoMembers();
  const Reply reply = Send(JoinOf("a", {"orders"}));
  EXPECT_EQ(reply.member_epoch(), 2) << "nothing has changed for the others";
  EXPECT_EQ(metadata::CountPartitions(Assigned(reply)), 2u);
  EXPECT_EQ(TheGroup().state, GroupState::kStable);
}

TEST_F(ConsumerGroupTest, G08_AHeartbeatThatSaysNothingNewMakesNoRecord) {
  TwoMembers();
  const Reply reply = Send(BeatOf("a", 2));
  EXPECT_TRUE(last_records.empty());
  EXPECT_EQ(Assigned(reply), metadata::Get(Member("a").assigned));
  EXPECT_EQ(reply.member_epoch(), 2);
  EXPECT_TRUE(metadata::IsConsumerMemberAtRest(image, "g", {"a", ""}, 2))
      << "gateways answer the same";
  // Nor does one that says all it has said before.
  Request full = OwningOf("a", 2, metadata::Get(Member("a").assigned));
  full.set_rebalance_timeout_ms(60'000);
  full.mutable_subscribed_topic_names()->add_names("orders");
  EXPECT_TRUE(Send(full).has_assignment());
  EXPECT_TRUE(last_records.empty());
}

TEST_F(ConsumerGroupTest, G17_AMemberThatIsGoneMayNotCommit) {
  TwoMembers();
  EXPECT_EQ(metadata::CheckCommit(image, "g", {"a", ""}, 2), ErrorCode::kNone);
  EXPECT_EQ(metadata::CheckCommit(image, "g", {"a", ""}, 1), ErrorCode::kStaleMemberEpoch);
  const Reply left = Send(BeatOf("a", -1));
  EXPECT_EQ(left.member_epoch(), -1);
  EXPECT_EQ(metadata::CheckCommit(image, "g", {"a", ""}, 2), ErrorCode::kUnknownMemberId);
  EXPECT_EQ(metadata::CountPartitions(Assigned(Send(BeatOf("b", 2)))), 4u);
  EXPECT_EQ(Member("b").member_epoch, 3);
}

TEST_F(ConsumerGroupTest, G19_AStaticMemberThatComesBackMovesNobody) {
  Send(JoinOf("a", {"orders"}, "i1"));
  Send(JoinOf("b", {"orders"}, "i2"));
  Send(OwningOf("a", 1, Assigned(Send(BeatOf("a", 1, "i1")))));
  const PartitionsByTopic of_b = Assigned(Send(BeatOf("b", 2, "i2")));
  EXPECT_EQ(CodeAfter(JoinOf("c", {"orders"}, "i2")), ErrorCode::kUnreleasedInstanceId);
  EXPECT_EQ(CodeAfter(BeatOf("c", 2, "i2")), ErrorCode::kFencedInstanceId);
  EXPECT_EQ(CodeAfter(BeatOf("c", 2, "i3")), ErrorCode::kUnknownMemberId);
  EXPECT_EQ(Send(BeatOf("b", -2, "i2")).member_epoch(), -2);
  EXPECT_EQ(Member("b").member_epoch, metadata::kStaticMemberAwayEpoch);
  EXPECT_EQ(CodeAfter(BeatOf("b", 2, "i2")), ErrorCode::kFencedMemberEpoch);
  EXPECT_EQ(metadata::CheckCommit(image, "g", {"b", "i2"}, 2), ErrorCode::kStaleMemberEpoch);
  AdvanceMs(30'000);
  EXPECT_EQ(metadata::CountPartitions(Assigned(Send(BeatOf("a", 2, "i1")))), 2u);
  const Reply back = Send(JoinOf("c", {"orders"}, "i2"));
  EXPECT_EQ(back.member_epoch(), 2);
  EXPECT_EQ(Assigned(back), of_b);
  EXPECT_EQ(TheGroup().state, GroupState::kStable);
  EXPECT_EQ(TheGroup().generation, 2) << "nobody is moved";
  EXPECT_EQ(CodeAfter(BeatOf("b", 2, "i2")), ErrorCode::kFencedInstanceId);
  // One that stays away is gone with its session.
  Send(BeatOf("c", -2, "i2"));
  AdvanceMs(44'000);
  Report("a");
  EXPECT_EQ(TheGroup().members.size(), 2u);
  AdvanceMs(2'000);
  EXPECT_EQ(TheGroup().FindMember("c"), nullptr);
  EXPECT_EQ(metadata::CountPartitions(Assigned(Send(BeatOf("a", 2, "i1")))), 4u);
}

// ---- A static member's place (law 6 of consumer_groups.h) -------------------------------------

class StaticTakeover : public ConsumerGroupTest {
 protected:
  // "a" and "b" are "i1" and "i2", with two partitions each, at rest in epoch 2.
  void SetUp() override {
    Send(JoinOf("a", {"orders"}, "i1"));
    Send(JoinOf("b", {"orders"}, "i2"));
    Send(OwningOf("a", 1, Assigned(Send(BeatOf("a", 1, "i1")))));
    of_b = Assigned(Send(BeatOf("b", 2, "i2")));
    ASSERT_EQ(metadata::CountPartitions(of_b), 2u);
    ASSERT_EQ(TheGroup().state, GroupState::kStable);
    AdvanceMs(100);
  }
  Request Restarted() const { return JoinOf("c", {"orders"}, "i2"); }
  void ExpectTakenOver(const Reply& reply) {
    EXPECT_EQ(CodeOf(reply), ErrorCode::kNone);
    EXPECT_EQ(reply.member_epoch(), 2);
    EXPECT_EQ(Assigned(reply), of_b);
    EXPECT_EQ(TheGroup().state, GroupState::kStable);
    EXPECT_EQ(TheGroup().generation, 2) << "nobody is moved";
    EXPECT_EQ(CodeAfter(BeatOf("b", 2, "i2")), ErrorCode::kFencedInstanceId);
    EXPECT_EQ(metadata::CheckCommit(image, "g", {"b", "i2"}, 2), ErrorCode::kFencedInstanceId);
  }

  PartitionsByTopic of_b;
};

TEST_F(StaticTakeover, G19_WhoseConnectionHasEndedIsReplacedAtOnce) {
  const LogIndex offset = image.offset();
  ReportLost("b");
  EXPECT_EQ(image.offset(), offset) << "that is no verdict";
  const GroupCallId join = Start(Restarted());
  ASSERT_TRUE(IsAnswered(join));
  ExpectTakenOver(AnswerTo(join));
  // What is heard of the old one afterwards is of nobody.
  ReportLost("b");
  AdvanceMs(44'000);
  EXPECT_NE(TheGroup().FindMember("c"), nullptr);
}

TEST_F(StaticTakeover, G19_ANewProcessThatIsFasterThanTheNewsWaitsForIt) {
  const GroupCallId join = Start(Restarted());
  AdvanceMs(300);
  EXPECT_FALSE(IsAnswered(join));
  ReportLost("b");
  ASSERT_TRUE(IsAnswered(join));
  ExpectTakenOver(AnswerTo(join));
  EXPECT_EQ(coordinator.call_count(), 0u);
}

TEST_F(StaticTakeover, WithoutSuchNewsTheInstanceIdIsInUse) {
  const GroupCallId join = Start(Restarted());
  AdvanceMs(999);
  EXPECT_FALSE(IsAnswered(join));
  AdvanceMs(1);
  ASSERT_TRUE(IsAnswered(join));
  EXPECT_EQ(CodeOf(AnswerTo(join)), ErrorCode::kUnreleasedInstanceId);
  EXPECT_EQ(CodeAfter(BeatOf("b", 2, "i2")), ErrorCode::kNone);
}

// It has another connection, perhaps to another broker.
TEST_F(StaticTakeover, ASignOfLifeAfterTheEndOfAConnectionCounts) {
  ReportLost("b");
  AdvanceMs(1);
  EXPECT_EQ(CodeAfter(BeatOf("b", 2, "i2")), ErrorCode::kNone);
  EXPECT_EQ(CodeAfter(Restarted()), ErrorCode::kUnreleasedInstanceId);
  ReportLost("b");
  AdvanceMs(1);
  Report("b");
  EXPECT_EQ(CodeAfter(Restarted()), ErrorCode::kUnreleasedInstanceId);
  // Reports of two gateways come in any order.
  AdvanceMs(1'000);
  Report("b");
  ReportLost("b", /*ms_ago=*/500);
  EXPECT_EQ(CodeAfter(Restarted()), ErrorCode::kUnreleasedInstanceId);
}

// Its last heartbeat and the end of its connection are in one report.
TEST_F(StaticTakeover, TheEndOfTheConnectionThatAHeartbeatCameOnComesAfterIt) {
  group::v1::LivenessReport report;
  group::v1::LiveGroup* group = report.add_groups();
  group->set_group_id("g");
  group->add_members()->set_member_id("b");
  group->add_lost()->set_member_id("b");
  coordinator.OnReport(now, report);
  ExpectTakenOver(Send(Restarted()));
}

TEST_F(StaticTakeover, AJoinThatWaitsIsAnsweredWhenTheMemberLeaves) {
  const GroupCallId join = Start(Restarted());
  Send(BeatOf("b", -2, "i2"));
  Work();
  ASSERT_TRUE(IsAnswered(join));
  ExpectTakenOver(AnswerTo(join));
  const GroupCallId again = Start(JoinOf("d", {"orders"}, "i2"));
  Send(BeatOf("c", -1, "i2"));
  Work();
  ASSERT_TRUE(IsAnswered(again));
  EXPECT_EQ(CodeOf(AnswerTo(again)), ErrorCode::kNone);
  EXPECT_EQ(TheGroup().members.size(), 2u);
}

TEST_F(StaticTakeover, OneJoinWaitsForAPlaceTheNewest) {
  const GroupCallId first = Start(Restarted());
  const GroupCallId second = Start(JoinOf("d", {"orders"}, "i2"));
  ASSERT_TRUE(IsAnswered(first));
  EXPECT_EQ(CodeOf(AnswerTo(first)), ErrorCode::kUnreleasedInstanceId);
  ReportLost("b");
  ASSERT_TRUE(IsAnswered(second));
  ExpectTakenOver(AnswerTo(second));
}

TEST_F(StaticTakeover, AJoinThatNobodyWaitsForAnyMoreChangesNothing) {
  const GroupCallId join = Start(Restarted());
  Take(coordinator.OnCallGone(context(), join));
  ReportLost("b");
  AdvanceMs(1'000);
  EXPECT_FALSE(IsAnswered(join));
  EXPECT_EQ(TheGroup().FindMember("c"), nullptr);
  EXPECT_EQ(coordinator.call_count(), 0u);
}

// What the next controller is not told it does not know.
TEST_F(StaticTakeover, G11_AWaitingJoinIsSentAgainToTheNextController) {
  const GroupCallId join = Start(Restarted());
  const std::vector<GroupAnswer> answers = coordinator.Deactivate();
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].call, join);
  EXPECT_EQ(CodeOf(std::get<Reply>(answers[0].reply)), ErrorCode::kCoordinatorNotAvailable);
  coordinator.BecomeActive(image, now);
  EXPECT_EQ(coordinator.call_count(), 0u);
  const GroupCallId again = Start(Restarted());
  ReportLost("b");
  ASSERT_TRUE(IsAnswered(again));
  ExpectTakenOver(AnswerTo(again));
  ReportLost("c");
  FailOver();
  EXPECT_EQ(CodeAfter(JoinOf("d", {"orders"}, "i2")), ErrorCode::kUnreleasedInstanceId);
}

TEST_F(StaticTakeover, ATakeoverThatWasNotAppendedDidNotHappen) {
  const GroupCallId join = Start(Restarted());
  group::v1::LivenessReport report;
  report.add_groups()->set_group_id("g");
  report.mutable_groups(0)->add_lost()->set_member_id("b");
  coordinator.OnReport(now, report);
  const auto answers = coordinator.Rejected(context(), coordinator.OnTime(context()));
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].call, join);
  EXPECT_EQ(CodeOf(std::get<Reply>(answers[0].reply)), ErrorCode::kCoordinatorNotAvailable);
  CheckLaws();
  EXPECT_EQ(CodeAfter(BeatOf("b", 2, "i2")), ErrorCode::kNone);
}

TEST_F(StaticTakeover, AJoinThatWaitsIsSentAgainWhenTheGroupIsDeleted) {
  Send(BeatOf("a", -1, "i1"));
  const GroupCallId join = Start(Restarted());
  Send(BeatOf("b", -1, "i2"));
  group::v1::DeleteGroupsRequest request;
  request.add_group_ids("g");
  Take(coordinator.Delete(context(), ++last_call, request));
  ASSERT_TRUE(IsAnswered(join));
  EXPECT_EQ(CodeOf(AnswerTo(join)), ErrorCode::kCoordinatorNotAvailable);
  EXPECT_EQ(coordinator.call_count(), 0u);
  Work();
}

TEST_F(ConsumerGroupTest, WhoDoesNotConfirmInTimeIsRemoved) {
  Send(JoinOf("a", {"orders"}));
  Send(JoinOf("b", {"orders"}));
  Send(BeatOf("a", 1));
  for (int i = 0; i < 59; ++i) {
    AdvanceMs(1'000);
    EXPECT_EQ(CodeAfter(BeatOf("a", 1)), ErrorCode::kNone);
    Report("b");
  }
  AdvanceMs(2'000);
  EXPECT_EQ(CodeAfter(BeatOf("a", 1)), ErrorCode::kUnknownMemberId) << "it was alive all the time";
  EXPECT_EQ(metadata::CountPartitions(Assigned(Send(BeatOf("b", 2)))), 4u);
}

TEST_F(ConsumerGroupTest, G11_SessionsEndWithSilenceAndBeginAnewWithAController) {
  TwoMembers();
  AdvanceMs(40'000);
  Report("a");
  FailOver();
  AdvanceMs(44'000);
  EXPECT_EQ(TheGroup().members.size(), 2u) << "a fresh session for all";
  Report("a");
  AdvanceMs(2'000);
  EXPECT_EQ(TheGroup().FindMember("b"), nullptr);
  EXPECT_NE(TheGroup().FindMember("a"), nullptr);
  EXPECT_EQ(TheGroup().generation, 3);
}

TEST_F(ConsumerGroupTest, NewTopicsAndPartitionsAreAssigned) {
  Send(JoinOf("a", {"orders", "later"}));
  const Uuid later = AddTopic("later", 2);
  EXPECT_FALSE(Assigned(Send(BeatOf("a", 1))).contains(later));
  Work();
  const Reply reply = Send(BeatOf("a", 1));
  EXPECT_EQ(reply.member_epoch(), 2);
  EXPECT_EQ(Assigned(reply), (PartitionsByTopic{{topic, {0, 1, 2, 3}}, {later, {0, 1}}}));
  AddPartitions("later", 1);
  Work();
  EXPECT_EQ(metadata::CountPartitions(Assigned(Send(BeatOf("a", 2)))), 7u);
  AddTopic("other", 3);
  Work();
  EXPECT_EQ(TheGroup().generation, 3) << "nobody subscribes to it";
  RemoveTopic("later");
  Work();
  EXPECT_EQ(Assigned(Send(BeatOf("a", 3))), (PartitionsByTopic{{topic, {0, 1, 2, 3}}}));
  EXPECT_EQ(Send(OwningOf("a", 3, {{topic, {0, 1, 2, 3}}})).member_epoch(), 4);
}

TEST_F(ConsumerGroupTest, WhatChangedWhileNoControllerWasActiveIsNoticed) {
  Send(JoinOf("a", {"orders"}));
  FailOver();
  EXPECT_EQ(TheGroup().generation, 1) << "nothing has changed";
  coordinator.Deactivate();
  AddPartitions("orders", 2);
  coordinator.BecomeActive(image, now);
  Work();
  EXPECT_EQ(metadata::CountPartitions(Assigned(Send(BeatOf("a", 1)))), 6u);
}

TEST_F(ConsumerGroupTest, ARegularExpressionSubscribesToAllThatMatch) {
  Request join = JoinOf("a", {});
  join.clear_subscribed_topic_names();
  join.set_subscribed_topic_regex("ord.*|pay-[0-9]+");
  AddTopic("__ord", 1, /*internal=*/true);
  EXPECT_EQ(metadata::CountPartitions(Assigned(Send(join))), 4u);
  AddTopic("pay-17", 2);
  AddTopic("pay-17b", 2);
  AddTopic("ord-internal", 1, /*internal=*/true);
  Work();
  EXPECT_EQ(metadata::CountPartitions(Assigned(Send(BeatOf("a", 1)))), 6u);
  RemoveTopic("pay-17");
  Work();
  EXPECT_EQ(metadata::CountPartitions(Assigned(Send(BeatOf("a", 2)))), 4u);
  Request bad = BeatOf("a", 2);
  bad.set_subscribed_topic_regex("(");
  const Reply refused = Send(bad);
  EXPECT_EQ(CodeOf(refused), ErrorCode::kInvalidRegularExpression);
  EXPECT_NE(refused.error_message().find("regular expression"), std::string::npos);
  EXPECT_TRUE(last_records.empty());
  FailOver();
  EXPECT_EQ(metadata::CountPartitions(metadata::Get(Member("a").target)), 4u);
}

TEST_F(ConsumerGroupTest, AnotherSubscriptionMovesPartitions) {
  TwoMembers();
  const Uuid pays = AddTopic("pays", 2);
  Request change = OwningOf("a", 2, metadata::Get(Member("a").assigned));
  change.mutable_subscribed_topic_names()->add_names("pays");
  // It says at once that it owns nothing of the other topic any more.
  change.mutable_topic_partitions()->clear_topic_partitions();
  const Reply reply = Send(change);
  EXPECT_EQ(reply.member_epoch(), 3);
  EXPECT_EQ(Assigned(reply), (PartitionsByTopic{{pays, {0, 1}}}));
  EXPECT_EQ(metadata::CountPartitions(Assigned(Send(BeatOf("b", 2)))), 4u);
}

TEST_F(ConsumerGroupTest, TheAssignorIsWhatMostAskFor) {
  Request join = JoinOf("a", {"orders"});
  join.set_server_assignor("range");
  Send(join);
  EXPECT_EQ(TheGroup().protocol_name, "range");
  join.set_member_id("b");
  join.set_server_assignor("sticky");
  const Reply refused = Send(join);
  EXPECT_EQ(CodeOf(refused), ErrorCode::kUnsupportedAssignor);
  EXPECT_NE(refused.error_message().find("uniform, range"), std::string::npos);
  join.set_server_assignor("");
  EXPECT_EQ(CodeAfter(join), ErrorCode::kUnsupportedAssignor) << "that is no assignor either";
}

TEST_F(ConsumerGroupTest, RequestsThatMakeNoSense) {
  const auto refused = [this](auto change, Request request) {
    change(request);
    const ErrorCode code = CodeAfter(request);
    EXPECT_TRUE(last_records.empty());
    return code == ErrorCode::kInvalidRequest;
  };
  const Request join = JoinOf("a", {"orders"});
  EXPECT_TRUE(refused([](Request& r) { r.clear_group_id(); }, join));
  EXPECT_TRUE(refused([](Request& r) { r.clear_member_id(); }, join));
  EXPECT_TRUE(refused([](Request& r) { r.set_instance_id(""); }, join));
  EXPECT_TRUE(refused([](Request& r) { r.set_rack_id(""); }, join));
  EXPECT_TRUE(refused([](Request& r) { r.set_rebalance_timeout_ms(-1); }, join));
  EXPECT_TRUE(refused([](Request& r) { r.clear_topic_partitions(); }, join));
  EXPECT_TRUE(refused([](Request& r) { r.clear_subscribed_topic_names(); }, join));
  EXPECT_TRUE(refused([](Request& r) { r.set_member_epoch(-3); }, join));
  EXPECT_TRUE(refused([](Request& r) { r.set_member_epoch(-2); }, join)) << "without instance id";
  EXPECT_TRUE(refused([](Request& r) { r.clear_member_id(); }, BeatOf("a", 1)));
  EXPECT_TRUE(refused(
      [this](Request& r) {
        auto* owned = r.mutable_topic_partitions()->add_topic_partitions();
        owned->set_topic_id(topic.ToBytes());
        owned->add_partitions(1);
        owned->add_partitions(1);
      },
      BeatOf("a", 1)));
  EXPECT_EQ(image.FindGroup("g"), nullptr);
  EXPECT_EQ(CodeAfter(BeatOf("a", 1)), ErrorCode::kGroupIdNotFound);
  EXPECT_EQ(CodeAfter(BeatOf("a", -1)), ErrorCode::kGroupIdNotFound);
}

TEST_F(ConsumerGroupTest, DescribedListedAndDeleted) {
  TwoMembers();
  group::v1::DescribeConsumerGroupsRequest request;
  request.add_group_ids("g");
  request.add_group_ids("x");
  request.add_group_ids("");
  const auto described = DescribeConsumerGroups(image, request);
  const group::v1::DescribedConsumerGroup& group = described.groups(0);
  EXPECT_EQ(group.state(), "Stable");
  EXPECT_EQ(group.group_epoch(), 2);
  EXPECT_EQ(group.assignment_epoch(), 2);
  EXPECT_EQ(group.assignor_name(), "uniform");
  EXPECT_EQ(group.members(0).member_id(), "a");
  EXPECT_EQ(group.members(0).subscribed_topic_names(0), "orders");
  EXPECT_EQ(group.members(0).assignment(0).topic_name(), "orders");
  EXPECT_EQ(group.members(0).assignment(0).partitions_size(), 2);
  EXPECT_EQ(group.members(0).target_assignment(0).partitions_size(), 2);
  EXPECT_EQ(described.groups(1).error_code(), static_cast<int32_t>(ErrorCode::kGroupIdNotFound));
  EXPECT_EQ(described.groups(2).error_code(), static_cast<int32_t>(ErrorCode::kInvalidGroupId));
  group::v1::DescribeGroupsRequest classic;
  classic.add_group_ids("g");
  EXPECT_EQ(DescribeGroups(image, classic).groups(0).error_code(),
            static_cast<int32_t>(ErrorCode::kGroupIdNotFound));
  group::v1::ListGroupsRequest list;
  list.add_types("Consumer");
  EXPECT_EQ(ListGroups(image, list).groups(0).state(), "Stable");
  group::v1::DeleteGroupsRequest remove;
  remove.add_group_ids("g");
  Take(coordinator.Delete(context(), ++last_call, remove));
  EXPECT_EQ(std::get<group::v1::DeleteGroupsReply>(answers.at(last_call)).groups(0).error_code(),
            static_cast<int32_t>(ErrorCode::kNonEmptyGroup));
  Send(BeatOf("a", -1));
  Send(BeatOf("b", -1));
  Take(coordinator.Delete(context(), ++last_call, remove));
  EXPECT_EQ(image.FindGroup("g"), nullptr);
  EXPECT_FALSE(coordinator.consumers_for_test().Knows("g"));
}

TEST_F(ConsumerGroupTest, AdministratorsRemoveMembersByInstanceId) {
  Send(JoinOf("a", {"orders"}, "i1"));
  group::v1::LeaveGroupRequest request;
  request.set_group_id("g");
  request.add_members()->set_instance_id("i1");
  request.add_members()->set_member_id("a");
  Take(coordinator.Leave(context(), ++last_call, request));
  const auto reply = std::get<group::v1::LeaveGroupReply>(answers.at(last_call));
  EXPECT_EQ(reply.members(0).error_code(), 0);
  EXPECT_EQ(reply.members(1).error_code(), static_cast<int32_t>(ErrorCode::kUnknownMemberId));
  EXPECT_TRUE(TheGroup().members.empty());
}

TEST_F(ConsumerGroupTest, AnEmptyGroupIsOfTheTypeOfWhoJoins) {
  Send(JoinOf("a", {"orders"}));
  Send(BeatOf("a", -1));
  group::v1::JoinGroupRequest join;
  join.set_group_id("g");
  join.set_session_timeout_ms(10'000);
  join.set_rebalance_timeout_ms(10'000);
  join.set_protocol_type("consumer");
  join.add_protocols()->set_name("range");
  Take(coordinator.Join(context(), ++last_call, join));
  AdvanceMs(10'000);
  EXPECT_EQ(TheGroup().type, metadata::GroupType::kClassic);
  EXPECT_GT(TheGroup().generation, 2) << "generations go on";
  const auto joined = std::get<group::v1::JoinGroupReply>(answers.at(last_call));
  EXPECT_EQ(joined.error_code(), 0);
  group::v1::LeaveGroupRequest leave;
  leave.set_group_id("g");
  leave.add_members()->set_member_id(joined.member_id());
  Take(coordinator.Leave(context(), ++last_call, leave));
  EXPECT_EQ(TheGroup().state, GroupState::kEmpty);
  const int32_t generation = TheGroup().generation;
  EXPECT_EQ(Send(JoinOf("a", {"orders"})).member_epoch(), generation + 1);
  EXPECT_EQ(TheGroup().type, metadata::GroupType::kConsumer);
}

// Neither of the two may end by it, nor the controller.
TEST_F(ConsumerGroupTest, G19_AMemberDoesNotTakeTheInstanceOfAnother) {
  Send(JoinOf("a", {"orders"}, "i"));
  Send(BeatOf("a", -2, "i"));
  Send(JoinOf("b", {"orders"}));
  Send(JoinOf("c", {"orders"}, "j"));
  for (const char* member_id : {"b", "c"}) {
    EXPECT_EQ(CodeAfter(JoinOf(member_id, {"orders"}, "i")), ErrorCode::kInvalidRequest);
  }
  EXPECT_EQ(TheGroup().members.size(), 3u);
  EXPECT_EQ(CodeAfter(JoinOf("d", {"orders"}, "i")), ErrorCode::kNone);
  EXPECT_EQ(TheGroup().members.size(), 3u) << "a's place";
}

TEST_F(ConsumerGroupTest, AMemberWithAnIdThatWasHandedOutToAClassicClientExpires) {
  group::v1::JoinGroupRequest join;
  join.set_group_id("g");
  join.set_session_timeout_ms(10'000);
  join.set_rebalance_timeout_ms(10'000);
  join.set_protocol_type("consumer");
  join.set_requires_known_member_id(true);
  join.add_protocols()->set_name("range");
  Take(coordinator.Join(context(), ++last_call, join));
  const std::string id = std::get<group::v1::JoinGroupReply>(answers.at(last_call)).member_id();
  ASSERT_FALSE(id.empty());
  EXPECT_EQ(CodeAfter(JoinOf(id, {"orders"})), ErrorCode::kNone);
  AdvanceMs(60'000);
  EXPECT_TRUE(TheGroup().members.empty());
}

TEST(ConsumerGroups, AGroupHasSoManyMembersAtMost) {
  GroupConfig config = AtOnce();
  config.static_config["group.consumer.max.size"] = "1";
  ConsumerHarness h(config);
  h.Send(ConsumerHarness::JoinOf("a", {"orders"}));
  EXPECT_EQ(h.CodeAfter(ConsumerHarness::JoinOf("b", {"orders"})), ErrorCode::kGroupMaxSizeReached);
  EXPECT_EQ(h.CodeAfter(ConsumerHarness::JoinOf("a", {"orders"})), ErrorCode::kNone);
}

// What members say is kept, and written again in one change where the group becomes a classic one.
TEST_F(ConsumerGroupTest, D11_SubscriptionsAreBoundedAlsoOfThoseWhoAreMembers) {
  const std::string large(500'000, 't');
  int joined = 0;
  for (int i = 0; i < 20; ++i) {
    const std::string id = "member-" + std::to_string(i);
    ASSERT_EQ(CodeAfter(JoinOf(id, {"orders"})), ErrorCode::kNone);
    if (CodeAfter(JoinOf(id, {"orders", large})) == ErrorCode::kNone) ++joined;
  }
  EXPECT_EQ(joined, 16) << "of 8 MiB";
  EXPECT_EQ(TheGroup().members.size(), 20u) << "the others keep what they had";
  EXPECT_EQ(CodeAfter(JoinOf("member-0", {"orders"})), ErrorCode::kNone);
  EXPECT_EQ(CodeAfter(JoinOf("member-19", {"orders", large})), ErrorCode::kNone);
}

TEST_F(ConsumerGroupTest, D11_NamesHaveAThousandBytesAtMost) {
  const std::string fits(1024, 'n');
  EXPECT_EQ(CodeAfter(JoinOf(fits, {"orders"}, fits)), ErrorCode::kNone);
  EXPECT_EQ(CodeAfter(JoinOf(fits + "n", {"orders"})), ErrorCode::kInvalidRequest);
  EXPECT_EQ(CodeAfter(JoinOf("a", {"orders"}, fits + "n")), ErrorCode::kInvalidRequest);
  Request join = JoinOf("a", {"orders"});
  join.set_group_id(fits + "n");
  EXPECT_EQ(CodeAfter(join), ErrorCode::kInvalidRequest);
  EXPECT_EQ(TheGroup().members.size(), 1u);
}

TEST_F(ConsumerGroupTest, ALowerSizeTakesNobodyInAndThrowsNobodyOut) {
  TwoMembers();
  ConfigureAll("group.consumer.max.size", "1");
  EXPECT_EQ(CodeAfter(BeatOf("a", 2)), ErrorCode::kNone);
  EXPECT_EQ(CodeAfter(JoinOf("b", {"orders"})), ErrorCode::kNone);
  EXPECT_EQ(CodeAfter(JoinOf("c", {"orders"})), ErrorCode::kGroupMaxSizeReached);
  FailOver();
  EXPECT_EQ(TheGroup().members.size(), 2u);
  ConfigureAll("group.consumer.max.size", "3");
  EXPECT_EQ(CodeAfter(JoinOf("c", {"orders"})), ErrorCode::kNone);
}

TEST_F(ConsumerGroupTest, AMemberThatIsToldToBeatLessOftenIsNotExpectedMoreOften) {
  Send(JoinOf("a", {"orders"}));
  ConfigureAll("group.consumer.max.heartbeat.interval.ms", "50000");
  ConfigureAll("group.consumer.session.timeout.ms", "60000");
  ConfigureAll("group.consumer.heartbeat.interval.ms", "50000");
  AdvanceMs(5'000);
  Report("a");
  AdvanceMs(50'000);
  ASSERT_NE(TheGroup().FindMember("a"), nullptr) << "a gateway has told it to beat every 50 s";
  AdvanceMs(10'000);
  EXPECT_EQ(TheGroup().FindMember("a"), nullptr);
}

TEST_F(ConsumerGroupTest, AShorterSessionCountsFromTheNextSignsOfLife) {
  Send(JoinOf("a", {"orders"}));
  ConfigureAll("group.consumer.min.session.timeout.ms", "6000");
  Configure("consumer.session.timeout.ms", "6000");
  for (int i = 0; i < 2; ++i) {
    AdvanceMs(15'000);
    ASSERT_NE(TheGroup().FindMember("a"), nullptr) << "it may not have heard of it yet";
    Report("a");
  }
  EXPECT_EQ(CodeAfter(BeatOf("a", 1)), ErrorCode::kNone);
  AdvanceMs(5'999);
  EXPECT_NE(TheGroup().FindMember("a"), nullptr);
  AdvanceMs(1);
  EXPECT_EQ(TheGroup().FindMember("a"), nullptr);
}

TEST_F(ConsumerGroupTest, AssignorsThatAreNotConfiguredAnyMoreAssignNoMore) {
  Request join = JoinOf("a", {"orders"});
  join.set_server_assignor("uniform");
  EXPECT_EQ(CodeAfter(join), ErrorCode::kNone);
  EXPECT_EQ(TheGroup().protocol_name, "uniform");
  ConfigureAll("group.consumer.assignors", "range");
  Request refused = JoinOf("b", {"orders"});
  refused.set_server_assignor("uniform");
  EXPECT_EQ(CodeAfter(refused), ErrorCode::kUnsupportedAssignor);
  EXPECT_EQ(CodeAfter(BeatOf("a", 1)), ErrorCode::kNone);
  EXPECT_EQ(CodeAfter(JoinOf("b", {"orders"})), ErrorCode::kNone);
  EXPECT_EQ(TheGroup().protocol_name, "range");
}

// A gateway that falls silent is found out before the members are that it could not report.
TEST(ConsumerGroups, A03_NoSessionIsShorterThanABrokers) {
  GroupConfig config;
  config.broker_session_timeout = std::chrono::seconds(9);
  ConsumerHarness h(config);
  h.AddTopic("orders", 1);
  h.ConfigureAll("group.consumer.min.session.timeout.ms", "6000");
  h.ConfigureAll("group.consumer.session.timeout.ms", "6000");
  h.Send(ConsumerHarness::JoinOf("a", {"orders"}));
  h.AdvanceMs(8'999);
  EXPECT_NE(h.TheGroup().FindMember("a"), nullptr) << "6 s are configured";
  h.AdvanceMs(1);
  EXPECT_EQ(h.TheGroup().FindMember("a"), nullptr);
}

TEST(ConsumerGroups, AssignmentsComeOnceInAnInterval) {
  ConsumerHarness h;
  h.AddTopic("orders", 4);
  h.Send(ConsumerHarness::JoinOf("a", {"orders"}));
  const Reply b = h.Send(ConsumerHarness::JoinOf("b", {"orders"}));
  EXPECT_EQ(b.member_epoch(), 1);
  EXPECT_EQ(h.TheGroup().state, GroupState::kAssigning);
  EXPECT_FALSE(metadata::IsConsumerMemberAtRest(h.image, "g", {"a", ""}, 1))
      << "the controller tells when to ask again";
  h.AdvanceMs(999);
  h.Send(ConsumerHarness::JoinOf("c", {"orders"}));
  EXPECT_EQ(h.TheGroup().assignment_epoch, 1);
  h.AdvanceMs(1);
  EXPECT_EQ(h.TheGroup().assignment_epoch, 2) << "one for both";
  EXPECT_EQ(h.TheGroup().state, GroupState::kReconciling);
}

TEST(ConsumerGroups, WhatWasNotAppendedDidNotHappen) {
  ConsumerHarness h(AtOnce());
  h.AddTopic("orders", 4);
  h.Send(ConsumerHarness::JoinOf("a", {"orders"}));
  GroupOutcome outcome =
      h.coordinator.ConsumerHeartbeat(h.context(), 77, ConsumerHarness::JoinOf("b", {"orders"}));
  const auto answers = h.coordinator.Rejected(h.context(), std::move(outcome));
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(ConsumerHarness::CodeOf(std::get<Reply>(answers[0].reply)),
            ErrorCode::kCoordinatorNotAvailable);
  h.CheckLaws();
  EXPECT_EQ(h.CodeAfter(ConsumerHarness::BeatOf("b", 2)), ErrorCode::kUnknownMemberId);
  EXPECT_EQ(h.Send(ConsumerHarness::JoinOf("b", {"orders"})).member_epoch(), 2);
}

}  // namespace
}  // namespace weir::state
