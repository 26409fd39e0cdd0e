// Classic groups: finding the coordinator, joining, syncing, heartbeats, leaving. Fields and
// versions are those of the protocol; describe.h says how they are read. Thread rule:
// plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/wire/describe.h"
#include "broker/wire/field_types.h"
#include "common/base/error_code.h"

namespace weir::wire {

// FindCoordinator (key 10): the broker for a group (key_type 0), transactional id (1) or share
// partition (2). Many keys from version 4 (KIP-699).
struct FindCoordinatorRequest {
  static constexpr MessageInfo kInfo{ApiKey::kFindCoordinator, "FindCoordinatorRequest", {0, 6}, 3};

  std::string key;
  int8_t key_type = 0;
  std::vector<std::string> coordinator_keys;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("Key", self.key, Until(3));
    visit("KeyType", self.key_type, Since(1));
    visit("CoordinatorKeys", self.coordinator_keys, Since(4));
  }
  friend bool operator==(const FindCoordinatorRequest&, const FindCoordinatorRequest&) = default;
};

// One coordinator until version 3, a list from version 4.
struct FindCoordinatorResponse {
  static constexpr MessageInfo kInfo{
      ApiKey::kFindCoordinator, "FindCoordinatorResponse", {0, 6}, 3};

  struct Coordinator {
    std::string key;
    int32_t node_id = 0;
    std::string host;
    int32_t port = 0;
    ErrorCode error_code = ErrorCode::kNone;
    std::optional<std::string> error_message{std::in_place};

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Key", self.key, Always());
      visit("NodeId", self.node_id, Always());
      visit("Host", self.host, Always());
      visit("Port", self.port, Always());
      visit("ErrorCode", self.error_code, Always());
      visit("ErrorMessage", self.error_message, Always().Nullable());
    }
    friend bool operator==(const Coordinator&, const Coordinator&) = default;
  };

  int32_t throttle_time_ms = 0;
  std::vector<Coordinator> coordinators;
  ErrorCode error_code = ErrorCode::kNone;
  std::optional<std::string> error_message{std::in_place};
  int32_t node_id = 0;
  std::string host;
  int32_t port = 0;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ThrottleTimeMs", self.throttle_time_ms, Since(1));
    visit("Coordinators", self.coordinators, Since(4));
    visit("ErrorCode", self.error_code, Until(3));
    visit("ErrorMessage", self.error_message, Between(1, 3).Nullable());
    visit("NodeId", self.node_id, Until(3));
    visit("Host", self.host, Until(3));
    visit("Port", self.port, Until(3));
  }
  friend bool operator==(const FindCoordinatorResponse&, const FindCoordinatorResponse&) = default;
};

// JoinGroup (key 11): join or rejoin; opaque metadata for each protocol. Static members KIP-345;
// two-step member ids KIP-394.
struct JoinGroupRequest {
  static constexpr MessageInfo kInfo{ApiKey::kJoinGroup, "JoinGroupRequest", {0, 9}, 6};

  struct Protocol {
    std::string name;
    Bytes metadata;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("Name", self.name, Always());
      visit("Metadata", self.metadata, Always());
    }
    friend bool operator==(const Protocol&, const Protocol&) = default;
  };

  std::string group_id;
  int32_t session_timeout_ms = 0;
  int32_t rebalance_timeout_ms = -1;
  std::string member_id;
  std::optional<std::string> group_instance_id;
  std::string protocol_type;
  std::vector<Protocol> protocols;
  std::optional<std::string> reason;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("GroupId", self.group_id, Always());
    visit("SessionTimeoutMs", self.session_timeout_ms, Always());
    visit("RebalanceTimeoutMs", self.rebalance_timeout_ms, Since(1));
    visit("MemberId", self.member_id, Always());
    visit("GroupInstanceId", self.group_instance_id, Since(5).Nullable());
    visit("ProtocolType", self.protocol_type, Always());
    visit("Protocols", self.protocols, Always());
    visit("Reason", self.reason, Since(8).Nullable());
  }
  friend bool operator==(const JoinGroupRequest&, const JoinGroupRequest&) = default;
};

// The leader gets all members' metadata; skip_assignment: KIP-814.
struct JoinGroupResponse {
  static constexpr MessageInfo kInfo{ApiKey::kJoinGroup, "JoinGroupResponse", {0, 9}, 6};

  struct Member {
    std::string member_id;
    std::optional<std::string> group_instance_id;
    Bytes metadata;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("MemberId", self.member_id, Always());
      visit("GroupInstanceId", self.group_instance_id, Since(5).Nullable());
      visit("Metadata", self.metadata, Always());
    }
    friend bool operator==(const Member&, const Member&) = default;
  };

  int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;
  int32_t generation_id = -1;
  std::optional<std::string> protocol_type;
  std::optional<std::string> protocol_name{std::in_place};
  std::string leader;
  bool skip_assignment = false;
  std::string member_id;
  std::vector<Member> members;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ThrottleTimeMs", self.throttle_time_ms, Since(2));
    visit("ErrorCode", self.error_code, Always());
    visit("GenerationId", self.generation_id, Always());
    visit("ProtocolType", self.protocol_type, Since(7).Nullable());
    visit("ProtocolName", self.protocol_name, Always().NullableSince(7));
    visit("Leader", self.leader, Always());
    visit("SkipAssignment", self.skip_assignment, Since(9));
    visit("MemberId", self.member_id, Always());
    visit("Members", self.members, Always());
  }
  friend bool operator==(const JoinGroupResponse&, const JoinGroupResponse&) = default;
};

