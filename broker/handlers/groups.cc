// JoinGroup (key 11), Heartbeat (12), LeaveGroup (13), SyncGroup (14): the classic group protocol,
// between a client's connection and the gateway (broker/coordinator/group_gateway.h). Any broker
// serves any group.
//
// A join or sync waits until the controller answers; it is withdrawn when its client has gone. What
// versions can do is spelled out here: the controller knows no versions.
#include "broker/wire/messages/groups.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "broker/handlers/group_requests.h"
#include "broker/handlers/handlers.h"
#include "broker/handlers/long_call.h"
#include "broker/handlers/member_protocol.h"
#include "broker/handlers/registry.h"

namespace weir::handlers {
namespace {

constexpr int16_t kFirstJoinWithTwoSteps = 4;
constexpr int16_t kFirstJoinWithNullProtocol = 7;
constexpr int16_t kFirstJoinWithSkipAssignment = 9;
constexpr int16_t kFirstSyncWithProtocol = 5;
constexpr int16_t kFirstLeaveWithManyMembers = 3;

ErrorCode CodeOf(int32_t number) { return ErrorCodeFromNumber(number); }

// ---- JoinGroup ----------------------------------------------------------------------------

group::v1::JoinGroupRequest ToForwarded(const Call& call, const net::ConnectionInfo& connection,
                                        wire::JoinGroupRequest request) {
  group::v1::JoinGroupRequest forwarded;
  forwarded.set_group_id(std::move(request.group_id));
  forwarded.set_member_id(std::move(request.member_id));
  forwarded.set_instance_id(std::move(request.group_instance_id).value_or(""));
  forwarded.set_client_id(std::string(call.client_id()));
  forwarded.set_client_host(ClientHostOf(connection));
  forwarded.set_session_timeout_ms(request.session_timeout_ms);
  forwarded.set_rebalance_timeout_ms(request.rebalance_timeout_ms);
  forwarded.set_protocol_type(std::move(request.protocol_type));
  for (wire::JoinGroupRequest::Protocol& protocol : request.protocols) {
    auto* supported = forwarded.add_protocols();
    supported->set_name(std::move(protocol.name));
    supported->set_metadata(std::move(protocol.metadata.data));
  }
  forwarded.set_reason(std::move(request.reason).value_or(""));
  forwarded.set_requires_known_member_id(call.version() >= kFirstJoinWithTwoSteps);
  forwarded.set_supports_skip_assignment(call.version() >= kFirstJoinWithSkipAssignment);
  return forwarded;
}

wire::JoinGroupResponse ToResponse(int16_t version, group::v1::JoinGroupReply reply) {
  wire::JoinGroupResponse response;
  response.error_code = CodeOf(reply.error_code());
  response.member_id = std::move(*reply.mutable_member_id());
  if (response.error_code != ErrorCode::kNone) {
    if (version >= kFirstJoinWithNullProtocol) response.protocol_name.reset();
    return response;
  }
  response.generation_id = reply.generation_id();
  response.protocol_type = std::move(*reply.mutable_protocol_type());
  response.protocol_name = std::move(*reply.mutable_protocol_name());
  response.leader = std::move(*reply.mutable_leader());
  response.skip_assignment = reply.skip_assignment();
  response.members.reserve(static_cast<size_t>(reply.members_size()));
  for (group::v1::JoinedMember& member : *reply.mutable_members()) {
    response.members.push_back(
        {.member_id = std::move(*member.mutable_member_id()),
         .group_instance_id = NullIfEmpty(std::move(*member.mutable_instance_id())),
         .metadata = {std::move(*member.mutable_metadata())}});
  }
  return response;
}

void Join(Call call, net::ConnectionInfo& connection, wire::JoinGroupRequest request) {
  if (connection.peer->gone()) return call.ReplyNothing();
  group::v1::JoinGroupRequest forwarded = ToForwarded(call, connection, std::move(request));
  auto waiting = std::make_shared<LongCall>(std::move(call), connection.peer);
  rpc::CallHandle handle =
      GatewayOf(waiting->call).Join(std::move(forwarded), [waiting](auto reply) {
        waiting->End();
        const int16_t version = waiting->call.version();
        waiting->call.Reply(ToResponse(version, std::move(reply)));
      });
  WithdrawWhenGone(waiting, std::move(handle));
}

// ---- SyncGroup ----------------------------------------------------------------------------

group::v1::SyncGroupRequest ToForwarded(wire::SyncGroupRequest request) {
  group::v1::SyncGroupRequest forwarded;
  forwarded.set_group_id(std::move(request.group_id));
  forwarded.set_generation_id(request.generation_id);
  forwarded.set_member_id(std::move(request.member_id));
  forwarded.set_instance_id(std::move(request.group_instance_id).value_or(""));
  forwarded.set_protocol_type(std::move(request.protocol_type).value_or(""));
  forwarded.set_protocol_name(std::move(request.protocol_name).value_or(""));
  for (wire::SyncGroupRequest::MemberAssignment& assignment : request.assignments) {
    auto* assigned = forwarded.add_assignments();
    assigned->set_member_id(std::move(assignment.member_id));
    assigned->set_assignment(std::move(assignment.assignment.data));
  }
  return forwarded;
}

void Sync(Call call, net::ConnectionInfo& connection, wire::SyncGroupRequest request) {
  if (connection.peer->gone()) return call.ReplyNothing();
  const bool says_protocol = request.protocol_type && request.protocol_name;
  if (call.version() >= kFirstSyncWithProtocol && !says_protocol) {
    wire::SyncGroupResponse response;
    response.error_code = ErrorCode::kInconsistentGroupProtocol;
    return call.Reply(response);
  }
  auto waiting = std::make_shared<LongCall>(std::move(call), connection.peer);
  rpc::CallHandle handle =
      GatewayOf(waiting->call)
          .Sync(ToForwarded(std::move(request)), [waiting](group::v1::SyncGroupReply reply) {
            waiting->End();
            wire::SyncGroupResponse response;
            response.error_code = CodeOf(reply.error_code());
            if (response.error_code == ErrorCode::kNone) {
              response.protocol_type = std::move(*reply.mutable_protocol_type());
              response.protocol_name = std::move(*reply.mutable_protocol_name());
              response.assignment.data = std::move(*reply.mutable_assignment());
            }
            waiting->call.Reply(response);
          });
  WithdrawWhenGone(waiting, std::move(handle));
}

// ---- Heartbeat ----------------------------------------------------------------------------

void Beat(Call call, net::ConnectionInfo&, wire::HeartbeatRequest request) {
  // Said here: controllers, which are asked about commits in the same way, go by its epoch.
  if (UsesConsumerProtocol(call.image(), request.group_id, request.member_id)) {
    wire::HeartbeatResponse response;
    response.error_code = ErrorCode::kUnknownMemberId;
    return call.Reply(response);
  }
  group::v1::HeartbeatRequest forwarded;
  forwarded.set_group_id(std::move(request.group_id));
  forwarded.set_generation_id(request.generation_id);
  forwarded.set_member_id(std::move(request.member_id));
  forwarded.set_instance_id(std::move(request.group_instance_id).value_or(""));
  coordinator::GroupGateway& gateway = GatewayOf(call);
  gateway.Heartbeat(std::move(forwarded), [call = std::move(call)](ErrorCode verdict) mutable {
    wire::HeartbeatResponse response;
    response.error_code = verdict;
    call.Reply(response);
  });
}

// ---- LeaveGroup ---------------------------------------------------------------------------

wire::LeaveGroupResponse ToResponse(int16_t version, group::v1::LeaveGroupReply reply) {
  wire::LeaveGroupResponse response;
  response.error_code = CodeOf(reply.error_code());
  if (version < kFirstLeaveWithManyMembers) {
    if (response.error_code == ErrorCode::kNone && reply.members_size() > 0) {
      response.error_code = CodeOf(reply.members(0).error_code());
    }
    return response;
  }
  for (group::v1::LeftMember& member : *reply.mutable_members()) {
    response.members.push_back(
        {.member_id = std::move(*member.mutable_member_id()),
         .group_instance_id = NullIfEmpty(std::move(*member.mutable_instance_id())),
         .error_code = CodeOf(member.error_code())});
  }
  return response;
}

void Leave(Call call, net::ConnectionInfo&, wire::LeaveGroupRequest request) {
  group::v1::LeaveGroupRequest forwarded;
  forwarded.set_group_id(std::move(request.group_id));
  if (call.version() < kFirstLeaveWithManyMembers) {
    forwarded.add_members()->set_member_id(std::move(request.member_id));
  }
  for (wire::LeaveGroupRequest::Member& member : request.members) {
    auto* leaving = forwarded.add_members();
    leaving->set_member_id(std::move(member.member_id));
    leaving->set_instance_id(std::move(member.group_instance_id).value_or(""));
    leaving->set_reason(std::move(member.reason).value_or(""));
  }
  coordinator::GroupGateway& gateway = GatewayOf(call);
  gateway.Leave(std::move(forwarded),
                [call = std::move(call)](group::v1::LeaveGroupReply reply) mutable {
                  const int16_t version = call.version();
                  call.Reply(ToResponse(version, std::move(reply)));
                });
}

}  // namespace

void HandleJoinGroup(Call call, net::ConnectionInfo& connection) {
  DecodeThen<wire::JoinGroupRequest, Join>(std::move(call), connection);
}

void HandleSyncGroup(Call call, net::ConnectionInfo& connection) {
  DecodeThen<wire::SyncGroupRequest, Sync>(std::move(call), connection);
}

void HandleHeartbeat(Call call, net::ConnectionInfo& connection) {
  DecodeThen<wire::HeartbeatRequest, Beat>(std::move(call), connection);
}

void HandleLeaveGroup(Call call, net::ConnectionInfo& connection) {
  DecodeThen<wire::LeaveGroupRequest, Leave>(std::move(call), connection);
}

}  // namespace weir::handlers
