// GroupGateway: what is answered from the image, what is asked of the controller, how often, and
// until when (DESIGN D6, proto/group.proto).
#include "broker/coordinator/group_gateway.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>

#include "broker/coordinator/group_gateways.h"
#include "common/metadata/apply.h"
#include "tests/support/manual_executor.h"
#include "tests/unit/broker/coordinator/scripted_group_port.h"

namespace weir::coordinator {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

// As the test says.
struct ScriptedStanding : public GroupStanding {
  MonoTime InTouchUntil() const override { return in_touch_until; }
  void AskWhetherLeads(size_t, std::string_view group_id,
                       absl::AnyInvocable<void(bool)> done) override {
    asked.emplace_back(group_id);
    if (on_other_shard) {
      waiting = std::move(done);
    } else {
      done(leads);
    }
  }

  MonoTime in_touch_until = MonoTime::max();
  bool leads = false;
  // The answer waits until the test gives it.
  bool on_other_shard = false;
  absl::AnyInvocable<void(bool)> waiting;
  std::vector<std::string> asked;
};

class GroupGatewayTest : public testing::Test {
 protected:
  // The image that the shard has: a batch more each time.
  void Publish(const metadata::v1::MetadataBatch& batch) {
    metadata::Apply(image_, batch, LogIndex(++offset_));
    images_.Publish(std::make_shared<const metadata::MetadataImage>(image_), [] {});
    thread_->Run();
  }
  void PublishGroup(metadata::v1::GroupState state, int32_t generation) {
    metadata::v1::MetadataBatch batch;
    metadata::v1::GroupRecord* group = batch.add_records()->mutable_group();
    group->set_group_id("g");
    group->set_type(metadata::v1::GROUP_TYPE_CLASSIC);
    group->set_state(state);
    group->set_generation(generation);
    group->set_protocol_type("consumer");
    for (const auto& [member_id, instance_id] : {std::pair{"m", ""}, std::pair{"s", "i"}}) {
      metadata::v1::GroupMemberRecord* member = batch.add_records()->mutable_group_member();
      member->set_group_id("g");
      member->set_member_id(member_id);
      member->set_instance_id(instance_id);
      member->set_session_timeout_ms(10'000);
      member->set_rebalance_timeout_ms(10'000);
    }
    Publish(batch);
  }

  // Of the consumer protocol, with one member "m" at rest.
  void PublishConsumerGroup(int32_t epoch) {
    metadata::v1::MetadataBatch batch;
    metadata::v1::GroupRecord* group = batch.add_records()->mutable_group();
    group->set_group_id("g");
    group->set_type(metadata::v1::GROUP_TYPE_CONSUMER);
    group->set_state(metadata::v1::GROUP_STATE_STABLE);
    group->set_generation(epoch);
    group->set_assignment_epoch(epoch);
    group->set_protocol_type("consumer");
    metadata::v1::GroupMemberRecord* member = batch.add_records()->mutable_group_member();
    member->set_group_id("g");
    member->set_member_id("m");
    metadata::v1::GroupMemberEpochRecord* at = batch.add_records()->mutable_group_member_epoch();
    at->set_group_id("g");
    at->set_member_id("m");
    at->set_member_epoch(epoch);
    at->set_state(metadata::v1::CONSUMER_MEMBER_STATE_STABLE);
    Publish(batch);
  }

  static group::v1::HeartbeatRequest HeartbeatOf(std::string_view member_id, int32_t generation,
                                                 std::string_view instance_id = {}) {
    group::v1::HeartbeatRequest request;
    request.set_group_id("g");
    request.set_member_id(std::string(member_id));
    request.set_generation_id(generation);
    request.set_instance_id(std::string(instance_id));
    return request;
  }
  // What was answered at once; nullopt: the controller is being asked.
  std::optional<ErrorCode> Beat(std::string_view member_id, int32_t generation,
                                std::string_view instance_id = {}) {
    verdict_.reset();
    gateway().Heartbeat(HeartbeatOf(member_id, generation, instance_id),
                        [this](ErrorCode verdict) { verdict_ = verdict; });
    thread_->Run();
    return verdict_;
  }

  // Of member "m", which says nothing new.
  rpc::CallHandle BeatOfConsumer(int32_t epoch) {
    group::v1::ConsumerGroupHeartbeatRequest request;
    request.set_group_id("g");
    request.set_member_id("m");
    request.set_member_epoch(epoch);
    request.set_rebalance_timeout_ms(-1);
    verdict_.reset();
    return gateway().ConsumerHeartbeat(request, /*interval_ms=*/5'000,
                                       [this](const group::v1::ConsumerGroupHeartbeatReply& reply) {
                                         verdict_ = ErrorCodeFromNumber(reply.error_code());
                                       });
  }

  rpc::CallHandle Join(int32_t session_timeout_ms = 10'000) {
    group::v1::JoinGroupRequest request;
    request.set_group_id("g");
    request.set_member_id("m");
    request.set_session_timeout_ms(session_timeout_ms);
    joined_.reset();
    return gateway().Join(request,
                          [this](group::v1::JoinGroupReply reply) { joined_ = std::move(reply); });
  }
  static group::v1::JoinGroupReply Joined(int64_t metadata_offset) {
    group::v1::JoinGroupReply reply;
    reply.set_generation_id(1);
    reply.set_metadata_offset(metadata_offset);
    return reply;
  }

  // What a member hears that leaves; the controller has put it out already.
  std::optional<ErrorCode> Leave(std::string_view member_id, std::string_view instance_id = {}) {
    group::v1::LeaveGroupRequest request;
    request.set_group_id("g");
    request.add_members()->set_member_id(std::string(member_id));
    request.mutable_members(0)->set_instance_id(std::string(instance_id));
    std::optional<ErrorCode> heard;
    gateway().Leave(request, [&heard](const group::v1::LeaveGroupReply& reply) {
      heard = ErrorCodeFromNumber(reply.members(0).error_code());
    });
    group::v1::LeaveGroupReply reply;
    reply.add_members()->set_error_code(static_cast<int32_t>(ErrorCode::kUnknownMemberId));
    port_.leaves.Answer(Fail(ErrorCode::kNetworkException, "the reply is lost"));
    thread_->Advance(kGatewayRetryPause);
    port_.leaves.Answer(reply);
    thread_->Run();
    return heard;
  }
  std::optional<ErrorCode> Delete(std::string_view group_id) {
    group::v1::DeleteGroupsRequest request;
    request.add_group_ids(std::string(group_id));
    std::optional<ErrorCode> heard;
    gateway().Delete(request, [&heard](const group::v1::DeleteGroupsReply& reply) {
      heard = ErrorCodeFromNumber(reply.groups(0).error_code());
    });
    group::v1::DeleteGroupsReply reply;
    reply.add_groups()->set_error_code(static_cast<int32_t>(ErrorCode::kGroupIdNotFound));
    port_.deletes.Answer(Fail(ErrorCode::kNetworkException, "the reply is lost"));
    thread_->Advance(kGatewayRetryPause);
    port_.deletes.Answer(reply);
    thread_->Run();
    return heard;
  }

  GroupGateway& gateway() { return gateways_.At(0); }

  // One thread is both the shard and the metadata thread.
  std::shared_ptr<test::ManualExecutor> thread_ = std::make_shared<test::ManualExecutor>();
  ScriptedGroupPort port_;
  broker::ImageHolder images_{*thread_, {thread_.get()}};
  ScriptedStanding standing_;
  GroupGateways gateways_{thread_, {thread_.get()}, images_, port_, standing_, 1};
  metadata::MetadataImage image_;
  uint64_t offset_ = 0;
  std::optional<ErrorCode> verdict_;
  std::optional<group::v1::JoinGroupReply> joined_;
};

// ---- Heartbeats ---------------------------------------------------------------------------

TEST_F(GroupGatewayTest, G08_AHeartbeatThatTheImageKnowsIsAnsweredHere) {
  PublishGroup(metadata::v1::GROUP_STATE_STABLE, 3);
  EXPECT_EQ(Beat("m", 3), ErrorCode::kNone);
  EXPECT_EQ(Beat("s", 3, "i"), ErrorCode::kNone);
  PublishGroup(metadata::v1::GROUP_STATE_COMPLETING_REBALANCE, 3);
  EXPECT_EQ(Beat("m", 3), ErrorCode::kNone);
  PublishGroup(metadata::v1::GROUP_STATE_PREPARING_REBALANCE, 3);
  EXPECT_EQ(Beat("m", 3), ErrorCode::kRebalanceInProgress);
  EXPECT_TRUE(port_.heartbeats.requests.empty());
}

// The image may lag: only the active controller turns a member away.
TEST_F(GroupGatewayTest, WhatWouldTurnAMemberAwayIsConfirmedByTheController) {
  PublishGroup(metadata::v1::GROUP_STATE_STABLE, 3);
  EXPECT_EQ(Beat("m", 4), std::nullopt) << "a newer generation than the image has";
  port_.heartbeats.AnswerError(ErrorCode::kNone);
  thread_->Run();
  EXPECT_EQ(verdict_, ErrorCode::kNone);

  EXPECT_EQ(Beat("stranger", 3), std::nullopt);
  EXPECT_EQ(port_.heartbeats.requests.back().member_id(), "stranger");
  port_.heartbeats.AnswerError(ErrorCode::kUnknownMemberId);
  thread_->Run();
  EXPECT_EQ(verdict_, ErrorCode::kUnknownMemberId);

  EXPECT_EQ(Beat("m", 2), std::nullopt) << "an older generation";
  port_.heartbeats.AnswerError(ErrorCode::kIllegalGeneration);
  thread_->Run();
  EXPECT_EQ(verdict_, ErrorCode::kIllegalGeneration);

  EXPECT_EQ(Beat("m", 3, "i"), std::nullopt) << "another one is that static member";
  EXPECT_EQ(port_.heartbeats.requests.back().instance_id(), "i");
  port_.heartbeats.AnswerError(ErrorCode::kFencedInstanceId);
  thread_->Run();
  EXPECT_EQ(verdict_, ErrorCode::kFencedInstanceId);
}

TEST_F(GroupGatewayTest, AHeartbeatWithoutGroupIsRefusedHere) {
  group::v1::HeartbeatRequest request;
  gateway().Heartbeat(request, [this](ErrorCode verdict) { verdict_ = verdict; });
  EXPECT_EQ(verdict_, ErrorCode::kInvalidGroupId);
  EXPECT_TRUE(port_.heartbeats.requests.empty());
}

TEST_F(GroupGatewayTest, WithoutControllersMembersAtRestHearNoneAndNobodyIsTurnedAway) {
  PublishGroup(metadata::v1::GROUP_STATE_STABLE, 3);
  EXPECT_EQ(Beat("m", 3), ErrorCode::kNone);
  EXPECT_EQ(Beat("stranger", 3), std::nullopt);
  thread_->Advance(kHeartbeatPatience - milliseconds(1));
  EXPECT_EQ(verdict_, std::nullopt);
  thread_->Advance(milliseconds(1));
  EXPECT_EQ(verdict_, ErrorCode::kCoordinatorNotAvailable);
  EXPECT_EQ(port_.heartbeats.cancelled, 1);
}

// ---- Cut off ------------------------------------------------------------------------------

// A broker that the controllers no longer hear may not keep members that they have given up.
TEST_F(GroupGatewayTest, G15_ABrokerOutOfTouchSendsMembersToTheCoordinator) {
  PublishGroup(metadata::v1::GROUP_STATE_STABLE, 3);
  standing_.in_touch_until = thread_->Now() + milliseconds(1);
  EXPECT_EQ(Beat("m", 3), ErrorCode::kNone);
  thread_->Advance(milliseconds(1));
  EXPECT_EQ(Beat("m", 3), ErrorCode::kNotCoordinator);
  EXPECT_EQ(standing_.asked, std::vector<std::string>{"g"});
  EXPECT_TRUE(port_.heartbeats.requests.empty());
  standing_.in_touch_until = MonoTime::max();
  EXPECT_EQ(Beat("m", 3), ErrorCode::kNone);
}

TEST_F(GroupGatewayTest, A03_WithoutAQuorumTheCoordinatorKeepsItsMembers) {
  PublishGroup(metadata::v1::GROUP_STATE_STABLE, 3);
  standing_.in_touch_until = thread_->Now();
  standing_.leads = true;
  for (int second = 0; second < 60; ++second) {
    thread_->Advance(seconds(1));
    EXPECT_EQ(Beat("m", 3), ErrorCode::kNone);
  }
}

TEST_F(GroupGatewayTest, AConsumerOfABrokerOutOfTouchHearsWhatTheShardOfItsOffsetsSays) {
  PublishConsumerGroup(4);
  standing_.in_touch_until = thread_->Now();
  standing_.on_other_shard = true;
  BeatOfConsumer(4);
  EXPECT_EQ(verdict_, std::nullopt);
  standing_.waiting(true);
  EXPECT_EQ(verdict_, ErrorCode::kNone);
  BeatOfConsumer(4);
  standing_.waiting(false);
  EXPECT_EQ(verdict_, ErrorCode::kNotCoordinator);
}

// Its client went while the other shard was asked: the request has its end already.
TEST_F(GroupGatewayTest, AHeartbeatThatIsCancelledWhileStandingIsAskedIsNeverAnswered) {
  PublishConsumerGroup(4);
  standing_.in_touch_until = thread_->Now();
  standing_.on_other_shard = true;
  for (const bool leads : {true, false}) {
    const rpc::CallHandle call = BeatOfConsumer(4);
    call.Cancel();
    standing_.waiting(leads);
    EXPECT_EQ(verdict_, std::nullopt);
    call.Cancel();
  }
}

TEST_F(GroupGatewayTest, ACallThatWaitsWhereNobodyIsInTouchEndsUnlessItLeads) {
  standing_.in_touch_until = thread_->Now() + seconds(3);
  Join();
  thread_->Advance(seconds(3) - milliseconds(1));
  EXPECT_FALSE(joined_);
  standing_.leads = true;
  thread_->Advance(seconds(120));
  EXPECT_FALSE(joined_) << "there is no quorum: the join waits for one";
  standing_.leads = false;
  thread_->Advance(kStandingInterval);
  ASSERT_TRUE(joined_);
  EXPECT_EQ(joined_->error_code(), static_cast<int32_t>(ErrorCode::kNotCoordinator));
  EXPECT_EQ(joined_->member_id(), "m");
  EXPECT_EQ(port_.joins.cancelled, 1);
  EXPECT_EQ(thread_->timers(), 0u);
}

// ---- Who is alive -------------------------------------------------------------------------

TEST_F(GroupGatewayTest, G08_SignsOfLifeGoInOneReportAndNoneWithoutThem) {
  PublishGroup(metadata::v1::GROUP_STATE_STABLE, 3);
  Beat("m", 3);
  thread_->Advance(milliseconds(100));
  Beat("m", 3);
  Beat("s", 3, "i");
  EXPECT_TRUE(port_.reports.requests.empty());
  thread_->Advance(milliseconds(150));
  ASSERT_EQ(port_.reports.requests.size(), 1u);
  const group::v1::LivenessReport& report = port_.reports.requests[0];
  ASSERT_EQ(report.groups_size(), 1);
  EXPECT_EQ(report.groups(0).group_id(), "g");
  ASSERT_EQ(report.groups(0).members_size(), 2);
  EXPECT_EQ(report.groups(0).members(0).member_id(), "m");
  EXPECT_EQ(report.groups(0).members(0).heard_ms_ago(), 150) << "the last one counts";
  port_.reports.Answer(group::v1::LivenessReply());
  thread_->Advance(minutes(10));
  EXPECT_EQ(port_.reports.requests.size(), 1u) << "nobody was heard of";
  EXPECT_EQ(thread_->timers(), 0u);
}

TEST_F(GroupGatewayTest, ReportsKeepAnInterval) {
  PublishGroup(metadata::v1::GROUP_STATE_STABLE, 3);
  for (int i = 0; i < 100; ++i) {
    Beat("m", 3);
    thread_->Advance(milliseconds(100));
    if (!port_.reports.dones.empty() && port_.reports.dones.back()) {
      port_.reports.Answer(group::v1::LivenessReply());
      port_.reports.dones.back() = nullptr;
    }
  }
  EXPECT_GE(port_.reports.requests.size(), 8u);
  EXPECT_LE(port_.reports.requests.size(), 10u) << "in ten seconds";
}

// A member must not expire because the report about it met the end of a controller (G-11).
TEST_F(GroupGatewayTest, G11_WhatALostReportSaidGoesWithTheNext) {
  PublishGroup(metadata::v1::GROUP_STATE_STABLE, 3);
  Beat("m", 3);
  thread_->Advance(milliseconds(250));
  ASSERT_EQ(port_.reports.requests.size(), 1u);
  Beat("s", 3, "i");
  thread_->Advance(seconds(3));
  EXPECT_EQ(port_.reports.requests.size(), 1u) << "one is under way";
  port_.reports.Answer(Fail(ErrorCode::kRequestTimedOut, "no controller"));
  thread_->Run();
  ASSERT_EQ(port_.reports.requests.size(), 2u);
  const group::v1::LiveGroup& group = port_.reports.requests[1].groups(0);
  ASSERT_EQ(group.members_size(), 2);
  EXPECT_EQ(group.members(0).heard_ms_ago(), 3'250);
  EXPECT_EQ(group.members(1).heard_ms_ago(), 3'000);
}

// Somebody may be about to take the member's place: that does not wait for the interval.
TEST_F(GroupGatewayTest, G19_TheEndOfAConnectionIsReportedAtOnceAndOnce) {
  PublishGroup(metadata::v1::GROUP_STATE_STABLE, 3);
  Beat("m", 3);
  Beat("s", 3, "i");
  thread_->Advance(milliseconds(250));
  ASSERT_EQ(port_.reports.requests.size(), 1u);
  port_.reports.Answer(group::v1::LivenessReply());
  EXPECT_EQ(port_.reports.requests[0].groups(0).lost_size(), 0);

  Beat("m", 3);
  thread_->Advance(milliseconds(10));
  gateway().ConnectionLost("g", "s");
  thread_->Run();
  ASSERT_EQ(port_.reports.requests.size(), 2u);
  const group::v1::LiveGroup& group = port_.reports.requests[1].groups(0);
  EXPECT_EQ(group.group_id(), "g");
  ASSERT_EQ(group.lost_size(), 1);
  EXPECT_EQ(group.lost(0).member_id(), "s");
  EXPECT_EQ(group.lost(0).lost_ms_ago(), 0);
  ASSERT_EQ(group.members_size(), 1) << "what was heard goes along";
  EXPECT_EQ(group.members(0).heard_ms_ago(), 10);
  port_.reports.Answer(group::v1::LivenessReply());
  thread_->Advance(minutes(10));
  EXPECT_EQ(port_.reports.requests.size(), 2u);
  EXPECT_EQ(thread_->timers(), 0u);
}

TEST_F(GroupGatewayTest, AReportOfLossThatIsLostGoesWithTheNextAndKeepsTheInterval) {
  PublishGroup(metadata::v1::GROUP_STATE_STABLE, 3);
  gateway().ConnectionLost("g", "s");
  for (int second = 0; second < 3; ++second) {
    thread_->Run();
    ASSERT_EQ(port_.reports.requests.size(), static_cast<size_t>(second) + 1);
    EXPECT_EQ(port_.reports.requests.back().groups(0).lost(0).lost_ms_ago(), second * 1'000);
    port_.reports.Answer(Fail(ErrorCode::kNotController, "no controller"));
    thread_->Advance(seconds(1));
  }
  port_.reports.Answer(group::v1::LivenessReply());
  gateway().ConnectionLost("g", "s");
  thread_->Run();
  EXPECT_EQ(port_.reports.requests.size(), 5u) << "there is a controller again";
}

TEST_F(GroupGatewayTest, WhoIsHeardOfAfterTheEndOfAConnectionHasAnotherOne) {
  PublishGroup(metadata::v1::GROUP_STATE_STABLE, 3);
  gateway().ConnectionLost("g", "s");
  thread_->Run();
  ASSERT_EQ(port_.reports.requests.size(), 1u);
  thread_->Advance(milliseconds(1));
  Beat("s", 3, "i");
  thread_->Advance(milliseconds(250));
  port_.reports.Answer(Fail(ErrorCode::kNotController, "no controller"));
  thread_->Advance(seconds(1));
  ASSERT_EQ(port_.reports.requests.size(), 2u);
  EXPECT_EQ(port_.reports.requests[1].groups(0).members_size(), 1);
  EXPECT_EQ(port_.reports.requests[1].groups(0).lost_size(), 0);
}

TEST_F(GroupGatewayTest, OnlyMembersThatTheImageKnowsAreReported) {
  PublishGroup(metadata::v1::GROUP_STATE_STABLE, 3);
  Beat("stranger", 3);
  Beat("m", 7);
  port_.heartbeats.AnswerError(ErrorCode::kIllegalGeneration);
  // Whatever a client calls itself: a commit without generation, a connection that has ended.
  gateway().Heard("g", std::string(17 << 20, 'a'));
  gateway().Heard("no group", "m");
  gateway().ConnectionLost("g", std::string(17 << 20, 'a'));
  gateway().ConnectionLost("no group", "s");
  thread_->Advance(seconds(20));
  EXPECT_TRUE(port_.reports.requests.empty());
  gateway().ConnectionLost("g", "s");
  thread_->Run();
  EXPECT_EQ(port_.reports.requests.size(), 1u);
}

// No report is too large for its message, however many members say something at once.
TEST_F(GroupGatewayTest, D11_WhatHasNoRoomInAReportFollowsAtOnce) {
  constexpr size_t kMembers = 100;
  constexpr size_t kIdBytes = 32'000;
  PublishGroup(metadata::v1::GROUP_STATE_STABLE, 3);
  metadata::v1::MetadataBatch batch;
  for (size_t i = 0; i < kMembers; ++i) {
    metadata::v1::GroupMemberRecord* member = batch.add_records()->mutable_group_member();
    member->set_group_id("g");
    member->set_member_id(std::to_string(100 + i) + std::string(kIdBytes, 'm'));
  }
  Publish(batch);
  for (const auto& record : batch.records()) Beat(record.group_member().member_id(), 3);
  gateway().ConnectionLost("g", "s");
  thread_->Advance(milliseconds(250));
  size_t heard = 0;
  size_t lost = 0;
  for (size_t i = 0; i < port_.reports.requests.size(); ++i) {
    const group::v1::LivenessReport& report = port_.reports.requests[i];
    EXPECT_LE(report.ByteSizeLong(), kReportBytesTarget + 2 * kIdBytes);
    heard += static_cast<size_t>(report.groups(0).members_size());
    lost += static_cast<size_t>(report.groups(0).lost_size());
    port_.reports.dones[i](group::v1::LivenessReply());
    thread_->Run();
  }
  EXPECT_EQ(heard, kMembers);
  EXPECT_EQ(lost, 1u);
  EXPECT_EQ(port_.reports.requests.size(), 4u);
}

// ---- Calls --------------------------------------------------------------------------------

TEST_F(GroupGatewayTest, AReplyIsHeldUntilTheImageHasReachedItsOffset) {
  PublishGroup(metadata::v1::GROUP_STATE_STABLE, 1);
  Join();
  port_.joins.Answer(Joined(3));
  thread_->Run();
  EXPECT_FALSE(joined_) << "the image is at 1";
  PublishGroup(metadata::v1::GROUP_STATE_STABLE, 2);
  EXPECT_FALSE(joined_) << "and now at 2";
  PublishGroup(metadata::v1::GROUP_STATE_STABLE, 3);
  ASSERT_TRUE(joined_);
  EXPECT_EQ(joined_->generation_id(), 1);
  EXPECT_EQ(thread_->timers(), 0u);
}

// Whoever has deleted a group and lists the groups here must not find it.
TEST_F(GroupGatewayTest, ADeletionIsHeldUntilTheImageHasForgottenTheGroup) {
  PublishGroup(metadata::v1::GROUP_STATE_EMPTY, 1);
  group::v1::DeleteGroupsRequest request;
  request.add_group_ids("g");
  bool done = false;
  gateway().Delete(request, [this, &done](const group::v1::DeleteGroupsReply& reply) {
    done = true;
    EXPECT_EQ(reply.groups(0).error_code(), 0);
    EXPECT_EQ(images_.Newest()->FindGroup("g"), nullptr);
  });
  group::v1::DeleteGroupsReply reply;
  reply.add_groups()->set_group_id("g");
  reply.set_metadata_offset(2);
  port_.deletes.Answer(reply);
  thread_->Run();
  EXPECT_FALSE(done) << "the image is at 1";
  metadata::v1::MetadataBatch batch;
  auto* members = batch.add_records()->mutable_remove_group_members();
  members->set_group_id("g");
  for (const char* member_id : {"m", "s"}) members->add_member_ids(member_id);
  batch.add_records()->mutable_remove_group()->set_group_id("g");
  Publish(batch);
  EXPECT_TRUE(done);
  EXPECT_EQ(thread_->timers(), 0u);
}

TEST_F(GroupGatewayTest, AReplyWithoutNewMetadataPassesAtOnce) {
  Join();
  port_.joins.AnswerError(ErrorCode::kMemberIdRequired);
  thread_->Run();
  ASSERT_TRUE(joined_);
  EXPECT_EQ(joined_->error_code(), static_cast<int32_t>(ErrorCode::kMemberIdRequired));
  EXPECT_EQ(port_.joins.requests.size(), 1u);
}

TEST_F(GroupGatewayTest, ACallWithoutReplyIsSentAgain) {
  Join();
  const ErrorCode lost[] = {ErrorCode::kNetworkException, ErrorCode::kNotController,
                            ErrorCode::kRequestTimedOut, ErrorCode::kUnsupportedVersion};
  for (const ErrorCode error : lost) {
    port_.joins.Answer(Fail(error, "gone"));
    thread_->Advance(kGatewayRetryPause);
    EXPECT_FALSE(joined_);
  }
  port_.joins.AnswerError(ErrorCode::kCoordinatorNotAvailable);
  thread_->Advance(kGatewayRetryPause);
  ASSERT_EQ(port_.joins.requests.size(), 6u);
  for (const auto& request : port_.joins.requests) {
    EXPECT_EQ(request.SerializeAsString(), port_.joins.requests[0].SerializeAsString());
  }
  EXPECT_LT(port_.joins.timeouts[5], port_.joins.timeouts[0]) << "the time that is left";
  port_.joins.Answer(Joined(0));
  thread_->Run();
  EXPECT_TRUE(joined_);
}

TEST_F(GroupGatewayTest, WhoeverLeftByAnAttemptWhoseReplyWasLostHasLeft) {
  EXPECT_EQ(Leave("m"), ErrorCode::kUnknownMemberId) << "there is no such group";
  PublishGroup(metadata::v1::GROUP_STATE_STABLE, 3);
  EXPECT_EQ(Leave("m"), ErrorCode::kNone);
  EXPECT_EQ(Leave("s", "i"), ErrorCode::kNone);
  EXPECT_EQ(Leave("", "i"), ErrorCode::kNone) << "by an administrator";
  EXPECT_EQ(Leave("stranger"), ErrorCode::kUnknownMemberId);
  EXPECT_EQ(Leave("", "other"), ErrorCode::kUnknownMemberId);
  EXPECT_EQ(Leave("m", "i"), ErrorCode::kUnknownMemberId) << "another one was that static member";
}

TEST_F(GroupGatewayTest, AGroupDeletedByAnAttemptWhoseReplyWasLostIsDeleted) {
  EXPECT_EQ(Delete("g"), ErrorCode::kGroupIdNotFound);
  PublishGroup(metadata::v1::GROUP_STATE_EMPTY, 3);
  EXPECT_EQ(Delete("g"), ErrorCode::kNone);
  EXPECT_EQ(Delete("other"), ErrorCode::kGroupIdNotFound);
}

TEST_F(GroupGatewayTest, AClientThatWaitedLongEnoughHearsCoordinatorNotAvailable) {
  Join();
  thread_->Advance(kJoinPatienceMin);
  EXPECT_FALSE(joined_);
  thread_->Advance(seconds(10));
  ASSERT_TRUE(joined_);
  EXPECT_EQ(joined_->error_code(), static_cast<int32_t>(ErrorCode::kCoordinatorNotAvailable));
  EXPECT_EQ(joined_->member_id(), "m");
  EXPECT_EQ(joined_->generation_id(), -1);
  EXPECT_EQ(port_.joins.cancelled, 1);
  joined_.reset();
  port_.joins.Answer(Joined(0));
  thread_->Run();
  EXPECT_FALSE(joined_) << "too late";
}

TEST_F(GroupGatewayTest, AHeldReplyThatTheFeedNeverReachesEndsToo) {
  Join();
  port_.joins.Answer(Joined(99));
  thread_->Advance(kJoinPatienceMin + seconds(10));
  ASSERT_TRUE(joined_);
  EXPECT_EQ(joined_->error_code(), static_cast<int32_t>(ErrorCode::kCoordinatorNotAvailable));
}

TEST_F(GroupGatewayTest, AJoinWaitsAsLongAsItsSessionAllows) {
  Join(30 * 60 * 1000);
  thread_->Advance(minutes(30));
  EXPECT_FALSE(joined_);
  thread_->Advance(seconds(10));
  EXPECT_TRUE(joined_);
}

TEST_F(GroupGatewayTest, ACancelledCallIsWithdrawnAndNeverAnswered) {
  const rpc::CallHandle call = Join();
  call.Cancel();
  EXPECT_EQ(port_.joins.cancelled, 1);
  port_.joins.Answer(Fail(ErrorCode::kNetworkException, "cancelled"));
  thread_->Advance(minutes(60));
  EXPECT_FALSE(joined_);
  EXPECT_EQ(port_.joins.requests.size(), 1u);
  call.Cancel();
}

TEST_F(GroupGatewayTest, ACallThatIsCancelledInThePauseIsNotSentAgain) {
  const rpc::CallHandle call = Join();
  port_.joins.Answer(Fail(ErrorCode::kNetworkException, "gone"));
  thread_->Run();
  call.Cancel();
  thread_->Advance(minutes(60));
  EXPECT_EQ(port_.joins.requests.size(), 1u);
  EXPECT_FALSE(joined_);
}

TEST_F(GroupGatewayTest, D11_WhatNoMessageHoldsIsRefusedHere) {
  group::v1::SyncGroupRequest request;
  request.add_assignments()->set_assignment(std::string(17 << 20, 'a'));
  std::optional<group::v1::SyncGroupReply> synced;
  gateway().Sync(std::move(request),
                 [&](group::v1::SyncGroupReply reply) { synced = std::move(reply); });
  ASSERT_TRUE(synced);
  EXPECT_EQ(synced->error_code(), static_cast<int32_t>(ErrorCode::kUnknownServerError));
  EXPECT_TRUE(port_.syncs.requests.empty());
}

TEST_F(GroupGatewayTest, ARequestWithManyGroupsIsAnsweredForEach) {
  group::v1::DescribeGroupsRequest request;
  request.add_group_ids("a");
  request.add_group_ids("b");
  std::optional<group::v1::DescribeGroupsReply> described;
  gateway().Describe(request, [&](group::v1::DescribeGroupsReply reply) { described = reply; });
  thread_->Advance(kGroupAdminPatience);
  ASSERT_TRUE(described);
  ASSERT_EQ(described->groups_size(), 2);
  EXPECT_EQ(described->groups(1).group_id(), "b");
  EXPECT_EQ(described->groups(1).error_code(),
            static_cast<int32_t>(ErrorCode::kCoordinatorNotAvailable));
}

// A group may be large: one that is named often costs what it costs once, and a reply has room for
// the first ones only.
TEST_F(GroupGatewayTest, D11_EachGroupIsDescribedOnceInAsManyCallsAsItTakes) {
  group::v1::DescribeGroupsRequest request;
  for (const char* group_id : {"b", "a", "b", "c", "a"}) request.add_group_ids(group_id);
  std::optional<group::v1::DescribeGroupsReply> described;
  gateway().Describe(request, [&](group::v1::DescribeGroupsReply reply) { described = reply; });
  const std::vector<std::string> expected = {"b", "a", "c"};
  for (size_t asked = 0; asked < expected.size(); ++asked) {
    ASSERT_EQ(port_.describes.requests.size(), asked + 1);
    const auto& ids = port_.describes.requests.back().group_ids();
    EXPECT_EQ(std::vector<std::string>(ids.begin(), ids.end()),
              std::vector<std::string>(expected.begin() + static_cast<int>(asked), expected.end()));
    EXPECT_FALSE(described);
    group::v1::DescribeGroupsReply first;
    first.add_groups()->set_group_id(ids[0]);
    port_.describes.Answer(first);
    thread_->Run();
  }
  ASSERT_TRUE(described);
  ASSERT_EQ(described->groups_size(), 3);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(described->groups(i).group_id(), expected[static_cast<size_t>(i)]);
  }
  EXPECT_EQ(port_.describes.requests.size(), 3u);
}

TEST_F(GroupGatewayTest, AReplyAboutNoGroupAtAllEndsTheDescription) {
  group::v1::DescribeConsumerGroupsRequest request;
  request.add_group_ids("a");
  std::optional<group::v1::DescribeConsumerGroupsReply> described;
  gateway().DescribeConsumers(
      request, [&](group::v1::DescribeConsumerGroupsReply reply) { described = reply; });
  port_.consumer_describes.Answer(group::v1::DescribeConsumerGroupsReply());
  thread_->Run();
  ASSERT_TRUE(described);
  ASSERT_EQ(described->groups_size(), 1);
  EXPECT_EQ(described->groups(0).error_code(),
            static_cast<int32_t>(ErrorCode::kUnknownServerError));
}

}  // namespace
}  // namespace weir::coordinator
