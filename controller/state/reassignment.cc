#include "controller/state/reassignment.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "common/metadata/topic_config.h"

namespace weir::state {
namespace {

using admin::v1::PartitionReassignment;
using metadata::NodeIdList;
using metadata::Partition;
using metadata::Topic;
using metadata::v1::PartitionChangeRecord;

metadata::v1::NodeIds ToIds(const NodeIdList& list) {
  metadata::v1::NodeIds ids;
  for (const NodeId id : list) ids.add_ids(id.value());
  return ids;
}

// Those of `list` that are in `other`, or (keep == false) that are not.
NodeIdList Filter(const NodeIdList& list, const NodeIdList& other, bool keep) {
  NodeIdList result;
  for (const NodeId id : list) {
    if (other.Contains(id) == keep) result.Add(id);
  }
  return result;
}
NodeIdList Without(const NodeIdList& list, const NodeIdList& others) {
  return Filter(list, others, false);
}

// What a partition's topic asks for.
struct TopicRules {
  int32_t min_insync_replicas = 1;
  bool unclean_election = false;

  size_t EnoughOf(const NodeIdList& replicas) const {
    return std::min(static_cast<size_t>(std::max(min_insync_replicas, 1)), replicas.size());
  }
};

TopicRules RulesOf(const DecisionContext& context, const Topic& topic) {
  const metadata::TopicConfig config = metadata::EffectiveTopicConfig(
      {context.image, kNoNode, &context.defaults.static_config}, topic.name);
  return {config.min_insync_replicas, config.unclean_leader_election};
}

// The partition with these replicas, everybody else gone from its lists. The ISR is in their order.
Partition OnReplicas(Partition partition, NodeIdList replicas) {
  partition.isr = Filter(replicas, partition.isr, true);
  partition.elr = Filter(partition.elr, replicas, true);
  partition.last_known_elr = Filter(partition.last_known_elr, replicas, true);
  partition.replicas = std::move(replicas);
  return partition;
}

Partition Settled(const Partition& moving) {
  Partition settled = OnReplicas(moving, TargetReplicas(moving));
  settled.adding_replicas = {};
  settled.removing_replicas = {};
  settled.original_replicas = {};
  settled.throttled_rate = 0;
  return settled;
}

bool MayComplete(const Partition& moving, const TopicRules& rules) {
  if (!Without(moving.adding_replicas, moving.isr).empty()) return false;
  const NodeIdList left = Without(moving.isr, moving.removing_replicas);
  return !left.empty() && left.size() >= rules.EnoughOf(TargetReplicas(moving));
}

std::optional<NodeId> FirstUsable(const MetadataImage& image, const Partition& partition,
                                  const NodeIdList& among) {
  for (const NodeId id : partition.replicas) {
    if (among.Contains(id) && image.IsUsableAsLeader(partition, id)) return id;
  }
  return std::nullopt;
}

// Gives `next`, which `old` becomes, a leader. False when nobody is left who has everything. A
// partition that had no leader stays without.
bool ChooseLeader(const MetadataImage& image, const Partition& old, const TopicRules& rules,
                  Partition* next) {
  if (old.leader == kNoNode) return true;
  if (!next->isr.Contains(next->leader) || !image.IsUsableAsLeader(*next, next->leader)) {
    std::optional<NodeId> leader = FirstUsable(image, *next, next->isr);
    if (!leader) leader = FirstUsable(image, *next, next->elr);
    if (!leader && rules.unclean_election) {
      leader = FirstUsable(image, *next, next->replicas);
    }
    if (!leader) return false;
    next->leader = *leader;
  }
  if (!next->isr.Contains(next->leader)) {
    next->isr = NodeIdList{next->leader};
    next->elr = next->elr.Without(next->leader);
    next->last_known_elr = next->last_known_elr.Without(next->leader);
  }
  if (next->isr.size() >= rules.EnoughOf(next->replicas)) {
    next->elr = {};
    next->last_known_elr = {};
  }
  return true;
}

// The record that makes `next` of `old`; nullopt when they are equal.
std::optional<PartitionChangeRecord> ToRecord(const Topic& topic, PartitionIndex index,
                                              const Partition& old, const Partition& next) {
  if (next == old) return std::nullopt;
  PartitionChangeRecord record;
  record.set_topic_id(topic.id.ToBytes());
  record.set_partition(index.value());
  if (next.leader != old.leader) {
    record.set_leader(next.leader.value());
  } else if (!Without(old.replicas, next.replicas).empty()) {
    record.set_bump_leader_epoch(true);
  }
  const auto put = [](const NodeIdList& from, const NodeIdList& to, auto mutable_list) {
    if (!(from == to)) *mutable_list() = ToIds(to);
  };
  put(old.isr, next.isr, [&] { return record.mutable_isr(); });
  put(old.replicas, next.replicas, [&] { return record.mutable_replicas(); });
  put(old.adding_replicas, next.adding_replicas, [&] { return record.mutable_adding_replicas(); });
  put(old.removing_replicas, next.removing_replicas,
      [&] { return record.mutable_removing_replicas(); });
  put(old.original_replicas, next.original_replicas,
      [&] { return record.mutable_original_replicas(); });
  if (old.throttled_rate != next.throttled_rate) record.set_throttled_rate(next.throttled_rate);
  put(old.elr, next.elr, [&] { return record.mutable_elr(); });
  put(old.last_known_elr, next.last_known_elr, [&] { return record.mutable_last_known_elr(); });
  return record;
}

Status BadAssignment(std::string why) {
  return Fail(ErrorCode::kInvalidReplicaAssignment, std::move(why));
}

Result<NodeIdList> CheckedTarget(const MetadataImage& image, const PartitionReassignment& wanted) {
  NodeIdList target;
  for (const int32_t raw : wanted.target_ids()) {
    const NodeId id(raw);
    if (target.Contains(id)) {
      WEIR_RETURN_IF_ERROR(BadAssignment("broker " + ToString(id) + " is in it twice"));
    }
    if (image.FindBroker(id) == nullptr) {
      WEIR_RETURN_IF_ERROR(BadAssignment("broker " + ToString(id) + " is not registered"));
    }
    target.Add(id);
  }
  if (target.empty()) WEIR_RETURN_IF_ERROR(BadAssignment("it names no broker"));
  return target;
}

// Of a whole request.
struct MoveOptions {
  bool allow_factor_change = true;
  // Bytes/s; 0: no limit.
  int64_t throttled_rate = 0;
};

Result<Partition> Started(const DecisionContext& context, const Partition& old,
                          const NodeIdList& target, const MoveOptions& options,
                          const TopicRules& rules) {
  const NodeIdList original = OriginalReplicas(old);
  if (!options.allow_factor_change && target.size() != original.size()) {
    return Fail(ErrorCode::kInvalidReplicationFactor, "the replication factor would change from " +
                                                          std::to_string(original.size()) + " to " +
                                                          std::to_string(target.size()));
  }
  const NodeIdList removing = Without(original, target);
  NodeIdList replicas = target;
  for (const NodeId id : removing) replicas.Add(id);
  Partition next = OnReplicas(old, std::move(replicas));
  next.adding_replicas = Without(target, original);
  next.removing_replicas = removing;
  next.original_replicas = original;
  next.throttled_rate = options.throttled_rate;
  // The same brokers, at most in another order: that is no move.
  if (!IsMoving(next)) next = Settled(next);
  if (MayComplete(next, rules)) {
    Partition settled = Settled(next);
    if (ChooseLeader(context.image, old, rules, &settled)) return settled;
  }
  if (ChooseLeader(context.image, old, rules, &next)) return next;
  return Fail(ErrorCode::kInvalidReplicaAssignment,
              "only replicas that an earlier move was adding are in sync, and the new target does "
              "not keep them: an unclean leader election would be needed");
}

Result<Partition> Cancelled(const DecisionContext& context, const Partition& old,
                            const TopicRules& rules) {
  if (!IsMoving(old)) {
    return Fail(ErrorCode::kNoReassignmentInProgress, "the partition is not being moved");
  }
  Partition next = OnReplicas(old, OriginalReplicas(old));
  next.adding_replicas = {};
  next.removing_replicas = {};
  next.original_replicas = {};
  next.throttled_rate = 0;
  if (ChooseLeader(context.image, old, rules, &next)) return next;
  return Fail(ErrorCode::kInvalidReplicaAssignment,
              "only replicas that the move has added are in sync: taking it back would need an "
              "unclean leader election");
}

class Mover {
 public:
  Mover(const DecisionContext& context, MoveOptions options)
      : context_(context), options_(options) {}

