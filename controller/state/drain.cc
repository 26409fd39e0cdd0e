#include "controller/state/drain.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

#include "common/metadata/topic_config.h"
#include "controller/state/placement.h"
#include "controller/state/reassignment.h"

namespace weir::state {
namespace {

using metadata::NodeIdList;
using metadata::Partition;

constexpr int kExamplesMax = 10;

Status NotRegistered(NodeId id) {
  return Fail(ErrorCode::kBrokerIdNotRegistered, "broker " + ToString(id) + " is not registered");
}

size_t MinIsr(const MetadataImage& image, const Defaults& defaults, const metadata::Topic& topic) {
  const metadata::TopicConfig config =
      metadata::EffectiveTopicConfig({image, kNoNode, &defaults.static_config}, topic.name);
  return static_cast<size_t>(std::max(config.min_insync_replicas, 1));
}

void FillIds(const NodeIdList& ids, google::protobuf::RepeatedField<int32_t>* out) {
  for (const NodeId id : ids) out->Add(id.value());
}

class DrainPlanner {
 public:
  DrainPlanner(const MetadataImage& image, NodeId leaving) : image_(image), leaving_(leaving) {
    const Placement placement = Placement::Of(image);
    for (const PlacementBroker& broker : placement.brokers()) {
      if (broker.id != leaving) brokers_.push_back(broker);
    }
  }

  // What the partition's replicas become; nullopt when no broker is left to take the place.
  std::optional<NodeIdList> TargetOf(const Partition& partition) {
    const NodeIdList wanted = TargetReplicas(partition);
    PlacementBroker* taker = Taker(wanted);
    if (taker == nullptr) return std::nullopt;
    ++taker->replica_count;
    if (wanted.front() == leaving_) ++taker->leader_count;
    NodeIdList target;
    for (const NodeId id : wanted) target.Add(id == leaving_ ? taker->id : id);
    return target;
  }

 private:
  PlacementBroker* Taker(const NodeIdList& replicas) {
    const auto cost = [&](const PlacementBroker& broker) {
      return std::tuple(RackIsUsed(broker.rack, replicas), broker.replica_count,
                        broker.leader_count, broker.id);
    };
    PlacementBroker* best = nullptr;
    for (PlacementBroker& broker : brokers_) {
      if (replicas.Contains(broker.id)) continue;
      if (best == nullptr || cost(broker) < cost(*best)) best = &broker;
    }
    return best;
  }
  bool RackIsUsed(const std::string& rack, const NodeIdList& replicas) const {
    if (rack.empty()) return false;
    return std::any_of(replicas.begin(), replicas.end(), [&](NodeId id) {
      const metadata::Broker* broker = id == leaving_ ? nullptr : image_.FindBroker(id);
      return broker != nullptr && broker->rack == rack;
    });
  }

