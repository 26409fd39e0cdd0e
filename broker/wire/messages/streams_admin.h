// Looking into groups of Kafka Streams (KIP-1071). Fields and versions are those of the protocol;
// describe.h says how they are read. Thread rule: plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "broker/wire/describe.h"
#include "common/base/error_code.h"

namespace weir::wire {

// StreamsGroupDescribe (key 89): topology, members and tasks.
struct StreamsGroupDescribeRequest {
  static constexpr MessageInfo kInfo{
      ApiKey::kStreamsGroupDescribe, "StreamsGroupDescribeRequest", {0, 1}, 0};

  std::vector<std::string> group_ids;
  bool include_authorized_operations = false;
  bool include_topology_description = false;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("GroupIds", self.group_ids, Always());
    visit("IncludeAuthorizedOperations", self.include_authorized_operations, Always());
    visit("IncludeTopologyDescription", self.include_topology_description, Since(1));
  }
  friend bool operator==(const StreamsGroupDescribeRequest&,
                         const StreamsGroupDescribeRequest&) = default;
};

// One entry for each group.
struct StreamsGroupDescribeResponse {
  static constexpr MessageInfo kInfo{
      ApiKey::kStreamsGroupDescribe, "StreamsGroupDescribeResponse", {0, 1}, 0};

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

  struct Subtopology {
    std::string subtopology_id;
    std::vector<std::string> source_topics;
    std::vector<std::string> repartition_sink_topics;
    std::vector<TopicDescription> state_changelog_topics;
    std::vector<TopicDescription> repartition_source_topics;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("SubtopologyId", self.subtopology_id, Always());
      visit("SourceTopics", self.source_topics, Always());
      visit("RepartitionSinkTopics", self.repartition_sink_topics, Always());
      visit("StateChangelogTopics", self.state_changelog_topics, Always());
      visit("RepartitionSourceTopics", self.repartition_source_topics, Always());
    }
    friend bool operator==(const Subtopology&, const Subtopology&) = default;
  };

  struct Topology {
    int32_t epoch = 0;
    std::optional<std::vector<Subtopology>> subtopologies;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Epoch", self.epoch, Always());
      visit("Subtopologies", self.subtopologies, Always().Nullable());
    }
    friend bool operator==(const Topology&, const Topology&) = default;
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

  struct Assignment {
    std::vector<Tasks> active_tasks;
    std::vector<Tasks> standby_tasks;
    std::vector<Tasks> warmup_tasks;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("ActiveTasks", self.active_tasks, Always());
      visit("StandbyTasks", self.standby_tasks, Always());
      visit("WarmupTasks", self.warmup_tasks, Always());
    }
    friend bool operator==(const Assignment&, const Assignment&) = default;
  };

  struct Member {
    std::string member_id;
    int32_t member_epoch = 0;
    std::optional<std::string> instance_id;
    std::optional<std::string> rack_id;
    std::string client_id;
    std::string client_host;
    int32_t topology_epoch = 0;
    std::string process_id;
    std::optional<Endpoint> user_endpoint;
    std::vector<KeyValue> client_tags;
    std::vector<TaskOffset> task_offsets;
    std::vector<TaskOffset> task_end_offsets;
    Assignment assignment;
    Assignment target_assignment;
    bool is_classic = false;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("MemberId", self.member_id, Always());
      visit("MemberEpoch", self.member_epoch, Always());
      visit("InstanceId", self.instance_id, Always().Nullable());
      visit("RackId", self.rack_id, Always().Nullable());
      visit("ClientId", self.client_id, Always());
      visit("ClientHost", self.client_host, Always());
      visit("TopologyEpoch", self.topology_epoch, Always());
      visit("ProcessId", self.process_id, Always());
      visit("UserEndpoint", self.user_endpoint, Always().Nullable());
      visit("ClientTags", self.client_tags, Always());
      visit("TaskOffsets", self.task_offsets, Always());
      visit("TaskEndOffsets", self.task_end_offsets, Always());
      visit("Assignment", self.assignment, Always());
      visit("TargetAssignment", self.target_assignment, Always());
      visit("IsClassic", self.is_classic, Always());
    }
    friend bool operator==(const Member&, const Member&) = default;
  };

  struct TopologyNode {
    std::string name;
    int8_t node_type = 0;
    std::vector<std::string> source_topics;
    std::optional<std::string> sink_topic;
    std::vector<std::string> stores;
    std::vector<std::string> successors;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Name", self.name, Always());
      visit("NodeType", self.node_type, Always());
      visit("SourceTopics", self.source_topics, Always());
      visit("SinkTopic", self.sink_topic, Always().Nullable());
      visit("Stores", self.stores, Always());
      visit("Successors", self.successors, Always());
    }
    friend bool operator==(const TopologyNode&, const TopologyNode&) = default;
  };

  struct TopologyDescriptionSubtopology {
    std::string subtopology_id;
    std::vector<TopologyNode> nodes;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("SubtopologyId", self.subtopology_id, Always());
      visit("Nodes", self.nodes, Always());
    }
    friend bool operator==(const TopologyDescriptionSubtopology&,
                           const TopologyDescriptionSubtopology&) = default;
  };

  struct GlobalStore {
    TopologyNode source;
    TopologyNode processor;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Source", self.source, Always());
      visit("Processor", self.processor, Always());
    }
    friend bool operator==(const GlobalStore&, const GlobalStore&) = default;
  };

  struct TopologyDescription {
    std::vector<TopologyDescriptionSubtopology> subtopologies;
    std::vector<GlobalStore> global_stores;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Subtopologies", self.subtopologies, Always());
      visit("GlobalStores", self.global_stores, Always());
    }
    friend bool operator==(const TopologyDescription&, const TopologyDescription&) = default;
  };

  struct Group {
    ErrorCode error_code = ErrorCode::kNone;
    std::optional<std::string> error_message;
    std::string group_id;
    std::string group_state;
    int32_t group_epoch = 0;
    int32_t assignment_epoch = 0;
    std::optional<Topology> topology;
    std::vector<Member> members;
    int32_t authorized_operations = INT32_MIN;
    std::optional<TopologyDescription> topology_description;
    int8_t topology_description_status = 0;
    std::optional<std::string> assignor_name;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("ErrorCode", self.error_code, Always());
      visit("ErrorMessage", self.error_message, Always().Nullable());
      visit("GroupId", self.group_id, Always());
      visit("GroupState", self.group_state, Always());
      visit("GroupEpoch", self.group_epoch, Always());
      visit("AssignmentEpoch", self.assignment_epoch, Always());
      visit("Topology", self.topology, Always().Nullable());
      visit("Members", self.members, Always());
      visit("AuthorizedOperations", self.authorized_operations, Always());
      visit("TopologyDescription", self.topology_description, Since(1).Nullable());
      visit("TopologyDescriptionStatus", self.topology_description_status, Since(1));
      visit("AssignorName", self.assignor_name, Since(1).Nullable());
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
  friend bool operator==(const StreamsGroupDescribeResponse&,
                         const StreamsGroupDescribeResponse&) = default;
};

