// GroupSoftState: what the active controller knows of a group and no record says: who waits for
// what, and sums over the members that decisions ask for often. It can be lost at any time: all of
// it is made anew from the image, or comes again from clients.
//
// Laws:
//  1. `members` has the same keys as the group's members in the newest image.
//  2. support, joined, pending_sync and subscription_bytes are sums over members.
// Thread rule: plain values.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>

#include "common/base/time.h"
#include "common/metadata/group.h"

namespace weir::state {

// Names one call of a gateway that may wait; chosen by the caller, never reused. 0: none.
using GroupCallId = uint64_t;

struct GroupMemberSoftState {
  // The member's JoinGroup that waits for the generation; set: the member has joined.
  GroupCallId join_call = 0;
  // The member's SyncGroup that waits for the leader's assignment.
  GroupCallId sync_call = 0;
  // Has been in no generation yet.
  bool is_new = false;
  // Nobody has been told its member id: it is lost with its call.
  bool is_anonymous = false;
  // In the newest generation, and has not asked for its assignment.
  bool is_pending_sync = false;
  Duration session_timeout{};
};

// What a member id that was handed out takes, about: both names are in the timers too, twice.
inline size_t PendingIdBytes(std::string_view group_id, std::string_view member_id) {
  return 256 + 4 * (group_id.size() + member_id.size());
}

struct GroupSoftState {
  std::map<std::string, GroupMemberSoftState, std::less<>> members;
  // Member ids that have been handed out and have not joined (KIP-394).
  std::set<std::string, std::less<>> pending_ids;
  // Protocol name -> how many members support it.
  std::map<std::string, size_t, std::less<>> support;
  size_t joined = 0;
  size_t pending_sync = 0;
  size_t subscription_bytes = 0;
  // The group was empty when the rebalance began: it waits for more members though all have joined.
  bool is_initial_rebalance = false;
  // Of the initial rebalance: somebody came since the delay was last set; how long that was, and
  // how much may follow.
  bool new_member_added = false;
  Duration initial_delay{};
  Duration initial_remaining{};

  GroupMemberSoftState* Find(std::string_view member_id) {
    const auto found = members.find(member_id);
    return found == members.end() ? nullptr : &found->second;
  }
};

}  // namespace weir::state
