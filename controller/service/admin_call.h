// AdminCall: one unary call at any controller, on its way to the active one: served here if that is
// us, forwarded otherwise, and begun again when the leader changes under it, until its deadline.
//
// Laws:
//  1. A forwarded call is never forwarded again: it carries a header (loop guard).
//  2. A changing call has a request id before it is first forwarded, so that beginning again
//     changes nothing twice.
//  3. The client is answered exactly once, and a little before its deadline, so that the reason
//     reaches it.
// Thread rule: Begin on a gRPC thread; everything else on the loop thread.
#pragma once

#include <grpcpp/server_context.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "common/base/prng.h"
#include "common/rpc/channel.h"
#include "common/rpc/methods.h"
#include "common/rpc/unary_call.h"
#include "common/runtime/clock.h"
#include "common/runtime/metrics.h"
#include "controller/quorum/controller_node.h"

namespace weir::service {

inline constexpr const char* kForwardedHeader = "weir-forwarded";
inline constexpr size_t kRequestIdBytesMax = 128;
inline constexpr Duration kDefaultTimeout = std::chrono::seconds(30);
inline constexpr Duration kTimeoutMax = std::chrono::minutes(5);
// What the server keeps of the client's deadline for the way back; a quarter of a short one.
inline constexpr Duration kAnswerMargin = std::chrono::milliseconds(100);
inline constexpr Duration kRetryPause = std::chrono::milliseconds(20);

// What a call carries besides its request.
struct CallInfo {
  MonoTime deadline;
  metadata::v1::Cause cause;
};

// Time left until the client's deadline, within our own limits.
Duration TimeoutOf(const grpc::CallbackServerContext& context);
bool IsForwarded(const grpc::CallbackServerContext& context);
void CountCall(std::string_view method, ErrorCode code, Duration took);

template <class Request, class Reply>
class AdminCall : public std::enable_shared_from_this<AdminCall<Request, Reply>> {
 public:
  using Done = std::function<void(Result<Reply>)>;
  using Serve = std::function<void(const Request&, const CallInfo&, Done)>;

  struct Parts {
    quorum::ControllerNode& node;
    rpc::Method<Request, Reply> method;
    // Serves the call on the active controller.
    Serve serve;
    // Answers when no leader can be found; may be empty.
    std::function<Reply()> without_leader;
  };

  static grpc::ServerUnaryReactor* Begin(grpc::CallbackServerContext* context,
                                         const Request* request, Reply* reply, Parts parts) {
    auto call = std::make_shared<AdminCall>(context, *request, reply, std::move(parts));
    call->parts_.node.Post([call] { call->Run(); });
    return call->reactor_;
  }

  AdminCall(grpc::CallbackServerContext* context, Request request, Reply* reply, Parts parts)
      : reactor_(context->DefaultReactor()),
        request_(std::move(request)),
        reply_(reply),
        parts_(std::move(parts)),
        forwarded_(IsForwarded(*context)),
        began_(runtime::SteadyNow()) {
    info_.deadline = began_ + TimeoutOf(*context);
    info_.cause.set_method(std::string(parts_.method.name()));
    info_.cause.set_principal("User:ANONYMOUS");
    if constexpr (requires { request_.mutable_context(); }) TakeContext();
  }

 private:
  void TakeContext() {
    auto* context = request_.mutable_context();
    if (context->request_id().empty()) {
      Prng prng(runtime::RandomSeed());
      context->set_request_id(Uuid::Random(prng).ToString());
    }
    info_.cause.set_request_id(context->request_id());
    info_.cause.set_tool(context->tool());
    if (!context->principal().empty()) info_.cause.set_principal(context->principal());
  }

  void Run() {
    if (info_.cause.request_id().size() > kRequestIdBytesMax) {
      return Fail({ErrorCode::kInvalidRequest, "request_id is longer than 128 bytes"});
    }
    auto self = this->shared_from_this();
    parts_.node.FindLeader(info_.deadline, [self](Result<quorum::ControllerNode::Route> route) {
      if (!route) return self->NoLeader(route.error());
      if (route->here) return self->ServeHere();
      if (self->forwarded_) {
        return self->Fail({ErrorCode::kNotController, "this controller is not the active one"});
      }
      self->Forward(route->address);
    });
  }

  void NoLeader(const Error& error) {
    if (parts_.without_leader && !forwarded_) return Succeed(parts_.without_leader());
    Fail(error);
  }

  void ServeHere() {
    auto self = this->shared_from_this();
    parts_.serve(request_, info_, [self](Result<Reply> reply) {
      if (reply) return self->Succeed(*std::move(reply));
      if (reply.error().code == ErrorCode::kNotController) return self->Again(reply.error());
      self->Fail(reply.error());
    });
  }

  void Forward(const std::string& address) {
    auto self = this->shared_from_this();
    const Duration left = info_.deadline - runtime::SteadyNow();
    const auto channel = rpc::ChannelTo(address);
    rpc::DialAtOnce(channel);
    rpc::UnaryCall<Request, Reply>(
        channel, parts_.method, request_, std::max(left, kRetryPause), {{kForwardedHeader, "1"}},
        [self, address](tl::expected<Reply, rpc::RpcError> reply) {
          self->parts_.node.Post([self, address, reply = std::move(reply)]() mutable {
            self->Forwarded(address, std::move(reply));
          });
        });
  }

  void Forwarded(const std::string& address, tl::expected<Reply, rpc::RpcError> reply) {
    if (reply) return Succeed(*std::move(reply));
    const Error& error = reply.error().error;
    if (error.code == ErrorCode::kNetworkException || error.code == ErrorCode::kNotController) {
      return Again({ErrorCode::kNotController,
                    "the active controller at " + address + " did not answer: " + error.message});
    }
    Fail(error);
  }

  // The leader is lost or was not the one: look for it again after a short pause.
  void Again(const Error& error) {
    const MonoTime next = runtime::SteadyNow() + kRetryPause;
    if (forwarded_ || next >= info_.deadline || parts_.node.stopping()) return Fail(error);
    parts_.node.loop().PostAt(next, [self = this->shared_from_this()] { self->Run(); });
  }

  void Succeed(Reply reply) {
    *reply_ = std::move(reply);
    Finish(grpc::Status::OK, ErrorCode::kNone);
  }

  void Fail(const Error& error) {
    Finish(rpc::ToGrpcStatus(error, parts_.node.LeaderAddress()), error.code);
  }

  void Finish(const grpc::Status& status, ErrorCode code) {
    CountCall(parts_.method.name(), code, runtime::SteadyNow() - began_);
    reactor_->Finish(status);
  }

  grpc::ServerUnaryReactor* const reactor_;
  Request request_;
  Reply* const reply_;
  const Parts parts_;
  const bool forwarded_;
  const MonoTime began_;
  CallInfo info_;
};

}  // namespace weir::service
