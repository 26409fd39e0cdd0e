#include "controller/state/elect_leaders.h"

#include <optional>
#include <set>
#include <utility>

#include "common/metadata/topic_config.h"
#include "controller/state/partitions.h"
#include "controller/state/reassignment.h"

namespace weir::state {
namespace {

using admin::v1::ElectLeadersReply;
using admin::v1::ElectLeadersRequest;
using metadata::Partition;
using metadata::Topic;
using metadata::v1::PartitionChangeRecord;

// What decides about the partitions of one topic.
class Elector {
 public:
  explicit Elector(const DecisionContext& context)
      : context_(context),
        outlook_{[&image = context.image](NodeId id) { return image.IsUsableAsLeader(id); },
                 [](NodeId) { return false; }},
        defaults_(metadata::TopicConfigDefaults(
            {context.image, kNoNode, &context.defaults.static_config})) {}

  // The change that the topic's own rules ask for; nullopt when there is none.
  std::optional<PartitionChangeRecord> ByRules(const Topic& topic, PartitionIndex index,
                                               const Partition& partition,
                                               bool allow_unclean = false) const {
    const metadata::TopicConfig config = metadata::OverrideTopicConfig(
        defaults_, context_.image.FindConfigs(metadata::ConfigResource::OfTopic(topic.name)));
    const ElectionRules rules{config.min_insync_replicas,
                              config.unclean_leader_election || allow_unclean};
    return PartitionChangeFor(topic.id, index, partition, rules, outlook_);
  }

  // What the present configuration has come to ask for: the end of a move, a leader, no ELR.
  std::optional<PartitionChangeRecord> Repair(const Topic& topic, PartitionIndex index,
                                              const Partition& partition) const {
    if (auto completed = CompletedMove(context_, topic, index, partition.isr)) return completed;
    const bool rules_may_matter =
        partition.leader == kNoNode || !partition.elr.empty() || !partition.last_known_elr.empty();
    return rules_may_matter ? ByRules(topic, index, partition) : std::nullopt;
  }

  // Whether the first replica could take over from the present leader.
  bool CanReturn(const Partition& partition) const {
    const NodeId preferred = Preferred(partition);
    return partition.leader != kNoNode && partition.leader != preferred &&
           partition.isr.Contains(preferred) &&
           context_.image.IsUsableAsLeader(partition, preferred);
  }

  static NodeId Preferred(const Partition& partition) {
    return partition.replicas.empty() ? kNoNode : *partition.replicas.begin();
  }

  static PartitionChangeRecord Return(const Topic& topic, PartitionIndex index,
                                      const Partition& partition) {
    PartitionChangeRecord record;
    record.set_topic_id(topic.id.ToBytes());
    record.set_partition(index.value());
    record.set_leader(Preferred(partition).value());
    return record;
  }

  Result<PartitionChangeRecord> ElectPreferred(const Topic& topic, PartitionIndex index,
                                               const Partition& partition) const {
    const NodeId preferred = Preferred(partition);
    if (partition.leader == preferred) {
      return Fail(ErrorCode::kElectionNotNeeded,
                  "broker " + ToString(preferred) + ", the preferred replica, leads already");
    }
    if (CanReturn(partition)) return Return(topic, index, partition);
    if (partition.leader == kNoNode) {
      auto record = ByRules(topic, index, partition);
      if (record && record->has_leader() && NodeId(record->leader()) == preferred) {
        return *std::move(record);
      }
    }
    return Fail(ErrorCode::kPreferredLeaderNotAvailable,
                "the preferred replica, broker " + ToString(preferred) +
                    (context_.image.IsUsableAsLeader(partition, preferred) ? ", is not in sync"
                                                                           : ", is not up"));
  }

  Result<PartitionChangeRecord> ElectUnclean(const Topic& topic, PartitionIndex index,
                                             const Partition& partition) const {
    if (partition.leader != kNoNode) {
      return Fail(ErrorCode::kElectionNotNeeded,
                  "broker " + ToString(partition.leader) + " leads the partition");
    }
    auto record = ByRules(topic, index, partition, /*allow_unclean=*/true);
    if (record && record->has_leader()) return *std::move(record);
    return Fail(ErrorCode::kEligibleLeadersNotAvailable, "none of the replicas' brokers is up");
  }

