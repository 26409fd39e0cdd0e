// Start offsets of share groups (KIP-932). Fields and versions are those of the protocol; DESIGN D9
// and describe.h say how they are read. Thread rule: plain values.
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

// DescribeShareGroupOffsets (key 90): start offsets of share partitions; null topics means all.
struct DescribeShareGroupOffsetsRequest {
  static constexpr MessageInfo kInfo{
      ApiKey::kDescribeShareGroupOffsets, "DescribeShareGroupOffsetsRequest", {0, 1}, 0};

  struct Topic {
    std::string topic_name;
    std::vector<int32_t> partitions;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("TopicName", self.topic_name, Always());
      visit("Partitions", self.partitions, Always());
    }
    friend bool operator==(const Topic&, const Topic&) = default;
  };

  struct Group {
    std::string group_id;
    std::optional<std::vector<Topic>> topics{std::in_place};

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("GroupId", self.group_id, Always());
      visit("Topics", self.topics, Always().Nullable());
    }
    friend bool operator==(const Group&, const Group&) = default;
  };

  std::vector<Group> groups;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("Groups", self.groups, Always());
  }
  friend bool operator==(const DescribeShareGroupOffsetsRequest&,
                         const DescribeShareGroupOffsetsRequest&) = default;
};

// lag since KIP-1226, -1 when unknown.
struct DescribeShareGroupOffsetsResponse {
  static constexpr MessageInfo kInfo{
      ApiKey::kDescribeShareGroupOffsets, "DescribeShareGroupOffsetsResponse", {0, 1}, 0};

  struct Partition {
    int32_t partition_index = 0;
    int64_t start_offset = 0;
    int32_t leader_epoch = 0;
    int64_t lag = -1;
    ErrorCode error_code = ErrorCode::kNone;
    std::optional<std::string> error_message;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("PartitionIndex", self.partition_index, Always());
      visit("StartOffset", self.start_offset, Always());
      visit("LeaderEpoch", self.leader_epoch, Always());
      visit("Lag", self.lag, Since(1));
      visit("ErrorCode", self.error_code, Always());
      visit("ErrorMessage", self.error_message, Always().Nullable());
    }
    friend bool operator==(const Partition&, const Partition&) = default;
  };

  struct Topic {
    std::string topic_name;
    Uuid topic_id;
    std::vector<Partition> partitions;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("TopicName", self.topic_name, Always());
      visit("TopicId", self.topic_id, Always());
      visit("Partitions", self.partitions, Always());
    }
    friend bool operator==(const Topic&, const Topic&) = default;
  };

  struct Group {
    std::string group_id;
    std::vector<Topic> topics;
    ErrorCode error_code = ErrorCode::kNone;
    std::optional<std::string> error_message;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("GroupId", self.group_id, Always());
      visit("Topics", self.topics, Always());
      visit("ErrorCode", self.error_code, Always());
      visit("ErrorMessage", self.error_message, Always().Nullable());
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
  friend bool operator==(const DescribeShareGroupOffsetsResponse&,
                         const DescribeShareGroupOffsetsResponse&) = default;
};

// AlterShareGroupOffsets (key 91): move start offsets of an empty group.
struct AlterShareGroupOffsetsRequest {
  static constexpr MessageInfo kInfo{
      ApiKey::kAlterShareGroupOffsets, "AlterShareGroupOffsetsRequest", {0, 0}, 0};

  struct Partition {
    int32_t partition_index = 0;
    int64_t start_offset = 0;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("PartitionIndex", self.partition_index, Always());
      visit("StartOffset", self.start_offset, Always());
    }
    friend bool operator==(const Partition&, const Partition&) = default;
  };

  struct Topic {
    std::string topic_name;
    std::vector<Partition> partitions;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("TopicName", self.topic_name, Always());
      visit("Partitions", self.partitions, Always());
    }
    friend bool operator==(const Topic&, const Topic&) = default;
  };

  std::string group_id;
  std::vector<Topic> topics;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("GroupId", self.group_id, Always());
    visit("Topics", self.topics, Always());
  }
  friend bool operator==(const AlterShareGroupOffsetsRequest&,
                         const AlterShareGroupOffsetsRequest&) = default;
};

// Results by partition.
struct AlterShareGroupOffsetsResponse {
  static constexpr MessageInfo kInfo{
      ApiKey::kAlterShareGroupOffsets, "AlterShareGroupOffsetsResponse", {0, 0}, 0};

  struct Partition {
    int32_t partition_index = 0;
    ErrorCode error_code = ErrorCode::kNone;
    std::optional<std::string> error_message;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("PartitionIndex", self.partition_index, Always());
      visit("ErrorCode", self.error_code, Always());
      visit("ErrorMessage", self.error_message, Always().Nullable());
    }
    friend bool operator==(const Partition&, const Partition&) = default;
  };

  struct TopicResponse {
    std::string topic_name;
    Uuid topic_id;
    std::vector<Partition> partitions;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("TopicName", self.topic_name, Always());
      visit("TopicId", self.topic_id, Always());
      visit("Partitions", self.partitions, Always());
    }
    friend bool operator==(const TopicResponse&, const TopicResponse&) = default;
  };

  int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;
  std::optional<std::string> error_message;
  std::vector<TopicResponse> responses;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ThrottleTimeMs", self.throttle_time_ms, Always());
    visit("ErrorCode", self.error_code, Always());
    visit("ErrorMessage", self.error_message, Always().Nullable());
    visit("Responses", self.responses, Always());
  }
  friend bool operator==(const AlterShareGroupOffsetsResponse&,
                         const AlterShareGroupOffsetsResponse&) = default;
};

// DeleteShareGroupOffsets (key 92): forget topics of an empty group.
struct DeleteShareGroupOffsetsRequest {
  static constexpr MessageInfo kInfo{
      ApiKey::kDeleteShareGroupOffsets, "DeleteShareGroupOffsetsRequest", {0, 0}, 0};

  struct Topic {
    std::string topic_name;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("TopicName", self.topic_name, Always());
    }
    friend bool operator==(const Topic&, const Topic&) = default;
  };

  std::string group_id;
  std::vector<Topic> topics;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("GroupId", self.group_id, Always());
    visit("Topics", self.topics, Always());
  }
  friend bool operator==(const DeleteShareGroupOffsetsRequest&,
                         const DeleteShareGroupOffsetsRequest&) = default;
};

// Results by topic.
struct DeleteShareGroupOffsetsResponse {
  static constexpr MessageInfo kInfo{
      ApiKey::kDeleteShareGroupOffsets, "DeleteShareGroupOffsetsResponse", {0, 0}, 0};

  struct TopicResponse {
    std::string topic_name;
    Uuid topic_id;
    ErrorCode error_code = ErrorCode::kNone;
    std::optional<std::string> error_message;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("TopicName", self.topic_name, Always());
      visit("TopicId", self.topic_id, Always());
      visit("ErrorCode", self.error_code, Always());
      visit("ErrorMessage", self.error_message, Always().Nullable());
    }
    friend bool operator==(const TopicResponse&, const TopicResponse&) = default;
  };

  int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;
  std::optional<std::string> error_message;
  std::vector<TopicResponse> responses;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ThrottleTimeMs", self.throttle_time_ms, Always());
    visit("ErrorCode", self.error_code, Always());
    visit("ErrorMessage", self.error_message, Always().Nullable());
    visit("Responses", self.responses, Always());
  }
  friend bool operator==(const DeleteShareGroupOffsetsResponse&,
                         const DeleteShareGroupOffsetsResponse&) = default;
};

}  // namespace weir::wire
