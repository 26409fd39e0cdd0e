#include "broker/coordinator/peer_positions.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "broker/wire/codec.h"
#include "broker/wire/messages/log_offsets.h"
#include "broker/wire/peer_client_id.h"
#include "common/base/check.h"

namespace weir::coordinator {
namespace {

using wire::ListOffsetsRequest;
using wire::ListOffsetsResponse;

constexpr int16_t kVersion = 7;
constexpr int8_t kReadCommitted = 1;

// An offset that no log reaches.
constexpr int64_t kOffsetAskedMax = std::numeric_limits<int64_t>::max() / 2;

ListOffsetsRequest::Partition Question(int32_t partition, int64_t timestamp) {
  return {.partition_index = partition, .current_leader_epoch = -1, .timestamp = timestamp};
}

// Log start, end, then one per offset. Clients commit any number: below 0 the log's first record is
// the one that comes next, as where the partition is led here, and past every log there is none.
void AddQuestions(const PeerPositions::Part& part, ListOffsetsRequest::Topic& topic) {
  topic.partitions.push_back(Question(part.partition, replica::kEarliestTimestamp));
  topic.partitions.push_back(Question(part.partition, replica::kLatestTimestamp));
  for (const Offset offset : part.offsets) {
    const int64_t asked = std::clamp<int64_t>(offset.value(), 0, kOffsetAskedMax);
    topic.partitions.push_back(Question(part.partition, replica::kOffsetAsTimestamp + asked));
  }
}

// False: the answers are not those of AddQuestions.
bool TakeAnswers(const ListOffsetsResponse::Topic& topic, size_t questions,
                 replica::PositionsOutcome& outcome) {
  if (topic.partitions.size() != questions) return false;
  for (size_t i = 0; i < questions; ++i) {
    const ListOffsetsResponse::Partition& answer = topic.partitions[i];
    if (outcome.error == ErrorCode::kNone) outcome.error = answer.error_code;
    if (i == 0) {
      outcome.log_start_offset = Offset(answer.offset);
    } else if (i == 1) {
      outcome.end_offset = Offset(answer.offset);
    } else {
      outcome.times.push_back({Offset(answer.offset), WallTime(answer.timestamp)});
    }
  }
  return true;
}

}  // namespace

class PeerPositions::Asking {
 public:
  Asking(PeerPositions& owner, uint64_t id, std::vector<Part> parts, replica::PositionsDone done)
      : owner_(owner),
        id_(id),
        parts_(std::move(parts)),
        runs_(CutQuestions(parts_)),
        done_(std::move(done)) {
    runs_.push_back(parts_.size());
  }

  void Start(const replica::PeerAddress& peer, MonoTime deadline) {
    timer_ = owner_.executor_.PostAt(deadline, [this] { Finish(ErrorCode::kRequestTimedOut); });
    FrameEvents events;
    events.on_open = [this] { SendNext(); };
    events.on_frame = [this](const SharedBytes& frame) { OnFrame(frame); };
    events.on_close = [this](const std::string&) { Finish(ErrorCode::kNetworkException); };
    connection_ = owner_.dialer_.Dial(peer.host, peer.port, std::move(events));
  }

 private:
  void SendNext() {
    if (run_ + 1 == runs_.size()) return Finish(ErrorCode::kNone);
    ListOffsetsRequest request;
    request.replica_id = owner_.node_id_.value();
    request.isolation_level = kReadCommitted;
    for (size_t i = runs_[run_]; i < runs_[run_ + 1]; ++i) {
      request.topics.push_back({.name = parts_[i].topic, .partitions = {}});
      AddQuestions(parts_[i], request.topics.back());
    }
    wire::Frame frame = wire::EncodeRequest(kVersion, static_cast<int32_t>(run_),
                                            wire::PeerClientId(owner_.node_id_), request);
    connection_->Send(std::move(frame.parts));
  }

  void OnFrame(const SharedBytes& frame) {
    if (finished_) return;
    int32_t correlation_id = 0;
    auto response = wire::DecodeResponse<ListOffsetsResponse>(frame, kVersion, &correlation_id);
    const size_t first = runs_[run_];
    const size_t count = runs_[run_ + 1] - first;
    if (!response || response->topics.size() != count) return Finish(ErrorCode::kNetworkException);
    for (size_t i = 0; i < count; ++i) {
      auto& outcome = outcomes_.emplace_back();
      if (TakeAnswers(response->topics[i], 2 + parts_[first + i].offsets.size(), outcome)) continue;
      return Finish(ErrorCode::kNetworkException);
    }
    ++run_;
    SendNext();
  }

  // `error`: of the parts without an answer.
  void Finish(ErrorCode error) {
    if (std::exchange(finished_, true)) return;
    owner_.executor_.Cancel(timer_);
    while (outcomes_.size() < parts_.size()) {
      outcomes_.push_back({.error = error,
                           .log_start_offset = replica::kNoOffset,
                           .end_offset = replica::kNoOffset,
                           .times = {}});
    }
    // This may be one of the connection's events: it ends after them.
    owner_.executor_.Post([&owner = owner_, id = id_] { owner.asking_.erase(id); });
    done_(std::move(outcomes_));
  }

  PeerPositions& owner_;
  const uint64_t id_;
  const std::vector<Part> parts_;
  // Where each request's parts begin; last, their end.
  std::vector<size_t> runs_;
  size_t run_ = 0;
  std::vector<replica::PositionsOutcome> outcomes_;
  replica::PositionsDone done_;
  Executor::TimerId timer_ = 0;
  bool finished_ = false;
  std::unique_ptr<FrameConnection> connection_;
};

PeerPositions::PeerPositions(NodeId node_id, Executor& executor, FrameDialer& dialer)
    : node_id_(node_id), executor_(executor), dialer_(dialer) {}

PeerPositions::~PeerPositions() = default;

void PeerPositions::Ask(const replica::PeerAddress& peer, std::vector<Part> parts,
                        MonoTime deadline, replica::PositionsDone done) {
  const uint64_t id = ++last_id_;
  auto& asking = asking_[id];
  asking = std::make_unique<Asking>(*this, id, std::move(parts), std::move(done));
  asking->Start(peer, deadline);
}

}  // namespace weir::coordinator
