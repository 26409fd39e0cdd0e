// The controller quorum and cluster-wide features, as brokers answer for them. Fields and versions
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

// DescribeQuorum (key 55): the quorum's leader, voters and observers (KIP-595, KIP-836, KIP-853).
struct DescribeQuorumRequest {
  static constexpr MessageInfo kInfo{ApiKey::kDescribeQuorum, "DescribeQuorumRequest", {0, 2}, 0};

  struct Partition {
    int32_t partition_index = 0;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("PartitionIndex", self.partition_index, Always());
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

  std::vector<Topic> topics;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("Topics", self.topics, Always());
  }
  friend bool operator==(const DescribeQuorumRequest&, const DescribeQuorumRequest&) = default;
};

// Log end offsets and fetch times of voters and observers.
struct DescribeQuorumResponse {
  static constexpr MessageInfo kInfo{ApiKey::kDescribeQuorum, "DescribeQuorumResponse", {0, 2}, 0};

  struct ReplicaState {
    int32_t replica_id = 0;
    Uuid replica_directory_id;
    int64_t log_end_offset = 0;
    int64_t last_fetch_timestamp = -1;
    int64_t last_caught_up_timestamp = -1;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("ReplicaId", self.replica_id, Always());
      visit("ReplicaDirectoryId", self.replica_directory_id, Since(2));
      visit("LogEndOffset", self.log_end_offset, Always());
      visit("LastFetchTimestamp", self.last_fetch_timestamp, Since(1));
      visit("LastCaughtUpTimestamp", self.last_caught_up_timestamp, Since(1));
    }
    friend bool operator==(const ReplicaState&, const ReplicaState&) = default;
  };

  struct Partition {
    int32_t partition_index = 0;
    ErrorCode error_code = ErrorCode::kNone;
    std::optional<std::string> error_message{std::in_place};
    int32_t leader_id = 0;
    int32_t leader_epoch = 0;
    int64_t high_watermark = 0;
    std::vector<ReplicaState> current_voters;
    std::vector<ReplicaState> observers;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("PartitionIndex", self.partition_index, Always());
      visit("ErrorCode", self.error_code, Always());
      visit("ErrorMessage", self.error_message, Since(2).Nullable());
      visit("LeaderId", self.leader_id, Always());
      visit("LeaderEpoch", self.leader_epoch, Always());
      visit("HighWatermark", self.high_watermark, Always());
      visit("CurrentVoters", self.current_voters, Always());
      visit("Observers", self.observers, Always());
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

  struct Listener {
    std::string name;
    std::string host;
    uint16_t port = 0;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Name", self.name, Always());
      visit("Host", self.host, Always());
      visit("Port", self.port, Always());
    }
    friend bool operator==(const Listener&, const Listener&) = default;
  };

  struct Node {
    int32_t node_id = 0;
    std::vector<Listener> listeners;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("NodeId", self.node_id, Always());
      visit("Listeners", self.listeners, Always());
    }
    friend bool operator==(const Node&, const Node&) = default;
  };

  ErrorCode error_code = ErrorCode::kNone;
  std::optional<std::string> error_message{std::in_place};
  std::vector<Topic> topics;
  std::vector<Node> nodes;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ErrorCode", self.error_code, Always());
    visit("ErrorMessage", self.error_message, Since(2).Nullable());
    visit("Topics", self.topics, Always());
    visit("Nodes", self.nodes, Since(2));
  }
  friend bool operator==(const DescribeQuorumResponse&, const DescribeQuorumResponse&) = default;
};

// AddRaftVoter (key 80): add a controller to the voters (KIP-853).
struct AddRaftVoterRequest {
  static constexpr MessageInfo kInfo{ApiKey::kAddRaftVoter, "AddRaftVoterRequest", {0, 1}, 0};

  struct Listener {
    std::string name;
    std::string host;
    uint16_t port = 0;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Name", self.name, Always());
      visit("Host", self.host, Always());
      visit("Port", self.port, Always());
    }
    friend bool operator==(const Listener&, const Listener&) = default;
  };

  std::optional<std::string> cluster_id{std::in_place};
  int32_t timeout_ms = 0;
  int32_t voter_id = 0;
  Uuid voter_directory_id;
  std::vector<Listener> listeners;
  bool ack_when_committed = true;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ClusterId", self.cluster_id, Always().Nullable());
    visit("TimeoutMs", self.timeout_ms, Always());
    visit("VoterId", self.voter_id, Always());
    visit("VoterDirectoryId", self.voter_directory_id, Always());
    visit("Listeners", self.listeners, Always());
    visit("AckWhenCommitted", self.ack_when_committed, Since(1));
  }
  friend bool operator==(const AddRaftVoterRequest&, const AddRaftVoterRequest&) = default;
};

// The outcome alone.
struct AddRaftVoterResponse {
  static constexpr MessageInfo kInfo{ApiKey::kAddRaftVoter, "AddRaftVoterResponse", {0, 1}, 0};

  int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;
  std::optional<std::string> error_message{std::in_place};

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ThrottleTimeMs", self.throttle_time_ms, Always());
    visit("ErrorCode", self.error_code, Always());
    visit("ErrorMessage", self.error_message, Always().Nullable());
  }
  friend bool operator==(const AddRaftVoterResponse&, const AddRaftVoterResponse&) = default;
};

// RemoveRaftVoter (key 81): remove a controller from the voters (KIP-853).
struct RemoveRaftVoterRequest {
  static constexpr MessageInfo kInfo{ApiKey::kRemoveRaftVoter, "RemoveRaftVoterRequest", {0, 0}, 0};

