// Groups of Kafka Streams whose tasks the server assigns (KIP-1071). Fields and versions are those
// of the protocol; describe.h says how they are read. Thread rule: plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/wire/describe.h"
#include "common/base/error_code.h"

namespace weir::wire {

// StreamsGroupHeartbeat (key 88): joins with a topology, keeps alive, reports tasks. Null means
// unchanged.
struct StreamsGroupHeartbeatRequest {
  static constexpr MessageInfo kInfo{
      ApiKey::kStreamsGroupHeartbeat, "StreamsGroupHeartbeatRequest", {0, 1}, 0};

  struct KeyValue {
    std::string key;
    std::string value;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Key", self.key, Always());
      visit("Value", self.value, Always());
    }
    friend bool operator==(const KeyValue&, const KeyValue&) = default;
  };

  struct TopicDescription {
    std::string name;
    int32_t partitions = 0;
    int16_t replication_factor = 0;
    std::vector<KeyValue> topic_configs;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Name", self.name, Always());
      visit("Partitions", self.partitions, Always());
      visit("ReplicationFactor", self.replication_factor, Always());
      visit("TopicConfigs", self.topic_configs, Always());
    }
    friend bool operator==(const TopicDescription&, const TopicDescription&) = default;
  };

  struct CopartitionGroup {
    std::vector<int16_t> source_topics;
    std::vector<int16_t> source_topic_regex;
    std::vector<int16_t> repartition_source_topics;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("SourceTopics", self.source_topics, Always());
      visit("SourceTopicRegex", self.source_topic_regex, Always());
      visit("RepartitionSourceTopics", self.repartition_source_topics, Always());
    }
    friend bool operator==(const CopartitionGroup&, const CopartitionGroup&) = default;
  };

  struct Subtopology {
    std::string subtopology_id;
    std::vector<std::string> source_topics;
    std::vector<std::string> source_topic_regex;
    std::vector<TopicDescription> state_changelog_topics;
    std::vector<std::string> repartition_sink_topics;
    std::vector<TopicDescription> repartition_source_topics;
    std::vector<CopartitionGroup> copartition_groups;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("SubtopologyId", self.subtopology_id, Always());
      visit("SourceTopics", self.source_topics, Always());
      visit("SourceTopicRegex", self.source_topic_regex, Always());
      visit("StateChangelogTopics", self.state_changelog_topics, Always());
      visit("RepartitionSinkTopics", self.repartition_sink_topics, Always());
      visit("RepartitionSourceTopics", self.repartition_source_topics, Always());
      visit("CopartitionGroups", self.copartition_groups, Always());
    }
    friend bool operator==(const Subtopology&, const Subtopology&) = default;
  };

  struct Topology {
    int32_t epoch = 0;
    std::vector<Subtopology> subtopologies;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Epoch", self.epoch, Always());
      visit("Subtopologies", self.subtopologies, Always());
    }
    friend bool operator==(const Topology&, const Topology&) = default;
  };

  struct Tasks {
    std::string subtopology_id;
    std::vector<int32_t> partitions;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("SubtopologyId", self.subtopology_id, Always());
      visit("Partitions", self.partitions, Always());
    }
    friend bool operator==(const Tasks&, const Tasks&) = default;
  };

  struct Endpoint {
    std::string host;
    uint16_t port = 0;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Host", self.host, Always());
      visit("Port", self.port, Always());
    }
    friend bool operator==(const Endpoint&, const Endpoint&) = default;
  };

  struct TaskOffset {
    std::string subtopology_id;
    int32_t partition = 0;
    int64_t offset = 0;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("SubtopologyId", self.subtopology_id, Always());
      visit("Partition", self.partition, Always());
      visit("Offset", self.offset, Always());
    }
    friend bool operator==(const TaskOffset&, const TaskOffset&) = default;
  };

  std::string group_id;
  std::string member_id;
  int32_t member_epoch = 0;
  int32_t endpoint_information_epoch = 0;
  std::optional<std::string> instance_id;
  std::optional<std::string> rack_id;
  int32_t rebalance_timeout_ms = -1;
  std::optional<Topology> topology;
  std::optional<std::vector<Tasks>> active_tasks;
  std::optional<std::vector<Tasks>> standby_tasks;
  std::optional<std::vector<Tasks>> warmup_tasks;
  std::optional<std::string> process_id;
  std::optional<Endpoint> user_endpoint;
  std::optional<std::vector<KeyValue>> client_tags;
  std::optional<std::vector<TaskOffset>> task_offsets;
  std::optional<std::vector<TaskOffset>> task_end_offsets;
  bool shutdown_application = false;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("GroupId", self.group_id, Always());
    visit("MemberId", self.member_id, Always());
    visit("MemberEpoch", self.member_epoch, Always());
    visit("EndpointInformationEpoch", self.endpoint_information_epoch, Always());
    visit("InstanceId", self.instance_id, Always().Nullable());
    visit("RackId", self.rack_id, Always().Nullable());
    visit("RebalanceTimeoutMs", self.rebalance_timeout_ms, Always());
    visit("Topology", self.topology, Always().Nullable());
    visit("ActiveTasks", self.active_tasks, Always().Nullable());
    visit("StandbyTasks", self.standby_tasks, Always().Nullable());
    visit("WarmupTasks", self.warmup_tasks, Always().Nullable());
    visit("ProcessId", self.process_id, Always().Nullable());
    visit("UserEndpoint", self.user_endpoint, Always().Nullable());
    visit("ClientTags", self.client_tags, Always().Nullable());
    visit("TaskOffsets", self.task_offsets, Always().Nullable());
    visit("TaskEndOffsets", self.task_end_offsets, Always().Nullable());
    visit("ShutdownApplication", self.shutdown_application, Always());
  }
  friend bool operator==(const StreamsGroupHeartbeatRequest&,
                         const StreamsGroupHeartbeatRequest&) = default;
};

