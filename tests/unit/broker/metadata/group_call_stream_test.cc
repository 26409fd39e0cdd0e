// GroupCallStream: one batch on its way, and every call answered though streams end
// (proto/group_stream.proto).
#include "broker/metadata/group_call_stream.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/base/group_stream_limits.h"
#include "tests/support/manual_executor.h"

namespace weir::broker {
namespace {

using group::v1::GroupAnswerBatch;
using group::v1::GroupCallBatch;
using group::v1::JoinGroupReply;
using group::v1::JoinGroupRequest;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int kBatch = limits::kGroupBatchCallsMax;

class FakeStreams : public GroupStreamPort {
 public:
  struct Opened {
    rpc::GroupStreamEvents events;
    std::vector<GroupCallBatch> sent;
  };
  std::unique_ptr<rpc::GroupStream> OpenGroupStream(rpc::GroupStreamEvents events) override {
    opened.push_back(std::make_shared<Opened>());
    opened.back()->events = std::move(events);
    return std::make_unique<Stream>(opened.back());
  }
  std::vector<std::shared_ptr<Opened>> opened;

 private:
  class Stream : public rpc::GroupStream {
   public:
    explicit Stream(std::shared_ptr<Opened> opened) : opened_(std::move(opened)) {}
    void Send(GroupCallBatch batch) override { opened_->sent.push_back(std::move(batch)); }
    void Cancel() override {}

   private:
    std::shared_ptr<Opened> opened_;
  };
};

class GroupCallStreamTest : public testing::Test {
 protected:
  struct Answer {
    int count = 0;
    Result<JoinGroupReply> reply = Fail(ErrorCode::kNone, "");
    rpc::CallHandle handle;
  };
  std::shared_ptr<Answer> Join(const std::string& member_id, Duration timeout = seconds(60)) {
    auto answer = std::make_shared<Answer>();
    JoinGroupRequest request;
    request.set_member_id(member_id);
    answer->handle =
        calls_.Call(std::move(request), timeout, [answer](Result<JoinGroupReply> reply) {
          ++answer->count;
          answer->reply = std::move(reply);
        });
    thread_->Run();
    return answer;
  }
  std::vector<std::shared_ptr<Answer>> JoinMany(int count) {
    std::vector<std::shared_ptr<Answer>> answers;
    for (int i = 0; i < count; ++i) answers.push_back(Join("m" + std::to_string(i)));
    return answers;
  }

  FakeStreams::Opened& last() { return *streams_.opened.back(); }
  const GroupCallBatch& LastBatch() { return last().sent.back(); }
  static GroupAnswerBatch Taken(int count) {
    GroupAnswerBatch batch;
    batch.set_taken(count);
    return batch;
  }
  // Of generation 7.
  static void AddAnswer(uint64_t id, GroupAnswerBatch* batch) {
    auto* answer = batch->add_answers();
    answer->set_id(id);
    answer->mutable_join()->set_generation_id(7);
  }
  void Receive(GroupAnswerBatch batch) {
    last().events.on_reply(std::move(batch));
    thread_->Run();
  }
  void End(ErrorCode error, const std::string& leader_address = "") {
    const auto ended = streams_.opened.back();
    ended->events.on_end({{error, "test"}, leader_address});
    thread_->Run();
  }

