// OffsetDelete (key 47, KIP-496): forgets committed offsets of a group. Those of topics that a
// member of the group subscribes to are kept: GROUP_SUBSCRIBED_TO_TOPIC.
//
// What members subscribe to is known to the controllers only, and they to what members say in the
// consumer protocol; of members that say something else, or nothing yet, nothing is known, and they
// may subscribe to everything. Members of groups whose assignment the controller makes (KIP-848)
// name their topics, and are assigned those that their regular expressions match.
#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "broker/handlers/cluster_view.h"
#include "broker/handlers/group_offsets.h"
#include "broker/handlers/group_requests.h"
#include "broker/handlers/handlers.h"
#include "broker/handlers/registry.h"
#include "broker/wire/decoder.h"
#include "broker/wire/messages/consumer_protocol.h"
#include "broker/wire/messages/group_admin.h"

namespace weir::handlers {
namespace {

using wire::OffsetDeleteRequest;
using wire::OffsetDeleteResponse;

constexpr std::string_view kConsumerProtocol = "consumer";

// nullopt: any topic may be subscribed to.
using Subscribed = std::optional<std::set<std::string, std::less<>>>;

struct Pending {
  Call call;
  std::string group_id;
  OffsetDeleteResponse response;
};

void Refuse(Pending& pending, ErrorCode error) {
  pending.response.topics.clear();
  pending.response.error_code = error;
  pending.call.Reply(pending.response);
}

// Adds what one member asks for in the consumer protocol. False: it says something else.
bool AddTopics(std::string_view says, std::set<std::string, std::less<>>& topics) {
  wire::ConsumerProtocolSubscription subscription;
  if (says.size() < sizeof(int16_t)) return false;
  const auto version = wire::LoadBigEndian<int16_t>(says.data());
  if (version < 0) return false;
  // Later versions only add to the end.
  const int16_t known = std::min(version, wire::ConsumerProtocolSubscription::kInfo.versions.last);
  const SharedBytes body = SharedBytes::Copy(says.substr(sizeof version));
  wire::Decoder decoder(body, known, false);
  decoder.ReadStruct(subscription);
  if (decoder.reader().failed()) return false;
  topics.insert(subscription.topics.begin(), subscription.topics.end());
  return true;
}

Subscribed TopicsOf(const group::v1::DescribedGroup& group) {
  std::set<std::string, std::less<>> topics;
  for (const group::v1::DescribedMember& member : group.members()) {
    if (!AddTopics(member.metadata(), topics)) return std::nullopt;
  }
  return topics;
}

// Forgets what may be forgotten.
void Delete(std::unique_ptr<Pending> pending, const Subscribed& subscribed) {
  std::vector<std::pair<std::string, int32_t>> wanted;
  for (OffsetDeleteResponse::Topic& topic : pending->response.topics) {
    const bool refused = !subscribed || subscribed->contains(topic.name);
    for (OffsetDeleteResponse::Partition& partition : topic.partitions) {
      if (partition.error_code != ErrorCode::kNone) continue;
      if (refused) {
        partition.error_code = ErrorCode::kGroupSubscribedToTopic;
      } else {
        wanted.emplace_back(topic.name, partition.partition_index);
      }
    }
  }
  const BrokerContext& broker = pending->call.broker();
  const OffsetsPartition place =
      FindOffsetsPartition(pending->call.image(), broker.settings.node_id, pending->group_id);
  if (place.error != ErrorCode::kNone) return Refuse(*pending, place.error);
  replica::OffsetForget forget{.partition = place.partition,
                               .group = pending->group_id,
                               .topic_partitions = std::move(wanted),
                               .deadline = OffsetsDeadline(pending->call)};
  const size_t home = pending->call.shard();
  broker.partitions->ForgetOffsets(
      home, std::move(forget),
      [pending = std::move(pending)](const replica::OffsetForgetOutcome& outcome) {
        if (outcome.error != ErrorCode::kNone) {
          return Refuse(*pending, ToCoordinatorError(outcome.error));
        }
        pending->call.Reply(pending->response);
      });
}

// A group that nobody has joined exists as long as it has offsets.
void DeleteIfAny(std::unique_ptr<Pending> pending, const OffsetsPartition& place) {
  std::vector<replica::OffsetQuery> queries;
  queries.push_back(
      {.partition = place.partition, .group = pending->group_id, .topics = std::nullopt});
  const BrokerContext& broker = pending->call.broker();
  const size_t home = pending->call.shard();
  broker.partitions->QueryOffsets(
      home, std::move(queries),
      [pending =
           std::move(pending)](const std::vector<replica::OffsetQueryOutcome>& outcomes) mutable {
        const replica::OffsetQueryOutcome& outcome = outcomes.at(0);
        if (outcome.error != ErrorCode::kNone) {
          return Refuse(*pending, ToCoordinatorError(outcome.error));
        }
        if (outcome.offsets.empty()) return Refuse(*pending, ErrorCode::kGroupIdNotFound);
        Delete(std::move(pending), std::set<std::string, std::less<>>());
      });
}

void DeleteUnlessSubscribed(std::unique_ptr<Pending> pending) {
  group::v1::DescribeGroupsRequest describe;
  describe.add_group_ids(pending->group_id);
  coordinator::GroupGateway& gateway = GatewayOf(pending->call);
  gateway.Describe(std::move(describe), [pending = std::move(pending)](
                                            const group::v1::DescribeGroupsReply& reply) mutable {
    if (reply.groups().empty()) return Refuse(*pending, ErrorCode::kUnknownServerError);
    const group::v1::DescribedGroup& group = reply.groups(0);
    const ErrorCode error = ErrorCodeFromNumber(group.error_code());
    if (error != ErrorCode::kNone) return Refuse(*pending, error);
    Delete(std::move(pending), TopicsOf(group));
  });
}

Subscribed TopicsOf(const group::v1::DescribedConsumerGroup& group) {
  std::set<std::string, std::less<>> topics;
  for (const group::v1::DescribedConsumer& member : group.members()) {
    topics.insert(member.subscribed_topic_names().begin(), member.subscribed_topic_names().end());
    for (const auto& topic : member.assignment()) topics.insert(topic.topic_name());
    for (const auto& topic : member.target_assignment()) topics.insert(topic.topic_name());
  }
  return topics;
}

void DeleteUnlessConsumed(std::unique_ptr<Pending> pending) {
  group::v1::DescribeConsumerGroupsRequest describe;
  describe.add_group_ids(pending->group_id);
  coordinator::GroupGateway& gateway = GatewayOf(pending->call);
  gateway.DescribeConsumers(
      std::move(describe),
      [pending = std::move(pending)](const group::v1::DescribeConsumerGroupsReply& reply) mutable {
        if (reply.groups().empty()) return Refuse(*pending, ErrorCode::kUnknownServerError);
        const group::v1::DescribedConsumerGroup& group = reply.groups(0);
        const ErrorCode error = ErrorCodeFromNumber(group.error_code());
        if (error != ErrorCode::kNone) return Refuse(*pending, error);
        Delete(std::move(pending), TopicsOf(group));
      });
}

void BuildAnswer(Pending& pending, OffsetDeleteRequest& request) {
  for (OffsetDeleteRequest::Topic& asked : request.topics) {
    const TopicLookup of_topic = FindTopic(pending.call.image(), asked.name, {}, false);
    auto& topic = pending.response.topics.emplace_back();
    topic.name = std::move(asked.name);
    for (const OffsetDeleteRequest::Partition& partition : asked.partitions) {
      topic.partitions.push_back(
          {.partition_index = partition.partition_index,
           .error_code = FindPartition(of_topic, partition.partition_index).error});
    }
  }
}

void Handle(Call call, net::ConnectionInfo&, OffsetDeleteRequest request) {
  auto pending = std::make_unique<Pending>(
      Pending{.call = std::move(call), .group_id = std::move(request.group_id), .response = {}});
  const metadata::MetadataImage& image = pending->call.image();
  const OffsetsPartition place =
      FindOffsetsPartition(image, pending->call.broker().settings.node_id, pending->group_id);
  if (place.error != ErrorCode::kNone) return Refuse(*pending, place.error);
  BuildAnswer(*pending, request);
  const metadata::Group* group = image.FindGroup(pending->group_id);
  if (group == nullptr) return DeleteIfAny(std::move(pending), place);
  if (group->members.empty()) {
    return Delete(std::move(pending), std::set<std::string, std::less<>>());
  }
  if (group->type == metadata::GroupType::kConsumer) {
    return DeleteUnlessConsumed(std::move(pending));
  }
  if (group->protocol_type != kConsumerProtocol) return Refuse(*pending, ErrorCode::kNonEmptyGroup);
  DeleteUnlessSubscribed(std::move(pending));
}

}  // namespace

void HandleOffsetDelete(Call call, net::ConnectionInfo& connection) {
  DecodeThen<OffsetDeleteRequest, Handle>(std::move(call), connection);
}

}  // namespace weir::handlers
