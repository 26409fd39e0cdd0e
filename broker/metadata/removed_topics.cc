#include "broker/metadata/removed_topics.h"

namespace weir::broker {

void RemovedTopics::Add(const Names& topics, MonoTime now) {
  for (const auto& [id, name] : topics) {
    removed_.push_back({now, id, name});
    // The offsets' own topic may be among them.
    std::erase_if(led_, [&](const auto& led) { return led.first.topic_id == id; });
  }
  DropOld(now);
}

RemovedTopics::Names RemovedTopics::ToForget(const std::vector<replica::Assignment>& assignments,
                                             NodeId self, MonoTime now) {
  bool leads_anew = false;
  for (const replica::Assignment& assignment : assignments) {
    const bool has_offsets = assignment.config != nullptr && assignment.config->committed_offsets;
    if (!has_offsets || assignment.leader != self) continue;
    const auto [led, is_first] = led_.emplace(assignment.partition, assignment.leader_epoch);
    if (!is_first && led->second == assignment.leader_epoch) continue;
    led->second = assignment.leader_epoch;
    leads_anew = true;
  }
  Names names;
  if (!leads_anew) return names;
  DropOld(now);
  for (const Removed& topic : removed_) names.emplace(topic.id, topic.name);
  return names;
}

void RemovedTopics::DropOld(MonoTime now) {
  while (!removed_.empty() &&
         (removed_.size() > kRemovedTopicsMax || removed_.front().at + kRemovedTopicsKept < now)) {
    removed_.pop_front();
  }
}

}  // namespace weir::broker
