#include "broker/handlers/offsets_topic.h"

#include <algorithm>
#include <string>
#include <vector>

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

// Replicas on brokers that are away for now, too: each partition has one that lives, and is
// followed by the others once they are back. Preferred leaders go around.
void Assign(const metadata::MetadataImage& image, int32_t partitions, size_t replicas,
            admin::v1::NewTopic& topic) {
  const std::vector<NodeId> live = image.LiveBrokers();
  std::vector<NodeId> all;
  for (const auto& [id, broker] : image.brokers()) all.push_back(id);
  for (int32_t partition = 0; partition < partitions; ++partition) {
    const auto turn = static_cast<size_t>(partition);
    std::vector<NodeId> chosen;
    for (size_t i = 0; i < replicas; ++i) chosen.push_back(all[(turn + i) % all.size()]);
    const bool has_live =
        std::any_of(chosen.begin(), chosen.end(), [&](NodeId id) { return image.IsLive(id); });
    if (!has_live) chosen.back() = live[turn % live.size()];
    admin::v1::ReplicaAssignment* assignment = topic.add_assignments();
    assignment->set_partition(partition);
    for (const NodeId id : chosen) assignment->add_broker_ids(id.value());
  }
}

}  // namespace

NodeId CoordinatorOf(const metadata::MetadataImage& image, std::string_view group_id) {
  const auto place = metadata::FindGroupPartition(image, group_id);
  return place ? place->leader : kNoNode;
}

admin::v1::NewTopic NewOffsetsTopic(const metadata::ConfigView& view) {
  const auto live = static_cast<int32_t>(view.image.LiveBrokers().size());
  const auto registered = static_cast<int32_t>(view.image.brokers().size());
  const int32_t partitions = IntegerOf(view, "offsets.topic.num.partitions");
  const int32_t replicas =
      std::max(1, std::min(registered, IntegerOf(view, "offsets.topic.replication.factor")));
  admin::v1::NewTopic topic;
  topic.set_name(std::string(metadata::kOffsetsTopic));
  if (live == 0 || replicas <= live) {
    topic.set_partitions(partitions);
    topic.set_replication_factor(replicas);
  } else {
    Assign(view.image, partitions, static_cast<size_t>(replicas), topic);
  }
  auto& configs = *topic.mutable_configs();
  configs["cleanup.policy"] = "compact";
  configs["compression.type"] = "producer";
  configs["segment.bytes"] = std::to_string(IntegerOf(view, "offsets.topic.segment.bytes"));
  return topic;
}

}  // namespace weir::handlers