// StreamsGroupTopologyDescriptionUpdate (key 93): the full topology for people to look at.
struct StreamsGroupTopologyDescriptionUpdateRequest {
  static constexpr MessageInfo kInfo{ApiKey::kStreamsGroupTopologyDescriptionUpdate,
                                     "StreamsGroupTopologyDescriptionUpdateRequest",
                                     {0, 0},
                                     0};

  struct TopologyNode {
    std::string name;
    int8_t node_type = 0;
    std::vector<std::string> source_topics;
    std::optional<std::string> sink_topic;
    std::vector<std::string> stores;
    std::vector<std::string> successors;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Name", self.name, Always());
      visit("NodeType", self.node_type, Always());
      visit("SourceTopics", self.source_topics, Always());
      visit("SinkTopic", self.sink_topic, Always().Nullable());
      visit("Stores", self.stores, Always());
      visit("Successors", self.successors, Always());
    }
    friend bool operator==(const TopologyNode&, const TopologyNode&) = default;
  };

  struct Subtopology {
    std::string subtopology_id;
    std::vector<TopologyNode> nodes;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("SubtopologyId", self.subtopology_id, Always());
      visit("Nodes", self.nodes, Always());
    }
    friend bool operator==(const Subtopology&, const Subtopology&) = default;
  };

  struct GlobalStore {
    TopologyNode source;
    TopologyNode processor;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Source", self.source, Always());
      visit("Processor", self.processor, Always());
    }
    friend bool operator==(const GlobalStore&, const GlobalStore&) = default;
  };

  struct TopologyDescription {
    std::vector<Subtopology> subtopologies;
    std::vector<GlobalStore> global_stores;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Subtopologies", self.subtopologies, Always());
      visit("GlobalStores", self.global_stores, Always());
    }
    friend bool operator==(const TopologyDescription&, const TopologyDescription&) = default;
  };

  std::string group_id;
  std::string member_id;
  int32_t topology_epoch = 0;
  TopologyDescription topology_description;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("GroupId", self.group_id, Always());
    visit("MemberId", self.member_id, Always());
    visit("TopologyEpoch", self.topology_epoch, Always());
    visit("TopologyDescription", self.topology_description, Always());
  }
  friend bool operator==(const StreamsGroupTopologyDescriptionUpdateRequest&,
                         const StreamsGroupTopologyDescriptionUpdateRequest&) = default;
};

// The outcome alone.
struct StreamsGroupTopologyDescriptionUpdateResponse {
  static constexpr MessageInfo kInfo{ApiKey::kStreamsGroupTopologyDescriptionUpdate,
                                     "StreamsGroupTopologyDescriptionUpdateResponse",
                                     {0, 0},
                                     0};

  int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;
  std::optional<std::string> error_message;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ThrottleTimeMs", self.throttle_time_ms, Always());
    visit("ErrorCode", self.error_code, Always());
    visit("ErrorMessage", self.error_message, Always().Nullable());
  }
  friend bool operator==(const StreamsGroupTopologyDescriptionUpdateResponse&,
                         const StreamsGroupTopologyDescriptionUpdateResponse&) = default;
};

}  // namespace weir::wire
