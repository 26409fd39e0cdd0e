// How a member of a consumer group gets from what it owns to what the target assignment gives it
// (KIP-848, "Reconciliation of the group").
//
//   Stable --the target takes something away--> UnrevokedPartitions --it confirms that it gave that
//   up--> as if it had never had it. With nothing to give up it moves to the target's epoch:
//   --all of the target is free--> Stable; --others still own a part--> UnreleasedPartitions, with
//   what is free; --some of that is released, or the target changes--> any of the three
//
// Laws:
//  1. It is given only what nobody else owns, pending revocations included (G-02).
//  2. It stays in its epoch until it has confirmed all that it has to give up, and until then none
//     of that is anybody's: commits that it sent before count in that epoch (G-17).
//  3. Its epoch is never above the target's and never falls, except that it joins anew (G-03,
//  G-06).
//  4. Stable in the target's epoch: it owns exactly the target (G-01, G-04).
// Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <functional>

#include "common/metadata/group.h"

namespace weir::state {

using metadata::PartitionsByTopic;

struct MemberProgress {
  // 0: it begins.
  int32_t member_epoch = 0;
  int32_t previous_member_epoch = 0;
  metadata::ConsumerMemberState state = metadata::ConsumerMemberState::kStable;
  PartitionsByTopic assigned;
  PartitionsByTopic pending_revocation;

  friend bool operator==(const MemberProgress&, const MemberProgress&) = default;
};

MemberProgress ProgressOf(const metadata::GroupMember& member);

// Whether no other member owns the partition.
using IsFree = std::function<bool(const Uuid& topic, int32_t partition)>;

// One step. `owned`: what the member says that it owns; null: it does not say, and confirms
// nothing.
MemberProgress Reconcile(const MemberProgress& from, const PartitionsByTopic& target,
                         int32_t target_epoch, const PartitionsByTopic* owned,
                         const IsFree& is_free);

}  // namespace weir::state
