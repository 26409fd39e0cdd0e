// IsrUpdates: how proposals travel to the controller, and what comes back to the partition.
#include "broker/metadata/isr_updates.h"

#include <gtest/gtest.h>

#include "tests/support/manual_executor.h"
#include "tests/unit/broker/handlers/fake_controllers.h"

namespace weir::broker {
namespace {

// Keeps calls until the test answers them.
class Controllers : public handlers::FakeControllers {
 public:
  using FakeControllers::FakeControllers;
  void AlterPartition(v1::AlterPartitionRequest request, Duration,
                      ReplyDone<v1::AlterPartitionReply> done) override {
    requests.push_back(std::move(request));
    dones.push_back(std::move(done));
  }

  std::vector<v1::AlterPartitionRequest> requests;
  std::vector<ReplyDone<v1::AlterPartitionReply>> dones;
};

class IsrUpdatesTest : public testing::Test {
 protected:
  void Propose(int32_t partition, int32_t partition_epoch) {
    updates.Propose({{}, PartitionIndex(partition)},
                    {LeaderEpoch(3), PartitionEpoch(partition_epoch), {{NodeId(1)}, {NodeId(2)}}},
                    [this](replica::IsrAnswer answer) { answers.push_back(std::move(answer)); });
    thread->Run();
  }
  static v1::AlterPartitionReply Reply(ErrorCode error) {
    v1::AlterPartitionReply reply;
    reply.add_partitions()->set_error_code(static_cast<int32_t>(error));
    return reply;
  }

