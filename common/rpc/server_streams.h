// The server's side of streaming methods: three small reactors with the locking that gRPC's
// callback API asks for, so that services only see messages and ends.
//
//   ServerIntake   client-streaming: messages come in (Raft messages)
//   ServerPush     server-streaming: one message at a time goes out (metadata feed)
//   ServerSession  bidirectional (broker sessions)
//
// Laws:
//  1. Events of one stream come one at a time, on gRPC threads; `on_done` comes exactly once and
//     last.
//  2. A stream object lives until gRPC is done with it, whatever its owner does; calls on a
//     finished one do nothing.
// Thread rule: every call from any thread.
#pragma once

#include <grpcpp/support/server_callback.h>
#include <grpcpp/support/status.h>

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>

namespace weir::rpc {

// In: messages until the client ends, the connection breaks, or `on_message` returns an error,
// which ends the stream with it.
template <class In>
class ServerIntake final : public grpc::ServerReadReactor<In> {
 public:
  struct Events {
    std::function<grpc::Status(In)> on_message;
    std::function<void()> on_done;
  };

  // gRPC owns the returned reactor.
  static ServerIntake* Start(Events events) {
    auto* stream = new ServerIntake(std::move(events));
    stream->StartRead(&stream->incoming_);
    return stream;
  }

  void OnReadDone(bool ok) override {
    if (!ok) return this->Finish(grpc::Status::OK);
    const grpc::Status status = events_.on_message(std::move(incoming_));
    if (!status.ok()) return this->Finish(status);
    incoming_ = In();
    this->StartRead(&incoming_);
  }

  void OnDone() override {
    if (events_.on_done) events_.on_done();
    delete this;
  }

 private:
  explicit ServerIntake(Events events) : events_(std::move(events)) {}

  Events events_;
  In incoming_;
};

// Out: the owner sends one message, waits for `on_sent`, sends the next: a slow reader never makes
// a queue.
template <class Out>
class ServerPush final : public grpc::ServerWriteReactor<Out> {
 public:
  struct Events {
    std::function<void()> on_sent;
    std::function<void()> on_done;
  };

  static std::shared_ptr<ServerPush> Start(Events events) {
    std::shared_ptr<ServerPush> stream(new ServerPush(std::move(events)));
    stream->self_ = stream;
    return stream;
  }

  // REQUIRES: the message before has been sent.
  void Send(Out message) {
    std::lock_guard lock(mutex_);
    if (finished_) return;
    outgoing_ = std::move(message);
    this->StartWrite(&outgoing_);
  }

  void End(const grpc::Status& status) {
    std::lock_guard lock(mutex_);
    if (std::exchange(finished_, true)) return;
    this->Finish(status);
  }

  void OnWriteDone(bool ok) override {
    if (!ok) return End(grpc::Status::CANCELLED);
    events_.on_sent();
  }
  void OnCancel() override { End(grpc::Status::CANCELLED); }

  void OnDone() override {
    events_.on_done();
    events_ = {};
    const std::shared_ptr<ServerPush> last = std::move(self_);
  }

 private:
  explicit ServerPush(Events events) : events_(std::move(events)) {}

  Events events_;
  std::shared_ptr<ServerPush> self_;
  std::mutex mutex_;
  bool finished_ = false;
  Out outgoing_;
};

// Both ways. Outgoing messages are few and small (heartbeat answers), or come one at a time: the
// next one after `on_sent`.
template <class In, class Out>
class ServerSession final : public grpc::ServerBidiReactor<In, Out> {
 public:
  struct Events {
    std::function<void(In)> on_message;
    // What waited has been sent. May be empty.
    std::function<void()> on_sent;
    // The client will send no more, by intent or because the connection broke.
    std::function<void()> on_done;
  };

  // Gives the owner its reference before the first event can come.
  static std::shared_ptr<ServerSession> Make() {
    std::shared_ptr<ServerSession> stream(new ServerSession());
    stream->self_ = stream;
    return stream;
  }
  void Start(Events events) {
    events_ = std::move(events);
    this->StartRead(&incoming_);
  }

  void Send(Out message) {
    std::lock_guard lock(mutex_);
    if (ending_) return;
    queue_.push_back(std::move(message));
    // A client that does not read its answers needs none of the old ones.
    if (queue_.size() > kQueueMax) queue_.erase(queue_.begin() + 1);
    if (queue_.size() == 1) this->StartWrite(&queue_.front());
  }

  // After the messages that wait.
  void End(const grpc::Status& status) {
    std::lock_guard lock(mutex_);
    if (std::exchange(ending_, true)) return;
    status_ = status;
    if (queue_.empty()) FinishOnce();
  }

  void OnReadDone(bool ok) override {
    if (!ok) return End(grpc::Status::OK);
    events_.on_message(std::move(incoming_));
    incoming_ = In();
    this->StartRead(&incoming_);
  }

  void OnWriteDone(bool ok) override {
    {
      std::lock_guard lock(mutex_);
      queue_.pop_front();
      if (!ok) queue_.clear();
      if (!queue_.empty()) return this->StartWrite(&queue_.front());
      if (ending_) return FinishOnce();
    }
    if (ok && events_.on_sent) events_.on_sent();
  }

  void OnCancel() override {
    std::lock_guard lock(mutex_);
    if (!std::exchange(ending_, true)) status_ = grpc::Status::CANCELLED;
    if (queue_.empty()) FinishOnce();
  }

  void OnDone() override {
    events_.on_done();
    events_ = {};
    const std::shared_ptr<ServerSession> last = std::move(self_);
  }

 private:
  static constexpr size_t kQueueMax = 64;

  ServerSession() = default;

  // REQUIRES: mutex_.
  void FinishOnce() {
    if (std::exchange(finished_, true)) return;
    this->Finish(status_);
  }

  Events events_;
  std::shared_ptr<ServerSession> self_;
  In incoming_;
  std::mutex mutex_;
  std::deque<Out> queue_;  // the front is being written
  bool ending_ = false;
  bool finished_ = false;
  grpc::Status status_;
};

}  // namespace weir::rpc
