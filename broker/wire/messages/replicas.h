// Where replicas are: log directories, elections, reassignments. Fields and versions are those of
// the protocol; describe.h says how they are read. Thread rule: plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/wire/describe.h"
#include "common/base/error_code.h"

namespace weir::wire {

// AlterReplicaLogDirs (key 34): move replicas between a broker's directories (KIP-113).
struct AlterReplicaLogDirsRequest {
  static constexpr MessageInfo kInfo{
      ApiKey::kAlterReplicaLogDirs, "AlterReplicaLogDirsRequest", {1, 2}, 2};

  struct Topic {
    std::string name;
    std::vector<int32_t> partitions;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Name", self.name, Always());
      visit("Partitions", self.partitions, Always());
    }
    friend bool operator==(const Topic&, const Topic&) = default;
  };

  struct LogDir {
    std::string path;
    std::vector<Topic> topics;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Path", self.path, Always());
      visit("Topics", self.topics, Always());
    }
    friend bool operator==(const LogDir&, const LogDir&) = default;
  };

  std::vector<LogDir> dirs;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("Dirs", self.dirs, Always());
  }
  friend bool operator==(const AlterReplicaLogDirsRequest&,
                         const AlterReplicaLogDirsRequest&) = default;
};

// Results by partition.
struct AlterReplicaLogDirsResponse {
  static constexpr MessageInfo kInfo{
      ApiKey::kAlterReplicaLogDirs, "AlterReplicaLogDirsResponse", {1, 2}, 2};

  struct Partition {
    int32_t partition_index = 0;
    ErrorCode error_code = ErrorCode::kNone;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("PartitionIndex", self.partition_index, Always());
      visit("ErrorCode", self.error_code, Always());
    }
    friend bool operator==(const Partition&, const Partition&) = default;
  };

  struct TopicResult {
    std::string topic_name;
    std::vector<Partition> partitions;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("TopicName", self.topic_name, Always());
      visit("Partitions", self.partitions, Always());
    }
    friend bool operator==(const TopicResult&, const TopicResult&) = default;
  };

  int32_t throttle_time_ms = 0;
  std::vector<TopicResult> results;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ThrottleTimeMs", self.throttle_time_ms, Always());
    visit("Results", self.results, Always());
  }
  friend bool operator==(const AlterReplicaLogDirsResponse&,
                         const AlterReplicaLogDirsResponse&) = default;
};

// DescribeLogDirs (key 35): sizes of replicas in a broker's directories (KIP-113, KIP-827); null
// topics means all.
struct DescribeLogDirsRequest {
  static constexpr MessageInfo kInfo{ApiKey::kDescribeLogDirs, "DescribeLogDirsRequest", {1, 5}, 2};

  struct Topic {
    std::string topic;
    std::vector<int32_t> partitions;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Topic", self.topic, Always());
      visit("Partitions", self.partitions, Always());
    }
    friend bool operator==(const Topic&, const Topic&) = default;
  };

  std::optional<std::vector<Topic>> topics{std::in_place};

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("Topics", self.topics, Always().Nullable());
  }
  friend bool operator==(const DescribeLogDirsRequest&, const DescribeLogDirsRequest&) = default;
};

// Version 3 has an error of its own; -1 bytes means unknown.
struct DescribeLogDirsResponse {
  static constexpr MessageInfo kInfo{
      ApiKey::kDescribeLogDirs, "DescribeLogDirsResponse", {1, 5}, 2};

  struct Partition {
    int32_t partition_index = 0;
    int64_t partition_size = 0;
    int64_t offset_lag = 0;
    bool is_future_key = false;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("PartitionIndex", self.partition_index, Always());
      visit("PartitionSize", self.partition_size, Always());
      visit("OffsetLag", self.offset_lag, Always());
      visit("IsFutureKey", self.is_future_key, Always());
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

