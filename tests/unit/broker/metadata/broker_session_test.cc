// BrokerSession: registration, heartbeats, reconnection, fencing, goodbye.
#include "broker/metadata/broker_session.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "common/base/prng.h"
#include "tests/support/manual_executor.h"

namespace weir::broker {
namespace {

using std::chrono::milliseconds;

class FakeSessions : public SessionPort {
 public:
  struct Opened {
    rpc::SessionEvents events;
    std::vector<v1::SessionRequest> sent;
    bool cancelled = false;
    bool closed = false;
  };
  std::unique_ptr<rpc::SessionStream> OpenSession(rpc::SessionEvents events) override {
    opened.push_back(std::make_shared<Opened>());
    opened.back()->events = std::move(events);
    return std::make_unique<Stream>(opened.back());
  }
  Opened& last() { return *opened.back(); }
  std::vector<std::shared_ptr<Opened>> opened;

 private:
  class Stream : public rpc::SessionStream {
   public:
    explicit Stream(std::shared_ptr<Opened> opened) : opened_(std::move(opened)) {}
    void Send(v1::SessionRequest request) override { opened_->sent.push_back(std::move(request)); }
    void CloseSending() override { opened_->closed = true; }
    void Cancel() override { opened_->cancelled = true; }

   private:
    std::shared_ptr<Opened> opened_;
  };
};

class SessionTest : public testing::Test {
 protected:
  SessionTest() {
    v1::Registration registration;
    registration.set_broker_id(1);
    registration.set_incarnation_id("0123456789abcdef");
    registration.set_previous_broker_epoch(-1);
    session_ = std::make_unique<BrokerSession>(
        thread_, sessions_, registration,
        SessionHooks{.on_joined = [this](const Uuid& cluster, BrokerEpoch) -> Status {
                       if (!foreign_) joined_ = cluster;
                       if (foreign_) return Fail(ErrorCode::kInconsistentClusterId, "two ids");
                       return {};
                     },
                     .on_refused = [this](const Error& error) { refused_ = error; },
                     .full_directories = [this] { return full_; },
                     .on_committed = [this](LogIndex offset) { committed_ = offset; }});
    session_->Start();
  }

  v1::SessionReply Reply(int64_t epoch, bool fenced) {
    v1::SessionReply reply;
    reply.set_broker_epoch(epoch);
    reply.set_cluster_id(cluster_.ToBytes());
    reply.set_fenced(fenced);
    reply.set_heartbeat_interval_ms(500);
    reply.set_session_timeout_ms(3000);
    return reply;
  }
  void Receive(const v1::SessionReply& reply) {
    sessions_.last().events.on_reply(reply);
    thread_->Run();
  }
  void End(ErrorCode code, const std::string& leader_address = "") {
    sessions_.last().events.on_end({{code, "test"}, leader_address});
    thread_->Run();
  }

