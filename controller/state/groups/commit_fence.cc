#include "controller/state/groups/commit_fence.h"

#include "common/metadata/group_partition.h"

namespace weir::state {

bool IsCommitFenceApplied(const metadata::MetadataImage& image, const Liveness& liveness,
                          std::string_view group_id, LogIndex offset) {
  const metadata::Topic* topic = image.FindTopic(metadata::kOffsetsTopic);
  if (topic == nullptr || topic->partitions.empty()) return true;
  const auto count = static_cast<int32_t>(topic->partitions.size());
  const metadata::Partition* partition =
      topic->FindPartition(metadata::PartitionOfGroup(group_id, count));
  if (partition == nullptr || partition->leader == kNoNode) return true;
  const metadata::Broker* leader = image.FindBroker(partition->leader);
  if (leader == nullptr || leader->fenced) return true;
  return liveness.AppliedOffset(partition->leader) >= offset;
}

}  // namespace weir::state
