#include "controller/state/groups/consumer_reconciler.h"

#include <utility>

#include "common/base/check.h"

namespace weir::state {
namespace {

using metadata::ConsumerMemberState;

// Splits `all` by whether the partitions satisfy `first`.
template <class Predicate>
std::pair<PartitionsByTopic, PartitionsByTopic> Split(const PartitionsByTopic& all,
                                                      Predicate first) {
  std::pair<PartitionsByTopic, PartitionsByTopic> parts;
  for (const auto& [topic, partitions] : all) {
    for (const int32_t partition : partitions) {
      (first(topic, partition) ? parts.first : parts.second)[topic].push_back(partition);
    }
  }
  return parts;
}

bool StillOwns(const PartitionsByTopic* owned, const PartitionsByTopic& revoked) {
  return owned == nullptr || metadata::Intersect(revoked, *owned);
}

}  // namespace

MemberProgress ProgressOf(const metadata::GroupMember& member) {
  return {member.member_epoch, member.previous_member_epoch, member.state,
          metadata::Get(member.assigned), metadata::Get(member.pending_revocation)};
}

MemberProgress Reconcile(const MemberProgress& from, const PartitionsByTopic& target,
                         int32_t target_epoch, const PartitionsByTopic* owned,
                         const IsFree& is_free) {
  WEIR_CHECK(from.member_epoch <= target_epoch, "no member is ahead of its target");
  switch (from.state) {
    case ConsumerMemberState::kStable:
      if (from.member_epoch == target_epoch) return from;
      break;
    case ConsumerMemberState::kUnrevokedPartitions:
      if (StillOwns(owned, from.pending_revocation)) return from;
      break;
    case ConsumerMemberState::kUnreleasedPartitions:
      break;
  }
  auto [kept, revoked] = Split(from.assigned, [&](const Uuid& topic, int32_t partition) {
    return metadata::Contains(target, topic, partition);
  });
  MemberProgress to = from;
  to.assigned = std::move(kept);
  if (!revoked.empty() && StillOwns(owned, revoked)) {
    to.state = ConsumerMemberState::kUnrevokedPartitions;
    metadata::Merge(revoked, &to.pending_revocation);
    return to;
  }
  bool waits = false;
  const auto given = Split(target, [&](const Uuid& topic, int32_t partition) {
    if (metadata::Contains(to.assigned, topic, partition)) return false;
    // What it has just given up may be its own again.
    const bool free =
        metadata::Contains(from.pending_revocation, topic, partition) || is_free(topic, partition);
    waits = waits || !free;
    return free;
  });
  metadata::Merge(given.first, &to.assigned);
  to.pending_revocation.clear();
  to.state = waits ? ConsumerMemberState::kUnreleasedPartitions : ConsumerMemberState::kStable;
  if (to.member_epoch != target_epoch) {
    to.previous_member_epoch = to.member_epoch;
    to.member_epoch = target_epoch;
  }
  return to;
}

}  // namespace weir::state