  const MetadataImage& image_;
  const NodeId leaving_;
  std::vector<PlacementBroker> brokers_;
};

// The partition as if the broker had stopped: who leads, how many are in sync.
struct Without {
  bool has_leader = false;
  size_t in_sync = 0;
};
Without AfterStopping(const MetadataImage& image, const Partition& partition, NodeId broker) {
  Without after;
  for (const NodeId id : partition.isr) {
    if (id == broker || !image.IsUsableAsLeader(partition, id)) continue;
    after.has_leader = true;
    ++after.in_sync;
  }
  for (const NodeId id : partition.elr) {
    after.has_leader = after.has_leader || (id != broker && image.IsUsableAsLeader(partition, id));
  }
  return after;
}

void AddExample(const metadata::Topic& topic, PartitionIndex index, const char* problem,
                admin::v1::CanStopBrokerReply* reply) {
  if (reply->examples_size() == kExamplesMax) return;
  admin::v1::AffectedPartition* example = reply->add_examples();
  example->set_topic(topic.name);
  example->set_partition(index.value());
  example->set_problem(problem);
}

std::string ReasonOf(const metadata::Broker& broker, const admin::v1::CanStopBrokerReply& reply) {
  const std::string name = "broker " + ToString(broker.id);
  if (!broker.live()) return name + " is not running";
  if (reply.can_stop()) return "every partition keeps a leader and min.insync.replicas without it";
  std::string reason;
  if (reply.unavailable_count() > 0) {
    reason = std::to_string(reply.unavailable_count()) + " partitions would have no leader";
  }
  if (reply.below_min_isr_count() > 0) {
    reason += (reason.empty() ? "" : ", ") + std::to_string(reply.below_min_isr_count()) +
              " partitions would refuse acks=all writes (min.insync.replicas)";
  }
  const admin::v1::AffectedPartition& first = reply.examples(0);
  return reason + "; one is " + first.topic() + "-" + std::to_string(first.partition());
}

}  // namespace

Result<admin::v1::PlanBrokerDrainReply> PlanBrokerDrain(
    const MetadataImage& image, const Defaults& defaults,
    const admin::v1::PlanBrokerDrainRequest& request) {
  const NodeId leaving(request.broker_id());
  if (image.FindBroker(leaving) == nullptr) WEIR_RETURN_IF_ERROR(NotRegistered(leaving));
  admin::v1::PlanBrokerDrainReply reply;
  DrainPlanner planner(image, leaving);
  for (const auto& [name, topic_id] : image.topic_ids()) {
    const metadata::Topic& topic = *image.FindTopic(topic_id);
    std::optional<size_t> min_isr;
    for (const auto& [index, partition] : topic.partitions) {
      if (!TargetReplicas(partition).Contains(leaving)) continue;
      if (!min_isr) min_isr = MinIsr(image, defaults, topic);
      const auto target = planner.TargetOf(partition);
      if (!target) {
        admin::v1::StuckReplica* stuck = reply.add_stuck();
        stuck->set_topic(name);
        stuck->set_partition(index.value());
        stuck->set_reason(
            "every other running broker has a replica already: add a broker, or move "
            "the partition to fewer replicas");
        continue;
      }
      admin::v1::PlannedMove* move = reply.add_moves();
      move->set_topic(name);
      move->set_partition(index.value());
      move->set_leader_id(partition.leader.value());
      FillIds(OriginalReplicas(partition), move->mutable_original_ids());
      FillIds(*target, move->mutable_target_ids());
      FillIds(partition.isr, move->mutable_isr_ids());
      move->set_source_id(partition.leader.value());
      move->set_at_min_isr(partition.isr.size() <= std::min(*min_isr, partition.replicas.size()));
    }
  }
  return reply;
}

Result<admin::v1::CanStopBrokerReply> CanStopBroker(
    const MetadataImage& image, const Defaults& defaults,
    const admin::v1::CanStopBrokerRequest& request) {
  const NodeId id(request.broker_id());
  const metadata::Broker* broker = image.FindBroker(id);
  if (broker == nullptr) WEIR_RETURN_IF_ERROR(NotRegistered(id));
  admin::v1::CanStopBrokerReply reply;
  for (const auto& [topic_id, topic] : image.topics()) {
    std::optional<size_t> min_isr;
    for (const auto& [index, partition] : topic.partitions) {
      // Whoever is not in sync holds nothing up by going.
      if (!partition.isr.Contains(id)) continue;
      const Without after = AfterStopping(image, partition, id);
      if (!after.has_leader) {
        reply.set_unavailable_count(reply.unavailable_count() + 1);
        AddExample(topic, index, "without leader", &reply);
        continue;
      }
      if (!min_isr) min_isr = MinIsr(image, defaults, topic);
      const size_t enough = std::min(*min_isr, partition.replicas.size());
      if (after.in_sync >= enough || partition.isr.size() < enough) continue;
      reply.set_below_min_isr_count(reply.below_min_isr_count() + 1);
      AddExample(topic, index, "below min.insync.replicas", &reply);
    }
  }
  reply.set_can_stop(reply.unavailable_count() == 0 && reply.below_min_isr_count() == 0);
  reply.set_reason(ReasonOf(*broker, reply));
  return reply;
}

}  // namespace weir::state
