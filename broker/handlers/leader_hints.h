// Leader hints in answers (KIP-951): when a partition is not led here, who leads it, and where that
// broker is. Produce from version 10 and Fetch from 16 carry them in tagged fields of the same
// shape. Thread rule: one owner, on the call's shard.
#pragma once

#include <algorithm>
#include <string_view>

#include "broker/handlers/broker_context.h"
#include "broker/handlers/cluster_view.h"

namespace weir::handlers {

// Whether an error means that the partition's leader is elsewhere.
inline bool IsLeaderError(ErrorCode error) {
  return error == ErrorCode::kNotLeaderOrFollower || error == ErrorCode::kFencedLeaderEpoch;
}

template <class Response>
class LeaderHints {
 public:
  LeaderHints(const Call& call, const ClientAddress& client, Response& response)
      : call_(call), client_(client), response_(response) {}

  // `answer` is a partition's part of the response; untouched unless its error is a leader error.
  template <class PartitionAnswer>
  void Add(std::string_view topic_name, const Uuid& topic_id, int32_t partition,
           PartitionAnswer& answer) {
    if (!IsLeaderError(answer.error_code)) return;
    const TopicLookup found = FindTopic(call_.image(), topic_name, topic_id, topic_name.empty());
    if (found.topic == nullptr) return;
    const auto* state = found.topic->FindPartition(PartitionIndex(partition));
    if (state == nullptr) return;
    answer.current_leader.leader_id = state->leader.value();
    answer.current_leader.leader_epoch = state->leader_epoch.value();
    AddEndpoint(state->leader);
  }

 private:
  void AddEndpoint(NodeId leader) {
    auto& endpoints = response_.node_endpoints;
    const bool known = std::any_of(endpoints.begin(), endpoints.end(), [&](const auto& endpoint) {
      return endpoint.node_id == leader.value();
    });
    if (known) return;
    const auto address = AddressOf(call_.image(), call_.broker().settings.node_id, leader, client_);
    if (!address) return;
    endpoints.push_back({.node_id = leader.value(),
                         .host = address->host,
                         .port = address->port,
                         .rack = address->rack});
  }

  const Call& call_;
  const ClientAddress& client_;
  Response& response_;
};

}  // namespace weir::handlers
