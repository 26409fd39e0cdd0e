// Groups as gateways meet them: over real gRPC, with three controllers of which one is active (D6,
// D7, G-08, G-11).
#include "controller/service/group_service.h"

#include <gtest/gtest.h>

#include <mutex>
#include <optional>

#include "common/metadata/group_partition.h"
#include "tests/unit/controller/service/three_controllers.h"

namespace weir::service {
namespace {

using group::v1::JoinGroupReply;
using group::v1::JoinGroupRequest;
using group::v1::SyncGroupReply;
using group::v1::SyncGroupRequest;

class GroupServiceTest : public ThreeControllers {
 protected:
  GroupServiceTest() {
    base_.defaults.static_config["group.initial.rebalance.delay.ms"] = "0";
    // No broker of these tests is fenced for its silence.
    base_.sessions.liveness.session_timeout = std::chrono::minutes(5);
  }
  void SetUp() override {
    StartAll();
    client_ = Client();
  }

  template <class Reply>
  using Answer = std::future<Result<Reply>>;

  template <class Request, class Reply>
  Answer<Reply> Call(const rpc::Method<Request, Reply>& method, const Request& request,
                     rpc::CallHandle* handle = nullptr) {
    auto promise = std::make_shared<std::promise<Result<Reply>>>();
    const rpc::CallHandle call = client_->Call<Request, Reply>(
        method, request, std::chrono::seconds(30),
        [promise](Result<Reply> reply) { promise->set_value(std::move(reply)); });
    if (handle != nullptr) *handle = call;
    return promise->get_future();
  }
  template <class Reply>
  static bool IsAnswered(const Answer<Reply>& answer) {
    return answer.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  }
  template <class Request, class Reply>
  Reply Ask(const rpc::Method<Request, Reply>& method, const Request& request) {
    Result<Reply> reply = Call(method, request).get();
    EXPECT_TRUE(reply) << ToString(reply.error());
    return reply ? *std::move(reply) : Reply();
  }

