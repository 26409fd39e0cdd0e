#include "common/metadata/image.h"

#include <algorithm>

namespace weir::metadata {

const Endpoint* Broker::FindEndpoint(std::string_view wanted) const {
  const auto found =
      std::find_if(endpoints.begin(), endpoints.end(),
                   [wanted](const Endpoint& endpoint) { return endpoint.name == wanted; });
  return found == endpoints.end() ? nullptr : &*found;
}

const Topic* MetadataImage::FindTopic(std::string_view name) const {
  const Uuid* id = topic_ids_.Find(name);
  return id == nullptr ? nullptr : topics_.Find(*id);
}

const Partition* MetadataImage::FindPartition(const Uuid& topic_id, PartitionIndex index) const {
  const Topic* topic = FindTopic(topic_id);
  return topic == nullptr ? nullptr : topic->FindPartition(index);
}

const Partition* MetadataImage::FindPartition(std::string_view name, PartitionIndex index) const {
  const Topic* topic = FindTopic(name);
  return topic == nullptr ? nullptr : topic->FindPartition(index);
}

const std::string* MetadataImage::FindConfig(const ConfigResource& resource,
                                             std::string_view key) const {
  const ConfigValues* values = FindConfigs(resource);
  return values == nullptr ? nullptr : values->Find(key);
}

const CompletedRequest* MetadataImage::FindCompleted(std::string_view request_id) const {
  const LogIndex* offset = completed_offsets_.Find(request_id);
  return offset == nullptr ? nullptr : completed_.Find(*offset);
}

const std::string* MetadataImage::FindCollidingTopic(std::string_view name) const {
  const std::optional<std::string> key = CollisionName(name);
  if (!key) return nullptr;
  const std::string* existing = collision_names_.Find(*key);
  return existing == nullptr || *existing == name ? nullptr : existing;
}

std::vector<NodeId> MetadataImage::LiveBrokers() const {
  std::vector<NodeId> live;
  for (const auto& [id, broker] : brokers_) {
    if (broker.live()) live.push_back(id);
  }
  return live;
}

bool MetadataImage::IsLive(NodeId id) const {
  const Broker* broker = FindBroker(id);
  return broker != nullptr && broker->live();
}

bool MetadataImage::IsUsableAsLeader(NodeId id) const {
  const Broker* broker = FindBroker(id);
  return broker != nullptr && broker->live() && !broker->in_controlled_shutdown;
}

bool operator==(const MetadataImage& a, const MetadataImage& b) {
  return a.offset_ == b.offset_ && a.cluster_id_ == b.cluster_id_ && a.features_ == b.features_ &&
         a.brokers_ == b.brokers_ && a.topics_ == b.topics_ && a.topic_ids_ == b.topic_ids_ &&
         a.configs_ == b.configs_ && a.next_producer_id_ == b.next_producer_id_ &&
         a.completed_ == b.completed_ && a.groups_ == b.groups_;
}

std::optional<std::string> CollisionName(std::string_view topic) {
  if (topic.find_first_of("._") == std::string_view::npos) return std::nullopt;
  std::string name(topic);
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
}

}  // namespace weir::metadata
