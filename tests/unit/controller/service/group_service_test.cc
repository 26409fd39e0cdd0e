// Groups as gateways meet them: over real gRPC, with three controllers of which one is active (D6,
// D7, G-08, G-11). Joins and syncs go on streams, everything else in calls of its own.
#include "controller/service/group_service.h"

#include <gtest/gtest.h>

#include <mutex>
#include <optional>

#include "common/metadata/group_partition.h"
#include "tests/support/group_requests.h"
#include "tests/unit/controller/service/three_controllers.h"

namespace weir::service {
namespace {

using group::v1::GroupCall;
using group::v1::GroupCallAnswer;
using group::v1::GroupCallBatch;
using group::v1::JoinGroupReply;
using group::v1::JoinGroupRequest;
using group::v1::SyncGroupRequest;

// A broker's stream of calls, and what it hears on it.
class CallStream {
 public:
  struct Heard {
    std::vector<GroupCallAnswer> answers;
    int taken = 0;
    std::optional<rpc::RpcError> end;
  };

  explicit CallStream(rpc::ControllerClient& client) {
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
    stream_ = client.OpenGroupStream({take, end});
  }

  // As one batch, the only one; the calls' ids are 1, 2, ...
  template <class... Requests>
  void Send(const Requests&... requests) const {
    GroupCallBatch batch;
    (Put(requests, batch.add_calls()), ...);
    for (int i = 0; i < batch.calls_size(); ++i) {
      batch.mutable_calls(i)->set_id(static_cast<uint64_t>(i + 1));
    }
    stream_->Send(std::move(batch));
  }
  void Withdraw(uint64_t id) const {
    GroupCallBatch batch;
    batch.add_cancelled(id);
    stream_->Send(std::move(batch));
  }
  // The broker has gone.
  void Drop() { stream_ = nullptr; }

  Heard Now() const {
    std::lock_guard lock(ear_->mutex);
    return ear_->heard;
  }
  bool IsOver() const { return Now().end.has_value(); }
  bool IsAnswered() const { return !Now().answers.empty(); }
  // To a stream with one call.
  GroupCallAnswer WaitForAnswer() const {
    EXPECT_TRUE(Eventually([&] { return IsAnswered(); }));
    return IsAnswered() ? Now().answers.front() : GroupCallAnswer();
  }

 private:
  // Outlives the test: a stream may end after it.
  struct Ear {
    std::mutex mutex;
    Heard heard;
  };
  static void Put(const JoinGroupRequest& request, GroupCall* call) {
    *call->mutable_join() = request;
  }
  static void Put(const SyncGroupRequest& request, GroupCall* call) {
    *call->mutable_sync() = request;
  }

  const std::shared_ptr<Ear> ear_ = std::make_shared<Ear>();
  std::unique_ptr<rpc::GroupStream> stream_;
};

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

  template <class Request, class Reply>
  Reply Ask(const rpc::Method<Request, Reply>& method, const Request& request) {
    const Result<Reply> reply = client_->CallSync(method, request, std::chrono::seconds(30));
    EXPECT_TRUE(reply) << ToString(reply.error());
    return reply.value_or(Reply());
  }
  // In one batch on a stream; when that ends before all are answered, on the next one.
  template <class... Requests>
  CallStream::Heard AskTogether(const Requests&... requests) {
    CallStream::Heard heard;
    const auto all_answered = [&] { return heard.answers.size() == sizeof...(requests); };
    EXPECT_TRUE(Eventually([&] {
      const CallStream stream(*client_);
      stream.Send(requests...);
      EXPECT_TRUE(Eventually([&] {
        heard = stream.Now();
        return all_answered() || heard.end;
      }));
      return all_answered();
    }));
    return heard;
  }
  template <class Request>
  GroupCallAnswer AskOnStream(const Request& request) {
    const CallStream::Heard heard = AskTogether(request);
    return heard.answers.empty() ? GroupCallAnswer() : heard.answers.front();
  }
  // A stream with that call, which waits at the active controller. No other call does.
  template <class Request>
  std::unique_ptr<CallStream> BeginWaiting(const Request& request) {
    std::unique_ptr<CallStream> stream;
    EXPECT_TRUE(Eventually([&] {
      stream = std::make_unique<CallStream>(*client_);
      stream->Send(request);
      return Eventually([&] { return stream->IsOver() || CallsThatWait() == 1; }) &&
             !stream->IsOver();
    }));
    return stream;
  }

