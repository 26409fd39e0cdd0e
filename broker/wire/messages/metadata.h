// Cluster metadata as clients read it: brokers, topics, partitions, leaders. Fields and versions
// are those of the protocol; describe.h says how they are read. Thread rule: plain
// values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/wire/describe.h"
#include "common/base/error_code.h"
#include "common/base/uuid.h"

namespace weir::wire {

// Metadata (key 3): brokers and topics with their leaders; creates absent topics where allowed.
// Null topics means all (version 0: an empty list does). Lookup by topic id from version 12
// (KIP-516).
struct MetadataRequest {
  static constexpr MessageInfo kInfo{ApiKey::kMetadata, "MetadataRequest", {0, 13}, 9};

  struct Topic {
    Uuid topic_id;
    std::optional<std::string> name{std::in_place};

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("TopicId", self.topic_id, Since(10));
      visit("Name", self.name, Always().NullableSince(10));
    }
    friend bool operator==(const Topic&, const Topic&) = default;
  };

  std::optional<std::vector<Topic>> topics{std::in_place};
  bool allow_auto_topic_creation = true;
  bool include_cluster_authorized_operations = false;
  bool include_topic_authorized_operations = false;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("Topics", self.topics, Always().NullableSince(1));
    visit("AllowAutoTopicCreation", self.allow_auto_topic_creation, Since(4));
    visit("IncludeClusterAuthorizedOperations", self.include_cluster_authorized_operations,
          Between(8, 10));
    visit("IncludeTopicAuthorizedOperations", self.include_topic_authorized_operations, Since(8));
  }
  friend bool operator==(const MetadataRequest&, const MetadataRequest&) = default;
};

// Leader and ISR by partition. controller_id is any live broker: it forwards admin requests.
struct MetadataResponse {
  static constexpr MessageInfo kInfo{ApiKey::kMetadata, "MetadataResponse", {0, 13}, 9};

  struct Broker {
    int32_t node_id = 0;
    std::string host;
    int32_t port = 0;
    std::optional<std::string> rack;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("NodeId", self.node_id, Always());
      visit("Host", self.host, Always());
      visit("Port", self.port, Always());
      visit("Rack", self.rack, Since(1).Nullable());
    }
    friend bool operator==(const Broker&, const Broker&) = default;
  };

  struct Partition {
    ErrorCode error_code = ErrorCode::kNone;
    int32_t partition_index = 0;
    int32_t leader_id = 0;
    int32_t leader_epoch = -1;
    std::vector<int32_t> replica_nodes;
    std::vector<int32_t> isr_nodes;
    std::vector<int32_t> offline_replicas;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("ErrorCode", self.error_code, Always());
      visit("PartitionIndex", self.partition_index, Always());
      visit("LeaderId", self.leader_id, Always());
      visit("LeaderEpoch", self.leader_epoch, Since(7));
      visit("ReplicaNodes", self.replica_nodes, Always());
      visit("IsrNodes", self.isr_nodes, Always());
      visit("OfflineReplicas", self.offline_replicas, Since(5));
    }
    friend bool operator==(const Partition&, const Partition&) = default;
  };

  struct Topic {
    ErrorCode error_code = ErrorCode::kNone;
    std::optional<std::string> name{std::in_place};
    Uuid topic_id;
    bool is_internal = false;
    std::vector<Partition> partitions;
    int32_t topic_authorized_operations = INT32_MIN;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("ErrorCode", self.error_code, Always());
      visit("Name", self.name, Always().NullableSince(12));
      visit("TopicId", self.topic_id, Since(10));
      visit("IsInternal", self.is_internal, Since(1));
      visit("Partitions", self.partitions, Always());
      visit("TopicAuthorizedOperations", self.topic_authorized_operations, Since(8));
    }
    friend bool operator==(const Topic&, const Topic&) = default;
  };

  int32_t throttle_time_ms = 0;
  std::vector<Broker> brokers;
  std::optional<std::string> cluster_id;
  int32_t controller_id = -1;
  std::vector<Topic> topics;
  ErrorCode error_code = ErrorCode::kNone;
  int32_t cluster_authorized_operations = INT32_MIN;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ThrottleTimeMs", self.throttle_time_ms, Since(3));
    visit("Brokers", self.brokers, Always());
    visit("ClusterId", self.cluster_id, Since(2).Nullable());
    visit("ControllerId", self.controller_id, Since(1));
    visit("Topics", self.topics, Always());
    visit("ErrorCode", self.error_code, Since(13));
    visit("ClusterAuthorizedOperations", self.cluster_authorized_operations, Between(8, 10));
  }
  friend bool operator==(const MetadataResponse&, const MetadataResponse&) = default;
};

// DescribeCluster (key 60): brokers and cluster id alone (KIP-700).
struct DescribeClusterRequest {
  static constexpr MessageInfo kInfo{ApiKey::kDescribeCluster, "DescribeClusterRequest", {0, 2}, 0};

  bool include_cluster_authorized_operations = false;
  int8_t endpoint_type = 1;
  bool include_fenced_brokers = false;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("IncludeClusterAuthorizedOperations", self.include_cluster_authorized_operations,
          Always());
    visit("EndpointType", self.endpoint_type, Since(1));
    visit("IncludeFencedBrokers", self.include_fenced_brokers, Since(2));
  }
  friend bool operator==(const DescribeClusterRequest&, const DescribeClusterRequest&) = default;
};

