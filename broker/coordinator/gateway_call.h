// GatewayCall: one call of a client on its way to the active controller and back
// (proto/group.proto, laws 1 to 3).
//
//   sent --reply--> waits for the image to reach the reply's offset --> done
//   sent --no reply, or COORDINATOR_NOT_AVAILABLE--> pause --> sent again
//   any --deadline--> done with COORDINATOR_NOT_AVAILABLE; any --Cancel--> withdrawn, no `done`
//   any --this broker alone may be cut off (group_standing.h)--> done with NOT_COORDINATOR
//
// Laws:
//  1. `done` runs once, on the shard, and not after Cancel; never inside Start.
//  2. After the deadline nothing is sent, and a reply that still comes is dropped.
//  3. A call that no controller could ever take (too large) is not repeated: UNKNOWN_SERVER_ERROR.
//  4. The deadline's timer alone keeps a call: one that nobody can end any more is dropped with its
//     shard's timers.
// Thread rule: the shard's thread.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "broker/coordinator/group_standing.h"
#include "broker/metadata/group_port.h"
#include "broker/metadata/image_holder.h"
#include "common/base/executor.h"

namespace weir::coordinator {

// Between two attempts: a new active controller is found within a few of them.
inline constexpr Duration kGatewayRetryPause = std::chrono::milliseconds(50);
// How often a broker that is out of touch asks itself whether its clients should go on waiting.
inline constexpr Duration kStandingInterval = std::chrono::seconds(1);

// Where calls start from and what they ask.
struct GatewayPlace {
  Executor& executor;
  size_t shard = 0;
  broker::ImageHolder& images;
  broker::GroupPort& controllers;
  GroupStanding& standing;
};

// What the kinds of calls differ in.
template <class Request, class Reply>
struct GatewayCallKind {
  rpc::CallHandle (broker::GroupPort::*send)(Request, Duration, broker::ReplyDone<Reply>);
  // The reply says that another controller should be asked, or this one later.
  bool (*is_unavailable)(const Reply& reply);
  // What the client gets instead of a reply.
  Reply (*failure)(const Request& request, ErrorCode error);
  // The metadata that the client's next request must meet; 0: any.
  int64_t (*offset)(const Reply& reply);
  // The group that is asked about, the first of many.
  std::string (*group_id)(const Request& request);
};

template <class Request, class Reply>
class GatewayCall : public std::enable_shared_from_this<GatewayCall<Request, Reply>> {
 public:
  using Kind = GatewayCallKind<Request, Reply>;
  using Done = absl::AnyInvocable<void(Reply)>;

  GatewayCall(const GatewayPlace& place, const Kind& kind, Request request, MonoTime deadline,
              Done done)
      : place_(place),
        kind_(kind),
        request_(std::move(request)),
        deadline_(deadline),
        done_(std::move(done)) {}

  void Start() {
    timer_ = place_.executor.PostAt(deadline_, [self = this->shared_from_this()] {
      self->attempt_handle_.Cancel();
      self->Fail(ErrorCode::kCoordinatorNotAvailable);
    });
    CheckStandingLater();
    Attempt();
  }

  void Cancel() {
    if (ended_) return;
    End();
    attempt_handle_.Cancel();
  }

 private:
  void Attempt() {
    if (ended_ || place_.executor.Now() >= deadline_) return;
    const uint64_t attempt = ++attempt_;
    broker::GroupPort& port = place_.controllers;
    attempt_handle_ = (port.*kind_.send)(
        request_, deadline_ - place_.executor.Now(),
        [weak = this->weak_from_this(), &executor = place_.executor, attempt](Result<Reply> reply) {
          executor.Post([weak, attempt, reply = std::move(reply)]() mutable {
            const auto self = weak.lock();
            if (self && !self->ended_ && attempt == self->attempt_) {
              self->OnReply(std::move(reply));
            }
          });
        });
  }

  void OnReply(Result<Reply> reply) {
    if (reply && !kind_.is_unavailable(*reply)) return PassOn(*std::move(reply));
    if (!reply && IsHopeless(reply.error().code)) return Fail(ErrorCode::kUnknownServerError);
    place_.executor.PostAt(place_.executor.Now() + kGatewayRetryPause,
                           [self = this->shared_from_this()] { self->Attempt(); });
  }

  void CheckStandingLater() {
    const MonoTime now = place_.executor.Now();
    const MonoTime at = std::clamp(place_.standing.InTouchUntil(), now + kStandingInterval,
                                   now + kStandingInterval * 60);
    standing_timer_ = place_.executor.PostAt(at, [weak = this->weak_from_this()] {
      if (const auto self = weak.lock()) self->CheckStanding();
    });
  }

  void CheckStanding() {
    if (ended_) return;
    if (place_.executor.Now() < place_.standing.InTouchUntil()) return CheckStandingLater();
    place_.standing.AskWhetherLeads(place_.shard, kind_.group_id(request_),
                                    [weak = this->weak_from_this()](bool leads) {
                                      const auto self = weak.lock();
                                      if (!self || self->ended_) return;
                                      if (leads) return self->CheckStandingLater();
                                      self->attempt_handle_.Cancel();
                                      self->Fail(ErrorCode::kNotCoordinator);
                                    });
  }

  // The message does not go through, or its reply not.
  static bool IsHopeless(ErrorCode code) {
    return code == ErrorCode::kThrottlingQuotaExceeded || code == ErrorCode::kCorruptMessage;
  }

  void PassOn(Reply reply) {
    const LogIndex offset(static_cast<uint64_t>(kind_.offset(reply)));
    place_.images.WhenReached(place_.shard, offset,
                              [weak = this->weak_from_this(), reply = std::move(reply)]() mutable {
                                if (const auto self = weak.lock()) self->Finish(std::move(reply));
                              });
  }

  void Fail(ErrorCode error) {
    if (!ended_) Finish(kind_.failure(request_, error));
  }

  void Finish(Reply reply) {
    if (ended_) return;
    Done done = std::move(done_);
    End();
    done(std::move(reply));
  }

  void End() {
    ended_ = true;
    place_.executor.Cancel(timer_);
    place_.executor.Cancel(standing_timer_);
    done_ = nullptr;
    request_.Clear();
  }

  const GatewayPlace place_;
  const Kind kind_;
  Request request_;
  const MonoTime deadline_;
  Done done_;
  Executor::TimerId timer_ = 0;
  Executor::TimerId standing_timer_ = 0;
  uint64_t attempt_ = 0;
  // Of the newest attempt.
  rpc::CallHandle attempt_handle_;
  bool ended_ = false;
};

}  // namespace weir::coordinator
