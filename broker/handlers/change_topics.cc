// DeleteTopics (key 20) and CreatePartitions (key 37): forwarded to the active controller.
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "broker/handlers/admin_forward.h"
#include "broker/handlers/cluster_view.h"
#include "broker/handlers/handlers.h"
#include "broker/handlers/registry.h"
#include "broker/wire/messages/topics.h"

namespace weir::handlers {
namespace {

constexpr int16_t kFirstDeleteVersionWithIds = 6;

// ---- DeleteTopics ---------------------------------------------------------------------

struct DeleteWaiting {
  Call call;
  wire::DeleteTopicsResponse response;
};

void OnDeleted(DeleteWaiting& waiting, Result<admin::v1::DeleteTopicsReply> reply) {
  auto& results = waiting.response.responses;
  for (size_t i = 0; i < results.size(); ++i) {
    const ItemError error = ItemOutcome(reply, &admin::v1::DeleteTopicsReply::topics, i);
    if (reply && static_cast<int>(i) < reply->topics_size()) {
      const admin::v1::DeletedTopic& deleted = reply->topics(static_cast<int>(i));
      if (!deleted.name().empty()) results[i].name = deleted.name();
      if (const Result<Uuid> id = Uuid::Parse(deleted.topic_id())) results[i].topic_id = *id;
    }
    results[i].error_code = error.code;
    results[i].error_message = error.message;
  }
  waiting.call.Reply(waiting.response);
}

void HandleDelete(Call call, net::ConnectionInfo& connection, wire::DeleteTopicsRequest request) {
  admin::v1::DeleteTopicsRequest forwarded;
  SetCause(call, connection, forwarded.mutable_context());
  auto waiting = std::make_shared<DeleteWaiting>(DeleteWaiting{std::move(call), {}});
  const auto add_by_name = [&](const std::string& name) {
    forwarded.add_topics()->set_name(name);
    waiting->response.responses.emplace_back().name = name;
  };
  if (waiting->call.version() < kFirstDeleteVersionWithIds) {
    for (const std::string& name :
         std::set<std::string>(request.topic_names.begin(), request.topic_names.end())) {
      add_by_name(name);
    }
  }
  for (const wire::DeleteTopicsRequest::Topic& topic : request.topics) {
    if (topic.name) {
      add_by_name(*topic.name);
      continue;
    }
    forwarded.add_topics()->set_topic_id(topic.topic_id.ToString());
    auto& result = waiting->response.responses.emplace_back();
    result.name.reset();
    result.topic_id = topic.topic_id;
  }
  if (forwarded.topics().empty()) return waiting->call.Reply(waiting->response);
  broker::ControllerPort& controllers = *waiting->call.broker().controllers;
  controllers.DeleteTopics(std::move(forwarded), ForwardTimeout(request.timeout_ms),
                           OnShard<admin::v1::DeleteTopicsReply>(std::move(waiting), OnDeleted));
}

// ---- CreatePartitions -----------------------------------------------------------------

struct GrowWaiting {
  Call call;
  wire::CreatePartitionsResponse response;
};

void OnGrown(GrowWaiting& waiting, Result<admin::v1::CreatePartitionsReply> reply) {
  auto& results = waiting.response.results;
  for (size_t i = 0; i < results.size(); ++i) {
    const ItemError error = ItemOutcome(reply, &admin::v1::CreatePartitionsReply::topics, i);
    results[i].error_code = error.code;
    results[i].error_message = error.message;
  }
  waiting.call.Reply(waiting.response);
}

void HandleGrow(Call call, net::ConnectionInfo& connection, wire::CreatePartitionsRequest request) {
  admin::v1::CreatePartitionsRequest forwarded;
  SetCause(call, connection, forwarded.mutable_context());
  forwarded.set_validate_only(request.validate_only);
  auto waiting = std::make_shared<GrowWaiting>(GrowWaiting{std::move(call), {}});
  for (const wire::CreatePartitionsRequest::Topic& topic : request.topics) {
    waiting->response.results.emplace_back().name = topic.name;
    admin::v1::NewPartitions* grown = forwarded.add_topics();
    grown->set_name(topic.name);
    grown->set_total_count(topic.count);
    if (!topic.assignments) continue;
    // The request places the added partitions in order; the controller names partitions by number.
    const TopicLookup found = FindTopic(waiting->call.image(), topic.name, {}, false);
    int32_t next =
        found.topic == nullptr ? 0 : static_cast<int32_t>(found.topic->partitions.size());
    for (const auto& assignment : *topic.assignments) {
      admin::v1::ReplicaAssignment* placed = grown->add_assignments();
      placed->set_partition(next++);
      for (const int32_t broker : assignment.broker_ids) placed->add_broker_ids(broker);
    }
  }
  if (forwarded.topics().empty()) return waiting->call.Reply(waiting->response);
  broker::ControllerPort& controllers = *waiting->call.broker().controllers;
  controllers.CreatePartitions(
      std::move(forwarded), ForwardTimeout(request.timeout_ms),
      OnShard<admin::v1::CreatePartitionsReply>(std::move(waiting), OnGrown));
}

}  // namespace

void HandleDeleteTopics(Call call, net::ConnectionInfo& connection) {
  DecodeThen<wire::DeleteTopicsRequest, HandleDelete>(std::move(call), connection);
}

void HandleCreatePartitions(Call call, net::ConnectionInfo& connection) {
  DecodeThen<wire::CreatePartitionsRequest, HandleGrow>(std::move(call), connection);
}

}  // namespace weir::handlers
