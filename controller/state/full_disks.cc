#include "controller/state/full_disks.h"

#include <algorithm>

namespace weir::state {
namespace {

using metadata::Partition;

// The first member of the ISR, in replica order, that can take records; kNoNode: none.
NodeId MemberWithRoom(const MetadataImage& image, const Partition& partition,
                      const std::function<bool(NodeId)>& has_room) {
  const auto found =
      std::find_if(partition.replicas.begin(), partition.replicas.end(), [&](NodeId id) {
        return partition.isr.Contains(id) && image.IsUsableAsLeader(partition, id) && has_room(id);
      });
  return found == partition.replicas.end() ? kNoNode : *found;
}

}  // namespace

bool AppendChangesForFullDisks(const DecisionContext& context, const HasRoom& has_room,
                               size_t changes_max, Records* records) {
  size_t changes = 0;
  for (const auto& [topic_id, topic] : context.image.topics()) {
    for (const auto& [index, partition] : topic.partitions) {
      const auto has_room_here = [&, &topic_id = topic_id, &index = index](NodeId id) {
        return has_room(id, topic_id, index);
      };
      if (partition.leader == kNoNode || has_room_here(partition.leader)) continue;
      const NodeId leader = MemberWithRoom(context.image, partition, has_room_here);
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
