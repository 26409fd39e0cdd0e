// OffsetFetch (key 9): committed offsets, of one group until version 7, of many from version 8
// (KIP-709); of the partitions asked for, or of all there are.
//
// What was never committed is offset -1 without an error. require_stable (KIP-447) is met: no
// offset here depends on an open transaction. From version 9 on, members of consumer groups say who
// they are: one that is no member, or of another epoch, gets no offsets (KIP-848).
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "broker/handlers/cluster_view.h"
#include "broker/handlers/coordinator_forward.h"
#include "broker/handlers/group_offsets.h"
#include "broker/handlers/group_requests.h"
#include "broker/handlers/handlers.h"
#include "broker/handlers/registry.h"
#include "broker/wire/messages/group_offsets.h"
#include "broker/wire/peer_client_id.h"
#include "common/metadata/group_checks.h"

namespace weir::handlers {
namespace {

using wire::OffsetFetchRequest;
using wire::OffsetFetchResponse;

constexpr int16_t kFirstVersionWithGroupError = 2;
constexpr int16_t kFirstVersionWithManyGroups = 8;
constexpr int16_t kFirstVersionWithTopicIds = 10;
constexpr int64_t kNoCommittedOffset = -1;

// One group of a request, whatever its version.
struct AskedGroup {
  OffsetFetchRequest::Group request;
  ErrorCode error = ErrorCode::kNone;
  // Index of its query; the outcomes come in the same order.
  std::optional<size_t> query;
};

struct Pending {
  Call call;
  OffsetFetchRequest request;
  std::vector<AskedGroup> groups;
  // Members that the controller has not confirmed yet.
  size_t unconfirmed = 0;

