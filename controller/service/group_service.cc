#include "controller/service/group_service.h"

#include <utility>

#include "common/rpc/status.h"
#include "controller/service/not_active.h"

namespace weir::service {

using quorum::GroupCalls;

template <class Request, class Reply>
grpc::ServerUnaryReactor* GroupService::Serve(
    grpc::CallbackServerContext* context, const Request* request, Reply* reply,
    void (GroupCalls::*function)(const Request&, GroupCalls::Done<Reply>)) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  // A copy of the request: gRPC's goes with the answer, which may come inside the call.
  node_.Post([this, reactor, reply, function, request = *request] {
    if (!node_.running() || node_.stopping()) {
      return reactor->Finish(rpc::ToGrpcStatus(NotActive(node_), node_.LeaderAddress()));
    }
    (node_.groups().*function)(request, [this, reactor, reply](Result<Reply> result) {
      if (!result) {
        return reactor->Finish(rpc::ToGrpcStatus(result.error(), node_.LeaderAddress()));
      }
      *reply = *std::move(result);
      reactor->Finish(grpc::Status::OK);
    });
  });
  return reactor;
}

grpc::ServerUnaryReactor* GroupService::Heartbeat(grpc::CallbackServerContext* context,
                                                  const group::v1::HeartbeatRequest* request,
                                                  group::v1::HeartbeatReply* reply) {
  return Serve(context, request, reply, &GroupCalls::Heartbeat);
}

grpc::ServerUnaryReactor* GroupService::ReportLiveness(grpc::CallbackServerContext* context,
                                                       const group::v1::LivenessReport* request,
                                                       group::v1::LivenessReply* reply) {
  return Serve(context, request, reply, &GroupCalls::Report);
}

grpc::ServerUnaryReactor* GroupService::LeaveGroup(grpc::CallbackServerContext* context,
                                                   const group::v1::LeaveGroupRequest* request,
                                                   group::v1::LeaveGroupReply* reply) {
  return Serve(context, request, reply, &GroupCalls::Leave);
}

grpc::ServerUnaryReactor* GroupService::DeleteGroups(grpc::CallbackServerContext* context,
                                                     const group::v1::DeleteGroupsRequest* request,
                                                     group::v1::DeleteGroupsReply* reply) {
  return Serve(context, request, reply, &GroupCalls::Delete);
}

grpc::ServerUnaryReactor* GroupService::DescribeGroups(
    grpc::CallbackServerContext* context, const group::v1::DescribeGroupsRequest* request,
    group::v1::DescribeGroupsReply* reply) {
  return Serve(context, request, reply, &GroupCalls::Describe);
}

grpc::ServerUnaryReactor* GroupService::ListGroups(grpc::CallbackServerContext* context,
                                                   const group::v1::ListGroupsRequest* request,
                                                   group::v1::ListGroupsReply* reply) {
  return Serve(context, request, reply, &GroupCalls::List);
}

grpc::ServerUnaryReactor* GroupService::DescribeConsumerGroups(
    grpc::CallbackServerContext* context, const group::v1::DescribeConsumerGroupsRequest* request,
    group::v1::DescribeConsumerGroupsReply* reply) {
  return Serve(context, request, reply, &GroupCalls::DescribeConsumers);
}

}  // namespace weir::service
