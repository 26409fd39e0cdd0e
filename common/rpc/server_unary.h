// ServerUnary: the server's side of a unary method whose answer may take long: its owner answers it
// whenever it is ready, and hears when nobody waits any more.
//
// Laws:
//  1. The call is answered once; what comes after, also after the client has gone, is dropped.
//  2. `on_gone` comes at most once, before or instead of an answer: the client has cancelled, its
//     deadline has passed, or its connection broke.
//  3. The object lives until gRPC is done with it, whatever its owner does.
// Thread rule: every call from any thread; `on_gone` on a gRPC thread.
#pragma once

#include <grpcpp/support/server_callback.h>
#include <grpcpp/support/status.h>

#include <functional>
#include <memory>
#include <mutex>
#include <utility>

namespace weir::rpc {

template <class Reply>
class ServerUnary final : public grpc::ServerUnaryReactor {
 public:
  // `reply` is gRPC's. Return the reactor from the method before anything is awaited.
  static std::shared_ptr<ServerUnary> Make(Reply* reply, std::function<void()> on_gone) {
    std::shared_ptr<ServerUnary> call(new ServerUnary(reply, std::move(on_gone)));
    call->self_ = call;
    return call;
  }

  void Answer(Reply reply) {
    std::lock_guard lock(mutex_);
    if (std::exchange(finished_, true)) return;
    *reply_ = std::move(reply);
    this->Finish(grpc::Status::OK);
  }
  void End(const grpc::Status& status) {
    std::lock_guard lock(mutex_);
    if (std::exchange(finished_, true)) return;
    this->Finish(status);
  }

  void OnCancel() override {
    {
      std::lock_guard lock(mutex_);
      if (std::exchange(finished_, true)) return;
    }
    // Nobody else finishes the call any more: until then it lives.
    on_gone_();
    this->Finish(grpc::Status::CANCELLED);
  }

  void OnDone() override {
    on_gone_ = {};
    const std::shared_ptr<ServerUnary> last = std::move(self_);
  }

 private:
  ServerUnary(Reply* reply, std::function<void()> on_gone)
      : reply_(reply), on_gone_(std::move(on_gone)) {}

  Reply* const reply_;
  std::function<void()> on_gone_;
  std::shared_ptr<ServerUnary> self_;
  std::mutex mutex_;
  bool finished_ = false;
};

}  // namespace weir::rpc
