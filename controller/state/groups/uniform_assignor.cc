#include <algorithm>
#include <limits>
#include <queue>
#include <set>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "controller/state/groups/assignor.h"
#include "controller/state/groups/subscribers.h"

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
    for (auto& [id, subscribers] : SubscribersOf(members, topics)) {
      Topic& topic = topics_[id];
      topic.is = &topics.at(id);
      topic.subscribers = std::move(subscribers);
      topic.owners.resize(static_cast<size_t>(topic.is->partition_count), kNobody);
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
      return a->subscribers->size() < b->subscribers->size();
    });
    const size_t load_max = AverageLoad();
    for (Topic* topic : order) {
      if (HasUnowned(*topic)) PlaceOnRacks(*topic, load_max);
      if (HasUnowned(*topic)) PlaceRest(*topic);
    }
    // Each move brings two loads closer together, so this ends.
    while (BalanceAll()) {
    }
    return Result();
  }

 private:
  struct Topic {
    const AssignableTopic* is = nullptr;
    MemberList subscribers;
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
        if (found == topics_.end() || !member.SubscribesTo(id)) continue;
        for (const int32_t partition : partitions) {
          const auto index = static_cast<size_t>(partition);
          if (index >= found->second.owners.size()) continue;
          if (found->second.owners[index] == kNobody) Give(found->second, index, place);
        }
      }
    }
  }

  static bool HasUnowned(const Topic& topic) {
    return std::find(topic.owners.begin(), topic.owners.end(), kNobody) != topic.owners.end();
  }

  bool IsOnRack(const Topic& topic, size_t partition, size_t place) const {
    const std::string& rack = members_[place].rack_id;
    return !rack.empty() && topic.is->HasReplicaOn(rack, partition);
  }

  // Members on the rack of a replica, as long as none has `load_max` partitions.
  void PlaceOnRacks(Topic& topic, size_t load_max) {
    if (topic.is->racks.empty()) return;
    std::map<std::string_view, LeastFirst> by_rack;
    for (const size_t place : *topic.subscribers) {
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
    std::vector<Load> loads;
    loads.reserve(topic.subscribers->size());
    for (const size_t place : *topic.subscribers) loads.emplace_back(loads_[place], place);
    LeastFirst least(std::greater<>{}, std::move(loads));
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
    // Of each list of subscribers the load of the least busy, as long as nothing moves.
    std::unordered_map<const std::vector<size_t>*, size_t> least;
    for (auto& [id, topic] : topics_) {
      if (topic.owners.empty()) continue;
      const auto [found, is_new] = least.try_emplace(topic.subscribers.get(), 0);
      if (is_new) found->second = LoadsOf(*topic.subscribers).first;
      if (LoadsOf(topic.owners).second < found->second + 2) continue;
      moved = Balance(topic) || moved;
      least.clear();
    }
    return moved;
  }

  // The lowest and the highest.
  std::pair<size_t, size_t> LoadsOf(const std::vector<size_t>& places) const {
    const auto [least, most] = std::minmax_element(
        places.begin(), places.end(), [this](size_t a, size_t b) { return loads_[a] < loads_[b]; });
    return {loads_[*least], loads_[*most]};
  }

  // From the busiest owner to the least busy subscriber, until that helps no more.
  bool Balance(Topic& topic) {
    std::map<size_t, std::vector<size_t>> owned;
    for (size_t partition = 0; partition < topic.owners.size(); ++partition) {
      owned[topic.owners[partition]].push_back(partition);
    }
    std::set<Load> takers;
    std::set<Load> givers;
    for (const size_t place : *topic.subscribers) takers.emplace(loads_[place], place);
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
