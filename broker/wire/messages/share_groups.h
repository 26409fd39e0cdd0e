// Share groups (KIP-932): membership. Fields and versions are those of the protocol; describe.h
// says how they are read. Thread rule: plain values.
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

}  // namespace weir::wire