  std::shared_ptr<test::ManualExecutor> thread_ = std::make_shared<test::ManualExecutor>();
  FakeStreams streams_;
  GroupCallStream calls_{thread_, streams_};
};

TEST_F(GroupCallStreamTest, ThereIsAStreamOnceThereWasACall) {
  thread_->Advance(seconds(10));
  EXPECT_TRUE(streams_.opened.empty());
  const auto answer = Join("a");
  ASSERT_EQ(streams_.opened.size(), 1u);
  ASSERT_EQ(LastBatch().calls_size(), 1);
  EXPECT_EQ(LastBatch().calls(0).join().member_id(), "a");
  GroupAnswerBatch batch = Taken(1);
  AddAnswer(LastBatch().calls(0).id(), &batch);
  Receive(std::move(batch));
  ASSERT_EQ(answer->count, 1);
  EXPECT_EQ(answer->reply->generation_id(), 7);
}

TEST_F(GroupCallStreamTest, OneBatchIsOnItsWayAndWhatComesMeanwhileIsTheNext) {
  const auto answers = JoinMany(2 * kBatch + 2);
  ASSERT_EQ(last().sent.size(), 1u);
  EXPECT_EQ(LastBatch().calls_size(), 1);
  Receive(Taken(1));
  ASSERT_EQ(last().sent.size(), 2u);
  EXPECT_EQ(LastBatch().calls_size(), kBatch);
  EXPECT_EQ(LastBatch().calls(0).join().member_id(), "m1");
  Receive(Taken(kBatch - 1));
  EXPECT_EQ(last().sent.size(), 2u) << "one call is not taken yet";
  Receive(Taken(1));
  EXPECT_EQ(LastBatch().calls_size(), kBatch);
  Receive(Taken(kBatch));
  EXPECT_EQ(LastBatch().calls_size(), 1);
  EXPECT_EQ(LastBatch().calls(0).join().member_id(), "m" + std::to_string(2 * kBatch + 1));
  Receive(Taken(1));
  EXPECT_EQ(last().sent.size(), 4u);
  for (const auto& answer : answers) EXPECT_EQ(answer->count, 0) << "they wait at the controller";
}

TEST_F(GroupCallStreamTest, LargeCallsGoAlone) {
  Join("first");
  Join(std::string(limits::kGroupBatchBytesMax, 'x'));
  Join("small");
  Receive(Taken(1));
  EXPECT_EQ(LastBatch().calls_size(), 1);
  Receive(Taken(1));
  EXPECT_EQ(LastBatch().calls(0).join().member_id(), "small");
}

TEST_F(GroupCallStreamTest, ACancelledCallIsWithdrawnAndNotAnswered) {
  const auto sent = Join("sent");
  const auto unsent = Join("unsent");
  const auto other = Join("other");
  sent->handle.Cancel();
  unsent->handle.Cancel();
  thread_->Run();
  EXPECT_EQ(last().sent.size(), 1u);
  const uint64_t id = LastBatch().calls(0).id();
  GroupAnswerBatch batch = Taken(1);
  AddAnswer(id, &batch);
  Receive(std::move(batch));
  ASSERT_EQ(LastBatch().cancelled_size(), 1);
  EXPECT_EQ(LastBatch().cancelled(0), id);
  ASSERT_EQ(LastBatch().calls_size(), 1);
  EXPECT_EQ(LastBatch().calls(0).join().member_id(), "other");
  const size_t batches = last().sent.size();
  Join("next");
  Receive(Taken(1));
  EXPECT_EQ(last().sent.size(), batches) << "what is cancelled is taken like a call";
  Receive(Taken(1));
  EXPECT_EQ(last().sent.size(), batches + 1);
  EXPECT_EQ(sent->count + unsent->count + other->count, 0);
  sent->handle.Cancel();
  thread_->Run();
}

TEST_F(GroupCallStreamTest, WhatWasNotAnsweredGoesAgainOnTheNextStream) {
  const auto answers = JoinMany(3);
  Receive(Taken(1));
  ASSERT_EQ(LastBatch().calls_size(), 2);
  GroupAnswerBatch batch = Taken(0);
  AddAnswer(LastBatch().calls(0).id(), &batch);
  Receive(std::move(batch));
  EXPECT_EQ(answers[1]->count, 1);
  End(ErrorCode::kNetworkException);
  EXPECT_EQ(streams_.opened.size(), 1u) << "not at once: nobody may be there";
  Join("m3");
  EXPECT_EQ(streams_.opened.size(), 1u);
  thread_->Advance(milliseconds(100));
  ASSERT_EQ(streams_.opened.size(), 2u);
  ASSERT_EQ(LastBatch().calls_size(), 3);
  EXPECT_EQ(LastBatch().calls(0).join().member_id(), "m0");
  EXPECT_EQ(LastBatch().calls(1).join().member_id(), "m2");
  EXPECT_EQ(LastBatch().calls(2).join().member_id(), "m3");
  for (const int i : {0, 2}) EXPECT_EQ(answers[static_cast<size_t>(i)]->count, 0);
}

TEST_F(GroupCallStreamTest, AnEndOfAnOlderStreamChangesNothing) {
  Join("a");
  const auto first = streams_.opened.back();
  End(ErrorCode::kNotController, "next:1");
  ASSERT_EQ(streams_.opened.size(), 2u) << "at once: it was told who leads";
  first->events.on_end({{ErrorCode::kNetworkException, "late"}, ""});
  first->events.on_reply(Taken(1));
  thread_->Advance(seconds(1));
  EXPECT_EQ(streams_.opened.size(), 2u);
  EXPECT_EQ(last().sent.size(), 1u);
}

TEST_F(GroupCallStreamTest, ControllersThatNameOneAnotherAreNotFollowedForLong) {
  Join("a");
  for (int i = 0; i < 2; ++i) End(ErrorCode::kNotController, "other:1");
  EXPECT_EQ(streams_.opened.size(), 3u);
  End(ErrorCode::kNotController, "other:1");
  EXPECT_EQ(streams_.opened.size(), 3u);
  thread_->Advance(milliseconds(100));
  EXPECT_EQ(streams_.opened.size(), 4u);
}

TEST_F(GroupCallStreamTest, WithoutCallsNoStreamIsOpenedAgain) {
  const auto answer = Join("a");
  GroupAnswerBatch batch = Taken(1);
  AddAnswer(LastBatch().calls(0).id(), &batch);
  Receive(std::move(batch));
  End(ErrorCode::kNetworkException);
  thread_->Advance(seconds(10));
  EXPECT_EQ(streams_.opened.size(), 1u);
  EXPECT_EQ(thread_->timers(), 0u);
  Join("b");
  EXPECT_EQ(streams_.opened.size(), 2u);
}

TEST_F(GroupCallStreamTest, ACallThatNobodyAnswersEndsAfterItsTimeout) {
  const auto brief = Join("brief", seconds(5));
  const auto patient = Join("patient", seconds(60));
  Receive(Taken(1));
  Receive(Taken(1));
  thread_->Advance(seconds(4));
  EXPECT_EQ(brief->count, 0);
  thread_->Advance(seconds(3));
  ASSERT_EQ(brief->count, 1);
  EXPECT_EQ(brief->reply.error().code, ErrorCode::kRequestTimedOut);
  EXPECT_EQ(LastBatch().cancelled_size(), 1) << "the controller hears of it";
  EXPECT_EQ(patient->count, 0);
}

TEST_F(GroupCallStreamTest, ACallThatTheControllerRefusesEndsWithTheReason) {
  const auto answer = Join("a");
  GroupAnswerBatch batch = Taken(1);
  auto* refused = batch.add_answers();
  refused->set_id(LastBatch().calls(0).id());
  refused->set_failed_code(static_cast<int32_t>(ErrorCode::kCoordinatorNotAvailable));
  Receive(std::move(batch));
  ASSERT_EQ(answer->count, 1);
  EXPECT_EQ(answer->reply.error().code, ErrorCode::kCoordinatorNotAvailable);
}

}  // namespace
}  // namespace weir::broker
