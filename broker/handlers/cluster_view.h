// What handlers read out of a metadata image: topics by name or id, live brokers, and the addresses
// a client should be told.
//
// Laws:
//  1. A client is told addresses of the listener it came in by, never another one.
//  2. A listener advertised as "auto" answers with the host the client itself connected to (USERS
//     2.7).
//  3. Whoever is named as controller is a live broker: it forwards (FEATURES 8.10).
// Thread rule: pure functions of an immutable image.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/net/request.h"
#include "broker/replica/operations.h"
#include "common/metadata/image.h"

namespace weir::handlers {

// Where a client came in: outlives its connection.
struct ClientAddress {
  const net::ListenerSpec* listener = nullptr;
  // The address the client connected to.
  std::string local_host;

  explicit ClientAddress(const net::ConnectionInfo& connection)
      : listener(connection.listener), local_host(connection.local_host) {}
};

struct BrokerAddress {
  NodeId node_id;
  std::string host;
  int32_t port = 0;
  std::optional<std::string> rack;
  bool fenced = false;
};

// The address of a broker for that client; nullopt when the broker is unknown or has no such
// listener.
std::optional<BrokerAddress> AddressOf(const metadata::MetadataImage& image, NodeId own_id,
                                       NodeId broker, const ClientAddress& client);

// Registered brokers by node id. Fenced ones only when asked for.
std::vector<BrokerAddress> BrokersFor(const metadata::MetadataImage& image, NodeId own_id,
                                      const ClientAddress& client, bool include_fenced);

// A live broker that takes admin requests: this one if it is live, else the lowest id; -1 when none
// is.
NodeId ControllerFor(const metadata::MetadataImage& image, NodeId own_id);

// The topic a request means, by id where the version has ids. `error` is what to answer when null.
struct TopicLookup {
  const metadata::Topic* topic = nullptr;
  ErrorCode error = ErrorCode::kNone;
};
TopicLookup FindTopic(const metadata::MetadataImage& image, std::string_view name,
                      const Uuid& topic_id, bool by_id);

// The same for one partition of it: null, with UNKNOWN_TOPIC_OR_PARTITION, also when the topic has
// no such partition.
TopicLookup FindPartition(const TopicLookup& topic, int32_t partition);

}  // namespace weir::handlers
