// ListOffsets (key 2), OffsetForLeaderEpoch (key 23) and DeleteRecords (key 21): questions about
// positions in partitions. All three have the same shape: topics by name, one answer per partition.
#include "broker/wire/messages/log_offsets.h"

#include <memory>
#include <utility>
#include <vector>

#include "broker/handlers/cluster_view.h"
#include "broker/handlers/handlers.h"
#include "broker/handlers/log_positions.h"
#include "broker/handlers/registry.h"
#include "common/metadata/topic_config.h"

namespace weir::handlers {
namespace {

// A response under construction, and where each outcome goes in it.
template <class Response, class PartitionAnswer>
struct Pending {
  Call call;
  Response response;
  struct Place {
    uint32_t topic;
    uint32_t partition;
  };
  std::vector<Place> places;

  PartitionAnswer& At(size_t part) {
    return response.topics[places[part].topic].partitions[places[part].partition];
  }
};

// The messages call a topic's name, and a partition's number, by two names each.
template <class Topic>
auto& NameOf(Topic& topic) {
  if constexpr (requires { topic.topic; }) {
    return topic.topic;
  } else {
    return topic.name;
  }
}

template <class Partition>
int32_t IndexOf(const Partition& partition) {
  if constexpr (requires { partition.partition_index; }) {
    return partition.partition_index;
  } else {
    return partition.partition;
  }
}

constexpr auto kAnyTopic = [](const metadata::Topic&) { return ErrorCode::kNone; };

// Walks the request: `make_part(partition ref, request partition)` for known topics that
// `check(topic)` has no error for, `make_answer(request partition)` for the skeleton of every
// answer.
template <class Part, class PendingType, class Request, class MakeAnswer, class MakePart,
          class Check = decltype(kAnyTopic)>
std::vector<Part> Split(PendingType& pending, const Request& request, MakeAnswer make_answer,
                        MakePart make_part, Check check = kAnyTopic) {
  std::vector<Part> parts;
  pending.response.topics.reserve(request.topics.size());
  for (const auto& wanted : request.topics) {
    const std::string& name = NameOf(wanted);
    TopicLookup of_topic = FindTopic(pending.call.image(), name, {}, false);
    if (of_topic.topic != nullptr) of_topic.error = check(*of_topic.topic);
    if (of_topic.error != ErrorCode::kNone) of_topic.topic = nullptr;
    auto& topic = pending.response.topics.emplace_back();
    NameOf(topic) = name;
    for (const auto& partition : wanted.partitions) {
      auto& answer = topic.partitions.emplace_back(make_answer(partition));
      const TopicLookup found = FindPartition(of_topic, IndexOf(partition));
      if (found.topic == nullptr) {
        answer.error_code = found.error;
        continue;
      }
      pending.places.push_back({static_cast<uint32_t>(pending.response.topics.size() - 1),
                                static_cast<uint32_t>(topic.partitions.size() - 1)});
      parts.push_back(make_part(found.topic->id, partition));
    }
  }
  return parts;
}

// ---- ListOffsets ----------------------------------------------------------------------

using ListPending = Pending<wire::ListOffsetsResponse, wire::ListOffsetsResponse::Partition>;

// KIP-207.
constexpr int16_t kFirstVersionWithOffsetNotAvailable = 5;

ErrorCode ErrorFor(ErrorCode error, int16_t version) {
  const bool unknown =
      error == ErrorCode::kOffsetNotAvailable && version < kFirstVersionWithOffsetNotAvailable;
  return unknown ? ErrorCode::kLeaderNotAvailable : error;
}

void HandleList(Call call, net::ConnectionInfo& connection, wire::ListOffsetsRequest request) {
  if (IsFromBroker(call, connection, request)) return AnswerPositions(std::move(call), request);
  auto pending = std::make_unique<ListPending>(ListPending{std::move(call), {}, {}});
  std::vector<replica::ListOffsetsPart> parts = Split<replica::ListOffsetsPart>(
      *pending, request,
      [](const wire::ListOffsetsRequest::Partition& partition) {
        wire::ListOffsetsResponse::Partition answer;
        answer.partition_index = partition.partition_index;
        return answer;
      },
      [](const Uuid& topic_id, const wire::ListOffsetsRequest::Partition& partition) {
        return replica::ListOffsetsPart{
            .partition = {topic_id, PartitionIndex(partition.partition_index)},
            .timestamp = partition.timestamp,
            .current_leader_epoch = LeaderEpoch(partition.current_leader_epoch)};
      });
  if (parts.empty()) return pending->call.Reply(pending->response);
  replica::PartitionRouter& partitions = *pending->call.broker().partitions;
  const size_t home = pending->call.shard();
  partitions.ListOffsets(
      home, std::move(parts),
      [pending = std::move(pending)](std::vector<replica::ListOffsetsOutcome> outcomes) {
        for (size_t i = 0; i < outcomes.size(); ++i) {
          auto& answer = pending->At(i);
          answer.error_code = ErrorFor(outcomes[i].error, pending->call.version());
          answer.offset = outcomes[i].offset.value();
          answer.timestamp = outcomes[i].timestamp.value();
          answer.leader_epoch = outcomes[i].leader_epoch.value();
        }
        pending->call.Reply(pending->response);
      });
}

// ---- OffsetForLeaderEpoch -------------------------------------------------------------

using EpochPending =
    Pending<wire::OffsetForLeaderEpochResponse, wire::OffsetForLeaderEpochResponse::Partition>;

void HandleEpoch(Call call, net::ConnectionInfo&, wire::OffsetForLeaderEpochRequest request) {
  auto pending = std::make_unique<EpochPending>(EpochPending{std::move(call), {}, {}});
  std::vector<replica::EpochEndPart> parts = Split<replica::EpochEndPart>(
      *pending, request,
      [](const wire::OffsetForLeaderEpochRequest::Partition& partition) {
        wire::OffsetForLeaderEpochResponse::Partition answer;
        answer.partition = partition.partition;
        return answer;
      },
      [](const Uuid& topic_id, const wire::OffsetForLeaderEpochRequest::Partition& partition) {
        return replica::EpochEndPart{
            .partition = {topic_id, PartitionIndex(partition.partition)},
            .current_leader_epoch = LeaderEpoch(partition.current_leader_epoch),
            .leader_epoch = LeaderEpoch(partition.leader_epoch)};
      });
  if (parts.empty()) return pending->call.Reply(pending->response);
  replica::PartitionRouter& partitions = *pending->call.broker().partitions;
  const size_t home = pending->call.shard();
  partitions.EpochEnd(
      home, std::move(parts),
      [pending = std::move(pending)](std::vector<replica::EpochEndOutcome> outcomes) {
        for (size_t i = 0; i < outcomes.size(); ++i) {
          auto& answer = pending->At(i);
          answer.error_code = outcomes[i].error;
          answer.leader_epoch = outcomes[i].leader_epoch.value();
          answer.end_offset = outcomes[i].end_offset.value();
        }
        pending->call.Reply(pending->response);
      });
}

// ---- DeleteRecords --------------------------------------------------------------------

using DeletePending = Pending<wire::DeleteRecordsResponse, wire::DeleteRecordsResponse::Partition>;

// What a topic without "delete" keeps, it keeps by key: to cut its log off would lose keys. That is
// so of internal topics whatever their policy: committed offsets are made from the log again.
ErrorCode CheckDelete(const Call& call, const metadata::Topic& topic) {
  if (topic.internal) return ErrorCode::kInvalidTopicException;
  const BrokerSettings& settings = call.broker().settings;
  const metadata::ConfigView view{call.image(), settings.node_id, &settings.static_configs};
  const bool deletes = metadata::EffectiveTopicConfig(view, topic.name).cleanup_delete;
  return deletes ? ErrorCode::kNone : ErrorCode::kPolicyViolation;
}

void HandleDelete(Call call, net::ConnectionInfo&, wire::DeleteRecordsRequest request) {
  auto pending = std::make_unique<DeletePending>(DeletePending{std::move(call), {}, {}});
  std::vector<replica::DeleteRecordsPart> parts = Split<replica::DeleteRecordsPart>(
      *pending, request,
      [](const wire::DeleteRecordsRequest::Partition& partition) {
        wire::DeleteRecordsResponse::Partition answer;
        answer.partition_index = partition.partition_index;
        answer.low_watermark = -1;
        return answer;
      },
      [](const Uuid& topic_id, const wire::DeleteRecordsRequest::Partition& partition) {
        return replica::DeleteRecordsPart{
            .partition = {topic_id, PartitionIndex(partition.partition_index)},
            .before_offset = Offset(partition.offset)};
      },
      [&](const metadata::Topic& topic) { return CheckDelete(pending->call, topic); });
  if (parts.empty()) return pending->call.Reply(pending->response);
  replica::PartitionRouter& partitions = *pending->call.broker().partitions;
  const size_t home = pending->call.shard();
  partitions.DeleteRecords(
      home, std::move(parts),
      [pending = std::move(pending)](std::vector<replica::DeleteRecordsOutcome> outcomes) {
        for (size_t i = 0; i < outcomes.size(); ++i) {
          auto& answer = pending->At(i);
          answer.error_code = outcomes[i].error;
          answer.low_watermark = outcomes[i].low_watermark.value();
        }
        pending->call.Reply(pending->response);
      });
}

}  // namespace

void HandleListOffsets(Call call, net::ConnectionInfo& connection) {
  DecodeThen<wire::ListOffsetsRequest, HandleList>(std::move(call), connection);
}

void HandleOffsetForLeaderEpoch(Call call, net::ConnectionInfo& connection) {
  DecodeThen<wire::OffsetForLeaderEpochRequest, HandleEpoch>(std::move(call), connection);
}

void HandleDeleteRecords(Call call, net::ConnectionInfo& connection) {
  DecodeThen<wire::DeleteRecordsRequest, HandleDelete>(std::move(call), connection);
}

}  // namespace weir::handlers
