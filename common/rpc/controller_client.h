// ControllerClient: a program's way to the controllers. Given some addresses it finds one that
// lives, follows NOT_CONTROLLER to the leader, and repeats a call until its deadline.
//
//   ControllerClient client({"127.0.0.1:9090"}, {.tool = "weir-cli/0.1.0"});
//   Result<CreateTopicsReply> reply = client.CallSync(kCreateTopics, request,
//   std::chrono::seconds(30));
//
// Laws:
//  1. A request that changes something gets a request id before its first attempt, so that a
//     repeated attempt returns the first answer and changes nothing (J-34).
//  2. An attempt is repeated only after: no connection, a lost connection, NOT_CONTROLLER. Any
//     other answer is final.
//  3. `done`, and a stream's `on_end`, are called exactly once, on a gRPC thread (or, when
//     nothing could be started, on the caller's): post from them, never block in them.
//  4. Once a session has been answered by a controller, attempts that only the leader answers do
//     not go on waiting at another one: they are lost connections (law 2).
//  5. Outcomes: kRequestTimedOut when the deadline passed (a change may still happen),
//     kNetworkException when no controller could be reached, else the controller's answer.
// Thread rule: callable from any thread. May be destroyed while calls are under way; they still
// end.
#pragma once

#include <functional>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "common/base/time.h"
#include "common/rpc/methods.h"
#include "common/rpc/status.h"
#include "common/rpc/unary_call.h"
#include "proto/group_stream.pb.h"

namespace weir::rpc {

struct ControllerClientOptions {
  // Program and version, kept in the metadata log: "weir-cli/0.1.0".
  std::string tool;
  // Pause before the same set of addresses is tried again.
  Duration retry_pause = std::chrono::milliseconds(50);
  // A connection that takes longer counts as dead.
  Duration connect_timeout = std::chrono::seconds(2);
};

// A call under way, for whoever may lose interest in it. Dropping the handle changes nothing.
class CallHandle {
 public:
  CallHandle() = default;
  explicit CallHandle(std::function<void()> cancel) : cancel_(std::move(cancel)) {}

  // The call ends soon, with kNetworkException unless it has its answer, and the controller hears
  // of it. Does nothing after the end; callable from any thread.
  void Cancel() const {
    if (cancel_) cancel_();
  }

 private:
  std::function<void()> cancel_;
};

// A running stream. Dropping the handle cancels the stream; events still come until `on_end` has
// been called.
class StreamHandle {
 public:
  virtual ~StreamHandle() = default;
  // Ends the stream at once. Idempotent.
  virtual void Cancel() = 0;
};

// A broker's session with the active controller (proto/broker.proto, DESIGN D5).
class SessionStream : public StreamHandle {
 public:
  // Queued in order; dropped after the end.
  virtual void Send(broker::v1::SessionRequest request) = 0;
  // Says that nothing more will be sent; the controller then ends the stream.
  virtual void CloseSending() = 0;
};

struct SessionEvents {
  std::function<void(broker::v1::SessionReply)> on_reply;
  std::function<void(RpcError)> on_end;
};

// A broker's calls about groups (proto/group_stream.proto), to the active controller.
class GroupStream : public StreamHandle {
 public:
  // Queued in order; dropped after the end.
  virtual void Send(group::v1::GroupCallBatch batch) = 0;
};

struct GroupStreamEvents {
  std::function<void(group::v1::GroupAnswerBatch)> on_reply;
  std::function<void(RpcError)> on_end;
};

struct MetadataEvents {
  std::function<void(broker::v1::FetchMetadataReply)> on_reply;
  std::function<void(RpcError)> on_end;
};

class ControllerClient {
 public:
  // `addresses`: host:port each. REQUIRES: at least one.
  ControllerClient(std::vector<std::string> addresses, ControllerClientOptions options);
  ~ControllerClient();

  // `timeout` covers all attempts; it is passed on to the controller as the call's deadline.
  template <class Request, class Reply>
  CallHandle Call(const Method<Request, Reply>& method, Request request, Duration timeout,
                  std::function<void(Result<Reply>)> done);
  // The same, waiting. Not on an event loop.
  template <class Request, class Reply>
  Result<Reply> CallSync(const Method<Request, Reply>& method, Request request, Duration timeout);

  // One stream to the controller believed to be the leader. It is not reopened: after on_end, open
  // again (the client has learnt from the end where the leader is). Leave a pause of ~50 ms between
  // attempts.
  std::unique_ptr<SessionStream> OpenSession(SessionEvents events);
  // One metadata stream to any live controller, the last one that answered first. Not reopened
  // either.
  std::unique_ptr<StreamHandle> FetchMetadata(const broker::v1::FetchMetadataRequest& request,
                                              MetadataEvents events);

  // One stream to the controller believed to be the leader. Not reopened; ends as a lost connection
  // when another controller has answered a session (law 4).
  std::unique_ptr<GroupStream> OpenGroupStream(GroupStreamEvents events);

  // More controllers to try, e.g. those a DescribeQuorum named. Known ones are ignored.
  void AddAddresses(const std::vector<std::string>& addresses);

 private:
  struct State;
  using RawDone = std::function<void(Result<grpc::ByteBuffer>)>;
  CallHandle RawCall(const char* path, bool leader_only, grpc::ByteBuffer request, Duration timeout,
                     RawDone done);
  const std::string& tool() const;
  static std::string NewRequestId();

  std::shared_ptr<State> state_;
};

// ---- Implementation of the templates --------------------------------------------------

template <class Request, class Reply>
CallHandle ControllerClient::Call(const Method<Request, Reply>& method, Request request,
                                  Duration timeout, std::function<void(Result<Reply>)> done) {
  if constexpr (requires { request.mutable_context(); }) {
    auto* context = request.mutable_context();
    if (context->request_id().empty()) context->set_request_id(NewRequestId());
    if (context->tool().empty()) context->set_tool(tool());
  }
  return RawCall(method.path, method.leader_only, ToByteBuffer(request), timeout,
                 [done = std::move(done)](Result<grpc::ByteBuffer> raw) {
                   if (!raw) return done(tl::unexpected<Error>(std::move(raw).error()));
                   done(FromByteBuffer<Reply>(*std::move(raw)));
                 });
}

template <class Request, class Reply>
Result<Reply> ControllerClient::CallSync(const Method<Request, Reply>& method, Request request,
                                         Duration timeout) {
  auto promise = std::make_shared<std::promise<Result<Reply>>>();
  std::future<Result<Reply>> future = promise->get_future();
  Call<Request, Reply>(method, std::move(request), timeout,
                       [promise](Result<Reply> reply) { promise->set_value(std::move(reply)); });
  return future.get();
}

}  // namespace weir::rpc