 private:
  const DecisionContext& context_;
  const BrokerOutlook outlook_;
  const metadata::TopicConfig defaults_;
};

// Left free in a batch for its cause and reply.
constexpr size_t kBatchReserveBytes = 1024 * 1024;
// Tag and length of a record in its batch.
constexpr size_t kRecordFrameBytes = 6;

// Whose election rules are changed.
struct RuleChanges {
  bool of_all = false;
  std::set<std::string, std::less<>> topics;
};

RuleChanges RuleChangesIn(const Records& records) {
  RuleChanges changes;
  for (const MetadataRecord& record : records) {
    const metadata::v1::ConfigRecord& config = record.config();
    if (config.key() != "min.insync.replicas" && config.key() != "unclean.leader.election.enable") {
      continue;
    }
    if (config.resource_type() == metadata::v1::CONFIG_RESOURCE_TOPIC) {
      changes.topics.insert(config.resource_name());
    } else if (config.resource_name().empty()) {
      changes.of_all = true;
    }
  }
  return changes;
}

bool IsUnclean(const Partition& before, NodeId leader) {
  return leader != kNoNode && !before.isr.Contains(leader) && !before.elr.Contains(leader);
}

// One ElectLeaders request in the making.
class ElectionRound {
 public:
  ElectionRound(const DecisionContext& context, const ElectLeadersRequest& request)
      : image_(context.image), request_(request), elector_(context) {}

  void ElectAll() {
    for (const auto& [name, id] : image_.topic_ids()) ElectTopic(*image_.FindTopic(id));
  }

  void ElectNamed() {
    for (const admin::v1::TopicPartitions& named : request_.topics()) {
      const Topic* topic = image_.FindTopic(named.topic());
      if (topic != nullptr && named.partitions().empty()) ElectTopic(*topic);
      for (const int32_t number : named.partitions()) {
        const Status status = ElectOne(named.topic(), topic, PartitionIndex(number));
        if (!status) Refuse(named.topic(), PartitionIndex(number), status.error());
      }
      if (topic == nullptr && named.partitions().empty()) {
        Refuse(named.topic(), PartitionIndex(-1), NoSuchTopic(named.topic()));
      }
    }
  }

  Decision<ElectLeadersReply> Take() {
    if (request_.validate_only()) decision_.records.clear();
    return std::move(decision_);
  }

 private:
  static Error NoSuchTopic(const std::string& name) {
    return {ErrorCode::kUnknownTopicOrPartition, "topic '" + name + "' does not exist"};
  }

  // Of partitions that nobody named, those that need nothing are passed over.
  void ElectTopic(const Topic& topic) {
    for (const auto& [index, partition] : topic.partitions) {
      const Status status = ElectOne(topic.name, &topic, index);
      if (status || status.error().code == ErrorCode::kElectionNotNeeded) continue;
      const bool full = static_cast<size_t>(decision_.reply.partitions_size()) >=
                        limits::kPartitionsPerRequestMax;
      if (full || status.error().code == ErrorCode::kThrottlingQuotaExceeded) {
        decision_.reply.set_remaining(decision_.reply.remaining() + 1);
        continue;
      }
      Refuse(topic.name, index, status.error());
    }
  }

  Status ElectOne(const std::string& name, const Topic* topic, PartitionIndex index) {
    const Partition* partition = topic == nullptr ? nullptr : topic->FindPartition(index);
    if (topic == nullptr) return tl::unexpected<Error>(NoSuchTopic(name));
    if (partition == nullptr) {
      return Fail(ErrorCode::kUnknownTopicOrPartition,
                  "topic '" + name + "' has no partition " + ToString(index));
    }
    const bool preferred = request_.kind() == admin::v1::ELECTION_KIND_PREFERRED;
    WEIR_ASSIGN_OR_RETURN(PartitionChangeRecord record,
                          preferred ? elector_.ElectPreferred(*topic, index, *partition)
                                    : elector_.ElectUnclean(*topic, index, *partition));
    if (!seen_.emplace(topic->id, index).second) {
      return Fail(ErrorCode::kInvalidRequest, "the partition is in the request twice");
    }
    if (decision_.records.size() >= limits::kPartitionsPerRequestMax) {
      return Fail(ErrorCode::kThrottlingQuotaExceeded,
                  "one request changes " + std::to_string(limits::kPartitionsPerRequestMax) +
                      " partitions at most; repeat it for the others");
    }
    admin::v1::PartitionElection* result = AddResult(name, index);
    result->set_leader_id(record.leader());
    result->set_unclean(IsUnclean(*partition, NodeId(record.leader())));
    *decision_.records.emplace_back().mutable_partition_change() = std::move(record);
    return {};
  }