  std::shared_ptr<test::ManualExecutor> thread = std::make_shared<test::ManualExecutor>();
  Controllers controllers{thread, NodeId(1)};
  IsrUpdates updates{thread, controllers, NodeId(1), [] { return BrokerEpoch(77); }};
  std::vector<replica::IsrAnswer> answers;
};

TEST_F(IsrUpdatesTest, WhatComesDuringACallGoesTogetherInTheNextOne) {
  Propose(0, 5);
  Propose(1, 5);
  Propose(2, 5);
  Propose(2, 6);
  ASSERT_EQ(controllers.requests.size(), 1u);
  EXPECT_EQ(controllers.requests[0].broker_epoch(), 77);
  controllers.dones[0](Reply(ErrorCode::kNone));
  ASSERT_EQ(controllers.requests.size(), 2u);
  ASSERT_EQ(controllers.requests[1].partitions_size(), 2);
  EXPECT_EQ(controllers.requests[1].partitions(1).partition_epoch(), 6) << "the newer one";
}

// A refusal without the epochs of its proposal was taken for another's: the partition waited for
// ever, and its high watermark with it.
TEST_F(IsrUpdatesTest, ARefusalNamesTheProposalItAnswers) {
  Propose(0, 5);
  controllers.dones[0](Reply(ErrorCode::kIneligibleReplica));
  Propose(0, 6);
  controllers.dones[1](Fail(ErrorCode::kRequestTimedOut, "no controller"));
  ASSERT_EQ(answers.size(), 2u);
  EXPECT_EQ(answers[0].error, ErrorCode::kIneligibleReplica);
  EXPECT_EQ(answers[0].leader_epoch, LeaderEpoch(3));
  EXPECT_EQ(answers[0].asked, PartitionEpoch(5));
  EXPECT_EQ(answers[1].error, ErrorCode::kRequestTimedOut);
  EXPECT_EQ(answers[1].leader_epoch, LeaderEpoch(3));
  EXPECT_EQ(answers[1].asked, PartitionEpoch(6));
}

TEST_F(IsrUpdatesTest, ReplicasGivenUpTravelWithTheProposals) {
  Propose(0, 5);
  std::optional<replica::GivenUpAnswer> given_up;
  updates.GiveUp({{}, PartitionIndex(9)},
                 [&](replica::GivenUpAnswer answer) { given_up = answer; });
  Propose(1, 5);
  controllers.dones[0](Reply(ErrorCode::kNone));
  ASSERT_EQ(controllers.requests.size(), 2u);
  EXPECT_EQ(controllers.requests[1].partitions_size(), 1);
  ASSERT_EQ(controllers.requests[1].given_up_size(), 1);
  EXPECT_EQ(controllers.requests[1].given_up(0).partition(), 9);
  v1::AlterPartitionReply reply = Reply(ErrorCode::kNone);
  reply.add_given_up()->set_leader_epoch(4);
  controllers.dones[1](reply);
  ASSERT_TRUE(given_up);
  EXPECT_EQ(given_up->error, ErrorCode::kNone);
  EXPECT_EQ(given_up->leader_epoch, LeaderEpoch(4));
}

TEST_F(IsrUpdatesTest, NewsOfOfflineReplicasIsAwaited) {
  bool settled = false;
  updates.AfterStorage([&] { settled = true; });
  thread->Run();
  EXPECT_TRUE(settled) << "there is nothing to wait for";

  std::vector<ErrorCode> told;
  const auto tell = [&](int32_t partition, bool offline) {
    updates.TellStorage({{}, PartitionIndex(partition)}, offline,
                        [&](ErrorCode error) { told.push_back(error); });
  };
  tell(1, true);
  tell(2, false);
  settled = false;
  updates.AfterStorage([&] { settled = true; });
  thread->Run();
  ASSERT_EQ(controllers.requests.size(), 1u);
  ASSERT_EQ(controllers.requests[0].storage_size(), 1);
  EXPECT_TRUE(controllers.requests[0].storage(0).offline());
  v1::AlterPartitionReply reply;
  reply.add_storage();
  controllers.dones[0](reply);
  EXPECT_FALSE(settled) << "the second is still under way";
  ASSERT_EQ(controllers.requests.size(), 2u);
  EXPECT_FALSE(controllers.requests[1].storage(0).offline());
  controllers.dones[1](Fail(ErrorCode::kRequestTimedOut, "no controller"));
  EXPECT_TRUE(settled) << "whatever it said";
  EXPECT_EQ(told, (std::vector{ErrorCode::kNone, ErrorCode::kRequestTimedOut}));
}

// While no controller answers a replica is told of again and again.
TEST_F(IsrUpdatesTest, NewsThatIsRepeatedIsNotAwaitedForEver) {
  int told = 0;
  const auto tell = [&] {
    updates.TellStorage({{}, PartitionIndex(1)}, true, [&](ErrorCode) { ++told; });
    thread->Run();
  };
  bool settled = false;
  tell();
  updates.AfterStorage([&] { settled = true; });
  tell();
  tell();
  controllers.dones[0](Fail(ErrorCode::kRequestTimedOut, "no controller"));
  EXPECT_TRUE(settled);
  ASSERT_EQ(controllers.requests.size(), 2u);
  EXPECT_EQ(controllers.requests[1].storage_size(), 1) << "once is enough";
  controllers.dones[1](Fail(ErrorCode::kRequestTimedOut, "no controller"));
  EXPECT_EQ(told, 2);
}

TEST_F(IsrUpdatesTest, I18_EndsOfLogsTravelWithTheNextCall) {
  const replica::TopicPartition partition{{}, PartitionIndex(9)};
  updates.ReportLogEnd(partition, {LeaderEpoch(3), Offset(70)});
  thread->Run();
  ASSERT_EQ(controllers.requests.size(), 1u);
  updates.ReportLogEnd(partition, {LeaderEpoch(3), Offset(71)});
  updates.ReportLogEnd(partition, {LeaderEpoch(4), Offset(72)});
  thread->Run();
  controllers.dones[0](Fail(ErrorCode::kRequestTimedOut, "no controller"));
  ASSERT_EQ(controllers.requests.size(), 2u);
  ASSERT_EQ(controllers.requests[1].log_ends_size(), 1) << "the newest is enough";
  EXPECT_EQ(controllers.requests[1].log_ends(0).partition(), 9);
  EXPECT_EQ(controllers.requests[1].log_ends(0).leader_epoch(), 4);
  EXPECT_EQ(controllers.requests[1].log_ends(0).end_offset(), 72);
  controllers.dones[1](Reply(ErrorCode::kNone));
  EXPECT_EQ(controllers.requests.size(), 2u) << "each once";
}

}  // namespace
}  // namespace weir::broker
