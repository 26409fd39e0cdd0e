// PartitionTable's produce path: check, append, hand to the writer, wait for what the request's
// acks promise.
#include <cstdint>
#include <memory>
#include <utility>

#include "broker/replica/partition_table.h"

namespace weir::replica {

// One shard's share of a produce request that waits for its promise.
struct PartitionTable::PendingAppend {
  struct Waiting {
    size_t index;
    TopicPartition partition;
    LeaderEpoch epoch;
    Offset end_offset;
  };

  struct Grown {
    log::PartitionHandle partition;
    Offset end_offset;
    int64_t bytes;
  };

  bool for_all = false;
  // Logs that followers wait for, kept only while one waits.
  std::vector<Grown> grown;
  std::vector<AppendOutcome> outcomes;
  std::vector<Waiting> waiting;
  std::vector<WaitQueue::Target> targets;
  AppendDone done;
};

void PartitionTable::Append(AppendParts request, AppendDone done) {
  auto pending = std::make_shared<PendingAppend>();
  pending->for_all = request.acks == -1;
  pending->outcomes.resize(request.parts.size());
  pending->done = std::move(done);
  Writes writes(directories_.size());
  for (size_t i = 0; i < request.parts.size(); ++i) {
    if (const Status status = AppendOne(request, i, *pending, writes); !status) {
      pending->outcomes[i].error = status.error().code;
      pending->outcomes[i].message = status.error().message;
    }
  }
  Write(std::move(writes));
  if (log_end_waits_.size() > 0) {
    for (const PendingAppend::Grown& grown : pending->grown) {
      log_end_waits_.OnMoved(grown.partition, grown.end_offset, grown.bytes);
    }
  }
  if (pending->targets.empty()) {
    FinishAppend(*pending);
    return;
  }
  WaitQueue& waits = pending->for_all ? visible_waits_ : persisted_waits_;
  const MonoTime deadline = pending->for_all ? request.deadline : MonoTime::max();
  waits.WaitForOffsets(pending->targets, deadline, [this, pending] { FinishAppend(*pending); });
  ArmTimer();
}

Status PartitionTable::AppendOne(AppendParts& request, size_t index, PendingAppend& pending,
                                 Writes& writes) {
  AppendPart& part = request.parts[index];
  WEIR_ASSIGN_OR_RETURN(Replica * replica, Find(part.partition));
  log::PartitionLog& log = *replica->log;
  if (const Status open = CheckOpen(*replica, request.acks); !open) {
    log.Refuse(part.records.view(), open.error().code, executor_.WallNow());
    return open;
  }
  const log::AppendContext context{.now = executor_.WallNow(),
                                   .produce_version = request.api_version,
                                   .buffer_bytes = request.buffer_bytes,
                                   .records_bytes = request.records_bytes};
  const auto bytes = static_cast<int64_t>(part.records.size());
  WEIR_ASSIGN_OR_RETURN(log::Appended appended, log.Append(std::move(part.records), context));
  if (appended.write) {
    writes[log.directory()].push_back(*std::move(appended.write));
    replica->partition.OnAppend(appended.end_offset);
    replica->in_flight.push_back({appended.end_offset, bytes});
    if (log_end_waits_.size() > 0) {
      pending.grown.push_back({log.handle(), appended.end_offset, bytes});
    }
    MarkDirty(*replica);
  }
  AppendOutcome& outcome = pending.outcomes[index];
  outcome.base_offset = appended.base_offset;
  outcome.log_append_time = appended.log_append_time;
  outcome.log_start_offset = log.log_start_offset();

  const Offset reached =
      pending.for_all ? replica->partition.high_watermark() : log.persisted_end_offset();
  if (reached >= appended.end_offset) return {};
  pending.targets.push_back({log.handle(), appended.end_offset});
  pending.waiting.push_back(
      {index, part.partition, replica->partition.leader_epoch(), appended.end_offset});
  return {};
}

Status PartitionTable::CheckOpen(const Replica& replica, int16_t acks) const {
  const ErrorCode refused = replica.partition.CheckAppend(acks);
  if (refused != ErrorCode::kNone) return Fail(refused, replica.partition.Describe());
  if (StoreOf(replica).full()) return Fail(ErrorCode::kKafkaStorageError, "the disk is full");
  return {};
}

void PartitionTable::FinishAppend(PendingAppend& pending) {
  for (const PendingAppend::Waiting& waiting : pending.waiting) {
    const auto fail = [&](ErrorCode error) {
      pending.outcomes[waiting.index] = AppendOutcome{.error = error};
    };
    const Result<Replica*> found = Find(waiting.partition);
    if (!found) {
      fail(found.error().code);
      continue;
    }
    if (!(*found)->partition.leading() || (*found)->partition.leader_epoch() != waiting.epoch) {
      fail(ErrorCode::kNotLeaderOrFollower);
      continue;
    }
    const Replica& replica = **found;
    const Offset reached =
        pending.for_all ? replica.partition.high_watermark() : replica.log->persisted_end_offset();
    if (reached < waiting.end_offset) {
      fail(ErrorCode::kRequestTimedOut);
    } else if (pending.for_all && !replica.partition.enough_in_sync()) {
      fail(ErrorCode::kNotEnoughReplicasAfterAppend);
    }
  }
  pending.done(std::move(pending.outcomes));
}

}  // namespace weir::replica
