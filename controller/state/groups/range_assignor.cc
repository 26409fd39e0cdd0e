#include <algorithm>
#include <limits>
#include <numeric>
#include <optional>
#include <tuple>
#include <utility>

#include "controller/state/groups/assignor.h"
#include "controller/state/groups/subscribers.h"

namespace weir::state {
namespace {

int32_t LowestOwned(const AssignableMember& member) {
  int32_t lowest = std::numeric_limits<int32_t>::max();
  for (const auto& [topic, partitions] : member.owned) {
    if (!partitions.empty()) lowest = std::min(lowest, partitions.front());
  }
  return lowest;
}

// Of each place in `members`, which one's turn it is. A static member keeps its turn under a new
// member id.
std::vector<size_t> TurnsOf(const std::vector<AssignableMember>& members) {
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
  std::vector<size_t> turns(members.size());
  for (size_t turn = 0; turn < order.size(); ++turn) turns[order[turn]] = turn;
  return turns;
}

// Splits topics that have the same subscribers and as many partitions: each partition number goes
// to one subscriber in all of them. Subscribers are named by their numbers in `places`.
class Split {
 public:
  Split(const std::vector<AssignableMember>& members, const std::vector<size_t>& places,
        const std::vector<Uuid>& ids, const AssignableTopics& topics)
      : partition_count_(static_cast<size_t>(topics.at(ids.front()).partition_count)),
        quota_(partition_count_ / places.size()),
        extra_(partition_count_ % places.size()),
        owners_(partition_count_),
        assigned_(places.size()) {
    for (const Uuid& id : ids) topics_.push_back(&topics.at(id));
    for (size_t number = 0; number < places.size(); ++number) {
      const AssignableMember& member = members[places[number]];
      all_.subscribers.push_back(number);
      if (!member.rack_id.empty()) by_rack_[member.rack_id].subscribers.push_back(number);
      racks_.push_back(&member.rack_id);
      NoteOwned(number, member, ids.front());
    }
  }

  // The partitions of each subscriber, ascending.
  std::vector<std::vector<int32_t>> Assign() {
    std::vector<size_t> left(partition_count_);
    std::iota(left.begin(), left.end(), size_t{0});
    if (!by_rack_.empty() && !topics_.front()->racks.empty()) {
      Give(left, [this](size_t partition) {
        const Choice owner = OwnerWithRoom(partition);
        return owner && IsNear(*racks_[*owner], partition) ? owner : std::nullopt;
      });
      Give(left, [this](size_t partition) { return FirstNear(partition); });
      Give(left, [this](size_t partition) { return OwnerWithRoom(partition); });
    }
    Give(left, [this](size_t) { return First(all_); });
    for (std::vector<int32_t>& partitions : assigned_) {
      std::sort(partitions.begin(), partitions.end());
    }
    return std::move(assigned_);
  }

 private:
  using Choice = std::optional<size_t>;
  // Subscribers in order; those before `next` have all they may have.
  struct Line {
    std::vector<size_t> subscribers;
    size_t next = 0;
  };

  void NoteOwned(size_t number, const AssignableMember& member, const Uuid& topic) {
    const auto owned = member.owned.find(topic);
    if (owned == member.owned.end()) return;
    for (const int32_t partition : owned->second) {
      if (static_cast<size_t>(partition) < partition_count_) {
        owners_[static_cast<size_t>(partition)] = number;
      }
    }
  }

  // Gives to whom `choose` says; `left` keeps those for whom it says nobody.
  template <typename Choose>
  void Give(std::vector<size_t>& left, Choose choose) {
    std::erase_if(left, [&](size_t partition) {
      const Choice chosen = choose(partition);
      if (!chosen) return false;
      if (assigned_[*chosen].size() == quota_) --extra_;
      assigned_[*chosen].push_back(static_cast<int32_t>(partition));
      return true;
    });
  }

  bool HasRoom(size_t number) const {
    const size_t count = assigned_[number].size();
    return count < quota_ || (count == quota_ && extra_ > 0);
  }

  Choice OwnerWithRoom(size_t partition) const {
    const Choice owner = owners_[partition];
    return owner && HasRoom(*owner) ? owner : std::nullopt;
  }

  Choice First(Line& line) const {
    while (line.next < line.subscribers.size() && !HasRoom(line.subscribers[line.next])) {
      ++line.next;
    }
    if (line.next == line.subscribers.size()) return std::nullopt;
    return line.subscribers[line.next];
  }

  Choice FirstNear(size_t partition) {
    Choice nearest;
    for (const std::string& rack : topics_.front()->racks[partition]) {
      const auto line = by_rack_.find(rack);
      if (line == by_rack_.end() || !IsNear(rack, partition)) continue;
      const Choice first = First(line->second);
      if (first && (!nearest || *first < *nearest)) nearest = first;
    }
    return nearest;
  }

  // Whether each of the topics has a replica of the partition on this rack.
  bool IsNear(const std::string& rack, size_t partition) const {
    return std::all_of(topics_.begin(), topics_.end(), [&](const AssignableTopic* topic) {
      return topic->HasReplicaOn(rack, partition);
    });
  }

  std::vector<const AssignableTopic*> topics_;
  const size_t partition_count_;
  const size_t quota_;
  size_t extra_;                           // subscribers that may still have one more
  std::vector<Choice> owners_;             // of each partition until now
  std::vector<const std::string*> racks_;  // of each subscriber
  std::vector<std::vector<int32_t>> assigned_;
  Line all_;
  std::map<std::string_view, Line> by_rack_;
};

}  // namespace

std::vector<PartitionsByTopic> AssignRanges(const std::vector<AssignableMember>& members,
                                            const AssignableTopics& topics) {
  // By subscribers and partition count.
  std::map<std::pair<MemberList, int32_t>, std::vector<Uuid>> alike;
  for (const auto& [id, subscribers] : SubscribersOf(members, topics)) {
    alike[{subscribers, topics.at(id).partition_count}].push_back(id);
  }
  const std::vector<size_t> turns = TurnsOf(members);
  std::vector<PartitionsByTopic> assigned(members.size());
  for (const auto& [key, ids] : alike) {
    std::vector<size_t> places = *key.first;
    std::sort(places.begin(), places.end(),
              [&](size_t a, size_t b) { return turns[a] < turns[b]; });
    const auto split = Split(members, places, ids, topics).Assign();
    for (size_t number = 0; number < places.size(); ++number) {
      if (split[number].empty()) continue;
      for (const Uuid& id : ids) assigned[places[number]][id] = split[number];
    }
  }
  return assigned;
}

}  // namespace weir::state
