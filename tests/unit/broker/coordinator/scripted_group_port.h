// ScriptedGroupPort: the controllers' groups as a test wants them: calls are kept until the test
// answers them. Thread rule: the test's one thread.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "broker/metadata/group_port.h"

namespace weir::coordinator {

template <class Request, class Reply>
struct ScriptedCalls {
  rpc::CallHandle Take(Request request, Duration timeout, broker::ReplyDone<Reply> done) {
    requests.push_back(std::move(request));
    timeouts.push_back(timeout);
    dones.push_back(std::move(done));
    return rpc::CallHandle([this] { ++cancelled; });
  }
  // Answers the newest call.
  void Answer(Result<Reply> reply) { dones.back()(std::move(reply)); }
  void AnswerError(ErrorCode error) {
    Reply reply;
    reply.set_error_code(static_cast<int32_t>(error));
    Answer(std::move(reply));
  }

  std::vector<Request> requests;
  std::vector<Duration> timeouts;
  std::vector<broker::ReplyDone<Reply>> dones;
  int cancelled = 0;
};

class ScriptedGroupPort : public broker::GroupPort {
 public:
  rpc::CallHandle JoinGroup(group::v1::JoinGroupRequest request, Duration timeout,
                            broker::ReplyDone<group::v1::JoinGroupReply> done) override {
    return joins.Take(std::move(request), timeout, std::move(done));
  }
  rpc::CallHandle SyncGroup(group::v1::SyncGroupRequest request, Duration timeout,
                            broker::ReplyDone<group::v1::SyncGroupReply> done) override {
    return syncs.Take(std::move(request), timeout, std::move(done));
  }
  rpc::CallHandle Heartbeat(group::v1::HeartbeatRequest request, Duration timeout,
                            broker::ReplyDone<group::v1::HeartbeatReply> done) override {
    return heartbeats.Take(std::move(request), timeout, std::move(done));
  }
  rpc::CallHandle ReportLiveness(group::v1::LivenessReport report, Duration timeout,
                                 broker::ReplyDone<group::v1::LivenessReply> done) override {
    return reports.Take(std::move(report), timeout, std::move(done));
  }
  rpc::CallHandle LeaveGroup(group::v1::LeaveGroupRequest request, Duration timeout,
                             broker::ReplyDone<group::v1::LeaveGroupReply> done) override {
    return leaves.Take(std::move(request), timeout, std::move(done));
  }
  rpc::CallHandle DeleteGroups(group::v1::DeleteGroupsRequest request, Duration timeout,
                               broker::ReplyDone<group::v1::DeleteGroupsReply> done) override {
    return deletes.Take(std::move(request), timeout, std::move(done));
  }
  rpc::CallHandle DescribeGroups(group::v1::DescribeGroupsRequest request, Duration timeout,
                                 broker::ReplyDone<group::v1::DescribeGroupsReply> done) override {
    return describes.Take(std::move(request), timeout, std::move(done));
  }
  rpc::CallHandle ConsumerGroupHeartbeat(
      group::v1::ConsumerGroupHeartbeatRequest request, Duration timeout,
      broker::ReplyDone<group::v1::ConsumerGroupHeartbeatReply> done) override {
    return consumer_heartbeats.Take(std::move(request), timeout, std::move(done));
  }
  rpc::CallHandle DescribeConsumerGroups(
      group::v1::DescribeConsumerGroupsRequest request, Duration timeout,
      broker::ReplyDone<group::v1::DescribeConsumerGroupsReply> done) override {
    return consumer_describes.Take(std::move(request), timeout, std::move(done));
  }

  ScriptedCalls<group::v1::JoinGroupRequest, group::v1::JoinGroupReply> joins;
  ScriptedCalls<group::v1::SyncGroupRequest, group::v1::SyncGroupReply> syncs;
  ScriptedCalls<group::v1::HeartbeatRequest, group::v1::HeartbeatReply> heartbeats;
  ScriptedCalls<group::v1::LivenessReport, group::v1::LivenessReply> reports;
  ScriptedCalls<group::v1::LeaveGroupRequest, group::v1::LeaveGroupReply> leaves;
  ScriptedCalls<group::v1::DeleteGroupsRequest, group::v1::DeleteGroupsReply> deletes;
  ScriptedCalls<group::v1::DescribeGroupsRequest, group::v1::DescribeGroupsReply> describes;
  ScriptedCalls<group::v1::ConsumerGroupHeartbeatRequest, group::v1::ConsumerGroupHeartbeatReply>
      consumer_heartbeats;
  ScriptedCalls<group::v1::DescribeConsumerGroupsRequest, group::v1::DescribeConsumerGroupsReply>
      consumer_describes;
};

}  // namespace weir::coordinator
