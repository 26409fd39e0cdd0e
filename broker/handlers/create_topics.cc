// CreateTopics (key 19): checked for what only the request can get wrong, decided by the active
// controller. The controller answers when every live broker has applied the change, so a client may
// produce at once.
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "broker/handlers/admin_forward.h"
#include "broker/handlers/handlers.h"
#include "broker/handlers/registry.h"
#include "broker/wire/messages/topics.h"

namespace weir::handlers {
namespace {

using wire::CreateTopicsRequest;
using wire::CreateTopicsResponse;

struct Waiting {
  Call call;
  CreateTopicsResponse response;
  // For each forwarded topic, its place in the response.
  std::vector<size_t> places;
};

// What is wrong with the request's topic before anyone looks at the cluster.
Status CheckTopic(const CreateTopicsRequest::Topic& topic, bool duplicate) {
  if (duplicate) return Fail(ErrorCode::kInvalidRequest, "duplicate topic name");
  if (!topic.assignments.empty()) {
    if (topic.num_partitions != -1 || topic.replication_factor != -1) {
      return Fail(ErrorCode::kInvalidRequest,
                  "both a replica assignment and a number of partitions or replicas were given");
    }
  } else if (topic.num_partitions == 0 || topic.num_partitions < -1) {
    return Fail(ErrorCode::kInvalidPartitions, "the number of partitions must be larger than 0");
  } else if (topic.replication_factor == 0 || topic.replication_factor < -1) {
    return Fail(ErrorCode::kInvalidReplicationFactor,
                "the replication factor must be larger than 0");
  }
  for (const CreateTopicsRequest::Config& config : topic.configs) {
    if (!config.value) {
      return Fail(ErrorCode::kInvalidConfig, "configuration " + config.name + " has no value");
    }
  }
  return {};
}

void ToNewTopic(const CreateTopicsRequest::Topic& from, admin::v1::NewTopic* to) {
  to->set_name(from.name);
  if (from.assignments.empty()) {
    to->set_partitions(from.num_partitions);
    to->set_replication_factor(from.replication_factor);
  }
  for (const CreateTopicsRequest::ReplicaAssignment& assignment : from.assignments) {
    admin::v1::ReplicaAssignment* placed = to->add_assignments();
    placed->set_partition(assignment.partition_index);
    for (const int32_t broker : assignment.broker_ids) placed->add_broker_ids(broker);
  }
  for (const CreateTopicsRequest::Config& config : from.configs) {
    (*to->mutable_configs())[config.name] = *config.value;
  }
}

void SetError(CreateTopicsResponse::Topic& topic, const Error& error) {
  topic.error_code = error.code;
  topic.error_message = error.message;
}

void FromCreated(const admin::v1::CreatedTopic& from, CreateTopicsResponse::Topic& to) {
  const ItemError error = ToItemError(from.error());
  to.error_code = error.code;
  to.error_message = error.message;
  if (error.code != ErrorCode::kNone) return;
  if (const Result<Uuid> id = Uuid::Parse(from.topic_id())) to.topic_id = *id;
  to.num_partitions = from.partitions();
  to.replication_factor = static_cast<int16_t>(from.replication_factor());
  for (const admin::v1::ConfigEntry& entry : from.configs()) {
    CreateTopicsResponse::Config config;
    config.name = entry.key();
    config.value = entry.has_value() ? std::optional<std::string>(entry.value()) : std::nullopt;
    config.read_only = entry.read_only();
    config.config_source = static_cast<int8_t>(entry.source());
    config.is_sensitive = entry.sensitive();
    to.configs->push_back(std::move(config));
  }
}

void OnReply(Waiting& waiting, Result<admin::v1::CreateTopicsReply> reply) {
  for (size_t i = 0; i < waiting.places.size(); ++i) {
    CreateTopicsResponse::Topic& topic = waiting.response.topics[waiting.places[i]];
    if (!reply) {
      SetError(topic, ForwardError(reply.error()));
    } else if (static_cast<int>(i) < reply->topics_size()) {
      FromCreated(reply->topics(static_cast<int>(i)), topic);
    } else {
      SetError(topic, {ErrorCode::kUnknownServerError, "the controller did not answer for it"});
    }
  }
  waiting.call.Reply(waiting.response);
}

void Handle(Call call, net::ConnectionInfo& connection, CreateTopicsRequest request) {
  admin::v1::CreateTopicsRequest forwarded;
  SetCause(call, connection, forwarded.mutable_context());
  forwarded.set_validate_only(request.validate_only);
  auto waiting = std::make_shared<Waiting>(Waiting{std::move(call), {}, {}});
  std::map<std::string, int> times;
  for (const CreateTopicsRequest::Topic& topic : request.topics) ++times[topic.name];
  for (const CreateTopicsRequest::Topic& topic : request.topics) {
    const bool duplicate = times[topic.name] > 1;
    if (times[topic.name] == 0) continue;  // named before: answered once
    if (duplicate) times[topic.name] = 0;
    CreateTopicsResponse::Topic& answer = waiting->response.topics.emplace_back();
    answer.name = topic.name;
    answer.error_message.reset();
    if (const Status checked = CheckTopic(topic, duplicate); !checked) {
      SetError(answer, checked.error());
      continue;
    }
    waiting->places.push_back(waiting->response.topics.size() - 1);
    ToNewTopic(topic, forwarded.add_topics());
  }
  if (waiting->places.empty()) return waiting->call.Reply(waiting->response);
  broker::ControllerPort& controllers = *waiting->call.broker().controllers;
  controllers.CreateTopics(std::move(forwarded), ForwardTimeout(request.timeout_ms),
                           OnShard<admin::v1::CreateTopicsReply>(std::move(waiting), OnReply));
}

}  // namespace

void HandleCreateTopics(Call call, net::ConnectionInfo& connection) {
  DecodeThen<CreateTopicsRequest, Handle>(std::move(call), connection);
}

}  // namespace weir::handlers
