// AdminService: the admin API (proto/admin.proto) at every controller. Thin: a call finds its way
// to the active controller (admin_call.h), where a control decides or an image is described. Thread
// rule: gRPC threads; only posts to the node.
#pragma once

#include "controller/service/admin_call.h"
#include "proto/admin.grpc.pb.h"

namespace weir::service {

class AdminService final : public admin::v1::AdminService::CallbackService {
 public:
  explicit AdminService(quorum::ControllerNode& node, state::Defaults defaults)
      : node_(node), defaults_(std::move(defaults)) {}

#define WEIR_ADMIN_HANDLER(name)                                          \
  grpc::ServerUnaryReactor* name(grpc::CallbackServerContext* context,    \
                                 const admin::v1::name##Request* request, \
                                 admin::v1::name##Reply* reply) override;
  WEIR_ADMIN_HANDLER(CreateTopics)
  WEIR_ADMIN_HANDLER(DeleteTopics)
  WEIR_ADMIN_HANDLER(DescribeTopics)
  WEIR_ADMIN_HANDLER(ListTopics)
  WEIR_ADMIN_HANDLER(CreatePartitions)
  WEIR_ADMIN_HANDLER(DescribeConfigs)
  WEIR_ADMIN_HANDLER(AlterConfigs)
  WEIR_ADMIN_HANDLER(ElectLeaders)
  WEIR_ADMIN_HANDLER(DescribeCluster)
  WEIR_ADMIN_HANDLER(DescribeBrokers)
  WEIR_ADMIN_HANDLER(DescribeQuorum)
  WEIR_ADMIN_HANDLER(AddVoter)
  WEIR_ADMIN_HANDLER(RemoveVoter)
  WEIR_ADMIN_HANDLER(TransferLeadership)
  WEIR_ADMIN_HANDLER(AlterPartitionReassignments)
  WEIR_ADMIN_HANDLER(ListPartitionReassignments)
  WEIR_ADMIN_HANDLER(PlanBrokerDrain)
  WEIR_ADMIN_HANDLER(CanStopBroker)
#undef WEIR_ADMIN_HANDLER

 private:
  // Parts of a call whose answer is a function of the committed image.
  template <class Request, class Reply>
  typename AdminCall<Request, Reply>::Parts ReadCall(
      const rpc::Method<Request, Reply>& method,
      std::function<Result<Reply>(const Request&)> describe);
  // Parts of a call that a control decides.
  template <class Request, class Reply>
  typename AdminCall<Request, Reply>::Parts WriteCall(
      const rpc::Method<Request, Reply>& method,
      Result<state::Decision<Reply>> (*decide)(const state::DecisionContext&, const Request&));

  quorum::ControllerNode& node_;
  const state::Defaults defaults_;
};

}  // namespace weir::service
