// SimGroupPort: see sim_group_port.h.
#include "tests/sim/cluster/sim_group_port.h"

#include <utility>

#include "tests/sim/cluster/cluster_world.h"
#include "tests/sim/cluster/sim_call.h"

namespace weir::sim {
namespace {

constexpr auto kNotAvailable = static_cast<int32_t>(ErrorCode::kCoordinatorNotAvailable);

Withdraw WithdrawOf(state::GroupCallId id) {
  return [id](SimController& controller) {
    controller.world().group_checkers().OnWithdrawn(controller, id);
    controller.groups().OnCallGone(id);
  };
}

}  // namespace

template <class Reply, class Serve>
rpc::CallHandle SimGroupPort::Call(Serve serve, Duration timeout, broker::ReplyDone<Reply> done) {
  auto call = std::make_shared<SimCall<Reply>>(link_, std::move(serve), std::move(done));
  call->SetWithdrawable();
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
        const auto id = controller.groups().Join(
            request, [answer, &controller, member_id = request.member_id()](Result<Reply> reply) {
              if (reply && reply->error_code() == kNotAvailable) {
                controller.world().group_checkers().OnJoinRejected(controller, member_id);
              }
              answer(std::move(reply));
            });
        controller.world().group_checkers().OnJoinArrived(controller, id, request);
        return WithdrawOf(id);
      },
      timeout, std::move(done));
}

rpc::CallHandle SimGroupPort::SyncGroup(group::v1::SyncGroupRequest request, Duration timeout,
                                        broker::ReplyDone<group::v1::SyncGroupReply> done) {
  using Reply = group::v1::SyncGroupReply;
  return Call<Reply>(
      [request](SimController& controller, SimCall<Reply>::Answer answer) {
        const auto id =
            controller.groups().Sync(request, [answer, &controller, request](Result<Reply> reply) {
              GroupCheckers& checkers = controller.world().group_checkers();
              if (reply && reply->error_code() == 0) checkers.OnAssignmentLeaves(request, *reply);
              if (reply && reply->error_code() != 0) {
                checkers.OnSyncFailed(controller, request.member_id());
              }
              answer(std::move(reply));
            });
        controller.world().group_checkers().OnSyncArrived(controller, id, request);
        return WithdrawOf(id);
      },
      timeout, std::move(done));
}

rpc::CallHandle SimGroupPort::Heartbeat(group::v1::HeartbeatRequest request, Duration timeout,
                                        broker::ReplyDone<group::v1::HeartbeatReply> done) {
  using Reply = group::v1::HeartbeatReply;
  return Call<Reply>(
      [request](SimController& controller, SimCall<Reply>::Answer answer) -> Withdraw {
        controller.world().group_checkers().OnHeartbeat(controller, request);
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
        controller.world().group_checkers().OnReport(controller, report);
        controller.groups().Report(report, std::move(answer));
        return nullptr;
      },
      timeout, std::move(done));
}

rpc::CallHandle SimGroupPort::LeaveGroup(group::v1::LeaveGroupRequest request, Duration timeout,
                                         broker::ReplyDone<group::v1::LeaveGroupReply> done) {
  using Reply = group::v1::LeaveGroupReply;
  return Call<Reply>(
      [request](SimController& controller, SimCall<Reply>::Answer answer) {
        controller.world().group_checkers().OnLeaving(request);
        return WithdrawOf(controller.groups().Leave(request, std::move(answer)));
      },
      timeout, std::move(done));
}

rpc::CallHandle SimGroupPort::DeleteGroups(group::v1::DeleteGroupsRequest request, Duration timeout,
                                           broker::ReplyDone<group::v1::DeleteGroupsReply> done) {
  using Reply = group::v1::DeleteGroupsReply;
  return Call<Reply>(
      [request](SimController& controller, SimCall<Reply>::Answer answer) {
        return WithdrawOf(controller.groups().Delete(request, std::move(answer)));
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

}  // namespace weir::sim