  bool by_id() const { return call.version() >= kFirstVersionWithTopicIds; }
};

// What is committed may be thousands of times as long as what asks for it: each group is answered
// once, and each of its partitions, however often they are named.
void MergeInto(AskedGroup& group, const OffsetFetchRequest::Group& more) {
  auto& topics = group.request.topics;
  if (topics && more.topics) {
    topics->insert(topics->end(), more.topics->begin(), more.topics->end());
  } else {
    topics.reset();
  }
}

void KeepEachOnce(std::vector<OffsetFetchRequest::Topic>& topics) {
  std::set<std::tuple<Uuid, std::string_view, int32_t>> named;
  for (OffsetFetchRequest::Topic& topic : topics) {
    std::erase_if(topic.partition_indexes, [&](int32_t index) {
      return !named.insert({topic.topic_id, topic.name, index}).second;
    });
  }
}

std::vector<AskedGroup> ManyGroupsOf(const OffsetFetchRequest& request) {
  std::vector<AskedGroup> groups;
  std::map<std::string_view, size_t> places;
  for (const OffsetFetchRequest::Group& group : request.groups) {
    const auto [place, is_new] = places.emplace(group.group_id, groups.size());
    if (is_new) {
      groups.push_back({group});
    } else {
      MergeInto(groups[place->second], group);
    }
  }
  return groups;
}

std::vector<AskedGroup> OnlyGroupOf(const OffsetFetchRequest& request) {
  std::vector<AskedGroup> groups;
  OffsetFetchRequest::Group& only = groups.emplace_back().request;
  only.group_id = request.group_id;
  only.topics.reset();
  if (!request.topics) return groups;
  only.topics.emplace();
  for (const auto& topic : *request.topics) {
    only.topics->push_back(
        {.topic_id = {}, .name = topic.name, .partition_indexes = topic.partition_indexes});
  }
  return groups;
}

std::vector<AskedGroup> GroupsOf(int16_t version, const OffsetFetchRequest& request) {
  std::vector<AskedGroup> groups =
      version >= kFirstVersionWithManyGroups ? ManyGroupsOf(request) : OnlyGroupOf(request);
  for (AskedGroup& group : groups) {
    if (group.request.topics) KeepEachOnce(*group.request.topics);
  }
  return groups;
}

// The query of a group; the topics that ids stand for are named on the way.
replica::OffsetQuery QueryOf(Pending& pending, AskedGroup& group,
                             const replica::TopicPartition& partition) {
  replica::OffsetQuery query{
      .partition = partition, .group = group.request.group_id, .topics = std::nullopt};
  if (!group.request.topics) return query;
  query.topics.emplace();
  for (OffsetFetchRequest::Topic& topic : *group.request.topics) {
    if (pending.by_id()) {
      const metadata::Topic* found = pending.call.image().FindTopic(topic.topic_id);
      if (found == nullptr) continue;
      topic.name = found->name;
    }
    query.topics->push_back({topic.name, topic.partition_indexes});
  }
  return query;
}

// ---- Trying again ---------------------------------------------------------------------
//
// Law: an answer that sends a client to look for the coordinator is given once it has not been
// found for offsets.commit.timeout.ms. Any broker takes a member's join (DESIGN D6), so its first
// fetch may come before the group's partition is led, open or known here; librdkafka 2.15 never
// asks again once its retries are used up (rdkafka_assignment.c, the partitions stay `queried`).
// Another broker is answered at once: it tries again itself.

constexpr Duration kPause = std::chrono::milliseconds(50);

void Fetch(Call call, OffsetFetchRequest request);
void FetchHere(Call call, OffsetFetchRequest request);

// The group of a request of one; nullopt: it has more, each with a coordinator of its own, and
// clients that ask so look for them.
std::optional<std::string> OnlyGroup(int16_t version, const OffsetFetchRequest& request) {
  if (version < kFirstVersionWithManyGroups) return request.group_id;
  if (request.groups.size() != 1) return std::nullopt;
  return request.groups[0].group_id;
}

bool MayBeFoundLater(ErrorCode error) {
  return error == ErrorCode::kNotCoordinator || error == ErrorCode::kCoordinatorNotAvailable ||
         error == ErrorCode::kCoordinatorLoadInProgress;
}

bool HasTimeLeft(const Call& call) {
  return call.executor().Now() + kPause <= OffsetsDeadline(call);
}

// The last time it is answered here, whatever that is.
void FetchAgain(Call call, OffsetFetchRequest request) {
  if (!HasTimeLeft(call)) return FetchHere(std::move(call), std::move(request));
  Executor& executor = call.executor();
  executor.PostAt(executor.Now() + kPause,
                  [call = std::move(call), request = std::move(request)]() mutable {
                    call.RefreshImage();
                    Fetch(std::move(call), std::move(request));
                  });
}

// Of what the coordinator of one group said, in any version.
bool IsAnswer(const OffsetFetchResponse& response) {
  if (!response.groups.empty()) return !MayBeFoundLater(response.groups[0].error_code);
  if (response.error_code != ErrorCode::kNone) return !MayBeFoundLater(response.error_code);
  return response.topics.empty() || response.topics[0].partitions.empty() ||
         !MayBeFoundLater(response.topics[0].partitions[0].error_code);
}

// ---- Answers --------------------------------------------------------------------------

OffsetFetchResponse::Partition Absent(int32_t index, ErrorCode error) {
  return {.partition_index = index,
          .committed_offset = kNoCommittedOffset,
          .committed_leader_epoch = -1,
          .metadata = "",
          .error_code = error};
}

OffsetFetchResponse::Partition Found(const log::CommittedOffset& offset) {
  return {.partition_index = offset.partition,
          .committed_offset = offset.value.offset,
          .committed_leader_epoch = offset.value.leader_epoch,
          .metadata = offset.value.metadata,
          .error_code = ErrorCode::kNone};
}

using ByPartition = std::map<std::pair<std::string_view, int32_t>, const log::CommittedOffset*>;

void AddAsked(const Pending& pending, const OffsetFetchRequest::Topic& asked,
              const ByPartition& offsets, OffsetFetchResponse::Group& group) {
  auto& topic = group.topics.emplace_back();
  topic.topic_id = asked.topic_id;
  topic.name = asked.name;
  const bool is_unknown_id =
      pending.by_id() && pending.call.image().FindTopic(asked.topic_id) == nullptr;
  for (const int32_t index : asked.partition_indexes) {
    const auto found = offsets.find({asked.name, index});
    if (is_unknown_id) {
      topic.partitions.push_back(Absent(index, ErrorCode::kUnknownTopicId));
    } else if (found == offsets.end()) {
      topic.partitions.push_back(Absent(index, ErrorCode::kNone));
    } else {
      topic.partitions.push_back(Found(*found->second));
    }
  }
}

OffsetFetchResponse::Group AnswerOf(const Pending& pending, const AskedGroup& asked,
                                    const std::vector<log::CommittedOffset>& offsets) {
  OffsetFetchResponse::Group group;
  group.group_id = asked.request.group_id;
  group.error_code = asked.error;
  if (asked.error != ErrorCode::kNone) return group;
  ByPartition known;
  for (const log::CommittedOffset& offset : offsets) {
    const metadata::Topic* of = TopicOf(pending.call.image(), offset);
    if (of == nullptr) continue;
    known[{offset.topic, offset.partition}] = &offset;
    if (asked.request.topics) continue;
    // All there are come by topic.
    if (group.topics.empty() || group.topics.back().name != offset.topic) {
      auto& topic = group.topics.emplace_back();
      topic.topic_id = of->id;
      topic.name = offset.topic;
    }
    group.topics.back().partitions.push_back(Found(offset));
  }
  if (!asked.request.topics) return group;
  for (const OffsetFetchRequest::Topic& topic : *asked.request.topics) {
    AddAsked(pending, topic, known, group);
  }
  return group;
}

// Before version 8 the one group's answer is the response itself; version 1 has room for errors in
// partitions only.
void SetOnlyGroup(int16_t version, const AskedGroup& asked, OffsetFetchResponse::Group group,
                  OffsetFetchResponse& response) {
  response.error_code = group.error_code;
  if (group.error_code != ErrorCode::kNone && version < kFirstVersionWithGroupError) {
    for (const OffsetFetchRequest::Topic& topic : *asked.request.topics) {
      auto& answer = group.topics.emplace_back();
      answer.name = topic.name;
      for (const int32_t index : topic.partition_indexes) {
        answer.partitions.push_back(Absent(index, group.error_code));
      }
    }
  }
  for (OffsetFetchResponse::Topic& topic : group.topics) {
    auto& answer = response.topics.emplace_back();
    answer.name = std::move(topic.name);
    for (OffsetFetchResponse::Partition& partition : topic.partitions) {
      answer.partitions.push_back({.partition_index = partition.partition_index,
                                   .committed_offset = partition.committed_offset,
                                   .committed_leader_epoch = partition.committed_leader_epoch,
                                   .metadata = std::move(partition.metadata),
                                   .error_code = partition.error_code});
    }
  }
}

bool IsTriedAgain(const Pending& pending) {
  return pending.groups.size() == 1 && MayBeFoundLater(pending.groups[0].error) &&
         !wire::IsPeerClientId(pending.call.client_id()) && HasTimeLeft(pending.call);
}

void Answer(Pending& pending, const std::vector<replica::OffsetQueryOutcome>& outcomes) {
  for (AskedGroup& asked : pending.groups) {
    if (asked.query) asked.error = ToCoordinatorError(outcomes[*asked.query].error);
  }
  if (IsTriedAgain(pending)) {
    return FetchAgain(std::move(pending.call), std::move(pending.request));
  }
  OffsetFetchResponse response;
  for (const AskedGroup& asked : pending.groups) {
    static const std::vector<log::CommittedOffset> kNone;
    const auto& offsets = asked.query ? outcomes[*asked.query].offsets : kNone;
    OffsetFetchResponse::Group group = AnswerOf(pending, asked, offsets);
    if (pending.call.version() >= kFirstVersionWithManyGroups) {
      response.groups.push_back(std::move(group));
    } else {
      SetOnlyGroup(pending.call.version(), asked, std::move(group), response);
    }
  }
  pending.call.Reply(response);
}

void Query(const std::shared_ptr<Pending>& pending) {
  const BrokerContext& broker = pending->call.broker();
  std::vector<replica::OffsetQuery> queries;
  for (AskedGroup& group : pending->groups) {
    if (group.error != ErrorCode::kNone) continue;
    const OffsetsPartition place = FindOffsetsPartition(
        pending->call.image(), broker.settings.node_id, group.request.group_id);
    group.error = place.error;
    if (place.error != ErrorCode::kNone) continue;
    group.query = queries.size();
    queries.push_back(QueryOf(*pending, group, place.partition));
  }
  broker.partitions->QueryOffsets(
      pending->call.shard(), std::move(queries),
      [pending](const std::vector<replica::OffsetQueryOutcome>& outcomes) {
        Answer(*pending, outcomes);
      });
}

// Whether the image would refuse the member that asks. Administrators, consumers that assign their
// partitions themselves and members of classic groups do not say who they are, or need not.
bool IsRefused(const metadata::MetadataImage& image, const OffsetFetchRequest::Group& request) {
  const metadata::Group* group = image.FindGroup(request.group_id);
  if (group == nullptr || group->type != metadata::GroupType::kConsumer) return false;
  const std::string member_id = request.member_id.value_or("");
  if (member_id.empty() && request.member_epoch < 0) return false;
  return metadata::CheckMemberOf(*group, {member_id, {}}, request.member_epoch) != ErrorCode::kNone;
}

// The image may lag: only the controller's word turns a member away.
void Confirm(const std::shared_ptr<Pending>& pending, AskedGroup& group) {
  group::v1::HeartbeatRequest request;
  request.set_group_id(group.request.group_id);
  request.set_member_id(group.request.member_id.value_or(""));
  request.set_generation_id(group.request.member_epoch);
  GatewayOf(pending->call).Confirm(std::move(request), [pending, &group](ErrorCode verdict) {
    if (!metadata::IsAnswerOfGateway(verdict)) group.error = verdict;
    if (--pending->unconfirmed == 0) Query(pending);
  });
}

void FetchHere(Call call, OffsetFetchRequest request) {
  std::vector<AskedGroup> groups = GroupsOf(call.version(), request);
  auto pending =
      std::make_shared<Pending>(Pending{std::move(call), std::move(request), std::move(groups)});
  std::vector<AskedGroup*> refused;
  for (AskedGroup& group : pending->groups) {
    if (IsRefused(pending->call.image(), group.request)) refused.push_back(&group);
  }
  if (refused.empty()) return Query(pending);
  pending->unconfirmed = refused.size();
  for (AskedGroup* group : refused) Confirm(pending, *group);
}

void Fetch(Call call, OffsetFetchRequest request) {
  const auto group = OnlyGroup(call.version(), request);
  const auto other = group ? FindOtherCoordinator(call, *group) : std::nullopt;
  if (!other) return FetchHere(std::move(call), std::move(request));
  AskCoordinator<OffsetFetchResponse>(std::move(call), *other, std::move(request), IsAnswer,
                                      FetchAgain);
}

void Handle(Call call, net::ConnectionInfo&, OffsetFetchRequest request) {
  Fetch(std::move(call), std::move(request));
}

}  // namespace

void HandleOffsetFetch(Call call, net::ConnectionInfo& connection) {
  DecodeThen<OffsetFetchRequest, Handle>(std::move(call), connection);
}

}  // namespace weir::handlers
