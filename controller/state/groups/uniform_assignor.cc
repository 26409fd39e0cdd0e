#include <algorithm>
#include <limits>
#include <queue>
#include <set>
#include <string_view>
#include <utility>

#include "controller/state/groups/assignor.h"

namespace weir::state {
namespace {

constexpr size_t kNobody = std::numeric_limits<size_t>::max();

// How many partitions a member has, and its place: the least busy comes first.
using Load = std::pair<size_t, size_t>;
using LeastFirst = std::priority_queue<Load, std::vector<Load>, std::greater<>>;

class UniformAssignment {
 public:
  UniformAssignment(const std::vector<AssignableMember>& members, const AssignableTopics& topics)
      : members_(members), loads_(members.size(), 0) {
    for (size_t place = 0; place < members.size(); ++place) {
      for (const Uuid& id : members[place].topics) {
        const auto found = topics.find(id);
        if (found == topics.end()) continue;
        Topic& topic = topics_[id];
        topic.is = &found->second;
        topic.subscribers.push_back(place);
        topic.owners.resize(static_cast<size_t>(found->second.partition_count), kNobody);
      }
    }
  }

  std::vector<PartitionsByTopic> Run() {
    KeepOwned();
    // By rack none gets busier than all are on average. Topics that few subscribe to leave less
    // choice.
    std::vector<Topic*> order;
    order.reserve(topics_.size());
    for (auto& [id, topic] : topics_) order.push_back(&topic);
    std::stable_sort(order.begin(), order.end(), [](const Topic* a, const Topic* b) {
      return a->subscribers.size() < b->subscribers.size();
    });
    const size_t load_max = AverageLoad();
    for (Topic* topic : order) {
      PlaceOnRacks(*topic, load_max);
      PlaceRest(*topic);
    }
    // Each move brings two loads closer together, so this ends.
    while (BalanceAll()) {
    }
    return Result();
  }

 private:
  struct Topic {
    const AssignableTopic* is = nullptr;
    std::vector<size_t> subscribers;
    // By partition.
    std::vector<size_t> owners;
  };

  void Give(Topic& topic, size_t partition, size_t place) {
    topic.owners[partition] = place;
    ++loads_[place];
  }

  void KeepOwned() {
    for (size_t place = 0; place < members_.size(); ++place) {
      const AssignableMember& member = members_[place];
      for (const auto& [id, partitions] : member.owned) {
        const auto found = topics_.find(id);
        if (found == topics_.end() ||
            !std::binary_search(member.topics.begin(), member.topics.end(), id)) {
          continue;
        }
        for (const int32_t partition : partitions) {
          const auto index = static_cast<size_t>(partition);
          if (index >= found->second.owners.size()) continue;
          if (found->second.owners[index] == kNobody) Give(found->second, index, place);
        }
      }
    }
  }

  bool IsOnRack(const Topic& topic, size_t partition, size_t place) const {
    const std::string& rack = members_[place].rack_id;
    return !rack.empty() && topic.is->HasReplicaOn(rack, partition);
  }

  // Members on the rack of a replica, as long as none has `load_max` partitions.
  void PlaceOnRacks(Topic& topic, size_t load_max) {
    if (topic.is->racks.empty()) return;
    std::map<std::string_view, LeastFirst> by_rack;
    for (const size_t place : topic.subscribers) {
      const std::string& rack = members_[place].rack_id;
      if (!rack.empty()) by_rack[rack].emplace(loads_[place], place);
    }
    for (size_t partition = 0; partition < topic.owners.size(); ++partition) {
      if (topic.owners[partition] != kNobody || partition >= topic.is->racks.size()) continue;
      LeastFirst* best = nullptr;
      for (const std::string& rack : topic.is->racks[partition]) {
        const auto found = by_rack.find(rack);
        if (found == by_rack.end()) continue;
        if (best == nullptr || found->second.top() < best->top()) best = &found->second;
      }
      if (best != nullptr && best->top().first < load_max) GiveTop(topic, partition, *best);
    }
  }

