#include "broker/replica/partition_table.h"

#include <algorithm>
#include <string>
#include <utility>

#include "common/base/check.h"
#include "common/runtime/log.h"

namespace weir::replica {

PartitionTable::PartitionTable(NodeId node_id, log::LogDirectories directories, Executor& executor,
                               size_t tail_cache_bytes)
    : node_id_(node_id),
      directories_(std::move(directories)),
      executor_(executor),
      cache_(tail_cache_bytes) {
  for (uint32_t directory = 0; directory < directories_.size(); ++directory) {
    writer_shards_.push_back(directories_.at(directory).writer().AddShard(
        executor, [this, directory](const std::vector<log::Persisted>& persisted) {
          OnPersisted(directory, persisted);
        }));
  }
}

Result<PartitionTable::Replica*> PartitionTable::Find(const TopicPartition& id) const {
  const auto found = replicas_.find(id);
  if (found != replicas_.end()) return found->second.get();
  const auto offline = offline_.find(id);
  if (offline != offline_.end()) {
    return Fail(ErrorCode::kKafkaStorageError, offline->second.message);
  }
  return Fail(ErrorCode::kNotLeaderOrFollower, "this broker has no replica of " + id.ToString());
}

Result<PartitionTable::Replica*> PartitionTable::FindServing(const TopicPartition& id,
                                                             LeaderEpoch current) const {
  WEIR_ASSIGN_OR_RETURN(Replica * replica, Find(id));
  const ErrorCode error = replica->partition.CheckServing(current);
  if (error == ErrorCode::kNone) return replica;
  return Fail(error,
              id.ToString() + " is led in epoch " + ToString(replica->partition.leader_epoch()));
}

// ---- What the reconciler wants --------------------------------------------------------

void PartitionTable::Assign(std::vector<Assignment> assignments) {
  OpenAll(assignments);
  Reconsider(assignments);
  for (const Assignment& assignment : assignments) {
    const auto found = replicas_.find(assignment.partition);
    if (found != replicas_.end()) Follow(*found->second, assignment);
  }
  CompareStorage(assignments);
  SendFollows();
}

void PartitionTable::OpenAll(const std::vector<Assignment>& assignments) {
  std::vector<const Assignment*> missing;
  std::vector<log::WantedPartition> wanted;
  for (const Assignment& assignment : assignments) {
    if (Find(assignment.partition) ||
        Find(assignment.partition).error().code == ErrorCode::kKafkaStorageError) {
      continue;
    }
    missing.push_back(&assignment);
    wanted.push_back(
        {assignment.partition, assignment.config->family, assignment.is_new, assignment.relied_on});
  }
  if (missing.empty()) return;
  replicas_.reserve(replicas_.size() + missing.size());
  by_handle_.reserve(by_handle_.size() + missing.size());
  std::vector<Result<log::StoredPartition>> stored = directories_.OpenOrCreate(wanted);
  std::vector<Assignment> lost;
  for (size_t i = 0; i < missing.size(); ++i) {
    if (stored[i]) {
      OpenOne(*missing[i], *std::move(stored[i]));
      continue;
    }
    offline_.emplace(missing[i]->partition,
                     Error{ErrorCode::kKafkaStorageError, stored[i].error().message});
    if (stored[i].error().code == ErrorCode::kLogDirNotFound) lost.push_back(*missing[i]);
  }
  if (!lost.empty()) OnLost(lost);
}

void PartitionTable::OpenOne(const Assignment& assignment, log::StoredPartition stored) {
  KvStore& kv = directories_.at(stored.directory).kv();
  auto log = log::PartitionLog::Open(kv, cache_, std::move(stored), assignment.config,
                                     executor_.WallNow());
  if (!log) {
    LogError("replica", "partition is offline",
             {{"partition", assignment.partition.ToString()}, {"error", log.error().message}});
    offline_.emplace(assignment.partition, log.error());
    if (log.error().code == ErrorCode::kCorruptMessage) OnDamaged(assignment.partition, assignment);
    return;
  }
  Partition partition(node_id_, (*log)->log_start_offset(), (*log)->persisted_end_offset());
  auto replica = std::make_unique<Replica>(
      Replica{assignment.partition, std::move(partition), *std::move(log), {}});
  by_handle_[replica->log->handle()] = replica.get();
  if (replica->log->dirty()) MarkDirty(*replica);
  replicas_[assignment.partition] = std::move(replica);
}

void PartitionTable::Follow(Replica& replica, const Assignment& assignment) {
  replica.log->set_config(assignment.config);
  replica.partition.set_min_insync_replicas(assignment.config->min_insync_replicas);
  replica.throttle = assignment.throttle;
  LeaderAndIsr news{assignment.leader, assignment.leader_epoch, assignment.partition_epoch,
                    assignment.replicas, assignment.isr};
  Obey(replica, replica.partition.OnLeaderChange(std::move(news), executor_.Now()));
  if (!assignment.log_end_wanted) {
    log_end_wanted_.erase(replica.id);
  } else if (log_end_wanted_.insert(replica.id).second) {
    ReportLogEnd(replica);
  }
  if (replica.partition.leading() && replica.partition.replicated() &&
      isr_check_at_ == MonoTime::max()) {
    isr_check_at_ = executor_.Now() + lag_max_ / 4;
    ArmTimer();
  }
}

void PartitionTable::Obey(Replica& replica, Partition::Actions actions) {
  if (actions.stopped_leading) {
    persisted_waits_.OnGone(replica.log->handle());
    visible_waits_.OnGone(replica.log->handle());
    log_end_waits_.OnGone(replica.log->handle());
  }
  if (actions.leader_to_follow_changed) FollowLeader(replica);
  if (actions.began_leading) replica.log->BeginEpoch(replica.partition.leader_epoch());
  // Before anything is woken: a wake-up may drop the partition.
  if (actions.propose && port_ != nullptr) {
    port_->ProposeIsr(replica.id, *std::move(actions.propose));
  }
  if (actions.high_watermark_moved) OnHighWatermark(replica);
}

void PartitionTable::OnHighWatermark(Replica& replica) {
  const Offset high_watermark = replica.partition.high_watermark();
  int64_t bytes = 0;
  auto visible = replica.in_flight.begin();
  for (; visible != replica.in_flight.end() && visible->end_offset <= high_watermark; ++visible) {
    bytes += visible->bytes;
  }
  replica.in_flight.erase(replica.in_flight.begin(), visible);
  // Before anyone is told that it was committed.
  if (replica.log->committed_offsets() != nullptr) AdvanceOffsets(replica);
  const log::PartitionHandle handle = replica.log->handle();
  if (log_end_waits_.size() > 0) {
    log_end_waits_.Hasten(handle, executor_.Now(), kHighWatermarkPause,
                          kHighWatermarkPausePerPartition);
    ArmTimer();
  }
  visible_waits_.OnMoved(handle, high_watermark, bytes);
}

void PartitionTable::Drop(const std::vector<TopicPartition>& partitions) {
  for (const TopicPartition& partition : partitions) {
    offline_.erase(partition);
    damaged_.erase(partition);
    untold_storage_.erase(partition);
    log_end_wanted_.erase(partition);
    const auto found = replicas_.find(partition);
    if (found == replicas_.end()) continue;
    const std::unique_ptr<Replica> replica = std::move(found->second);
    const log::PartitionHandle id = replica->log->handle();
    replicas_.erase(found);
    by_handle_.erase(id);
    persisted_waits_.OnGone(id);
    visible_waits_.OnGone(id);
    log_end_waits_.OnGone(id);
  }
  if (port_ != nullptr) port_->Unfollow(partitions);
  directories_.Delete(partitions);
}

void PartitionTable::Write(Writes writes) {
  for (size_t directory = 0; directory < writes.size(); ++directory) {
    directories_.at(directory).writer().Append(writer_shards_[directory],
                                               std::move(writes[directory]));
  }
}

void PartitionTable::OnPersisted(uint32_t directory, const std::vector<log::Persisted>& persisted) {
  for (const log::Persisted& news : persisted) {
    const log::PartitionHandle handle = log::MakeHandle(directory, news.partition);
    const auto found = by_handle_.find(handle);
    if (found == by_handle_.end()) continue;  // dropped meanwhile
    Replica& replica = *found->second;
    replica.log->OnPersisted(news.end_offset);
    const Partition::Actions actions = replica.partition.OnPersisted(news.end_offset);
    if (replica.follow_when_persisted) FollowLeader(replica);
    persisted_waits_.OnMoved(handle, news.end_offset, 0);
    // A wake-up may have dropped the partition.
    if (actions.high_watermark_moved && by_handle_.contains(handle)) {
      OnHighWatermark(replica);
    }
  }
  SendFollows();
}

std::vector<PartitionInfo> PartitionTable::Describe() const {
  std::vector<PartitionInfo> infos;
  infos.reserve(replicas_.size());
  for (const auto& [id, replica] : replicas_) {
    infos.push_back({.partition = id,
                     .leading = replica->partition.leading(),
                     .leader_epoch = replica->partition.leader_epoch(),
                     .log_start_offset = replica->log->log_start_offset(),
                     .high_watermark = replica->partition.high_watermark(),
                     .log_end_offset = replica->log->log_end_offset(),
                     .bytes = replica->log->bytes(),
                     .directory = replica->log->directory()});
  }
  return infos;
}

// ---- Timer and checkpoints ------------------------------------------------------------

void PartitionTable::MarkDirty(Replica& replica) {
  if (std::exchange(replica.in_dirty_list, true)) return;
  dirty_.push_back(replica.log->handle());
  if (checkpoint_at_ != MonoTime::max()) return;
  checkpoint_at_ = executor_.Now() + kCheckpointInterval;
  ArmTimer();
}

void PartitionTable::Checkpoint() {
  checkpoint_at_ = MonoTime::max();
  std::vector<std::vector<log::LogWriter::FillMeta>> fills(directories_.size());
  for (const log::PartitionHandle handle : std::exchange(dirty_, {})) {
    const auto found = by_handle_.find(handle);
    if (found == by_handle_.end()) continue;
    found->second->in_dirty_list = false;
    fills[found->second->log->directory()].push_back(
        found->second->log->TakeCheckpoint(executor_.WallNow()));
  }
  WriteFills(std::move(fills));
}

void PartitionTable::WriteFills(std::vector<std::vector<log::LogWriter::FillMeta>> fills) {
  for (size_t directory = 0; directory < fills.size(); ++directory) {
    if (fills[directory].empty()) continue;
    directories_.at(directory).writer().WriteMeta(
        [fills = std::move(fills[directory])](KvBatch& batch) mutable {
          for (log::LogWriter::FillMeta& fill : fills) fill(batch);
        },
        nullptr);
  }
}

void PartitionTable::ArmTimer() {
  const MonoTime next = std::min({persisted_waits_.NextDeadline(), visible_waits_.NextDeadline(),
                                  log_end_waits_.NextDeadline(), checkpoint_at_, isr_check_at_,
                                  give_up_at_, storage_at_, log_ends_at_, offsets_at_});
  if (next >= timer_at_) return;
  if (timer_at_ != MonoTime::max()) executor_.Cancel(timer_);
  timer_at_ = next;
  timer_ = executor_.PostAt(next, [this] { OnTimer(); });
}

void PartitionTable::OnTimer() {
  timer_at_ = MonoTime::max();
  const MonoTime now = executor_.Now();
  persisted_waits_.Expire(now);
  visible_waits_.Expire(now);
  log_end_waits_.Expire(now);
  if (checkpoint_at_ <= now) Checkpoint();
  if (isr_check_at_ <= now) CheckIsrs();
  if (give_up_at_ <= now) AskAgainToGiveUp();
  if (storage_at_ <= now) TellStorageAgain();
  if (log_ends_at_ <= now) ReportLogEnds();
  if (offsets_at_ <= now) WriteOffsets();
  ArmTimer();
}

}  // namespace weir::replica
