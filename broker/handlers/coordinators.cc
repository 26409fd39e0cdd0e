// FindCoordinator (key 10) and InitProducerId (key 22).
//
// The coordinator of a group is the broker where its offsets are committed (offsets_topic.h). The
// topic of offsets is created when the first client asks; the request waits for it. Transactions
// have no coordinator yet: COORDINATOR_NOT_AVAILABLE, which clients retry; InitProducerId gives
// producers with a transactional id the same answer.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "broker/handlers/admin_forward.h"
#include "broker/handlers/cluster_view.h"
#include "broker/handlers/handlers.h"
#include "broker/handlers/offsets_topic.h"
#include "broker/handlers/registry.h"
#include "broker/wire/messages/groups.h"
#include "broker/wire/messages/transactions.h"
#include "common/metadata/group_partition.h"

namespace weir::handlers {
namespace {

using wire::FindCoordinatorRequest;
using wire::FindCoordinatorResponse;
using Coordinator = FindCoordinatorResponse::Coordinator;

constexpr int16_t kFirstVersionWithManyKeys = 4;
constexpr int32_t kNoNodeId = -1;
constexpr int32_t kNoPort = -1;
// Later answers of the connection wait behind this one: no longer than a controller failover.
constexpr int32_t kCreateTimeoutMs = 2'000;

// Kafka's numbers of what a key names.
constexpr int8_t kGroupKey = 0;
constexpr int8_t kTransactionKey = 1;

struct Waiting {
  Call call;
  ClientAddress client;
  FindCoordinatorRequest request;
};

Coordinator Unavailable(ErrorCode error, std::string reason) {
  return {.key = "",
          .node_id = kNoNodeId,
          .host = "",
          .port = kNoPort,
          .error_code = error,
          .error_message = std::move(reason)};
}

Coordinator FindForGroup(const Waiting& waiting, const std::string& group_id) {
  constexpr ErrorCode kNotAvailable = ErrorCode::kCoordinatorNotAvailable;
  const metadata::MetadataImage& image = waiting.call.image();
  const NodeId leader = CoordinatorOf(image, group_id);
  if (leader == kNoNode) return Unavailable(kNotAvailable, "no broker leads the group's offsets");
  // Metadata leaves it out, too: clients cannot make anything of a broker that they do not know.
  if (!waiting.call.IsUp(leader)) {
    return Unavailable(kNotAvailable, "the coordinator is gone, and another is chosen");
  }
  const auto address =
      AddressOf(image, waiting.call.broker().settings.node_id, leader, waiting.client);
  if (!address) return Unavailable(kNotAvailable, "the coordinator has no such listener");
  return {.key = "",
          .node_id = leader.value(),
          .host = address->host,
          .port = address->port,
          .error_code = ErrorCode::kNone,
          .error_message = std::nullopt};
}

Coordinator Find(const Waiting& waiting, const std::string& key) {
  switch (waiting.request.key_type) {
    case kGroupKey:
      return FindForGroup(waiting, key);
    case kTransactionKey:
      return Unavailable(ErrorCode::kCoordinatorNotAvailable, "transactions are not served yet");
    default:
      return Unavailable(ErrorCode::kInvalidRequest, "no keys of that type are served");
  }
}

void Answer(Waiting& waiting) {
  FindCoordinatorResponse response;
  if (waiting.call.version() < kFirstVersionWithManyKeys) {
    Coordinator found = Find(waiting, waiting.request.key);
    response.error_code = found.error_code;
    response.error_message = std::move(found.error_message);
    response.node_id = found.node_id;
    response.host = std::move(found.host);
    response.port = found.port;
  }
  for (std::string& key : waiting.request.coordinator_keys) {
    Coordinator& found = response.coordinators.emplace_back(Find(waiting, key));
    found.key = std::move(key);
  }
  waiting.call.Reply(response);
}

bool NeedsTopic(const Waiting& waiting) {
  const bool names_none = waiting.call.version() >= kFirstVersionWithManyKeys &&
                          waiting.request.coordinator_keys.empty();
  if (names_none) return false;
  return waiting.request.key_type == kGroupKey &&
         waiting.call.image().FindTopic(metadata::kOffsetsTopic) == nullptr;
}

void HandleFind(Call call, net::ConnectionInfo& connection, FindCoordinatorRequest request) {
  auto waiting = std::make_shared<Waiting>(
      Waiting{std::move(call), ClientAddress(connection), std::move(request)});
  if (!NeedsTopic(*waiting)) return Answer(*waiting);
  const BrokerSettings& settings = waiting->call.broker().settings;
  admin::v1::CreateTopicsRequest create;
  SetCause(waiting->call, connection, create.mutable_context());
  *create.add_topics() =
      NewOffsetsTopic({waiting->call.image(), settings.node_id, &settings.static_configs});
  broker::ControllerPort& controllers = *waiting->call.broker().controllers;
  // Whatever came of it, the image says who leads: others may have created it meanwhile.
  controllers.CreateTopics(
      std::move(create), ForwardTimeout(kCreateTimeoutMs),
      OnShard<admin::v1::CreateTopicsReply>(
          std::move(waiting), [](Waiting& asked, const Result<admin::v1::CreateTopicsReply>&) {
            asked.call.RefreshImage();
            Answer(asked);
          }));
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
