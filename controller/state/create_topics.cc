// CreateTopics of topics.h.
#include <map>
#include <utility>

#include "common/metadata/topic_options.h"
#include "controller/state/configs.h"
#include "controller/state/new_partitions.h"
#include "controller/state/topics.h"

namespace weir::state {
namespace {

using admin::v1::CreatedTopic;
using admin::v1::NewTopic;

// Above so many topics the reply leaves configurations out: it is kept for retries.
constexpr int kTopicsWithConfigsInReplyMax = 100;

bool IsDefault(int32_t count) { return count == 0 || count == -1; }

class TopicCreator {
 public:
  explicit TopicCreator(const DecisionContext& context)
      : context_(context), placement_(Placement::Of(context.image)) {}

  Status Create(const NewTopic& topic, bool with_configs, CreatedTopic* reply) {
    WEIR_RETURN_IF_ERROR(CheckName(topic.name()));
    WEIR_RETURN_IF_ERROR(ValidateTopicConfigs(topic.configs()));
    WEIR_ASSIGN_OR_RETURN(const Assignments assignments, Assign(topic));
    partitions_ += static_cast<int32_t>(assignments.size());
    const Uuid id = NewId();
    AppendRecords(topic, id, assignments);
    if (const auto key = metadata::CollisionName(topic.name())) {
      new_collision_names_.emplace(*key, topic.name());
    }
    reply->set_topic_id(id.ToString());
    reply->set_partitions(static_cast<int32_t>(assignments.size()));
    reply->set_replication_factor(static_cast<int32_t>(assignments.front().size()));
    if (with_configs) FillConfigs(topic, reply);
    return {};
  }

  Records TakeRecords() { return std::move(records_); }

 private:
  Status CheckName(const std::string& name) const {
    WEIR_RETURN_IF_ERROR(ValidateTopicName(name));
    if (context_.image.FindTopic(name) != nullptr) {
      return Fail(ErrorCode::kTopicAlreadyExists, "topic '" + name + "' exists already");
    }
    const std::string* other = context_.image.FindCollidingTopic(name);
    if (other == nullptr) {
      const auto key = metadata::CollisionName(name);
      const auto found = key ? new_collision_names_.find(*key) : new_collision_names_.end();
      if (found != new_collision_names_.end()) other = &found->second;
    }
    if (other == nullptr) return {};
    return Fail(ErrorCode::kInvalidTopicException,
                "topic name '" + name + "' would collide with '" + *other +
                    "' in metric names, where '.' and '_' are the same");
  }

  Result<Assignments> Assign(const NewTopic& topic) {
    if (topic.assignments_size() > 0) {
      if (!IsDefault(topic.partitions()) || !IsDefault(topic.replication_factor())) {
        return Fail(ErrorCode::kInvalidRequest,
                    "with a manual assignment, partitions and replication factor must be left out");
      }
      WEIR_RETURN_IF_ERROR(CheckCount(topic.assignments_size()));
      return ManualAssignments(context_, 0, topic.assignments());
    }
    const Defaults& defaults = context_.defaults;
    const int32_t count =
        IsDefault(topic.partitions()) ? defaults.num_partitions : topic.partitions();
    const int32_t factor = IsDefault(topic.replication_factor())
                               ? defaults.default_replication_factor
                               : topic.replication_factor();
    WEIR_RETURN_IF_ERROR(CheckCount(count));
    return PlacedAssignments(context_, count, factor, &placement_);
  }

  Status CheckCount(int32_t count) const {
    if (count < 1) {
      return Fail(ErrorCode::kInvalidPartitions,
                  "a topic needs at least one partition, not " + std::to_string(count));
    }
    if (count > context_.defaults.partitions_per_topic_max) {
      return Fail(ErrorCode::kInvalidPartitions,
                  std::to_string(count) + " partitions are more than the " +
                      std::to_string(context_.defaults.partitions_per_topic_max) +
                      " that a topic may have");
    }
    if (count > context_.defaults.partitions_per_request_max - partitions_) {
      return Fail(ErrorCode::kPolicyViolation,
                  "one request may create " +
                      std::to_string(context_.defaults.partitions_per_request_max) +
                      " partitions at most; use several");
    }
    return {};
  }

  Uuid NewId() const {
    Uuid id;
    do {
      id = Uuid::Random(*context_.prng);
    } while (id.IsZero() || context_.image.FindTopic(id) != nullptr);
    return id;
  }

  void AppendRecords(const NewTopic& topic, const Uuid& id, const Assignments& assignments) {
    metadata::v1::TopicRecord* record = records_.emplace_back().mutable_topic();
    record->set_topic_id(id.ToBytes());
    record->set_name(topic.name());
    record->set_internal(IsInternalTopic(topic.name()));
    AppendPartitions(context_.image, id, 0, assignments, &records_);
    // In order of the key: a protobuf map has none.
    const std::map<std::string, std::string> configs(topic.configs().begin(),
                                                     topic.configs().end());
    for (const auto& [key, value] : configs) {
      metadata::v1::ConfigRecord* config = records_.emplace_back().mutable_config();
      config->set_resource_type(metadata::v1::CONFIG_RESOURCE_TOPIC);
      config->set_resource_name(topic.name());
      config->set_key(key);
      config->set_value(value);
    }
  }

  void FillConfigs(const NewTopic& topic, CreatedTopic* reply) const {
    const metadata::ConfigView view{context_.image, kNoNode, &context_.defaults.static_config};
    for (const metadata::ConfigOption& option : metadata::TopicOptions()) {
      if (option.internal) continue;
      const metadata::EffectiveConfig effective =
          metadata::DescribeTopicConfig(view, topic.name(), option);
      admin::v1::ConfigEntry* entry = reply->add_configs();
      entry->set_key(std::string(option.name));
      entry->set_type(std::string(metadata::ConfigTypeName(option.type)));
      entry->set_source(effective.source);
      if (effective.value) entry->set_value(*effective.value);
      const auto own = topic.configs().find(entry->key());
      if (own == topic.configs().end()) continue;
      entry->set_value(own->second);
      entry->set_source(admin::v1::CONFIG_SOURCE_TOPIC);
    }
  }

  const DecisionContext& context_;
  Placement placement_;
  Records records_;
  std::map<std::string, std::string> new_collision_names_;
  // Created by this request so far.
  int32_t partitions_ = 0;
};

}  // namespace

Result<Decision<admin::v1::CreateTopicsReply>> CreateTopics(
    const DecisionContext& context, const admin::v1::CreateTopicsRequest& request) {
  Decision<admin::v1::CreateTopicsReply> decision;
  std::map<std::string, int> mentions;
  for (const NewTopic& topic : request.topics()) ++mentions[topic.name()];
  const bool with_configs = request.topics_size() <= kTopicsWithConfigsInReplyMax;
  TopicCreator creator(context);
  for (const NewTopic& topic : request.topics()) {
    CreatedTopic* reply = decision.reply.add_topics();
    reply->set_name(topic.name());
    const Status status = mentions[topic.name()] > 1
                              ? Fail(ErrorCode::kInvalidRequest,
                                     "topic '" + topic.name() + "' is in the request twice")
                              : creator.Create(topic, with_configs, reply);
    if (!status) SetError(status.error(), reply->mutable_error());
  }
  decision.records = creator.TakeRecords();
  WEIR_RETURN_IF_ERROR(CheckBatchSize(decision.records));
  if (request.validate_only()) decision.records.clear();
  return decision;
}

}  // namespace weir::state
