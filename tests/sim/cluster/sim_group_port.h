// SimGroupPort: a simulated broker's calls about groups to the active controller, over the
// simulated network: on production's GroupCallStream, or each for itself. What arrives there, and
// what leaves, is shown to the world's GroupWatch.
// Thread rule: one thread.
#pragma once

#include <memory>

#include "broker/metadata/group_call_stream.h"
#include "broker/metadata/group_port.h"
#include "controller/quorum/group_calls.h"
#include "tests/sim/cluster/sim_controller_link.h"

namespace weir::sim {

class SimGroupPort : public broker::GroupPort {
 public:
  // One per life of the broker, as the link is.
  explicit SimGroupPort(SimControllerLink& link) : link_(link), stream_(link.thread(), link) {}

  rpc::CallHandle JoinGroup(group::v1::JoinGroupRequest request, Duration timeout,
                            broker::ReplyDone<group::v1::JoinGroupReply> done) override;
  rpc::CallHandle SyncGroup(group::v1::SyncGroupRequest request, Duration timeout,
                            broker::ReplyDone<group::v1::SyncGroupReply> done) override;
  rpc::CallHandle Heartbeat(group::v1::HeartbeatRequest request, Duration timeout,
                            broker::ReplyDone<group::v1::HeartbeatReply> done) override;
  rpc::CallHandle ReportLiveness(group::v1::LivenessReport report, Duration timeout,
                                 broker::ReplyDone<group::v1::LivenessReply> done) override;
  rpc::CallHandle LeaveGroup(group::v1::LeaveGroupRequest request, Duration timeout,
                             broker::ReplyDone<group::v1::LeaveGroupReply> done) override;
  rpc::CallHandle DeleteGroups(group::v1::DeleteGroupsRequest request, Duration timeout,
                               broker::ReplyDone<group::v1::DeleteGroupsReply> done) override;
  rpc::CallHandle DescribeGroups(group::v1::DescribeGroupsRequest request, Duration timeout,
                                 broker::ReplyDone<group::v1::DescribeGroupsReply> done) override;
  rpc::CallHandle ConsumerGroupHeartbeat(
      group::v1::ConsumerGroupHeartbeatRequest request, Duration timeout,
      broker::ReplyDone<group::v1::ConsumerGroupHeartbeatReply> done) override;
  rpc::CallHandle DescribeConsumerGroups(
      group::v1::DescribeConsumerGroupsRequest request, Duration timeout,
      broker::ReplyDone<group::v1::DescribeConsumerGroupsReply> done) override;

 private:
  // A call of its own, served by that function.
  template <class Request, class Reply>
  rpc::CallHandle Call(void (quorum::GroupCalls::*serve)(const Request&,
                                                         quorum::GroupCalls::Done<Reply>),
                       Request request, Duration timeout, broker::ReplyDone<Reply> done);

  SimControllerLink& link_;
  broker::GroupCallStream stream_;
};

}  // namespace weir::sim
