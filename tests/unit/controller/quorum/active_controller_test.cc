// The active controller on a Raft that a test commits by hand (D2, J-12, R-41).
#include "controller/quorum/active_controller.h"

#include <gtest/gtest.h>

#include "common/metadata/apply.h"
#include "controller/state/brokers.h"
#include "controller/state/configs.h"
#include "controller/state/topics.h"
#include "tests/unit/controller/quorum/manual_raft.h"

namespace weir::quorum {
namespace {

class ActiveControllerTest : public ManualQuorum {
 protected:
  ActiveControllerTest() : ManualQuorum(state::LivenessOptions{}) {}

  struct Answer {
    int count = 0;
    Result<admin::v1::CreateTopicsReply> reply = Fail(ErrorCode::kNone, "");
  };

  std::shared_ptr<Answer> CreateTopic(const std::string& name, const std::string& request_id = "",
                                      bool wait = false, MonoTime deadline = MonoTime::max()) {
    auto answer = std::make_shared<Answer>();
    admin::v1::CreateTopicsRequest request;
    request.add_topics()->set_name(name);
    request.mutable_topics(0)->set_partitions(1);
    request.mutable_topics(0)->set_replication_factor(1);
    Change<admin::v1::CreateTopicsReply> change;
    change.cause.set_method("CreateTopics");
    change.cause.set_request_id(request_id);
    change.cause.set_principal("User:test");
    change.wait_for_brokers = wait;
    change.deadline = deadline;
    change.decide = [request](const state::DecisionContext& context) {
      return state::CreateTopics(context, request);
    };
    change.done = [answer](Result<admin::v1::CreateTopicsReply> reply, LogIndex) {
      ++answer->count;
      answer->reply = std::move(reply);
    };
    controller_.Submit(std::move(change));
    return answer;
  }

