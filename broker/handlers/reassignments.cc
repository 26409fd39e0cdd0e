// ListPartitionReassignments (key 46): the moves that the metadata knows of.
#include <algorithm>
#include <utility>

#include "broker/handlers/handlers.h"
#include "broker/handlers/partition_view.h"
#include "broker/handlers/registry.h"
#include "broker/wire/messages/replicas.h"

namespace weir::handlers {
namespace {

using ListResponse = wire::ListPartitionReassignmentsResponse;

bool Moves(const metadata::Partition& partition) {
  return !partition.adding_replicas.empty() || !partition.removing_replicas.empty();
}

ListResponse::Partition DescribeMove(PartitionIndex index, const metadata::Partition& partition) {
  return {.partition_index = index.value(),
          .replicas = ToNumbers(partition.replicas),
          .adding_replicas = ToNumbers(partition.adding_replicas),
          .removing_replicas = ToNumbers(partition.removing_replicas)};
}

void HandleList(Call call, net::ConnectionInfo&, wire::ListPartitionReassignmentsRequest request) {
  ListResponse response;
  response.error_message.reset();
  const auto add = [&](const metadata::Topic& topic, const std::vector<int32_t>* only) {
    ListResponse::Topic answer;
    answer.name = topic.name;
    for (const auto& [index, partition] : topic.partitions) {
      const bool wanted =
          only == nullptr || std::find(only->begin(), only->end(), index.value()) != only->end();
      if (wanted && Moves(partition)) answer.partitions.push_back(DescribeMove(index, partition));
    }
    if (!answer.partitions.empty()) response.topics.push_back(std::move(answer));
  };
  if (!request.topics) {
    for (const auto& [id, topic] : call.image().topics()) add(topic, nullptr);
  } else {
    for (const auto& wanted : *request.topics) {
      const metadata::Topic* topic = call.image().FindTopic(wanted.name);
      if (topic != nullptr) add(*topic, &wanted.partition_indexes);
    }
  }
  call.Reply(response);
}

}  // namespace

void HandleListPartitionReassignments(Call call, net::ConnectionInfo& connection) {
  DecodeThen<wire::ListPartitionReassignmentsRequest, HandleList>(std::move(call), connection);
}

}  // namespace weir::handlers
