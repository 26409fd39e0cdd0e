// Streams of calls about groups on the active controller: batches are taken in turns, answers
// gather, and an end withdraws what waits (proto/group_stream.proto).
#include "controller/quorum/group_streams.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/base/group_stream_limits.h"
#include "common/base/limits.h"
#include "tests/unit/controller/quorum/group_calls_harness.h"

namespace weir::quorum {
namespace {

using group::v1::GroupAnswerBatch;
using group::v1::GroupCallAnswer;
using group::v1::GroupCallBatch;

class GroupStreamsTest : public GroupCallsTest {
 protected:
  // One broker's end.
  struct Broker {
    GroupStreams::StreamId id = 0;
    std::vector<GroupAnswerBatch> received;
    std::optional<Error> end;
  };
  class Handle : public GroupStreamHandle {
   public:
    explicit Handle(std::shared_ptr<Broker> broker) : broker_(std::move(broker)) {}
    void Send(GroupAnswerBatch batch) override { broker_->received.push_back(std::move(batch)); }
    void End(const Error& reason) override { broker_->end = reason; }

   private:
    const std::shared_ptr<Broker> broker_;
  };

  GroupStreamsTest() { machine_.AddListener(&streams_); }

  std::shared_ptr<Broker> Open() {
    auto broker = std::make_shared<Broker>();
    broker->id = streams_.Open(std::make_unique<Handle>(broker));
    return broker;
  }
  static void AddJoin(uint64_t id, const std::string& member_id, GroupCallBatch* batch) {
    auto* call = batch->add_calls();
    call->set_id(id);
    *call->mutable_join() = JoinOf(member_id);
  }
  static GroupCallBatch JoinBatch(uint64_t id, const std::string& member_id) {
    GroupCallBatch batch;
    AddJoin(id, member_id, &batch);
    return batch;
  }
  void Send(const Broker& broker, const GroupCallBatch& batch) {
    streams_.OnBatch(broker.id, batch);
    loop_.Run();
  }
  // Has the broker read whatever comes.
  void ReadAll(Broker& broker) {
    for (size_t read = 0; read != broker.received.size();) {
      read = broker.received.size();
      streams_.OnSent(broker.id);
      loop_.Run();
    }
  }
  static std::vector<GroupCallAnswer> AnswersOf(const Broker& broker) {
    std::vector<GroupCallAnswer> answers;
    for (const GroupAnswerBatch& batch : broker.received) {
      answers.insert(answers.end(), batch.answers().begin(), batch.answers().end());
    }
    return answers;
  }
  static int TakenBy(const Broker& broker) {
    int taken = 0;
    for (const GroupAnswerBatch& batch : broker.received) taken += batch.taken();
    return taken;
  }