  Status Move(const PartitionReassignment& wanted) {
    const Topic* topic = context_.image.FindTopic(wanted.topic());
    const PartitionIndex index(wanted.partition());
    const Partition* partition = topic == nullptr ? nullptr : topic->FindPartition(index);
    if (partition == nullptr) {
      return Fail(ErrorCode::kUnknownTopicOrPartition,
                  "there is no partition " + wanted.topic() + "-" + ToString(index));
    }
    if (!seen_.emplace(topic->id, index).second) {
      return Fail(ErrorCode::kInvalidRequest, "the partition is in the request twice");
    }
    const TopicRules rules = RulesOf(context_, *topic);
    WEIR_ASSIGN_OR_RETURN(const Partition next, Next(*partition, wanted, rules));
    if (auto record = ToRecord(*topic, index, *partition, next)) {
      *records_.emplace_back().mutable_partition_change() = *std::move(record);
    }
    return {};
  }

  Records TakeRecords() { return std::move(records_); }

 private:
  Result<Partition> Next(const Partition& partition, const PartitionReassignment& wanted,
                         const TopicRules& rules) const {
    if (wanted.cancel()) return Cancelled(context_, partition, rules);
    WEIR_ASSIGN_OR_RETURN(const NodeIdList target, CheckedTarget(context_.image, wanted));
    return Started(context_, partition, target, options_, rules);
  }

