#include "controller/service/raft_service.h"

#include <utility>

#include "common/rpc/server_streams.h"
#include "common/rpc/status.h"
#include "controller/quorum/conversions.h"

namespace weir::service {
namespace {

std::string FromAddress(const grpc::CallbackServerContext& context) {
  const auto& metadata = context.client_metadata();
  const auto found = metadata.find(quorum::kFromAddressHeader);
  if (found == metadata.end()) return "";
  return std::string(found->second.data(), found->second.size());
}

}  // namespace

grpc::ServerReadReactor<raft::v1::RaftMessage>* RaftService::Deliver(
    grpc::CallbackServerContext* context, raft::v1::DeliverReply*) {
  return Receive(context);
}

grpc::ServerReadReactor<raft::v1::RaftMessage>* RaftService::DeliverSnapshot(
    grpc::CallbackServerContext* context, raft::v1::DeliverReply*) {
  return Receive(context);
}

grpc::ServerReadReactor<raft::v1::RaftMessage>* RaftService::Receive(
    grpc::CallbackServerContext* context) {
  rpc::ServerIntake<raft::v1::RaftMessage>::Events events;
  auto sender = std::make_shared<raft::VoterKey>();
  events.on_message = [this, sender, from = FromAddress(*context)](raft::v1::RaftMessage message) {
    return Take(std::move(message), from, sender.get());
  };
  events.on_done = [this, sender] { node_.PeerGone(*sender); };
  return rpc::ServerIntake<raft::v1::RaftMessage>::Start(std::move(events));
}

grpc::Status RaftService::Take(raft::v1::RaftMessage message, const std::string& from_address,
                               raft::VoterKey* sender) {
  Result<raft::Message> parsed = quorum::FromProto(message);
  if (!parsed) return rpc::ToGrpcStatus(parsed.error());
  const raft::MessageHeader& header = raft::HeaderOf(*parsed);
  if (header.to.id != node_.id() || header.to.directory_id != node_.directory_id()) {
    return rpc::ToGrpcStatus(
        {ErrorCode::kInvalidVoterKey, "the message is for controller " + raft::ToString(header.to) +
                                          ", this is " +
                                          raft::ToString({node_.id(), node_.directory_id()})});
  }
  const Uuid own = node_.known_cluster_id();
  if (!own.IsZero() && header.cluster_id != own) {
    return rpc::ToGrpcStatus({ErrorCode::kInconsistentClusterId,
                              "the message is of cluster " + header.cluster_id.ToString() +
                                  ", this controller is of cluster " + own.ToString()});
  }
  *sender = header.from;
  node_.Deliver(*std::move(parsed), from_address);
  return grpc::Status::OK;
}

grpc::ServerUnaryReactor* RaftService::Identify(grpc::CallbackServerContext* context,
                                                const raft::v1::IdentifyRequest*,
                                                raft::v1::IdentifyReply* reply) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  node_.Post([this, reactor, reply] {
    *reply = node_.Identity();
    reactor->Finish(grpc::Status::OK);
  });
  return reactor;
}

}  // namespace weir::service
