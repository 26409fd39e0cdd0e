// Groups whose assignment the server computes (KIP-848). Fields and versions are those of the
// protocol; describe.h says how they are read. Thread rule: plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "broker/wire/describe.h"
#include "common/base/error_code.h"
#include "common/base/uuid.h"

namespace weir::wire {

// ConsumerGroupHeartbeat (key 68): joins, keeps alive, reports and leaves in one request. Null
// means unchanged.
struct ConsumerGroupHeartbeatRequest {
  static constexpr MessageInfo kInfo{
      ApiKey::kConsumerGroupHeartbeat, "ConsumerGroupHeartbeatRequest", {0, 1}, 0};

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

  std::string group_id;
  std::string member_id;
  int32_t member_epoch = 0;
  std::optional<std::string> instance_id;
  std::optional<std::string> rack_id;
  int32_t rebalance_timeout_ms = -1;
  std::optional<std::vector<std::string>> subscribed_topic_names;
  std::optional<std::string> subscribed_topic_regex;
  std::optional<std::string> server_assignor;
  std::optional<std::vector<TopicPartitions>> topic_partitions;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("GroupId", self.group_id, Always());
    visit("MemberId", self.member_id, Always());
    visit("MemberEpoch", self.member_epoch, Always());
    visit("InstanceId", self.instance_id, Always().Nullable());
    visit("RackId", self.rack_id, Always().Nullable());
    visit("RebalanceTimeoutMs", self.rebalance_timeout_ms, Always());
    visit("SubscribedTopicNames", self.subscribed_topic_names, Always().Nullable());
    visit("SubscribedTopicRegex", self.subscribed_topic_regex, Since(1).Nullable());
    visit("ServerAssignor", self.server_assignor, Always().Nullable());
    visit("TopicPartitions", self.topic_partitions, Always().Nullable());
  }
  friend bool operator==(const ConsumerGroupHeartbeatRequest&,
                         const ConsumerGroupHeartbeatRequest&) = default;
};

// assignment is null when it has not changed.
struct ConsumerGroupHeartbeatResponse {
  static constexpr MessageInfo kInfo{
      ApiKey::kConsumerGroupHeartbeat, "ConsumerGroupHeartbeatResponse", {0, 1}, 0};

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
  friend bool operator==(const ConsumerGroupHeartbeatResponse&,
                         const ConsumerGroupHeartbeatResponse&) = default;
};

// ConsumerGroupDescribe (key 69): state, members and assignments.
struct ConsumerGroupDescribeRequest {
  static constexpr MessageInfo kInfo{
      ApiKey::kConsumerGroupDescribe, "ConsumerGroupDescribeRequest", {0, 1}, 0};

  std::vector<std::string> group_ids;
  bool include_authorized_operations = false;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("GroupIds", self.group_ids, Always());
    visit("IncludeAuthorizedOperations", self.include_authorized_operations, Always());
  }
  friend bool operator==(const ConsumerGroupDescribeRequest&,
                         const ConsumerGroupDescribeRequest&) = default;
};

// Current and target assignment for each member.
struct ConsumerGroupDescribeResponse {
  static constexpr MessageInfo kInfo{
      ApiKey::kConsumerGroupDescribe, "ConsumerGroupDescribeResponse", {0, 1}, 0};

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
    std::optional<std::string> instance_id;
    std::optional<std::string> rack_id;
    int32_t member_epoch = 0;
    std::string client_id;
    std::string client_host;
    std::vector<std::string> subscribed_topic_names;
    std::optional<std::string> subscribed_topic_regex;
    Assignment assignment;
    Assignment target_assignment;
    int8_t member_type = -1;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("MemberId", self.member_id, Always());
      visit("InstanceId", self.instance_id, Always().Nullable());
      visit("RackId", self.rack_id, Always().Nullable());
      visit("MemberEpoch", self.member_epoch, Always());
      visit("ClientId", self.client_id, Always());
      visit("ClientHost", self.client_host, Always());
      visit("SubscribedTopicNames", self.subscribed_topic_names, Always());
      visit("SubscribedTopicRegex", self.subscribed_topic_regex, Always().Nullable());
      visit("Assignment", self.assignment, Always());
      visit("TargetAssignment", self.target_assignment, Always());
      visit("MemberType", self.member_type, Since(1));
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
  friend bool operator==(const ConsumerGroupDescribeResponse&,
                         const ConsumerGroupDescribeResponse&) = default;
};

}  // namespace weir::wire
