// SimGroupPort: see sim_group_port.h.
#include "tests/sim/cluster/sim_group_port.h"

#include <utility>

#include "tests/sim/cluster/cluster_world.h"
#include "tests/sim/cluster/sim_call.h"

namespace weir::sim {
namespace {

Withdraw WithdrawOf(state::GroupCallId id) {
  return [id](SimController& controller) {
    controller.world().group_watch().OnWithdrawn(controller, id);
    controller.groups().OnCallGone(id);
  };
}

}  // namespace

template <class Reply, class Serve>
rpc::CallHandle SimGroupPort::Call(Serve serve, Duration timeout, broker::ReplyDone<Reply> done,
                                   bool in_order) {
  auto call = std::make_shared<SimCall<Reply>>(link_, std::move(serve), std::move(done));
  call->SetWithdrawable();
  if (in_order) call->SetInOrder();
  link_.thread()->Post([call, timeout] { call->Start(timeout); });
  return rpc::CallHandle([weak = std::weak_ptr(call)] {
    if (const auto running = weak.lock()) running->Cancel();
  });
}

rpc::CallHandle SimGroupPort::JoinGroup(group::v1::JoinGroupRequest request, Duration timeout,
                                        broker::ReplyDone<group::v1::JoinGroupReply> done) {
  using Reply = group::v1::JoinGroupReply;
  return Call<Reply>(
      [request](SimController& controller, SimCall<Reply>::Answer answer) {
        GroupWatch& watch = controller.world().group_watch();
        const auto id = controller.groups().Join(
            request, [answer, &controller, &watch, request](Result<Reply> reply) {
              if (reply) watch.OnJoinAnswered(controller, request, *reply);
              answer(std::move(reply));
            });
        watch.OnJoinArrived(controller, id, request);
        return WithdrawOf(id);
      },
      timeout, std::move(done));
}

rpc::CallHandle SimGroupPort::SyncGroup(group::v1::SyncGroupRequest request, Duration timeout,
                                        broker::ReplyDone<group::v1::SyncGroupReply> done) {
  using Reply = group::v1::SyncGroupReply;
  return Call<Reply>(
      [request](SimController& controller, SimCall<Reply>::Answer answer) {
        GroupWatch& watch = controller.world().group_watch();
        const auto id = controller.groups().Sync(
            request, [answer, &controller, &watch, request](Result<Reply> reply) {
              if (reply) watch.OnSyncAnswered(controller, request, *reply);
              answer(std::move(reply));
            });
        watch.OnSyncArrived(controller, id, request);
        return WithdrawOf(id);
      },
      timeout, std::move(done));
}

rpc::CallHandle SimGroupPort::Heartbeat(group::v1::HeartbeatRequest request, Duration timeout,
                                        broker::ReplyDone<group::v1::HeartbeatReply> done) {
  using Reply = group::v1::HeartbeatReply;
  return Call<Reply>(
      [request](SimController& controller, SimCall<Reply>::Answer answer) -> Withdraw {
        controller.world().group_watch().OnHeartbeat(controller, request);
        controller.groups().Heartbeat(request, std::move(answer));
        return nullptr;
      },
      timeout, std::move(done));
}

rpc::CallHandle SimGroupPort::ReportLiveness(group::v1::LivenessReport report, Duration timeout,
                                             broker::ReplyDone<group::v1::LivenessReply> done) {
  using Reply = group::v1::LivenessReply;
  return Call<Reply>(
      [report](SimController& controller, SimCall<Reply>::Answer answer) -> Withdraw {
        controller.world().group_watch().OnReport(controller, report);
        controller.groups().Report(report, std::move(answer));
        return nullptr;
      },
      timeout, std::move(done));
}

rpc::CallHandle SimGroupPort::LeaveGroup(group::v1::LeaveGroupRequest request, Duration timeout,
                                         broker::ReplyDone<group::v1::LeaveGroupReply> done) {
  using Reply = group::v1::LeaveGroupReply;
  return Call<Reply>(
      [request](SimController& controller, SimCall<Reply>::Answer answer) -> Withdraw {
        controller.world().group_watch().OnLeaving(request);
        controller.groups().Leave(request, std::move(answer));
        return nullptr;
      },
      timeout, std::move(done));
}

rpc::CallHandle SimGroupPort::DeleteGroups(group::v1::DeleteGroupsRequest request, Duration timeout,
                                           broker::ReplyDone<group::v1::DeleteGroupsReply> done) {
  using Reply = group::v1::DeleteGroupsReply;
  return Call<Reply>(
      [request](SimController& controller, SimCall<Reply>::Answer answer) -> Withdraw {
        controller.groups().Delete(request, std::move(answer));
        return nullptr;
      },
      timeout, std::move(done));
}

rpc::CallHandle SimGroupPort::DescribeGroups(
    group::v1::DescribeGroupsRequest request, Duration timeout,
    broker::ReplyDone<group::v1::DescribeGroupsReply> done) {
  using Reply = group::v1::DescribeGroupsReply;
  return Call<Reply>(
      [request](SimController& controller, SimCall<Reply>::Answer answer) -> Withdraw {
        controller.groups().Describe(request, std::move(answer));
        return nullptr;
      },
      timeout, std::move(done));
}

rpc::CallHandle SimGroupPort::ConsumerGroupHeartbeat(
    group::v1::ConsumerGroupHeartbeatRequest request, Duration timeout,
    broker::ReplyDone<group::v1::ConsumerGroupHeartbeatReply> done) {
  using Reply = group::v1::ConsumerGroupHeartbeatReply;
  return Call<Reply>(
      [request](SimController& controller, SimCall<Reply>::Answer answer) {
        GroupWatch& watch = controller.world().group_watch();
        watch.OnConsumerLeaving(request);
        return WithdrawOf(controller.groups().ConsumerHeartbeat(
            request, [answer, &controller, &watch, request,
                      arrived = controller.loop().Now()](Result<Reply> reply) {
              if (reply) watch.OnConsumerAnswered(controller, request, *reply, arrived);
              answer(std::move(reply));
            }));
      },
      timeout, std::move(done), /*in_order=*/true);
}

rpc::CallHandle SimGroupPort::DescribeConsumerGroups(
    group::v1::DescribeConsumerGroupsRequest request, Duration timeout,
    broker::ReplyDone<group::v1::DescribeConsumerGroupsReply> done) {
  using Reply = group::v1::DescribeConsumerGroupsReply;
  return Call<Reply>(
      [request](SimController& controller, SimCall<Reply>::Answer answer) -> Withdraw {
        controller.groups().DescribeConsumers(request, std::move(answer));
        return nullptr;
      },
      timeout, std::move(done));
}

}  // namespace weir::sim
