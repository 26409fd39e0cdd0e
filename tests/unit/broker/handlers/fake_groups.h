// FakeGroups: the controllers' groups as one broker asks about them. Every call is answered at once
// by the function that the test has set for it, on the metadata thread as in production, or waits
// until it is cancelled. Thread rule: any thread; what a function captures is the test's to guard.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "broker/metadata/group_port.h"
#include "common/base/executor.h"

namespace weir::handlers {

template <class Request, class Reply>
class FakeGroupCall {
 public:
  // What calls that come from now on are answered with; null: they wait.
  class Answer {
   public:
    using Function = std::function<Result<Reply>(const Request&)>;

    Answer& operator=(Function function) {
      std::lock_guard lock(mutex_);
      function_ = std::move(function);
      return *this;
    }
    Function get() const {
      std::lock_guard lock(mutex_);
      return function_;
    }

   private:
    mutable std::mutex mutex_;
    Function function_;
  };
  Answer answer;

  rpc::CallHandle Take(Executor& thread, Request request, broker::ReplyDone<Reply> done) {
    std::lock_guard lock(mutex_);
    asked_.push_back(request);
    if (auto function = answer.get()) {
      thread.Post([function = std::move(function), request = std::move(request),
                   done = std::move(done)]() mutable { done(function(request)); });
      return {};
    }
    waiting_.push_back(std::move(done));
    return rpc::CallHandle([this] {
      std::lock_guard cancelling(mutex_);
      ++cancelled_;
    });
  }
  std::vector<Request> Asked() {
    std::lock_guard lock(mutex_);
    return asked_;
  }
  int cancelled() {
    std::lock_guard lock(mutex_);
    return cancelled_;
  }
  void Forget() { waiting_.clear(); }

 private:
  std::mutex mutex_;
  std::vector<Request> asked_;
  std::vector<broker::ReplyDone<Reply>> waiting_;
  int cancelled_ = 0;
};

class FakeGroups : public broker::GroupPort {
 public:
  explicit FakeGroups(std::shared_ptr<Executor> thread) : thread_(std::move(thread)) {
    joins.answer = [](const auto&) { return group::v1::JoinGroupReply(); };
    syncs.answer = [](const auto&) { return group::v1::SyncGroupReply(); };
    heartbeats.answer = [](const auto&) { return group::v1::HeartbeatReply(); };
    leaves.answer = [](const auto&) { return group::v1::LeaveGroupReply(); };
    deletes.answer = [](const auto&) { return group::v1::DeleteGroupsReply(); };
    describes.answer = [](const auto&) { return group::v1::DescribeGroupsReply(); };
    consumer_heartbeats.answer = [](const auto&) {
      return group::v1::ConsumerGroupHeartbeatReply();
    };
    consumer_describes.answer = [](const auto&) {
      return group::v1::DescribeConsumerGroupsReply();
    };
    reports.answer = [](const auto&) { return group::v1::LivenessReply(); };
  }

  rpc::CallHandle JoinGroup(group::v1::JoinGroupRequest request, Duration,
                            broker::ReplyDone<group::v1::JoinGroupReply> done) override {
    return joins.Take(*thread_, std::move(request), std::move(done));
  }
  rpc::CallHandle SyncGroup(group::v1::SyncGroupRequest request, Duration,
                            broker::ReplyDone<group::v1::SyncGroupReply> done) override {
    return syncs.Take(*thread_, std::move(request), std::move(done));
  }
  rpc::CallHandle Heartbeat(group::v1::HeartbeatRequest request, Duration,
                            broker::ReplyDone<group::v1::HeartbeatReply> done) override {
    return heartbeats.Take(*thread_, std::move(request), std::move(done));
  }
  rpc::CallHandle ReportLiveness(group::v1::LivenessReport report, Duration,
                                 broker::ReplyDone<group::v1::LivenessReply> done) override {
    return reports.Take(*thread_, std::move(report), std::move(done));
  }
  rpc::CallHandle LeaveGroup(group::v1::LeaveGroupRequest request, Duration,
                             broker::ReplyDone<group::v1::LeaveGroupReply> done) override {
    return leaves.Take(*thread_, std::move(request), std::move(done));
  }
  rpc::CallHandle DeleteGroups(group::v1::DeleteGroupsRequest request, Duration,
                               broker::ReplyDone<group::v1::DeleteGroupsReply> done) override {
    return deletes.Take(*thread_, std::move(request), std::move(done));
  }
  rpc::CallHandle DescribeGroups(group::v1::DescribeGroupsRequest request, Duration,
                                 broker::ReplyDone<group::v1::DescribeGroupsReply> done) override {
    return describes.Take(*thread_, std::move(request), std::move(done));
  }
  rpc::CallHandle ConsumerGroupHeartbeat(
      group::v1::ConsumerGroupHeartbeatRequest request, Duration,
      broker::ReplyDone<group::v1::ConsumerGroupHeartbeatReply> done) override {
    return consumer_heartbeats.Take(*thread_, std::move(request), std::move(done));
  }
  rpc::CallHandle DescribeConsumerGroups(
      group::v1::DescribeConsumerGroupsRequest request, Duration,
      broker::ReplyDone<group::v1::DescribeConsumerGroupsReply> done) override {
    return consumer_describes.Take(*thread_, std::move(request), std::move(done));
  }

  // Calls that wait are dropped.
  void Forget() {
    joins.Forget();
    syncs.Forget();
    heartbeats.Forget();
    consumer_heartbeats.Forget();
  }

  FakeGroupCall<group::v1::JoinGroupRequest, group::v1::JoinGroupReply> joins;
  FakeGroupCall<group::v1::SyncGroupRequest, group::v1::SyncGroupReply> syncs;
  FakeGroupCall<group::v1::HeartbeatRequest, group::v1::HeartbeatReply> heartbeats;
  FakeGroupCall<group::v1::LivenessReport, group::v1::LivenessReply> reports;
  FakeGroupCall<group::v1::LeaveGroupRequest, group::v1::LeaveGroupReply> leaves;
  FakeGroupCall<group::v1::DeleteGroupsRequest, group::v1::DeleteGroupsReply> deletes;
  FakeGroupCall<group::v1::DescribeGroupsRequest, group::v1::DescribeGroupsReply> describes;
  FakeGroupCall<group::v1::ConsumerGroupHeartbeatRequest, group::v1::ConsumerGroupHeartbeatReply>
      consumer_heartbeats;
  FakeGroupCall<group::v1::DescribeConsumerGroupsRequest, group::v1::DescribeConsumerGroupsReply>
      consumer_describes;

 private:
  const std::shared_ptr<Executor> thread_;
};

}  // namespace weir::handlers
