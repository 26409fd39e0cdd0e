// PartitionTable's following: fetch from the leader, take what it says, keep in-sync replicas
// honest.
#include <algorithm>
#include <memory>
#include <utility>

#include "broker/replica/partition_table.h"
#include "common/base/check.h"
#include "common/runtime/log.h"

namespace weir::replica {

// ---- Whom to follow -------------------------------------------------------------------

FollowerPosition PartitionTable::PositionOf(const Replica& replica) const {
  const log::PartitionLog& log = *replica.log;
  const std::vector<NodeId>& isr = replica.partition.isr();
  const bool in_sync = std::find(isr.begin(), isr.end(), node_id_) != isr.end();
  return {.partition = replica.id,
          .leader_epoch = replica.partition.leader_epoch(),
          .fetch_offset = log.persisted_end_offset(),
          .last_fetched_epoch = log.epochs().Latest().value_or(kNoLeaderEpoch),
          .log_start_offset = log.log_start_offset(),
          .high_watermark = replica.partition.high_watermark(),
          .throttle = in_sync ? ThrottleKind::kNone : replica.throttle.OfFetching(node_id_)};
}

void PartitionTable::FollowLeader(Replica& replica) {
  replica.follow_when_persisted = false;
  const NodeId leader = replica.partition.leader();
  if (replica.partition.leading() || leader == kNoNode || damaged_.contains(replica.id)) {
    unfollows_.push_back(replica.id);
    return;
  }
  // What this broker wrote as the last leader is still on its way to the disk, or a cut is.
  const log::PartitionLog& log = *replica.log;
  if (log.persisted_end_offset() != log.log_end_offset() || replica.cutting) {
    replica.follow_when_persisted = true;
    unfollows_.push_back(replica.id);
    return;
  }
  replica.log->ForgetEmptyEpochs();
  follows_[leader].push_back(PositionOf(replica));
}

void PartitionTable::SendFollows() {
  auto follows = std::exchange(follows_, {});
  auto unfollows = std::exchange(unfollows_, {});
  if (port_ == nullptr) return;
  if (!unfollows.empty()) port_->Unfollow(std::move(unfollows));
  for (auto& [leader, positions] : follows) port_->Follow(leader, std::move(positions));
}

// ---- What the leader says -------------------------------------------------------------

// One call of TakeFetched, until all of it is persisted.
struct PartitionTable::Taking {
  struct Part {
    TopicPartition partition;
    ErrorCode error = ErrorCode::kNone;
  };
  std::vector<Part> parts;
  std::vector<WaitQueue::Target> targets;
  // Cuts that are not on disk yet, and the call itself.
  size_t unfinished = 1;
  TakeFetchedDone done;
};

void PartitionTable::TakeFetched(std::vector<FollowerFetch> fetched, TakeFetchedDone done) {
  auto taking = std::make_shared<Taking>();
  taking->done = std::move(done);
  Writes writes(directories_.size());
  for (FollowerFetch& part : fetched) {
    taking->parts.push_back({part.partition});
    const Status status = TakeOne(part, taking, writes);
    if (status) continue;
    taking->parts.back().error = status.error().code;
    LogWarn("replica", "what the leader sent was not taken",
            {{"partition", part.partition.ToString()},
             {"leader_epoch", part.leader_epoch.value()},
             {"offset", part.fetch_offset.value()},
             {"error", status.error().message}});
  }
  Write(std::move(writes));
  if (!taking->targets.empty()) {
    ++taking->unfinished;
    persisted_waits_.WaitForOffsets(taking->targets, MonoTime::max(),
                                    [this, taking] { FinishTaking(*taking); });
  }
  FinishTaking(*taking);
}

Status PartitionTable::TakeOne(FollowerFetch& fetched, const std::shared_ptr<Taking>& taking,
                               Writes& writes) {
  WEIR_ASSIGN_OR_RETURN(Replica * replica, Find(fetched.partition));
  if (replica->partition.leading() || replica->partition.leader_epoch() != fetched.leader_epoch) {
    return Fail(ErrorCode::kFencedLeaderEpoch, replica->partition.Describe());
  }
  const log::PartitionLog& log = *replica->log;
  if (replica->cutting || log.persisted_end_offset() != log.log_end_offset() ||
      log.log_end_offset() != fetched.fetch_offset) {
    return Fail(ErrorCode::kOffsetOutOfRange, replica->partition.Describe());
  }
  if (fetched.error == ErrorCode::kOffsetOutOfRange || fetched.diverging) {
    return CutLog(*replica, fetched, taking);
  }
  return TakeRecords(*replica, fetched, *taking, writes);
}

Status PartitionTable::TakeRecords(Replica& replica, FollowerFetch& fetched, Taking& taking,
                                   Writes& writes) {
  log::PartitionLog& log = *replica.log;
  const auto bytes = static_cast<int64_t>(fetched.records.size());
  if (bytes > 0) {
    const log::AppendContext context{.now = executor_.WallNow(),
                                     .buffer_bytes = fetched.records.retained_bytes(),
                                     .records_bytes = fetched.records.retained_bytes()};
    WEIR_ASSIGN_OR_RETURN(log::Replicated taken,
                          log.AppendReplicated(std::move(fetched.records), context));
    for (log::LogAppend& write : taken.writes) writes[log.directory()].push_back(std::move(write));
    replica.partition.OnAppend(taken.end_offset);
    replica.in_flight.push_back({taken.end_offset, bytes});
    taking.targets.push_back({log.handle(), taken.end_offset});
    MarkDirty(replica);
  }
  if (fetched.log_start_offset > log.log_start_offset() &&
      fetched.log_start_offset <= log.persisted_end_offset()) {
    log.SetLogStart(fetched.log_start_offset);
    MarkDirty(replica);
    StoreOf(replica).MoveLogStart(replica.id, fetched.log_start_offset, [] {});
  }
  Obey(replica, replica.partition.OnLeaderHighWatermark(fetched.high_watermark));
  return {};
}

Status PartitionTable::CutLog(Replica& replica, const FollowerFetch& fetched,
                              const std::shared_ptr<Taking>& taking) {
  log::PartitionLog& log = *replica.log;
  const Offset before = log.log_end_offset();
  ::weir::log::LogWriter::FillMeta fill;
  if (fetched.diverging) {
    // Both logs agree up to the earlier end of the largest epoch that both know (KIP-279).
    const log::EpochEnd own = log.epochs().EndOf(fetched.diverging->epoch, before);
    Offset end = own.epoch < LeaderEpoch(0) ? log.log_start_offset() : own.end_offset;
    if (own.epoch == fetched.diverging->epoch) end = std::min(end, fetched.diverging->end_offset);
    end = std::clamp(end, log.log_start_offset(), before);
    auto cut = log.Truncate(end, executor_.WallNow());
    if (!cut) OnReadFailed(replica.id, end, cut.error());
    WEIR_ASSIGN_OR_RETURN(fill, std::move(cut));
  } else if (fetched.log_start_offset < log.log_start_offset()) {
    // What is below a log start may be reclaimed at any time: nothing can be stored there again.
    return Fail(ErrorCode::kOffsetOutOfRange, "the leader's log lies below this one's start");
  } else {
    fill = log.StartAnew(fetched.log_start_offset, executor_.WallNow());
  }
  const Offset after = log.log_end_offset();
  if (after < replica.partition.high_watermark()) {
    LogWarn("replica", "the leader lacks records below the high watermark",
            {{"partition", replica.id.ToString()},
             {"high_watermark", replica.partition.high_watermark().value()},
             {"cut_at", after.value()}});
  }
  LogInfo("replica", "log cut to what the leader has",
          {{"partition", replica.id.ToString()},
           {"leader_epoch", fetched.leader_epoch.value()},
           {"from", before.value()},
           {"to", after.value()}});
  replica.partition.OnTruncate(after);
  if (log.committed_offsets() != nullptr) AdvanceOffsets(replica);
  std::erase_if(replica.in_flight, [&](const auto& append) { return append.end_offset > after; });
  replica.cutting = true;
  ++taking->unfinished;
  StoreOf(replica).writer().WriteMeta(std::move(fill), nullptr);
  // The log start comes later: until it is on disk the log is empty where it was.
  if (!fetched.diverging) StoreOf(replica).MoveLogStart(replica.id, log.log_start_offset(), [] {});
  const auto on_cut = [this, taking, id = log.handle()] {
    executor_.Post([this, taking, id] { OnCut(id, *taking); });
  };
  StoreOf(replica).writer().Flush(on_cut, on_cut);
  return {};
}

void PartitionTable::OnCut(log::PartitionHandle id, Taking& taking) {
  const auto found = by_handle_.find(id);
  if (found != by_handle_.end()) {
    found->second->cutting = false;
    if (found->second->follow_when_persisted) FollowLeader(*found->second);
  }
  SendFollows();
  FinishTaking(taking);
}

void PartitionTable::FinishTaking(Taking& taking) {
  if (--taking.unfinished > 0) return;
  std::vector<TakenFetch> outcomes;
  outcomes.reserve(taking.parts.size());
  for (const Taking::Part& part : taking.parts) {
    const Result<Replica*> found = Find(part.partition);
    TakenFetch& outcome = outcomes.emplace_back();
    outcome.error = found ? part.error : found.error().code;
    if (found) outcome.position = PositionOf(**found);
  }
  taking.done(std::move(outcomes));
}

// ---- Evidence for an election -----------------------------------------------------------

void PartitionTable::ReportLogEnd(const Replica& replica) {
  if (log_ends_at_ == MonoTime::max()) {
    log_ends_at_ = executor_.Now() + kLogEndInterval;
    ArmTimer();
  }
  // What is on its way to the disk, or damaged, is no evidence yet.
  const log::PartitionLog& log = *replica.log;
  const bool settled = log.persisted_end_offset() == log.log_end_offset() && !replica.cutting;
  if (port_ == nullptr || !settled || damaged_.contains(replica.id)) return;
  port_->ReportLogEnd(replica.id, {.epoch = log.epochs().Latest().value_or(kNoLeaderEpoch),
                                   .end_offset = log.log_end_offset()});
}

void PartitionTable::ReportLogEnds() {
  log_ends_at_ = log_end_wanted_.empty() ? MonoTime::max() : executor_.Now() + kLogEndInterval;
  for (const TopicPartition& id : log_end_wanted_) {
    if (const Result<Replica*> found = Find(id)) ReportLogEnd(**found);
  }
}

// ---- The ISR --------------------------------------------------------------------------

void PartitionTable::OnIsrAnswer(const TopicPartition& partition, const IsrAnswer& answer) {
  const Result<Replica*> found = Find(partition);
  if (found) Obey(**found, (*found)->partition.OnIsrAnswer(answer, executor_.Now()));
}

void PartitionTable::CheckIsrs() {
  isr_check_at_ = MonoTime::max();
  const MonoTime now = executor_.Now();
  std::vector<TopicPartition> led;
  for (const auto& [id, replica] : replicas_) {
    if (replica->partition.leading() && replica->partition.replicated()) led.push_back(id);
  }
  if (led.empty()) return;
  isr_check_at_ = now + lag_max_ / 4;
  for (const TopicPartition& id : led) {
    const Result<Replica*> found = Find(id);
    if (!found) continue;
    Obey(**found, (*found)->partition.OnTick(now, lag_max_));
    if (const auto kept = Find(id)) {
      isr_check_at_ = std::min(isr_check_at_, (*kept)->partition.joining_until());
    }
  }
}

}  // namespace weir::replica
