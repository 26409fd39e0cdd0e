// MetadataImage: everything the cluster agrees on, as one value (DESIGN D2).
//
// Laws:
//  1. Only Apply (apply.h) and the snapshot loader change an image; everybody else reads.
//  2. Copying is cheap (a few reference counts) and shares; the copy and the original then change
//     apart. Images go to other threads as shared_ptr<const MetadataImage>.
//  3. The partitions of a topic are numbered from 0 without gaps.
//  4. Iteration is in key order everywhere: equal images print and hash equally on every node.
//  5. Equality means the same cluster at the same offset. skipped_records does not take part: it
//     counts what this process met, and a snapshot does not carry it.
// Thread rule: one owner per object; const objects may be read from any thread. Pointers that the
// lookups return live until the next change of the same object.
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/cow_map.h"
#include "common/base/ids.h"
#include "common/base/time.h"
#include "common/base/uuid.h"
#include "common/metadata/group.h"
#include "common/metadata/node_id_list.h"
#include "proto/record.pb.h"

namespace weir::metadata {

// Where a node can be reached for one purpose.
struct Endpoint {
  std::string name;
  std::string host;
  int32_t port = 0;
  std::string security_protocol;

  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

// A broker's registration and what became of it.
struct Broker {
  NodeId id;
  // The log index of the registration record: a restarted broker is a new one (I-16).
  BrokerEpoch epoch = kNoBrokerEpoch;
  Uuid incarnation_id;
  std::vector<Uuid> directory_ids;
  std::vector<Endpoint> endpoints;
  std::string inter_broker_listener;
  // Empty when not set.
  std::string rack;
  std::string version;
  std::string http_address;
  // A fenced broker leads nothing and is in no ISR.
  bool fenced = true;
  bool in_controlled_shutdown = false;

  bool live() const { return !fenced; }
  // Null when there is no endpoint of that name.
  const Endpoint* FindEndpoint(std::string_view name) const;

  friend bool operator==(const Broker&, const Broker&) = default;
};

struct Partition {
  // The preferred leader first.
  NodeIdList replicas;
  NodeIdList isr;
  NodeIdList adding_replicas;
  NodeIdList removing_replicas;
  // While replicas are being added or removed: those from before, in their order. Empty otherwise.
  NodeIdList original_replicas;
  // Of the same move: bytes/s that a broker may send and receive for it; 0: no limit.
  int64_t throttled_rate = 0;
  // Eligible leader replicas, and those whose data is uncertain (KIP-966).
  NodeIdList elr;
  NodeIdList last_known_elr;
  // Replicas whose data directory has failed; in no ISR.
  NodeIdList offline_replicas;
  // kNoNode: none.
  NodeId leader = kNoNode;
  LeaderEpoch leader_epoch{0};
  PartitionEpoch partition_epoch{0};

  friend bool operator==(const Partition&, const Partition&) = default;
};

struct Topic {
  Uuid id;
  std::string name;
  bool internal = false;
  CowMap<PartitionIndex, Partition> partitions;

  // Null when the topic has no such partition.
  const Partition* FindPartition(PartitionIndex index) const { return partitions.Find(index); }

  friend bool operator==(const Topic&, const Topic&) = default;
};

// What dynamic configuration belongs to: a topic by name, a broker by its id as text, all brokers
// by the empty name.
struct ConfigResource {
  v1::ConfigResourceType type = v1::CONFIG_RESOURCE_UNKNOWN;
  std::string name;

  static ConfigResource OfTopic(std::string_view name) {
    return {v1::CONFIG_RESOURCE_TOPIC, std::string(name)};
  }
  static ConfigResource OfGroup(std::string_view group_id) {
    return {v1::CONFIG_RESOURCE_GROUP, std::string(group_id)};
  }
  static ConfigResource OfBroker(NodeId id) { return {v1::CONFIG_RESOURCE_BROKER, ToString(id)}; }
  static ConfigResource OfAllBrokers() { return {v1::CONFIG_RESOURCE_BROKER, ""}; }

  friend auto operator<=>(const ConfigResource&, const ConfigResource&) = default;
};

using ConfigValues = CowMap<std::string, std::string>;

// The first answer to a request that carried an id.
struct CompletedRequest {
  std::string request_id;
  // The RPC's name.
  std::string method;
  // The serialized reply; never null. Shared by all copies of the image.
  std::shared_ptr<const std::string> reply;
  WallTime timestamp;

