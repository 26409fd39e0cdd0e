#include "controller/state/placement.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "common/base/check.h"

namespace weir::state {
namespace {

// Chooses uniformly among equally good candidates as they come by.
class TieBreaker {
 public:
  explicit TieBreaker(Prng* prng) : prng_(prng) {}

  // Whether to take this candidate, the `n`th of the equals.
  bool TakeAnother() { return prng_->Below(++equals_) == 0; }
  void Restart() { equals_ = 1; }

 private:
  Prng* prng_;
  uint64_t equals_ = 0;
};

}  // namespace

Placement Placement::Of(const MetadataImage& image) {
  std::vector<PlacementBroker> brokers;
  std::map<NodeId, size_t> index;
  for (const auto& [id, broker] : image.brokers()) {
    if (!image.IsUsableAsLeader(id)) continue;
    index.emplace(id, brokers.size());
    brokers.push_back({id, broker.rack, 0, 0});
  }
  for (const auto& [topic_id, topic] : image.topics()) {
    for (const auto& [partition_index, partition] : topic.partitions) {
      for (const NodeId replica : partition.replicas) {
        const auto found = index.find(replica);
        if (found == index.end()) continue;
        ++brokers[found->second].replica_count;
        // The preferred leader counts, whoever leads at the moment.
        if (replica == partition.replicas.front()) ++brokers[found->second].leader_count;
      }
    }
  }
  return Placement(std::move(brokers));
}

Placement::Placement(std::vector<PlacementBroker> brokers) : brokers_(std::move(brokers)) {
  std::map<std::string, size_t> rack_numbers;
  size_t next = 0;
  for (const PlacementBroker& broker : brokers_) {
    if (broker.rack.empty()) {
      racks_.push_back(next++);
      continue;
    }
    const auto [at, is_new] = rack_numbers.emplace(broker.rack, next);
    if (is_new) ++next;
    racks_.push_back(at->second);
  }
}

size_t Placement::PickLeader(Prng* prng) const {
  TieBreaker ties(prng);
  size_t best = 0;
  const auto load = [this](size_t i) {
    return std::pair(brokers_[i].leader_count, brokers_[i].replica_count);
  };
  for (size_t i = 0; i < brokers_.size(); ++i) {
    if (i == 0 || load(i) < load(best)) {
      best = i;
      ties.Restart();
    } else if (load(i) == load(best) && ties.TakeAnother()) {
      best = i;
    }
  }
  return best;
}

size_t Placement::PickFollower(const std::vector<size_t>& chosen, Prng* prng) const {
  TieBreaker ties(prng);
  std::optional<size_t> best;
  const auto load = [&](size_t i) {
    const auto same_rack = std::count_if(chosen.begin(), chosen.end(),
                                         [&](size_t c) { return racks_[c] == racks_[i]; });
    return std::tuple(same_rack, brokers_[i].replica_count);
  };
  for (size_t i = 0; i < brokers_.size(); ++i) {
    if (std::find(chosen.begin(), chosen.end(), i) != chosen.end()) continue;
    if (!best || load(i) < load(*best)) {
      best = i;
      ties.Restart();
    } else if (load(i) == load(*best) && ties.TakeAnother()) {
      best = i;
    }
  }
  WEIR_CHECK(best.has_value(), "there are more brokers than replicas");
  return *best;
}

metadata::NodeIdList Placement::Place(int32_t replication_factor, Prng* prng) {
  WEIR_CHECK(replication_factor > 0);
  WEIR_CHECK(static_cast<size_t>(replication_factor) <= brokers_.size());
  std::vector<size_t> chosen = {PickLeader(prng)};
  ++brokers_[chosen.front()].leader_count;
  while (chosen.size() < static_cast<size_t>(replication_factor)) {
    chosen.push_back(PickFollower(chosen, prng));
  }
  std::vector<NodeId> replicas;
  for (const size_t index : chosen) {
    ++brokers_[index].replica_count;
    replicas.push_back(brokers_[index].id);
  }
  return metadata::NodeIdList(replicas);
}

}  // namespace weir::state
