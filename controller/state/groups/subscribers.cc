#include "controller/state/groups/subscribers.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

namespace weir::state {
namespace {

struct Subscription {
  TopicList topics;
  // Places of the members that have it.
  std::vector<size_t> members;
};

// In the order of their first members.
std::vector<Subscription> SubscriptionsOf(const std::vector<AssignableMember>& members) {
  std::vector<Subscription> subscriptions;
  std::unordered_map<const std::vector<Uuid>*, size_t> numbers;
  for (size_t place = 0; place < members.size(); ++place) {
    const TopicList& topics = members[place].topics;
    if (topics == nullptr) continue;
    const auto [number, is_new] = numbers.try_emplace(topics.get(), subscriptions.size());
    if (is_new) subscriptions.push_back({topics, {}});
    subscriptions[number->second].members.push_back(place);
  }
  return subscriptions;
}

MemberList MembersOf(const std::vector<Subscription>& subscriptions,
                     const std::vector<size_t>& numbers) {
  std::vector<size_t> members;
  for (const size_t number : numbers) {
    const std::vector<size_t>& more = subscriptions[number].members;
    members.insert(members.end(), more.begin(), more.end());
  }
  std::sort(members.begin(), members.end());
  return std::make_shared<const std::vector<size_t>>(std::move(members));
}

}  // namespace

std::map<Uuid, MemberList> SubscribersOf(const std::vector<AssignableMember>& members,
                                         const AssignableTopics& topics) {
  const std::vector<Subscription> subscriptions = SubscriptionsOf(members);
  std::map<Uuid, std::vector<size_t>> naming;
  for (size_t number = 0; number < subscriptions.size(); ++number) {
    for (const Uuid& id : *subscriptions[number].topics) {
      if (topics.contains(id)) naming[id].push_back(number);
    }
  }
  std::map<std::vector<size_t>, MemberList> lists;
  std::map<Uuid, MemberList> subscribers;
  for (const auto& [id, numbers] : naming) {
    MemberList& list = lists[numbers];
    if (list == nullptr) list = MembersOf(subscriptions, numbers);
    subscribers.emplace_hint(subscribers.end(), id, list);
  }
  return subscribers;
}

}  // namespace weir::state
