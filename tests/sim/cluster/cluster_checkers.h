// ClusterCheckers: what must be true of the simulated cluster after every event. They look from
// outside and keep a history of their own.
//
//   I-01 in sync holds all committed   checked: each running member of ISR and ELR, when either
//   moves I-02 a leader holds all committed  checked when it begins the newest epoch I-03 logs
//   match                    checked below the high watermark, record by record I-04 metadata logs
//   match           checked: images of controllers at one offset; epochs grow I-05 the leader's ISR
//   is maximal   not seen from outside; I-01 is what it is for I-06 committed is never lost
//   checked, restarts, wiped disks and new leaders included I-07 consistent reads checked at every
//   replica and by consumers I-08 valid ISR and ELR             checked at every metadata change
//   I-09 no fenced member              checked at every metadata change
//   I-10 one fetcher per partition     not seen from outside; what two would store is (I-03)
//   I-11 the leader is in the ISR      checked, and one leader per epoch
//   I-12 liveness                      checked after healing: in sync, writes taken, clients done
//   I-13 high watermark                checked: min.insync.replicas logs hold it (no wiped disks)
//   I-14 joining the ISR               checked against the leader's start and, by I-01, its
//   watermark I-16, I-18, I-43, I-44, J-04, D-24, D-25 as well
//
// Laws:
//  1. What any leader once called committed (below its high watermark) is kept here, record by
//     record. It never changes and is never missing: not at a later leader, not below the high
//     watermark of any replica, not after a restart. A topic with unclean elections is exempt.
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
// What every record carries of the partition it was produced to: "@<topic>.<index>".
std::string TagOfPartition(const log::TopicPartition& id);

// How often rare things happened, so that a run can show that it was worth something (F-49).
struct ClusterProbes {
  uint64_t acked = 0;
  uint64_t refused_not_enough_replicas = 0;
  uint64_t refused_not_leader = 0;
  uint64_t truncations = 0;
  uint64_t divergences = 0;
  // Fetches that were refused for the epoch they named (I-24).
  uint64_t fetches_of_old_epochs = 0;
  uint64_t fetches_of_new_epochs = 0;
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
  uint64_t wipes = 0;
  uint64_t failed_disks = 0;
  uint64_t snapshots_installed = 0;
  // Brokers whose metadata came as a snapshot.
  uint64_t metadata_snapshots = 0;
  uint64_t alter_partition_refused = 0;
  // For its leader epoch, its partition epoch, and for one of its members.
  uint64_t refused_leader_epoch = 0;
  uint64_t refused_partition_epoch = 0;
  uint64_t refused_member = 0;
  uint64_t alter_partition_unanswered = 0;
  // The leader epoch had moved on while the proposal was under way.
  uint64_t leader_changed_in_flight = 0;
  uint64_t unclean_elections = 0;
  uint64_t topics_deleted = 0;
  uint64_t consumed = 0;
  uint64_t follower_reads = 0;
  uint64_t idempotent_acked = 0;
  uint64_t idempotent_retries = 0;
  uint64_t late_calls = 0;
  uint64_t repeated_calls = 0;
  uint64_t late_news = 0;
  uint64_t returned_leaderships = 0;
  uint64_t reassignments = 0;
  uint64_t cancelled_moves = 0;
  uint64_t removed_replicas = 0;
  uint64_t group_generations = 0;
  uint64_t group_assignments = 0;
  uint64_t group_members_turned_away = 0;
  // Members whose session was over.
  uint64_t group_expirations = 0;
  // Controllers that became active while the group had members.
  uint64_t group_failovers = 0;
  // Other leaders of the partition that keeps the group's offsets.
  uint64_t group_offsets_elections = 0;
  // To a group that stayed stable.
  uint64_t group_static_returns = 0;
  // Joins and syncs that waited when their client or its gateway was gone.
  uint64_t group_calls_withdrawn = 0;
  // Of calls about groups that brokers have opened, and batches on them with more than one call.
  uint64_t group_streams = 0;
  uint64_t group_batches_of_several = 0;
  uint64_t group_commits = 0;
  // Commits that came when a newer generation had its assignment.
  uint64_t group_zombie_commits = 0;
  uint64_t group_offset_fetches = 0;
  // Of groups whose members speak the consumer protocol: partitions that a member gave up for
  // another one, members that did not in time, and what they subscribe to.
  uint64_t group_revocations = 0;
  uint64_t group_revocations_expired = 0;
  uint64_t group_subscription_changes = 0;
  // Joins with an instance id that is another process's.
  uint64_t group_instances_in_use = 0;
  // Places of processes that had been killed, taken by others.
  uint64_t group_takeovers = 0;
  uint64_t group_descriptions = 0;
  // Classic groups with members that became consumer groups, and the other way round.
  uint64_t group_upgrades = 0;
  uint64_t group_downgrades = 0;
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

  // A consumer got this record. False: it was not committed there.
  bool OnRead(const log::TopicPartition& partition, Offset offset, uint64_t value);
  // All nodes have the newest metadata, and no broker is fenced (I-12).
  bool MetadataConverged();
  // No broker holds anything of topics that are no more (D-25).
  bool NothingIsLeftOver();
  // When all is in sync: replicas hold the same records below the high watermark (D-24).
  void CompareReplicas();

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

  // Of replicas that were dropped nothing is known any more.
  void ForgetDropped(NodeId broker, const std::vector<replica::PartitionInfo>& held);
  void CheckReplica(SimBroker& broker, const replica::PartitionInfo& info, Seen& seen);
  void CheckReadable(SimBroker& broker, const replica::PartitionInfo& info, Seen& seen);
  bool CheckRecord(const log::TopicPartition& id, std::string_view record);
  void CheckHolders(const replica::PartitionInfo& info);
  void CheckElection(const log::TopicPartition& id, const metadata::Partition& before,
                     const metadata::Partition& after);
  bool IsOffsets(const log::TopicPartition& id) const;
  // Whether the simulated group's offsets are in it.
  bool KeepsOffsetsOfGroup(const log::TopicPartition& id) const;
  bool Lossy(const log::TopicPartition& id) const;
  void CheckInSync(const log::TopicPartition& id);
  void CheckPartition(const log::TopicPartition& id, const metadata::Partition& partition);
  void CountChange(const log::TopicPartition& id, const metadata::Partition& before,
                   const metadata::Partition& after);

  ClusterWorld& world_;
  metadata::MetadataImage newest_;
  std::map<log::TopicPartition, std::vector<uint64_t>> committed_;
  std::map<std::pair<log::TopicPartition, LeaderEpoch>, NodeId> leaders_;
  std::map<SeenKey, Seen> seen_;
  // Where each leader's epoch began in its log.
  std::map<std::pair<log::TopicPartition, LeaderEpoch>, Offset> epoch_starts_;
  // The next record of each idempotent producer, by its name.
  std::map<std::pair<log::TopicPartition, std::string>, int64_t> next_of_producer_;
};

}  // namespace weir::sim