  friend bool operator==(const CompletedRequest& a, const CompletedRequest& b) {
    return a.request_id == b.request_id && a.method == b.method && *a.reply == *b.reply &&
           a.timestamp == b.timestamp;
  }
};

class MetadataImage {
 public:
  // The log index of the last batch applied; 0 for an image that has seen nothing.
  LogIndex offset() const { return offset_; }
  // Zero until the cluster record has been applied.
  const Uuid& cluster_id() const { return cluster_id_; }
  const CowMap<std::string, int32_t>& features() const { return features_; }
  const CowMap<NodeId, Broker>& brokers() const { return brokers_; }
  const CowMap<Uuid, Topic>& topics() const { return topics_; }
  // Topic names in order, with their ids.
  const CowMap<std::string, Uuid>& topic_ids() const { return topic_ids_; }
  const CowMap<ConfigResource, ConfigValues>& configs() const { return configs_; }
  // Producer ids below this one have been handed out.
  ProducerId next_producer_id() const { return next_producer_id_; }
  // By the offset of the batch that did them, oldest first.
  const CowMap<LogIndex, CompletedRequest>& completed_requests() const { return completed_; }
  // By group id. Brokers' images lack what their feed leaves out (broker_records.h).
  const CowMap<std::string, Group>& groups() const { return groups_; }
  // Partitions of all topics.
  size_t partition_count() const { return partition_count_; }
  // Records that referred to something absent, or made no sense, and were ignored.
  uint64_t skipped_records() const { return skipped_records_; }

  // Lookups: null when absent.
  const Topic* FindTopic(std::string_view name) const;
  const Topic* FindTopic(const Uuid& id) const { return topics_.Find(id); }
  const Partition* FindPartition(const Uuid& topic_id, PartitionIndex index) const;
  const Partition* FindPartition(std::string_view topic, PartitionIndex index) const;
  const Broker* FindBroker(NodeId id) const { return brokers_.Find(id); }
  const ConfigValues* FindConfigs(const ConfigResource& resource) const {
    return configs_.Find(resource);
  }
  // The value set for that key on that resource itself; null when not set there.
  const std::string* FindConfig(const ConfigResource& resource, std::string_view key) const;
  const CompletedRequest* FindCompleted(std::string_view request_id) const;
  const Group* FindGroup(std::string_view group_id) const { return groups_.Find(group_id); }

  // An existing topic whose name differs from `name` only in '.' against '_'; null when there is
  // none. Such names would collide in metric names.
  const std::string* FindCollidingTopic(std::string_view name) const;

  // Registered brokers that are not fenced, in order of id.
  std::vector<NodeId> LiveBrokers() const;
  bool IsLive(NodeId id) const;
  // Whether a partition may be led by this broker: live and not on its way down.
  bool IsUsableAsLeader(NodeId id) const;
  // The same for one partition: its replica there can be reached too.
  bool IsUsableAsLeader(const Partition& partition, NodeId id) const {
    return IsUsableAsLeader(id) && !partition.offline_replicas.Contains(id);
  }
  // Whether the replica can be asked for anything.
  bool IsReplicaOnline(const Partition& partition, NodeId id) const {
    return IsLive(id) && !partition.offline_replicas.Contains(id);
  }

  friend bool operator==(const MetadataImage& a, const MetadataImage& b);

 private:
  friend class ImageWriter;  // apply.cc and the snapshot loader

  LogIndex offset_{0};
  Uuid cluster_id_;
  CowMap<std::string, int32_t> features_;
  CowMap<NodeId, Broker> brokers_;
  CowMap<Uuid, Topic> topics_;
  CowMap<std::string, Uuid> topic_ids_;
  CowMap<ConfigResource, ConfigValues> configs_;
  ProducerId next_producer_id_{0};
  CowMap<LogIndex, CompletedRequest> completed_;
  CowMap<std::string, Group> groups_;

  // Derived from the above.
  CowMap<std::string, LogIndex> completed_offsets_;   // by request id
  CowMap<std::string, std::string> collision_names_;  // '.' as '_' -> the topic's name
  size_t completed_reply_bytes_ = 0;
  size_t partition_count_ = 0;

  uint64_t skipped_records_ = 0;
};

// The name with every '.' as '_'; nullopt when the name has neither, and so cannot collide.
std::optional<std::string> CollisionName(std::string_view topic);

}  // namespace weir::metadata
