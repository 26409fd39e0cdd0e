// When a follower sent a fetch, told by the leader's clock alone. Each answer to a follower bears
// the leader's time as its session id (KIP-227: the leader's to choose), and the next request
// brings it back: it was sent after that answer had left. When it came here says less: a leader
// that was paused, or a link that was held up, finds requests of long ago. Thread rule: pure
// functions.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>

#include "common/base/time.h"

namespace weir::replica {

// What a request bears that answers no answer.
inline constexpr int32_t kNoAnswer = 0;
// Answers are told apart for 24 days.
inline constexpr int64_t kAnswerIds = std::numeric_limits<int32_t>::max();

// The id of an answer that leaves now: 1 to kAnswerIds, one per millisecond.
inline int32_t AnswerId(MonoTime now) {
  const auto ms = std::chrono::floor<std::chrono::milliseconds>(now.time_since_epoch());
  return static_cast<int32_t>(ms.count() % kAnswerIds + 1);
}

// When the answer with that id left, or up to a millisecond before; min() for kNoAnswer and for
// what is no id.
inline MonoTime AnsweredAt(int32_t id, MonoTime now) {
  if (id <= kNoAnswer) return MonoTime::min();
  const int64_t age_ms = (AnswerId(now) - static_cast<int64_t>(id) + kAnswerIds) % kAnswerIds;
  return std::chrono::floor<std::chrono::milliseconds>(now) - std::chrono::milliseconds(age_ms);
}

}  // namespace weir::replica
