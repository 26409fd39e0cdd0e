#include "common/rpc/byte_stream.h"

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/support/client_callback.h>

#include <deque>
#include <mutex>
#include <utility>

namespace weir::rpc {
namespace {

class Reactor final : public ByteStream,
                      public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  Reactor(std::shared_ptr<grpc::Channel> channel, const ByteStreamLimits& limits,
          ByteStreamEvents events)
      : channel_(std::move(channel)),
        stub_(channel_),
        limits_(limits),
        events_(std::move(events)) {}

  // gRPC owns the reactor between Start and OnDone: `self` keeps it alive.
  void Start(const char* path, const std::map<std::string, std::string>& metadata,
             std::shared_ptr<Reactor> self) {
    self_ = std::move(self);
    path_ = path;
    for (const auto& [key, value] : metadata) context_.AddMetadata(key, value);
    stub_.PrepareBidiStreamingCall(&context_, path_, grpc::StubOptions(), this);
    AddHold();  // for writes, which Send starts from outside
    StartRead(&incoming_);
    StartCall();
  }

  size_t Send(grpc::ByteBuffer message) override {
    std::lock_guard lock(mutex_);
    if (ended_ || closing_) return 0;
    bytes_ += message.Length();
    queue_.push_back(std::move(message));
    size_t dropped = 0;
    const size_t busy = writing_ ? 1 : 0;  // the message being written stays
    while (queue_.size() > busy + 1 &&
           (queue_.size() > limits_.queue_messages_max || bytes_ > limits_.queue_bytes_max)) {
      const auto oldest = queue_.begin() + static_cast<std::ptrdiff_t>(busy);
      bytes_ -= oldest->Length();
      queue_.erase(oldest);
      ++dropped;
    }
    WriteNext();
    return dropped;
  }

  void CloseSending() override {
    std::lock_guard lock(mutex_);
    if (ended_ || closing_) return;
    closing_ = true;
    WriteNext();
  }

  void Cancel() override {
    context_.TryCancel();
    std::lock_guard lock(mutex_);
    ReleaseHold();
  }

  void OnWriteDone(bool ok) override {
    std::lock_guard lock(mutex_);
    writing_ = false;
    bytes_ -= queue_.front().Length();
    queue_.pop_front();
    if (!ok) return ReleaseHold();
    WriteNext();
  }

  void OnReadDone(bool ok) override {
    if (!ok) {
      std::lock_guard lock(mutex_);
      return ReleaseHold();
    }
    grpc::ByteBuffer message;
    message.Swap(&incoming_);
    if (events_.on_message) events_.on_message(std::move(message));
    StartRead(&incoming_);
  }

  void OnDone(const grpc::Status& status) override {
    {
      std::lock_guard lock(mutex_);
      ended_ = true;
      queue_.clear();
    }
    if (events_.on_end) events_.on_end(status);
    // Callbacks may own things that own us: let go of them before the last reference.
    events_ = {};
    const std::shared_ptr<Reactor> last = std::move(self_);
  }

 private:
  // REQUIRES: mutex_.
  void WriteNext() {
    if (writing_ || released_) return;
    if (!queue_.empty()) {
      writing_ = true;
      StartWrite(&queue_.front());
    } else if (closing_) {
      StartWritesDone();
      ReleaseHold();
    }
  }

  // REQUIRES: mutex_. After it no operation is started from outside; one that runs still completes.
  void ReleaseHold() {
    if (released_) return;
    released_ = true;
    ended_ = true;
    RemoveHold();
  }

  const std::shared_ptr<grpc::Channel> channel_;
  grpc::GenericStub stub_;
  grpc::ClientContext context_;
  const ByteStreamLimits limits_;
  ByteStreamEvents events_;
  std::string path_;
  std::shared_ptr<Reactor> self_;
  grpc::ByteBuffer incoming_;

  std::mutex mutex_;
  std::deque<grpc::ByteBuffer> queue_;
  size_t bytes_ = 0;
  bool writing_ = false;
  bool closing_ = false;
  bool released_ = false;  // the hold is gone
  bool ended_ = false;     // nothing more is accepted
};

}  // namespace

std::shared_ptr<ByteStream> ByteStream::Open(std::shared_ptr<grpc::Channel> channel,
                                             const char* path, const ByteStreamLimits& limits,
                                             ByteStreamEvents events,
                                             const std::map<std::string, std::string>& metadata) {
  auto reactor = std::make_shared<Reactor>(std::move(channel), limits, std::move(events));
  reactor->Start(path, metadata, reactor);
  return reactor;
}

}  // namespace weir::rpc
