// RemovedTopics: topics that were deleted lately. Whoever leads a partition of __consumer_offsets
// at that moment forgets their offsets; if it fails before, its successor has to (DESIGN D7).
//
// Laws:
//  1. A leadership that begins within kRemovedTopicsKept of a deletion that this broker has seen is
//     told of it, once.
//  2. It holds kRemovedTopicsMax topics at most, the newest ones. Offsets of topics that nobody was
//     told of stay as rows that nobody sees: they cost space, nothing else.
// Thread rule: plain value, no clock; the metadata thread's.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "broker/replica/operations.h"
#include "common/base/ids.h"
#include "common/base/time.h"
#include "common/base/uuid.h"

namespace weir::broker {

// A failover takes seconds; tombstones are tried for half a minute.
inline constexpr Duration kRemovedTopicsKept = std::chrono::minutes(10);
inline constexpr size_t kRemovedTopicsMax = 10'000;

class RemovedTopics {
 public:
  using Names = std::map<Uuid, std::string>;

  void Add(const Names& topics, MonoTime now);
  // What has to be forgotten because one of the assignments begins a leadership of committed
  // offsets here; mostly nothing.
  Names ToForget(const std::vector<replica::Assignment>& assignments, NodeId self, MonoTime now);

 private:
  struct Removed {
    MonoTime at;
    Uuid id;
    std::string name;
  };

  void DropOld(MonoTime now);

  // By time.
  std::deque<Removed> removed_;
  // Of partitions of committed offsets that this broker leads, or has led.
  std::map<replica::TopicPartition, LeaderEpoch> led_;
};

}  // namespace weir::broker
