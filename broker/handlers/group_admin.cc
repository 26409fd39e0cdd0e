// DescribeGroups (key 15), ListGroups (16) and DeleteGroups (42).
//
// What members say and are assigned is known to the controllers only: groups are described and
// deleted there. Listing needs the image and the offsets here. Clients list at every broker and
// some add the answers up, so that a broker lists the groups that it is the coordinator of.
//
// A group that nobody has joined, but whose offsets were committed, is there for Kafka's tools:
// "Empty" when listed or described, deleted when asked. Only the coordinator knows of such a group,
// and deleting any group ends with its offsets: other brokers say NOT_COORDINATOR, and one that
// cannot tell yet says so, so that clients ask again instead of taking the group for gone.
#include "broker/wire/messages/group_admin.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "broker/handlers/authorized_operations.h"
#include "broker/handlers/group_offsets.h"
#include "broker/handlers/group_requests.h"
#include "broker/handlers/handlers.h"
#include "broker/handlers/offsets_topic.h"
#include "broker/handlers/registry.h"
#include "common/metadata/group_checks.h"
#include "common/metadata/group_partition.h"

namespace weir::handlers {
namespace {

constexpr int16_t kFirstDescribeWithNotFound = 6;

// ---- DescribeGroups -----------------------------------------------------------------------

wire::DescribeGroupsResponse::Member ToMember(group::v1::DescribedMember from) {
  wire::DescribeGroupsResponse::Member member;
  member.member_id = std::move(*from.mutable_member_id());
  member.group_instance_id = NullIfEmpty(std::move(*from.mutable_instance_id()));
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

struct Description {
  Call call;
  bool with_operations;
  wire::DescribeGroupsResponse response;
  // Of the groups that the controller does not know, and whose offsets are here.
  std::vector<size_t> places;
};

// Whether there is such a group cannot be told here, or not yet.
void Fail(wire::DescribeGroupsResponse::Group& group, ErrorCode error) {
  group.error_code = error;
  group.error_message.reset();
  group.group_state.clear();
}

void Answer(Description& description) {
  for (auto& group : description.response.groups) {
    if (description.with_operations && group.error_code == ErrorCode::kNone) {
      group.authorized_operations = kAllGroupOperations;
    }
  }
  description.call.Reply(description.response);
}

void OnOffsets(Description& description, const std::vector<replica::OffsetQueryOutcome>& found) {
  for (size_t i = 0; i < description.places.size(); ++i) {
    auto& group = description.response.groups[description.places[i]];
    if (found[i].error != ErrorCode::kNone) {
      Fail(group, ToCoordinatorError(found[i].error));
      continue;
    }
    if (found[i].offsets.empty()) continue;
    group.error_code = ErrorCode::kNone;
    group.error_message.reset();
    group.group_state = metadata::GroupStateName(metadata::GroupState::kEmpty);
  }
  Answer(description);
}

void OnDescribed(std::unique_ptr<Description> description, group::v1::DescribeGroupsReply reply) {
  const Call& call = description->call;
  const BrokerContext& broker = call.broker();
  const bool has_offsets = call.image().FindTopic(metadata::kOffsetsTopic) != nullptr;
  std::vector<replica::OffsetQuery> queries;
  for (group::v1::DescribedGroup& described : *reply.mutable_groups()) {
    const bool unknown = ErrorCodeFromNumber(described.error_code()) == ErrorCode::kGroupIdNotFound;
    auto& group =
        description->response.groups.emplace_back(ToGroup(call.version(), std::move(described)));
    if (!unknown) continue;
    const metadata::Group* other = call.image().FindGroup(group.group_id);
    if (other != nullptr && other->type != metadata::GroupType::kClassic) {
      // ConsumerGroupDescribe is for those.
      group.error_message = "Group " + group.group_id + " is not a classic group.";
      continue;
    }
    // Nothing has ever been committed.
    if (!has_offsets) continue;
    const OffsetsPartition place =
        FindOffsetsPartition(call.image(), broker.settings.node_id, group.group_id);
    if (place.error != ErrorCode::kNone) {
      Fail(group, place.error);
      continue;
    }
    description->places.push_back(description->response.groups.size() - 1);
    queries.push_back(
        {.partition = place.partition, .group = group.group_id, .topics = std::nullopt});
  }
  if (queries.empty()) return Answer(*description);
  const size_t home = call.shard();
  broker.partitions->QueryOffsets(
      home, std::move(queries),
      [description = std::move(description)](std::vector<replica::OffsetQueryOutcome> found) {
        OnOffsets(*description, found);
      });
}

void Describe(Call call, net::ConnectionInfo&, wire::DescribeGroupsRequest request) {
  if (request.groups.empty()) return call.Reply(wire::DescribeGroupsResponse{});
  group::v1::DescribeGroupsRequest forwarded;
  for (std::string& group_id : request.groups) forwarded.add_group_ids(std::move(group_id));
  coordinator::GroupGateway& gateway = GatewayOf(call);
  auto description = std::make_unique<Description>(
      Description{std::move(call), request.include_authorized_operations, {}, {}});
  gateway.Describe(forwarded, [description = std::move(description)](
                                  group::v1::DescribeGroupsReply reply) mutable {
    OnDescribed(std::move(description), std::move(reply));
  });
}

// ---- ListGroups ---------------------------------------------------------------------------

wire::ListGroupsResponse::Group Listed(const std::string& group_id, const metadata::Group& group) {
  return {.group_id = group_id,
          .protocol_type = group.protocol_type,
          .group_state = std::string(metadata::GroupStateName(group.state)),
          .group_type = std::string(metadata::GroupTypeName(group.type))};
}

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
    response.groups.push_back(Listed(group_id, group));
  }
  // Groups of which there is nothing but offsets.
  const metadata::Group nobody;
  if (!metadata::PassesFilters(nobody, request.states_filter, request.types_filter)) {
    return call.Reply(response);
  }
  const size_t home = call.shard();
  replica::PartitionRouter& partitions = *call.broker().partitions;
  partitions.OffsetGroups(home, [call = std::move(call), response = std::move(response),
                                 nobody](const std::vector<std::string>& group_ids) mutable {
    for (const std::string& group_id : group_ids) {
      if (call.image().FindGroup(group_id) != nullptr) continue;
      response.groups.push_back(Listed(group_id, nobody));
    }
    call.Reply(response);
  });
}

// ---- DeleteGroups -------------------------------------------------------------------------

struct Deletion {
  Call call;
  wire::DeleteGroupsResponse response;
  // Of the groups that were forwarded, in their order.
  std::vector<size_t> places;
  // What has not been heard of.
  size_t waits_for = 0;
};

void CountDown(Deletion& deletion) {
  if (--deletion.waits_for == 0) deletion.call.Reply(deletion.response);
}

// `deleted`: what the controller said, kNone or kGroupIdNotFound.
ErrorCode OutcomeOf(ErrorCode deleted, const replica::OffsetForgetOutcome& offsets) {
  if (offsets.error != ErrorCode::kNone) return offsets.error;
  return offsets.forgotten > 0 ? ErrorCode::kNone : deleted;
}

void OnDeleted(const std::shared_ptr<Deletion>& deletion,
               const group::v1::DeleteGroupsReply& reply) {
  const bool has_offsets = deletion->call.image().FindTopic(metadata::kOffsetsTopic) != nullptr;
  deletion->waits_for = deletion->places.size();
  for (size_t i = 0; i < deletion->places.size(); ++i) {
    auto& result = deletion->response.results[deletion->places[i]];
    const int index = static_cast<int>(i);
    const ErrorCode deleted = index < reply.groups_size()
                                  ? ErrorCodeFromNumber(reply.groups(index).error_code())
                                  : ErrorCode::kUnknownServerError;
    const bool is_gone = deleted == ErrorCode::kNone || deleted == ErrorCode::kGroupIdNotFound;
    if (!has_offsets || !is_gone) {
      result.error_code = deleted;
      CountDown(*deletion);
      continue;
    }
    ForgetGroupOffsets(deletion->call, result.group_id,
                       [deletion, &result, deleted](replica::OffsetForgetOutcome offsets) {
                         result.error_code = OutcomeOf(deleted, offsets);
                         CountDown(*deletion);
                       });
  }
}

void Delete(Call call, net::ConnectionInfo&, wire::DeleteGroupsRequest request) {
  const metadata::MetadataImage& image = call.image();
  const NodeId own_id = call.broker().settings.node_id;
  const bool has_offsets = image.FindTopic(metadata::kOffsetsTopic) != nullptr;
  wire::DeleteGroupsResponse response;
  std::vector<size_t> places;
  group::v1::DeleteGroupsRequest forwarded;
  for (std::string& group_id : request.groups_names) {
    auto& result = response.results.emplace_back();
    if (has_offsets) result.error_code = FindOffsetsPartition(image, own_id, group_id).error;
    if (result.error_code == ErrorCode::kNone) {
      places.push_back(response.results.size() - 1);
      forwarded.add_group_ids(group_id);
    }
    result.group_id = std::move(group_id);
  }
  if (places.empty()) return call.Reply(response);
  coordinator::GroupGateway& gateway = GatewayOf(call);
  auto deletion = std::make_shared<Deletion>(
      Deletion{std::move(call), std::move(response), std::move(places), 0});
  gateway.Delete(std::move(forwarded), [deletion](const group::v1::DeleteGroupsReply& reply) {
    OnDeleted(deletion, reply);
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
