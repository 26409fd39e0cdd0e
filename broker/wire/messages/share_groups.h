// Share groups (KIP-932): joining, fetching and acknowledging single records. Fields and versions
// are those of the protocol; describe.h says how they are read. Thread rule: plain
// values.
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

// ShareGroupHeartbeat (key 76): joins, keeps alive and leaves. Null means unchanged.
struct ShareGroupHeartbeatRequest {
  static constexpr MessageInfo kInfo{
      ApiKey::kShareGroupHeartbeat, "ShareGroupHeartbeatRequest", {1, 1}, 1};

  std::string group_id;
  std::string member_id;
  int32_t member_epoch = 0;
  std::optional<std::string> rack_id;
  std::optional<std::vector<std::string>> subscribed_topic_names;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("GroupId", self.group_id, Always());
    visit("MemberId", self.member_id, Always());
    visit("MemberEpoch", self.member_epoch, Always());
    visit("RackId", self.rack_id, Always().Nullable());
    visit("SubscribedTopicNames", self.subscribed_topic_names, Always().Nullable());
  }
  friend bool operator==(const ShareGroupHeartbeatRequest&,
                         const ShareGroupHeartbeatRequest&) = default;
};

// assignment is null when it has not changed.
struct ShareGroupHeartbeatResponse {
  static constexpr MessageInfo kInfo{
      ApiKey::kShareGroupHeartbeat, "ShareGroupHeartbeatResponse", {1, 1}, 1};

  struct TopicPartitions {
    Uuid topic_id;
    std::vector<int32_t> partitions;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("TopicId", self.topic_id, Always());
      visit("Partitions", self.partitions, Always());
    }
    friend bool operator==(const TopicPartitions&, const TopicPartitions&) = default;
  };

  struct Assignment {
    std::vector<TopicPartitions> topic_partitions;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("TopicPartitions", self.topic_partitions, Always());
    }
    friend bool operator==(const Assignment&, const Assignment&) = default;
  };

  int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;
  std::optional<std::string> error_message;
  std::optional<std::string> member_id;
  int32_t member_epoch = 0;
  int32_t heartbeat_interval_ms = 0;
  std::optional<Assignment> assignment;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ThrottleTimeMs", self.throttle_time_ms, Always());
    visit("ErrorCode", self.error_code, Always());
    visit("ErrorMessage", self.error_message, Always().Nullable());
    visit("MemberId", self.member_id, Always().Nullable());
    visit("MemberEpoch", self.member_epoch, Always());
    visit("HeartbeatIntervalMs", self.heartbeat_interval_ms, Always());
    visit("Assignment", self.assignment, Always().Nullable());
  }
  friend bool operator==(const ShareGroupHeartbeatResponse&,
                         const ShareGroupHeartbeatResponse&) = default;
};

// ShareGroupDescribe (key 77): state, members and assignments.
struct ShareGroupDescribeRequest {
  static constexpr MessageInfo kInfo{
      ApiKey::kShareGroupDescribe, "ShareGroupDescribeRequest", {1, 1}, 1};

  std::vector<std::string> group_ids;
  bool include_authorized_operations = false;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("GroupIds", self.group_ids, Always());
    visit("IncludeAuthorizedOperations", self.include_authorized_operations, Always());
  }
  friend bool operator==(const ShareGroupDescribeRequest&,
                         const ShareGroupDescribeRequest&) = default;
};

// One entry for each group.
struct ShareGroupDescribeResponse {
  static constexpr MessageInfo kInfo{
      ApiKey::kShareGroupDescribe, "ShareGroupDescribeResponse", {1, 1}, 1};

  struct TopicPartitions {
    Uuid topic_id;
    std::string topic_name;
    std::vector<int32_t> partitions;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("TopicId", self.topic_id, Always());
      visit("TopicName", self.topic_name, Always());
      visit("Partitions", self.partitions, Always());
    }
    friend bool operator==(const TopicPartitions&, const TopicPartitions&) = default;
  };

  struct Assignment {
    std::vector<TopicPartitions> topic_partitions;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("TopicPartitions", self.topic_partitions, Always());
    }
    friend bool operator==(const Assignment&, const Assignment&) = default;
  };

  struct Member {
    std::string member_id;
    std::optional<std::string> rack_id;
    int32_t member_epoch = 0;
    std::string client_id;
    std::string client_host;
    std::vector<std::string> subscribed_topic_names;
    Assignment assignment;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("MemberId", self.member_id, Always());
      visit("RackId", self.rack_id, Always().Nullable());
      visit("MemberEpoch", self.member_epoch, Always());
      visit("ClientId", self.client_id, Always());
      visit("ClientHost", self.client_host, Always());
      visit("SubscribedTopicNames", self.subscribed_topic_names, Always());
      visit("Assignment", self.assignment, Always());
    }
    friend bool operator==(const Member&, const Member&) = default;
  };

  struct Group {
    ErrorCode error_code = ErrorCode::kNone;
    std::optional<std::string> error_message;
    std::string group_id;
    std::string group_state;
    int32_t group_epoch = 0;
    int32_t assignment_epoch = 0;
    std::string assignor_name;
    std::vector<Member> members;
    int32_t authorized_operations = INT32_MIN;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("ErrorCode", self.error_code, Always());
      visit("ErrorMessage", self.error_message, Always().Nullable());
      visit("GroupId", self.group_id, Always());
      visit("GroupState", self.group_state, Always());
      visit("GroupEpoch", self.group_epoch, Always());
      visit("AssignmentEpoch", self.assignment_epoch, Always());
      visit("AssignorName", self.assignor_name, Always());
      visit("Members", self.members, Always());
      visit("AuthorizedOperations", self.authorized_operations, Always());
    }
    friend bool operator==(const Group&, const Group&) = default;
  };

  int32_t throttle_time_ms = 0;
  std::vector<Group> groups;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ThrottleTimeMs", self.throttle_time_ms, Always());
    visit("Groups", self.groups, Always());
  }
  friend bool operator==(const ShareGroupDescribeResponse&,
                         const ShareGroupDescribeResponse&) = default;
};

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
