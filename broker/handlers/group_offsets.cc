#include "broker/handlers/group_offsets.h"

#include <chrono>
#include <optional>
#include <utility>

#include "common/base/check.h"
#include "common/metadata/config_option.h"
#include "common/metadata/effective_config.h"
#include "common/metadata/group_partition.h"

namespace weir::handlers {

OffsetsPartition FindOffsetsPartition(const metadata::MetadataImage& image, NodeId own_id,
                                      std::string_view group_id) {
  const auto place = metadata::FindGroupPartition(image, group_id);
  if (!place || place->leader == kNoNode) return {ErrorCode::kCoordinatorNotAvailable, {}};
  if (place->leader != own_id) return {ErrorCode::kNotCoordinator, {}};
  return {ErrorCode::kNone, {place->topic_id, place->index}};
}

ErrorCode ToCoordinatorError(ErrorCode error) {
  if (error == ErrorCode::kNotLeaderOrFollower || error == ErrorCode::kKafkaStorageError) {
    return ErrorCode::kNotCoordinator;
  }
  if (error == ErrorCode::kUnknownTopicOrPartition || error == ErrorCode::kNotEnoughReplicas ||
      error == ErrorCode::kNotEnoughReplicasAfterAppend || error == ErrorCode::kRequestTimedOut) {
    return ErrorCode::kCoordinatorNotAvailable;
  }
  if (error == ErrorCode::kMessageTooLarge || error == ErrorCode::kRecordListTooLarge) {
    return ErrorCode::kInvalidCommitOffsetSize;
  }
  return error == ErrorCode::kCorruptMessage ? ErrorCode::kUnknownServerError : error;
}

int64_t BrokerNumber(const Call& call, std::string_view key) {
  const BrokerSettings& settings = call.broker().settings;
  const metadata::ConfigView view{call.image(), settings.node_id, &settings.static_configs};
  const std::optional<std::string> text = metadata::EffectiveBrokerValue(view, key);
  WEIR_CHECK(text.has_value(), "the option has a default");
  const std::optional<int64_t> number = metadata::ParseConfigInteger(*text);
  WEIR_CHECK(number.has_value(), "values are checked when they are set");
  return *number;
}

MonoTime OffsetsDeadline(const Call& call) {
  return call.received() +
         std::chrono::milliseconds(BrokerNumber(call, "offsets.commit.timeout.ms"));
}

const metadata::Topic* TopicOf(const metadata::MetadataImage& image,
                               const log::CommittedOffset& offset) {
  const metadata::Topic* topic = image.FindTopic(offset.topic);
  if (topic == nullptr || offset.value.topic_id.IsZero()) return topic;
  return topic->id == offset.value.topic_id ? topic : nullptr;
}

void ForgetGroupOffsets(const Call& call, const std::string& group_id,
                        replica::OffsetForgetDone done) {
  if (call.image().FindTopic(metadata::kOffsetsTopic) == nullptr) return done({});
  const OffsetsPartition place =
      FindOffsetsPartition(call.image(), call.broker().settings.node_id, group_id);
  if (place.error != ErrorCode::kNone) return done({.error = place.error});
  call.broker().partitions->ForgetOffsets(
      call.shard(),
      {.partition = place.partition,
       .group = group_id,
       .topic_partitions = std::nullopt,
       .deadline = OffsetsDeadline(call)},
      [done = std::move(done)](replica::OffsetForgetOutcome outcome) mutable {
        outcome.error = ToCoordinatorError(outcome.error);
        done(outcome);
      });
}

}  // namespace weir::handlers
