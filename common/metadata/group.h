// Group: one group as every node knows it (DESIGN D6), and how records change it.
//
// Laws:
//  1. Only the functions below change a group, and only as a record says: the image's writer and
//     the controller's drafts use the same ones.
//  2. They are total: a record that does not fit changes nothing and gives false.
//  3. static_members names exactly the members that have an instance id.
//  4. No function looks at what brokers do not get (subscriptions, assignments) to decide whether a
//     record fits.
//  5. A group of the consumer protocol (KIP-848) has the same shape: its generation is the group
//     epoch, its leader is nobody, and its members own partitions instead of opaque assignments.
// Thread rule: plain values. Copies share members, subscriptions and assignments.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/cow_map.h"
#include "common/metadata/topic_partitions.h"
#include "proto/record.pb.h"

namespace weir::metadata {

// The records' numbers.
enum class GroupType : uint8_t {
  kClassic = v1::GROUP_TYPE_CLASSIC,
  kConsumer = v1::GROUP_TYPE_CONSUMER,
};
enum class GroupState : uint8_t {
  kEmpty = v1::GROUP_STATE_EMPTY,
  kPreparingRebalance = v1::GROUP_STATE_PREPARING_REBALANCE,
  kCompletingRebalance = v1::GROUP_STATE_COMPLETING_REBALANCE,
  kStable = v1::GROUP_STATE_STABLE,
  kAssigning = v1::GROUP_STATE_ASSIGNING,
  kReconciling = v1::GROUP_STATE_RECONCILING,
};
enum class ConsumerMemberState : uint8_t {
  kStable = v1::CONSUMER_MEMBER_STATE_STABLE,
  kUnrevokedPartitions = v1::CONSUMER_MEMBER_STATE_UNREVOKED_PARTITIONS,
  kUnreleasedPartitions = v1::CONSUMER_MEMBER_STATE_UNRELEASED_PARTITIONS,
};

// What a heartbeat may name beside the member's epoch (KIP-848): it joins; it leaves; a static
// member leaves for a while, which is its epoch until it is back.
inline constexpr int32_t kJoinEpoch = 0;
inline constexpr int32_t kLeaveEpoch = -1;
inline constexpr int32_t kStaticMemberAwayEpoch = -2;

struct GroupProtocol {
  std::string name;
  // Opaque: the members' own.
  std::string metadata;

  friend bool operator==(const GroupProtocol&, const GroupProtocol&) = default;
};

// Who a member is and what it asks for.
struct GroupSubscription {
  std::string client_id;
  std::string client_host;
  // In the member's order of preference.
  std::vector<GroupProtocol> protocols;
  // Of members of consumer groups. Empty: not said.
  std::string rack_id;
  // Ascending, none twice.
  std::vector<std::string> topic_names;
  std::string topic_regex;
  std::string server_assignor;

  // Null when the member does not support it.
  const std::string* FindMetadata(std::string_view protocol_name) const;

  friend bool operator==(const GroupSubscription&, const GroupSubscription&) = default;
};

struct GroupMember {
  // Empty: a dynamic member (KIP-345).
  std::string instance_id;
  int32_t session_timeout_ms = 0;
  int32_t rebalance_timeout_ms = 0;
  // Null in images of brokers.
  std::shared_ptr<const GroupSubscription> subscription;
  // Null: none; and in images of brokers.
  std::shared_ptr<const std::string> assignment;

  // Of members of consumer groups. 0: not set yet.
  int32_t member_epoch = 0;
  int32_t previous_member_epoch = 0;
  ConsumerMemberState state = ConsumerMemberState::kStable;
  // Speaks JoinGroup, SyncGroup and Heartbeat though the group is a consumer group.
  bool uses_classic_protocol = false;
  // Null: nothing; and in images of brokers. What it is to own, what it owns, and what it has to
  // confirm that it gave up.
  SharedPartitions target;
  SharedPartitions assigned;
  SharedPartitions pending_revocation;

  bool is_static() const { return !instance_id.empty(); }

  friend bool operator==(const GroupMember& a, const GroupMember& b);
};

struct Group {
  GroupType type = GroupType::kClassic;
  GroupState state = GroupState::kEmpty;
  int32_t generation = 0;
  std::string protocol_type;
  std::string protocol_name;
  // Member id; empty: none.
  std::string leader;
  // Of consumer groups: the group epoch that the target assignment was made for; 0: there is none.
  int32_t assignment_epoch = 0;
  uint64_t topics_hash = 0;
  // By member id.
  CowMap<std::string, GroupMember> members;
  // Instance id -> member id.
  CowMap<std::string, std::string> static_members;

  const GroupMember* FindMember(std::string_view member_id) const {
    return members.Find(member_id);
  }
  // The member id of that static member; null when there is none.
  const std::string* FindStaticMember(std::string_view instance_id) const {
    return static_members.Find(instance_id);
  }

  friend bool operator==(const Group&, const Group&) = default;
};

// Each takes the record over into `group`, whose id the caller has looked up. False: it does not
// fit.
bool ApplyToGroup(Group& group, const v1::GroupRecord& record);
bool ApplyToGroup(Group& group, const v1::GroupMemberRecord& record);
// Members that do not exist are passed over; false when none did.
bool ApplyToGroup(Group& group, const v1::RemoveGroupMembersRecord& record);
bool ApplyToGroup(Group& group, const v1::GroupSubscriptionRecord& record);
bool ApplyToGroup(Group& group, const v1::GroupAssignmentRecord& record);
bool ApplyToGroup(Group& group, const v1::GroupMemberEpochRecord& record);
bool ApplyToGroup(Group& group, const v1::GroupTargetAssignmentRecord& record);
bool ApplyToGroup(Group& group, const v1::GroupCurrentAssignmentRecord& record);

// The inverses: what makes the group, without its members, and what a member says.
void FillRecord(const std::string& group_id, const Group& group, v1::GroupRecord* out);
void FillRecord(const std::string& group_id, const std::string& member_id,
                GroupSubscription subscription, v1::GroupSubscriptionRecord* out);
void FillRecord(const std::string& group_id, const std::string& member_id,
                const GroupMember& member, v1::GroupMemberEpochRecord* out);

// Kafka's names: "Stable", "PreparingRebalance", ..., "classic", "consumer".
std::string_view GroupStateName(GroupState state);
std::string_view GroupTypeName(GroupType type);

}  // namespace weir::metadata