  struct LogDirResult {
    ErrorCode error_code = ErrorCode::kNone;
    std::string log_dir;
    std::vector<Topic> topics;
    int64_t total_bytes = -1;
    int64_t usable_bytes = -1;
    bool is_cordoned = false;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("ErrorCode", self.error_code, Always());
      visit("LogDir", self.log_dir, Always());
      visit("Topics", self.topics, Always());
      visit("TotalBytes", self.total_bytes, Since(4));
      visit("UsableBytes", self.usable_bytes, Since(4));
      visit("IsCordoned", self.is_cordoned, Since(5));
    }
    friend bool operator==(const LogDirResult&, const LogDirResult&) = default;
  };

  int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;
  std::vector<LogDirResult> results;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ThrottleTimeMs", self.throttle_time_ms, Always());
    visit("ErrorCode", self.error_code, Since(3));
    visit("Results", self.results, Always());
  }
  friend bool operator==(const DescribeLogDirsResponse&, const DescribeLogDirsResponse&) = default;
};

// ElectLeaders (key 43): preferred (0) or unclean (1) election (KIP-460); null partitions means
// all.
struct ElectLeadersRequest {
  static constexpr MessageInfo kInfo{ApiKey::kElectLeaders, "ElectLeadersRequest", {0, 2}, 2};

  struct TopicPartitions {
    std::string topic;
    std::vector<int32_t> partitions;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Topic", self.topic, Always());
      visit("Partitions", self.partitions, Always());
    }
    friend bool operator==(const TopicPartitions&, const TopicPartitions&) = default;
  };

  int8_t election_type = 0;
  std::optional<std::vector<TopicPartitions>> topic_partitions{std::in_place};
  int32_t timeout_ms = 60000;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ElectionType", self.election_type, Since(1));
    visit("TopicPartitions", self.topic_partitions, Always().Nullable());
    visit("TimeoutMs", self.timeout_ms, Always());
  }
  friend bool operator==(const ElectLeadersRequest&, const ElectLeadersRequest&) = default;
};

// Results by partition.
struct ElectLeadersResponse {
  static constexpr MessageInfo kInfo{ApiKey::kElectLeaders, "ElectLeadersResponse", {0, 2}, 2};

  struct PartitionResult {
    int32_t partition_id = 0;
    ErrorCode error_code = ErrorCode::kNone;
    std::optional<std::string> error_message{std::in_place};

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("PartitionId", self.partition_id, Always());
      visit("ErrorCode", self.error_code, Always());
      visit("ErrorMessage", self.error_message, Always().Nullable());
    }
    friend bool operator==(const PartitionResult&, const PartitionResult&) = default;
  };

  struct TopicResult {
    std::string topic;
    std::vector<PartitionResult> partition_result;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Topic", self.topic, Always());
      visit("PartitionResult", self.partition_result, Always());
    }
    friend bool operator==(const TopicResult&, const TopicResult&) = default;
  };

  int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;
  std::vector<TopicResult> replica_election_results;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ThrottleTimeMs", self.throttle_time_ms, Always());
    visit("ErrorCode", self.error_code, Since(1));
    visit("ReplicaElectionResults", self.replica_election_results, Always());
  }
  friend bool operator==(const ElectLeadersResponse&, const ElectLeadersResponse&) = default;
};

// AlterPartitionReassignments (key 45): start, change or (null replicas) cancel reassignments
// (KIP-455).
struct AlterPartitionReassignmentsRequest {
  static constexpr MessageInfo kInfo{
      ApiKey::kAlterPartitionReassignments, "AlterPartitionReassignmentsRequest", {0, 1}, 0};

  struct Partition {
    int32_t partition_index = 0;
    std::optional<std::vector<int32_t>> replicas;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("PartitionIndex", self.partition_index, Always());
      visit("Replicas", self.replicas, Always().Nullable());
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

  int32_t timeout_ms = 60000;
  bool allow_replication_factor_change = true;
  std::vector<Topic> topics;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("TimeoutMs", self.timeout_ms, Always());
    visit("AllowReplicationFactorChange", self.allow_replication_factor_change, Since(1));
    visit("Topics", self.topics, Always());
  }
  friend bool operator==(const AlterPartitionReassignmentsRequest&,
                         const AlterPartitionReassignmentsRequest&) = default;
};

