// ElectLeaders (key 43): preferred and unclean elections, forwarded to the active controller.
#include <memory>
#include <string>
#include <utility>

#include "broker/handlers/admin_forward.h"
#include "broker/handlers/handlers.h"
#include "broker/handlers/registry.h"
#include "broker/wire/messages/replicas.h"

namespace weir::handlers {
namespace {

using Response = wire::ElectLeadersResponse;
using PartitionResult = Response::PartitionResult;

struct Waiting {
  Call call;
  // With the partitions that the client named; empty when it named none.
  Response response;
};

// What all partitions have in common.
void AnswerWhole(Waiting& waiting, const Error& error) {
  waiting.response.error_code = error.code;
  for (Response::TopicResult& topic : waiting.response.replica_election_results) {
    for (PartitionResult& result : topic.partition_result) {
      result.error_code = error.code;
      result.error_message = error.message;
    }
  }
  waiting.call.Reply(waiting.response);
}

PartitionResult ResultOf(const admin::v1::PartitionElection& election) {
  const ItemError error = ToItemError(election.error());
  return {.partition_id = election.partition(),
          .error_code = error.code,
          .error_message = error.message};
}

// The answer about partitions that nobody named, by topic.
void AddUnnamed(const admin::v1::ElectLeadersReply& reply, Response* response) {
  for (const admin::v1::PartitionElection& election : reply.partitions()) {
    auto& results = response->replica_election_results;
    if (results.empty() || results.back().topic != election.topic()) {
      results.emplace_back().topic = election.topic();
    }
    results.back().partition_result.push_back(ResultOf(election));
  }
}

void OnElected(Waiting& waiting, Result<admin::v1::ElectLeadersReply> reply) {
  if (!reply) return AnswerWhole(waiting, ForwardError(reply.error()));
  auto& results = waiting.response.replica_election_results;
  if (results.empty()) AddUnnamed(*reply, &waiting.response);
  size_t i = 0;
  for (Response::TopicResult& topic : results) {
    for (PartitionResult& result : topic.partition_result) {
      const ItemError error = ItemOutcome(reply, &admin::v1::ElectLeadersReply::partitions, i++);
      result.error_code = error.code;
      result.error_message = error.message;
    }
  }
  waiting.call.Reply(waiting.response);
}

void HandleElect(Call call, net::ConnectionInfo& connection, wire::ElectLeadersRequest request) {
  admin::v1::ElectLeadersRequest forwarded;
  SetCause(call, connection, forwarded.mutable_context());
  auto waiting = std::make_shared<Waiting>(Waiting{std::move(call), {}});
  if (request.topic_partitions) {
    for (const auto& named : *request.topic_partitions) {
      if (named.partitions.empty()) continue;
      admin::v1::TopicPartitions* topic = forwarded.add_topics();
      topic->set_topic(named.topic);
      auto& results = waiting->response.replica_election_results.emplace_back();
      results.topic = named.topic;
      for (const int32_t partition : named.partitions) {
        topic->add_partitions(partition);
        results.partition_result.emplace_back().partition_id = partition;
      }
    }
    if (forwarded.topics().empty()) return waiting->call.Reply(waiting->response);
  }
  if (request.election_type != admin::v1::ELECTION_KIND_PREFERRED &&
      request.election_type != admin::v1::ELECTION_KIND_UNCLEAN) {
    return AnswerWhole(*waiting, {ErrorCode::kInvalidRequest,
                                  "unknown election type " +
                                      std::to_string(static_cast<int>(request.election_type))});
  }
  forwarded.set_kind(static_cast<admin::v1::ElectionKind>(request.election_type));
  broker::ControllerPort& controllers = *waiting->call.broker().controllers;
  controllers.ElectLeaders(std::move(forwarded), ForwardTimeout(request.timeout_ms),
                           OnShard<admin::v1::ElectLeadersReply>(std::move(waiting), OnElected));
}

}  // namespace

void HandleElectLeaders(Call call, net::ConnectionInfo& connection) {
  DecodeThen<wire::ElectLeadersRequest, HandleElect>(std::move(call), connection);
}

}  // namespace weir::handlers