  static JoinGroupRequest JoinOf(const std::string& member_id) {
    JoinGroupRequest request;
    request.set_group_id("g");
    request.set_member_id(member_id);
    request.set_client_id("client");
    request.set_session_timeout_ms(30'000);
    request.set_rebalance_timeout_ms(60'000);
    request.set_protocol_type("consumer");
    request.set_requires_known_member_id(true);
    request.add_protocols()->set_name("range");
    return request;
  }
  static SyncGroupRequest SyncOf(const std::string& member_id, int32_t generation, bool leads) {
    SyncGroupRequest request;
    request.set_group_id("g");
    request.set_member_id(member_id);
    request.set_generation_id(generation);
    if (!leads) return request;
    request.add_assignments()->set_member_id(member_id);
    request.mutable_assignments(0)->set_assignment("all");
    return request;
  }
  group::v1::HeartbeatReply Beat(const std::string& member_id, int32_t generation) {
    group::v1::HeartbeatRequest request;
    request.set_group_id("g");
    request.set_member_id(member_id);
    request.set_generation_id(generation);
    return Ask(rpc::kHeartbeat, request);
  }

  std::string AskForId() {
    const JoinGroupReply reply = Ask(rpc::kJoinGroup, JoinOf(""));
    EXPECT_EQ(ErrorCodeFromNumber(reply.error_code()), ErrorCode::kMemberIdRequired);
    return reply.member_id();
  }
  // A stable group of one in generation 1; its member id.
  std::string StableGroup() {
    const std::string id = AskForId();
    EXPECT_EQ(Ask(rpc::kJoinGroup, JoinOf(id)).generation_id(), 1);
    EXPECT_EQ(Ask(rpc::kSyncGroup, SyncOf(id, 1, true)).assignment(), "all");
    return id;
  }
  quorum::ControllerNode& Active() { return controllers_[WaitForActive()]->node(); }
  size_t CallsThatWait() {
    quorum::ControllerNode& node = Active();
    return node.RunOnLoop<size_t>([&node] { return node.groups().call_count(); });
  }
  bool IsInState(metadata::GroupState state) {
    quorum::ControllerNode& node = Active();
    return node.RunOnLoop<bool>([&node, state] {
      const metadata::Group* group = node.committed().FindGroup("g");
      return group != nullptr && group->state == state;
    });
  }

  std::unique_ptr<rpc::ControllerClient> client_;
};

TEST_F(GroupServiceTest, D6_TheLifeOfAGroup) {
  const std::string id = StableGroup();
  EXPECT_EQ(Beat(id, 1).error_code(), 0);
  EXPECT_EQ(ErrorCodeFromNumber(Beat(id, 0).error_code()), ErrorCode::kIllegalGeneration);

  group::v1::DescribeGroupsRequest describe;
  describe.add_group_ids("g");
  EXPECT_EQ(Ask(rpc::kDescribeGroups, describe).groups(0).state(), "Stable");
  EXPECT_EQ(Ask(rpc::kListGroups, group::v1::ListGroupsRequest()).groups_size(), 1);

  group::v1::LeaveGroupRequest leave;
  leave.set_group_id("g");
  leave.add_members()->set_member_id(id);
  EXPECT_EQ(Ask(rpc::kLeaveGroup, leave).members(0).error_code(), 0);
  group::v1::DeleteGroupsRequest remove;
  remove.add_group_ids("g");
  EXPECT_EQ(Ask(rpc::kDeleteGroups, remove).groups(0).error_code(), 0);
  EXPECT_EQ(Ask(rpc::kListGroups, group::v1::ListGroupsRequest()).groups_size(), 0);
}

TEST_F(GroupServiceTest, WhoIsNotActiveSaysWhoIs) {
  const int active = WaitForActive();
  const int other = active % 3 + 1;
  const auto address = [&](int id) { return voters_[static_cast<size_t>(id - 1)].address; };
  quorum::ControllerNode& node = controllers_[other]->node();
  ASSERT_TRUE(Eventually([&] {
    return node.RunOnLoop<std::string>([&] { return node.LeaderAddress(); }) == address(active);
  }));
  std::promise<tl::expected<JoinGroupReply, rpc::RpcError>> promise;
  rpc::UnaryCall<JoinGroupRequest, JoinGroupReply>(
      rpc::ChannelTo(address(other)), rpc::kJoinGroup, JoinOf(""), kPatience, {},
      [&](auto reply) { promise.set_value(std::move(reply)); });
  const auto reply = promise.get_future().get();
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().error.code, ErrorCode::kNotController);
  EXPECT_EQ(reply.error().leader_address, address(active));
}

TEST_F(GroupServiceTest, G08_HeartbeatsAndReportsAddNoLogEntry) {
  const std::string id = StableGroup();
  quorum::ControllerNode& node = Active();
  const auto last_index = [&node] {
    return node.RunOnLoop<LogIndex>([&node] { return node.node().raft().log().last_index(); });
  };
  const LogIndex before = last_index();
  group::v1::LivenessReport report;
  report.add_groups()->set_group_id("g");
  report.mutable_groups(0)->add_members()->set_member_id(id);
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(Beat(id, 1).error_code(), 0);
    Ask(rpc::kReportLiveness, report);
  }
  EXPECT_EQ(last_index(), before);
}

TEST_F(GroupServiceTest, G11_AWaitingJoinIsAnsweredByTheNextActiveController) {
  const std::string first = StableGroup();
  const std::string second = AskForId();
  auto join = Call(rpc::kJoinGroup, JoinOf(second));
  ASSERT_TRUE(Eventually([&] { return IsInState(metadata::GroupState::kPreparingRebalance); }));
  EXPECT_FALSE(IsAnswered(join));
  const int active = WaitForActive();
  controllers_[active]->Stop(/*transfer=*/false);
  controllers_.erase(active);
  // The client's own connection begins it again. Its id is known: it was let in already.
  ASSERT_TRUE(Eventually([&] { return CallsThatWait() == 1; }));
  EXPECT_FALSE(IsAnswered(join));
  const JoinGroupReply leads = Ask(rpc::kJoinGroup, JoinOf(first));
  const auto joined = join.get();
  ASSERT_TRUE(joined) << ToString(joined.error());
  EXPECT_EQ(leads.generation_id(), 2);
  EXPECT_EQ(joined->generation_id(), 2);
  EXPECT_EQ(leads.members_size() + joined->members_size(), 2);
}

TEST_F(GroupServiceTest, ACancelledCallNoLongerWaits) {
  StableGroup();
  rpc::CallHandle handle;
  JoinGroupRequest anonymous = JoinOf("");
  anonymous.set_requires_known_member_id(false);
  auto join = Call(rpc::kJoinGroup, anonymous, &handle);
  ASSERT_TRUE(Eventually([&] { return CallsThatWait() == 1; }));
  handle.Cancel();
  EXPECT_FALSE(join.get());
  EXPECT_TRUE(Eventually([&] { return CallsThatWait() == 0; }));
  group::v1::DescribeGroupsRequest describe;
  describe.add_group_ids("g");
  EXPECT_TRUE(Eventually(
      [&] { return Ask(rpc::kDescribeGroups, describe).groups(0).members_size() == 1; }));
}

TEST_F(GroupServiceTest, D7_AnAssignmentWaitsForTheLeaderOfTheOffsetsPartition) {
  FakeBroker broker(*client_, 1);
  ASSERT_TRUE(broker.WaitUnfenced());
  ASSERT_TRUE(CreateTopic(*client_, std::string(metadata::kOffsetsTopic)));
  const std::string id = AskForId();
  EXPECT_EQ(Ask(rpc::kJoinGroup, JoinOf(id)).generation_id(), 1);
  broker.Hold(true);
  auto sync = Call(rpc::kSyncGroup, SyncOf(id, 1, true));
  ASSERT_TRUE(Eventually([&] { return IsInState(metadata::GroupState::kStable); }));
  EXPECT_FALSE(IsAnswered(sync));
  EXPECT_EQ(CallsThatWait(), 1u);
  broker.Hold(false);
  const auto reply = sync.get();
  ASSERT_TRUE(reply) << ToString(reply.error());
  EXPECT_EQ(reply->assignment(), "all");
}

// What a broker hears on its stream of calls.
struct Heard {
  std::vector<group::v1::GroupCallAnswer> answers;
  int taken = 0;
  std::optional<rpc::RpcError> end;
};

class GroupStreamServiceTest : public GroupServiceTest {
 protected:
  std::unique_ptr<rpc::GroupStream> Open() {
    const auto take = [ear = ear_](const group::v1::GroupAnswerBatch& batch) {
      std::lock_guard lock(ear->mutex);
      ear->heard.taken += batch.taken();
      ear->heard.answers.insert(ear->heard.answers.end(), batch.answers().begin(),
                                batch.answers().end());
    };
    const auto end = [ear = ear_](rpc::RpcError error) {
      std::lock_guard lock(ear->mutex);
      ear->heard.end = std::move(error);
    };
    return client_->OpenGroupStream({take, end});
  }
  Heard Now() {
    std::lock_guard lock(ear_->mutex);
    return ear_->heard;
  }
  bool IsOver() { return Now().end.has_value(); }
  static group::v1::GroupCallBatch Joins(const std::vector<std::string>& member_ids) {
    group::v1::GroupCallBatch batch;
    for (const std::string& id : member_ids) {
      auto* call = batch.add_calls();
      call->set_id(static_cast<uint64_t>(batch.calls_size()));
      *call->mutable_join() = JoinOf(id);
    }
    return batch;
  }

