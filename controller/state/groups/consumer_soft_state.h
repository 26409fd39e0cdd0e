// ConsumerSoftState: what the active controller knows of a consumer group beside its records: sums
// over its members that decisions ask for often, and what is derived from topics. All of it is made
// anew from the image.
//
// Laws:
//  1. `sessions` has the same keys as the group's members in the newest image.
//  2. A member that was heard of after its connection ended has another one.
//  3. `owned` is what members own or have still to give up; topic_counts, patterns and
//     subscription_bytes are sums over members.
// Thread rule: plain values.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "common/base/time.h"
#include "common/metadata/group.h"
#include "controller/state/groups/group_soft_state.h"
#include "controller/state/groups/topic_pattern.h"
#include "proto/group.pb.h"

namespace weir::state {

// A regular expression that members subscribe with.
struct SubscribedPattern {
  TopicPattern pattern;
  size_t members = 0;
  // The topics there are that match, by name.
  std::set<std::string, std::less<>> topics;
};

struct ConsumerSession {
  Duration timeout{};
  // The last sign of life, or when the controller became active.
  MonoTime heard_at;
  // When a connection ended last that the member's heartbeats came on.
  std::optional<MonoTime> lost_at;

  bool HasLostConnection() const { return lost_at && *lost_at >= heard_at; }
};

// The join of a process that is to take the place of a static member (consumer_takeover.cc).
struct WaitingJoin {
  GroupCallId call = 0;
  group::v1::ConsumerGroupHeartbeatRequest request;
};

struct ConsumerSoftState {
  // By member id.
  std::map<std::string, ConsumerSession, std::less<>> sessions;
  // By the member id whose place is to be taken: the newest join.
  std::map<std::string, WaitingJoin, std::less<>> waiting_joins;
  std::map<Uuid, std::set<int32_t>> owned;
  // Topic name -> how many members name it.
  std::map<std::string, size_t, std::less<>> topic_counts;
  std::map<std::string, SubscribedPattern, std::less<>> patterns;
  size_t subscription_bytes = 0;
  // When the target assignment was last made here.
  std::optional<MonoTime> assigned_at;

  bool IsOwned(const Uuid& topic, int32_t partition) const {
    const auto found = owned.find(topic);
    return found != owned.end() && found->second.contains(partition);
  }
};

}  // namespace weir::state
