#include "controller/state/full_disks.h"

#include <algorithm>
#include <set>

namespace weir::state {
namespace {

using metadata::Partition;

// The first member of the ISR, in replica order, that can take records; kNoNode: none.
NodeId MemberWithRoom(const MetadataImage& image, const Partition& partition,
                      const std::set<NodeId>& full) {
  const auto found =
      std::find_if(partition.replicas.begin(), partition.replicas.end(), [&](NodeId id) {
        return partition.isr.Contains(id) && image.IsUsableAsLeader(partition, id) &&
               !full.contains(id);
      });
  return found == partition.replicas.end() ? kNoNode : *found;
}

}  // namespace

bool AppendChangesForFullDisks(const DecisionContext& context,
                               const std::function<bool(NodeId)>& has_room, size_t changes_max,
                               Records* records) {
  std::set<NodeId> full;
  for (const auto& [id, broker] : context.image.brokers()) {
    if (broker.live() && !has_room(id)) full.insert(id);
  }
  if (full.empty()) return false;
  size_t changes = 0;
  for (const auto& [topic_id, topic] : context.image.topics()) {
    for (const auto& [index, partition] : topic.partitions) {
      if (!full.contains(partition.leader)) continue;
      const NodeId leader = MemberWithRoom(context.image, partition, full);
      if (leader == kNoNode) continue;
      if (changes++ == changes_max) return true;
      metadata::v1::PartitionChangeRecord* change =
          records->emplace_back().mutable_partition_change();
      change->set_topic_id(topic_id.ToBytes());
      change->set_partition(index.value());
      change->set_leader(leader.value());
    }
  }
  return false;
}

}  // namespace weir::state
