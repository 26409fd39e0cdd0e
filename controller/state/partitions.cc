#include "controller/state/partitions.h"

#include <algorithm>
#include <utility>

#include "common/metadata/topic_config.h"

namespace weir::state {
namespace {

using metadata::NodeIdList;
using metadata::Partition;
using metadata::Topic;
using metadata::v1::PartitionChangeRecord;

metadata::v1::NodeIds ToIds(const NodeIdList& list) {
  metadata::v1::NodeIds ids;
  for (const NodeId id : list) ids.add_ids(id.value());
  return ids;
}

// The lists and the leader that a partition shall have.
struct Target {
  NodeIdList isr;
  NodeIdList elr;
  NodeIdList last_known_elr;
  NodeIdList offline_replicas;
  NodeId leader = kNoNode;
};

Target TargetOf(const Partition& partition) {
  return {partition.isr, partition.elr, partition.last_known_elr, partition.offline_replicas,
          kNoNode};
}

// Ends in-sync membership of those who leave; who leaves an ISR that gets too small is eligible.
void RemoveLeaving(const Partition& partition, const BrokerOutlook& outlook, Target* target) {
  for (const NodeId id : partition.isr) {
    if (!outlook.leaving(id) && !target->offline_replicas.Contains(id)) continue;
    target->isr = target->isr.Without(id);
    if (!target->elr.Contains(id)) target->elr.Add(id);
  }
}

std::optional<NodeId> FirstUsable(const NodeIdList& replicas, const BrokerOutlook& outlook,
                                  const Target& target, const NodeIdList* among) {
  for (const NodeId id : replicas) {
    if (among != nullptr && !among->Contains(id)) continue;
    if (target.offline_replicas.Contains(id)) continue;
    if (outlook.usable(id) && !outlook.leaving(id)) return id;
  }
  return std::nullopt;
}

std::optional<NodeId> Elect(const Partition& partition, const ElectionRules& rules,
                            const BrokerOutlook& outlook, const Target& target) {
  const auto first_of = [&](const NodeIdList* among) {
    return FirstUsable(partition.replicas, outlook, target, among);
  };
  if (auto id = first_of(&target.isr)) return id;
  if (auto id = first_of(&target.elr)) return id;
  const bool nobody_is_safe = target.isr.empty() && target.elr.empty();
  if (nobody_is_safe && target.last_known_elr.size() == 1) {
    if (auto id = first_of(&target.last_known_elr)) return id;
  }
  if (!rules.unclean_election) return std::nullopt;
  // Who was in sync last lacks least.
  if (auto id = first_of(&target.last_known_elr)) return id;
  return first_of(nullptr);
}

void SetLeader(NodeId leader, Target* target) {
  target->leader = leader;
  if (leader == kNoNode || target->isr.Contains(leader)) return;
  // Elected from outside the ISR: its log is the log now. From outside the ELR too, it may lack
  // what the others have: they are eligible no more, or records would come back that were lost.
  const bool is_clean = target->elr.Contains(leader);
  target->isr = NodeIdList{leader};
  target->elr = is_clean ? target->elr.Without(leader) : NodeIdList();
  target->last_known_elr = is_clean ? target->last_known_elr.Without(leader) : NodeIdList();
}

std::optional<PartitionChangeRecord> ToRecord(const Uuid& topic_id, PartitionIndex index,
                                              const Partition& partition, const Target& target) {
  PartitionChangeRecord record;
  bool changed = false;
  if (target.leader != partition.leader) {
    record.set_leader(target.leader.value());
    changed = true;
  }
  if (!(target.isr == partition.isr)) {
    *record.mutable_isr() = ToIds(target.isr);
    changed = true;
  }
  if (!(target.elr == partition.elr)) {
    *record.mutable_elr() = ToIds(target.elr);
    changed = true;
  }
  if (!(target.last_known_elr == partition.last_known_elr)) {
    *record.mutable_last_known_elr() = ToIds(target.last_known_elr);
    changed = true;
  }
  if (!(target.offline_replicas == partition.offline_replicas)) {
    *record.mutable_offline_replicas() = ToIds(target.offline_replicas);
    changed = true;
  }
  if (!changed) return std::nullopt;
  record.set_topic_id(topic_id.ToBytes());
  record.set_partition(index.value());
  return record;
}

std::optional<PartitionChangeRecord> ChangeTowards(const Uuid& topic_id, PartitionIndex index,
                                                   const Partition& partition,
                                                   const ElectionRules& rules,
                                                   const BrokerOutlook& outlook, Target target) {
  RemoveLeaving(partition, outlook, &target);
  const bool leader_stays = partition.leader != kNoNode && target.isr.Contains(partition.leader) &&
                            outlook.usable(partition.leader) && !outlook.leaving(partition.leader);
  if (leader_stays) {
    SetLeader(partition.leader, &target);
  } else {
    SetLeader(Elect(partition, rules, outlook, target).value_or(kNoNode), &target);
  }
  const size_t enough = std::min(static_cast<size_t>(std::max(rules.min_insync_replicas, 1)),
                                 partition.replicas.size());
  if (target.isr.size() >= enough) {
    target.elr = {};
    target.last_known_elr = {};
  }
  return ToRecord(topic_id, index, partition, target);
}

void Append(PartitionChangeRecord record, Records* records) {
  *records->emplace_back().mutable_partition_change() = std::move(record);
}

// The rules of each topic, read from its configuration when asked for.
class Rules {
 public:
  explicit Rules(const DecisionContext& context)
      : image_(context.image),
        defaults_(metadata::TopicConfigDefaults(
            {context.image, kNoNode, &context.defaults.static_config})) {}

