// GroupService: gateways' calls about groups (proto/group.proto), as events of GroupCalls: those
// that do not come on streams (group_stream_service.h).
// Thread rule: gRPC threads; only posts to the node.
#pragma once

#include "controller/quorum/controller_node.h"
#include "proto/group.grpc.pb.h"

namespace weir::service {

class GroupService final : public group::v1::GroupService::CallbackService {
 public:
  explicit GroupService(quorum::ControllerNode& node) : node_(node) {}

  grpc::ServerUnaryReactor* Heartbeat(grpc::CallbackServerContext* context,
                                      const group::v1::HeartbeatRequest* request,
                                      group::v1::HeartbeatReply* reply) override;
  grpc::ServerUnaryReactor* ReportLiveness(grpc::CallbackServerContext* context,
                                           const group::v1::LivenessReport* request,
                                           group::v1::LivenessReply* reply) override;
  grpc::ServerUnaryReactor* LeaveGroup(grpc::CallbackServerContext* context,
                                       const group::v1::LeaveGroupRequest* request,
                                       group::v1::LeaveGroupReply* reply) override;
  grpc::ServerUnaryReactor* DeleteGroups(grpc::CallbackServerContext* context,
                                         const group::v1::DeleteGroupsRequest* request,
                                         group::v1::DeleteGroupsReply* reply) override;
  grpc::ServerUnaryReactor* DescribeGroups(grpc::CallbackServerContext* context,
                                           const group::v1::DescribeGroupsRequest* request,
                                           group::v1::DescribeGroupsReply* reply) override;
  grpc::ServerUnaryReactor* ListGroups(grpc::CallbackServerContext* context,
                                       const group::v1::ListGroupsRequest* request,
                                       group::v1::ListGroupsReply* reply) override;
  grpc::ServerUnaryReactor* DescribeConsumerGroups(
      grpc::CallbackServerContext* context, const group::v1::DescribeConsumerGroupsRequest* request,
      group::v1::DescribeConsumerGroupsReply* reply) override;

 private:
  // Serves the call by that function of GroupCalls.
  template <class Request, class Reply>
  grpc::ServerUnaryReactor* Serve(
      grpc::CallbackServerContext* context, const Request* request, Reply* reply,
      void (quorum::GroupCalls::*function)(const Request&, quorum::GroupCalls::Done<Reply>));

  quorum::ControllerNode& node_;
};

}  // namespace weir::service
