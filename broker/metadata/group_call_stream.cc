#include "broker/metadata/group_call_stream.h"

#include <algorithm>

#include "common/base/group_stream_limits.h"

namespace weir::broker {
namespace {

using group::v1::ConsumerGroupHeartbeatReply;
using group::v1::ConsumerGroupHeartbeatRequest;
using group::v1::GroupCall;
using group::v1::GroupCallAnswer;
using group::v1::JoinGroupReply;
using group::v1::JoinGroupRequest;
using group::v1::SyncGroupReply;
using group::v1::SyncGroupRequest;

constexpr Duration kReopenPause = std::chrono::milliseconds(50);
// Controllers that do not know of an election yet name one another, or one that is gone.
constexpr int kHintsInARowMax = 2;
// Whoever asks waits for no less.
constexpr Duration kLookInterval = std::chrono::seconds(1);

JoinGroupReply* Find(GroupCallAnswer& answer, const JoinGroupReply*) {
  return answer.has_join() ? answer.mutable_join() : nullptr;
}
SyncGroupReply* Find(GroupCallAnswer& answer, const SyncGroupReply*) {
  return answer.has_sync() ? answer.mutable_sync() : nullptr;
}
ConsumerGroupHeartbeatReply* Find(GroupCallAnswer& answer, const ConsumerGroupHeartbeatReply*) {
  return answer.has_consumer_heartbeat() ? answer.mutable_consumer_heartbeat() : nullptr;
}

template <class Reply>
ReplyDone<GroupCallAnswer> Unpack(ReplyDone<Reply> done) {
  return [done = std::move(done)](Result<GroupCallAnswer> answer) mutable {
    if (!answer) return done(tl::unexpected<Error>(std::move(answer).error()));
    if (Reply* reply = Find(*answer, static_cast<const Reply*>(nullptr))) {
      return done(std::move(*reply));
    }
    const ErrorCode error = answer->failed_code() != 0 ? ErrorCodeFromNumber(answer->failed_code())
                                                       : ErrorCode::kUnknownServerError;
    done(Fail(error, "the controller took no part in the call"));
  };
}

}  // namespace

rpc::CallHandle GroupCallStream::Call(JoinGroupRequest request, Duration timeout,
                                      ReplyDone<JoinGroupReply> done) {
  GroupCall call;
  *call.mutable_join() = std::move(request);
  return Ask(std::move(call), timeout, Unpack(std::move(done)));
}

rpc::CallHandle GroupCallStream::Call(SyncGroupRequest request, Duration timeout,
                                      ReplyDone<SyncGroupReply> done) {
  GroupCall call;
  *call.mutable_sync() = std::move(request);
  return Ask(std::move(call), timeout, Unpack(std::move(done)));
}

rpc::CallHandle GroupCallStream::Call(ConsumerGroupHeartbeatRequest request, Duration timeout,
                                      ReplyDone<ConsumerGroupHeartbeatReply> done) {
  GroupCall call;
  *call.mutable_consumer_heartbeat() = std::move(request);
  return Ask(std::move(call), timeout, Unpack(std::move(done)));
}

rpc::CallHandle GroupCallStream::Ask(GroupCall call, Duration timeout, AnswerDone done) {
  const uint64_t id = ++last_id_;
  call.set_id(id);
  thread_->Post([this, id, timeout, call = std::move(call), done = std::move(done)]() mutable {
    Add(id, {std::move(call), thread_->Now() + timeout, std::move(done)});
  });
  return rpc::CallHandle(
      [this, id, thread = thread_] { thread->Post([this, id] { Withdraw(id); }); });
}

void GroupCallStream::Add(uint64_t id, Waiting waiting) {
  waiting_.emplace(id, std::move(waiting));
  unsent_.push_back(id);
  if (!std::exchange(look_scheduled_, true)) {
    thread_->PostAt(thread_->Now() + kLookInterval, [this] { LookForLateOnes(); });
  }
  if (stream_ == nullptr && !open_scheduled_) return Open();
  SendNext();
}

void GroupCallStream::Withdraw(uint64_t id) {
  const auto withdrawn = waiting_.extract(id);
  if (withdrawn.empty() || !withdrawn.mapped().sent) return;
  cancelled_.push_back(id);
  SendNext();
}

void GroupCallStream::SendNext() {
  if (stream_ == nullptr || on_the_way_ > 0) return;
  group::v1::GroupCallBatch batch;
  for (; !cancelled_.empty() && batch.cancelled_size() < limits::kGroupBatchCallsMax;
       cancelled_.pop_front()) {
    batch.add_cancelled(cancelled_.front());
  }
  size_t bytes = 0;
  for (; !unsent_.empty() && batch.calls_size() < limits::kGroupBatchCallsMax;
       unsent_.pop_front()) {
    const auto waiting = waiting_.find(unsent_.front());
    if (waiting == waiting_.end()) continue;
    bytes += waiting->second.call.ByteSizeLong();
    if (batch.calls_size() > 0 && bytes > limits::kGroupBatchBytesMax) break;
    // Kept: it may have to be sent again.
    *batch.add_calls() = waiting->second.call;
    waiting->second.sent = true;
  }
  on_the_way_ = batch.calls_size() + batch.cancelled_size();
  if (on_the_way_ > 0) stream_->Send(std::move(batch));
}

void GroupCallStream::Open() {
  const uint64_t attempt = ++attempt_;
  rpc::GroupStreamEvents events;
  events.on_reply = [this, attempt, thread = thread_](group::v1::GroupAnswerBatch batch) {
    thread->Post([this, attempt, batch = std::move(batch)]() mutable {
      OnAnswers(attempt, std::move(batch));
    });
  };
  events.on_end = [this, attempt, thread = thread_](rpc::RpcError error) {
    thread->Post([this, attempt, error = std::move(error)] { OnEnd(attempt, error); });
  };
  stream_ = controllers_.OpenGroupStream(std::move(events));
  SendNext();
}

void GroupCallStream::OnAnswers(uint64_t attempt, group::v1::GroupAnswerBatch batch) {
  if (attempt != attempt_) return;
  hints_followed_ = 0;
  on_the_way_ = std::max(0, on_the_way_ - batch.taken());
  for (GroupCallAnswer& answer : *batch.mutable_answers()) {
    auto answered = waiting_.extract(answer.id());
    if (!answered.empty()) answered.mapped().done(std::move(answer));
  }
  SendNext();
}

void GroupCallStream::OnEnd(uint64_t attempt, const rpc::RpcError& error) {
  if (attempt != attempt_) return;
  stream_ = nullptr;
  on_the_way_ = 0;
  cancelled_.clear();
  unsent_.clear();
  for (auto& [id, waiting] : waiting_) {
    waiting.sent = false;
    unsent_.push_back(id);
  }
  if (waiting_.empty()) return;
  if (!error.leader_address.empty() && ++hints_followed_ <= kHintsInARowMax) return Open();
  hints_followed_ = 0;
  open_scheduled_ = true;
  thread_->PostAt(thread_->Now() + kReopenPause, [this] {
    open_scheduled_ = false;
    if (!waiting_.empty()) Open();
  });
}

void GroupCallStream::LookForLateOnes() {
  look_scheduled_ = false;
  const MonoTime now = thread_->Now();
  std::vector<Waiting> late;
  for (auto at = waiting_.begin(); at != waiting_.end();) {
    const auto next = std::next(at);
    if (at->second.deadline <= now) {
      if (at->second.sent) cancelled_.push_back(at->first);
      late.push_back(std::move(waiting_.extract(at).mapped()));
    }
    at = next;
  }
  SendNext();
  if (!waiting_.empty()) {
    look_scheduled_ = true;
    thread_->PostAt(now + kLookInterval, [this] { LookForLateOnes(); });
  }
  for (Waiting& each : late) {
    each.done(Fail(ErrorCode::kRequestTimedOut, "no controller answered in time"));
  }
}

}  // namespace weir::broker
