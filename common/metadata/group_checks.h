// What a group's state says to a member's heartbeat or commit. Gateways ask their own image, the
// controller its newest one: the same functions (DESIGN D6).
//
// Laws:
//  1. A gateway answers NONE and REBALANCE_IN_PROGRESS at once. Every other verdict makes a client
//     give its membership up, and an image that lags may be wrong about it (the member is newer
//     than the image): the gateway has the active controller confirm it, and answers
//     COORDINATOR_NOT_AVAILABLE when nobody can.
//  2. Members of a consumer group (KIP-848) are judged by their member epochs instead of the
//     generation. Their own heartbeats (ConsumerGroupHeartbeat) a gateway answers only while
//     IsConsumerMemberAtRest; all else is the controller's.
//  3. A member of an older generation is never told NONE by an image that knows the newer one.
// Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "common/base/error_code.h"
#include "common/metadata/image.h"

namespace weir::metadata {

// Who asks, as requests name it.
struct MemberIdentity {
  std::string_view member_id;
  // Empty: not given.
  std::string_view instance_id;
};

// kNone, kUnknownMemberId, kFencedInstanceId: another process is that static member now.
ErrorCode CheckMember(const Group& group, const MemberIdentity& who);

// Also kIllegalGeneration: it is a member, but of another generation than that; kStaleMemberEpoch:
// the same of a member that uses the consumer protocol.
ErrorCode CheckMemberOf(const Group& group, const MemberIdentity& who, int32_t generation);

// Also kInvalidGroupId, kRebalanceInProgress. kCoordinatorNotAvailable: whether this member of a
// consumer group has to join again depends on who owns what, which brokers do not know.
ErrorCode CheckHeartbeat(const MetadataImage& image, std::string_view group_id,
                         const MemberIdentity& who, int32_t generation);

// Whether a member may commit offsets. generation -1 without member: a consumer that assigns its
// partitions itself, which may while the group has no members. Errors: as CheckHeartbeat, except
// that a group which prepares a rebalance takes the commits of its members, one that completes it
// says kRebalanceInProgress, and any group id will do.
ErrorCode CheckCommit(const MetadataImage& image, std::string_view group_id,
                      const MemberIdentity& who, int32_t generation);

// Whether a member of a consumer group that says nothing new is to be told nothing new: it uses the
// consumer protocol, is in that epoch, and has all that the target assignment gives it, which is
// the one of the group's newest epoch.
bool IsConsumerMemberAtRest(const MetadataImage& image, std::string_view group_id,
                            const MemberIdentity& who, int32_t member_epoch);

// Law 1: whether a gateway may answer this from its own image.
bool IsAnswerOfGateway(ErrorCode verdict);

// ListGroups: an empty filter lets everything pass; case does not matter (KIP-518, KIP-848).
bool PassesFilters(const Group& group, std::span<const std::string> states,
                   std::span<const std::string> types);

}  // namespace weir::metadata
