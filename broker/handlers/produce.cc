// Produce (key 0): from the request's record sets to appends, and from their outcomes to one
// answer.
//
// A full disk refuses records with KAFKA_STORAGE_ERROR, the one code of Kafka's that says so, as a
// failed one does: every client retries it until its delivery timeout, and asks for metadata again,
// where it may find another leader. On a full disk nothing was appended, so that a retry makes no
// duplicate.
//
// acks=0 has no answer at all: an error closes the connection, which is how such a producer learns
// of it. Errors that say "not the leader" carry who is (KIP-951), so that the producer need not
// ask.
#include "broker/wire/messages/produce.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "broker/handlers/cluster_view.h"
#include "broker/handlers/handlers.h"
#include "broker/handlers/leader_hints.h"
#include "broker/handlers/registry.h"

namespace weir::handlers {
namespace {

using wire::ProduceRequest;
using wire::ProduceResponse;

constexpr int16_t kFirstVersionWithTopicIds = 13;
constexpr int16_t kFirstVersionWithHints = 10;

// One request between Append and its answer.
struct Pending {
  Call call;
  ClientAddress client;
  int16_t acks;
  ProduceResponse response;
  // Which partition of the response each append part belongs to.
  struct Place {
    uint32_t topic;
    uint32_t partition;
  };
  std::vector<Place> places;
};

ProduceResponse::PartitionResponse& At(Pending& pending, size_t part) {
  const Pending::Place place = pending.places[part];
  return pending.response.responses[place.topic].partition_responses[place.partition];
}

void AddLeaderHints(Pending& pending) {
  if (pending.call.version() < kFirstVersionWithHints) return;
  pending.call.RefreshImage();
  LeaderHints<ProduceResponse> hints(pending.call, pending.client, pending.response);
  for (size_t part = 0; part < pending.places.size(); ++part) {
    const Pending::Place place = pending.places[part];
    auto& topic = pending.response.responses[place.topic];
    hints.Add(topic.name, topic.topic_id, topic.partition_responses[place.partition].index,
              topic.partition_responses[place.partition]);
  }
}

void Answer(Pending& pending) {
  if (pending.acks != 0) return pending.call.Reply(pending.response);
  for (const auto& topic : pending.response.responses) {
    for (const auto& partition : topic.partition_responses) {
      if (partition.error_code == ErrorCode::kNone) continue;
      return pending.call.Abort({partition.error_code, "produce with acks=0 failed"});
    }
  }
  pending.call.ReplyNothing();
}

void OnAppended(Pending& pending, std::vector<replica::AppendOutcome> outcomes) {
  bool moved = false;
  for (size_t part = 0; part < outcomes.size(); ++part) {
    replica::AppendOutcome& outcome = outcomes[part];
    auto& answer = At(pending, part);
    answer.error_code = outcome.error;
    answer.base_offset = outcome.base_offset.value();
    answer.log_append_time_ms = outcome.log_append_time.value();
    answer.log_start_offset = outcome.log_start_offset.value();
    if (!outcome.message.empty()) answer.error_message = std::move(outcome.message);
    moved = moved || IsLeaderError(outcome.error);
  }
  if (moved) AddLeaderHints(pending);
  Answer(pending);
}

void Refuse(ProduceResponse::PartitionResponse& answer, ErrorCode error, const char* message) {
  answer.error_code = error;
  answer.base_offset = -1;
  if (message != nullptr) answer.error_message = message;
}

// Fills the answer's skeleton and the append parts of what can be appended.
replica::AppendRequest Split(Pending& pending, ProduceRequest& request) {
  const bool by_id = pending.call.version() >= kFirstVersionWithTopicIds;
  replica::AppendRequest append;
  append.acks = request.acks;
  append.api_version = pending.call.version();
  append.deadline =
      pending.call.received() + std::chrono::milliseconds(std::max(0, request.timeout_ms));
  pending.response.responses.reserve(request.topic_data.size());
  for (ProduceRequest::TopicData& data : request.topic_data) {
    const TopicLookup of_topic = FindTopic(pending.call.image(), data.name, data.topic_id, by_id);
    auto& topic = pending.response.responses.emplace_back();
    topic.topic_id = data.topic_id;
    topic.name = data.name;
    topic.partition_responses.reserve(data.partition_data.size());
    for (ProduceRequest::PartitionData& partition : data.partition_data) {
      auto& answer = topic.partition_responses.emplace_back();
      answer.index = partition.index;
      const TopicLookup found = FindPartition(of_topic, partition.index);
      if (found.topic == nullptr) {
        Refuse(answer, found.error, nullptr);
      } else if (found.topic->internal) {
        Refuse(answer, ErrorCode::kInvalidTopicException, "the cluster alone writes this topic");
      } else if (request.transactional_id) {
        Refuse(answer, ErrorCode::kInvalidTxnState, "transactions are not served yet");
      } else if (!partition.records || partition.records->empty()) {
        Refuse(answer, ErrorCode::kInvalidRecord, "no record batch");
      } else {
        pending.places.push_back({static_cast<uint32_t>(pending.response.responses.size() - 1),
                                  static_cast<uint32_t>(topic.partition_responses.size() - 1)});
        append.parts.push_back(
            {{found.topic->id, PartitionIndex(partition.index)}, partition.records->contiguous()});
      }
    }
  }
  return append;
}

void Handle(Call call, net::ConnectionInfo& connection, ProduceRequest request) {
  auto pending = std::make_unique<Pending>(
      Pending{std::move(call), ClientAddress(connection), request.acks, {}, {}});
  replica::AppendRequest append = Split(*pending, request);
  if (append.parts.empty()) return Answer(*pending);
  replica::PartitionRouter& partitions = *pending->call.broker().partitions;
  const size_t home = pending->call.shard();
  partitions.Append(home, std::move(append),
                    [pending = std::move(pending)](std::vector<replica::AppendOutcome> outcomes) {
                      OnAppended(*pending, std::move(outcomes));
                    });
}

}  // namespace

void HandleProduce(Call call, net::ConnectionInfo& connection) {
  DecodeThen<ProduceRequest, Handle>(std::move(call), connection);
}

}  // namespace weir::handlers
