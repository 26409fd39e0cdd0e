// GroupStreamService: brokers' streams of calls about groups (proto/group_stream.proto), as events
// of GroupStreams.
// Thread rule: gRPC threads; only posts to the node.
#pragma once

#include "controller/quorum/controller_node.h"
#include "proto/group_stream.grpc.pb.h"

namespace weir::service {

class GroupStreamService final : public group::v1::GroupStreamService::CallbackService {
 public:
  explicit GroupStreamService(quorum::ControllerNode& node) : node_(node) {}

  grpc::ServerBidiReactor<group::v1::GroupCallBatch, group::v1::GroupAnswerBatch>* Calls(
      grpc::CallbackServerContext* context) override;

 private:
  quorum::ControllerNode& node_;
};

}  // namespace weir::service
