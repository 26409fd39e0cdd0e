// Questions about positions in a partition's log. Fields and versions are those of the protocol;
// describe.h says how they are read. Thread rule: plain values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "broker/wire/describe.h"
#include "common/base/error_code.h"

namespace weir::wire {

// ListOffsets (key 2): the offset at a timestamp, or -1 latest, -2 earliest, -3 max timestamp
// (KIP-734), -4 earliest local (KIP-405), -5 latest tiered (KIP-1005), -6 earliest pending upload
// (KIP-1023).
struct ListOffsetsRequest {
  static constexpr MessageInfo kInfo{ApiKey::kListOffsets, "ListOffsetsRequest", {1, 11}, 6};

  struct Partition {
    int32_t partition_index = 0;
    int32_t current_leader_epoch = -1;
    int64_t timestamp = 0;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("PartitionIndex", self.partition_index, Always());
      visit("CurrentLeaderEpoch", self.current_leader_epoch, Since(4));
      visit("Timestamp", self.timestamp, Always());
    }
    friend bool operator==(const Partition&, const Partition&) = default;
  };

  struct Topic {
    std::string name;
    std::vector<Partition> partitions;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Name", self.name, Always());
      visit("Partitions", self.partitions, Always());
    }
    friend bool operator==(const Topic&, const Topic&) = default;
  };

  int32_t replica_id = 0;
  int8_t isolation_level = 0;
  std::vector<Topic> topics;
  int32_t timeout_ms = 0;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ReplicaId", self.replica_id, Always());
    visit("IsolationLevel", self.isolation_level, Since(2));
    visit("Topics", self.topics, Always());
    visit("TimeoutMs", self.timeout_ms, Since(10));
  }
  friend bool operator==(const ListOffsetsRequest&, const ListOffsetsRequest&) = default;
};

// The offset and timestamp found; -1 when there is none.
struct ListOffsetsResponse {
  static constexpr MessageInfo kInfo{ApiKey::kListOffsets, "ListOffsetsResponse", {1, 11}, 6};

  struct Partition {
    int32_t partition_index = 0;
    ErrorCode error_code = ErrorCode::kNone;
    int64_t timestamp = -1;
    int64_t offset = -1;
    int32_t leader_epoch = -1;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("PartitionIndex", self.partition_index, Always());
      visit("ErrorCode", self.error_code, Always());
      visit("Timestamp", self.timestamp, Always());
      visit("Offset", self.offset, Always());
      visit("LeaderEpoch", self.leader_epoch, Since(4));
    }
    friend bool operator==(const Partition&, const Partition&) = default;
  };

  struct Topic {
    std::string name;
    std::vector<Partition> partitions;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Name", self.name, Always());
      visit("Partitions", self.partitions, Always());
    }
    friend bool operator==(const Topic&, const Topic&) = default;
  };

  int32_t throttle_time_ms = 0;
  std::vector<Topic> topics;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ThrottleTimeMs", self.throttle_time_ms, Since(2));
    visit("Topics", self.topics, Always());
  }
  friend bool operator==(const ListOffsetsResponse&, const ListOffsetsResponse&) = default;
};

// OffsetForLeaderEpoch (key 23): where a leader epoch ended, to find a truncation (KIP-101,
// KIP-320).
struct OffsetForLeaderEpochRequest {
  static constexpr MessageInfo kInfo{
      ApiKey::kOffsetForLeaderEpoch, "OffsetForLeaderEpochRequest", {2, 4}, 4};

  struct Partition {
    int32_t partition = 0;
    int32_t current_leader_epoch = -1;
    int32_t leader_epoch = 0;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Partition", self.partition, Always());
      visit("CurrentLeaderEpoch", self.current_leader_epoch, Always());
      visit("LeaderEpoch", self.leader_epoch, Always());
    }
    friend bool operator==(const Partition&, const Partition&) = default;
  };

  struct Topic {
    std::string topic;
    std::vector<Partition> partitions;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Topic", self.topic, Always());
      visit("Partitions", self.partitions, Always());
    }
    friend bool operator==(const Topic&, const Topic&) = default;
  };

  int32_t replica_id = -2;
  std::vector<Topic> topics;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ReplicaId", self.replica_id, Since(3));
    visit("Topics", self.topics, Always());
  }
  friend bool operator==(const OffsetForLeaderEpochRequest&,
                         const OffsetForLeaderEpochRequest&) = default;
};

