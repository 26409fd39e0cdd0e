// Share groups (KIP-932): fetching and acknowledging single records. Fields and versions are those
// of the protocol; describe.h says how they are read.
// Thread rule: plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/wire/describe.h"
#include "broker/wire/field_types.h"
#include "common/base/error_code.h"
#include "common/base/uuid.h"

namespace weir::wire {

// ShareFetch (key 78): acquire records, acknowledging earlier ones.
struct ShareFetchRequest {
  static constexpr MessageInfo kInfo{ApiKey::kShareFetch, "ShareFetchRequest", {1, 2}, 1};

  struct AcknowledgementBatch {
    int64_t first_offset = 0;
    int64_t last_offset = 0;
    std::vector<int8_t> acknowledge_types;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("FirstOffset", self.first_offset, Always());
      visit("LastOffset", self.last_offset, Always());
      visit("AcknowledgeTypes", self.acknowledge_types, Always());
    }
    friend bool operator==(const AcknowledgementBatch&, const AcknowledgementBatch&) = default;
  };

  struct Partition {
    int32_t partition_index = 0;
    std::vector<AcknowledgementBatch> acknowledgement_batches;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("PartitionIndex", self.partition_index, Always());
      visit("AcknowledgementBatches", self.acknowledgement_batches, Always());
    }
    friend bool operator==(const Partition&, const Partition&) = default;
  };

  struct Topic {
    Uuid topic_id;
    std::vector<Partition> partitions;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("TopicId", self.topic_id, Always());
      visit("Partitions", self.partitions, Always());
    }
    friend bool operator==(const Topic&, const Topic&) = default;
  };

  struct ForgottenTopic {
    Uuid topic_id;
    std::vector<int32_t> partitions;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("TopicId", self.topic_id, Always());
      visit("Partitions", self.partitions, Always());
    }
    friend bool operator==(const ForgottenTopic&, const ForgottenTopic&) = default;
  };

  std::optional<std::string> group_id;
  std::optional<std::string> member_id{std::in_place};
  int32_t share_session_epoch = 0;
  int32_t max_wait_ms = 0;
  int32_t min_bytes = 0;
  int32_t max_bytes = INT32_MAX;
  int32_t max_records = 0;
  int32_t batch_size = 0;
  int8_t share_acquire_mode = 0;
  bool is_renew_ack = false;
  std::vector<Topic> topics;
  std::vector<ForgottenTopic> forgotten_topics_data;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("GroupId", self.group_id, Always().Nullable());
    visit("MemberId", self.member_id, Always().Nullable());
    visit("ShareSessionEpoch", self.share_session_epoch, Always());
    visit("MaxWaitMs", self.max_wait_ms, Always());
    visit("MinBytes", self.min_bytes, Always());
    visit("MaxBytes", self.max_bytes, Always());
    visit("MaxRecords", self.max_records, Always());
    visit("BatchSize", self.batch_size, Always());
    visit("ShareAcquireMode", self.share_acquire_mode, Since(2));
    visit("IsRenewAck", self.is_renew_ack, Since(2));
    visit("Topics", self.topics, Always());
    visit("ForgottenTopicsData", self.forgotten_topics_data, Always());
  }
  friend bool operator==(const ShareFetchRequest&, const ShareFetchRequest&) = default;
};

// acquired_records tells which offsets the member now holds.
struct ShareFetchResponse {
  static constexpr MessageInfo kInfo{ApiKey::kShareFetch, "ShareFetchResponse", {1, 2}, 1};

  struct CurrentLeader {
    int32_t leader_id = 0;
    int32_t leader_epoch = 0;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("LeaderId", self.leader_id, Always());
      visit("LeaderEpoch", self.leader_epoch, Always());
    }
    friend bool operator==(const CurrentLeader&, const CurrentLeader&) = default;
  };

  struct AcquiredRecord {
    int64_t first_offset = 0;
    int64_t last_offset = 0;
    int16_t delivery_count = 0;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("FirstOffset", self.first_offset, Always());
      visit("LastOffset", self.last_offset, Always());
      visit("DeliveryCount", self.delivery_count, Always());
    }
    friend bool operator==(const AcquiredRecord&, const AcquiredRecord&) = default;
  };

  struct Partition {
    int32_t partition_index = 0;
    ErrorCode error_code = ErrorCode::kNone;
    std::optional<std::string> error_message;
    ErrorCode acknowledge_error_code = ErrorCode::kNone;
    std::optional<std::string> acknowledge_error_message;
    CurrentLeader current_leader;
    Records records;
    std::vector<AcquiredRecord> acquired_records;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("PartitionIndex", self.partition_index, Always());
      visit("ErrorCode", self.error_code, Always());
      visit("ErrorMessage", self.error_message, Always().Nullable());
      visit("AcknowledgeErrorCode", self.acknowledge_error_code, Always());
      visit("AcknowledgeErrorMessage", self.acknowledge_error_message, Always().Nullable());
      visit("CurrentLeader", self.current_leader, Always());
      visit("Records", self.records, Always());
      visit("AcquiredRecords", self.acquired_records, Always());
    }
    friend bool operator==(const Partition&, const Partition&) = default;
  };

  struct TopicResponse {
    Uuid topic_id;
    std::vector<Partition> partitions;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("TopicId", self.topic_id, Always());
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
  std::optional<std::string> error_message;
  int32_t acquisition_lock_timeout_ms = 0;
  std::vector<TopicResponse> responses;
  std::vector<NodeEndpoint> node_endpoints;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ThrottleTimeMs", self.throttle_time_ms, Always());
    visit("ErrorCode", self.error_code, Always());
    visit("ErrorMessage", self.error_message, Always().Nullable());
    visit("AcquisitionLockTimeoutMs", self.acquisition_lock_timeout_ms, Always());
    visit("Responses", self.responses, Always());
    visit("NodeEndpoints", self.node_endpoints, Always());
  }
  friend bool operator==(const ShareFetchResponse&, const ShareFetchResponse&) = default;
};