 private:
  // Outlives the test: a stream may end after it.
  struct Ear {
    std::mutex mutex;
    Heard heard;
  };
  const std::shared_ptr<Ear> ear_ = std::make_shared<Ear>();
};

TEST_F(GroupStreamServiceTest, CallsAreTakenAndAnswered) {
  AskForId();
  const auto stream = Open();
  stream->Send(Joins({"", "", "stranger"}));
  ASSERT_TRUE(Eventually([&] { return Now().answers.size() == 3; }));
  EXPECT_EQ(Now().taken, 3);
  for (const group::v1::GroupCallAnswer& answer : Now().answers) {
    EXPECT_EQ(ErrorCodeFromNumber(answer.join().error_code()),
              answer.id() == 3 ? ErrorCode::kUnknownMemberId : ErrorCode::kMemberIdRequired);
  }
  stream->Cancel();
  EXPECT_TRUE(Eventually([&] { return IsOver(); }));
}

TEST_F(GroupStreamServiceTest, TheEndOfABrokerWithdrawsItsCalls) {
  StableGroup();
  const std::string second = AskForId();
  {
    const auto stream = Open();
    stream->Send(Joins({second}));
    ASSERT_TRUE(Eventually([&] { return CallsThatWait() == 1; }));
  }
  EXPECT_TRUE(Eventually([&] { return IsOver(); }));
  EXPECT_TRUE(Eventually([&] { return CallsThatWait() == 0; }));
}

TEST_F(GroupStreamServiceTest, AControllerThatStopsEndsTheStream) {
  StableGroup();
  const std::string second = AskForId();
  const auto stream = Open();
  stream->Send(Joins({second}));
  ASSERT_TRUE(Eventually([&] { return CallsThatWait() == 1; }));
  const int active = WaitForActive();
  controllers_[active]->Stop(/*transfer=*/false);
  controllers_.erase(active);
  ASSERT_TRUE(Eventually([&] { return IsOver(); }));
  EXPECT_TRUE(Now().answers.empty()) << "nobody has answered: it is sent again";
}

}  // namespace
}  // namespace weir::service
