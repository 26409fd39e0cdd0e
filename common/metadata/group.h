// Group: one group as every node knows it (DESIGN D6), and how records change it.
//
// Laws:
//  1. Only the functions below change a group, and only as a record says: the image's writer and
//     the controller's drafts use the same ones.
//  2. They are total: a record that does not fit changes nothing and gives false.
//  3. static_members names exactly the members that have an instance id.
//  4. No function looks at what brokers do not get (subscriptions, assignments) to decide whether a
//     record fits.
// Thread rule: plain values. Copies share members, subscriptions and assignments.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/cow_map.h"
#include "proto/record.pb.h"

namespace weir::metadata {

// The records' numbers.
enum class GroupType : uint8_t {
  kClassic = v1::GROUP_TYPE_CLASSIC,
};
enum class GroupState : uint8_t {
  kEmpty = v1::GROUP_STATE_EMPTY,
  kPreparingRebalance = v1::GROUP_STATE_PREPARING_REBALANCE,
  kCompletingRebalance = v1::GROUP_STATE_COMPLETING_REBALANCE,
  kStable = v1::GROUP_STATE_STABLE,
};

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

// The inverses: what makes the group, without its members, and what a member says.
void FillRecord(const std::string& group_id, const Group& group, v1::GroupRecord* out);
void FillRecord(const std::string& group_id, const std::string& member_id,
                GroupSubscription subscription, v1::GroupSubscriptionRecord* out);

// Kafka's names: "Stable", "PreparingRebalance", ..., "classic".
std::string_view GroupStateName(GroupState state);
std::string_view GroupTypeName(GroupType type);

}  // namespace weir::metadata
