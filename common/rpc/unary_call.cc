#include "common/rpc/unary_call.h"

#include <grpcpp/client_context.h>
#include <grpcpp/generic/generic_stub.h>

#include <chrono>

namespace weir::rpc {
namespace {

// Everything a call needs until its answer is here.
struct PendingCall {
  explicit PendingCall(std::shared_ptr<grpc::Channel> on) : channel(std::move(on)), stub(channel) {}

  std::shared_ptr<grpc::Channel> channel;
  grpc::GenericStub stub;
  grpc::ClientContext context;
  std::string path;
  grpc::ByteBuffer request;
  grpc::ByteBuffer reply;
};

}  // namespace

CancelCall RawUnaryCall(std::shared_ptr<grpc::Channel> channel, const std::string& path,
                        grpc::ByteBuffer request, Duration timeout, const CallMetadata& metadata,
                        std::function<void(RawReply)> done) {
  auto call = std::make_shared<PendingCall>(std::move(channel));
  call->path = path;
  call->request = std::move(request);
  call->context.set_deadline(std::chrono::system_clock::now() + timeout);
  for (const auto& [key, value] : metadata) call->context.AddMetadata(key, value);
  call->stub.UnaryCall(&call->context, call->path, grpc::StubOptions(), &call->request,
                       &call->reply, [call, done = std::move(done)](const grpc::Status& status) {
                         if (!status.ok()) {
                           return done(tl::unexpected<RpcError>(FromGrpcStatus(status)));
                         }
                         done(std::move(call->reply));
                       });
  return [weak = std::weak_ptr<PendingCall>(call)] {
    if (const auto running = weak.lock()) running->context.TryCancel();
  };
}

}  // namespace weir::rpc
