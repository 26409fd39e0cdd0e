// RaftService: messages of peers in, and who this controller is. Checks what Raft must never see:
// another cluster's messages, or those for another controller or directory. Thread rule:
// gRPC threads; only posts to the node.
#pragma once

#include "controller/quorum/controller_node.h"
#include "proto/raft.grpc.pb.h"

namespace weir::service {

class RaftService final : public raft::v1::RaftService::CallbackService {
 public:
  explicit RaftService(quorum::ControllerNode& node) : node_(node) {}

  grpc::ServerReadReactor<raft::v1::RaftMessage>* Deliver(grpc::CallbackServerContext* context,
                                                          raft::v1::DeliverReply* reply) override;
  grpc::ServerReadReactor<raft::v1::RaftMessage>* DeliverSnapshot(
      grpc::CallbackServerContext* context, raft::v1::DeliverReply* reply) override;
  grpc::ServerUnaryReactor* Identify(grpc::CallbackServerContext* context,
                                     const raft::v1::IdentifyRequest* request,
                                     raft::v1::IdentifyReply* reply) override;

 private:
  grpc::ServerReadReactor<raft::v1::RaftMessage>* Receive(grpc::CallbackServerContext* context);
  // `sender`: who sent the last message that was taken on this stream.
  grpc::Status Take(raft::v1::RaftMessage message, const std::string& from_address,
                    raft::VoterKey* sender);

  quorum::ControllerNode& node_;
};

}  // namespace weir::service