  std::shared_ptr<test::ManualExecutor> thread_ = std::make_shared<test::ManualExecutor>();
  FakeSessions sessions_;
  Uuid cluster_{{1, 2, 3}};
  Uuid joined_;
  bool foreign_ = false;
  log::FullDirectories full_;
  LogIndex committed_;
  Error refused_;
  std::unique_ptr<BrokerSession> session_;
};

TEST_F(SessionTest, RegistersFirstAndHeartbeatsAtOnce) {
  ASSERT_EQ(sessions_.last().sent.size(), 1u);
  EXPECT_TRUE(sessions_.last().sent[0].has_registration());
  Receive(Reply(7, true));
  EXPECT_EQ(session_->broker_epoch(), BrokerEpoch(7));
  EXPECT_EQ(joined_, cluster_);
  ASSERT_EQ(sessions_.last().sent.size(), 2u);
  EXPECT_EQ(sessions_.last().sent[1].heartbeat().broker_epoch(), 7);
}

TEST_F(SessionTest, AppliedOffsetIsReportedAtOnce) {
  Receive(Reply(7, true));
  session_->ReportApplied(9);
  EXPECT_EQ(sessions_.last().sent.back().heartbeat().applied_offset(), 9);
  const size_t sent = sessions_.last().sent.size();
  session_->ReportApplied(9);
  EXPECT_EQ(sessions_.last().sent.size(), sent) << "nothing new";
}

TEST_F(SessionTest, D22_AFullDiskIsSaidSoon) {
  Receive(Reply(7, false));
  EXPECT_FALSE(sessions_.last().sent.back().heartbeat().disk_full());
  for (const bool full : {true, false}) {
    full_.all = full;
    Receive(Reply(7, false));
    thread_->Advance(std::chrono::milliseconds(250));
    EXPECT_EQ(sessions_.last().sent.back().heartbeat().disk_full(), full);
  }
}

TEST_F(SessionTest, D22_WhatFullDirectoriesHoldIsNamedWhenItChangesAndOnANewStream) {
  const auto last = [this] { return sessions_.last().sent.back().heartbeat(); };
  const auto named = [&] {
    std::vector<int> partitions;
    const v1::Heartbeat heartbeat = last();
    for (const v1::PartitionsOfTopic& topic : heartbeat.full_partitions().topics()) {
      partitions.insert(partitions.end(), topic.partitions().begin(), topic.partitions().end());
    }
    return partitions;
  };
  Receive(Reply(7, false));
  EXPECT_FALSE(last().has_full_partitions());
  const auto after_a_tick = [&] {
    Receive(Reply(7, false));
    thread_->Advance(std::chrono::milliseconds(250));
  };
  full_.partitions = {
      {{{1}}, PartitionIndex(4)}, {{{1}}, PartitionIndex(5)}, {{{2}}, PartitionIndex(0)}};
  after_a_tick();
  EXPECT_EQ(last().full_partitions().topics_size(), 2);
  EXPECT_EQ(named(), (std::vector{4, 5, 0}));
  EXPECT_FALSE(last().disk_full());
  after_a_tick();
  after_a_tick();
  EXPECT_FALSE(last().has_full_partitions()) << "said already";
  End(ErrorCode::kNetworkException);
  Receive(Reply(7, false));
  EXPECT_EQ(named(), (std::vector{4, 5, 0})) << "another controller may listen";
  full_.partitions.clear();
  after_a_tick();
  EXPECT_TRUE(last().has_full_partitions() && named().empty());
}

// Each costs a quiet cluster a round trip.
TEST_F(SessionTest, HeartbeatsLeaveOncePerInterval) {
  Receive(Reply(7, false));
  const size_t sent = sessions_.last().sent.size();
  for (int i = 0; i < 400; ++i) {
    thread_->Advance(milliseconds(10));
    Receive(Reply(7, false));
  }
  EXPECT_EQ(sessions_.last().sent.size(), sent + 8) << "in 4 s, every 500 ms";
}

TEST_F(SessionTest, ALongHeartbeatIntervalDoesNotMakeTheControllerLookSilent) {
  v1::SessionReply reply = Reply(7, false);
  reply.set_heartbeat_interval_ms(1500);
  Receive(reply);
  for (int i = 0; i < 10; ++i) {
    const size_t sent = sessions_.last().sent.size();
    while (sessions_.last().sent.size() == sent) thread_->Advance(milliseconds(10));
    ASSERT_EQ(sessions_.opened.size(), 1u);
    Receive(reply);
  }
  EXPECT_FALSE(sessions_.last().cancelled);
}

// Who was paused must not take an old answer for news.
TEST_F(SessionTest, J02_C24_LeadershipIsHeldFromWhenAnAnsweredHeartbeatLeft) {
  EXPECT_LT(session_->held_until(), thread_->Now());
  Receive(Reply(7, false));
  const MonoTime begin = thread_->Now();
  const Duration held = milliseconds(3000) * 3 / 4;
  EXPECT_EQ(session_->held_until(), begin + held);
  thread_->Advance(milliseconds(500));
  ASSERT_EQ(sessions_.last().sent.size(), 3u);
  Receive(Reply(7, false));
  EXPECT_EQ(session_->held_until(), begin + held) << "that answers the first heartbeat";
  thread_->Advance(milliseconds(400));
  Receive(Reply(7, false));
  EXPECT_EQ(session_->held_until(), begin + milliseconds(500) + held);
  thread_->Advance(milliseconds(200));
  Receive(Reply(7, true));
  EXPECT_LT(session_->held_until(), begin) << "fenced";
  thread_->Advance(milliseconds(500));
  Receive(Reply(7, false));
  EXPECT_GT(session_->held_until(), thread_->Now());
  End(ErrorCode::kNetworkException);
  EXPECT_LT(session_->held_until(), begin) << "without a session";
}

// A controller that hears of a broker may move its leaderships all the same.
TEST_F(SessionTest, G10_LeadershipIsNotHeldOnceNewsIsLate) {
  const Duration held = milliseconds(3000) * 3 / 4;
  v1::SessionReply reply = Reply(7, false);
  reply.set_committed_offset(5);
  session_->ReportApplied(5);
  const MonoTime begin = thread_->Now();
  for (size_t answers = sessions_.last().sent.size() + 1; answers > 0; --answers) Receive(reply);
  EXPECT_EQ(session_->held_until(), begin + held);
  thread_->Advance(milliseconds(500));
  reply.set_committed_offset(8);
  Receive(reply);
  EXPECT_EQ(session_->held_until(), begin + held) << "what happened before the answer is not known";
  session_->ReportApplied(7);
  EXPECT_EQ(session_->held_until(), begin + held);
  thread_->Advance(milliseconds(100));
  session_->ReportApplied(8);
  EXPECT_GT(session_->held_until(), begin + held);
  EXPECT_LE(session_->held_until(), begin + milliseconds(500) + held) << "nor what has since";
}

TEST_F(SessionTest, TheBrokerIsInTouchForASessionTimeoutEvenBetweenTwoSessions) {
  EXPECT_LT(session_->in_touch_until(), thread_->Now());
  const MonoTime begin = thread_->Now();
  thread_->Advance(milliseconds(100));
  Receive(Reply(7, false));
  EXPECT_EQ(session_->in_touch_until(), begin + milliseconds(3000)) << "since the request left";
  End(ErrorCode::kNetworkException);
  EXPECT_EQ(session_->in_touch_until(), begin + milliseconds(3000));
  thread_->Advance(milliseconds(1000));
  Receive(Reply(8, true));
  EXPECT_GT(session_->in_touch_until(), begin + milliseconds(3000)) << "fenced, but heard";
}

TEST_F(SessionTest, WhatTheControllersHaveCommittedIsPassedOn) {
  v1::SessionReply reply = Reply(7, false);
  reply.set_committed_offset(41);
  Receive(reply);
  EXPECT_EQ(committed_, LogIndex(41));
}

TEST_F(SessionTest, HeartbeatsGoOutWithoutChanges) {
  Receive(Reply(7, false));
  EXPECT_FALSE(session_->IsFenced());
  const size_t sent = sessions_.last().sent.size();
  for (int i = 0; i < 4; ++i) {
    thread_->Advance(milliseconds(500));
    Receive(Reply(7, false));
  }
  EXPECT_GE(sessions_.last().sent.size(), sent + 4);
}

TEST_F(SessionTest, BrokenSessionReconnectsAtOnceWithTheSameIncarnation) {
  Receive(Reply(7, false));
  End(ErrorCode::kNetworkException);
  ASSERT_EQ(sessions_.opened.size(), 2u);
  const v1::Registration& again = sessions_.last().sent[0].registration();
  EXPECT_EQ(again.incarnation_id(), "0123456789abcdef");
  EXPECT_EQ(again.cluster_id(), cluster_.ToBytes()) << "now known";
  // Without an answer in between it does not spin.
  End(ErrorCode::kNetworkException);
  EXPECT_EQ(sessions_.opened.size(), 2u);
  thread_->Advance(milliseconds(60));
  EXPECT_EQ(sessions_.opened.size(), 3u);
}

TEST_F(SessionTest, AControllerThatNamesTheLeaderIsBelievedAtOnceButNotForEver) {
  Receive(Reply(7, false));
  End(ErrorCode::kNetworkException);
  ASSERT_EQ(sessions_.opened.size(), 2u);
  End(ErrorCode::kNotController, "other:9090");
  EXPECT_EQ(sessions_.opened.size(), 3u);
  for (int i = 0; i < 100; ++i) {
    const size_t opened = sessions_.opened.size();
    End(ErrorCode::kNotController, "other:9090");
    if (sessions_.opened.size() == opened) break;
  }
  EXPECT_EQ(sessions_.opened.size(), 4u)
      << "controllers that name one another are not asked on and on";
  thread_->Advance(milliseconds(60));
  EXPECT_EQ(sessions_.opened.size(), 5u);
}

TEST_F(SessionTest, SilentControllerIsLeftBeforeANewOneWouldFenceThisBroker) {
  Receive(Reply(7, false));
  const auto silent = sessions_.opened.back();
  thread_->Advance(milliseconds(1400));
  EXPECT_FALSE(silent->cancelled);
  thread_->Advance(milliseconds(600));
  EXPECT_TRUE(silent->cancelled);
  EXPECT_EQ(sessions_.opened.size(), 2u);
}

TEST_F(SessionTest, AnotherControllerIsAskedOnlyWhenTheSilentOneIsKnownToBeSilent) {
  Receive(Reply(7, false));
  const auto silent = sessions_.opened.back();
  while (!silent->cancelled) thread_->Advance(milliseconds(10));
  EXPECT_EQ(sessions_.opened.size(), 1u) << "the end of the stream has not been told yet";
  silent->events.on_end({{ErrorCode::kNetworkException, "cancelled"}, ""});
  thread_->Advance(milliseconds(60));
  EXPECT_EQ(sessions_.opened.size(), 2u);
  thread_->Advance(milliseconds(60));
  EXPECT_EQ(sessions_.opened.size(), 2u);
}

TEST_F(SessionTest, LateRepliesOfAnOldStreamAreIgnored) {
  Receive(Reply(7, false));
  const auto old = sessions_.opened.back();
  End(ErrorCode::kNotController);
  Receive(Reply(9, true));
  old->events.on_reply(Reply(7, false));
  thread_->Run();
  EXPECT_EQ(session_->broker_epoch(), BrokerEpoch(9));
  EXPECT_TRUE(session_->IsFenced());
}

TEST_F(SessionTest, ForeignClusterIsRefusedForGood) {
  foreign_ = true;
  Receive(Reply(7, true));
  EXPECT_EQ(refused_.code, ErrorCode::kInconsistentClusterId);
  thread_->Advance(milliseconds(5000));
  EXPECT_EQ(sessions_.opened.size(), 1u);
}

TEST_F(SessionTest, ControllersRefusalOfTheClusterIdIsFinal) {
  End(ErrorCode::kInconsistentClusterId);
  EXPECT_EQ(refused_.code, ErrorCode::kInconsistentClusterId);
  thread_->Advance(milliseconds(5000));
  EXPECT_EQ(sessions_.opened.size(), 1u);
}

TEST_F(SessionTest, StopWaitsForLeadershipsToMoveThenSaysGoodbye) {
  Receive(Reply(7, false));
  bool stopped = false;
  session_->Stop(milliseconds(3000), [&] { stopped = true; });
  EXPECT_TRUE(sessions_.last().sent.back().heartbeat().want_shutdown());
  EXPECT_FALSE(stopped);
  v1::SessionReply may_stop = Reply(7, false);
  may_stop.set_may_stop(true);
  Receive(may_stop);
  EXPECT_TRUE(stopped);
  EXPECT_TRUE(sessions_.last().sent.back().heartbeat().stopped());
  EXPECT_TRUE(sessions_.last().closed);
}

TEST_F(SessionTest, StopEndsAtItsTimeoutWithoutTheControllers) {
  Receive(Reply(7, false));
  int stopped = 0;
  session_->Stop(milliseconds(1000), [&] { ++stopped; });
  thread_->Advance(milliseconds(1100));
  EXPECT_EQ(stopped, 1);
  thread_->Advance(milliseconds(5000));
  EXPECT_EQ(stopped, 1);
}

}  // namespace
}  // namespace weir::broker
