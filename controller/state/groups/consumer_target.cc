#include "controller/state/groups/consumer_target.h"

#include <algorithm>
#include <map>
#include <memory>
#include <string_view>
#include <tuple>
#include <utility>

namespace weir::state {
namespace {

using metadata::Group;
using metadata::GroupMember;
using metadata::GroupSubscription;

void AddTopic(const MetadataImage& image, std::string_view name, std::set<Uuid>* out) {
  if (const metadata::Topic* topic = image.FindTopic(name)) out->insert(topic->id);
}

std::vector<std::vector<std::string>> RacksOf(const MetadataImage& image,
                                              const metadata::Topic& topic) {
  std::vector<std::vector<std::string>> racks;
  racks.reserve(topic.partitions.size());
  for (const auto& [index, partition] : topic.partitions) {
    std::vector<std::string>& of_partition = racks.emplace_back();
    for (const NodeId id : partition.replicas) {
      const metadata::Broker* broker = image.FindBroker(id);
      if (broker != nullptr && !broker->rack.empty()) of_partition.push_back(broker->rack);
    }
  }
  return racks;
}

TopicList TopicsOf(const MetadataImage& image, const ConsumerSoftState& soft,
                   const GroupSubscription& subscription) {
  std::set<Uuid> topics;
  for (const std::string& name : subscription.topic_names) AddTopic(image, name, &topics);
  const auto pattern = soft.patterns.find(subscription.topic_regex);
  if (pattern != soft.patterns.end()) {
    for (const std::string& name : pattern->second.topics) AddTopic(image, name, &topics);
  }
  return std::make_shared<const std::vector<Uuid>>(topics.begin(), topics.end());
}

struct ByTopics {
  bool operator()(const GroupSubscription* a, const GroupSubscription* b) const {
    return std::tie(a->topic_names, a->topic_regex) < std::tie(b->topic_names, b->topic_regex);
  }
};

// One for all subscriptions to the same names and the same pattern.
using TopicLists = std::map<const GroupSubscription*, TopicList, ByTopics>;

// FNV-1a, 64 bits.
class Hash {
 public:
  void Add(uint8_t byte) { value_ = (value_ ^ byte) * 0x100000001b3u; }
  uint64_t value() const { return value_; }

 private:
  uint64_t value_ = 0xcbf29ce484222325u;
};

}  // namespace

std::set<Uuid> SubscribedTopics(const MetadataImage& image, const ConsumerSoftState& soft) {
  std::set<Uuid> topics;
  for (const auto& [name, members] : soft.topic_counts) AddTopic(image, name, &topics);
  for (const auto& [expression, pattern] : soft.patterns) {
    for (const std::string& name : pattern.topics) AddTopic(image, name, &topics);
  }
  return topics;
}

uint64_t HashTopics(const MetadataImage& image, const std::set<Uuid>& topics) {
  Hash hash;
  for (const Uuid& id : topics) {
    for (const uint8_t byte : id.bytes) hash.Add(byte);
    const size_t count = image.FindTopic(id)->partitions.size();
    for (int shift = 0; shift < 32; shift += 8) hash.Add(static_cast<uint8_t>(count >> shift));
  }
  return hash.value();
}

std::string SelectAssignor(const Group& group, const std::vector<std::string>& configured) {
  std::map<std::string_view, size_t> votes;
  for (const auto& [member_id, member] : group.members) {
    if (member.subscription == nullptr) continue;
    const std::string& wish = member.subscription->server_assignor;
    if (std::find(configured.begin(), configured.end(), wish) != configured.end()) ++votes[wish];
  }
  const auto winner = std::max_element(
      votes.begin(), votes.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  return winner == votes.end() ? configured.front() : std::string(winner->first);
}

std::vector<std::pair<std::string, PartitionsByTopic>> MakeTarget(const MetadataImage& image,
                                                                  const Group& group,
                                                                  const ConsumerSoftState& soft,
                                                                  const std::string& assignor) {
  std::vector<AssignableMember> members;
  members.reserve(group.members.size());
  TopicLists lists;
  bool has_racks = false;
  for (const auto& [member_id, member] : group.members) {
    AssignableMember& added = members.emplace_back();
    added.member_id = member_id;
    added.instance_id = member.instance_id;
    added.owned = metadata::Get(member.target);
    if (member.subscription == nullptr) continue;
    added.rack_id = member.subscription->rack_id;
    has_racks = has_racks || !added.rack_id.empty();
    TopicList& list = lists[member.subscription.get()];
    if (list == nullptr) list = TopicsOf(image, soft, *member.subscription);
    added.topics = list;
  }
  AssignableTopics topics;
  for (const Uuid& id : SubscribedTopics(image, soft)) {
    const metadata::Topic& topic = *image.FindTopic(id);
    AssignableTopic& added = topics[id];
    added.partition_count = static_cast<int32_t>(topic.partitions.size());
    if (has_racks) added.racks = RacksOf(image, topic);
  }
  std::vector<PartitionsByTopic> assigned =
      assignor == "range" ? AssignRanges(members, topics) : AssignUniformly(members, topics);
  std::vector<std::pair<std::string, PartitionsByTopic>> target;
  target.reserve(members.size());
  for (size_t place = 0; place < members.size(); ++place) {
    // A topic of which it gets nothing is not named.
    std::erase_if(assigned[place], [](const auto& topic) { return topic.second.empty(); });
    target.emplace_back(std::move(members[place].member_id), std::move(assigned[place]));
  }
  return target;
}

}  // namespace weir::state
