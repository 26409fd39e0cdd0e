// AlterPartitionReassignments (key 45): forwarded to the active controller.
// ListPartitionReassignments (key 46): the moves that the metadata knows of.
#include <algorithm>
#include <memory>
#include <utility>

#include "broker/handlers/admin_forward.h"
#include "broker/handlers/handlers.h"
#include "broker/handlers/partition_view.h"
#include "broker/handlers/registry.h"
#include "broker/wire/messages/replicas.h"

namespace weir::handlers {
namespace {

// ---- AlterPartitionReassignments ------------------------------------------------------

using AlterResponse = wire::AlterPartitionReassignmentsResponse;

struct AlterWaiting {
  Call call;
  AlterResponse response;
};

void OnAltered(AlterWaiting& waiting, Result<admin::v1::AlterPartitionReassignmentsReply> reply) {
  if (!reply) {
    const Error whole = ForwardError(reply.error());
    waiting.response.error_code = whole.code;
    waiting.response.error_message = whole.message;
  }
  size_t next = 0;
  for (AlterResponse::TopicResponse& topic : waiting.response.responses) {
    for (AlterResponse::Partition& partition : topic.partitions) {
      const ItemError error =
          ItemOutcome(reply, &admin::v1::AlterPartitionReassignmentsReply::partitions, next++);
      partition.error_code = error.code;
      partition.error_message = error.message;
    }
  }
  waiting.call.Reply(waiting.response);
}

void HandleAlter(Call call, net::ConnectionInfo& connection,
                 wire::AlterPartitionReassignmentsRequest request) {
  admin::v1::AlterPartitionReassignmentsRequest forwarded;
  SetCause(call, connection, forwarded.mutable_context());
  forwarded.set_keep_replication_factor(!request.allow_replication_factor_change);
  auto waiting = std::make_shared<AlterWaiting>(AlterWaiting{std::move(call), {}});
  waiting->response.error_message.reset();
  waiting->response.allow_replication_factor_change = request.allow_replication_factor_change;
  for (const auto& topic : request.topics) {
    AlterResponse::TopicResponse& answer = waiting->response.responses.emplace_back();
    answer.name = topic.name;
    for (const auto& partition : topic.partitions) {
      answer.partitions.emplace_back().partition_index = partition.partition_index;
      admin::v1::PartitionReassignment* wanted = forwarded.add_partitions();
      wanted->set_topic(topic.name);
      wanted->set_partition(partition.partition_index);
      wanted->set_cancel(!partition.replicas.has_value());
      if (!partition.replicas) continue;
      for (const int32_t broker : *partition.replicas) wanted->add_target_ids(broker);
    }
  }
  if (forwarded.partitions().empty()) return waiting->call.Reply(waiting->response);
  broker::ControllerPort& controllers = *waiting->call.broker().controllers;
  controllers.AlterPartitionReassignments(
      std::move(forwarded), ForwardTimeout(request.timeout_ms),
      OnShard<admin::v1::AlterPartitionReassignmentsReply>(std::move(waiting), OnAltered));
}

// ---- ListPartitionReassignments -------------------------------------------------------

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

void HandleAlterPartitionReassignments(Call call, net::ConnectionInfo& connection) {
  DecodeThen<wire::AlterPartitionReassignmentsRequest, HandleAlter>(std::move(call), connection);
}

void HandleListPartitionReassignments(Call call, net::ConnectionInfo& connection) {
  DecodeThen<wire::ListPartitionReassignmentsRequest, HandleList>(std::move(call), connection);
}

}  // namespace weir::handlers