// ShareAcknowledge (key 79): acknowledge without fetching.
struct ShareAcknowledgeRequest {
  static constexpr MessageInfo kInfo{
      ApiKey::kShareAcknowledge, "ShareAcknowledgeRequest", {1, 2}, 1};

  struct AcknowledgementBatch {
    int64_t first_offset = 0;
    int64_t last_offset = 0;
    std::vector<int8_t> acknowledge_types;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("FirstOffset", self.first_offset, Always());
      visit("LastOffset", self.last_offset, Always());
      visit("AcknowledgeTypes", self.acknowledge_types, Always());
    }
    friend bool operator==(const AcknowledgementBatch&, const AcknowledgementBatch&) = default;
  };

  struct Partition {
    int32_t partition_index = 0;
    std::vector<AcknowledgementBatch> acknowledgement_batches;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("PartitionIndex", self.partition_index, Always());
      visit("AcknowledgementBatches", self.acknowledgement_batches, Always());
    }
    friend bool operator==(const Partition&, const Partition&) = default;
  };

  struct Topic {
    Uuid topic_id;
    std::vector<Partition> partitions;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("TopicId", self.topic_id, Always());
      visit("Partitions", self.partitions, Always());
    }
    friend bool operator==(const Topic&, const Topic&) = default;
  };

  std::optional<std::string> group_id;
  std::optional<std::string> member_id{std::in_place};
  int32_t share_session_epoch = 0;
  bool is_renew_ack = false;
  std::vector<Topic> topics;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("GroupId", self.group_id, Always().Nullable());
    visit("MemberId", self.member_id, Always().Nullable());
    visit("ShareSessionEpoch", self.share_session_epoch, Always());
    visit("IsRenewAck", self.is_renew_ack, Since(2));
    visit("Topics", self.topics, Always());
  }
  friend bool operator==(const ShareAcknowledgeRequest&, const ShareAcknowledgeRequest&) = default;
};

// Results by partition.
struct ShareAcknowledgeResponse {
  static constexpr MessageInfo kInfo{
      ApiKey::kShareAcknowledge, "ShareAcknowledgeResponse", {1, 2}, 1};

  struct CurrentLeader {
    int32_t leader_id = 0;
    int32_t leader_epoch = 0;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("LeaderId", self.leader_id, Always());
      visit("LeaderEpoch", self.leader_epoch, Always());
    }
    friend bool operator==(const CurrentLeader&, const CurrentLeader&) = default;
  };

  struct Partition {
    int32_t partition_index = 0;
    ErrorCode error_code = ErrorCode::kNone;
    std::optional<std::string> error_message;
    CurrentLeader current_leader;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("PartitionIndex", self.partition_index, Always());
      visit("ErrorCode", self.error_code, Always());
      visit("ErrorMessage", self.error_message, Always().Nullable());
      visit("CurrentLeader", self.current_leader, Always());
    }
    friend bool operator==(const Partition&, const Partition&) = default;
  };

  struct TopicResponse {
    Uuid topic_id;
    std::vector<Partition> partitions;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("TopicId", self.topic_id, Always());
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
  std::optional<std::string> error_message;
  int32_t acquisition_lock_timeout_ms = 0;
  std::vector<TopicResponse> responses;
  std::vector<NodeEndpoint> node_endpoints;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ThrottleTimeMs", self.throttle_time_ms, Always());
    visit("ErrorCode", self.error_code, Always());
    visit("ErrorMessage", self.error_message, Always().Nullable());
    visit("AcquisitionLockTimeoutMs", self.acquisition_lock_timeout_ms, Since(2));
    visit("Responses", self.responses, Always());
    visit("NodeEndpoints", self.node_endpoints, Always());
  }
  friend bool operator==(const ShareAcknowledgeResponse&,
                         const ShareAcknowledgeResponse&) = default;
};

}  // namespace weir::wire
