// Creating, deleting and growing topics. Fields and versions are those of the protocol; DESIGN D9
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

// CreateTopics (key 19). -1 partitions or replicas means the default (KIP-464).
struct CreateTopicsRequest {
  static constexpr MessageInfo kInfo{ApiKey::kCreateTopics, "CreateTopicsRequest", {2, 7}, 5};

  struct ReplicaAssignment {
    int32_t partition_index = 0;
    std::vector<int32_t> broker_ids;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("PartitionIndex", self.partition_index, Always());
      visit("BrokerIds", self.broker_ids, Always());
    }
    friend bool operator==(const ReplicaAssignment&, const ReplicaAssignment&) = default;
  };

  struct Config {
    std::string name;
    std::optional<std::string> value{std::in_place};

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Name", self.name, Always());
      visit("Value", self.value, Always().Nullable());
    }
    friend bool operator==(const Config&, const Config&) = default;
  };

  struct Topic {
    std::string name;
    int32_t num_partitions = 0;
    int16_t replication_factor = 0;
    std::vector<ReplicaAssignment> assignments;
    std::vector<Config> configs;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Name", self.name, Always());
      visit("NumPartitions", self.num_partitions, Always());
      visit("ReplicationFactor", self.replication_factor, Always());
      visit("Assignments", self.assignments, Always());
      visit("Configs", self.configs, Always());
    }
    friend bool operator==(const Topic&, const Topic&) = default;
  };

  std::vector<Topic> topics;
  int32_t timeout_ms = 60000;
  bool validate_only = false;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("Topics", self.topics, Always());
    visit("timeoutMs", self.timeout_ms, Always());
    visit("validateOnly", self.validate_only, Always());
  }
  friend bool operator==(const CreateTopicsRequest&, const CreateTopicsRequest&) = default;
};

// Topic id from version 7; the resulting configuration from version 5 (KIP-525).
struct CreateTopicsResponse {
  static constexpr MessageInfo kInfo{ApiKey::kCreateTopics, "CreateTopicsResponse", {2, 7}, 5};

  struct Config {
    std::string name;
    std::optional<std::string> value{std::in_place};
    bool read_only = false;
    int8_t config_source = -1;
    bool is_sensitive = false;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Name", self.name, Always());
      visit("Value", self.value, Always().Nullable());
      visit("ReadOnly", self.read_only, Always());
      visit("ConfigSource", self.config_source, Always());
      visit("IsSensitive", self.is_sensitive, Always());
    }
    friend bool operator==(const Config&, const Config&) = default;
  };

  struct Topic {
    std::string name;
    Uuid topic_id;
    ErrorCode error_code = ErrorCode::kNone;
    std::optional<std::string> error_message{std::in_place};
    int32_t num_partitions = -1;
    int16_t replication_factor = -1;
    std::optional<std::vector<Config>> configs{std::in_place};
    ErrorCode topic_config_error_code = ErrorCode::kNone;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Name", self.name, Always());
      visit("TopicId", self.topic_id, Since(7));
      visit("ErrorCode", self.error_code, Always());
      visit("ErrorMessage", self.error_message, Always().Nullable());
      visit("NumPartitions", self.num_partitions, Since(5));
      visit("ReplicationFactor", self.replication_factor, Since(5));
      visit("Configs", self.configs, Since(5).Nullable());
      visit("TopicConfigErrorCode", self.topic_config_error_code, Since(5).Tagged(0));
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
  friend bool operator==(const CreateTopicsResponse&, const CreateTopicsResponse&) = default;
};

// DeleteTopics (key 20): by name, from version 6 also by topic id (KIP-516).
struct DeleteTopicsRequest {
  static constexpr MessageInfo kInfo{ApiKey::kDeleteTopics, "DeleteTopicsRequest", {1, 6}, 4};

  struct Topic {
    std::optional<std::string> name;
    Uuid topic_id;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Name", self.name, Always().Nullable());
      visit("TopicId", self.topic_id, Always());
    }
    friend bool operator==(const Topic&, const Topic&) = default;
  };

  std::vector<Topic> topics;
  std::vector<std::string> topic_names;
  int32_t timeout_ms = 0;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("Topics", self.topics, Since(6));
    visit("TopicNames", self.topic_names, Until(5));
    visit("TimeoutMs", self.timeout_ms, Always());
  }
  friend bool operator==(const DeleteTopicsRequest&, const DeleteTopicsRequest&) = default;
};

// One result for each topic asked.
struct DeleteTopicsResponse {
  static constexpr MessageInfo kInfo{ApiKey::kDeleteTopics, "DeleteTopicsResponse", {1, 6}, 4};

  struct TopicResult {
    std::optional<std::string> name{std::in_place};
    Uuid topic_id;
    ErrorCode error_code = ErrorCode::kNone;
    std::optional<std::string> error_message;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Name", self.name, Always().NullableSince(6));
      visit("TopicId", self.topic_id, Since(6));
      visit("ErrorCode", self.error_code, Always());
      visit("ErrorMessage", self.error_message, Since(5).Nullable());
    }
    friend bool operator==(const TopicResult&, const TopicResult&) = default;
  };

  int32_t throttle_time_ms = 0;
  std::vector<TopicResult> responses;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ThrottleTimeMs", self.throttle_time_ms, Always());
    visit("Responses", self.responses, Always());
  }
  friend bool operator==(const DeleteTopicsResponse&, const DeleteTopicsResponse&) = default;
};

// CreatePartitions (key 37): grow topics to `count` partitions in all (KIP-195).
struct CreatePartitionsRequest {
  static constexpr MessageInfo kInfo{
      ApiKey::kCreatePartitions, "CreatePartitionsRequest", {0, 3}, 2};

  struct ReplicaAssignment {
    std::vector<int32_t> broker_ids;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("BrokerIds", self.broker_ids, Always());
    }
    friend bool operator==(const ReplicaAssignment&, const ReplicaAssignment&) = default;
  };

  struct Topic {
    std::string name;
    int32_t count = 0;
    std::optional<std::vector<ReplicaAssignment>> assignments{std::in_place};

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Name", self.name, Always());
      visit("Count", self.count, Always());
      visit("Assignments", self.assignments, Always().Nullable());
    }
    friend bool operator==(const Topic&, const Topic&) = default;
  };

  std::vector<Topic> topics;
  int32_t timeout_ms = 0;
  bool validate_only = false;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("Topics", self.topics, Always());
    visit("TimeoutMs", self.timeout_ms, Always());
    visit("ValidateOnly", self.validate_only, Always());
  }
  friend bool operator==(const CreatePartitionsRequest&, const CreatePartitionsRequest&) = default;
};

// One result for each topic asked.
struct CreatePartitionsResponse {
  static constexpr MessageInfo kInfo{
      ApiKey::kCreatePartitions, "CreatePartitionsResponse", {0, 3}, 2};

  struct TopicResult {
    std::string name;
    ErrorCode error_code = ErrorCode::kNone;
    std::optional<std::string> error_message;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Name", self.name, Always());
      visit("ErrorCode", self.error_code, Always());
      visit("ErrorMessage", self.error_message, Always().Nullable());
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
  friend bool operator==(const CreatePartitionsResponse&,
                         const CreatePartitionsResponse&) = default;
};

}  // namespace weir::wire
