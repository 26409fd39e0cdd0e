// SimGroupPort: see sim_group_port.h.
#include "tests/sim/cluster/sim_group_port.h"

#include <utility>

#include "tests/sim/cluster/cluster_world.h"
#include "tests/sim/cluster/sim_call.h"

namespace weir::sim {
namespace {

using quorum::GroupCalls;

// What the watch hears of before the coordinator does.
void Show(SimController& controller, const group::v1::HeartbeatRequest& request) {
  controller.world().group_watch().OnHeartbeat(controller, request);
}
void Show(SimController& controller, const group::v1::LivenessReport& report) {
  controller.world().group_watch().OnReport(controller, report);
}
void Show(SimController& controller, const group::v1::LeaveGroupRequest& request) {
  controller.world().group_watch().OnLeaving(request);
}
template <class Request>
void Show(SimController&, const Request&) {}

}  // namespace

template <class Request, class Reply>
rpc::CallHandle SimGroupPort::Call(void (GroupCalls::*serve)(const Request&,
                                                             GroupCalls::Done<Reply>),
                                   Request request, Duration timeout,
                                   broker::ReplyDone<Reply> done) {
  auto call = std::make_shared<SimCall<Reply>>(
      link_,
      [serve, request = std::move(request)](SimController& controller,
                                            typename SimCall<Reply>::Answer answer) {
        Show(controller, request);
        (controller.groups().*serve)(request, std::move(answer));
      },
      std::move(done));
  link_.thread()->Post([call, timeout] { call->Start(timeout); });
  return rpc::CallHandle([weak = std::weak_ptr(call)] {
    if (const auto running = weak.lock()) running->Cancel();
  });
}

rpc::CallHandle SimGroupPort::JoinGroup(group::v1::JoinGroupRequest request, Duration timeout,
                                        broker::ReplyDone<group::v1::JoinGroupReply> done) {
  return stream_.Call(std::move(request), timeout, std::move(done));
}

rpc::CallHandle SimGroupPort::SyncGroup(group::v1::SyncGroupRequest request, Duration timeout,
                                        broker::ReplyDone<group::v1::SyncGroupReply> done) {
  return stream_.Call(std::move(request), timeout, std::move(done));
}

rpc::CallHandle SimGroupPort::ConsumerGroupHeartbeat(
    group::v1::ConsumerGroupHeartbeatRequest request, Duration timeout,
    broker::ReplyDone<group::v1::ConsumerGroupHeartbeatReply> done) {
  return stream_.Call(std::move(request), timeout, std::move(done));
}

rpc::CallHandle SimGroupPort::Heartbeat(group::v1::HeartbeatRequest request, Duration timeout,
                                        broker::ReplyDone<group::v1::HeartbeatReply> done) {
  return Call(&GroupCalls::Heartbeat, std::move(request), timeout, std::move(done));
}

rpc::CallHandle SimGroupPort::ReportLiveness(group::v1::LivenessReport report, Duration timeout,
                                             broker::ReplyDone<group::v1::LivenessReply> done) {
  return Call(&GroupCalls::Report, std::move(report), timeout, std::move(done));
}

rpc::CallHandle SimGroupPort::LeaveGroup(group::v1::LeaveGroupRequest request, Duration timeout,
                                         broker::ReplyDone<group::v1::LeaveGroupReply> done) {
  return Call(&GroupCalls::Leave, std::move(request), timeout, std::move(done));
}

rpc::CallHandle SimGroupPort::DeleteGroups(group::v1::DeleteGroupsRequest request, Duration timeout,
                                           broker::ReplyDone<group::v1::DeleteGroupsReply> done) {
  return Call(&GroupCalls::Delete, std::move(request), timeout, std::move(done));
}

rpc::CallHandle SimGroupPort::DescribeGroups(
    group::v1::DescribeGroupsRequest request, Duration timeout,
    broker::ReplyDone<group::v1::DescribeGroupsReply> done) {
  return Call(&GroupCalls::Describe, std::move(request), timeout, std::move(done));
}

rpc::CallHandle SimGroupPort::DescribeConsumerGroups(
    group::v1::DescribeConsumerGroupsRequest request, Duration timeout,
    broker::ReplyDone<group::v1::DescribeConsumerGroupsReply> done) {
  return Call(&GroupCalls::DescribeConsumers, std::move(request), timeout, std::move(done));
}

}  // namespace weir::sim
