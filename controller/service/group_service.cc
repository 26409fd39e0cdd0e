#include "controller/service/group_service.h"

#include <memory>
#include <type_traits>
#include <utility>

#include "common/rpc/server_unary.h"
#include "common/rpc/status.h"
#include "controller/service/not_active.h"

namespace weir::service {

using quorum::GroupCalls;

template <class Request, class Reply, class Returned>
grpc::ServerUnaryReactor* GroupService::Serve(
    const Request* request, Reply* reply,
    Returned (GroupCalls::*function)(const Request&, GroupCalls::Done<Reply>)) {
  // The call's id; 0 while it does not wait. Only touched on the loop.
  const auto id = std::make_shared<state::GroupCallId>(0);
  const auto call = rpc::ServerUnary<Reply>::Make(reply, [this, id] {
    node_.Post([this, id] {
      if (*id != 0) node_.groups().OnCallGone(*id);
    });
  });
  node_.Post([this, call, id, function, request = *request] {
    if (!node_.running() || node_.stopping()) {
      return call->End(rpc::ToGrpcStatus(NotActive(node_), node_.LeaderAddress()));
    }
    const auto done = [this, call](Result<Reply> result) {
      if (result) return call->Answer(*std::move(result));
      call->End(rpc::ToGrpcStatus(result.error(), node_.LeaderAddress()));
    };
    if constexpr (std::is_void_v<Returned>) {
      (node_.groups().*function)(request, done);
    } else {
      *id = (node_.groups().*function)(request, done);
    }
  });
  return call.get();
}

grpc::ServerUnaryReactor* GroupService::JoinGroup(grpc::CallbackServerContext*,
                                                  const group::v1::JoinGroupRequest* request,
                                                  group::v1::JoinGroupReply* reply) {
  return Serve(request, reply, &GroupCalls::Join);
}

grpc::ServerUnaryReactor* GroupService::SyncGroup(grpc::CallbackServerContext*,
                                                  const group::v1::SyncGroupRequest* request,
                                                  group::v1::SyncGroupReply* reply) {
  return Serve(request, reply, &GroupCalls::Sync);
}

grpc::ServerUnaryReactor* GroupService::Heartbeat(grpc::CallbackServerContext*,
                                                  const group::v1::HeartbeatRequest* request,
                                                  group::v1::HeartbeatReply* reply) {
  return Serve(request, reply, &GroupCalls::Heartbeat);
}

grpc::ServerUnaryReactor* GroupService::ReportLiveness(grpc::CallbackServerContext*,
                                                       const group::v1::LivenessReport* request,
                                                       group::v1::LivenessReply* reply) {
  return Serve(request, reply, &GroupCalls::Report);
}

grpc::ServerUnaryReactor* GroupService::LeaveGroup(grpc::CallbackServerContext*,
                                                   const group::v1::LeaveGroupRequest* request,
                                                   group::v1::LeaveGroupReply* reply) {
  return Serve(request, reply, &GroupCalls::Leave);
}

grpc::ServerUnaryReactor* GroupService::DeleteGroups(grpc::CallbackServerContext*,
                                                     const group::v1::DeleteGroupsRequest* request,
                                                     group::v1::DeleteGroupsReply* reply) {
  return Serve(request, reply, &GroupCalls::Delete);
}

grpc::ServerUnaryReactor* GroupService::DescribeGroups(
    grpc::CallbackServerContext*, const group::v1::DescribeGroupsRequest* request,
    group::v1::DescribeGroupsReply* reply) {
  return Serve(request, reply, &GroupCalls::Describe);
}

grpc::ServerUnaryReactor* GroupService::ListGroups(grpc::CallbackServerContext*,
                                                   const group::v1::ListGroupsRequest* request,
                                                   group::v1::ListGroupsReply* reply) {
  return Serve(request, reply, &GroupCalls::List);
}

grpc::ServerUnaryReactor* GroupService::ConsumerGroupHeartbeat(
    grpc::CallbackServerContext*, const group::v1::ConsumerGroupHeartbeatRequest* request,
    group::v1::ConsumerGroupHeartbeatReply* reply) {
  return Serve(request, reply, &GroupCalls::ConsumerHeartbeat);
}

grpc::ServerUnaryReactor* GroupService::DescribeConsumerGroups(
    grpc::CallbackServerContext*, const group::v1::DescribeConsumerGroupsRequest* request,
    group::v1::DescribeConsumerGroupsReply* reply) {
  return Serve(request, reply, &GroupCalls::DescribeConsumers);
}

}  // namespace weir::service
