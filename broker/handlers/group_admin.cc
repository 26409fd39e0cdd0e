// DescribeGroups (key 15), ListGroups (16) and DeleteGroups (42).
//
// What members say and are assigned is known to the controllers only: groups are described and
// deleted there. Listing needs no more than the image. Clients list at every broker and some add
// the answers up, so that a broker lists the groups that it is the coordinator of.
#include "broker/wire/messages/group_admin.h"

#include <string>
#include <utility>
#include <vector>

#include "broker/coordinator/group_gateways.h"
#include "broker/handlers/authorized_operations.h"
#include "broker/handlers/handlers.h"
#include "broker/handlers/offsets_topic.h"
#include "broker/handlers/registry.h"
#include "common/metadata/group_checks.h"

namespace weir::handlers {
namespace {

constexpr int16_t kFirstDescribeWithNotFound = 6;

coordinator::GroupGateway& GatewayOf(const Call& call) {
  return call.broker().groups->At(call.shard());
}

// ---- DescribeGroups -----------------------------------------------------------------------

wire::DescribeGroupsResponse::Member ToMember(group::v1::DescribedMember from) {
  wire::DescribeGroupsResponse::Member member;
  member.member_id = std::move(*from.mutable_member_id());
  if (!from.instance_id().empty()) member.group_instance_id = from.instance_id();
  member.client_id = std::move(*from.mutable_client_id());
  member.client_host = std::move(*from.mutable_client_host());
  member.member_metadata.data = std::move(*from.mutable_metadata());
  member.member_assignment.data = std::move(*from.mutable_assignment());
  return member;
}

wire::DescribeGroupsResponse::Group ToGroup(int16_t version, group::v1::DescribedGroup from) {
  wire::DescribeGroupsResponse::Group group;
  group.error_code = ErrorCodeFromNumber(from.error_code());
  group.group_id = std::move(*from.mutable_group_id());
  group.group_state = std::move(*from.mutable_state());
  group.protocol_type = std::move(*from.mutable_protocol_type());
  group.protocol_data = std::move(*from.mutable_protocol_name());
  if (group.error_code == ErrorCode::kGroupIdNotFound) {
    // KIP-1043: before, "Dead" alone says it.
    if (version < kFirstDescribeWithNotFound) group.error_code = ErrorCode::kNone;
    group.error_message = "Group " + group.group_id + " not found.";
  }
  group.members.reserve(static_cast<size_t>(from.members_size()));
  for (group::v1::DescribedMember& member : *from.mutable_members()) {
    group.members.push_back(ToMember(std::move(member)));
  }
  return group;
}

void Describe(Call call, net::ConnectionInfo&, wire::DescribeGroupsRequest request) {
  if (request.groups.empty()) return call.Reply(wire::DescribeGroupsResponse{});
  group::v1::DescribeGroupsRequest forwarded;
  for (std::string& group_id : request.groups) forwarded.add_group_ids(std::move(group_id));
  coordinator::GroupGateway& gateway = GatewayOf(call);
  gateway.Describe(std::move(forwarded), [call = std::move(call),
                                          with_operations = request.include_authorized_operations](
                                             group::v1::DescribeGroupsReply reply) mutable {
    wire::DescribeGroupsResponse response;
    for (group::v1::DescribedGroup& described : *reply.mutable_groups()) {
      auto& group = response.groups.emplace_back(ToGroup(call.version(), std::move(described)));
      if (with_operations && group.error_code == ErrorCode::kNone) {
        group.authorized_operations = kAllGroupOperations;
      }
    }
    call.Reply(response);
  });
}

// ---- ListGroups ---------------------------------------------------------------------------

void List(Call call, net::ConnectionInfo&, wire::ListGroupsRequest request) {
  const metadata::MetadataImage& image = call.image();
  const NodeId own_id = call.broker().settings.node_id;
  // It lists the groups whose offsets have no leader.
  const std::vector<NodeId> live = image.LiveBrokers();
  const bool is_first = !live.empty() && live.front() == own_id;
  wire::ListGroupsResponse response;
  for (const auto& [group_id, group] : image.groups()) {
    if (!metadata::PassesFilters(group, request.states_filter, request.types_filter)) continue;
    const NodeId coordinator = CoordinatorOf(image, group_id);
    if (coordinator == kNoNode ? !is_first : coordinator != own_id) continue;
    response.groups.push_back({.group_id = group_id,
                               .protocol_type = group.protocol_type,
                               .group_state = std::string(metadata::GroupStateName(group.state)),
                               .group_type = std::string(metadata::GroupTypeName(group.type))});
  }
  call.Reply(response);
}

// ---- DeleteGroups -------------------------------------------------------------------------

void Delete(Call call, net::ConnectionInfo&, wire::DeleteGroupsRequest request) {
  if (request.groups_names.empty()) return call.Reply(wire::DeleteGroupsResponse{});
  group::v1::DeleteGroupsRequest forwarded;
  for (std::string& group_id : request.groups_names) forwarded.add_group_ids(std::move(group_id));
  coordinator::GroupGateway& gateway = GatewayOf(call);
  gateway.Delete(
      std::move(forwarded), [call = std::move(call)](group::v1::DeleteGroupsReply reply) mutable {
        wire::DeleteGroupsResponse response;
        for (group::v1::DeletedGroup& deleted : *reply.mutable_groups()) {
          response.results.push_back({.group_id = std::move(*deleted.mutable_group_id()),
                                      .error_code = ErrorCodeFromNumber(deleted.error_code()),
                                      .error_message = std::nullopt});
        }
        call.Reply(response);
      });
}

}  // namespace

void HandleDescribeGroups(Call call, net::ConnectionInfo& connection) {
  DecodeThen<wire::DescribeGroupsRequest, Describe>(std::move(call), connection);
}

void HandleListGroups(Call call, net::ConnectionInfo& connection) {
  DecodeThen<wire::ListGroupsRequest, List>(std::move(call), connection);
}

void HandleDeleteGroups(Call call, net::ConnectionInfo& connection) {
  DecodeThen<wire::DeleteGroupsRequest, Delete>(std::move(call), connection);
}

}  // namespace weir::handlers
