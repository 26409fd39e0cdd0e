// Fetch: the way of records out of the log, to consumers and followers. A hot path: topic names are
// views into the frame. Fields and versions are those of the protocol; describe.h says
// how they are read. Thread rule: plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/wire/describe.h"
#include "broker/wire/field_types.h"
#include "common/base/error_code.h"
#include "common/base/uuid.h"

namespace weir::wire {

// Fetch (key 1): record batches from offsets on, waiting up to max_wait_ms for min_bytes. A
// follower says who it is in replica_id or replica_state (KIP-903). Sessions: KIP-227; topic ids
// from version 13: KIP-516.
struct FetchRequest {
  static constexpr MessageInfo kInfo{ApiKey::kFetch, "FetchRequest", {4, 18}, 12};

  struct Partition {
    int32_t partition = 0;
    int32_t current_leader_epoch = -1;
    int64_t fetch_offset = 0;
    int32_t last_fetched_epoch = -1;
    int64_t log_start_offset = -1;
    int32_t partition_max_bytes = 0;
    Uuid replica_directory_id;
    int64_t high_watermark = INT64_MAX;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Partition", self.partition, Always());
      visit("CurrentLeaderEpoch", self.current_leader_epoch, Since(9));
      visit("FetchOffset", self.fetch_offset, Always());
      visit("LastFetchedEpoch", self.last_fetched_epoch, Since(12));
      visit("LogStartOffset", self.log_start_offset, Since(5));
      visit("PartitionMaxBytes", self.partition_max_bytes, Always());
      visit("ReplicaDirectoryId", self.replica_directory_id, Since(17).Tagged(0));
      visit("HighWatermark", self.high_watermark, Since(18).Tagged(1), INT64_MAX);
    }
    friend bool operator==(const Partition&, const Partition&) = default;
  };

  struct Topic {
    Uuid topic_id;
    std::string_view topic;
    std::vector<Partition> partitions;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("TopicId", self.topic_id, Since(13));
      visit("Topic", self.topic, Until(12));
      visit("Partitions", self.partitions, Always());
    }
    friend bool operator==(const Topic&, const Topic&) = default;
  };

  struct ForgottenTopic {
    Uuid topic_id;
    std::string_view topic;
    std::vector<int32_t> partitions;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("TopicId", self.topic_id, Since(13));
      visit("Topic", self.topic, Until(12));
      visit("Partitions", self.partitions, Always());
    }
    friend bool operator==(const ForgottenTopic&, const ForgottenTopic&) = default;
  };

  struct ReplicaState {
    int32_t replica_id = -1;
    int64_t replica_epoch = -1;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("ReplicaId", self.replica_id, Always());
      visit("ReplicaEpoch", self.replica_epoch, Always());
    }
    friend bool operator==(const ReplicaState&, const ReplicaState&) = default;
  };

  int32_t replica_id = -1;
  int32_t max_wait_ms = 0;
  int32_t min_bytes = 0;
  int32_t max_bytes = INT32_MAX;
  int8_t isolation_level = 0;
  int32_t session_id = 0;
  int32_t session_epoch = -1;
  std::vector<Topic> topics;
  std::vector<ForgottenTopic> forgotten_topics_data;
  std::string rack_id;
  std::optional<std::string> cluster_id;
  ReplicaState replica_state;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ReplicaId", self.replica_id, Until(14));
    visit("MaxWaitMs", self.max_wait_ms, Always());
    visit("MinBytes", self.min_bytes, Always());
    visit("MaxBytes", self.max_bytes, Always());
    visit("IsolationLevel", self.isolation_level, Always());
    visit("SessionId", self.session_id, Since(7));
    visit("SessionEpoch", self.session_epoch, Since(7));
    visit("Topics", self.topics, Always());
    visit("ForgottenTopicsData", self.forgotten_topics_data, Since(7));
    visit("RackId", self.rack_id, Since(11));
    visit("ClusterId", self.cluster_id, Since(12).Nullable().Tagged(0));
    visit("ReplicaState", self.replica_state, Since(15).Tagged(1));
  }
  friend bool operator==(const FetchRequest&, const FetchRequest&) = default;
};

