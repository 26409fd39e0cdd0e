// One unary call on one channel, without retry: the piece that controller_client, forwarding and
// bootstrap share. Thread rule: callable from any thread; `done` comes once, on a gRPC thread.
#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/proto_buffer_reader.h>
#include <grpcpp/support/proto_buffer_writer.h>
#include <grpcpp/support/status.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "common/base/check.h"
#include "common/base/time.h"
#include "common/rpc/methods.h"
#include "common/rpc/status.h"

namespace weir::rpc {

template <class Message>
grpc::ByteBuffer ToByteBuffer(const Message& message) {
  grpc::ByteBuffer buffer;
  bool own_buffer = false;
  const grpc::Status status =
      grpc::GenericSerialize<grpc::ProtoBufferWriter, Message>(message, &buffer, &own_buffer);
  WEIR_CHECK(status.ok());
  return buffer;
}

// Errors: kCorruptMessage.
template <class Message>
Result<Message> FromByteBuffer(grpc::ByteBuffer buffer) {
  Message message;
  const grpc::Status status =
      grpc::GenericDeserialize<grpc::ProtoBufferReader, Message>(&buffer, &message);
  if (!status.ok()) return Fail(ErrorCode::kCorruptMessage, "the peer's message cannot be read");
  return message;
}

using CallMetadata = std::map<std::string, std::string>;
using RawReply = tl::expected<grpc::ByteBuffer, RpcError>;

// Makes the call end soon, with kNetworkException unless its answer came before. Does nothing after
// the end; callable from any thread.
using CancelCall = std::function<void()>;

// `path`: "/package.Service/Method".
CancelCall RawUnaryCall(std::shared_ptr<grpc::Channel> channel, const std::string& path,
                        grpc::ByteBuffer request, Duration timeout, const CallMetadata& metadata,
                        std::function<void(RawReply)> done);

template <class Request, class Reply>
void UnaryCall(std::shared_ptr<grpc::Channel> channel, const Method<Request, Reply>& method,
               const Request& request, Duration timeout, const CallMetadata& metadata,
               std::function<void(tl::expected<Reply, RpcError>)> done) {
  RawUnaryCall(std::move(channel), method.path, ToByteBuffer(request), timeout, metadata,
               [done = std::move(done)](RawReply raw) {
                 if (!raw) return done(tl::unexpected<RpcError>(std::move(raw).error()));
                 Result<Reply> reply = FromByteBuffer<Reply>(*std::move(raw));
                 if (!reply) return done(tl::unexpected<RpcError>(RpcError{reply.error(), {}}));
                 done(*std::move(reply));
               });
}

}  // namespace weir::rpc