// Tasks are null when they have not changed.
struct StreamsGroupHeartbeatResponse {
  static constexpr MessageInfo kInfo{
      ApiKey::kStreamsGroupHeartbeat, "StreamsGroupHeartbeatResponse", {0, 1}, 0};

  struct GroupStatus {
    int8_t status_code = 0;
    std::string status_detail;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("StatusCode", self.status_code, Always());
      visit("StatusDetail", self.status_detail, Always());
    }
    friend bool operator==(const GroupStatus&, const GroupStatus&) = default;
  };

  struct Tasks {
    std::string subtopology_id;
    std::vector<int32_t> partitions;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("SubtopologyId", self.subtopology_id, Always());
      visit("Partitions", self.partitions, Always());
    }
    friend bool operator==(const Tasks&, const Tasks&) = default;
  };

  struct Endpoint {
    std::string host;
    uint16_t port = 0;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Host", self.host, Always());
      visit("Port", self.port, Always());
    }
    friend bool operator==(const Endpoint&, const Endpoint&) = default;
  };

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

  struct EndpointPartitions {
    Endpoint user_endpoint;
    std::vector<TopicPartitions> active_partitions;
    std::vector<TopicPartitions> standby_partitions;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("UserEndpoint", self.user_endpoint, Always());
      visit("ActivePartitions", self.active_partitions, Always());
      visit("StandbyPartitions", self.standby_partitions, Always());
    }
    friend bool operator==(const EndpointPartitions&, const EndpointPartitions&) = default;
  };

  int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;
  std::optional<std::string> error_message;
  std::string member_id;
  int32_t member_epoch = 0;
  int32_t heartbeat_interval_ms = 0;
  int32_t acceptable_recovery_lag_legacy = 0;
  int32_t task_offset_interval_ms = 0;
  int64_t acceptable_recovery_lag = -1;
  std::optional<std::vector<GroupStatus>> status{std::in_place};
  std::optional<std::vector<Tasks>> active_tasks;
  std::optional<std::vector<Tasks>> standby_tasks;
  std::optional<std::vector<Tasks>> warmup_tasks;
  bool topology_description_required = false;
  int32_t endpoint_information_epoch = 0;
  std::optional<std::vector<EndpointPartitions>> partitions_by_user_endpoint;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ThrottleTimeMs", self.throttle_time_ms, Always());
    visit("ErrorCode", self.error_code, Always());
    visit("ErrorMessage", self.error_message, Always().Nullable());
    visit("MemberId", self.member_id, Always());
    visit("MemberEpoch", self.member_epoch, Always());
    visit("HeartbeatIntervalMs", self.heartbeat_interval_ms, Always());
    visit("AcceptableRecoveryLagLegacy", self.acceptable_recovery_lag_legacy, Until(0));
    visit("TaskOffsetIntervalMs", self.task_offset_interval_ms, Always());
    visit("AcceptableRecoveryLag", self.acceptable_recovery_lag, Since(1));
    visit("Status", self.status, Always().Nullable());
    visit("ActiveTasks", self.active_tasks, Always().Nullable());
    visit("StandbyTasks", self.standby_tasks, Always().Nullable());
    visit("WarmupTasks", self.warmup_tasks, Always().Nullable());
    visit("TopologyDescriptionRequired", self.topology_description_required, Since(1));
    visit("EndpointInformationEpoch", self.endpoint_information_epoch, Always());
    visit("PartitionsByUserEndpoint", self.partitions_by_user_endpoint, Always().Nullable());
  }
  friend bool operator==(const StreamsGroupHeartbeatResponse&,
                         const StreamsGroupHeartbeatResponse&) = default;
};

}  // namespace weir::wire
