// Groups on the active controller, over a Raft that a test commits by hand: what an event decides
// is true, and answered, when it is committed (D6, D7, G-08, G-11, G-12, R-41).
#include "controller/quorum/group_calls.h"

#include <gtest/gtest.h>

#include "tests/unit/controller/quorum/group_calls_harness.h"

namespace weir::quorum {
namespace {

TEST_F(GroupCallsTest, AGenerationIsToldWhenItIsCommitted) {
  const std::string id = AskForId();
  const auto join = Join(id);
  CommitAll();
  loop_.Advance(seconds(3));
  EXPECT_EQ(controller_.working().FindGroup("g")->generation, 1);
  EXPECT_EQ(Committed().generation, 0);
  EXPECT_EQ(join->count, 0) << "decided, and not yet true";
  const size_t formed = raft_.log.size();
  Commit();
  ASSERT_EQ(join->count, 1);
  EXPECT_EQ(join->code(), ErrorCode::kNone);
  EXPECT_EQ(join->reply().generation_id(), 1);
  EXPECT_EQ(static_cast<size_t>(join->reply().metadata_offset()), formed);

  const auto sync = Sync(id, 1, {id});
  EXPECT_EQ(sync->count, 0);
  Commit();
  ASSERT_EQ(sync->count, 1);
  EXPECT_EQ(sync->reply().assignment(), "of " + id);
  EXPECT_EQ(static_cast<size_t>(sync->reply().metadata_offset()), raft_.log.size());
  EXPECT_EQ(groups_.call_count(), 0u);
}

TEST_F(GroupCallsTest, EveryBatchHasItsCause) {
  Join(AskForId());
  metadata::v1::MetadataBatch batch;
  ASSERT_TRUE(batch.ParseFromString(*raft_.log.back().payload));
  EXPECT_EQ(batch.cause().principal(), "Controller:1");
  EXPECT_EQ(batch.cause().method(), "JoinGroup");
  EXPECT_GT(batch.cause().timestamp_ms(), 0);
}

TEST_F(GroupCallsTest, R41_AnAnswerWithoutRecordsWaitsForProofOfLeadership) {
  StableGroup(1);
  const auto sync = Sync("nobody", 1);
  const auto beat = Heartbeat("nobody", 1);
  EXPECT_EQ(sync->count + beat->count, 0);
  ConfirmReads();
  EXPECT_EQ(sync->code(), ErrorCode::kUnknownMemberId);
  EXPECT_EQ(beat->code(), ErrorCode::kUnknownMemberId);
  EXPECT_EQ(sync->count + beat->count, 2);
}

TEST_F(GroupCallsTest, R41_ADeposedLeaderTurnsNobodyAway) {
  StableGroup(1);
  const auto sync = Sync("nobody", 1);
  const auto beat = Heartbeat("nobody", 1);
  LoseLeadership();
  EXPECT_EQ(sync->code(), ErrorCode::kNotController);
  EXPECT_EQ(beat->code(), ErrorCode::kNotController);
}

TEST_F(GroupCallsTest, NotActiveNothingIsServed) {
  LoseLeadership();
  EXPECT_EQ(Join("")->code(), ErrorCode::kNotController);
  EXPECT_EQ(Sync("a", 1)->code(), ErrorCode::kNotController);
  EXPECT_EQ(Heartbeat("a", 1)->code(), ErrorCode::kNotController);
  ErrorCode reported = ErrorCode::kNone;
  groups_.Report({}, [&](const auto& reply) { reported = reply.error().code; });
  EXPECT_EQ(reported, ErrorCode::kNotController);
  ErrorCode listed = ErrorCode::kNone;
  groups_.List({}, [&](const auto& reply) { listed = reply.error().code; });
  EXPECT_EQ(listed, ErrorCode::kNotController);
  EXPECT_EQ(groups_.call_count(), 0u);
}

// ---- the barrier --------------------------------------------------------------------------

TEST_F(GroupCallsTest, D7_AnAssignmentWaitsUntilTheOffsetsLeaderHasAppliedIt) {
  AddLiveBroker(1);
  AddLiveBroker(2);
  AddOffsetsTopic();
  const std::vector<std::string> ids = JoinedGroup(2);
  const auto follower = Sync(ids[1], 1);
  const auto leader = Sync(ids[0], 1, ids);
  CommitAll();
  const size_t offset = raft_.log.size();
  Applied(2, offset);
  EXPECT_EQ(leader->count + follower->count, 0) << "broker 2 leads nothing";
  Applied(1, offset - 1);
  EXPECT_EQ(leader->count + follower->count, 0);
  Applied(1, offset);
  EXPECT_EQ(leader->code(), ErrorCode::kNone);
  EXPECT_EQ(follower->code(), ErrorCode::kNone);
  EXPECT_EQ(leader->count + follower->count, 2);
  EXPECT_EQ(follower->reply().assignment(), "of " + ids[1]);

  // Again from a stable group, without a record of its own.
  const auto again = Sync(ids[1], 1);
  ConfirmReads();
  EXPECT_EQ(again->count, 1);
}

TEST_F(GroupCallsTest, D7_ErrorsAndJoinsDoNotWaitForTheOffsetsLeader) {
  AddLiveBroker(1);
  AddLiveBroker(2);
  AddOffsetsTopic();
  const std::vector<std::string> ids = JoinedGroup(1);
  const auto sync = Sync(ids[0], 0);
  ConfirmReads();
  EXPECT_EQ(sync->code(), ErrorCode::kIllegalGeneration);
}

TEST_F(GroupCallsTest, D7_AFencedOffsetsLeaderIsNotWaitedFor) {
  AddLiveBroker(1);
  AddLiveBroker(2);
  AddOffsetsTopic();
  const std::vector<std::string> ids = JoinedGroup(1);
  const auto sync = Sync(ids[0], 1, ids);
  CommitAll();
  liveness_.OnSessionBroken(NodeId(1), 1, loop_.Now());
  controller_.CheckWaiting();
  EXPECT_EQ(sync->count, 0) << "a session broke: the broker may live";
  metadata::v1::MetadataBatch batch;
  auto* fenced = batch.add_records()->mutable_broker_change();
  fenced->set_broker_id(1);
  fenced->set_broker_epoch(machine_.committed().FindBroker(NodeId(1))->epoch.value());
  fenced->set_fenced(true);
  Write(batch);
  ASSERT_TRUE(machine_.committed().FindBroker(NodeId(1))->fenced);
  EXPECT_EQ(sync->count, 1);
  EXPECT_EQ(sync->code(), ErrorCode::kNone);
}

TEST_F(GroupCallsTest, D7_TheLeaderOfTheMomentIsTheOneThatIsWaitedFor) {
  AddLiveBroker(1);
  AddLiveBroker(2);
  AddOffsetsTopic();
  const std::vector<std::string> ids = JoinedGroup(1);
  const auto sync = Sync(ids[0], 1, ids);
  CommitAll();
  WriteLeader(2);
  ASSERT_EQ(machine_.committed().FindPartition(metadata::kOffsetsTopic, PartitionIndex(0))->leader,
            NodeId(2));
  Applied(1, raft_.log.size());
  EXPECT_EQ(sync->count, 0);
  Applied(2, raft_.log.size());
  EXPECT_EQ(sync->count, 1);
}

// Until it knows that it leads it follows, and the old leader's commits count with its help.
TEST_F(GroupCallsTest, D7_ANewLeaderMustKnowThatItLeads) {
  AddLiveBroker(1);
  AddLiveBroker(2);
  AddOffsetsTopic();
  const std::vector<std::string> ids = JoinedGroup(1);
  const auto sync = Sync(ids[0], 1, ids);
  CommitAll();
  const size_t offset = raft_.log.size();
  WriteLeader(2);
  Applied(2, offset);
  EXPECT_EQ(sync->count, 0);
  Applied(2, raft_.log.size());
  EXPECT_EQ(sync->code(), ErrorCode::kNone);
}

TEST_F(GroupCallsTest, D7_AfterAFailoverTheOffsetsLeaderIsWaitedForAnew) {
  AddLiveBroker(1);
  AddLiveBroker(2);
  AddOffsetsTopic();
  const std::vector<std::string> ids = JoinedGroup(1);
  const auto lost = Sync(ids[0], 1, ids);
  CommitAll();
  FailOver();
  EXPECT_EQ(lost->code(), ErrorCode::kNotController);
  liveness_.BecomeActive(machine_.committed(), loop_.Now());
  const auto sync = Sync(ids[0], 1, ids);
  ConfirmReads();
  EXPECT_EQ(sync->count, 0) << "it has not said yet how far it is";
  liveness_.OpenSession(NodeId(1), 11, loop_.Now());
  liveness_.OnHeartbeat(NodeId(1), 11, LogIndex(raft_.log.size()), loop_.Now());
  controller_.CheckWaiting();
  EXPECT_EQ(sync->code(), ErrorCode::kNone);
  EXPECT_EQ(sync->reply().assignment(), "of " + ids[0]);
}

// ---- what goes wrong ----------------------------------------------------------------------

TEST_F(GroupCallsTest, FailoverInTheMiddleOfARebalance) {
  const std::vector<std::string> ids = StableGroup(3);
  const auto first = Join(ids[0]);
  const auto second = Join(ids[1]);
  CommitAll();
  ASSERT_EQ(Committed().state, GroupState::kPreparingRebalance);
  EXPECT_EQ(first->count + second->count, 0);
  FailOver();
  for (const auto& call : {first, second}) {
    EXPECT_EQ(call->count, 1);
    EXPECT_EQ(call->code(), ErrorCode::kNotController);
  }
  EXPECT_EQ(groups_.call_count(), 0u);
  std::vector<Shared<JoinGroupReply>> again;
  for (const std::string& id : ids) again.push_back(Join(id));
  CommitAll();
  for (const auto& call : again) {
    EXPECT_EQ(call->code(), ErrorCode::kNone);
    EXPECT_EQ(call->reply().generation_id(), 2);
  }
  EXPECT_EQ(first->count + second->count, 2);
}

TEST_F(GroupCallsTest, WhatWasNotCommittedIsNotTrueAfterAFailover) {
  const std::vector<std::string> ids = StableGroup(1);
  const auto join = Join(ids[0]);  // the leader: a rebalance of one, at once
  ASSERT_EQ(controller_.working().FindGroup("g")->generation, 2);
  FailOver();
  EXPECT_EQ(join->code(), ErrorCode::kNotController);
  EXPECT_EQ(Committed().generation, 1);
  EXPECT_EQ(Committed().state, GroupState::kStable);
  const auto beat = Heartbeat(ids[0], 1);
  ConfirmReads();
  EXPECT_EQ(beat->code(), ErrorCode::kNone);
}

TEST_F(GroupCallsTest, G11_AFailoverGivesAFreshSessionAndNoRebalance) {
  const std::vector<std::string> ids = StableGroup(2);
  Report(ids);
  Advance(seconds(9));
  FailOver();
  const size_t entries = raft_.log.size();
  Advance(milliseconds(9'900));
  EXPECT_EQ(Committed().state, GroupState::kStable);
  Report(ids);
  Advance(seconds(9));
  EXPECT_EQ(Committed().generation, 1);
  EXPECT_EQ(Committed().members.size(), 2u);
  EXPECT_EQ(raft_.log.size(), entries);
}

TEST_F(GroupCallsTest, ABatchThatIsNotAppendedIsAnsweredAndForgotten) {
  const std::vector<std::string> ids = StableGroup(2);
  const auto waiting = Join(ids[0]);
  CommitAll();
  EXPECT_EQ(waiting->count, 0);
  raft_.refuse = true;
  const size_t entries = raft_.log.size();
  const auto refused = Join(ids[1]);
  ASSERT_EQ(refused->count, 1) << "at once: nothing will commit";
  EXPECT_EQ(refused->code(), ErrorCode::kCoordinatorNotAvailable);
  EXPECT_EQ(waiting->code(), ErrorCode::kCoordinatorNotAvailable) << "its group begins anew";
  EXPECT_EQ(waiting->count, 1);
  EXPECT_EQ(raft_.log.size(), entries);
  EXPECT_EQ(groups_.call_count(), 0u);

  raft_.refuse = false;
  const auto first = Join(ids[0]);
  const auto second = Join(ids[1]);
  CommitAll();
  EXPECT_EQ(first->code(), ErrorCode::kNone);
  EXPECT_EQ(second->code(), ErrorCode::kNone);
  EXPECT_EQ(second->reply().generation_id(), 2);
}

TEST_F(GroupCallsTest, ADeadlineWhoseBatchIsNotAppendedIsTriedAgain) {
  StableGroup(1);
  raft_.refuse = true;
  const int fired = loop_.Advance(seconds(30));
  EXPECT_EQ(Committed().members.size(), 1u);
  EXPECT_LE(fired, 10) << "not again and again";
  raft_.refuse = false;
  Advance(seconds(11));
  EXPECT_EQ(Committed().state, GroupState::kEmpty);
}

TEST_F(GroupCallsTest, ACallThatIsGoneIsNotAnswered) {
  const std::vector<std::string> ids = StableGroup(2);
  const auto gone = Join(ids[0]);
  CommitAll();
  groups_.OnCallGone(gone->id);
  groups_.OnCallGone(gone->id);
  EXPECT_EQ(groups_.call_count(), 0u);
  const auto other = Join(ids[1]);
  CommitAll();
  EXPECT_EQ(other->count, 0) << "the first has not joined any more";
  const auto back = Join(ids[0]);
  CommitAll();
  EXPECT_EQ(other->reply().generation_id(), 2);
  EXPECT_EQ(back->reply().generation_id(), 2);
  EXPECT_EQ(gone->count, 0);
}

TEST_F(GroupCallsTest, ACallThatIsGoneBetweenDecisionAndCommit) {
  const std::vector<std::string> ids = StableGroup(1);
  const auto join = Join(ids[0]);
  ASSERT_EQ(controller_.working().FindGroup("g")->generation, 2);
  groups_.OnCallGone(join->id);
  CommitAll();
  EXPECT_EQ(join->count, 0);
  EXPECT_EQ(Committed().generation, 2);
}

TEST_F(GroupCallsTest, AnAnonymousMemberIsRemovedWithItsCall) {
  StableGroup(1);
  JoinGroupRequest request = JoinOf("");
  request.set_requires_known_member_id(false);
  const auto join = Join(request);
  CommitAll();
  EXPECT_EQ(Committed().members.size(), 2u);
  groups_.OnCallGone(join->id);
  CommitAll();
  EXPECT_EQ(Committed().members.size(), 1u);
}

// ---- time ---------------------------------------------------------------------------------

TEST_F(GroupCallsTest, G08_SignsOfLifeKeepMembersAndMakeNoLogEntry) {
  const std::vector<std::string> ids = StableGroup(3);
  const size_t entries = raft_.log.size();
  for (int i = 0; i < 600; ++i) {
    Report(ids);
    for (const std::string& id : ids) Heartbeat(id, 1);
    Advance(milliseconds(500));
  }
  EXPECT_EQ(raft_.log.size(), entries) << "five minutes of heartbeats";
  EXPECT_EQ(Committed().members.size(), 3u);
  EXPECT_EQ(Committed().state, GroupState::kStable);
}

TEST_F(GroupCallsTest, ASilentMemberExpiresByItself) {
  const std::vector<std::string> ids = StableGroup(2);
  Report(ids);
  for (int i = 0; i < 9; ++i) {
    Advance(seconds(1));
    Report({ids[0]});
  }
  EXPECT_EQ(Committed().members.size(), 2u);
  Advance(milliseconds(1'100));
  EXPECT_EQ(Committed().FindMember(ids[1]), nullptr);
  EXPECT_EQ(Committed().state, GroupState::kPreparingRebalance);
  const auto join = Join(ids[0]);
  CommitAll();
  EXPECT_EQ(join->reply().generation_id(), 2);
}

TEST_F(GroupCallsTest, WithoutGroupsNoTimerIsSet) {
  EXPECT_EQ(loop_.timers(), 0u);
  const std::vector<std::string> ids = StableGroup(1);
  EXPECT_EQ(loop_.timers(), 1u);
  for (int i = 0; i < 60; ++i) {
    Report(ids);
    EXPECT_LE(loop_.Advance(seconds(1)), 1);
  }
  Advance(seconds(11));
  EXPECT_EQ(Committed().state, GroupState::kEmpty);
  loop_.Advance(std::chrono::minutes(5));
  EXPECT_EQ(loop_.timers(), 0u) << "an empty group has no deadline";
}

TEST_F(GroupCallsTest, NotActiveNoTimerIsSet) {
  StableGroup(1);
  LoseLeadership();
  EXPECT_EQ(loop_.timers(), 0u);
}

// ---- reads, and the rest ------------------------------------------------------------------

TEST_F(GroupCallsTest, R41_GroupsAreReadFromTheCommittedImage) {
  const std::vector<std::string> ids = StableGroup(1);
  Join(ids[0]);
  group::v1::DescribeGroupsRequest request;
  request.add_group_ids("g");
  std::optional<group::v1::DescribeGroupsReply> described;
  std::optional<group::v1::ListGroupsReply> listed;
  groups_.Describe(request, [&](const auto& reply) { described = *reply; });
  groups_.List({}, [&](const auto& reply) { listed = *reply; });
  EXPECT_FALSE(described || listed);
  ConfirmReads();
  ASSERT_TRUE(described && listed);
  EXPECT_EQ(described->groups(0).generation_id(), 1);
  EXPECT_EQ(described->groups(0).members(0).assignment(), "of " + ids[0]);
  EXPECT_EQ(listed->groups(0).group_id(), "g");
}

TEST_F(GroupCallsTest, LeaveAndDelete) {
  const std::vector<std::string> ids = StableGroup(1);
  group::v1::LeaveGroupRequest leave;
  leave.set_group_id("g");
  leave.add_members()->set_member_id(ids[0]);
  auto left = std::make_shared<Answer<group::v1::LeaveGroupReply>>();
  groups_.Leave(leave, Into<group::v1::LeaveGroupReply>(left));
  EXPECT_EQ(left->count, 0);
  group::v1::DeleteGroupsRequest remove;
  remove.add_group_ids("g");
  std::optional<group::v1::DeleteGroupsReply> removed;
  groups_.Delete(remove, [&](const auto& reply) { removed = *reply; });
  EXPECT_FALSE(removed);
  CommitAll();
  EXPECT_EQ(left->code(), ErrorCode::kNone);
  ASSERT_TRUE(removed);
  EXPECT_EQ(removed->groups(0).error_code(), 0) << "it saw that the member had left";
  EXPECT_EQ(machine_.committed().FindGroup("g"), nullptr);
  EXPECT_EQ(removed->metadata_offset(),
            static_cast<int64_t>(machine_.committed().offset().value()));
}

TEST_F(GroupCallsTest, D11_CallsAreRefusedWhileTooMuchWaitsForTheQuorum) {
  const std::vector<std::string> ids = StableGroup(1);
  std::vector<Shared<group::v1::HeartbeatReply>> beats;
  while (controller_.HasRoom()) beats.push_back(Heartbeat(ids[0], 1));
  const auto join = Join(ids[0]);
  EXPECT_EQ(join->code(), ErrorCode::kCoordinatorNotAvailable);
  EXPECT_EQ(controller_.working().FindGroup("g")->generation, 1);
  ConfirmReads();
  EXPECT_EQ(beats.back()->count, 1);
  EXPECT_EQ(Join(ids[0])->count, 0);
  EXPECT_EQ(controller_.working().FindGroup("g")->generation, 2);
}

}  // namespace
}  // namespace weir::quorum