// end_offset is -1 when the epoch is unknown.
struct OffsetForLeaderEpochResponse {
  static constexpr MessageInfo kInfo{
      ApiKey::kOffsetForLeaderEpoch, "OffsetForLeaderEpochResponse", {2, 4}, 4};

  struct Partition {
    ErrorCode error_code = ErrorCode::kNone;
    int32_t partition = 0;
    int32_t leader_epoch = -1;
    int64_t end_offset = -1;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("ErrorCode", self.error_code, Always());
      visit("Partition", self.partition, Always());
      visit("LeaderEpoch", self.leader_epoch, Always());
      visit("EndOffset", self.end_offset, Always());
    }
    friend bool operator==(const Partition&, const Partition&) = default;
  };

  struct Topic {
    std::string topic;
    std::vector<Partition> partitions;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Topic", self.topic, Always());
      visit("Partitions", self.partitions, Always());
    }
    friend bool operator==(const Topic&, const Topic&) = default;
  };

  int32_t throttle_time_ms = 0;
  std::vector<Topic> topics;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ThrottleTimeMs", self.throttle_time_ms, Always());
    visit("Topics", self.topics, Always());
  }
  friend bool operator==(const OffsetForLeaderEpochResponse&,
                         const OffsetForLeaderEpochResponse&) = default;
};

// DeleteRecords (key 21): move the log start offset forward (KIP-107). -1 means up to the high
// watermark.
struct DeleteRecordsRequest {
  static constexpr MessageInfo kInfo{ApiKey::kDeleteRecords, "DeleteRecordsRequest", {0, 2}, 2};

  struct Partition {
    int32_t partition_index = 0;
    int64_t offset = 0;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("PartitionIndex", self.partition_index, Always());
      visit("Offset", self.offset, Always());
    }
    friend bool operator==(const Partition&, const Partition&) = default;
  };

  struct Topic {
    std::string name;
    std::vector<Partition> partitions;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Name", self.name, Always());
      visit("Partitions", self.partitions, Always());
    }
    friend bool operator==(const Topic&, const Topic&) = default;
  };

  std::vector<Topic> topics;
  int32_t timeout_ms = 0;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("Topics", self.topics, Always());
    visit("TimeoutMs", self.timeout_ms, Always());
  }
  friend bool operator==(const DeleteRecordsRequest&, const DeleteRecordsRequest&) = default;
};

// low_watermark is the smallest log start offset of the live replicas.
struct DeleteRecordsResponse {
  static constexpr MessageInfo kInfo{ApiKey::kDeleteRecords, "DeleteRecordsResponse", {0, 2}, 2};

  struct Partition {
    int32_t partition_index = 0;
    int64_t low_watermark = 0;
    ErrorCode error_code = ErrorCode::kNone;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("PartitionIndex", self.partition_index, Always());
      visit("LowWatermark", self.low_watermark, Always());
      visit("ErrorCode", self.error_code, Always());
    }
    friend bool operator==(const Partition&, const Partition&) = default;
  };

  struct Topic {
    std::string name;
    std::vector<Partition> partitions;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Name", self.name, Always());
      visit("Partitions", self.partitions, Always());
    }
    friend bool operator==(const Topic&, const Topic&) = default;
  };

  int32_t throttle_time_ms = 0;
  std::vector<Topic> topics;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ThrottleTimeMs", self.throttle_time_ms, Always());
    visit("Topics", self.topics, Always());
  }
  friend bool operator==(const DeleteRecordsResponse&, const DeleteRecordsResponse&) = default;
};

}  // namespace weir::wire
