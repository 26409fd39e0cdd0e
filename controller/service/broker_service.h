// BrokerService: sessions and metadata feeds of brokers, and their blocks of producer ids.
// Thread rule: gRPC threads; only posts to the node.
#pragma once

#include "controller/quorum/controller_node.h"
#include "proto/broker.grpc.pb.h"

namespace weir::service {

class BrokerService final : public broker::v1::BrokerService::CallbackService {
 public:
  explicit BrokerService(quorum::ControllerNode& node) : node_(node) {}

  grpc::ServerBidiReactor<broker::v1::SessionRequest, broker::v1::SessionReply>* Session(
      grpc::CallbackServerContext* context) override;
  grpc::ServerWriteReactor<broker::v1::FetchMetadataReply>* FetchMetadata(
      grpc::CallbackServerContext* context,
      const broker::v1::FetchMetadataRequest* request) override;
  grpc::ServerUnaryReactor* AllocateProducerIds(
      grpc::CallbackServerContext* context, const broker::v1::AllocateProducerIdsRequest* request,
      broker::v1::AllocateProducerIdsReply* reply) override;
  grpc::ServerUnaryReactor* AlterPartition(grpc::CallbackServerContext* context,
                                           const broker::v1::AlterPartitionRequest* request,
                                           broker::v1::AlterPartitionReply* reply) override;

 private:
  // Has `decide(context, request)` decided and committed, and fills `reply`.
  template <class Request, class Reply, class Decide>
  grpc::ServerUnaryReactor* Submit(grpc::CallbackServerContext* context, const char* method,
                                   const Request* request, Reply* reply, Decide decide);

  quorum::ControllerNode& node_;
};

}  // namespace weir::service
