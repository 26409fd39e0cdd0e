#include "controller/state/describe.h"

#include <algorithm>
#include <utility>

namespace weir::state {
namespace {

using metadata::Broker;
using metadata::NodeIdList;
using metadata::Partition;
using metadata::Topic;

void Fill(const NodeIdList& ids, google::protobuf::RepeatedField<int32_t>* out) {
  for (const NodeId id : ids) out->Add(id.value());
}

void FillPartition(const MetadataImage& image, PartitionIndex index, const Partition& partition,
                   admin::v1::PartitionDescription* out) {
  out->set_partition(index.value());
  out->set_leader_id(partition.leader.value());
  out->set_leader_epoch(partition.leader_epoch.value());
  out->set_partition_epoch(partition.partition_epoch.value());
  Fill(partition.replicas, out->mutable_replica_ids());
  Fill(partition.isr, out->mutable_isr_ids());
  for (const NodeId replica : partition.replicas) {
    if (!image.IsReplicaOnline(partition, replica)) out->add_offline_replica_ids(replica.value());
  }
  Fill(partition.elr, out->mutable_elr_ids());
  Fill(partition.last_known_elr, out->mutable_last_known_elr_ids());
}

void FillTopic(const MetadataImage& image, const Topic& topic, admin::v1::TopicDescription* out) {
  out->set_name(topic.name);
  out->set_topic_id(topic.id.ToString());
  out->set_internal(topic.internal);
  for (const auto& [index, partition] : topic.partitions) {
    FillPartition(image, index, partition, out->add_partitions());
  }
  const auto* configs = image.FindConfigs(metadata::ConfigResource::OfTopic(topic.name));
  if (configs == nullptr) return;
  for (const auto& [key, value] : *configs) (*out->mutable_configs())[key] = value;
}

void DescribeSelected(const MetadataImage& image, const admin::v1::TopicSelector& selector,
                      admin::v1::TopicDescription* out) {
  Result<const Topic*> topic = FindSelectedTopic(image, selector);
  if (topic) {
    FillTopic(image, **topic, out);
    return;
  }
  out->set_name(selector.name());
  out->set_topic_id(selector.topic_id());
  SetError(topic.error(), out->mutable_error());
}

// Leaders and replicas per broker, and the cluster's totals, in one pass over all partitions.
struct Counts {
  std::map<NodeId, int32_t> leaders;
  std::map<NodeId, int32_t> replicas;
  int32_t offline_partitions = 0;
  int32_t under_replicated_partitions = 0;
};

Counts Count(const MetadataImage& image) {
  Counts counts;
  for (const auto& [id, topic] : image.topics()) {
    for (const auto& [index, partition] : topic.partitions) {
      if (partition.leader == kNoNode) {
        ++counts.offline_partitions;
      } else {
        ++counts.leaders[partition.leader];
      }
      if (partition.isr.size() < partition.replicas.size()) ++counts.under_replicated_partitions;
      for (const NodeId replica : partition.replicas) ++counts.replicas[replica];
    }
  }
  return counts;
}

int32_t CountOf(const std::map<NodeId, int32_t>& counts, NodeId id) {
  const auto found = counts.find(id);
  return found == counts.end() ? 0 : found->second;
}

void FillBroker(const Broker& broker, const Counts& counts, const SoftInfo& soft,
                admin::v1::BrokerDescription* out) {
  out->set_broker_id(broker.id.value());
  out->set_broker_epoch(broker.epoch.value());
  for (const metadata::Endpoint& endpoint : broker.endpoints) {
    metadata::v1::Endpoint* copy = out->add_endpoints();
    copy->set_name(endpoint.name);
    copy->set_host(endpoint.host);
    copy->set_port(endpoint.port);
    copy->set_security_protocol(endpoint.security_protocol);
  }
  out->set_rack(broker.rack);
  out->set_fenced(broker.fenced);
  out->set_in_controlled_shutdown(broker.in_controlled_shutdown);
  const auto applied = soft.applied_offsets.find(broker.id);
  out->set_applied_offset(
      applied == soft.applied_offsets.end() ? -1 : static_cast<int64_t>(applied->second.value()));
  out->set_leader_count(CountOf(counts.leaders, broker.id));
  out->set_replica_count(CountOf(counts.replicas, broker.id));
  out->set_version(broker.version);
  for (const Uuid& directory : broker.directory_ids) out->add_directory_ids(directory.ToString());
  out->set_http_address(broker.http_address);
}

}  // namespace

Result<const Topic*> FindSelectedTopic(const MetadataImage& image,
                                       const admin::v1::TopicSelector& selector) {
  if (selector.has_name()) {
    const Topic* topic = image.FindTopic(selector.name());
    if (topic != nullptr) return topic;
    return Fail(ErrorCode::kUnknownTopicOrPartition,
                "topic '" + selector.name() + "' does not exist");
  }
  if (selector.has_topic_id()) {
    WEIR_ASSIGN_OR_RETURN(const Uuid id, Uuid::Parse(selector.topic_id()));
    const Topic* topic = image.FindTopic(id);
    if (topic != nullptr) return topic;
    return Fail(ErrorCode::kUnknownTopicId, "no topic has the id " + selector.topic_id());
  }
  return Fail(ErrorCode::kInvalidRequest, "a topic is selected by its name or its id");
}

admin::v1::DescribeTopicsReply DescribeTopics(const MetadataImage& image,
                                              const admin::v1::DescribeTopicsRequest& request) {
  admin::v1::DescribeTopicsReply reply;
  if (request.topics_size() == 0) {
    for (const auto& [name, id] : image.topic_ids()) {
      FillTopic(image, *image.FindTopic(id), reply.add_topics());
    }
  }
  for (const admin::v1::TopicSelector& selector : request.topics()) {
    DescribeSelected(image, selector, reply.add_topics());
  }
  return reply;
}

admin::v1::ListTopicsReply ListTopics(const MetadataImage& image,
                                      const admin::v1::ListTopicsRequest& request) {
  admin::v1::ListTopicsReply reply;
  for (const auto& [name, id] : image.topic_ids()) {
    const Topic& topic = *image.FindTopic(id);
    if (topic.internal && !request.include_internal()) continue;
    admin::v1::TopicListing* listing = reply.add_topics();
    listing->set_name(name);
    listing->set_topic_id(id.ToString());
    listing->set_internal(topic.internal);
    listing->set_partitions(static_cast<int32_t>(topic.partitions.size()));
    if (topic.partitions.empty()) continue;
    const NodeIdList& replicas = topic.partitions.begin()->second.replicas;
    listing->set_replication_factor(static_cast<int32_t>(replicas.size()));
  }
  return reply;
}

admin::v1::DescribeClusterReply DescribeCluster(const MetadataImage& image, const SoftInfo& soft) {
  admin::v1::DescribeClusterReply reply;
  reply.set_cluster_id(image.cluster_id().ToString());
  reply.set_controller_id(soft.controller_id.value());
  const Counts counts = Count(image);
  for (const auto& [id, broker] : image.brokers()) {
    FillBroker(broker, counts, soft, reply.add_brokers());
  }
  for (const admin::v1::QuorumMember& member : soft.controllers) *reply.add_controllers() = member;
  reply.set_topic_count(static_cast<int32_t>(image.topics().size()));
  reply.set_partition_count(static_cast<int32_t>(image.partition_count()));
  reply.set_offline_partition_count(counts.offline_partitions);
  reply.set_under_replicated_partition_count(counts.under_replicated_partitions);
  reply.set_metadata_offset(static_cast<int64_t>(image.offset().value()));
  return reply;
}

Result<admin::v1::DescribeBrokersReply> DescribeBrokers(
    const MetadataImage& image, const SoftInfo& soft,
    const admin::v1::DescribeBrokersRequest& request) {
  admin::v1::DescribeBrokersReply reply;
  const Counts counts = Count(image);
  if (request.broker_ids_size() == 0) {
    for (const auto& [id, broker] : image.brokers()) {
      FillBroker(broker, counts, soft, reply.add_brokers());
    }
  }
  for (const int32_t id : request.broker_ids()) {
    const Broker* broker = image.FindBroker(NodeId(id));
    if (broker == nullptr) {
      return Fail(ErrorCode::kBrokerIdNotRegistered,
                  "broker " + std::to_string(id) + " is not registered");
    }
    FillBroker(*broker, counts, soft, reply.add_brokers());
  }
  return reply;
}

}  // namespace weir::state
