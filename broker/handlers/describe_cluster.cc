// DescribeCluster (key 60), DescribeTopicPartitions (key 75), DescribeLogDirs (key 35) and
// DescribeQuorum (key 55).
#include <sys/statvfs.h>

#include <algorithm>
#include <map>
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
#include "broker/wire/messages/metadata.h"
#include "broker/wire/messages/quorum.h"
#include "broker/wire/messages/replicas.h"

namespace weir::handlers {
namespace {

// ---- DescribeCluster ------------------------------------------------------------------

constexpr int8_t kEndpointTypeBrokers = 1;

void HandleCluster(Call call, net::ConnectionInfo& connection,
                   wire::DescribeClusterRequest request) {
  wire::DescribeClusterResponse response;
  response.endpoint_type = request.endpoint_type;
  if (request.endpoint_type != kEndpointTypeBrokers) {
    response.error_code = ErrorCode::kMismatchedEndpointType;
    response.error_message = "this is a broker: only broker endpoints can be described here";
    return call.Reply(response);
  }
  const ClientAddress client(connection);
  const NodeId own_id = call.broker().settings.node_id;
  for (BrokerAddress& broker :
       BrokersFor(call.image(), own_id, client, request.include_fenced_brokers)) {
    response.brokers.push_back({.broker_id = broker.node_id.value(),
                                .host = std::move(broker.host),
                                .port = broker.port,
                                .rack = std::move(broker.rack),
                                .is_fenced = broker.fenced});
  }
  response.cluster_id = call.image().cluster_id().ToString();
  response.controller_id = ControllerFor(call.image(), own_id).value();
  if (request.include_cluster_authorized_operations) {
    response.cluster_authorized_operations = kAllClusterOperations;
  }
  call.Reply(response);
}

// ---- DescribeTopicPartitions ----------------------------------------------------------

using PartitionsResponse = wire::DescribeTopicPartitionsResponse;

// Kafka's max.request.partition.size.limit.
constexpr int32_t kPartitionsPerAnswerMax = 2000;

PartitionsResponse::Partition DescribeWithElr(const Call& call, PartitionIndex index,
                                              const metadata::Partition& partition) {
  auto answer = DescribePartition<PartitionsResponse::Partition>(call, index, partition);
  answer.eligible_leader_replicas = ToNumbers(partition.elr);
  answer.last_known_elr = ToNumbers(partition.last_known_elr);
  return answer;
}

// The topics asked for, all when none is named, in order, from the cursor's on.
std::vector<std::string> WantedTopics(const metadata::MetadataImage& image,
                                      const wire::DescribeTopicPartitionsRequest& request) {
  std::vector<std::string> names;
  for (const auto& topic : request.topics) names.push_back(topic.name);
  if (request.topics.empty()) {
    for (const auto& [name, id] : image.topic_ids()) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  if (request.cursor) {
    names.erase(names.begin(),
                std::lower_bound(names.begin(), names.end(), request.cursor->topic_name));
  }
  return names;
}

PartitionsResponse::Topic UnknownTopic(const std::string& name) {
  PartitionsResponse::Topic answer;
  answer.name = name;
  answer.error_code = IsValidTopicName(name) ? ErrorCode::kUnknownTopicOrPartition
                                             : ErrorCode::kInvalidTopicException;
  return answer;
}

void HandlePartitions(Call call, net::ConnectionInfo&,
                      wire::DescribeTopicPartitionsRequest request) {
  PartitionsResponse response;
  int32_t left = std::clamp(request.response_partition_limit, 1, kPartitionsPerAnswerMax);
  for (const std::string& name : WantedTopics(call.image(), request)) {
    const metadata::Topic* topic = call.image().FindTopic(name);
    if (topic == nullptr) {
      response.topics.push_back(UnknownTopic(name));
      continue;
    }
    PartitionIndex first(0);
    if (request.cursor && request.cursor->topic_name == name) {
      first = PartitionIndex(std::max(0, request.cursor->partition_index));
    }
    if (left == 0) {
      response.next_cursor = {.topic_name = name, .partition_index = first.value()};
      break;
    }
    PartitionsResponse::Topic& answer = response.topics.emplace_back();
    answer.name = name;
    answer.topic_id = topic->id;
    answer.is_internal = topic->internal;
    answer.topic_authorized_operations = kAllTopicOperations;
    for (auto at = topic->partitions.LowerBound(first); at != topic->partitions.end(); ++at) {
      if (left == 0) {
        response.next_cursor = {.topic_name = name, .partition_index = at->first.value()};
        break;
      }
      answer.partitions.push_back(DescribeWithElr(call, at->first, at->second));
      --left;
    }
    if (response.next_cursor) break;
  }
  call.Reply(response);
}

// ---- DescribeLogDirs ------------------------------------------------------------------

using LogDirsResponse = wire::DescribeLogDirsResponse;

bool IsWanted(const wire::DescribeLogDirsRequest& request, const std::string& topic,
              int32_t partition) {
  if (!request.topics) return true;
  for (const auto& wanted : *request.topics) {
    if (wanted.topic != topic) continue;
    const auto& partitions = wanted.partitions;
    if (std::find(partitions.begin(), partitions.end(), partition) != partitions.end()) return true;
  }
  return false;
}

LogDirsResponse::LogDirResult ToLogDir(const log::DirectoryPlace& place) {
  LogDirsResponse::LogDirResult dir;
  dir.log_dir = place.path;
  if (place.offline()) {
    dir.error_code = ErrorCode::kKafkaStorageError;
    return dir;
  }
  struct statvfs disk {};
  if (statvfs(place.path.c_str(), &disk) == 0) {
    dir.total_bytes = static_cast<int64_t>(disk.f_blocks * disk.f_frsize);
    dir.usable_bytes = static_cast<int64_t>(disk.f_bavail * disk.f_frsize);
  }
  return dir;
}

void HandleLogDirs(Call call, net::ConnectionInfo&, wire::DescribeLogDirsRequest request) {
  replica::PartitionRouter& partitions = *call.broker().partitions;
  const size_t home = call.shard();
  partitions.Describe(home, [call = std::move(call), request = std::move(request)](
                                std::vector<replica::PartitionInfo> infos) mutable {
    const std::vector<log::DirectoryPlace>& places = call.broker().directories;
    // By the number of the store.
    std::map<uint32_t, std::map<std::string, LogDirsResponse::Topic>> topics;
    for (const replica::PartitionInfo& info : infos) {
      const metadata::Topic* topic = call.image().FindTopic(info.partition.topic_id);
      if (topic == nullptr) continue;
      const int32_t index = info.partition.partition.value();
      if (!IsWanted(request, topic->name, index)) continue;
      LogDirsResponse::Topic& answer = topics[info.directory][topic->name];
      answer.name = topic->name;
      answer.partitions.push_back({.partition_index = index, .partition_size = info.bytes});
    }
    LogDirsResponse response;
    for (const log::DirectoryPlace& place : places) {
      LogDirsResponse::LogDirResult& dir = response.results.emplace_back(ToLogDir(place));
      if (place.offline()) continue;
      for (auto& [name, topic] : topics[place.store->directory()]) {
        dir.topics.push_back(std::move(topic));
      }
    }
    call.Reply(response);
  });
}

// ---- DescribeQuorum -------------------------------------------------------------------

using QuorumResponse = wire::DescribeQuorumResponse;

// The name and number under which Kafka's tools ask for the metadata log.
constexpr char kMetadataTopic[] = "__cluster_metadata";

struct QuorumWaiting {
  Call call;
  wire::DescribeQuorumRequest request;
};

QuorumResponse::ReplicaState ToReplicaState(const admin::v1::QuorumMember& member, WallTime now) {
  QuorumResponse::ReplicaState state;
  state.replica_id = member.controller_id();
  if (const Result<Uuid> id = Uuid::Parse(member.directory_id())) state.replica_directory_id = *id;
  // Kafka's log end offset is the offset after the last entry.
  state.log_end_offset = member.match_index() < 0 ? -1 : member.match_index() + 1;
  if (member.last_contact_ms() >= 0) {
    state.last_fetch_timestamp = now.value() - member.last_contact_ms();
    state.last_caught_up_timestamp = state.last_fetch_timestamp;
  }
  return state;
}

QuorumResponse::Partition ToPartition(const admin::v1::DescribeQuorumReply& reply, WallTime now) {
  QuorumResponse::Partition partition;
  partition.error_message.reset();
  partition.leader_id = reply.leader_id();
  partition.leader_epoch = static_cast<int32_t>(reply.term());
  partition.high_watermark = reply.commit_index() + 1;
  for (const admin::v1::QuorumMember& member : reply.members()) {
    auto& list = member.voter() ? partition.current_voters : partition.observers;
    list.push_back(ToReplicaState(member, now));
  }
  return partition;
}

void OnQuorum(QuorumWaiting& waiting, Result<admin::v1::DescribeQuorumReply> reply) {
  QuorumResponse response;
  response.error_message.reset();
  if (!reply) {
    const Error error = ForwardError(reply.error());
    response.error_code = error.code;
    response.error_message = error.message;
    return waiting.call.Reply(response);
  }
  for (const auto& wanted : waiting.request.topics) {
    QuorumResponse::Topic& topic = response.topics.emplace_back();
    topic.topic_name = wanted.topic_name;
    for (const auto& partition : wanted.partitions) {
      if (wanted.topic_name == kMetadataTopic && partition.partition_index == 0) {
        topic.partitions.push_back(ToPartition(*reply, waiting.call.executor().WallNow()));
        continue;
      }
      QuorumResponse::Partition& unknown = topic.partitions.emplace_back();
      unknown.partition_index = partition.partition_index;
      unknown.error_code = ErrorCode::kUnknownTopicOrPartition;
      unknown.error_message.reset();
    }
  }
  for (const admin::v1::QuorumMember& member : reply->members()) {
    QuorumResponse::Node& node = response.nodes.emplace_back();
    node.node_id = member.controller_id();
    const Result<net::ListenerSpec> address = net::ParseListener(member.address(), "CONTROLLER");
    if (!address) continue;
    node.listeners.push_back({.name = address->name, .host = address->host, .port = address->port});
  }
  waiting.call.Reply(response);
}

void HandleQuorum(Call call, net::ConnectionInfo&, wire::DescribeQuorumRequest request) {
  auto waiting =
      std::make_shared<QuorumWaiting>(QuorumWaiting{std::move(call), std::move(request)});
  broker::ControllerPort& controllers = *waiting->call.broker().controllers;
  controllers.DescribeQuorum({}, ForwardTimeout(kForwardTimeoutMsDefault),
                             OnShard<admin::v1::DescribeQuorumReply>(std::move(waiting), OnQuorum));
}

}  // namespace

void HandleDescribeCluster(Call call, net::ConnectionInfo& connection) {
  DecodeThen<wire::DescribeClusterRequest, HandleCluster>(std::move(call), connection);
}

void HandleDescribeTopicPartitions(Call call, net::ConnectionInfo& connection) {
  DecodeThen<wire::DescribeTopicPartitionsRequest, HandlePartitions>(std::move(call), connection);
}

void HandleDescribeLogDirs(Call call, net::ConnectionInfo& connection) {
  DecodeThen<wire::DescribeLogDirsRequest, HandleLogDirs>(std::move(call), connection);
}

void HandleDescribeQuorum(Call call, net::ConnectionInfo& connection) {
  DecodeThen<wire::DescribeQuorumRequest, HandleQuorum>(std::move(call), connection);
}

}  // namespace weir::handlers
