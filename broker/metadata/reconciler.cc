#include "broker/metadata/reconciler.h"

#include <algorithm>
#include <charconv>
#include <memory>
#include <string>
#include <utility>

#include "common/metadata/group_partition.h"
#include "common/metadata/topic_config.h"

namespace weir::broker {
namespace {

// Topics that keep records no longer than this have their own key family: their files die whole.
constexpr int64_t kShortRetentionMs = 24 * 60 * 60 * 1000;

KvFamily FamilyOf(const metadata::TopicConfig& config) {
  if (config.cleanup_compact) return KvFamily::kLogCompacted;
  const bool is_short = config.retention_ms >= 0 && config.retention_ms <= kShortRetentionMs;
  return is_short ? KvFamily::kLogShort : KvFamily::kLogLong;
}

// Bytes/s; no limit when the value is none (nobody checked it before it was appended).
int64_t ConfiguredRate(const metadata::ConfigView& view, std::string_view key) {
  const auto text = metadata::EffectiveBrokerValue(view, key);
  const auto rate = text ? metadata::ParseConfigInteger(*text) : std::nullopt;
  return rate.value_or(replica::kUnlimitedRate);
}

// Runs `done` after two things have ended, on whichever thread ended last.
Task JoinTwo(Task done) {
  struct Join {
    std::atomic<int> left = 2;
    Task done;
  };
  auto join = std::make_shared<Join>();
  join->done = std::move(done);
  return [join] {
    if (join->left.fetch_sub(1) == 1) join->done();
  };
}

}  // namespace

log::LogConfig ToLogConfig(const metadata::ConfigView& view, const std::string& topic) {
  const metadata::TopicConfig from = metadata::EffectiveTopicConfig(view, topic);
  log::LogConfig to;
  to.durability =
      from.durability == metadata::Durability::kOs ? log::Durability::kOs : log::Durability::kFsync;
  to.timestamp_type = from.timestamp_type == metadata::TimestampType::kLogAppendTime
                          ? log::TimestampType::kLogAppendTime
                          : log::TimestampType::kCreateTime;
  to.family = FamilyOf(from);
  to.batch_bytes_max = from.max_message_bytes;
  to.timestamp_before_max_ms = from.timestamp_before_max_ms;
  to.timestamp_after_max_ms = from.timestamp_after_max_ms;
  to.segment_bytes = from.segment_bytes;
  to.min_insync_replicas = from.min_insync_replicas;
  to.compacted = from.cleanup_compact;
  to.committed_offsets = topic == metadata::kOffsetsTopic;
  if (const auto text = metadata::EffectiveBrokerValue(view, "producer.id.expiration.ms")) {
    int64_t value = 0;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
    if (error == std::errc() && value > 0) to.producer_id_expiration_ms = value;
  }
  return to;
}

std::optional<replica::PeerAddress> InterBrokerAddress(const metadata::Broker& broker) {
  const metadata::Endpoint* endpoint = broker.FindEndpoint(broker.inter_broker_listener);
  if (endpoint == nullptr) return std::nullopt;
  return replica::PeerAddress{.host = endpoint->host,
                              .port = static_cast<uint16_t>(endpoint->port)};
}

replica::PeerAddresses InterBrokerAddresses(const metadata::MetadataImage& image) {
  replica::PeerAddresses addresses;
  for (const auto& [id, broker] : image.brokers()) {
    if (auto address = InterBrokerAddress(broker)) addresses[id] = *std::move(address);
  }
  return addresses;
}

Reconciler::Reconciler(NodeId broker_id, metadata::StaticConfig static_config, PartitionHost& host)
    : broker_id_(broker_id), static_config_(std::move(static_config)), host_(host) {}

size_t Reconciler::open_count() const {
  size_t count = 0;
  for (const auto& [topic, indexes] : open_) count += indexes.size();
  return count;
}

void Reconciler::Act(const metadata::MetadataImage& image, const metadata::Delta& delta,
                     Task done) {
  assignments_.clear();
  drops_.clear();
  if (!acted_ || !delta.changed_brokers.empty()) host_.OnBrokers(InterBrokerAddresses(image));
  if (acted_) {
    ActOnDelta(image, delta);
  } else {
    ActOnAll(image);
    acted_ = true;
  }
  TellThrottleRates(image);
  if (drops_.empty() && assignments_.empty()) return done();
  if (drops_.empty()) return host_.Assign(std::exchange(assignments_, {}), std::move(done));
  if (assignments_.empty()) return host_.Drop(std::exchange(drops_, {}), std::move(done));
  auto joined = std::make_shared<Task>(JoinTwo(std::move(done)));
  host_.Drop(std::exchange(drops_, {}), [joined] { (*joined)(); });
  host_.Assign(std::exchange(assignments_, {}), [joined] { (*joined)(); });
}

void Reconciler::ActOnAll(const metadata::MetadataImage& image) {
  for (const auto& [id, topic] : image.topics()) {
    for (const auto& [index, partition] : topic.partitions) WantPartition(image, topic, index);
  }
  for (const replica::TopicPartition& stored : host_.Stored()) {
    const auto topic = open_.find(stored.topic_id);
    if (topic != open_.end() && topic->second.contains(stored.partition)) continue;
    // Law 4: the topic is gone, or the replica was moved away.
    drops_.push_back(stored);
  }
}

void Reconciler::ActOnDelta(const metadata::MetadataImage& image, const metadata::Delta& delta) {
  for (const auto& [id, name] : delta.removed_topics) RemoveTopic(id);
  if (!delta.removed_topics.empty()) host_.OnTopicsRemoved(delta.removed_topics);
  std::set<Uuid> reconfigured;
  if (DefaultsChanged(delta)) {
    configs_.clear();
    throttled_.clear();
    for (const auto& [id, indexes] : open_) reconfigured.insert(id);
  }
  for (const metadata::ConfigResource& resource : delta.changed_configs) {
    if (resource.type != metadata::v1::CONFIG_RESOURCE_TOPIC) continue;
    const metadata::Topic* topic = image.FindTopic(resource.name);
    if (topic == nullptr) continue;
    configs_.erase(topic->id);
    throttled_.erase(topic->id);
    reconfigured.insert(topic->id);
  }
  for (const auto& [id, indexes] : delta.changed_partitions) {
    const metadata::Topic* topic = image.FindTopic(id);
    if (topic == nullptr || reconfigured.contains(id)) continue;
    for (const PartitionIndex index : indexes) WantPartition(image, *topic, index);
  }
  for (const Uuid& id : reconfigured) {
    const metadata::Topic* topic = image.FindTopic(id);
    if (topic != nullptr) WantOpenPartitionsAgain(image, *topic);
  }
}

bool Reconciler::DefaultsChanged(const metadata::Delta& delta) const {
  return delta.changed_configs.contains(metadata::ConfigResource::OfAllBrokers()) ||
         delta.changed_configs.contains(metadata::ConfigResource::OfBroker(broker_id_));
}

void Reconciler::WantOpenPartitionsAgain(const metadata::MetadataImage& image,
                                         const metadata::Topic& topic) {
  for (const auto& [index, partition] : topic.partitions) WantPartition(image, topic, index);
}

void Reconciler::WantPartition(const metadata::MetadataImage& image, const metadata::Topic& topic,
                               PartitionIndex index) {
  const metadata::Partition* partition = topic.FindPartition(index);
  const replica::TopicPartition name{topic.id, index};
  move_rates_.erase(name);
  if (partition == nullptr || !partition->replicas.Contains(broker_id_)) {
    const auto open = open_.find(topic.id);
    if (open == open_.end() || open->second.erase(index) == 0) return;
    if (open->second.empty()) open_.erase(open);
    drops_.push_back(name);
    return;
  }
  open_[topic.id].insert(index);
  assignments_.push_back({.partition = name,
                          .leader = partition->leader,
                          .leader_epoch = partition->leader_epoch,
                          .partition_epoch = partition->partition_epoch,
                          .throttle = ThrottleOf(image, topic, index, *partition),
                          .replicas = {partition->replicas.begin(), partition->replicas.end()},
                          .isr = {partition->isr.begin(), partition->isr.end()},
                          .log_end_wanted = WantsLogEnd(*partition),
                          .config = ConfigOf(image, topic),
                          .relied_on = ReliesOn(*partition),
                          .marked_offline = partition->offline_replicas.Contains(broker_id_),
                          .is_new = partition->partition_epoch == PartitionEpoch(0)});
}

// Only while nobody in sync or eligible is left: else that one will lead.
bool Reconciler::WantsLogEnd(const metadata::Partition& partition) const {
  return partition.leader == kNoNode && partition.isr.empty() && partition.elr.empty() &&
         partition.last_known_elr.Contains(broker_id_);
}

bool Reconciler::ReliesOn(const metadata::Partition& partition) const {
  return partition.leader == broker_id_ || partition.isr.Contains(broker_id_) ||
         partition.elr.Contains(broker_id_) || partition.last_known_elr.Contains(broker_id_);
}

void Reconciler::RemoveTopic(const Uuid& topic_id) {
  configs_.erase(topic_id);
  throttled_.erase(topic_id);
  std::erase_if(move_rates_, [&](const auto& move) { return move.first.topic_id == topic_id; });
  const auto open = open_.find(topic_id);
  if (open == open_.end()) return;
  for (const PartitionIndex index : open->second) drops_.push_back({topic_id, index});
  open_.erase(open);
}

log::LogConfigPtr Reconciler::ConfigOf(const metadata::MetadataImage& image,
                                       const metadata::Topic& topic) {
  log::LogConfigPtr& config = configs_[topic.id];
  if (config == nullptr) {
    const metadata::ConfigView view{image, broker_id_, &static_config_};
    config = std::make_shared<const log::LogConfig>(ToLogConfig(view, topic.name));
  }
  return config;
}

replica::ReplicaThrottle Reconciler::ThrottleOf(const metadata::MetadataImage& image,
                                                const metadata::Topic& topic, PartitionIndex index,
                                                const metadata::Partition& partition) {
  auto listed = throttled_.find(topic.id);
  if (listed == throttled_.end()) {
    const metadata::ConfigView view{image, broker_id_, &static_config_};
    const auto value_of = [&](std::string_view key) {
      return metadata::ThrottledReplicas(
          metadata::EffectiveTopicValue(view, topic.name, key).value_or(""));
    };
    listed = throttled_
                 .emplace(topic.id,
                          ThrottledOfTopic{value_of("leader.replication.throttled.replicas"),
                                           value_of("follower.replication.throttled.replicas")})
                 .first;
  }
  replica::ReplicaThrottle throttle;
  throttle.leader = listed->second.leader.Contains(index, broker_id_);
  throttle.follower = listed->second.follower.Contains(index, broker_id_);
  if (partition.throttled_rate <= 0) return throttle;
  const metadata::NodeIdList& adding = partition.adding_replicas;
  throttle.moves_to = {adding.begin(), adding.end()};
  if (partition.leader == broker_id_ || adding.Contains(broker_id_)) {
    move_rates_[{topic.id, index}] = partition.throttled_rate;
  }
  return throttle;
}

void Reconciler::TellThrottleRates(const metadata::MetadataImage& image) {
  const metadata::ConfigView view{image, broker_id_, &static_config_};
  replica::ThrottleRates rates{
      .leader_configured = ConfiguredRate(view, "leader.replication.throttled.rate"),
      .follower_configured = ConfiguredRate(view, "follower.replication.throttled.rate")};
  // Several moves share what the most careful of them allows.
  for (const auto& [partition, rate] : move_rates_) rates.moves = std::min(rates.moves, rate);
  if (rates == rates_) return;
  rates_ = rates;
  host_.OnThrottleRates(rates);
}

}  // namespace weir::broker