  const DecisionContext& context_;
  const MoveOptions options_;
  std::set<std::pair<Uuid, PartitionIndex>> seen_;
  Records records_;
};

void FillIds(const NodeIdList& ids, google::protobuf::RepeatedField<int32_t>* out) {
  for (const NodeId id : ids) out->Add(id.value());
}

}  // namespace

NodeIdList OriginalReplicas(const Partition& partition) {
  return IsMoving(partition) ? partition.original_replicas : partition.replicas;
}

NodeIdList TargetReplicas(const Partition& partition) {
  return Without(partition.replicas, partition.removing_replicas);
}

Result<Decision<admin::v1::AlterPartitionReassignmentsReply>> AlterPartitionReassignments(
    const DecisionContext& context, const admin::v1::AlterPartitionReassignmentsRequest& request) {
  Decision<admin::v1::AlterPartitionReassignmentsReply> decision;
  if (request.throttled_rate() < 0) {
    return Fail(ErrorCode::kInvalidRequest, "throttled_rate is bytes per second, 0 for no limit");
  }
  Mover mover(context, {.allow_factor_change = !request.keep_replication_factor(),
                        .throttled_rate = request.throttled_rate()});
  for (const PartitionReassignment& wanted : request.partitions()) {
    admin::v1::AlteredReassignment* answer = decision.reply.add_partitions();
    answer->set_topic(wanted.topic());
    answer->set_partition(wanted.partition());
    const Status status = mover.Move(wanted);
    if (!status) SetError(status.error(), answer->mutable_error());
  }
  decision.records = mover.TakeRecords();
  WEIR_RETURN_IF_ERROR(CheckBatchSize(decision.records));
  if (request.validate_only()) decision.records.clear();
  return decision;
}

std::optional<PartitionChangeRecord> CompletedMove(const DecisionContext& context,
                                                   const Topic& topic, PartitionIndex index,
                                                   const NodeIdList& isr) {
  const Partition& old = *topic.FindPartition(index);
  if (!IsMoving(old)) return std::nullopt;
  const TopicRules rules = RulesOf(context, topic);
  Partition moving = old;
  moving.isr = isr;
  if (!MayComplete(moving, rules)) return std::nullopt;
  Partition next = Settled(moving);
  if (!ChooseLeader(context.image, old, rules, &next)) return std::nullopt;
  return ToRecord(topic, index, old, next);
}

admin::v1::ListPartitionReassignmentsReply ListPartitionReassignments(
    const MetadataImage& image, const admin::v1::ListPartitionReassignmentsRequest& request) {
  admin::v1::ListPartitionReassignmentsReply reply;
  const std::set<std::string> wanted(request.topics().begin(), request.topics().end());
  for (const auto& [name, id] : image.topic_ids()) {
    if (!wanted.empty() && !wanted.contains(name)) continue;
    for (const auto& [index, partition] : image.FindTopic(id)->partitions) {
      if (!IsMoving(partition)) continue;
      admin::v1::OngoingReassignment* move = reply.add_partitions();
      move->set_topic(name);
      move->set_partition(index.value());
      move->set_leader_id(partition.leader.value());
      FillIds(OriginalReplicas(partition), move->mutable_original_ids());
      FillIds(TargetReplicas(partition), move->mutable_target_ids());
      FillIds(partition.adding_replicas, move->mutable_adding_ids());
      FillIds(partition.removing_replicas, move->mutable_removing_ids());
      FillIds(partition.isr, move->mutable_isr_ids());
      move->set_throttled_rate(partition.throttled_rate);
    }
  }
  return reply;
}

}  // namespace weir::state
