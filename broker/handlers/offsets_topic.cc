#include "broker/handlers/offsets_topic.h"

#include <algorithm>
#include <string>

#include "common/base/check.h"
#include "common/metadata/group_partition.h"

namespace weir::handlers {
namespace {

int32_t IntegerOf(const metadata::ConfigView& view, std::string_view key) {
  const std::optional<std::string> text = metadata::EffectiveBrokerValue(view, key);
  WEIR_CHECK(text.has_value(), "the option has a default");
  const std::optional<int64_t> value = metadata::ParseConfigInteger(*text);
  WEIR_CHECK(value.has_value(), "values are checked when they are set");
  return static_cast<int32_t>(*value);
}

}  // namespace

NodeId CoordinatorOf(const metadata::MetadataImage& image, std::string_view group_id) {
  const metadata::Topic* topic = image.FindTopic(metadata::kOffsetsTopic);
  if (topic == nullptr || topic->partitions.empty()) return kNoNode;
  const auto count = static_cast<int32_t>(topic->partitions.size());
  const metadata::Partition* partition =
      topic->FindPartition(metadata::PartitionOfGroup(group_id, count));
  return partition == nullptr ? kNoNode : partition->leader;
}

admin::v1::NewTopic NewOffsetsTopic(const metadata::ConfigView& view) {
  const auto live = static_cast<int32_t>(view.image.LiveBrokers().size());
  admin::v1::NewTopic topic;
  topic.set_name(std::string(metadata::kOffsetsTopic));
  topic.set_partitions(IntegerOf(view, "offsets.topic.num.partitions"));
  topic.set_replication_factor(
      std::max(1, std::min(live, IntegerOf(view, "offsets.topic.replication.factor"))));
  auto& configs = *topic.mutable_configs();
  configs["cleanup.policy"] = "compact";
  configs["compression.type"] = "producer";
  configs["segment.bytes"] = std::to_string(IntegerOf(view, "offsets.topic.segment.bytes"));
  return topic;
}

}  // namespace weir::handlers