// Version 2 tells fenced brokers (KIP-1073).
struct DescribeClusterResponse {
  static constexpr MessageInfo kInfo{
      ApiKey::kDescribeCluster, "DescribeClusterResponse", {0, 2}, 0};

  struct Broker {
    int32_t broker_id = 0;
    std::string host;
    int32_t port = 0;
    std::optional<std::string> rack;
    bool is_fenced = false;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("BrokerId", self.broker_id, Always());
      visit("Host", self.host, Always());
      visit("Port", self.port, Always());
      visit("Rack", self.rack, Always().Nullable());
      visit("IsFenced", self.is_fenced, Since(2));
    }
    friend bool operator==(const Broker&, const Broker&) = default;
  };

  int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;
  std::optional<std::string> error_message;
  int8_t endpoint_type = 1;
  std::string cluster_id;
  int32_t controller_id = -1;
  std::vector<Broker> brokers;
  int32_t cluster_authorized_operations = INT32_MIN;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ThrottleTimeMs", self.throttle_time_ms, Always());
    visit("ErrorCode", self.error_code, Always());
    visit("ErrorMessage", self.error_message, Always().Nullable());
    visit("EndpointType", self.endpoint_type, Since(1));
    visit("ClusterId", self.cluster_id, Always());
    visit("ControllerId", self.controller_id, Always());
    visit("Brokers", self.brokers, Always());
    visit("ClusterAuthorizedOperations", self.cluster_authorized_operations, Always());
  }
  friend bool operator==(const DescribeClusterResponse&, const DescribeClusterResponse&) = default;
};

// DescribeTopicPartitions (key 75): partitions with eligible leader replicas, page by page
// (KIP-966).
struct DescribeTopicPartitionsRequest {
  static constexpr MessageInfo kInfo{
      ApiKey::kDescribeTopicPartitions, "DescribeTopicPartitionsRequest", {0, 0}, 0};

  struct Topic {
    std::string name;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Name", self.name, Always());
    }
    friend bool operator==(const Topic&, const Topic&) = default;
  };

  struct Cursor {
    std::string topic_name;
    int32_t partition_index = 0;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("TopicName", self.topic_name, Always());
      visit("PartitionIndex", self.partition_index, Always());
    }
    friend bool operator==(const Cursor&, const Cursor&) = default;
  };

  std::vector<Topic> topics;
  int32_t response_partition_limit = 2000;
  std::optional<Cursor> cursor;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("Topics", self.topics, Always());
    visit("ResponsePartitionLimit", self.response_partition_limit, Always());
    visit("Cursor", self.cursor, Always().Nullable());
  }
  friend bool operator==(const DescribeTopicPartitionsRequest&,
                         const DescribeTopicPartitionsRequest&) = default;
};

// next_cursor is null on the last page.
struct DescribeTopicPartitionsResponse {
  static constexpr MessageInfo kInfo{
      ApiKey::kDescribeTopicPartitions, "DescribeTopicPartitionsResponse", {0, 0}, 0};

  struct Partition {
    ErrorCode error_code = ErrorCode::kNone;
    int32_t partition_index = 0;
    int32_t leader_id = 0;
    int32_t leader_epoch = -1;
    std::vector<int32_t> replica_nodes;
    std::vector<int32_t> isr_nodes;
    std::optional<std::vector<int32_t>> eligible_leader_replicas;
    std::optional<std::vector<int32_t>> last_known_elr;
    std::vector<int32_t> offline_replicas;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("ErrorCode", self.error_code, Always());
      visit("PartitionIndex", self.partition_index, Always());
      visit("LeaderId", self.leader_id, Always());
      visit("LeaderEpoch", self.leader_epoch, Always());
      visit("ReplicaNodes", self.replica_nodes, Always());
      visit("IsrNodes", self.isr_nodes, Always());
      visit("EligibleLeaderReplicas", self.eligible_leader_replicas, Always().Nullable());
      visit("LastKnownElr", self.last_known_elr, Always().Nullable());
      visit("OfflineReplicas", self.offline_replicas, Always());
    }
    friend bool operator==(const Partition&, const Partition&) = default;
  };

  struct Topic {
    ErrorCode error_code = ErrorCode::kNone;
    std::optional<std::string> name{std::in_place};
    Uuid topic_id;
    bool is_internal = false;
    std::vector<Partition> partitions;
    int32_t topic_authorized_operations = INT32_MIN;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("ErrorCode", self.error_code, Always());
      visit("Name", self.name, Always().Nullable());
      visit("TopicId", self.topic_id, Always());
      visit("IsInternal", self.is_internal, Always());
      visit("Partitions", self.partitions, Always());
      visit("TopicAuthorizedOperations", self.topic_authorized_operations, Always());
    }
    friend bool operator==(const Topic&, const Topic&) = default;
  };

  struct Cursor {
    std::string topic_name;
    int32_t partition_index = 0;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("TopicName", self.topic_name, Always());
      visit("PartitionIndex", self.partition_index, Always());
    }
    friend bool operator==(const Cursor&, const Cursor&) = default;
  };

  int32_t throttle_time_ms = 0;
  std::vector<Topic> topics;
  std::optional<Cursor> next_cursor;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ThrottleTimeMs", self.throttle_time_ms, Always());
    visit("Topics", self.topics, Always());
    visit("NextCursor", self.next_cursor, Always().Nullable());
  }
  friend bool operator==(const DescribeTopicPartitionsResponse&,
                         const DescribeTopicPartitionsResponse&) = default;
};

}  // namespace weir::wire
