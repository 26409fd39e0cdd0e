// GroupTimers: the deadlines of groups and their members. A member's deadline moves with every sign
// of life, thousands of times a second: moving one later costs a lookup and no queue operation.
//
// Laws:
//  1. A timer fires once, never before the deadline last set, and only if it was not cancelled.
//  2. Timers that are due come in the order of (deadline as queued, key): equal histories fire
//     equally.
// Thread rule: one owner.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "common/base/time.h"

namespace weir::state {

enum class GroupTimerKind : uint8_t {
  // The time to join is over, or the initial delay; also: look at the group again.
  kJoin,
  // The time to sync is over.
  kSync,
  // A member, or a member id that was handed out (KIP-394), has been silent for too long.
  kSession,
  // Of consumer groups: a member has to confirm that it gave up partitions.
  kRevocation,
  // The next target assignment may be made.
  kAssignment,
  // The topics that a group subscribes to may have changed.
  kTopics,
  // A join that waits to take the place of a static member (consumer_takeover.cc) is decided.
  kTakeover,
};

struct GroupTimer {
  GroupTimerKind kind = GroupTimerKind::kJoin;
  std::string group_id;
  // Of kSession, kRevocation and kTakeover; empty otherwise.
  std::string member_id;

  friend auto operator<=>(const GroupTimer&, const GroupTimer&) = default;
};

class GroupTimers {
 public:
  void Set(const GroupTimer& timer, MonoTime deadline);
  // Moves a timer that is set to a later deadline; never to an earlier one. False: it is not set.
  bool Extend(const GroupTimer& timer, MonoTime deadline);
  void Cancel(const GroupTimer& timer);
  void Clear();

  // A timer that is due; it is no longer set.
  std::optional<GroupTimer> PopDue(MonoTime now);
  // When to ask again, at the latest; it may turn out that nothing is due then.
  std::optional<MonoTime> Next() const;
  size_t size() const { return states_.size(); }
  size_t queue_size_for_test() const { return queue_.size(); }

 private:
  struct State {
    MonoTime deadline;
    // Its place in the queue, not later than the deadline.
    MonoTime queued_at;
  };

  std::map<GroupTimer, State> states_;
  // One place of each timer that is set.
  std::set<std::pair<MonoTime, GroupTimer>> queue_;
};

}  // namespace weir::state