  void PlaceRest(Topic& topic) {
    LeastFirst least;
    for (const size_t place : topic.subscribers) least.emplace(loads_[place], place);
    for (size_t partition = 0; partition < topic.owners.size(); ++partition) {
      if (topic.owners[partition] == kNobody) GiveTop(topic, partition, least);
    }
  }

  void GiveTop(Topic& topic, size_t partition, LeastFirst& least) {
    const size_t place = least.top().second;
    least.pop();
    Give(topic, partition, place);
    least.emplace(loads_[place], place);
  }

  // Of all members, rounded up.
  size_t AverageLoad() const {
    if (members_.empty()) return 0;
    size_t partitions = 0;
    for (const auto& [id, topic] : topics_) partitions += topic.owners.size();
    return (partitions + members_.size() - 1) / members_.size();
  }

  bool BalanceAll() {
    bool moved = false;
    for (auto& [id, topic] : topics_) {
      if (!IsBalanced(topic)) moved = Balance(topic) || moved;
    }
    return moved;
  }

  bool IsBalanced(const Topic& topic) const {
    if (topic.owners.empty()) return true;
    const auto busier = [this](size_t a, size_t b) { return loads_[a] < loads_[b]; };
    const size_t most = *std::max_element(topic.owners.begin(), topic.owners.end(), busier);
    const size_t least =
        *std::min_element(topic.subscribers.begin(), topic.subscribers.end(), busier);
    return loads_[most] < loads_[least] + 2;
  }

  // From the busiest owner to the least busy subscriber, until that helps no more.
  bool Balance(Topic& topic) {
    std::map<size_t, std::vector<size_t>> owned;
    for (size_t partition = 0; partition < topic.owners.size(); ++partition) {
      owned[topic.owners[partition]].push_back(partition);
    }
    std::set<Load> takers;
    std::set<Load> givers;
    for (const size_t place : topic.subscribers) takers.emplace(loads_[place], place);
    for (const auto& [place, partitions] : owned) givers.emplace(loads_[place], place);
    bool moved = false;
    while (givers.rbegin()->first >= takers.begin()->first + 2) {
      const size_t from = givers.rbegin()->second;
      const size_t to = takers.begin()->second;
      for (const size_t place : {from, to}) {
        takers.erase({loads_[place], place});
        givers.erase({loads_[place], place});
      }
      const size_t partition = TakeOne(topic, owned[from], from, to);
      owned[to].push_back(partition);
      --loads_[from];
      Give(topic, partition, to);
      for (const size_t place : {from, to}) {
        takers.emplace(loads_[place], place);
        if (!owned[place].empty()) givers.emplace(loads_[place], place);
      }
      moved = true;
    }
    return moved;
  }

  // Best one that is nearer to `to` than to `from`; worst the other way round.
  size_t TakeOne(const Topic& topic, std::vector<size_t>& partitions, size_t from,
                 size_t to) const {
    const auto cost = [&](size_t partition) {
      return (IsOnRack(topic, partition, from) ? 1 : 0) - (IsOnRack(topic, partition, to) ? 1 : 0);
    };
    auto best = std::prev(partitions.end());
    if (!topic.is->racks.empty()) {
      best = std::min_element(partitions.begin(), partitions.end(),
                              [&](size_t a, size_t b) { return cost(a) < cost(b); });
    }
    const size_t partition = *best;
    partitions.erase(best);
    return partition;
  }

  std::vector<PartitionsByTopic> Result() const {
    std::vector<PartitionsByTopic> assigned(members_.size());
    for (const auto& [id, topic] : topics_) {
      for (size_t partition = 0; partition < topic.owners.size(); ++partition) {
        assigned[topic.owners[partition]][id].push_back(static_cast<int32_t>(partition));
      }
    }
    return assigned;
  }

  const std::vector<AssignableMember>& members_;
  // Those with subscribers.
  std::map<Uuid, Topic> topics_;
  // By place: partitions of all topics.
  std::vector<size_t> loads_;
};

}  // namespace

std::vector<PartitionsByTopic> AssignUniformly(const std::vector<AssignableMember>& members,
                                               const AssignableTopics& topics) {
  return UniformAssignment(members, topics).Run();
}

}  // namespace weir::state