  metadata::TopicConfig ConfigOf(const Topic& topic) const {
    return metadata::OverrideTopicConfig(
        defaults_, image_.FindConfigs(metadata::ConfigResource::OfTopic(topic.name)));
  }
  static ElectionRules ElectionOf(const metadata::TopicConfig& config) {
    return {config.min_insync_replicas, config.unclean_leader_election};
  }

 private:
  const MetadataImage& image_;
  metadata::TopicConfig defaults_;
};

// Calls change(partition) for the partitions that `affects` picks, and keeps what comes back.
template <class Affects, class Change>
void ForAffected(const DecisionContext& context, Records* records, Affects affects, Change change) {
  const Rules rules(context);
  for (const auto& [id, topic] : context.image.topics()) {
    std::optional<metadata::TopicConfig> config;
    for (const auto& [index, partition] : topic.partitions) {
      if (!affects(partition)) continue;
      if (!config) config = rules.ConfigOf(topic);
      if (auto record = change(id, index, partition, *config)) Append(std::move(*record), records);
    }
  }
}

}  // namespace

std::optional<PartitionChangeRecord> PartitionChangeFor(const Uuid& topic_id, PartitionIndex index,
                                                        const Partition& partition,
                                                        const ElectionRules& rules,
                                                        const BrokerOutlook& outlook) {
  return ChangeTowards(topic_id, index, partition, rules, outlook, TargetOf(partition));
}

void AppendChangesForLeaving(const DecisionContext& context, std::span<const NodeId> leaving,
                             Records* records) {
  const auto is_leaving = [leaving](NodeId id) {
    return std::find(leaving.begin(), leaving.end(), id) != leaving.end();
  };
  const BrokerOutlook outlook{
      [&](NodeId id) { return context.image.IsUsableAsLeader(id) && !is_leaving(id); }, is_leaving};
  ForAffected(
      context, records,
      [&](const Partition& partition) {
        return is_leaving(partition.leader) ||
               std::any_of(partition.isr.begin(), partition.isr.end(), is_leaving);
      },
      [&](const Uuid& id, PartitionIndex index, const Partition& partition,
          const metadata::TopicConfig& config) {
        return PartitionChangeFor(id, index, partition, Rules::ElectionOf(config), outlook);
      });
}

void AppendChangesForReturning(const DecisionContext& context, NodeId returning, Records* records) {
  const BrokerOutlook outlook{
      [&](NodeId id) { return id == returning || context.image.IsUsableAsLeader(id); },
      [](NodeId) { return false; }};
  ForAffected(
      context, records,
      [&](const Partition& partition) {
        return partition.leader == kNoNode && partition.replicas.Contains(returning);
      },
      [&](const Uuid& id, PartitionIndex index, const Partition& partition,
          const metadata::TopicConfig& config) {
        return PartitionChangeFor(id, index, partition, Rules::ElectionOf(config), outlook);
      });
}

void AppendChangesForLostData(const DecisionContext& context, NodeId broker, LostData lost,
                              Records* records) {
  const BrokerOutlook outlook{
      [&](NodeId id) { return id != broker && context.image.IsUsableAsLeader(id); },
      [](NodeId) { return false; }};
  ForAffected(
      context, records,
      [&](const Partition& partition) { return partition.replicas.Contains(broker); },
      [&](const Uuid& id, PartitionIndex index, const Partition& partition,
          const metadata::TopicConfig& config) -> std::optional<PartitionChangeRecord> {
        const bool everything = lost == LostData::kEverything;
        if (!everything && config.durability == metadata::Durability::kFsync) return std::nullopt;
        Target target = TargetOf(partition);
        target.elr = partition.elr.Without(broker);
        if (everything) {
          target.last_known_elr = target.last_known_elr.Without(broker);
        } else if (partition.elr.Contains(broker) && !target.last_known_elr.Contains(broker)) {
          target.last_known_elr.Add(broker);
        }
        return ChangeTowards(id, index, partition, Rules::ElectionOf(config), outlook, target);
      });
}

std::optional<PartitionChangeRecord> ChangeForGivenUp(const DecisionContext& context,
                                                      const Topic& topic, PartitionIndex index,
                                                      NodeId broker) {
  const Partition& partition = *topic.FindPartition(index);
  const BrokerOutlook outlook{
      [&](NodeId id) { return id != broker && context.image.IsUsableAsLeader(id); },
      [](NodeId) { return false; }};
  const Target target{partition.isr.Without(broker), partition.elr.Without(broker),
                      partition.last_known_elr.Without(broker), partition.offline_replicas,
                      kNoNode};
  if (!FirstUsable(partition.replicas, outlook, target, &target.isr)) return std::nullopt;
  const ElectionRules rules = Rules::ElectionOf(Rules(context).ConfigOf(topic));
  std::optional<PartitionChangeRecord> record =
      ChangeTowards(topic.id, index, partition, rules, outlook, target);
  if (!record) {
    record.emplace();
    record->set_topic_id(topic.id.ToBytes());
    record->set_partition(index.value());
  }
  if (!record->has_leader()) record->set_bump_leader_epoch(true);
  return record;
}

std::optional<PartitionChangeRecord> ChangeForStorage(const DecisionContext& context,
                                                      const Topic& topic, PartitionIndex index,
                                                      NodeId broker, bool offline) {
  const Partition& partition = *topic.FindPartition(index);
  if (partition.offline_replicas.Contains(broker) == offline) return std::nullopt;
  const BrokerOutlook outlook{[&](NodeId id) { return context.image.IsUsableAsLeader(id); },
                              [](NodeId) { return false; }};
  Target target = TargetOf(partition);
  if (offline) {
    target.offline_replicas.Add(broker);
  } else {
    target.offline_replicas = target.offline_replicas.Without(broker);
  }
  const ElectionRules rules = Rules::ElectionOf(Rules(context).ConfigOf(topic));
  return ChangeTowards(topic.id, index, partition, rules, outlook, std::move(target));
}

bool LeadsAny(const MetadataImage& image, NodeId broker) {
  for (const auto& [id, topic] : image.topics()) {
    for (const auto& [index, partition] : topic.partitions) {
      if (partition.leader == broker) return true;
    }
  }
  return false;
}

bool HoldsAny(const MetadataImage& image, NodeId broker) {
  for (const auto& [id, topic] : image.topics()) {
    for (const auto& [index, partition] : topic.partitions) {
      if (partition.replicas.Contains(broker)) return true;
    }
  }
  return false;
}

}  // namespace weir::state