  std::optional<std::string> cluster_id{std::in_place};
  int32_t voter_id = 0;
  Uuid voter_directory_id;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ClusterId", self.cluster_id, Always().Nullable());
    visit("VoterId", self.voter_id, Always());
    visit("VoterDirectoryId", self.voter_directory_id, Always());
  }
  friend bool operator==(const RemoveRaftVoterRequest&, const RemoveRaftVoterRequest&) = default;
};

// The outcome alone.
struct RemoveRaftVoterResponse {
  static constexpr MessageInfo kInfo{
      ApiKey::kRemoveRaftVoter, "RemoveRaftVoterResponse", {0, 0}, 0};

  int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;
  std::optional<std::string> error_message{std::in_place};

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ThrottleTimeMs", self.throttle_time_ms, Always());
    visit("ErrorCode", self.error_code, Always());
    visit("ErrorMessage", self.error_message, Always().Nullable());
  }
  friend bool operator==(const RemoveRaftVoterResponse&, const RemoveRaftVoterResponse&) = default;
};

// UpdateFeatures (key 57): finalize feature levels (KIP-584). upgrade_type 1 upgrade, 2 safe, 3
// unsafe downgrade.
struct UpdateFeaturesRequest {
  static constexpr MessageInfo kInfo{ApiKey::kUpdateFeatures, "UpdateFeaturesRequest", {0, 2}, 0};

  struct FeatureUpdate {
    std::string feature;
    int16_t max_version_level = 0;
    int8_t upgrade_type = 1;
    bool allow_downgrade = false;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Feature", self.feature, Always());
      visit("MaxVersionLevel", self.max_version_level, Always());
      visit("UpgradeType", self.upgrade_type, Since(1));
      visit("AllowDowngrade", self.allow_downgrade, Until(0));
    }
    friend bool operator==(const FeatureUpdate&, const FeatureUpdate&) = default;
  };

  int32_t timeout_ms = 60000;
  std::vector<FeatureUpdate> feature_updates;
  bool validate_only = false;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("timeoutMs", self.timeout_ms, Always());
    visit("FeatureUpdates", self.feature_updates, Always());
    visit("ValidateOnly", self.validate_only, Since(1));
  }
  friend bool operator==(const UpdateFeaturesRequest&, const UpdateFeaturesRequest&) = default;
};

// Results by feature until version 1.
struct UpdateFeaturesResponse {
  static constexpr MessageInfo kInfo{ApiKey::kUpdateFeatures, "UpdateFeaturesResponse", {0, 2}, 0};

  struct FeatureResult {
    std::string feature;
    ErrorCode error_code = ErrorCode::kNone;
    std::optional<std::string> error_message{std::in_place};

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Feature", self.feature, Always());
      visit("ErrorCode", self.error_code, Always());
      visit("ErrorMessage", self.error_message, Always().Nullable());
    }
    friend bool operator==(const FeatureResult&, const FeatureResult&) = default;
  };

  int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;
  std::optional<std::string> error_message{std::in_place};
  std::vector<FeatureResult> results;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ThrottleTimeMs", self.throttle_time_ms, Always());
    visit("ErrorCode", self.error_code, Always());
    visit("ErrorMessage", self.error_message, Always().Nullable());
    visit("Results", self.results, Until(1));
  }
  friend bool operator==(const UpdateFeaturesResponse&, const UpdateFeaturesResponse&) = default;
};

// UnregisterBroker (key 64): forget a broker that is gone (KIP-500).
struct UnregisterBrokerRequest {
  static constexpr MessageInfo kInfo{
      ApiKey::kUnregisterBroker, "UnregisterBrokerRequest", {0, 0}, 0};

  int32_t broker_id = 0;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("BrokerId", self.broker_id, Always());
  }
  friend bool operator==(const UnregisterBrokerRequest&, const UnregisterBrokerRequest&) = default;
};

// The outcome alone.
struct UnregisterBrokerResponse {
  static constexpr MessageInfo kInfo{
      ApiKey::kUnregisterBroker, "UnregisterBrokerResponse", {0, 0}, 0};

  int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;
  std::optional<std::string> error_message{std::in_place};

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ThrottleTimeMs", self.throttle_time_ms, Always());
    visit("ErrorCode", self.error_code, Always());
    visit("ErrorMessage", self.error_message, Always().Nullable());
  }
  friend bool operator==(const UnregisterBrokerResponse&,
                         const UnregisterBrokerResponse&) = default;
};

// UnregisterController (key 94): forget a controller that is gone.
struct UnregisterControllerRequest {
  static constexpr MessageInfo kInfo{
      ApiKey::kUnregisterController, "UnregisterControllerRequest", {0, 0}, 0};

  int32_t controller_id = 0;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ControllerId", self.controller_id, Always());
  }
  friend bool operator==(const UnregisterControllerRequest&,
                         const UnregisterControllerRequest&) = default;
};

// The outcome alone.
struct UnregisterControllerResponse {
  static constexpr MessageInfo kInfo{
      ApiKey::kUnregisterController, "UnregisterControllerResponse", {0, 0}, 0};

  int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;
  std::optional<std::string> error_message{std::in_place};

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ThrottleTimeMs", self.throttle_time_ms, Always());
    visit("ErrorCode", self.error_code, Always());
    visit("ErrorMessage", self.error_message, Always().Nullable());
  }
  friend bool operator==(const UnregisterControllerResponse&,
                         const UnregisterControllerResponse&) = default;
};

}  // namespace weir::wire
