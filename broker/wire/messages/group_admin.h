// Administration of groups. Fields and versions are those of the protocol; DESIGN D9 and describe.h
// say how they are read. Thread rule: plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "broker/wire/describe.h"
#include "broker/wire/field_types.h"
#include "common/base/error_code.h"

namespace weir::wire {

// DescribeGroups (key 15): state and members of classic groups.
struct DescribeGroupsRequest {
  static constexpr MessageInfo kInfo{ApiKey::kDescribeGroups, "DescribeGroupsRequest", {0, 6}, 5};

  std::vector<std::string> groups;
  bool include_authorized_operations = false;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("Groups", self.groups, Always());
    visit("IncludeAuthorizedOperations", self.include_authorized_operations, Since(3));
  }
  friend bool operator==(const DescribeGroupsRequest&, const DescribeGroupsRequest&) = default;
};

// Version 6 tells a missing group by error (KIP-1043).
struct DescribeGroupsResponse {
  static constexpr MessageInfo kInfo{ApiKey::kDescribeGroups, "DescribeGroupsResponse", {0, 6}, 5};

  struct Member {
    std::string member_id;
    std::optional<std::string> group_instance_id;
    std::string client_id;
    std::string client_host;
    Bytes member_metadata;
    Bytes member_assignment;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("MemberId", self.member_id, Always());
      visit("GroupInstanceId", self.group_instance_id, Since(4).Nullable());
      visit("ClientId", self.client_id, Always());
      visit("ClientHost", self.client_host, Always());
      visit("MemberMetadata", self.member_metadata, Always());
      visit("MemberAssignment", self.member_assignment, Always());
    }
    friend bool operator==(const Member&, const Member&) = default;
  };

  struct Group {
    ErrorCode error_code = ErrorCode::kNone;
    std::optional<std::string> error_message;
    std::string group_id;
    std::string group_state;
    std::string protocol_type;
    std::string protocol_data;
    std::vector<Member> members;
    int32_t authorized_operations = INT32_MIN;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("ErrorCode", self.error_code, Always());
      visit("ErrorMessage", self.error_message, Since(6).Nullable());
      visit("GroupId", self.group_id, Always());
      visit("GroupState", self.group_state, Always());
      visit("ProtocolType", self.protocol_type, Always());
      visit("ProtocolData", self.protocol_data, Always());
      visit("Members", self.members, Always());
      visit("AuthorizedOperations", self.authorized_operations, Since(3));
    }
    friend bool operator==(const Group&, const Group&) = default;
  };

  int32_t throttle_time_ms = 0;
  std::vector<Group> groups;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ThrottleTimeMs", self.throttle_time_ms, Since(1));
    visit("Groups", self.groups, Always());
  }
  friend bool operator==(const DescribeGroupsResponse&, const DescribeGroupsResponse&) = default;
};

// ListGroups (key 16): groups of one coordinator, by state (KIP-518) and type (KIP-848).
struct ListGroupsRequest {
  static constexpr MessageInfo kInfo{ApiKey::kListGroups, "ListGroupsRequest", {0, 5}, 3};

  std::vector<std::string> states_filter;
  std::vector<std::string> types_filter;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("StatesFilter", self.states_filter, Since(4));
    visit("TypesFilter", self.types_filter, Since(5));
  }
  friend bool operator==(const ListGroupsRequest&, const ListGroupsRequest&) = default;
};

// One entry for each group.
struct ListGroupsResponse {
  static constexpr MessageInfo kInfo{ApiKey::kListGroups, "ListGroupsResponse", {0, 5}, 3};

  struct Group {
    std::string group_id;
    std::string protocol_type;
    std::string group_state;
    std::string group_type;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("GroupId", self.group_id, Always());
      visit("ProtocolType", self.protocol_type, Always());
      visit("GroupState", self.group_state, Since(4));
      visit("GroupType", self.group_type, Since(5));
    }
    friend bool operator==(const Group&, const Group&) = default;
  };

  int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;
  std::vector<Group> groups;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ThrottleTimeMs", self.throttle_time_ms, Since(1));
    visit("ErrorCode", self.error_code, Always());
    visit("Groups", self.groups, Always());
  }
  friend bool operator==(const ListGroupsResponse&, const ListGroupsResponse&) = default;
};

// DeleteGroups (key 42): delete empty groups (KIP-229).
struct DeleteGroupsRequest {
  static constexpr MessageInfo kInfo{ApiKey::kDeleteGroups, "DeleteGroupsRequest", {0, 3}, 2};

  std::vector<std::string> groups_names;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("GroupsNames", self.groups_names, Always());
  }
  friend bool operator==(const DeleteGroupsRequest&, const DeleteGroupsRequest&) = default;
};

// One result for each group.
struct DeleteGroupsResponse {
  static constexpr MessageInfo kInfo{ApiKey::kDeleteGroups, "DeleteGroupsResponse", {0, 3}, 2};

  struct GroupResult {
    std::string group_id;
    ErrorCode error_code = ErrorCode::kNone;
    std::optional<std::string> error_message;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("GroupId", self.group_id, Always());
      visit("ErrorCode", self.error_code, Always());
      visit("ErrorMessage", self.error_message, Since(3).Nullable());
    }
    friend bool operator==(const GroupResult&, const GroupResult&) = default;
  };

  int32_t throttle_time_ms = 0;
  std::vector<GroupResult> results;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ThrottleTimeMs", self.throttle_time_ms, Always());
    visit("Results", self.results, Always());
  }
  friend bool operator==(const DeleteGroupsResponse&, const DeleteGroupsResponse&) = default;
};

// OffsetDelete (key 47): forget committed offsets of partitions that nobody subscribes (KIP-496).
struct OffsetDeleteRequest {
  static constexpr MessageInfo kInfo{
      ApiKey::kOffsetDelete, "OffsetDeleteRequest", {0, 0}, kNeverFlexible};

  struct Partition {
    int32_t partition_index = 0;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("PartitionIndex", self.partition_index, Always());
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

  std::string group_id;
  std::vector<Topic> topics;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("GroupId", self.group_id, Always());
    visit("Topics", self.topics, Always());
  }
  friend bool operator==(const OffsetDeleteRequest&, const OffsetDeleteRequest&) = default;
};

// Results by partition.
struct OffsetDeleteResponse {
  static constexpr MessageInfo kInfo{
      ApiKey::kOffsetDelete, "OffsetDeleteResponse", {0, 0}, kNeverFlexible};

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

  ErrorCode error_code = ErrorCode::kNone;
  int32_t throttle_time_ms = 0;
  std::vector<Topic> topics;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ErrorCode", self.error_code, Always());
    visit("ThrottleTimeMs", self.throttle_time_ms, Always());
    visit("Topics", self.topics, Always());
  }
  friend bool operator==(const OffsetDeleteResponse&, const OffsetDeleteResponse&) = default;
};

}  // namespace weir::wire
