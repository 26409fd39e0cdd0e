#include "broker/metadata/broker_session.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "common/base/check.h"
#include "common/runtime/log.h"

namespace weir::broker {
namespace {

constexpr Duration kReconnectPause = std::chrono::milliseconds(50);
// Controllers that do not know of an election yet name one another, or one that is gone.
constexpr int kHintsInARowMax = 2;

// Answers after which trying again cannot help.
bool IsFinal(ErrorCode code) {
  return code == ErrorCode::kInconsistentClusterId || code == ErrorCode::kInvalidRegistration;
}

// REQUIRES: sorted.
void FillPartitions(const std::vector<log::TopicPartition>& partitions, v1::FullPartitions* out) {
  const Uuid* last = nullptr;
  for (const log::TopicPartition& partition : partitions) {
    if (last == nullptr || *last != partition.topic_id) {
      out->add_topics()->set_topic_id(partition.topic_id.ToBytes());
    }
    last = &partition.topic_id;
    out->mutable_topics(out->topics_size() - 1)->add_partitions(partition.partition.value());
  }
}

}  // namespace

BrokerSession::BrokerSession(std::shared_ptr<Executor> metadata_thread, SessionPort& controllers,
                             broker::v1::Registration registration, SessionHooks hooks)
    : thread_(std::move(metadata_thread)),
      controllers_(controllers),
      registration_(std::move(registration)),
      hooks_(std::move(hooks)) {}

void BrokerSession::Start() { Connect(); }

void BrokerSession::Connect() {
  if (state_ == State::kStopped) return;
  state_ = State::kRegistering;
  const uint64_t attempt = ++attempt_;
  told_full_ = {};
  last_reply_ = thread_->Now();
  rpc::SessionEvents events;
  events.on_reply = [this, attempt, thread = thread_](broker::v1::SessionReply reply) {
    thread->Post([this, attempt, reply = std::move(reply)] { OnReply(attempt, reply); });
  };
  events.on_end = [this, attempt, thread = thread_](rpc::RpcError error) {
    thread->Post([this, attempt, error = std::move(error)] { OnEnd(attempt, error); });
  };
  stream_ = controllers_.OpenSession(std::move(events));
  broker::v1::SessionRequest request;
  *request.mutable_registration() = registration_;
  unanswered_.clear();
  Send(std::move(request));
  ScheduleTick();
}

void BrokerSession::OnReply(uint64_t attempt, const broker::v1::SessionReply& reply) {
  if (attempt != attempt_ || state_ == State::kStopped) return;
  last_reply_ = thread_->Now();
  if (reply.heartbeat_interval_ms() > 0) {
    heartbeat_interval_ = std::chrono::milliseconds(reply.heartbeat_interval_ms());
  }
  if (reply.session_timeout_ms() > 0) {
    session_timeout_ = std::chrono::milliseconds(reply.session_timeout_ms());
  }
  if (state_ == State::kRegistering) OnFirstReply(reply);
  NoteAnswered(reply);
  hooks_.on_committed(
      LogIndex(static_cast<uint64_t>(std::max<int64_t>(0, reply.committed_offset()))));
  if (fenced_.exchange(reply.fenced()) != reply.fenced()) {
    LogInfo("broker", reply.fenced() ? "fenced" : "unfenced",
            {{"broker_epoch", epoch_.load()}, {"applied_offset", applied_offset_}});
  }
  if (reply.may_stop() && want_shutdown_) Goodbye();
}

void BrokerSession::OnFirstReply(const broker::v1::SessionReply& reply) {
  const Result<Uuid> cluster = Uuid::FromBytes(reply.cluster_id());
  const Status joined = cluster ? hooks_.on_joined(*cluster, BrokerEpoch(reply.broker_epoch()))
                                : Status(tl::unexpected<Error>(cluster.error()));
  if (!joined) {
    stream_->Cancel();
    state_ = State::kStopped;
    return hooks_.on_refused(joined.error());
  }
  state_ = State::kActive;
  registration_.set_cluster_id(reply.cluster_id());
  epoch_.store(reply.broker_epoch());
  LogInfo("broker", "registered",
          {{"broker_epoch", reply.broker_epoch()}, {"cluster_id", cluster->ToString()}});
  SendHeartbeat();
}

void BrokerSession::OnEnd(uint64_t attempt, const rpc::RpcError& error) {
  if (attempt != attempt_ || state_ == State::kStopped) return;
  const bool was_active = state_ == State::kActive;
  state_ = State::kConnecting;
  LetGo();
  stream_ = nullptr;
  if (IsFinal(error.error.code)) {
    state_ = State::kStopped;
    return hooks_.on_refused(error.error);
  }
  if (was_active || error.error.code != ErrorCode::kNetworkException) {
    LogInfo("broker", "session ended", {{"reason", weir::ToString(error.error)}});
  }
  // The client has learnt where the leader is: the first attempt needs no pause.
  if (was_active) return Connect();
  if (!error.leader_address.empty() && hints_followed_ < kHintsInARowMax) {
    ++hints_followed_;
    return Connect();
  }
  ConnectAfterPause();
}

void BrokerSession::ConnectAfterPause() {
  hints_followed_ = 0;
  thread_->PostAt(thread_->Now() + kReconnectPause, [this, attempt = attempt_] {
    if (attempt == attempt_ && state_ == State::kConnecting) Connect();
  });
}

void BrokerSession::ReportApplied(int64_t offset) {
  if (offset <= applied_offset_) return;
  applied_offset_ = offset;
  HoldIfApplied();
  if (state_ == State::kActive) SendHeartbeat();
}

void BrokerSession::Send(broker::v1::SessionRequest request) {
  unanswered_.push_back(thread_->Now());
  stream_->Send(std::move(request));
}

void BrokerSession::NoteAnswered(const broker::v1::SessionReply& reply) {
  if (unanswered_.empty()) return;
  const MonoTime left = unanswered_.front();
  unanswered_.pop_front();
  in_touch_until_.store((left + session_timeout_).time_since_epoch().count());
  if (reply.fenced()) return LetGo();
  if (!unapplied_) unapplied_ = Unapplied{left, reply.committed_offset()};
  HoldIfApplied();
}

// A controller counts the session timeout from when it hears of us. A deposed one that does not
// know it yet answers too: the last quarter is left to its successor.
void BrokerSession::HoldIfApplied() {
  if (!unapplied_ || applied_offset_ < unapplied_->committed_offset) return;
  held_until_.store((unapplied_->left + session_timeout_ * 3 / 4).time_since_epoch().count());
  unapplied_.reset();
}

void BrokerSession::LetGo() {
  held_until_.store(0);
  unapplied_.reset();
}

void BrokerSession::SendHeartbeat() {
  WEIR_CHECK(stream_ != nullptr);
  broker::v1::SessionRequest request;
  broker::v1::Heartbeat& heartbeat = *request.mutable_heartbeat();
  heartbeat.set_broker_epoch(epoch_.load());
  heartbeat.set_applied_offset(applied_offset_);
  heartbeat.set_want_shutdown(want_shutdown_);
  log::FullDirectories full = hooks_.full_directories();
  heartbeat.set_disk_full(full.all);
  if (full.partitions != told_full_.partitions) {
    FillPartitions(full.partitions, heartbeat.mutable_full_partitions());
  }
  told_full_ = std::move(full);
  Send(std::move(request));
  last_heartbeat_ = thread_->Now();
  ScheduleTick();
}

void BrokerSession::ScheduleTick() {
  if (tick_scheduled_) return;
  tick_scheduled_ = true;
  thread_->PostAt(thread_->Now() + heartbeat_interval_ / 2, [this] {
    tick_scheduled_ = false;
    Tick();
  });
}

void BrokerSession::Tick() {
  if (state_ == State::kStopped) return;
  ScheduleTick();
  const MonoTime now = thread_->Now();
  if (stream_ != nullptr && now - last_reply_ > session_timeout_ / 2) {
    return LeaveSilentController();
  }
  if (state_ != State::kActive) return;
  // Ticks come late by a little: a heartbeat that is nearly due is not left to the next one.
  const Duration interval = std::min(heartbeat_interval_, session_timeout_ / 4);
  const bool due = now - last_heartbeat_ >= interval * 3 / 4;
  if (due || hooks_.full_directories() != told_full_) SendHeartbeat();
}

void BrokerSession::LeaveSilentController() {
  const Duration silent = thread_->Now() - last_reply_;
  LogWarn("broker", "controller is silent", {{"silent_ms", silent / std::chrono::milliseconds(1)}});
  stream_->Cancel();
  stream_ = nullptr;
  state_ = State::kConnecting;
  LetGo();
  // Within the pause the client learns that this controller does not answer, and tries another.
  ConnectAfterPause();
}

void BrokerSession::Stop(Duration timeout, Task done) {
  stopped_ = std::move(done);
  want_shutdown_ = true;
  if (state_ != State::kActive) return Goodbye();
  SendHeartbeat();
  thread_->PostAt(thread_->Now() + timeout, [this] { Goodbye(); });
}

void BrokerSession::Goodbye() {
  if (state_ == State::kStopped) return;
  if (state_ == State::kActive) {
    broker::v1::SessionRequest request;
    request.mutable_heartbeat()->set_broker_epoch(epoch_.load());
    request.mutable_heartbeat()->set_applied_offset(applied_offset_);
    request.mutable_heartbeat()->set_stopped(true);
    stream_->Send(std::move(request));
    stream_->CloseSending();
  }
  state_ = State::kStopped;
  LetGo();
  fenced_.store(true);
  if (stopped_) std::exchange(stopped_, nullptr)();
}

}  // namespace weir::broker
