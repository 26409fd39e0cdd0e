#include "broker/handlers/log_positions.h"

#include <memory>
#include <utility>
#include <vector>

#include "broker/handlers/cluster_view.h"

namespace weir::handlers {
namespace {

using wire::ListOffsetsRequest;
using wire::ListOffsetsResponse;

struct Pending {
  Call call;
  ListOffsetsResponse response;
  // One per part: the answer it belongs to, and what that asked for.
  struct Place {
    uint32_t topic;
    uint32_t partition;
    int64_t timestamp;
  };
  std::vector<Place> places;
};

bool IsOffset(int64_t timestamp) { return timestamp < replica::kOffsetAsTimestamp / 2; }

std::vector<replica::PositionsPart> Split(Pending& pending, const ListOffsetsRequest& request) {
  std::vector<replica::PositionsPart> parts;
  for (const ListOffsetsRequest::Topic& wanted : request.topics) {
    const TopicLookup of_topic = FindTopic(pending.call.image(), wanted.name, {}, false);
    auto& topic = pending.response.topics.emplace_back();
    topic.name = wanted.name;
    for (const ListOffsetsRequest::Partition& partition : wanted.partitions) {
      auto& answer = topic.partitions.emplace_back();
      answer.partition_index = partition.partition_index;
      const TopicLookup found = FindPartition(of_topic, partition.partition_index);
      if (found.topic == nullptr) {
        answer.error_code = found.error;
        continue;
      }
      pending.places.push_back({static_cast<uint32_t>(pending.response.topics.size() - 1),
                                static_cast<uint32_t>(topic.partitions.size() - 1),
                                partition.timestamp});
      auto& part = parts.emplace_back();
      part.partition = {found.topic->id, PartitionIndex(partition.partition_index)};
      if (IsOffset(partition.timestamp)) {
        part.offsets.push_back(Offset(partition.timestamp - replica::kOffsetAsTimestamp));
      }
    }
  }
  return parts;
}

void Fill(const replica::PositionsOutcome& outcome, int64_t timestamp,
          ListOffsetsResponse::Partition& answer) {
  answer.error_code = outcome.error;
  if (outcome.error != ErrorCode::kNone) return;
  if (IsOffset(timestamp)) {
    answer.offset = outcome.times.at(0).offset.value();
    answer.timestamp = outcome.times.at(0).timestamp.value();
  } else if (timestamp == replica::kLatestTimestamp) {
    answer.offset = outcome.end_offset.value();
  } else if (timestamp == replica::kEarliestTimestamp) {
    answer.offset = outcome.log_start_offset.value();
  } else {
    answer.error_code = ErrorCode::kInvalidRequest;
  }
}

}  // namespace

bool IsFromBroker(const Call& call, const net::ConnectionInfo& connection,
                  const ListOffsetsRequest& request) {
  return request.replica_id >= 0 &&
         connection.listener->name == call.broker().settings.inter_broker_listener;
}

void AnswerPositions(Call call, const ListOffsetsRequest& request) {
  auto pending = std::make_unique<Pending>(Pending{std::move(call), {}, {}});
  std::vector<replica::PositionsPart> parts = Split(*pending, request);
  replica::PartitionRouter& partitions = *pending->call.broker().partitions;
  const size_t home = pending->call.shard();
  partitions.Positions(
      home, std::move(parts),
      [pending = std::move(pending)](const std::vector<replica::PositionsOutcome>& outcomes) {
        for (size_t i = 0; i < outcomes.size(); ++i) {
          const Pending::Place place = pending->places[i];
          Fill(outcomes[i], place.timestamp,
               pending->response.topics[place.topic].partitions[place.partition]);
        }
        pending->call.Reply(pending->response);
      });
}

}  // namespace weir::handlers
