// DeleteTopics and CreatePartitions of topics.h.
#include <map>
#include <set>
#include <utility>

#include "controller/state/describe.h"
#include "controller/state/new_partitions.h"
#include "controller/state/topics.h"

namespace weir::state {
namespace {

using metadata::Topic;

Status CheckDeletionAllowed(const DecisionContext& context) {
  const metadata::ConfigView view{context.image, kNoNode, &context.defaults.static_config};
  const auto value = metadata::EffectiveBrokerValue(view, "delete.topic.enable");
  if (!value || metadata::ParseConfigBool(*value).value_or(true)) return {};
  return Fail(ErrorCode::kTopicDeletionDisabled,
              "deleting topics is switched off (delete.topic.enable)");
}

Status DeleteOne(const MetadataImage& image, const admin::v1::TopicSelector& selector,
                 std::map<Uuid, int>& mentions, admin::v1::DeletedTopic* reply, Records* records) {
  WEIR_ASSIGN_OR_RETURN(const Topic* topic, FindSelectedTopic(image, selector));
  reply->set_name(topic->name);
  reply->set_topic_id(topic->id.ToString());
  if (mentions[topic->id] > 1) {
    return Fail(ErrorCode::kInvalidRequest, "topic '" + topic->name + "' is in the request twice");
  }
  records->emplace_back().mutable_remove_topic()->set_topic_id(topic->id.ToBytes());
  return {};
}

class PartitionAdder {
 public:
  explicit PartitionAdder(const DecisionContext& context)
      : context_(context), placement_(Placement::Of(context.image)) {}

  Status Add(const admin::v1::NewPartitions& wanted) {
    const Topic* topic = context_.image.FindTopic(wanted.name());
    if (topic == nullptr) {
      return Fail(ErrorCode::kUnknownTopicOrPartition,
                  "topic '" + wanted.name() + "' does not exist");
    }
    const auto present = static_cast<int32_t>(topic->partitions.size());
    WEIR_RETURN_IF_ERROR(CheckCount(wanted, present));
    const int32_t added = wanted.total_count() - present;
    const auto factor =
        present == 0 ? 1 : static_cast<int32_t>(topic->partitions.begin()->second.replicas.size());
    if (wanted.assignments_size() == 0) {
      WEIR_ASSIGN_OR_RETURN(const Assignments placed,
                            PlacedAssignments(context_, added, factor, &placement_));
      AppendPartitions(context_.image, topic->id, present, placed, &records_);
    } else {
      WEIR_RETURN_IF_ERROR(CheckManual(wanted, added));
      WEIR_ASSIGN_OR_RETURN(const Assignments manual,
                            ManualAssignments(context_, present, wanted.assignments()));
      if (static_cast<int32_t>(manual.front().size()) != factor) {
        return Fail(ErrorCode::kInvalidReplicaAssignment,
                    "the topic's partitions have " + std::to_string(factor) + " replicas each");
      }
      AppendPartitions(context_.image, topic->id, present, manual, &records_);
    }
    added_ += added;
    return {};
  }

  Records TakeRecords() { return std::move(records_); }

 private:
  Status CheckCount(const admin::v1::NewPartitions& wanted, int32_t present) const {
    const Defaults& defaults = context_.defaults;
    if (wanted.total_count() <= present) {
      return Fail(ErrorCode::kInvalidPartitions,
                  "topic '" + wanted.name() + "' has " + std::to_string(present) +
                      " partitions; the number can only grow, not become " +
                      std::to_string(wanted.total_count()));
    }
    if (wanted.total_count() > defaults.partitions_per_topic_max) {
      return Fail(ErrorCode::kInvalidPartitions,
                  std::to_string(wanted.total_count()) + " partitions are more than the " +
                      std::to_string(defaults.partitions_per_topic_max) + " that a topic may have");
    }
    if (wanted.total_count() - present > defaults.partitions_per_request_max - added_) {
      return Fail(ErrorCode::kPolicyViolation,
                  "one request may add " + std::to_string(defaults.partitions_per_request_max) +
                      " partitions at most; use several");
    }
    return {};
  }

  static Status CheckManual(const admin::v1::NewPartitions& wanted, int32_t added) {
    if (wanted.assignments_size() == added) return {};
    return Fail(ErrorCode::kInvalidReplicaAssignment,
                std::to_string(added) + " partitions are added, but " +
                    std::to_string(wanted.assignments_size()) + " assignments are given");
  }

  const DecisionContext& context_;
  Placement placement_;
  Records records_;
  // By this request so far.
  int32_t added_ = 0;
};

}  // namespace

Result<Decision<admin::v1::DeleteTopicsReply>> DeleteTopics(
    const DecisionContext& context, const admin::v1::DeleteTopicsRequest& request) {
  Decision<admin::v1::DeleteTopicsReply> decision;
  std::map<Uuid, int> mentions;
  for (const admin::v1::TopicSelector& selector : request.topics()) {
    const Result<const Topic*> topic = FindSelectedTopic(context.image, selector);
    if (topic) ++mentions[(*topic)->id];
  }
  const Status allowed = CheckDeletionAllowed(context);
  for (const admin::v1::TopicSelector& selector : request.topics()) {
    admin::v1::DeletedTopic* reply = decision.reply.add_topics();
    reply->set_name(selector.name());
    reply->set_topic_id(selector.topic_id());
    const Status status =
        allowed ? DeleteOne(context.image, selector, mentions, reply, &decision.records) : allowed;
    if (!status) SetError(status.error(), reply->mutable_error());
  }
  if (request.validate_only()) decision.records.clear();
  WEIR_RETURN_IF_ERROR(CheckBatchSize(decision.records));
  return decision;
}

Result<Decision<admin::v1::CreatePartitionsReply>> CreatePartitions(
    const DecisionContext& context, const admin::v1::CreatePartitionsRequest& request) {
  Decision<admin::v1::CreatePartitionsReply> decision;
  std::map<std::string, int> mentions;
  for (const admin::v1::NewPartitions& wanted : request.topics()) ++mentions[wanted.name()];
  PartitionAdder adder(context);
  for (const admin::v1::NewPartitions& wanted : request.topics()) {
    admin::v1::CreatedPartitions* reply = decision.reply.add_topics();
    reply->set_name(wanted.name());
    const Status status = mentions[wanted.name()] > 1
                              ? Fail(ErrorCode::kInvalidRequest,
                                     "topic '" + wanted.name() + "' is in the request twice")
                              : adder.Add(wanted);
    if (status) {
      reply->set_total_count(wanted.total_count());
    } else {
      SetError(status.error(), reply->mutable_error());
    }
  }
  decision.records = adder.TakeRecords();
  WEIR_RETURN_IF_ERROR(CheckBatchSize(decision.records));
  if (request.validate_only()) decision.records.clear();
  return decision;
}

}  // namespace weir::state
