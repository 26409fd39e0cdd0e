// Metadata (key 3): brokers and topics as the image has them, at the addresses the asking client
// can reach.
//
// A named topic that does not exist is created where the broker and the request allow it: the
// request waits for the creation, so the first answer already names the leader. Which topics "none
// named" means differs by version (FEATURES 8.11).
#include "broker/wire/messages/metadata.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "broker/handlers/admin_forward.h"
#include "broker/handlers/authorized_operations.h"
#include "broker/handlers/cluster_view.h"
#include "broker/handlers/handlers.h"
#include "broker/handlers/partition_view.h"
#include "broker/handlers/registry.h"
#include "broker/handlers/topic_names.h"

namespace weir::handlers {
namespace {

using wire::MetadataRequest;
using wire::MetadataResponse;

constexpr int16_t kFirstVersionWithNullForAll = 1;
constexpr int16_t kFirstVersionWithAutoCreateFlag = 4;
// Later answers of the connection wait behind this one: no longer than a controller failover.
constexpr int32_t kAutoCreateTimeoutMs = 2'000;

struct Waiting {
  Call call;
  ClientAddress client;
  MetadataRequest request;
  // Why a topic could not be created.
  std::map<std::string, ErrorCode> failed;
};

bool WantsAll(const MetadataRequest& request, int16_t version) {
  if (version < kFirstVersionWithNullForAll) return !request.topics || request.topics->empty();
  return !request.topics.has_value();
}

MetadataResponse::Topic Describe(const Waiting& waiting, const metadata::Topic& topic) {
  MetadataResponse::Topic answer;
  answer.name = topic.name;
  answer.topic_id = topic.id;
  answer.is_internal = topic.internal;
  if (waiting.request.include_topic_authorized_operations) {
    answer.topic_authorized_operations = kAllTopicOperations;
  }
  answer.partitions.reserve(topic.partitions.size());
  for (const auto& [index, partition] : topic.partitions) {
    answer.partitions.push_back(
        DescribePartition<MetadataResponse::Partition>(waiting.call, index, partition));
  }
  return answer;
}

MetadataResponse::Topic Missing(const Waiting& waiting, const MetadataRequest::Topic& wanted) {
  MetadataResponse::Topic answer;
  answer.name = wanted.name;
  answer.topic_id = wanted.topic_id;
  if (!wanted.name) {
    answer.error_code = ErrorCode::kUnknownTopicId;
  } else if (!IsValidTopicName(*wanted.name)) {
    answer.error_code = ErrorCode::kInvalidTopicException;
  } else if (const auto failed = waiting.failed.find(*wanted.name);
             failed != waiting.failed.end()) {
    answer.error_code = failed->second;
  } else {
    answer.error_code = ErrorCode::kUnknownTopicOrPartition;
  }
  return answer;
}

const metadata::Topic* Find(const Waiting& waiting, const MetadataRequest::Topic& wanted) {
  const metadata::MetadataImage& image = waiting.call.image();
  return wanted.name ? image.FindTopic(*wanted.name) : image.FindTopic(wanted.topic_id);
}

void Answer(Waiting& waiting) {
  const metadata::MetadataImage& image = waiting.call.image();
  const NodeId own_id = waiting.call.broker().settings.node_id;
  MetadataResponse response;
  const replica::ReplicaFetchers& fetchers = *waiting.call.broker().fetchers;
  for (BrokerAddress& broker : BrokersFor(image, own_id, waiting.client, false)) {
    // Clients ask again where nothing is outstanding, which is the broker that died.
    if (fetchers.IsLost(waiting.call.shard(), broker.node_id)) continue;
    response.brokers.push_back({.node_id = broker.node_id.value(),
                                .host = std::move(broker.host),
                                .port = broker.port,
                                .rack = std::move(broker.rack)});
  }
  if (!image.cluster_id().IsZero()) response.cluster_id = image.cluster_id().ToString();
  response.controller_id = ControllerFor(image, own_id).value();
  if (waiting.request.include_cluster_authorized_operations) {
    response.cluster_authorized_operations = kAllClusterOperations;
  }
  if (WantsAll(waiting.request, waiting.call.version())) {
    for (const auto& [name, id] : image.topic_ids()) {
      response.topics.push_back(Describe(waiting, *image.FindTopic(id)));
    }
  } else if (waiting.request.topics) {
    for (const MetadataRequest::Topic& wanted : *waiting.request.topics) {
      const metadata::Topic* topic = Find(waiting, wanted);
      response.topics.push_back(topic != nullptr ? Describe(waiting, *topic)
                                                 : Missing(waiting, wanted));
    }
  }
  waiting.call.Reply(response);
}

// Creations of several clients race: that someone else was first is success.
ErrorCode CreationOutcome(const admin::v1::AdminError& error) {
  const ErrorCode code = ErrorCodeFromNumber(error.code());
  if (code == ErrorCode::kNone || code == ErrorCode::kTopicAlreadyExists) {
    // Not in the image yet: the client asks again.
    return ErrorCode::kLeaderNotAvailable;
  }
  return code;
}

void OnCreated(Waiting& waiting, Result<admin::v1::CreateTopicsReply> reply) {
  waiting.call.RefreshImage();
  if (reply) {
    for (const admin::v1::CreatedTopic& created : reply->topics()) {
      waiting.failed[created.name()] = CreationOutcome(created.error());
    }
  }
  Answer(waiting);
}

void Handle(Call call, net::ConnectionInfo& connection, MetadataRequest request) {
  auto waiting = std::make_shared<Waiting>(
      Waiting{std::move(call), ClientAddress(connection), std::move(request), {}});
  const bool allowed = waiting->call.broker().settings.auto_create_topics &&
                       (waiting->request.allow_auto_topic_creation ||
                        waiting->call.version() < kFirstVersionWithAutoCreateFlag);
  admin::v1::CreateTopicsRequest create;
  if (allowed && waiting->request.topics) {
    for (const MetadataRequest::Topic& wanted : *waiting->request.topics) {
      if (!wanted.name || !IsValidTopicName(*wanted.name)) continue;
      if (Find(*waiting, wanted) == nullptr) create.add_topics()->set_name(*wanted.name);
    }
  }
  if (create.topics().empty()) {
    return connection.when_next([waiting] {
      Call& call = waiting->call;
      call.broker().fetchers->WhenCurrent(call.shard(), [waiting] {
        waiting->call.RefreshImage();
        Answer(*waiting);
      });
    });
  }
  SetCause(waiting->call, connection, create.mutable_context());
  broker::ControllerPort& controllers = *waiting->call.broker().controllers;
  controllers.CreateTopics(std::move(create), ForwardTimeout(kAutoCreateTimeoutMs),
                           OnShard<admin::v1::CreateTopicsReply>(std::move(waiting), OnCreated));
}

}  // namespace

void HandleMetadata(Call call, net::ConnectionInfo& connection) {
  DecodeThen<MetadataRequest, Handle>(std::move(call), connection);
}

}  // namespace weir::handlers
