// PartitionTable's failed directories: what is stored there cannot be reached any more in this life
// of the broker (D-13; Kafka's KIP-112, KIP-858).
//
//   online --directory fails--> offline --told--> out of the ISR, another one leads
//   next life, the directory is back: online --told--> catches up, in sync again
//
// The controller is told until it agrees with what is so here, whatever the metadata said before.
#include <utility>

#include "broker/replica/partition_table.h"
#include "common/runtime/log.h"

namespace weir::replica {

void PartitionTable::OnDirectoryFailed(uint32_t directory) {
  std::vector<std::unique_ptr<Replica>> lost;
  std::vector<TopicPartition> names;
  for (auto at = replicas_.begin(); at != replicas_.end();) {
    if (at->second->log->directory() != directory) {
      ++at;
      continue;
    }
    by_handle_.erase(at->second->log->handle());
    names.push_back(at->first);
    lost.push_back(std::move(at->second));
    at = replicas_.erase(at);
  }
  for (const TopicPartition& partition : names) {
    damaged_.erase(partition);
    offline_.insert_or_assign(partition,
                              Error{ErrorCode::kKafkaStorageError, "its data directory failed"});
    TellStorage(partition);
  }
  if (port_ != nullptr) port_->Unfollow(names);
  // Whoever waits looks again, and learns that the replica is offline.
  for (const std::unique_ptr<Replica>& replica : lost) {
    const log::PartitionHandle handle = replica->log->handle();
    persisted_waits_.OnGone(handle);
    visible_waits_.OnGone(handle);
    log_end_waits_.OnGone(handle);
  }
}

void PartitionTable::CompareStorage(const std::vector<Assignment>& assignments) {
  for (const Assignment& assignment : assignments) {
    // A damaged one is given up, which says more; a lost one is offline besides.
    const bool offline = IsOffline(assignment.partition);
    if (offline == assignment.marked_offline) {
      untold_storage_.erase(assignment.partition);
    } else if (!untold_storage_.contains(assignment.partition)) {
      TellStorage(assignment.partition);
    }
  }
}

bool PartitionTable::IsOffline(const TopicPartition& partition) const {
  if (!offline_.contains(partition)) return false;
  const auto damaged = damaged_.find(partition);
  return damaged == damaged_.end() || damaged->second.lost;
}

void PartitionTable::TellStorage(const TopicPartition& partition) {
  if (port_ == nullptr) return;
  untold_storage_.insert(partition);
  port_->TellStorage(partition, IsOffline(partition));
  if (storage_at_ != MonoTime::max()) return;
  storage_at_ = executor_.Now() + kTellStorageInterval;
  ArmTimer();
}

void PartitionTable::TellStorageAgain() {
  storage_at_ = untold_storage_.empty() ? MonoTime::max() : executor_.Now() + kTellStorageInterval;
  for (const TopicPartition& partition : untold_storage_) {
    port_->TellStorage(partition, IsOffline(partition));
  }
}

void PartitionTable::OnStorageAnswer(const TopicPartition& partition, bool offline,
                                     ErrorCode error) {
  if (offline != IsOffline(partition)) return;
  const bool not_ours_to_say = error == ErrorCode::kInvalidRequest ||
                               error == ErrorCode::kUnknownTopicId ||
                               error == ErrorCode::kUnknownTopicOrPartition;
  if (error == ErrorCode::kNone || not_ours_to_say) untold_storage_.erase(partition);
  // A lost one is given up once nobody can elect it any more.
  const auto lost = damaged_.find(partition);
  if (offline && lost != damaged_.end()) AskToGiveUp(partition, lost->second);
}

}  // namespace weir::replica
