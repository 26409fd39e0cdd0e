// ConsumerGroupHeartbeat (key 68) and ConsumerGroupDescribe (key 69): groups whose assignment the
// controller makes (KIP-848), between a client's connection and the gateway
// (broker/coordinator/group_gateway.h). Any broker serves any group.
//
// A member that joins with version 0 is given its id here; the others choose it.
//
// What is null in a request is absent in what is forwarded: it means "as before". Topics are ids on
// both sides. Requests are checked by the controller, which knows what members have said before.
#include "broker/wire/messages/consumer_groups.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/handlers/authorized_operations.h"
#include "broker/handlers/group_requests.h"
#include "broker/handlers/handlers.h"
#include "broker/handlers/long_call.h"
#include "broker/handlers/registry.h"
#include "common/base/uuid.h"
#include "common/metadata/consumer_group_config.h"

namespace weir::handlers {
namespace {

using wire::ConsumerGroupDescribeRequest;
using wire::ConsumerGroupDescribeResponse;
using wire::ConsumerGroupHeartbeatRequest;
using wire::ConsumerGroupHeartbeatResponse;

// From here on clients choose their member ids themselves (KIP-1082).
constexpr int16_t kFirstVersionWithOwnMemberId = 1;
// Kafka's numbers of MemberType.
constexpr int8_t kClassicMember = 0;
constexpr int8_t kConsumerMember = 1;

// ---- ConsumerGroupHeartbeat ---------------------------------------------------------------

group::v1::ConsumerGroupHeartbeatRequest ToForwarded(const Call& call,
                                                     const net::ConnectionInfo& connection,
                                                     ConsumerGroupHeartbeatRequest request) {
  group::v1::ConsumerGroupHeartbeatRequest forwarded;
  forwarded.set_group_id(std::move(request.group_id));
  forwarded.set_member_id(std::move(request.member_id));
  forwarded.set_member_epoch(request.member_epoch);
  if (request.instance_id) forwarded.set_instance_id(*std::move(request.instance_id));
  if (request.rack_id) forwarded.set_rack_id(*std::move(request.rack_id));
  forwarded.set_rebalance_timeout_ms(request.rebalance_timeout_ms);
  if (request.subscribed_topic_names) {
    auto* names = forwarded.mutable_subscribed_topic_names();
    for (std::string& name : *request.subscribed_topic_names) names->add_names(std::move(name));
  }
  if (request.subscribed_topic_regex) {
    forwarded.set_subscribed_topic_regex(*std::move(request.subscribed_topic_regex));
  }
  if (request.server_assignor) forwarded.set_server_assignor(*std::move(request.server_assignor));
  if (request.topic_partitions) {
    auto* owned = forwarded.mutable_topic_partitions();
    for (const auto& topic : *request.topic_partitions) {
      auto* partitions = owned->add_topic_partitions();
      partitions->set_topic_id(topic.topic_id.ToBytes());
      partitions->mutable_partitions()->Add(topic.partitions.begin(), topic.partitions.end());
    }
  }
  forwarded.set_client_id(std::string(call.client_id()));
  forwarded.set_client_host(ClientHostOf(connection));
  return forwarded;
}

ConsumerGroupHeartbeatResponse ToResponse(group::v1::ConsumerGroupHeartbeatReply reply) {
  ConsumerGroupHeartbeatResponse response;
  response.error_code = ErrorCodeFromNumber(reply.error_code());
  if (reply.has_error_message()) response.error_message = reply.error_message();
  if (reply.has_member_id()) response.member_id = std::move(*reply.mutable_member_id());
  response.member_epoch = reply.member_epoch();
  response.heartbeat_interval_ms = reply.heartbeat_interval_ms();
  if (!reply.has_assignment()) return response;
  response.assignment.emplace();
  for (const auto& topic : reply.assignment().topic_partitions()) {
    // Ids are the controllers' own.
    const Result<Uuid> id = Uuid::FromBytes(topic.topic_id());
    if (!id) continue;
    response.assignment->topic_partitions.push_back(
        {.topic_id = *id, .partitions = {topic.partitions().begin(), topic.partitions().end()}});
  }
  return response;
}

// A static member's process that is killed does not say so: the end of its connection does.
// `reply`: to a heartbeat of that member, which may have left with it.
void ReportWhenGone(const LongCall& call, const std::string& group_id,
                    const group::v1::ConsumerGroupHeartbeatReply& reply) {
  const auto peer = call.peer.lock();
  if (peer == nullptr || reply.error_code() != 0 || reply.member_epoch() <= 0) return;
  peer->WhenGoneOnce(group_id + '\0' + reply.member_id(),
                     [&gateway = GatewayOf(call.call), group_id, member_id = reply.member_id()] {
                       gateway.ConnectionLost(group_id, member_id);
                     });
}

void Beat(Call call, net::ConnectionInfo& connection, ConsumerGroupHeartbeatRequest request) {
  if (connection.peer->gone()) return call.ReplyNothing();
  const int32_t interval_ms =
      metadata::ConsumerHeartbeatIntervalMs({call.image()}, request.group_id);
  auto forwarded = ToForwarded(call, connection, std::move(request));
  if (call.version() < kFirstVersionWithOwnMemberId && forwarded.member_id().empty() &&
      forwarded.member_epoch() == metadata::kJoinEpoch) {
    forwarded.set_member_id(GatewayOf(call).DrawMemberId());
  }
  std::optional<std::string> group_of_static;
  if (forwarded.has_instance_id()) group_of_static = forwarded.group_id();
  auto waiting = std::make_shared<LongCall>(std::move(call), connection.peer);
  rpc::CallHandle handle =
      GatewayOf(waiting->call)
          .ConsumerHeartbeat(
              std::move(forwarded), interval_ms,
              [waiting, group_of_static](group::v1::ConsumerGroupHeartbeatReply reply) {
                waiting->End();
                if (group_of_static) ReportWhenGone(*waiting, *group_of_static, reply);
                waiting->call.Reply(ToResponse(std::move(reply)));
              });
  WithdrawWhenGone(waiting, std::move(handle));
}

// ---- ConsumerGroupDescribe ----------------------------------------------------------------

using NamedPartitions = google::protobuf::RepeatedPtrField<group::v1::NamedTopicPartitions>;

ConsumerGroupDescribeResponse::Assignment ToAssignment(const NamedPartitions& from) {
  ConsumerGroupDescribeResponse::Assignment assignment;
  for (const group::v1::NamedTopicPartitions& topic : from) {
    const Result<Uuid> id = Uuid::FromBytes(topic.topic_id());
    if (!id) continue;
    assignment.topic_partitions.push_back(
        {.topic_id = *id,
         .topic_name = topic.topic_name(),
         .partitions = {topic.partitions().begin(), topic.partitions().end()}});
  }
  return assignment;
}

ConsumerGroupDescribeResponse::Member ToMember(group::v1::DescribedConsumer from) {
  ConsumerGroupDescribeResponse::Member member;
  member.member_id = std::move(*from.mutable_member_id());
  member.instance_id = NullIfEmpty(std::move(*from.mutable_instance_id()));
  member.rack_id = NullIfEmpty(std::move(*from.mutable_rack_id()));
  member.member_epoch = from.member_epoch();
  member.client_id = std::move(*from.mutable_client_id());
  member.client_host = std::move(*from.mutable_client_host());
  member.subscribed_topic_names = {from.subscribed_topic_names().begin(),
                                   from.subscribed_topic_names().end()};
  member.subscribed_topic_regex = NullIfEmpty(std::move(*from.mutable_subscribed_topic_regex()));
  member.assignment = ToAssignment(from.assignment());
  member.target_assignment = ToAssignment(from.target_assignment());
  member.member_type = from.uses_classic_protocol() ? kClassicMember : kConsumerMember;
  return member;
}

ConsumerGroupDescribeResponse::Group ToGroup(group::v1::DescribedConsumerGroup from) {
  ConsumerGroupDescribeResponse::Group group;
  group.group_id = std::move(*from.mutable_group_id());
  group.error_code = ErrorCodeFromNumber(from.error_code());
  if (group.error_code != ErrorCode::kNone) {
    group.error_message = NullIfEmpty(std::move(*from.mutable_error_message()));
    return group;
  }
  group.group_state = std::move(*from.mutable_state());
  group.group_epoch = from.group_epoch();
  group.assignment_epoch = from.assignment_epoch();
  group.assignor_name = std::move(*from.mutable_assignor_name());
  group.members.reserve(static_cast<size_t>(from.members_size()));
  for (group::v1::DescribedConsumer& member : *from.mutable_members()) {
    group.members.push_back(ToMember(std::move(member)));
  }
  return group;
}

void Describe(Call call, net::ConnectionInfo&, ConsumerGroupDescribeRequest request) {
  if (request.group_ids.empty()) return call.Reply(ConsumerGroupDescribeResponse{});
  group::v1::DescribeConsumerGroupsRequest forwarded;
  for (std::string& group_id : request.group_ids) forwarded.add_group_ids(std::move(group_id));
  coordinator::GroupGateway& gateway = GatewayOf(call);
  gateway.DescribeConsumers(
      forwarded, [call = std::move(call), with_operations = request.include_authorized_operations](
                     group::v1::DescribeConsumerGroupsReply reply) mutable {
        ConsumerGroupDescribeResponse response;
        for (group::v1::DescribedConsumerGroup& described : *reply.mutable_groups()) {
          auto& group = response.groups.emplace_back(ToGroup(std::move(described)));
          if (with_operations && group.error_code == ErrorCode::kNone) {
            group.authorized_operations = kAllGroupOperations;
          }
        }
        call.Reply(response);
      });
}

}  // namespace

void HandleConsumerGroupHeartbeat(Call call, net::ConnectionInfo& connection) {
  DecodeThen<ConsumerGroupHeartbeatRequest, Beat>(std::move(call), connection);
}

void HandleConsumerGroupDescribe(Call call, net::ConnectionInfo& connection) {
  DecodeThen<ConsumerGroupDescribeRequest, Describe>(std::move(call), connection);
}

}  // namespace weir::handlers