  // A live broker whose session is `session_id`.
  void AddLiveBroker(int32_t id, uint64_t session_id) {
    RegisterBroker(id, 'd');
    liveness_.OpenSession(NodeId(id), session_id, loop_.Now());
  }
  void Applied(int32_t id, uint64_t session_id, uint64_t offset) {
    liveness_.OnHeartbeat(NodeId(id), session_id, LogIndex(offset), loop_.Now());
    controller_.CheckWaiting();
  }
};

TEST_F(ActiveControllerTest, J12_ServesOnlyAfterItsOwnStartIsCommitted) {
  EXPECT_EQ(CreateTopic("a")->reply.error().code, ErrorCode::kNotController);
  BecomeLeader(1);
  EXPECT_FALSE(controller_.active());
  EXPECT_EQ(CreateTopic("a")->reply.error().code, ErrorCode::kNotController);
  Commit();
  EXPECT_TRUE(controller_.active());
}

TEST_F(ActiveControllerTest, RepliesWaitForTheCommit) {
  Start();
  AddLiveBroker(1, 1);
  const auto answer = CreateTopic("a");
  EXPECT_EQ(answer->count, 0);
  EXPECT_NE(controller_.working().FindTopic("a"), nullptr);
  EXPECT_EQ(controller_.committed().FindTopic("a"), nullptr);
  Commit();
  ASSERT_EQ(answer->count, 1);
  ASSERT_TRUE(answer->reply);
  EXPECT_EQ(answer->reply->topics(0).error().code(), 0);
  EXPECT_NE(controller_.committed().FindTopic("a"), nullptr);
}

TEST_F(ActiveControllerTest, ALaterDecisionSeesTheUncommittedOneAndWaitsForIt) {
  Start();
  AddLiveBroker(1, 1);
  const auto first = CreateTopic("a");
  const auto second = CreateTopic("a");
  EXPECT_EQ(second->count, 0);
  Commit();
  ASSERT_EQ(second->count, 1);
  EXPECT_EQ(ErrorCodeFromNumber(second->reply->topics(0).error().code()),
            ErrorCode::kTopicAlreadyExists);
  EXPECT_EQ(first->count, 1);
}

TEST_F(ActiveControllerTest, LostLeadershipFailsEveryParkedReplyOnceAndForgetsWorking) {
  Start();
  AddLiveBroker(1, 1);
  const auto written = CreateTopic("a");
  const auto refused = CreateTopic("a");
  LoseLeadership();
  for (const auto& answer : {written, refused}) {
    ASSERT_EQ(answer->count, 1);
    EXPECT_EQ(answer->reply.error().code, ErrorCode::kNotController);
  }
  EXPECT_EQ(controller_.working().FindTopic("a"), nullptr);
  EXPECT_EQ(controller_.parked_count(), 0u);
  // What the next leader overwrote never comes back.
  raft_.log.resize(committed_);
  BecomeLeader(3);
  Commit();
  EXPECT_EQ(controller_.working().FindTopic("a"), nullptr);
  EXPECT_EQ(written->count, 1);
}

TEST_F(ActiveControllerTest, ARetriedRequestIdGetsTheFirstAnswer) {
  Start();
  AddLiveBroker(1, 1);
  const auto first = CreateTopic("a", "request-1");
  const auto while_parked = CreateTopic("a", "request-1");
  Commit();
  const auto later = CreateTopic("a", "request-1");
  EXPECT_EQ(later->count, 0);  // not before this is known to be the leader still
  ConfirmReads();
  for (const auto& answer : {while_parked, later}) {
    ASSERT_EQ(answer->count, 1);
    ASSERT_TRUE(answer->reply);
    EXPECT_EQ(answer->reply->SerializeAsString(), first->reply->SerializeAsString());
  }
  EXPECT_EQ(raft_.log.size(), committed_);
}

TEST_F(ActiveControllerTest, EveryBatchHasItsCause) {
  Start();
  AddLiveBroker(1, 1);
  CreateTopic("a", "request-1");
  metadata::v1::MetadataBatch batch;
  ASSERT_TRUE(batch.ParseFromString(*raft_.log.back().payload));
  EXPECT_EQ(batch.cause().principal(), "User:test");
  EXPECT_EQ(batch.cause().method(), "CreateTopics");
  EXPECT_EQ(batch.cause().request_id(), "request-1");
  EXPECT_GT(batch.cause().timestamp_ms(), 0);
  metadata::v1::MetadataBatch first;
  ASSERT_TRUE(first.ParseFromString(*raft_.log[1].payload));
  EXPECT_EQ(first.cause().principal(), "Controller:1");
}

TEST_F(ActiveControllerTest, WaitsForEveryLiveBroker) {
  Start();
  AddLiveBroker(1, 1);
  AddLiveBroker(2, 2);
  const auto answer = CreateTopic("a", "", /*wait=*/true);
  const uint64_t offset = raft_.log.size();
  Commit();
  Applied(1, 1, offset);
  EXPECT_EQ(answer->count, 0);
  Applied(2, 2, offset - 1);
  EXPECT_EQ(answer->count, 0);
  Applied(2, 2, offset);
  ASSERT_EQ(answer->count, 1);
  EXPECT_TRUE(answer->reply);
}

TEST_F(ActiveControllerTest, DoesNotWaitForABrokerWhoseSessionBroke) {
  Start();
  AddLiveBroker(1, 1);
  const auto answer = CreateTopic("a", "", /*wait=*/true);
  Commit();
  EXPECT_EQ(answer->count, 0);
  liveness_.OnSessionBroken(NodeId(1), 1, loop_.Now());
  controller_.CheckWaiting();
  EXPECT_EQ(answer->count, 1);
}

TEST_F(ActiveControllerTest, ANewActiveControllerWaitsForBrokersThatHaveNotReturned) {
  Start();
  AddLiveBroker(1, 1);
  AddLiveBroker(2, 2);
  LoseLeadership();
  BecomeLeader(3);
  Commit();
  const auto answer = CreateTopic("a", "", /*wait=*/true);
  Commit();
  liveness_.OpenSession(NodeId(1), 3, loop_.Now());
  Applied(1, 3, raft_.log.size());
  EXPECT_EQ(answer->count, 0);
  liveness_.OpenSession(NodeId(2), 4, loop_.Now());
  Applied(2, 4, raft_.log.size());
  EXPECT_EQ(answer->count, 1);
}

TEST_F(ActiveControllerTest, DeadlinesEndTheWaitAndSayWhatIsKnown) {
  Start();
  AddLiveBroker(1, 1);
  const MonoTime deadline = loop_.Now() + std::chrono::seconds(1);
  const auto uncommitted = CreateTopic("a", "", true, deadline);
  loop_.Advance(std::chrono::seconds(1));
  machine_.OnTick();
  ASSERT_EQ(uncommitted->count, 1);
  EXPECT_EQ(uncommitted->reply.error().code, ErrorCode::kRequestTimedOut);
  EXPECT_NE(uncommitted->reply.error().message.find("may still happen"), std::string::npos);
  Commit();
  EXPECT_EQ(uncommitted->count, 1);
  const auto unapplied = CreateTopic("b", "", true, deadline + std::chrono::seconds(1));
  Commit();
  loop_.Advance(std::chrono::seconds(1));
  machine_.OnTick();
  ASSERT_EQ(unapplied->count, 1);
  EXPECT_NE(unapplied->reply.error().message.find("is made"), std::string::npos);
}

TEST_F(ActiveControllerTest, R41_ReadsWaitForProofOfLeadership) {
  Start();
  int served = 0;
  controller_.Read(MonoTime::max(), [&](Status status) { served += status ? 1 : 100; });
  EXPECT_EQ(served, 0);
  ConfirmReads();
  EXPECT_EQ(served, 1);
  controller_.Read(MonoTime::max(), [&](Status status) { served += status ? 1 : 100; });
  LoseLeadership();
  EXPECT_EQ(served, 101);
}

TEST_F(ActiveControllerTest, ARefusedProposalChangesNothing) {
  Start();
  AddLiveBroker(1, 1);
  raft_.refuse = true;
  const auto answer = CreateTopic("a");
  ASSERT_EQ(answer->count, 1);
  EXPECT_EQ(answer->reply.error().code, ErrorCode::kThrottlingQuotaExceeded);
  EXPECT_EQ(controller_.working().FindTopic("a"), nullptr);
}

TEST_F(ActiveControllerTest, SnapshotBytesGiveTheSameImageAndDamageIsNoticed) {
  Start();
  AddLiveBroker(1, 1);
  CreateTopic("a", "request-1");
  Commit();
  const std::string bytes = machine_.Capture()();
  const auto image = ParseImage(bytes, machine_.committed().offset());
  ASSERT_TRUE(image);
  EXPECT_EQ(*image, machine_.committed());
  for (size_t at = 0; at < bytes.size(); ++at) {
    std::string damaged = bytes;
    damaged[at] ^= 4;
    EXPECT_FALSE(ParseImage(damaged, LogIndex(1))) << at;
  }
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(ParseImage(bytes.substr(0, size), LogIndex(1))) << size;
  }
}

}  // namespace
}  // namespace weir::quorum
