// The barrier between a generation and its assignments (DESIGN D7): who is handed the assignment of
// a generation may commit offsets, and nobody of an older one may any more.
// Thread rule: plain value, one owner.
#pragma once

#include <string>
#include <utility>

#include "common/metadata/image.h"
#include "controller/state/liveness.h"

namespace weir::state {

// What one assignment waits for; asked until it says yes.
class CommitFence {
 public:
  explicit CommitFence(std::string group_id) : group_id_(std::move(group_id)) {}

  // Whether the broker that leads the group's partition of __consumer_offsets has applied the
  // metadata up to `offset`, and with it refuses what generations from before ask for. A leader
  // that came later must moreover have applied that it leads: until then it follows the one before,
  // which may know of neither and whose commits count with its help. Also true when nobody can take
  // a commit: there is no such topic, nobody leads the partition (the next leader has applied at
  // least what made it one), or its leader is fenced. A leader whose session broke and that is not
  // fenced yet is waited for: it may live.
  // REQUIRES: the image is committed, and goes as far as `offset`.
  bool IsApplied(const metadata::MetadataImage& image, const Liveness& liveness, LogIndex offset);

 private:
  std::string group_id_;
  // As of the last look, and how far the metadata went when that was seen first.
  Uuid topic_id_;
  LeaderEpoch leader_epoch_{-1};
  LogIndex seen_at_;
};

}  // namespace weir::state
