// Fetch (key 1): reads of many partitions, held back until there is enough to send or the client's
// patience ends.
//
// Sessions (KIP-227) are refused as the protocol foresees: clients' answers have session id 0, so
// that they send full requests; a request that refers to a session gets FETCH_SESSION_ID_NOT_FOUND.
// A follower's sessions last one answer, so that its next request tells when it was sent
// (fetch_clock.h).
// Records are sent from where they lie: no copy is made between log and socket.
//
// A follower says who it is (replica_id, from version 15 replica_state). Its fetch offsets count as
// acknowledgements, so it is believed only where other brokers come in (I-40).
// A consumer that names its rack may be sent to an in-sync replica there (KIP-392).
#include "broker/wire/messages/fetch.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "broker/handlers/cluster_view.h"
#include "broker/handlers/handlers.h"
#include "broker/handlers/leader_hints.h"
#include "broker/handlers/registry.h"
#include "broker/replica/fetch_clock.h"

namespace weir::handlers {
namespace {

using wire::FetchRequest;
using wire::FetchResponse;

constexpr int16_t kFirstVersionWithError = 7;
constexpr int16_t kFirstVersionWithRack = 11;
constexpr int16_t kFirstVersionWithTopicIds = 13;
constexpr int16_t kFirstVersionWithReplicaState = 15;
constexpr int16_t kFirstVersionWithHints = 16;
// Of one answer, whatever the client asks (Kafka's fetch.max.bytes).
constexpr int32_t kAnswerBytesMax = 55 * 1024 * 1024;
// A fetch waits no longer than this, so that one from a client with an absurd clock ends.
constexpr int32_t kWaitMsMax = 5 * 60 * 1000;
constexpr int32_t kSessionEpochInitial = 0;
constexpr int32_t kSessionEpochFinal = -1;
constexpr int8_t kReadCommitted = 1;

struct Pending {
  Call call;
  ClientAddress client;
  bool read_committed;
  bool by_replica;
  FetchResponse response;
  struct Place {
    uint32_t topic;
    uint32_t partition;
  };
  std::vector<Place> places;
};

FetchResponse::Partition& At(Pending& pending, size_t part) {
  const Pending::Place place = pending.places[part];
  return pending.response.responses[place.topic].partitions[place.partition];
}

void AddLeaderHints(Pending& pending) {
  if (pending.call.version() < kFirstVersionWithHints) return;
  pending.call.RefreshImage();
  LeaderHints<FetchResponse> hints(pending.call, pending.client, pending.response);
  for (const Pending::Place place : pending.places) {
    auto& topic = pending.response.responses[place.topic];
    auto& partition = topic.partitions[place.partition];
    hints.Add(topic.topic, topic.topic_id, partition.partition_index, partition);
  }
}

void OnFetched(Pending& pending, std::vector<replica::FetchOutcome> outcomes) {
  bool moved = false;
  for (size_t part = 0; part < outcomes.size(); ++part) {
    replica::FetchOutcome& outcome = outcomes[part];
    FetchResponse::Partition& answer = At(pending, part);
    answer.error_code = outcome.error;
    answer.high_watermark = outcome.high_watermark.value();
    answer.last_stable_offset = outcome.last_stable_offset.value();
    answer.log_start_offset = outcome.log_start_offset.value();
    if (outcome.diverging) {
      answer.diverging_epoch = {.epoch = outcome.diverging->epoch.value(),
                                .end_offset = outcome.diverging->end_offset.value()};
    }
    for (SharedBytes& run : outcome.records) answer.records->Append(std::move(run));
    moved = moved || IsLeaderError(outcome.error);
  }
  if (moved) AddLeaderHints(pending);
  if (pending.by_replica) {
    pending.response.session_id = replica::AnswerId(pending.call.executor().Now());
  }
  pending.call.Reply(pending.response);
}

// The in-sync replica in the client's rack that it should read from; kNoNode: this one.
NodeId PreferredReplica(const Call& call, std::string_view client_rack,
                        const metadata::Partition& partition) {
  const BrokerSettings& settings = call.broker().settings;
  if (!settings.rack_aware_reads || client_rack.empty() || client_rack == settings.rack) {
    return kNoNode;
  }
  if (partition.leader != settings.node_id) return kNoNode;
  for (const NodeId replica : partition.isr) {
    const metadata::Broker* broker = call.image().FindBroker(replica);
    if (broker != nullptr && broker->live() && broker->rack == client_rack) return replica;
  }
  return kNoNode;
}

// Who asks, as a follower: kNoNode for consumers.
NodeId ReplicaOf(const Call& call, const FetchRequest& request) {
  const int32_t id = call.version() >= kFirstVersionWithReplicaState
                         ? request.replica_state.replica_id
                         : request.replica_id;
  return id < 0 ? kNoNode : NodeId(id);
}

replica::FetchRequest Split(Pending& pending, const FetchRequest& request) {
  const bool by_id = pending.call.version() >= kFirstVersionWithTopicIds;
  replica::FetchRequest fetch;
  fetch.replica = ReplicaOf(pending.call, request);
  fetch.replica_epoch = BrokerEpoch(request.replica_state.replica_epoch);
  if (pending.by_replica) {
    fetch.sent_after = replica::AnsweredAt(request.session_id, pending.call.executor().Now());
  }
  fetch.any_replica = fetch.replica == kNoNode && pending.call.version() >= kFirstVersionWithRack;
  fetch.bytes_min = std::max(0, request.min_bytes);
  fetch.bytes_max = std::clamp(request.max_bytes, 0, kAnswerBytesMax);
  fetch.deadline = pending.call.received() +
                   std::chrono::milliseconds(std::clamp(request.max_wait_ms, 0, kWaitMsMax));
  pending.response.responses.reserve(request.topics.size());
  for (const FetchRequest::Topic& wanted : request.topics) {
    const TopicLookup of_topic =
        FindTopic(pending.call.image(), wanted.topic, wanted.topic_id, by_id);
    auto& topic = pending.response.responses.emplace_back();
    topic.topic_id = wanted.topic_id;
    topic.topic = wanted.topic;
    topic.partitions.reserve(wanted.partitions.size());
    for (const FetchRequest::Partition& partition : wanted.partitions) {
      auto& answer = topic.partitions.emplace_back();
      answer.partition_index = partition.partition;
      answer.high_watermark = -1;
      // Null says "not asked for", empty says "none" (KIP-98).
      if (!pending.read_committed) answer.aborted_transactions.reset();
      const TopicLookup found = FindPartition(of_topic, partition.partition);
      if (found.topic == nullptr) {
        answer.error_code = found.error;
        continue;
      }
      if (fetch.any_replica) {
        const NodeId preferred =
            PreferredReplica(pending.call, request.rack_id,
                             *found.topic->FindPartition(PartitionIndex(partition.partition)));
        answer.preferred_read_replica = preferred.value();
        if (preferred != kNoNode) continue;
      }
      pending.places.push_back({static_cast<uint32_t>(pending.response.responses.size() - 1),
                                static_cast<uint32_t>(topic.partitions.size() - 1)});
      fetch.parts.push_back({.partition = {found.topic->id, PartitionIndex(partition.partition)},
                             .fetch_offset = Offset(partition.fetch_offset),
                             .bytes_max = partition.partition_max_bytes,
                             .current_leader_epoch = LeaderEpoch(partition.current_leader_epoch),
                             .last_fetched_epoch = LeaderEpoch(partition.last_fetched_epoch),
                             .follower_log_start = Offset(partition.log_start_offset),
                             .follower_high_watermark = Offset(partition.high_watermark)});
    }
  }
  return fetch;
}

bool RefersToSession(const FetchRequest& request) {
  return request.session_epoch != kSessionEpochInitial &&
         request.session_epoch != kSessionEpochFinal;
}

void Handle(Call call, net::ConnectionInfo& connection, FetchRequest request) {
  const bool by_replica = ReplicaOf(call, request) != kNoNode;
  auto pending = std::make_unique<Pending>(Pending{std::move(call),
                                                   ClientAddress(connection),
                                                   request.isolation_level == kReadCommitted,
                                                   by_replica,
                                                   {},
                                                   {}});
  if (RefersToSession(request)) {
    pending->response.error_code = ErrorCode::kFetchSessionIdNotFound;
    return pending->call.Reply(pending->response);
  }
  const bool from_broker =
      connection.listener->name == pending->call.broker().settings.inter_broker_listener;
  if (by_replica && !from_broker) {
    const Error refused{ErrorCode::kClusterAuthorizationFailed, "only brokers fetch as replicas"};
    if (pending->call.version() < kFirstVersionWithError) return pending->call.Abort(refused);
    pending->response.error_code = ErrorCode::kClusterAuthorizationFailed;
    return pending->call.Reply(pending->response);
  }
  replica::FetchRequest fetch = Split(*pending, request);
  size_t wanted = 0;
  for (const auto& topic : pending->response.responses) wanted += topic.partitions.size();
  // An error, or another replica to ask, is an answer: it does not wait for the other partitions'
  // records.
  if (fetch.parts.size() < wanted) fetch.deadline = pending->call.received();
  if (fetch.parts.empty()) return pending->call.Reply(pending->response);
  replica::PartitionRouter& partitions = *pending->call.broker().partitions;
  const size_t home = pending->call.shard();
  // A follower does not wait behind its own long poll: what it asks for next is urgent.
  if (by_replica && connection.end_wait) std::exchange(connection.end_wait, nullptr)();
  auto end_wait =
      partitions.Fetch(home, std::move(fetch),
                       [pending = std::move(pending)](std::vector<replica::FetchOutcome> outcomes) {
                         OnFetched(*pending, std::move(outcomes));
                       });
  if (by_replica) connection.end_wait = std::move(end_wait);
}

}  // namespace

void HandleFetch(Call call, net::ConnectionInfo& connection) {
  DecodeThen<FetchRequest, Handle>(std::move(call), connection);
}

}  // namespace weir::handlers