  GroupStreams streams_{loop_, controller_, groups_};
};

TEST_F(GroupStreamsTest, ABatchIsTakenAtOnceAndAnsweredWhenItIsTrue) {
  const auto broker = Open();
  GroupCallBatch batch;
  for (const uint64_t id : {1u, 2u}) AddJoin(id, "", &batch);
  Send(*broker, batch);
  EXPECT_EQ(TakenBy(*broker), 2);
  EXPECT_TRUE(AnswersOf(*broker).empty()) << "not proven to be the leader (R-41)";
  ConfirmReads();
  ReadAll(*broker);
  const auto answers = AnswersOf(*broker);
  ASSERT_EQ(answers.size(), 2u);
  EXPECT_EQ(answers[0].id(), 1u);
  EXPECT_EQ(ErrorCodeFromNumber(answers[0].join().error_code()), ErrorCode::kMemberIdRequired);
  EXPECT_EQ(TakenBy(*broker), 2);
  EXPECT_EQ(groups_.call_count(), 0u);
}

TEST_F(GroupStreamsTest, OneMessageIsOnItsWayAndAnswersGatherMeanwhile) {
  const auto broker = Open();
  Send(*broker, JoinBatch(1, ""));
  ASSERT_EQ(broker->received.size(), 1u);
  for (const uint64_t id : {2u, 3u, 4u}) Send(*broker, JoinBatch(id, ""));
  ConfirmReads();
  loop_.Run();
  EXPECT_EQ(broker->received.size(), 1u);
  ReadAll(*broker);
  ASSERT_EQ(broker->received.size(), 2u);
  EXPECT_EQ(broker->received[1].answers_size(), 4);
  EXPECT_EQ(broker->received[1].taken(), 3);
}

// A generation is told to all its members at once: no message is beyond its limit.
TEST_F(GroupStreamsTest, ManyAnswersAreSeveralMessages) {
  constexpr int kMany = 2 * limits::kGroupBatchAnswersMax + 1;
  const auto broker = Open();
  GroupCallBatch batch;
  for (int i = 1; i <= kMany; ++i) AddJoin(static_cast<uint64_t>(i), "", &batch);
  Send(*broker, batch);
  ConfirmReads();
  while (AnswersOf(*broker).size() < static_cast<size_t>(kMany)) {
    ReadAll(*broker);
    loop_.Advance(limits::kGroupAnswerTurn);
  }
  EXPECT_EQ(AnswersOf(*broker).size(), static_cast<size_t>(kMany));
  for (const GroupAnswerBatch& received : broker->received) {
    EXPECT_LE(received.answers_size(), limits::kGroupBatchAnswersMax);
  }
}

TEST_F(GroupStreamsTest, AnswersOfAllStreamsGoAtAPaceInTurns) {
  constexpr int kEach = limits::kGroupAnswersAtOnce;
  const std::vector<std::shared_ptr<Broker>> brokers = {Open(), Open(), Open()};
  const auto answered = [&brokers] {
    std::vector<int> counts;
    counts.reserve(brokers.size());
    for (const auto& broker : brokers) {
      counts.push_back(static_cast<int>(AnswersOf(*broker).size()));
    }
    return counts;
  };
  const auto total = [&answered] {
    const std::vector<int> counts = answered();
    return std::accumulate(counts.begin(), counts.end(), 0);
  };
  const auto read = [&] {
    for (const auto& broker : brokers) ReadAll(*broker);
  };
  Advance(seconds(1));
  for (const auto& broker : brokers) {
    GroupCallBatch batch;
    for (int i = 1; i <= kEach; ++i) AddJoin(static_cast<uint64_t>(i), "", &batch);
    Send(*broker, batch);
  }
  ConfirmReads();
  loop_.Run();
  read();
  EXPECT_EQ(total(), limits::kGroupAnswersAtOnce) << "after quiet, at once";
  const MonoTime start = loop_.Now();
  while (total() < 2 * kEach) {
    loop_.Advance(limits::kGroupAnswerTurn);
    read();
  }
  const Duration took = loop_.Now() - start;
  EXPECT_GE(took, kEach * limits::kGroupAnswerPace - limits::kGroupAnswerTurn);
  EXPECT_LE(took, kEach * limits::kGroupAnswerPace + 2 * limits::kGroupAnswerTurn);
  const std::vector<int> counts = answered();
  EXPECT_LE(std::abs(counts[1] - counts[2]), limits::kGroupAnswerTurn / limits::kGroupAnswerPace);
  // What a broker may send next does not wait for the pace.
  Send(*brokers[0], JoinBatch(kEach + 1, ""));
  EXPECT_EQ(TakenBy(*brokers[0]), kEach + 1);
  while (total() < 3 * kEach) {
    loop_.Advance(limits::kGroupAnswerTurn);
    read();
  }
}

TEST_F(GroupStreamsTest, ACancelledCallNoLongerWaits) {
  const std::string id = AskForId();
  const auto broker = Open();
  Send(*broker, JoinBatch(1, id));
  EXPECT_EQ(groups_.call_count(), 1u);
  GroupCallBatch batch;
  batch.add_cancelled(1);
  batch.add_cancelled(99);
  Send(*broker, batch);
  ReadAll(*broker);
  EXPECT_EQ(groups_.call_count(), 0u);
  EXPECT_EQ(TakenBy(*broker), 3) << "what is cancelled counts, known or not";
  Advance(seconds(7));
  ReadAll(*broker);
  EXPECT_TRUE(AnswersOf(*broker).empty());
}

TEST_F(GroupStreamsTest, TheEndOfAStreamWithdrawsItsCallsAndNoOthers) {
  const std::string mine = AskForId();
  const std::string theirs = AskForId();
  const auto gone = Open();
  const auto stays = Open();
  Send(*gone, JoinBatch(1, mine));
  Send(*stays, JoinBatch(1, theirs));
  CommitAll();
  EXPECT_EQ(groups_.call_count(), 2u);
  streams_.OnEnd(gone->id);
  EXPECT_EQ(groups_.call_count(), 1u);
  Advance(seconds(7));
  ReadAll(*stays);
  ASSERT_EQ(AnswersOf(*stays).size(), 1u);
  EXPECT_TRUE(AnswersOf(*gone).empty());
  // Late events of a stream that is gone.
  Send(*gone, JoinBatch(2, ""));
  streams_.OnSent(gone->id);
  streams_.OnEnd(gone->id);
  EXPECT_EQ(groups_.call_count(), 0u);
}

TEST_F(GroupStreamsTest, LostLeadershipEndsAllStreams) {
  const std::vector<std::string> ids = {AskForId(), AskForId()};
  const auto waits = Open();
  const auto idle = Open();
  GroupCallBatch batch;
  AddJoin(1, ids[0], &batch);
  AddJoin(2, ids[1], &batch);
  AddJoin(3, "", &batch);
  Send(*waits, batch);
  LoseLeadership();
  loop_.Run();
  for (const auto& broker : {waits, idle}) {
    ASSERT_TRUE(broker->end);
    EXPECT_EQ(broker->end->code, ErrorCode::kNotController);
  }
  EXPECT_EQ(groups_.call_count(), 0u);
  const auto late = Open();
  ASSERT_TRUE(late->end);
  EXPECT_EQ(late->end->code, ErrorCode::kNotController);
}

// With entries that were decided and not committed: the image goes back, and calls that wait must
// not be withdrawn from a coordinator that has not heard of it.
TEST_F(GroupStreamsTest, LostLeadershipWithUncommittedJoins) {
  const auto broker = Open();
  std::vector<std::string> ids;
  for (int i = 0; i < 3; ++i) ids.push_back(AskForId());
  GroupCallBatch batch;
  for (size_t i = 0; i < ids.size(); ++i) AddJoin(i + 1, ids[i], &batch);
  AddJoin(9, "", &batch);
  Send(*broker, batch);
  ASSERT_GT(raft_.log.size(), committed_);
  FailOver();
  ASSERT_TRUE(broker->end);
  EXPECT_EQ(groups_.call_count(), 0u);
  const auto next = Open();
  Send(*next, JoinBatch(1, ""));
  ConfirmReads();
  ReadAll(*next);
  EXPECT_EQ(AnswersOf(*next).size(), 1u);
}

TEST_F(GroupStreamsTest, ACallOfAKindThatIsNotKnownFailsAlone) {
  const auto broker = Open();
  GroupCallBatch batch;
  batch.add_calls()->set_id(1);
  AddJoin(2, "", &batch);
  Send(*broker, batch);
  ConfirmReads();
  ReadAll(*broker);
  const auto answers = AnswersOf(*broker);
  ASSERT_EQ(answers.size(), 2u);
  EXPECT_EQ(ErrorCodeFromNumber(answers[0].failed_code()), ErrorCode::kUnsupportedVersion);
  EXPECT_EQ(TakenBy(*broker), 2);
}

TEST_F(GroupStreamsTest, TwoCallsOfOneIdEndTheStream) {
  const std::string id = AskForId();
  const auto broker = Open();
  Send(*broker, JoinBatch(1, id));
  Send(*broker, JoinBatch(1, id));
  ASSERT_TRUE(broker->end);
  EXPECT_EQ(broker->end->code, ErrorCode::kInvalidRequest);
  EXPECT_EQ(groups_.call_count(), 0u);
}

}  // namespace
}  // namespace weir::quorum
