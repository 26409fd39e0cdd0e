#include "controller/service/broker_service.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "common/rpc/server_streams.h"
#include "common/rpc/status.h"
#include "controller/service/not_active.h"
#include "controller/state/alter_partition.h"
#include "controller/state/producer_ids.h"

namespace weir::service {
namespace {

using Stream = rpc::ServerSession<broker::v1::SessionRequest, broker::v1::SessionReply>;
using FeedStream = rpc::ServerPush<broker::v1::FetchMetadataReply>;

class GrpcSession final : public quorum::SessionHandle {
 public:
  GrpcSession(quorum::ControllerNode& node, std::shared_ptr<Stream> stream)
      : node_(node), stream_(std::move(stream)) {}
  void Reply(broker::v1::SessionReply reply) override { stream_->Send(std::move(reply)); }
  void End(Status status) override {
    stream_->End(status ? grpc::Status::OK
                        : rpc::ToGrpcStatus(status.error(), node_.LeaderAddress()));
  }

 private:
  quorum::ControllerNode& node_;
  const std::shared_ptr<Stream> stream_;
};

// The session's id on the loop; 0 until it is opened there. Only touched on the loop.
using SharedId = std::shared_ptr<uint64_t>;

class GrpcSubscriber final : public quorum::FeedSubscriber {
 public:
  explicit GrpcSubscriber(std::shared_ptr<FeedStream> stream) : stream_(std::move(stream)) {}
  void Send(broker::v1::FetchMetadataReply reply) override { stream_->Send(std::move(reply)); }
  void End(const Error& reason) override { stream_->End(rpc::ToGrpcStatus(reason)); }

 private:
  const std::shared_ptr<FeedStream> stream_;
};

}  // namespace

grpc::ServerBidiReactor<broker::v1::SessionRequest, broker::v1::SessionReply>*
BrokerService::Session(grpc::CallbackServerContext*) {
  const std::shared_ptr<Stream> stream = Stream::Make();
  const SharedId id = std::make_shared<uint64_t>(0);
  node_.Post([this, stream, id] {
    if (!node_.running() || node_.stopping()) {
      return stream->End(rpc::ToGrpcStatus(NotActive(node_)));
    }
    *id = node_.sessions().Open(std::make_unique<GrpcSession>(node_, stream));
  });
  Stream::Events events;
  events.on_message = [this, id](broker::v1::SessionRequest request) {
    node_.Post([this, id, request = std::move(request)]() mutable {
      if (*id != 0) node_.sessions().OnMessage(*id, std::move(request));
    });
  };
  events.on_done = [this, id] {
    node_.Post([this, id] {
      if (*id != 0) node_.sessions().OnEnd(*id);
    });
  };
  stream->Start(std::move(events));
  return stream.get();
}

grpc::ServerWriteReactor<broker::v1::FetchMetadataReply>* BrokerService::FetchMetadata(
    grpc::CallbackServerContext*, const broker::v1::FetchMetadataRequest* request) {
  const SharedId id = std::make_shared<uint64_t>(0);
  FeedStream::Events events;
  events.on_sent = [this, id] {
    node_.Post([this, id] {
      if (*id != 0) node_.feed().OnSent(*id);
    });
  };
  events.on_done = [this, id] {
    node_.Post([this, id] {
      if (*id != 0) node_.feed().Unsubscribe(*id);
    });
  };
  const std::shared_ptr<FeedStream> stream = FeedStream::Start(std::move(events));
  node_.Post([this, stream, id, wanted = *request] {
    if (!node_.running() || node_.stopping() || node_.removed()) {
      return stream->End(rpc::ToGrpcStatus(NotActive(node_)));
    }
    const std::string& theirs = wanted.cluster_id();
    if (!theirs.empty() && theirs != node_.cluster_id().ToBytes()) {
      const auto parsed = Uuid::FromBytes(theirs);
      return stream->End(rpc::ToGrpcStatus(
          {ErrorCode::kInconsistentClusterId,
           "the broker belongs to cluster " + (parsed ? parsed->ToString() : "?") +
               ", this controller to cluster " + node_.cluster_id().ToString()}));
    }
    const auto from = static_cast<uint64_t>(std::max<int64_t>(0, wanted.from_offset()));
    *id = node_.feed().Subscribe(LogIndex(from), std::make_unique<GrpcSubscriber>(stream));
  });
  return stream.get();
}

template <class Request, class Reply, class Decide>
grpc::ServerUnaryReactor* BrokerService::Submit(grpc::CallbackServerContext* context,
                                                const char* method, const Request* request,
                                                Reply* reply, Decide decide) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  node_.Post([this, reactor, method, request, reply, decide] {
    if (!node_.running() || !node_.controller().active()) {
      return reactor->Finish(rpc::ToGrpcStatus(NotActive(node_), node_.LeaderAddress()));
    }
    quorum::Change<Reply> change;
    change.cause.set_principal("Broker:" + std::to_string(request->broker_id()));
    change.cause.set_tool("weir-broker");
    change.cause.set_method(method);
    change.deadline = node_.loop().Now() + std::chrono::seconds(30);
    change.decide = [request, decide](const state::DecisionContext& decision) {
      return decide(decision, *request);
    };
    change.done = [this, reactor, reply](Result<Reply> result, LogIndex) {
      if (!result) {
        return reactor->Finish(rpc::ToGrpcStatus(result.error(), node_.LeaderAddress()));
      }
      *reply = *std::move(result);
      reactor->Finish(grpc::Status::OK);
    };
    node_.controller().Submit(std::move(change));
  });
  return reactor;
}

grpc::ServerUnaryReactor* BrokerService::AllocateProducerIds(
    grpc::CallbackServerContext* context, const broker::v1::AllocateProducerIdsRequest* request,
    broker::v1::AllocateProducerIdsReply* reply) {
  return Submit(context, "AllocateProducerIds", request, reply, state::AllocateProducerIds);
}

grpc::ServerUnaryReactor* BrokerService::AlterPartition(
    grpc::CallbackServerContext* context, const broker::v1::AlterPartitionRequest* request,
    broker::v1::AlterPartitionReply* reply) {
  return Submit(context, "AlterPartition", request, reply,
                [this](const state::DecisionContext& decision,
                       const broker::v1::AlterPartitionRequest& asked) {
                  return node_.controller().log_evidence().AlterPartition(decision, asked);
                });
}

}  // namespace weir::service