// Results by partition.
struct AlterPartitionReassignmentsResponse {
  static constexpr MessageInfo kInfo{
      ApiKey::kAlterPartitionReassignments, "AlterPartitionReassignmentsResponse", {0, 1}, 0};

  struct Partition {
    int32_t partition_index = 0;
    ErrorCode error_code = ErrorCode::kNone;
    std::optional<std::string> error_message{std::in_place};

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("PartitionIndex", self.partition_index, Always());
      visit("ErrorCode", self.error_code, Always());
      visit("ErrorMessage", self.error_message, Always().Nullable());
    }
    friend bool operator==(const Partition&, const Partition&) = default;
  };

  struct TopicResponse {
    std::string name;
    std::vector<Partition> partitions;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Name", self.name, Always());
      visit("Partitions", self.partitions, Always());
    }
    friend bool operator==(const TopicResponse&, const TopicResponse&) = default;
  };

  int32_t throttle_time_ms = 0;
  bool allow_replication_factor_change = true;
  ErrorCode error_code = ErrorCode::kNone;
  std::optional<std::string> error_message{std::in_place};
  std::vector<TopicResponse> responses;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ThrottleTimeMs", self.throttle_time_ms, Always());
    visit("AllowReplicationFactorChange", self.allow_replication_factor_change, Since(1));
    visit("ErrorCode", self.error_code, Always());
    visit("ErrorMessage", self.error_message, Always().Nullable());
    visit("Responses", self.responses, Always());
  }
  friend bool operator==(const AlterPartitionReassignmentsResponse&,
                         const AlterPartitionReassignmentsResponse&) = default;
};

// ListPartitionReassignments (key 46): ongoing reassignments; null topics means all.
struct ListPartitionReassignmentsRequest {
  static constexpr MessageInfo kInfo{
      ApiKey::kListPartitionReassignments, "ListPartitionReassignmentsRequest", {0, 0}, 0};

  struct Topic {
    std::string name;
    std::vector<int32_t> partition_indexes;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Name", self.name, Always());
      visit("PartitionIndexes", self.partition_indexes, Always());
    }
    friend bool operator==(const Topic&, const Topic&) = default;
  };

  int32_t timeout_ms = 60000;
  std::optional<std::vector<Topic>> topics;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("TimeoutMs", self.timeout_ms, Always());
    visit("Topics", self.topics, Always().Nullable());
  }
  friend bool operator==(const ListPartitionReassignmentsRequest&,
                         const ListPartitionReassignmentsRequest&) = default;
};

// Replicas of each moving partition.
struct ListPartitionReassignmentsResponse {
  static constexpr MessageInfo kInfo{
      ApiKey::kListPartitionReassignments, "ListPartitionReassignmentsResponse", {0, 0}, 0};

  struct Partition {
    int32_t partition_index = 0;
    std::vector<int32_t> replicas;
    std::vector<int32_t> adding_replicas;
    std::vector<int32_t> removing_replicas;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("PartitionIndex", self.partition_index, Always());
      visit("Replicas", self.replicas, Always());
      visit("AddingReplicas", self.adding_replicas, Always());
      visit("RemovingReplicas", self.removing_replicas, Always());
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
  ErrorCode error_code = ErrorCode::kNone;
  std::optional<std::string> error_message{std::in_place};
  std::vector<Topic> topics;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ThrottleTimeMs", self.throttle_time_ms, Always());
    visit("ErrorCode", self.error_code, Always());
    visit("ErrorMessage", self.error_message, Always().Nullable());
    visit("Topics", self.topics, Always());
  }
  friend bool operator==(const ListPartitionReassignmentsResponse&,
                         const ListPartitionReassignmentsResponse&) = default;
};

}  // namespace weir::wire
