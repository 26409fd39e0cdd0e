#include "controller/state/groups/commit_fence.h"

#include <algorithm>

#include "common/metadata/group_partition.h"

namespace weir::state {

bool CommitFence::IsApplied(const metadata::MetadataImage& image, const Liveness& liveness,
                            LogIndex offset) {
  const auto place = metadata::FindGroupPartition(image, group_id_);
  if (!place || place->leader == kNoNode) return true;
  const metadata::Broker* leader = image.FindBroker(place->leader);
  if (leader == nullptr || leader->fenced) return true;
  if (topic_id_ != place->topic_id || leader_epoch_ != place->leader_epoch) {
    topic_id_ = place->topic_id;
    leader_epoch_ = place->leader_epoch;
    seen_at_ = image.offset();
  }
  return liveness.AppliedOffset(place->leader) >= std::max(offset, seen_at_);
}

}  // namespace weir::state
