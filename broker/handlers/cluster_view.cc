#include "broker/handlers/cluster_view.h"

#include "broker/net/net_options.h"

namespace weir::handlers {
namespace {

const metadata::Endpoint* EndpointFor(const metadata::Broker& broker, const ClientAddress& client) {
  return broker.FindEndpoint(client.listener->name);
}

BrokerAddress ToAddress(const metadata::Broker& broker, const metadata::Endpoint& endpoint,
                        NodeId own_id, const ClientAddress& client) {
  BrokerAddress address{.node_id = broker.id,
                        .host = endpoint.host,
                        .port = endpoint.port,
                        .rack = std::nullopt,
                        .fenced = broker.fenced};
  if (!broker.rack.empty()) address.rack = broker.rack;
  if (!client.listener->advertised_auto()) return address;
  // Law 2: a listener on a wildcard or loopback address does not know its name; the client does.
  // Other brokers that say nothing better are on the same host.
  const bool own = broker.id == own_id && net::IsWildcardOrLoopback(client.listener->host);
  if (own || net::IsWildcardOrLoopback(endpoint.host)) address.host = client.local_host;
  return address;
}

}  // namespace

std::optional<BrokerAddress> AddressOf(const metadata::MetadataImage& image, NodeId own_id,
                                       NodeId broker, const ClientAddress& client) {
  const metadata::Broker* found = image.FindBroker(broker);
  if (found == nullptr) return std::nullopt;
  const metadata::Endpoint* endpoint = EndpointFor(*found, client);
  if (endpoint == nullptr) return std::nullopt;
  return ToAddress(*found, *endpoint, own_id, client);
}

std::vector<BrokerAddress> BrokersFor(const metadata::MetadataImage& image, NodeId own_id,
                                      const ClientAddress& client, bool include_fenced) {
  std::vector<BrokerAddress> addresses;
  for (const auto& [id, broker] : image.brokers()) {
    if (broker.fenced && !include_fenced) continue;
    const metadata::Endpoint* endpoint = EndpointFor(broker, client);
    if (endpoint != nullptr) addresses.push_back(ToAddress(broker, *endpoint, own_id, client));
  }
  return addresses;
}

NodeId ControllerFor(const metadata::MetadataImage& image, NodeId own_id) {
  if (image.IsLive(own_id)) return own_id;
  const std::vector<NodeId> live = image.LiveBrokers();
  return live.empty() ? kNoNode : live.front();
}

TopicLookup FindTopic(const metadata::MetadataImage& image, std::string_view name,
                      const Uuid& topic_id, bool by_id) {
  const metadata::Topic* topic = by_id ? image.FindTopic(topic_id) : image.FindTopic(name);
  if (topic != nullptr) return {topic, ErrorCode::kNone};
  return {nullptr, by_id ? ErrorCode::kUnknownTopicId : ErrorCode::kUnknownTopicOrPartition};
}

TopicLookup FindPartition(const TopicLookup& topic, int32_t partition) {
  if (topic.topic == nullptr) return topic;
  if (topic.topic->FindPartition(PartitionIndex(partition)) != nullptr) return topic;
  return {nullptr, ErrorCode::kUnknownTopicOrPartition};
}

}  // namespace weir::handlers
