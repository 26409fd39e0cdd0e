// PeerPositions: asks other brokers where the partitions that they lead end, and how old records
// are, over their inter-broker listeners.
//
//   Ask --connects--> ListOffsets, kQuestionsMax questions --answer--> the next ... --> done
//
// Laws:
//  1. `done` runs once, on the executor, never inside Ask: with every answer, or when the deadline
//     or the connection ends it with those that came; the rest have an error.
//  2. One request is under way per Ask, and it is small: a leader's shard is not held up by the
//     reads of thousands of records.
//  3. A connection lives as long as its Ask: in a cluster that nobody asks there is none.
// Thread rule: the executor's.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "broker/replica/operations.h"
#include "broker/replica/replica_fetchers.h"
#include "common/base/executor.h"
#include "common/base/frame_connection.h"
#include "common/base/ids.h"

namespace weir::coordinator {

// Records to look up in one request, or in one task of a shard.
inline constexpr size_t kQuestionsMax = 128;

class PeerPositions {
 public:
  struct Part {
    std::string topic;
    int32_t partition = 0;
    std::vector<Offset> offsets;
  };

  // What is given outlives it, and outlives what is under way.
  PeerPositions(NodeId node_id, Executor& executor, FrameDialer& dialer);
  ~PeerPositions();

  // Outcomes in the order of `parts`. Errors: those of replica::PositionsOutcome,
  // kRequestTimedOut, kNetworkException.
  void Ask(const replica::PeerAddress& peer, std::vector<Part> parts, MonoTime deadline,
           replica::PositionsDone done);

 private:
  class Asking;

  const NodeId node_id_;
  Executor& executor_;
  FrameDialer& dialer_;
  uint64_t last_id_ = 0;
  std::map<uint64_t, std::unique_ptr<Asking>> asking_;
};

// Cuts `parts` into runs of about kQuestionsMax questions: where each run begins.
template <class Part>
std::vector<size_t> CutQuestions(const std::vector<Part>& parts) {
  std::vector<size_t> starts;
  size_t questions = kQuestionsMax;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (questions >= kQuestionsMax) {
      starts.push_back(i);
      questions = 0;
    }
    questions += 1 + parts[i].offsets.size();
  }
  return starts;
}

}  // namespace weir::coordinator
