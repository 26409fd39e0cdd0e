// PartitionTable's damaged replicas: what cannot be read is given up and fetched anew (D-17, D-18).
//
//   sound --a stored batch fails its checksum--> damaged --the controller agrees, and the metadata
//   shows the replica in no list--> thrown away, follows from empty --I-14--> in sync again
//
// The controller agrees only while another replica is in sync and leads; it raises the leader
// epoch. A damaged replica has stopped fetching, so nothing that it ever acknowledged counts in
// that epoch: it cannot be taken back into the ISR before it has fetched everything again.
//
// A replica whose data directory is lost goes the same way, but is offline meanwhile: nobody may
// elect it, and what has no other replica in sync stays offline rather than begin empty.
#include <algorithm>
#include <utility>

#include "broker/replica/partition_table.h"
#include "common/runtime/log.h"

namespace weir::replica {

void PartitionTable::OnReadFailed(const TopicPartition& partition, Offset offset,
                                  const Error& error) {
  LogError("replica", "stored batches cannot be read",
           {{"partition", partition.ToString()}, {"offset", offset}, {"error", error.message}});
  if (error.code != ErrorCode::kCorruptMessage || damaged_.contains(partition)) return;
  // Whoever reads holds the replica.
  executor_.Post([this, partition] {
    if (!replicas_.contains(partition) || damaged_.contains(partition)) return;
    OnDamaged(partition, std::nullopt);
    if (port_ != nullptr) port_->Unfollow({partition});
  });
}

void PartitionTable::OnDamaged(const TopicPartition& partition,
                               std::optional<Assignment> assignment) {
  LogError("replica", "replica damaged: it is given up as soon as another one is in sync",
           {{"partition", partition.ToString()}});
  Damage& damage = damaged_[partition];
  damage.assignment = std::move(assignment);
  AskToGiveUp(partition, damage);
  if (give_up_at_ != MonoTime::max()) return;
  give_up_at_ = executor_.Now() + kGiveUpInterval;
  ArmTimer();
}

void PartitionTable::OnLost(const std::vector<Assignment>& assignments) {
  LogWarn(
      "replica", "replicas were in a lost data directory: they are fetched anew",
      {{"partitions", assignments.size()}, {"first", assignments.front().partition.ToString()}});
  for (const Assignment& assignment : assignments) {
    Damage& damage = damaged_[assignment.partition];
    damage.assignment = assignment;
    damage.lost = true;
    if (assignment.replicas.size() <= 1) OnRefused(assignment.partition, damage);
  }
  if (give_up_at_ != MonoTime::max()) return;
  give_up_at_ = executor_.Now() + kGiveUpInterval;
  ArmTimer();
}

void PartitionTable::OnRefused(const TopicPartition& partition, Damage& damage) {
  if (!damage.lost || std::exchange(damage.refused, true)) return;
  LogError("replica", "lost replica stays offline: no other one is in sync",
           {{"partition", partition.ToString()}});
}

void PartitionTable::AskToGiveUp(const TopicPartition& partition, const Damage& damage) {
  if (port_ == nullptr || damage.given_up_in >= LeaderEpoch(0)) return;
  const auto open = replicas_.find(partition);
  const bool replicated = open != replicas_.end() ? open->second->partition.replicated()
                                                  : damage.assignment->replicas.size() > 1;
  if (replicated) port_->GiveUp(partition);
}

void PartitionTable::AskAgainToGiveUp() {
  give_up_at_ = damaged_.empty() ? MonoTime::max() : executor_.Now() + kGiveUpInterval;
  for (const auto& [partition, damage] : damaged_) AskToGiveUp(partition, damage);
}

void PartitionTable::OnGivenUp(const TopicPartition& partition, const GivenUpAnswer& answer) {
  const auto found = damaged_.find(partition);
  if (found == damaged_.end()) return;
  if (answer.error == ErrorCode::kIneligibleReplica) OnRefused(partition, found->second);
  if (answer.error != ErrorCode::kNone) return;
  found->second.given_up_in = answer.leader_epoch;
  if (!MayBeginAnew(found->second)) return;
  const Assignment assignment = *found->second.assignment;
  BeginAnew(partition);
  const auto anew = replicas_.find(partition);
  if (anew != replicas_.end()) Follow(*anew->second, assignment);
  SendFollows();
}

void PartitionTable::Reconsider(const std::vector<Assignment>& assignments) {
  if (damaged_.empty()) return;
  for (const Assignment& assignment : assignments) {
    const auto found = damaged_.find(assignment.partition);
    if (found == damaged_.end()) continue;
    Damage& damage = found->second;
    damage.assignment = assignment;
    if (MayBeginAnew(damage)) {
      BeginAnew(assignment.partition);
    } else if (assignment.leader_epoch >= damage.given_up_in) {
      // It was taken back, as an unclean election may do: what was agreed holds no longer.
      damage.given_up_in = kNoLeaderEpoch;
    }
  }
}

bool PartitionTable::MayBeginAnew(const Damage& damage) const {
  if (!damage.assignment) return false;
  const Assignment& news = *damage.assignment;
  if (damage.lost && !news.relied_on) return true;
  if (damage.given_up_in < LeaderEpoch(0)) return false;
  const bool in_sync = std::find(news.isr.begin(), news.isr.end(), node_id_) != news.isr.end();
  return news.leader_epoch >= damage.given_up_in && news.leader != node_id_ && !in_sync;
}

void PartitionTable::BeginAnew(const TopicPartition& partition) {
  Assignment assignment = *damaged_.at(partition).assignment;
  // It was here, and so is nowhere else.
  assignment.is_new = true;
  LogWarn("replica",
          damaged_.at(partition).lost ? "lost replica begins anew"
                                      : "damaged replica thrown away, to be fetched anew",
          {{"partition", partition.ToString()},
           {"leader", assignment.leader},
           {"leader_epoch", assignment.leader_epoch}});
  Drop({partition});
  OpenAll({assignment});
}

}  // namespace weir::replica