// Whole record batches; the first may begin before the asked offset. diverging_epoch tells a
// follower to truncate (KIP-595).
struct FetchResponse {
  static constexpr MessageInfo kInfo{ApiKey::kFetch, "FetchResponse", {4, 18}, 12};

  struct AbortedTransaction {
    int64_t producer_id = 0;
    int64_t first_offset = 0;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("ProducerId", self.producer_id, Always());
      visit("FirstOffset", self.first_offset, Always());
    }
    friend bool operator==(const AbortedTransaction&, const AbortedTransaction&) = default;
  };

  struct DivergingEpoch {
    int32_t epoch = -1;
    int64_t end_offset = -1;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Epoch", self.epoch, Always());
      visit("EndOffset", self.end_offset, Always());
    }
    friend bool operator==(const DivergingEpoch&, const DivergingEpoch&) = default;
  };

  struct CurrentLeader {
    int32_t leader_id = -1;
    int32_t leader_epoch = -1;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("LeaderId", self.leader_id, Always());
      visit("LeaderEpoch", self.leader_epoch, Always());
    }
    friend bool operator==(const CurrentLeader&, const CurrentLeader&) = default;
  };

  struct SnapshotId {
    int64_t end_offset = -1;
    int32_t epoch = -1;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("EndOffset", self.end_offset, Always());
      visit("Epoch", self.epoch, Always());
    }
    friend bool operator==(const SnapshotId&, const SnapshotId&) = default;
  };

  struct Partition {
    int32_t partition_index = 0;
    ErrorCode error_code = ErrorCode::kNone;
    int64_t high_watermark = 0;
    int64_t last_stable_offset = -1;
    int64_t log_start_offset = -1;
    std::optional<std::vector<AbortedTransaction>> aborted_transactions{std::in_place};
    int32_t preferred_read_replica = -1;
    std::optional<Records> records{std::in_place};
    DivergingEpoch diverging_epoch;
    CurrentLeader current_leader;
    SnapshotId snapshot_id;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("PartitionIndex", self.partition_index, Always());
      visit("ErrorCode", self.error_code, Always());
      visit("HighWatermark", self.high_watermark, Always());
      visit("LastStableOffset", self.last_stable_offset, Always());
      visit("LogStartOffset", self.log_start_offset, Since(5));
      visit("AbortedTransactions", self.aborted_transactions, Always().Nullable());
      visit("PreferredReadReplica", self.preferred_read_replica, Since(11));
      visit("Records", self.records, Always().Nullable());
      visit("DivergingEpoch", self.diverging_epoch, Since(12).Tagged(0));
      visit("CurrentLeader", self.current_leader, Since(12).Tagged(1));
      visit("SnapshotId", self.snapshot_id, Since(12).Tagged(2));
    }
    friend bool operator==(const Partition&, const Partition&) = default;
  };

  struct TopicResponse {
    Uuid topic_id;
    std::string_view topic;
    std::vector<Partition> partitions;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("TopicId", self.topic_id, Since(13));
      visit("Topic", self.topic, Until(12));
      visit("Partitions", self.partitions, Always());
    }
    friend bool operator==(const TopicResponse&, const TopicResponse&) = default;
  };

  struct NodeEndpoint {
    int32_t node_id = 0;
    std::string host;
    int32_t port = 0;
    std::optional<std::string> rack;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("NodeId", self.node_id, Always());
      visit("Host", self.host, Always());
      visit("Port", self.port, Always());
      visit("Rack", self.rack, Always().Nullable());
    }
    friend bool operator==(const NodeEndpoint&, const NodeEndpoint&) = default;
  };

  int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;
  int32_t session_id = 0;
  std::vector<TopicResponse> responses;
  std::vector<NodeEndpoint> node_endpoints;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ThrottleTimeMs", self.throttle_time_ms, Always());
    visit("ErrorCode", self.error_code, Since(7));
    visit("SessionId", self.session_id, Since(7));
    visit("Responses", self.responses, Always());
    visit("NodeEndpoints", self.node_endpoints, Since(16).Tagged(0));
  }
  friend bool operator==(const FetchResponse&, const FetchResponse&) = default;
};

}  // namespace weir::wire
