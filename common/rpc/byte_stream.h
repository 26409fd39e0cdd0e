// ByteStream: the client's side of any streaming method, in serialized messages. On the wire
// client-streaming, server-streaming and bidirectional calls are the same, so this one class serves
// sessions, metadata feeds and Raft messages.
//
// Laws:
//  1. The queue of outgoing messages is bounded; past the bound the oldest waiting one is dropped
//     (Raft and heartbeats may be lost; nothing here may grow without limit).
//  2. `on_end` comes exactly once and last. After it the object does nothing.
//  3. Events come one at a time, on gRPC threads: post from them, never block in them.
// Thread rule: every call from any thread.
#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/status.h>

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace weir::rpc {

struct ByteStreamEvents {
  // May be empty.
  std::function<void(grpc::ByteBuffer)> on_message;
  std::function<void(grpc::Status)> on_end;
};

struct ByteStreamLimits {
  size_t queue_messages_max = 1024;
  size_t queue_bytes_max = 64 * 1024 * 1024;
};

class ByteStream {
 public:
  // Starts the call at once. `metadata` goes along as call headers.
  static std::shared_ptr<ByteStream> Open(std::shared_ptr<grpc::Channel> channel, const char* path,
                                          const ByteStreamLimits& limits, ByteStreamEvents events,
                                          const std::map<std::string, std::string>& metadata = {});
  virtual ~ByteStream() = default;

  // Returns how many messages were dropped to make room (0 normally).
  virtual size_t Send(grpc::ByteBuffer message) = 0;
  // After what is queued: nothing more will be sent.
  virtual void CloseSending() = 0;
  virtual void Cancel() = 0;
};

}  // namespace weir::rpc
