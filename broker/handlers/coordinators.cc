// FindCoordinator (key 10) and InitProducerId (key 22).
//
// Groups and transactions have no coordinator yet: FindCoordinator says COORDINATOR_NOT_AVAILABLE,
// which clients retry in the background, so that consumers with assigned partitions work. Not
// advertising it would end Java consumers with an error at start. Producers with a transactional id
// get the same answer.
#include <memory>
#include <string>
#include <utility>

#include "broker/handlers/handlers.h"
#include "broker/handlers/registry.h"
#include "broker/wire/messages/groups.h"
#include "broker/wire/messages/transactions.h"

namespace weir::handlers {
namespace {

constexpr int32_t kNoNodeId = -1;

void HandleFind(Call call, net::ConnectionInfo&, wire::FindCoordinatorRequest request) {
  const std::string reason = "groups and transactions are not served yet";
  wire::FindCoordinatorResponse response;
  response.node_id = kNoNodeId;
  response.port = -1;
  response.error_code = ErrorCode::kCoordinatorNotAvailable;
  response.error_message = reason;
  for (std::string& key : request.coordinator_keys) {
    response.coordinators.push_back({.key = std::move(key),
                                     .node_id = kNoNodeId,
                                     .host = "",
                                     .port = -1,
                                     .error_code = ErrorCode::kCoordinatorNotAvailable,
                                     .error_message = reason});
  }
  call.Reply(response);
}

void HandleInit(Call call, net::ConnectionInfo&, wire::InitProducerIdRequest request) {
  wire::InitProducerIdResponse response;
  if (request.transactional_id) {
    response.error_code = request.transactional_id->empty() ? ErrorCode::kInvalidRequest
                                                            : ErrorCode::kCoordinatorNotAvailable;
    return call.Reply(response);
  }
  // An idempotent producer that asks again with its old id gets a new one: its sequences start over
  // (KIP-360).
  Executor& executor = call.executor();
  auto waiting = std::make_shared<Call>(std::move(call));
  waiting->broker().producer_ids->Take([&executor, waiting](Result<ProducerId> id) {
    executor.Post([waiting, id = std::move(id)] {
      wire::InitProducerIdResponse answer;
      if (id) {
        answer.producer_id = id->value();
      } else {
        answer.error_code = id.error().code;
      }
      waiting->Reply(answer);
    });
  });
}

}  // namespace

void HandleFindCoordinator(Call call, net::ConnectionInfo& connection) {
  DecodeThen<wire::FindCoordinatorRequest, HandleFind>(std::move(call), connection);
}

void HandleInitProducerId(Call call, net::ConnectionInfo& connection) {
  DecodeThen<wire::InitProducerIdRequest, HandleInit>(std::move(call), connection);
}

}  // namespace weir::handlers
