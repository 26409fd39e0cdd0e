#include "controller/service/group_stream_service.h"

#include <memory>
#include <utility>

#include "common/rpc/server_streams.h"
#include "common/rpc/status.h"
#include "controller/service/not_active.h"

namespace weir::service {
namespace {

using group::v1::GroupAnswerBatch;
using group::v1::GroupCallBatch;
using Stream = rpc::ServerSession<GroupCallBatch, GroupAnswerBatch>;

class GrpcGroupStream final : public quorum::GroupStreamHandle {
 public:
  GrpcGroupStream(quorum::ControllerNode& node, std::shared_ptr<Stream> stream)
      : node_(node), stream_(std::move(stream)) {}
  void Send(GroupAnswerBatch batch) override { stream_->Send(std::move(batch)); }
  void End(const Error& reason) override {
    stream_->End(rpc::ToGrpcStatus(reason, node_.LeaderAddress()));
  }

 private:
  quorum::ControllerNode& node_;
  const std::shared_ptr<Stream> stream_;
};

}  // namespace

grpc::ServerBidiReactor<GroupCallBatch, GroupAnswerBatch>* GroupStreamService::Calls(
    grpc::CallbackServerContext*) {
  const std::shared_ptr<Stream> stream = Stream::Make();
  // The stream's id on the loop; 0 until it is opened there. Only touched on the loop.
  const auto id = std::make_shared<quorum::GroupStreams::StreamId>(0);
  node_.Post([this, stream, id] {
    if (!node_.running() || node_.stopping()) {
      return stream->End(rpc::ToGrpcStatus(NotActive(node_), node_.LeaderAddress()));
    }
    *id = node_.group_streams().Open(std::make_unique<GrpcGroupStream>(node_, stream));
  });
  Stream::Events events;
  events.on_message = [this, id](GroupCallBatch batch) {
    node_.Post([this, id, batch = std::move(batch)] {
      if (*id != 0) node_.group_streams().OnBatch(*id, batch);
    });
  };
  events.on_sent = [this, id] {
    node_.Post([this, id] {
      if (*id != 0) node_.group_streams().OnSent(*id);
    });
  };
  events.on_done = [this, id] {
    node_.Post([this, id] {
      if (*id != 0) node_.group_streams().OnEnd(*id);
    });
  };
  stream->Start(std::move(events));
  return stream.get();
}

}  // namespace weir::service
