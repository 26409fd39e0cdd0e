// GroupGateway: a broker's side of consumer groups (DESIGN D6, proto/group.proto). It holds no
// state of any group: heartbeats are judged on the broker's own metadata image, everything else is
// asked of the active controller, and who was heard of, and whose connection has ended, is reported
// to it.
//
//   client --Heartbeat--> image says NONE or REBALANCE_IN_PROGRESS: answered at once, and reported
//                         image would turn the member away: the controller is asked
//   client --ConsumerGroupHeartbeat--> it says nothing new and is to be told nothing new: the same
//                         anything else: the controller is asked
//   client --JoinGroup, SyncGroup, LeaveGroup, ...--> GatewayCall --> controller
//
// Laws:
//  1. A broker that fails takes no group with it: any other one answers the same.
//  2. A controller that fails costs a call its time, not its answer: it is sent to the next one.
//  3. While no controller is active, members whose group is at rest hear NONE; from a broker that
//     alone may be cut off they hear NOT_COORDINATOR (group_standing.h).
//  4. `done` runs once on the shard, inside the call or later; never after Cancel of the handle.
// Thread rule: one per shard, on its thread.
#pragma once

#include <string>
#include <string_view>

#include "absl/functional/any_invocable.h"
#include "broker/coordinator/gateway_call.h"
#include "broker/coordinator/heard_members.h"
#include "broker/coordinator/liveness_reporter.h"
#include "common/base/error_code.h"
#include "common/base/prng.h"
#include "common/base/uuid.h"

namespace weir::coordinator {

// How long a call waits for its answer before the client hears COORDINATOR_NOT_AVAILABLE and sends
// it again. Clients themselves wait for an assignment at most as long as for a poll (five minutes),
// for a confirmed heartbeat no longer than a short session lasts.
inline constexpr Duration kJoinPatienceMin = std::chrono::minutes(5);
inline constexpr Duration kSyncPatience = std::chrono::minutes(5);
inline constexpr Duration kHeartbeatPatience = std::chrono::seconds(5);
inline constexpr Duration kConsumerHeartbeatPatience = std::chrono::seconds(10);
inline constexpr Duration kLeavePatience = std::chrono::seconds(10);
inline constexpr Duration kGroupAdminPatience = std::chrono::seconds(15);

class GroupGateway {
 public:
  template <class Reply>
  using Done = absl::AnyInvocable<void(Reply)>;

  // `report` takes what was heard to the reporter; callable on the shard.
  GroupGateway(const GatewayPlace& place, uint64_t seed, std::function<void(HeardMembers)> report)
      : place_(place), report_(std::move(report)), prng_(seed) {}

  // A join waits at most its rebalance timeout and some, kJoinPatienceMin at least.
  rpc::CallHandle Join(group::v1::JoinGroupRequest request, Done<group::v1::JoinGroupReply> done);
  rpc::CallHandle Sync(group::v1::SyncGroupRequest request, Done<group::v1::SyncGroupReply> done);
  void Leave(group::v1::LeaveGroupRequest request, Done<group::v1::LeaveGroupReply> done);
  void Delete(group::v1::DeleteGroupsRequest request, Done<group::v1::DeleteGroupsReply> done);
  // Each group once, in the order of the request, however often it is named. In as many calls as
  // it takes.
  void Describe(const group::v1::DescribeGroupsRequest& request,
                Done<group::v1::DescribeGroupsReply> done);
  void DescribeConsumers(const group::v1::DescribeConsumerGroupsRequest& request,
                         Done<group::v1::DescribeConsumerGroupsReply> done);

  void Heartbeat(group::v1::HeartbeatRequest request, Done<ErrorCode> done);
  // For a client that leaves it to us: drawn here, so that a join which is sent to another
  // controller once more names the same member.
  std::string DrawMemberId() { return Uuid::Random(prng_).ToString(); }
  // `interval_ms`: the group's heartbeat interval, for answers that are given here.
  rpc::CallHandle ConsumerHeartbeat(group::v1::ConsumerGroupHeartbeatRequest request,
                                    int32_t interval_ms,
                                    Done<group::v1::ConsumerGroupHeartbeatReply> done);
  // The controller's verdict, whatever the own image says. For commits too, which the image would
  // refuse. kCoordinatorNotAvailable: nobody could be asked.
  void Confirm(group::v1::HeartbeatRequest request, Done<ErrorCode> done);
  // A sign of life, a heartbeat or a commit. Of a member that the image does not know, nothing is
  // kept: whatever a client may call itself, reports are about members.
  void Heard(std::string_view group_id, std::string_view member_id);
  // The client connection has ended that this static member's heartbeats came on: the controller is
  // told at once, if the image knows the member.
  void ConnectionLost(std::string_view group_id, std::string_view member_id);

 private:
  bool Knows(std::string_view group_id, std::string_view member_id) const;
  void Report();
  // Whether members of that group may be answered from the image (group_standing.h).
  void IfStanding(const std::string& group_id, Done<bool> done);

  template <class Request, class Reply>
  rpc::CallHandle StartCall(const GatewayCallKind<Request, Reply>& kind, Request request,
                            Duration patience, Done<Reply> done);
  // `described`: of the groups before `rest`.
  template <class Request, class Reply>
  void DescribeRest(const GatewayCallKind<Request, Reply>& kind, Request rest, Reply described,
                    MonoTime deadline, Done<Reply> done);

  const GatewayPlace place_;
  const std::function<void(HeardMembers)> report_;
  Prng prng_;
  HeardMembers heard_;
};

}  // namespace weir::coordinator
