#include "controller/state/groups/commit_fence.h"

#include <algorithm>

#include "common/metadata/group_partition.h"

namespace weir::state {

bool CommitFence::IsApplied(const metadata::MetadataImage& image, const Liveness& liveness,
                            LogIndex offset) {
  const metadata::Topic* topic = image.FindTopic(metadata::kOffsetsTopic);
  if (topic == nullptr || topic->partitions.empty()) return true;
  const auto count = static_cast<int32_t>(topic->partitions.size());
  const metadata::Partition* partition =
      topic->FindPartition(metadata::PartitionOfGroup(group_id_, count));
  if (partition == nullptr || partition->leader == kNoNode) return true;
  const metadata::Broker* leader = image.FindBroker(partition->leader);
  if (leader == nullptr || leader->fenced) return true;
  if (topic_id_ != topic->id || leader_epoch_ != partition->leader_epoch) {
    topic_id_ = topic->id;
    leader_epoch_ = partition->leader_epoch;
    seen_at_ = image.offset();
  }
  return liveness.AppliedOffset(partition->leader) >= std::max(offset, seen_at_);
}

}  // namespace weir::state
