#include "controller/state/groups/full_assignment.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "controller/state/groups/consumer_protocol.h"
#include "controller/state/groups/group_migration.h"

namespace weir::state {
namespace {

using Assigned = std::map<std::string, std::set<int32_t>>;

// False: the bytes are no plain assignment, or name a partition that is assigned already.
bool AddAssignment(const metadata::GroupMember& member, Assigned* assigned) {
  if (member.assignment == nullptr || member.assignment->empty()) return true;
  const auto own = ParseClassicAssignment(*member.assignment);
  if (!own || own->has_user_data) return false;
  for (const auto& [topic, partitions] : own->partitions) {
    for (const int32_t partition : partitions) {
      if (!(*assigned)[topic].insert(partition).second) return false;
    }
  }
  return true;
}

bool AreAllPartitions(const std::set<int32_t>& partitions, const metadata::Topic* topic) {
  const size_t existing = topic == nullptr ? 0 : topic->partitions.size();
  return partitions.size() == existing &&
         std::all_of(partitions.begin(), partitions.end(), [topic](int32_t partition) {
           return partition >= 0 && topic->FindPartition(PartitionIndex(partition)) != nullptr;
         });
}

}  // namespace

bool IsFullyAssigned(const metadata::Group& group, const metadata::MetadataImage& image) {
  if (group.protocol_type != kConsumerProtocolType) return false;
  std::set<std::string> subscribed;
  Assigned assigned;
  for (const auto& [member_id, member] : group.members) {
    if (member.subscription == nullptr || !AddAssignment(member, &assigned)) return false;
    const auto said = ReadSubscription(*member.subscription, group.protocol_name);
    if (!said) return false;
    subscribed.insert(said->topics.begin(), said->topics.end());
  }
  // A topic of which nobody was assigned anything is asked about, too.
  for (const std::string& topic : subscribed) assigned[topic];
  return std::all_of(assigned.begin(), assigned.end(), [&](const auto& entry) {
    return subscribed.contains(entry.first) &&
           AreAllPartitions(entry.second, image.FindTopic(entry.first));
  });
}

}  // namespace weir::state
