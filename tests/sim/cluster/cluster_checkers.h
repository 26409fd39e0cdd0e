// ClusterCheckers: what must be true of the simulated cluster after every event (RELIABILITY
// I-01..I-16, I-43). They look from outside and keep a history of their own.
//
// Laws:
//  1. What any leader once called committed (below its high watermark) is kept here, record by
//     record. It never changes and is never missing: not at a later leader, not below the high
//     watermark of any replica, not after a restart.
//  2. The first violation is kept, with its requirement number; the run ends there.
// Thread rule: one thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "broker/log/topic_partition.h"
#include "broker/replica/operations.h"
#include "common/metadata/image.h"

namespace weir::sim {

class ClusterWorld;
class SimBroker;

uint64_t MixClusterHash(uint64_t hash, uint64_t word);
uint64_t HashOfText(std::string_view text);

// How often rare things happened, so that a run can show that it was worth something (F-49).
struct ClusterProbes {
  uint64_t acked = 0;
  uint64_t refused_not_enough_replicas = 0;
  uint64_t refused_not_leader = 0;
  uint64_t truncations = 0;
  uint64_t divergences = 0;
  uint64_t isr_shrinks = 0;
  uint64_t isr_expansions = 0;
  uint64_t elections = 0;
  uint64_t elr_elections = 0;
  uint64_t leaderless = 0;
  uint64_t fencings = 0;
  uint64_t controller_changes = 0;
  uint64_t kills = 0;
  uint64_t power_cuts = 0;
  uint64_t clean_restarts = 0;
  uint64_t snapshots_installed = 0;
  uint64_t alter_partition_refused = 0;
  uint64_t alter_partition_unanswered = 0;
  // The leader epoch had moved on while the proposal was under way.
  uint64_t leader_changed_in_flight = 0;
};

class ClusterCheckers {
 public:
  explicit ClusterCheckers(ClusterWorld& world) : world_(world) {}

  // A task of the broker's shard has run.
  void AfterTask(SimBroker& broker);
  // A controller has committed up to this image.
  void OnMetadata(const metadata::MetadataImage& image);
  // A producer got a success: these values, by hash, from `base` on.
  void OnAcked(const log::TopicPartition& partition, Offset base,
               const std::vector<uint64_t>& values);

  const metadata::MetadataImage& newest() const { return newest_; }
  size_t committed_count(const log::TopicPartition& partition) {
    return committed_[partition].size();
  }
  // Whether all replicas of all partitions that are open are equal in length, and all of it is
  // committed there.
  bool ReplicasAreEqual();
  std::string Describe() const;

 private:
  struct Seen {
    uint64_t life = 0;
    LeaderEpoch led_epoch{-1};
    Offset high_watermark{0};
    Offset log_end{0};
  };
  using SeenKey = std::pair<NodeId, log::TopicPartition>;

  void CheckReplica(SimBroker& broker, const replica::PartitionInfo& info, Seen& seen);
  void CheckReadable(SimBroker& broker, const replica::PartitionInfo& info, Seen& seen);
  void CheckInSync(const log::TopicPartition& id);
  void CheckPartition(const log::TopicPartition& id, const metadata::Partition& partition);
  void CountChange(const metadata::Partition& before, const metadata::Partition& after);

  ClusterWorld& world_;
  metadata::MetadataImage newest_;
  std::map<log::TopicPartition, std::vector<uint64_t>> committed_;
  std::map<std::pair<log::TopicPartition, LeaderEpoch>, NodeId> leaders_;
  std::map<SeenKey, Seen> seen_;
};

}  // namespace weir::sim