  void Refuse(const std::string& name, PartitionIndex index, const Error& error) {
    admin::v1::PartitionElection* result = AddResult(name, index);
    result->set_leader_id(kNoNode.value());
    SetError(error, result->mutable_error());
  }

  admin::v1::PartitionElection* AddResult(const std::string& name, PartitionIndex index) {
    admin::v1::PartitionElection* result = decision_.reply.add_partitions();
    result->set_topic(name);
    result->set_partition(index.value());
    return result;
  }

  const MetadataImage& image_;
  const ElectLeadersRequest& request_;
  const Elector elector_;
  std::set<std::pair<Uuid, PartitionIndex>> seen_;
  Decision<ElectLeadersReply> decision_;
};

}  // namespace

Result<Decision<ElectLeadersReply>> ElectLeaders(const DecisionContext& context,
                                                 const ElectLeadersRequest& request) {
  if (!admin::v1::ElectionKind_IsValid(request.kind())) {
    return Fail(ErrorCode::kInvalidRequest,
                "unknown kind of election: " + std::to_string(static_cast<int>(request.kind())));
  }
  ElectionRound round(context, request);
  if (request.topics().empty()) {
    round.ElectAll();
  } else {
    round.ElectNamed();
  }
  Decision<ElectLeadersReply> decision = round.Take();
  WEIR_RETURN_IF_ERROR(CheckBatchSize(decision.records));
  return decision;
}

void AppendChangesForConfigs(const DecisionContext& context, Records* records) {
  const RuleChanges changes = RuleChangesIn(*records);
  if (!changes.of_all && changes.topics.empty()) return;
  const MetadataImage changed = Preview(context.image, *records);
  const DecisionContext after{changed, context.now, context.prng, context.defaults};
  const Elector elector(after);
  size_t bytes = kBatchReserveBytes;
  for (const MetadataRecord& record : *records) bytes += record.ByteSizeLong() + kRecordFrameBytes;
  for (const auto& [id, topic] : changed.topics()) {
    if (!changes.of_all && !changes.topics.contains(topic.name)) continue;
    for (const auto& [index, partition] : topic.partitions) {
      auto record = elector.Repair(topic, index, partition);
      if (!record) continue;
      bytes += record->ByteSizeLong() + 2 * kRecordFrameBytes;
      if (bytes > limits::kMetadataBatchBytesMax) return;
      *records->emplace_back().mutable_partition_change() = *std::move(record);
    }
  }
}

Decision<BalanceOutcome> BalanceLeaders(const DecisionContext& context,
                                        const MayTakeBack& may_take_back, size_t changes_max) {
  Decision<BalanceOutcome> decision;
  const Elector elector(context);
  for (const auto& [id, topic] : context.image.topics()) {
    for (const auto& [index, partition] : topic.partitions) {
      auto record = elector.Repair(topic, index, partition);
      const bool repairs = record.has_value();
      if (!repairs && elector.CanReturn(partition) &&
          may_take_back(Elector::Preferred(partition), id, index)) {
        record = Elector::Return(topic, index, partition);
      }
      if (!record) continue;
      if (decision.records.size() >= changes_max) {
        decision.reply.more = true;
        return decision;
      }
      ++(repairs ? decision.reply.repaired : decision.reply.returned);
      *decision.records.emplace_back().mutable_partition_change() = *std::move(record);
    }
  }
  return decision;
}

std::vector<UncleanElection> UncleanElectionsIn(const MetadataImage& before,
                                                const Records& records) {
  std::vector<UncleanElection> found;
  for (const MetadataRecord& record : records) {
    if (!record.has_partition_change() || !record.partition_change().has_leader()) continue;
    const PartitionChangeRecord& change = record.partition_change();
    const Result<Uuid> id = Uuid::FromBytes(change.topic_id());
    const Topic* topic = id ? before.FindTopic(*id) : nullptr;
    if (topic == nullptr) continue;
    const PartitionIndex index(change.partition());
    const Partition* partition = topic->FindPartition(index);
    const NodeId leader(change.leader());
    if (partition == nullptr || !IsUnclean(*partition, leader)) continue;
    found.push_back({topic->name, index, leader});
  }
  return found;
}

}  // namespace weir::state