// SyncGroup (key 14): the leader hands in the assignments, everyone receives their own.
struct SyncGroupRequest {
  static constexpr MessageInfo kInfo{ApiKey::kSyncGroup, "SyncGroupRequest", {0, 5}, 4};

  struct MemberAssignment {
    std::string member_id;
    Bytes assignment;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("MemberId", self.member_id, Always());
      visit("Assignment", self.assignment, Always());
    }
    friend bool operator==(const MemberAssignment&, const MemberAssignment&) = default;
  };

  std::string group_id;
  int32_t generation_id = 0;
  std::string member_id;
  std::optional<std::string> group_instance_id;
  std::optional<std::string> protocol_type;
  std::optional<std::string> protocol_name;
  std::vector<MemberAssignment> assignments;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("GroupId", self.group_id, Always());
    visit("GenerationId", self.generation_id, Always());
    visit("MemberId", self.member_id, Always());
    visit("GroupInstanceId", self.group_instance_id, Since(3).Nullable());
    visit("ProtocolType", self.protocol_type, Since(5).Nullable());
    visit("ProtocolName", self.protocol_name, Since(5).Nullable());
    visit("Assignments", self.assignments, Always());
  }
  friend bool operator==(const SyncGroupRequest&, const SyncGroupRequest&) = default;
};

// The member's assignment, opaque to the broker.
struct SyncGroupResponse {
  static constexpr MessageInfo kInfo{ApiKey::kSyncGroup, "SyncGroupResponse", {0, 5}, 4};

  int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;
  std::optional<std::string> protocol_type;
  std::optional<std::string> protocol_name;
  Bytes assignment;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ThrottleTimeMs", self.throttle_time_ms, Since(1));
    visit("ErrorCode", self.error_code, Always());
    visit("ProtocolType", self.protocol_type, Since(5).Nullable());
    visit("ProtocolName", self.protocol_name, Since(5).Nullable());
    visit("Assignment", self.assignment, Always());
  }
  friend bool operator==(const SyncGroupResponse&, const SyncGroupResponse&) = default;
};

// Heartbeat (key 12): a member is alive and hears of rebalances.
struct HeartbeatRequest {
  static constexpr MessageInfo kInfo{ApiKey::kHeartbeat, "HeartbeatRequest", {0, 4}, 4};

  std::string group_id;
  int32_t generation_id = 0;
  std::string member_id;
  std::optional<std::string> group_instance_id;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("GroupId", self.group_id, Always());
    visit("GenerationId", self.generation_id, Always());
    visit("MemberId", self.member_id, Always());
    visit("GroupInstanceId", self.group_instance_id, Since(3).Nullable());
  }
  friend bool operator==(const HeartbeatRequest&, const HeartbeatRequest&) = default;
};

// The outcome alone.
struct HeartbeatResponse {
  static constexpr MessageInfo kInfo{ApiKey::kHeartbeat, "HeartbeatResponse", {0, 4}, 4};

  int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ThrottleTimeMs", self.throttle_time_ms, Since(1));
    visit("ErrorCode", self.error_code, Always());
  }
  friend bool operator==(const HeartbeatResponse&, const HeartbeatResponse&) = default;
};

// LeaveGroup (key 13): members leave; many at once from version 3 (KIP-345).
struct LeaveGroupRequest {
  static constexpr MessageInfo kInfo{ApiKey::kLeaveGroup, "LeaveGroupRequest", {0, 5}, 4};

  struct Member {
    std::string member_id;
    std::optional<std::string> group_instance_id;
    std::optional<std::string> reason;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("MemberId", self.member_id, Always());
      visit("GroupInstanceId", self.group_instance_id, Always().Nullable());
      visit("Reason", self.reason, Since(5).Nullable());
    }
    friend bool operator==(const Member&, const Member&) = default;
  };

  std::string group_id;
  std::vector<Member> members;
  std::string member_id;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("GroupId", self.group_id, Always());
    visit("Members", self.members, Since(3));
    visit("MemberId", self.member_id, Until(2));
  }
  friend bool operator==(const LeaveGroupRequest&, const LeaveGroupRequest&) = default;
};

// Results by member from version 3.
struct LeaveGroupResponse {
  static constexpr MessageInfo kInfo{ApiKey::kLeaveGroup, "LeaveGroupResponse", {0, 5}, 4};

  struct Member {
    std::string member_id;
    std::optional<std::string> group_instance_id{std::in_place};
    ErrorCode error_code = ErrorCode::kNone;

    template <class Visitor, class Self>
    static void Describe(Visitor& visit, Self& self) {
      visit("MemberId", self.member_id, Always());
      visit("GroupInstanceId", self.group_instance_id, Always().Nullable());
      visit("ErrorCode", self.error_code, Always());
    }
    friend bool operator==(const Member&, const Member&) = default;
  };

  int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;
  std::vector<Member> members;

  template <class Visitor, class Self>
  static void Describe(Visitor& visit, Self& self) {
    visit("ThrottleTimeMs", self.throttle_time_ms, Since(1));
    visit("ErrorCode", self.error_code, Always());
    visit("Members", self.members, Since(3));
  }
  friend bool operator==(const LeaveGroupResponse&, const LeaveGroupResponse&) = default;
};

}  // namespace weir::wire
