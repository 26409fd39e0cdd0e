// LeaderEpochCache: at which offset each leader epoch of a partition begins (KIP-101), so that
// replicas and clients can find where two histories part.
//
// Laws:
//  1. Epochs and first offsets both increase strictly.
//  2. An epoch is known from the moment its leader takes over, even if it never appends (I-32); it
//     goes to disk with its first append. An epoch that ended empty is forgotten when the next one
//     begins.
// Thread rule: its partition's shard.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "common/base/ids.h"

namespace weir::log {

struct EpochStart {
  LeaderEpoch epoch;
  Offset first_offset;

  friend bool operator==(const EpochStart&, const EpochStart&) = default;
};

struct EpochEnd {
  LeaderEpoch epoch{-1};
  Offset end_offset{-1};

  friend bool operator==(const EpochEnd&, const EpochEnd&) = default;
};

class LeaderEpochCache {
 public:
  LeaderEpochCache() = default;
  // What disk remembers, in order.
  explicit LeaderEpochCache(std::vector<EpochStart> starts) : starts_(std::move(starts)) {}

  // `epoch` begins at `first_offset`. Returns whether that was news; older and known epochs are
  // not.
  bool Assign(LeaderEpoch epoch, Offset first_offset);
  // The log ends at `log_end_offset` now: drops epochs that begin there or later, and returns them.
  std::vector<LeaderEpoch> TruncateFrom(Offset log_end_offset);
  // Drops what lies below a new log start, keeping the epoch that covers it.
  void TrimBefore(Offset log_start_offset);

  // The newest epoch; nullopt when none is known.
  std::optional<LeaderEpoch> Latest() const;
  // The epoch of the record at `offset`; -1 when it is older than everything known.
  LeaderEpoch EpochAt(Offset offset) const;
  // The largest known epoch <= `epoch` and the offset where it ends (OffsetForLeaderEpoch). An
  // epoch older than all known ones ends where the known history begins; a newer one gives -1, -1.
  EpochEnd EndOf(LeaderEpoch epoch, Offset log_end_offset) const;

  const std::vector<EpochStart>& starts() const { return starts_; }

 private:
  std::vector<EpochStart> starts_;
};

}  // namespace weir::log
