// OffsetCommit (key 8): one request becomes records of one batch in the group's partition of
// __consumer_offsets; it is answered when every in-sync replica has them (acks=all).
//
//   checked and built on the connection's shard --> member and generation checked, and appended, on
//   the partition's shard --> in sync --> answered
//   the image there would refuse the member --> the controller is asked --> answered
//   another broker coordinates the group --> it is asked (coordinator_forward.h) --> answered
//
// Offsets never expire: the retention that versions 2 to 4 ask for is not looked at.
#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "broker/handlers/cluster_view.h"
#include "broker/handlers/coordinator_forward.h"
#include "broker/handlers/group_offsets.h"
#include "broker/handlers/group_requests.h"
#include "broker/handlers/handlers.h"
#include "broker/handlers/member_protocol.h"
#include "broker/handlers/registry.h"
#include "broker/wire/messages/group_offsets.h"
#include "broker/wire/offset_records.h"
#include "common/base/limits.h"
#include "common/metadata/group_checks.h"
#include "common/metadata/group_partition.h"
#include "common/metadata/topic_config.h"

namespace weir::handlers {
namespace {

using wire::OffsetCommitRequest;
using wire::OffsetCommitResponse;

constexpr int16_t kFirstVersionWithMemberEpoch = 9;
constexpr int16_t kFirstVersionWithTopicIds = 10;

// Who commits.
struct Committer {
  std::string group_id;
  std::string member_id;
  std::string instance_id;
  int32_t generation;
};

// One request between its checks and its answer.
struct Pending {
  Call call;
  Committer committer;
  OffsetCommitResponse response;
  // The answers that depend on the append.
  struct Place {
    uint32_t topic;
    uint32_t partition;
  };
  std::vector<Place> places;
};

void Answer(Pending& pending, ErrorCode error) {
  for (const Pending::Place place : pending.places) {
    pending.response.topics[place.topic].partitions[place.partition].error_code = error;
  }
  pending.call.Reply(pending.response);
}

// What a batch of __consumer_offsets may take.
size_t BatchBytesMax(const Call& call) {
  const BrokerSettings& settings = call.broker().settings;
  const metadata::ConfigView view{call.image(), settings.node_id, &settings.static_configs};
  const auto config = metadata::EffectiveTopicConfig(view, metadata::kOffsetsTopic);
  return static_cast<size_t>(std::max(0, config.max_message_bytes));
}

// Fills the answer's skeleton and the records of what can be committed. Errors:
// kInvalidCommitOffsetSize, without records: each holds the group's id, and a few bytes of a
// request for each would become many GiB of them.
ErrorCode Build(Pending& pending, OffsetCommitRequest& request,
                std::vector<replica::OffsetRecord>& records) {
  size_t bytes = 0;
  // The settings are read for commits that pass the default only.
  size_t bytes_max = limits::kBatchBytesDefault;
  bool too_large = false;
  const bool by_id = pending.call.version() >= kFirstVersionWithTopicIds;
  const auto metadata_bytes_max =
      static_cast<size_t>(BrokerNumber(pending.call, "offset.metadata.max.bytes"));
  const int64_t now_ms = pending.call.executor().WallNow().value();
  pending.response.topics.reserve(request.topics.size());
  for (OffsetCommitRequest::Topic& asked : request.topics) {
    const TopicLookup of_topic = FindTopic(pending.call.image(), asked.name, asked.topic_id, by_id);
    auto& topic = pending.response.topics.emplace_back();
    topic.topic_id = asked.topic_id;
    topic.name = std::move(asked.name);
    topic.partitions.reserve(asked.partitions.size());
    for (OffsetCommitRequest::Partition& partition : asked.partitions) {
      auto& answer = topic.partitions.emplace_back();
      answer.partition_index = partition.partition_index;
      const TopicLookup found = FindPartition(of_topic, partition.partition_index);
      std::string text = std::move(partition.committed_metadata).value_or("");
      if (found.topic == nullptr) {
        answer.error_code = found.error;
        continue;
      }
      if (text.size() > metadata_bytes_max) {
        answer.error_code = ErrorCode::kOffsetMetadataTooLarge;
        continue;
      }
      pending.places.push_back({static_cast<uint32_t>(pending.response.topics.size() - 1),
                                static_cast<uint32_t>(topic.partitions.size() - 1)});
      if (too_large) continue;
      records.push_back({wire::EncodeOffsetKey({pending.committer.group_id, found.topic->name,
                                                partition.partition_index}),
                         wire::EncodeOffsetValue({.offset = partition.committed_offset,
                                                  .leader_epoch = partition.committed_leader_epoch,
                                                  .metadata = std::move(text),
                                                  .commit_timestamp_ms = now_ms,
                                                  .topic_id = found.topic->id})});
      bytes += records.back().key.size() + records.back().value.size();
      if (bytes <= bytes_max) continue;
      bytes_max = std::max(bytes_max, BatchBytesMax(pending.call));
      too_large = bytes > bytes_max;
      if (too_large) records.clear();
    }
  }
  return too_large ? ErrorCode::kInvalidCommitOffsetSize : ErrorCode::kNone;
}

// The image says that the committer is no member, or not of that generation. It may lag: only the
// controller's word makes a client give its membership up.
void ConfirmRefusal(std::unique_ptr<Pending> pending, ErrorCode refusal) {
  const Committer& who = pending->committer;
  group::v1::HeartbeatRequest request;
  request.set_group_id(who.group_id);
  request.set_generation_id(who.generation);
  request.set_member_id(who.member_id);
  request.set_instance_id(who.instance_id);
  coordinator::GroupGateway& gateway = GatewayOf(pending->call);
  gateway.Confirm(
      std::move(request), [pending = std::move(pending), refusal](ErrorCode verdict) mutable {
        // It is a member after all: this broker learns of it in a moment.
        if (metadata::IsAnswerOfGateway(verdict)) {
          return Answer(*pending, ErrorCode::kCoordinatorLoadInProgress);
        }
        // A group that is gone, here as there: members of any generation are told that it is over.
        // One that lives has put its member out, which the image is about to learn: it joins again.
        const bool gone = refusal == ErrorCode::kIllegalGeneration &&
                          verdict == ErrorCode::kUnknownMemberId &&
                          pending->call.image().FindGroup(pending->committer.group_id) == nullptr;
        if (!gone) return Answer(*pending, verdict);
        const bool can_say = pending->call.version() >= kFirstVersionWithMemberEpoch;
        Answer(*pending, can_say ? ErrorCode::kGroupIdNotFound : refusal);
      });
}

// A member that uses the consumer protocol commits with its member epoch: older versions know
// generations only (KIP-848).
bool CannotSayEpoch(const Call& call, const Committer& who) {
  return call.version() < kFirstVersionWithMemberEpoch &&
         UsesConsumerProtocol(call.image(), who.group_id, who.member_id);
}

bool IsRefusal(ErrorCode error) {
  return error == ErrorCode::kUnknownMemberId || error == ErrorCode::kIllegalGeneration ||
         error == ErrorCode::kFencedInstanceId || error == ErrorCode::kStaleMemberEpoch;
}

void OnCommitted(std::unique_ptr<Pending> pending, ErrorCode error) {
  const Committer& who = pending->committer;
  const bool has_groups = pending->call.broker().groups != nullptr;
  if (has_groups && IsRefusal(error)) return ConfirmRefusal(std::move(pending), error);
  if (has_groups && error == ErrorCode::kNone && !who.member_id.empty()) {
    GatewayOf(pending->call).Heard(who.group_id, who.member_id);
  }
  Answer(*pending, ToCoordinatorError(error));
}

void Commit(Call call, OffsetCommitRequest request) {
  auto pending = std::make_unique<Pending>(Pending{
      std::move(call),
      {std::move(request.group_id), std::move(request.member_id),
       std::move(request.group_instance_id).value_or(""), request.generation_id_or_member_epoch},
      {},
      {}});
  const BrokerContext& broker = pending->call.broker();
  const OffsetsPartition place = FindOffsetsPartition(
      pending->call.image(), broker.settings.node_id, pending->committer.group_id);
  std::vector<replica::OffsetRecord> records;
  const ErrorCode built = Build(*pending, request, records);
  if (place.error != ErrorCode::kNone || pending->places.empty()) {
    return Answer(*pending, place.error);
  }
  if (built != ErrorCode::kNone) return Answer(*pending, built);
  if (CannotSayEpoch(pending->call, pending->committer)) {
    return Answer(*pending, ErrorCode::kUnsupportedVersion);
  }
  replica::OffsetCommit commit{
      .partition = place.partition,
      .records = std::move(records),
      .check =
          [images = broker.images, who = pending->committer](size_t shard) {
            return metadata::CheckCommit(*images->At(shard), who.group_id,
                                         {who.member_id, who.instance_id}, who.generation);
          },
      .deadline = OffsetsDeadline(pending->call)};
  if (pending->committer.member_id.empty()) commit.reset_of = pending->committer.group_id;
  const size_t home = pending->call.shard();
  broker.partitions->CommitOffsets(home, std::move(commit),
                                   [pending = std::move(pending)](ErrorCode error) mutable {
                                     OnCommitted(std::move(pending), error);
                                   });
}

void Handle(Call call, net::ConnectionInfo&, OffsetCommitRequest request) {
  const auto other = FindOtherCoordinator(call, request.group_id);
  if (!other) return Commit(std::move(call), std::move(request));
  AskCoordinator<OffsetCommitResponse>(
      std::move(call), *other, std::move(request), [](const OffsetCommitResponse&) { return true; },
      Commit);
}

}  // namespace

void HandleOffsetCommit(Call call, net::ConnectionInfo& connection) {
  DecodeThen<OffsetCommitRequest, Handle>(std::move(call), connection);
}

}  // namespace weir::handlers