  static JoinGroupRequest JoinOf(const std::string& member_id) {
    JoinGroupRequest request = test::JoinOf("g", member_id);
    request.set_session_timeout_ms(30'000);
    return request;
  }
  JoinGroupReply Join(const std::string& member_id) {
    return AskOnStream(JoinOf(member_id)).join();
  }
  // Of the only member, which leads.
  static SyncGroupRequest SyncOf(const std::string& member_id, int32_t generation) {
    return test::SyncOf("g", member_id, generation, {{member_id, "all"}});
  }
  group::v1::HeartbeatReply Beat(const std::string& member_id, int32_t generation) {
    return Ask(rpc::kHeartbeat, test::HeartbeatOf("g", member_id, generation));
  }

  std::string AskForId() {
    const JoinGroupReply reply = Join("");
    EXPECT_EQ(ErrorCodeFromNumber(reply.error_code()), ErrorCode::kMemberIdRequired);
    return reply.member_id();
  }
  // A stable group of one in generation 1; its member id.
  std::string StableGroup() {
    const std::string id = AskForId();
    EXPECT_EQ(Join(id).generation_id(), 1);
    EXPECT_EQ(AskOnStream(SyncOf(id, 1)).sync().assignment(), "all");
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
  using Request = group::v1::LeaveGroupRequest;
  using Reply = group::v1::LeaveGroupReply;
  std::promise<tl::expected<Reply, rpc::RpcError>> promise;
  rpc::UnaryCall<Request, Reply>(rpc::ChannelTo(address(other)), rpc::kLeaveGroup, Request(),
                                 kPatience, {},
                                 [&](auto reply) { promise.set_value(std::move(reply)); });
  const auto reply = promise.get_future().get();
  ASSERT_FALSE(reply);
  rpc::ControllerClient knows_one({address(other)}, {.tool = "test"});
  CallStream stream(knows_one);
  stream.Send(JoinOf(""));
  ASSERT_TRUE(Eventually([&] { return stream.IsOver(); }));
  for (const rpc::RpcError& end : {reply.error(), *stream.Now().end}) {
    EXPECT_EQ(end.error.code, ErrorCode::kNotController);
    EXPECT_EQ(end.leader_address, address(active));
  }
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
  const auto ends = BeginWaiting(JoinOf(second));
  ASSERT_TRUE(Eventually([&] { return IsInState(metadata::GroupState::kPreparingRebalance); }));
  const int active = WaitForActive();
  controllers_[active]->Stop(/*transfer=*/false);
  controllers_.erase(active);
  ASSERT_TRUE(Eventually([&] { return ends->IsOver(); }));
  EXPECT_FALSE(ends->IsAnswered()) << "nobody has answered: it is sent again";
  // Its id is known: it was let in already.
  const auto waits = BeginWaiting(JoinOf(second));
  EXPECT_FALSE(waits->IsAnswered());
  const JoinGroupReply leads = Join(first);
  const JoinGroupReply joined = waits->WaitForAnswer().join();
  EXPECT_EQ(leads.generation_id(), 2);
  EXPECT_EQ(joined.generation_id(), 2);
  EXPECT_EQ(leads.members_size() + joined.members_size(), 2);
}

TEST_F(GroupServiceTest, ACancelledCallNoLongerWaits) {
  StableGroup();
  JoinGroupRequest anonymous = JoinOf("");
  anonymous.set_requires_known_member_id(false);
  const auto stream = BeginWaiting(anonymous);
  stream->Withdraw(1);
  EXPECT_TRUE(Eventually([&] { return CallsThatWait() == 0; }));
  group::v1::DescribeGroupsRequest describe;
  describe.add_group_ids("g");
  EXPECT_TRUE(Eventually(
      [&] { return Ask(rpc::kDescribeGroups, describe).groups(0).members_size() == 1; }));
  EXPECT_FALSE(stream->IsAnswered());
}

TEST_F(GroupServiceTest, TheEndOfABrokerWithdrawsItsCalls) {
  StableGroup();
  const auto stream = BeginWaiting(JoinOf(AskForId()));
  stream->Drop();
  EXPECT_TRUE(Eventually([&] { return stream->IsOver(); }));
  EXPECT_TRUE(Eventually([&] { return CallsThatWait() == 0; }));
}

TEST_F(GroupServiceTest, CallsOfOneBatchAreTakenAndAnswered) {
  AskForId();
  const CallStream::Heard heard = AskTogether(JoinOf(""), JoinOf(""), JoinOf("stranger"));
  EXPECT_EQ(heard.taken, 3);
  for (const GroupCallAnswer& answer : heard.answers) {
    EXPECT_EQ(ErrorCodeFromNumber(answer.join().error_code()),
              answer.id() == 3 ? ErrorCode::kUnknownMemberId : ErrorCode::kMemberIdRequired);
  }
}

TEST_F(GroupServiceTest, D7_AnAssignmentWaitsForTheLeaderOfTheOffsetsPartition) {
  FakeBroker broker(*client_, 1);
  ASSERT_TRUE(broker.WaitUnfenced());
  ASSERT_TRUE(CreateTopic(*client_, std::string(metadata::kOffsetsTopic)));
  const std::string id = AskForId();
  EXPECT_EQ(Join(id).generation_id(), 1);
  broker.Hold(true);
  const auto sync = BeginWaiting(SyncOf(id, 1));
  ASSERT_TRUE(Eventually([&] { return IsInState(metadata::GroupState::kStable); }));
  EXPECT_FALSE(sync->IsAnswered());
  EXPECT_EQ(CallsThatWait(), 1u);
  broker.Hold(false);
  EXPECT_EQ(sync->WaitForAnswer().sync().assignment(), "all");
}

}  // namespace
}  // namespace weir::service
