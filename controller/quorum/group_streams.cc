#include "controller/quorum/group_streams.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "common/base/group_stream_limits.h"
#include "common/base/limits.h"

namespace weir::quorum {
namespace {

using group::v1::ConsumerGroupHeartbeatReply;
using group::v1::GroupAnswerBatch;
using group::v1::GroupCall;
using group::v1::GroupCallAnswer;
using group::v1::GroupCallBatch;
using group::v1::JoinGroupReply;
using group::v1::SyncGroupReply;

void Fill(JoinGroupReply reply, GroupCallAnswer* answer) {
  *answer->mutable_join() = std::move(reply);
}
void Fill(SyncGroupReply reply, GroupCallAnswer* answer) {
  *answer->mutable_sync() = std::move(reply);
}
void Fill(ConsumerGroupHeartbeatReply reply, GroupCallAnswer* answer) {
  *answer->mutable_consumer_heartbeat() = std::move(reply);
}

// What a message holds beside one answer.
constexpr size_t kMessageOverheadBytes = 64 * 1024;

GroupCallAnswer Failure(uint64_t call_id, ErrorCode error) {
  GroupCallAnswer answer;
  answer.set_id(call_id);
  answer.set_failed_code(static_cast<int32_t>(error));
  return answer;
}

}  // namespace

GroupStreams::StreamId GroupStreams::Open(std::unique_ptr<GroupStreamHandle> handle) {
  const StreamId id = next_id_++;
  streams_[id].handle = std::move(handle);
  if (!controller_.active()) {
    End(id, {ErrorCode::kNotController, "this controller is not the active one"});
  }
  return id;
}

void GroupStreams::OnBatch(StreamId id, const GroupCallBatch& batch) {
  for (const uint64_t call_id : batch.cancelled()) Withdraw(id, call_id);
  for (const GroupCall& call : batch.calls()) Begin(id, call);
  const auto stream = streams_.find(id);
  if (stream == streams_.end()) return;
  stream->second.taken += batch.calls_size() + batch.cancelled_size();
  FlushLater(id);
}

void GroupStreams::Begin(StreamId id, const GroupCall& call) {
  auto stream = streams_.find(id);
  if (stream == streams_.end()) return;
  if (!stream->second.waiting.try_emplace(call.id(), 0).second) {
    return End(id, {ErrorCode::kInvalidRequest, "two calls of one id"});
  }
  state::GroupCallId begun = 0;
  switch (call.request_case()) {
    case GroupCall::kJoin:
      begun = calls_.Join(call.join(), AnswerTo<JoinGroupReply>(id, call.id()));
      break;
    case GroupCall::kSync:
      begun = calls_.Sync(call.sync(), AnswerTo<SyncGroupReply>(id, call.id()));
      break;
    case GroupCall::kConsumerHeartbeat:
      begun = calls_.ConsumerHeartbeat(call.consumer_heartbeat(),
                                       AnswerTo<ConsumerGroupHeartbeatReply>(id, call.id()));
      break;
    case GroupCall::REQUEST_NOT_SET:
      // Of a newer broker.
      return Answer(id, Failure(call.id(), ErrorCode::kUnsupportedVersion));
  }
  // It may be answered already, and the stream may have ended with that.
  stream = streams_.find(id);
  if (stream == streams_.end()) return;
  const auto waiting = stream->second.waiting.find(call.id());
  if (waiting != stream->second.waiting.end()) waiting->second = begun;
}

void GroupStreams::Withdraw(StreamId id, uint64_t call_id) {
  const auto stream = streams_.find(id);
  if (stream == streams_.end()) return;
  const auto waiting = stream->second.waiting.extract(call_id);
  if (!waiting.empty()) calls_.OnCallGone(waiting.mapped());
}

template <class Reply>
StreamedGroupCalls::Done<Reply> GroupStreams::AnswerTo(StreamId id, uint64_t call_id) {
  return [this, id, call_id](Result<Reply> reply) {
    if (reply) {
      GroupCallAnswer answer;
      answer.set_id(call_id);
      Fill(*std::move(reply), &answer);
      return Answer(id, std::move(answer));
    }
    if (reply.error().code == ErrorCode::kNotController) return End(id, reply.error());
    Answer(id, Failure(call_id, reply.error().code));
  };
}

void GroupStreams::Answer(StreamId id, GroupCallAnswer answer) {
  const auto stream = streams_.find(id);
  if (stream == streams_.end() || stream->second.waiting.erase(answer.id()) == 0) return;
  // One that no message can hold would end the stream again and again.
  if (answer.ByteSizeLong() > limits::kRpcMessageBytesMax - kMessageOverheadBytes) {
    answer = Failure(answer.id(), ErrorCode::kThrottlingQuotaExceeded);
  }
  stream->second.answers.push_back(std::move(answer));
  FlushLater(id);
}

void GroupStreams::FlushLater(StreamId id) {
  Stream& stream = streams_.at(id);
  if (stream.sending || std::exchange(stream.flush_posted, true)) return;
  loop_.Post([this, id] { Flush(id); });
}

void GroupStreams::Flush(StreamId id) {
  const auto found = streams_.find(id);
  if (found == streams_.end()) return;
  Stream& stream = found->second;
  stream.flush_posted = false;
  if (stream.sending) return;
  // While others wait for their turn, nobody goes between.
  const int most = turn_posted_ ? 0 : std::min(Allowance(), limits::kGroupBatchAnswersMax);
  if (most == 0 && !stream.answers.empty()) FlushAtTurn();
  if (stream.taken == 0 && (most == 0 || stream.answers.empty())) return;
  GroupAnswerBatch batch;
  batch.set_taken(std::exchange(stream.taken, 0));
  size_t bytes = 0;
  while (!stream.answers.empty() && batch.answers_size() < most) {
    bytes += stream.answers.front().ByteSizeLong();
    if (batch.answers_size() > 0 && bytes > limits::kGroupBatchBytesMax) break;
    *batch.add_answers() = std::move(stream.answers.front());
    stream.answers.pop_front();
  }
  paid_until_ =
      std::max(paid_until_, loop_.Now()) + batch.answers_size() * limits::kGroupAnswerPace;
  stream.sending = true;
  stream.handle->Send(std::move(batch));
}

int GroupStreams::Allowance() const {
  const Duration owed = std::max(paid_until_ - loop_.Now(), Duration{0});
  const Duration left = limits::kGroupAnswersAtOnce * limits::kGroupAnswerPace - owed;
  return std::max(0, static_cast<int>(left / limits::kGroupAnswerPace));
}

void GroupStreams::FlushAtTurn() {
  if (std::exchange(turn_posted_, true)) return;
  loop_.PostAt(loop_.Now() + limits::kGroupAnswerTurn, [this] {
    turn_posted_ = false;
    OnTurn();
  });
}

void GroupStreams::OnTurn() {
  std::vector<StreamId> turn;
  turn.reserve(streams_.size());
  for (const auto& [id, stream] : streams_) {
    if (!stream.answers.empty()) turn.push_back(id);
  }
  std::rotate(turn.begin(), std::upper_bound(turn.begin(), turn.end(), last_in_turn_), turn.end());
  for (const StreamId id : turn) {
    if (Allowance() == 0) return FlushAtTurn();
    last_in_turn_ = id;
    Flush(id);
  }
}

void GroupStreams::OnSent(StreamId id) {
  const auto stream = streams_.find(id);
  if (stream == streams_.end()) return;
  stream->second.sending = false;
  Flush(id);
}

void GroupStreams::OnEnd(StreamId id) {
  // Gone first: what its calls still answer is for nobody.
  const auto stream = streams_.extract(id);
  // One that is no longer active ends all calls by itself.
  if (stream.empty() || !controller_.active()) return;
  for (const auto& [call_id, begun] : stream.mapped().waiting) calls_.OnCallGone(begun);
}

void GroupStreams::End(StreamId id, const Error& reason) {
  const auto stream = streams_.find(id);
  if (stream == streams_.end()) return;
  stream->second.handle->End(reason);
  OnEnd(id);
}

void GroupStreams::OnRoleChange(const raft::RoleChange& change) {
  if (change.role == raft::Role::kLeader) return;
  while (!streams_.empty()) {
    End(streams_.begin()->first,
        {ErrorCode::kNotController, "this controller is no longer the active one"});
  }
}

}  // namespace weir::quorum
