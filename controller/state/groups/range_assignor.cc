#include <algorithm>
#include <limits>
#include <numeric>
#include <tuple>

#include "controller/state/groups/assignor.h"

namespace weir::state {
namespace {

int32_t LowestOwned(const AssignableMember& member) {
  int32_t lowest = std::numeric_limits<int32_t>::max();
  for (const auto& [topic, partitions] : member.owned) {
    if (!partitions.empty()) lowest = std::min(lowest, partitions.front());
  }
  return lowest;
}

// Places in `members`. A static member keeps its place under a new member id.
std::vector<size_t> InOrder(const std::vector<AssignableMember>& members) {
  std::vector<int32_t> lowest;
  lowest.reserve(members.size());
  for (const AssignableMember& member : members) lowest.push_back(LowestOwned(member));
  const auto key = [&](size_t place) {
    const AssignableMember& member = members[place];
    const bool dynamic = member.instance_id.empty();
    return std::tuple(lowest[place], dynamic,
                      std::string_view(dynamic ? member.member_id : member.instance_id));
  };
  std::vector<size_t> order(members.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return key(a) < key(b); });
  return order;
}

}  // namespace

std::vector<PartitionsByTopic> AssignRanges(const std::vector<AssignableMember>& members,
                                            const AssignableTopics& topics) {
  std::map<Uuid, std::vector<size_t>> subscribers;
  for (const size_t place : InOrder(members)) {
    for (const Uuid& topic : members[place].topics) subscribers[topic].push_back(place);
  }
  std::vector<PartitionsByTopic> assigned(members.size());
  for (const auto& [topic, places] : subscribers) {
    const auto found = topics.find(topic);
    if (found == topics.end()) continue;
    const auto count = static_cast<size_t>(found->second.partition_count);
    int32_t next = 0;
    for (size_t i = 0; i < places.size() && next < found->second.partition_count; ++i) {
      const size_t share = count / places.size() + (i < count % places.size() ? 1 : 0);
      std::vector<int32_t>& partitions = assigned[places[i]][topic];
      partitions.resize(share);
      std::iota(partitions.begin(), partitions.end(), next);
      next += static_cast<int32_t>(share);
    }
  }
  return assigned;
}

}  // namespace weir::state
