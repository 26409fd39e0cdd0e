// PartitionTable's read side: fetch, offsets by time, log start, epochs.
#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "broker/replica/partition_table.h"
#include "common/runtime/log.h"

namespace weir::replica {
namespace {

// A follower that still follows has its next fetch here within replica.fetch.wait.max.ms.
constexpr Duration kFollowersSilentMax = std::chrono::milliseconds(600);

}  // namespace

// ---- Fetch ----------------------------------------------------------------------------

std::vector<FetchOutcome> PartitionTable::Read(const std::vector<FetchPart>& parts,
                                               int64_t bytes_max, const Reader& reader) {
  std::vector<FetchOutcome> outcomes;
  outcomes.reserve(parts.size());
  int64_t left = bytes_max;
  bool nothing_yet = true;
  ThrottledBytes throttled;
  for (const FetchPart& part : parts) {
    outcomes.push_back(ReadOne(part, left, nothing_yet, reader, throttled));
    left -= static_cast<int64_t>(outcomes.back().bytes);
    nothing_yet = nothing_yet && outcomes.back().bytes == 0;
  }
  return outcomes;
}

Result<PartitionTable::Replica*> PartitionTable::FindReadable(const FetchPart& part,
                                                              const Reader& reader) const {
  if (!reader.any_replica || reader.is_follower()) {
    return FindServing(part.partition, part.current_leader_epoch);
  }
  WEIR_ASSIGN_OR_RETURN(Replica * replica, Find(part.partition));
  const ErrorCode error = replica->partition.CheckReading(part.current_leader_epoch);
  if (error != ErrorCode::kNone) return Fail(error, replica->partition.Describe());
  return replica;
}

// Where the log of a follower that ends at `part` parts from this one (KIP-595); nullopt when this
// one goes on from there.
static std::optional<log::EpochEnd> FindDivergence(const log::PartitionLog& log,
                                                   const FetchPart& part) {
  if (part.last_fetched_epoch < LeaderEpoch(0)) return std::nullopt;
  const log::EpochEnd end = log.epochs().EndOf(part.last_fetched_epoch, log.log_end_offset());
  const bool same = end.epoch == part.last_fetched_epoch && end.end_offset >= part.fetch_offset;
  if (same || end.epoch < LeaderEpoch(0)) return std::nullopt;
  return end;
}

void PartitionTable::Acknowledge(const std::vector<FetchPart>& parts, const Reader& reader) {
  for (const FetchPart& part : parts) {
    const Result<Replica*> found = FindReadable(part, reader);
    if (!found) continue;
    Replica& replica = **found;
    const bool acknowledges =
        replica.partition.CheckFollower(reader.replica, reader.replica_epoch) == ErrorCode::kNone &&
        part.fetch_offset >= replica.log->log_start_offset() &&
        part.fetch_offset <= replica.log->log_end_offset() && !FindDivergence(*replica.log, part);
    if (!acknowledges) continue;
    Obey(replica,
         replica.partition.OnFollowerFetch(reader.replica, reader.replica_epoch, part.fetch_offset,
                                           executor_.Now(), reader.sent_after));
    if (const auto kept = Find(part.partition)) {
      isr_check_at_ = std::min(isr_check_at_, (*kept)->partition.joining_until());
    }
  }
  ArmTimer();
}

ThrottleKind PartitionTable::ThrottleOf(const Replica& replica, const Reader& reader) const {
  if (quotas_ == nullptr || !reader.is_follower()) return ThrottleKind::kNone;
  const ThrottleKind throttle = replica.throttle.OfSending(reader.replica);
  if (throttle == ThrottleKind::kNone) return throttle;
  return replica.partition.IsCatchingUp(reader.replica) ? throttle : ThrottleKind::kNone;
}

FetchOutcome PartitionTable::ReadOne(const FetchPart& part, int64_t bytes_left, bool nothing_yet,
                                     const Reader& reader, ThrottledBytes& throttled) {
  FetchOutcome outcome;
  const Result<Replica*> found = FindReadable(part, reader);
  if (!found) {
    outcome.error = found.error().code;
    return outcome;
  }
  const Replica& replica = **found;
  outcome.high_watermark = replica.partition.high_watermark();
  outcome.last_stable_offset = outcome.high_watermark;
  outcome.log_start_offset = replica.log->log_start_offset();
  if (reader.is_follower()) {
    outcome.error = replica.partition.CheckFollower(reader.replica, reader.replica_epoch);
    if (outcome.error != ErrorCode::kNone) return outcome;
    // One that ends below the start begins anew, whatever its history (I-28).
    if (part.fetch_offset >= outcome.log_start_offset) {
      outcome.diverging = FindDivergence(*replica.log, part);
    }
    if (outcome.diverging) return outcome;
  }
  const Offset upper =
      reader.is_follower() ? replica.log->log_end_offset() : outcome.high_watermark;
  if (part.fetch_offset < outcome.log_start_offset ||
      part.fetch_offset > replica.log->log_end_offset()) {
    outcome.error = ErrorCode::kOffsetOutOfRange;
    return outcome;
  }
  int64_t bytes_max = std::min<int64_t>(part.bytes_max, bytes_left);
  if (bytes_max <= 0 && !nothing_yet) return outcome;
  outcome.throttle = ThrottleOf(replica, reader);
  if (outcome.throttle != ThrottleKind::kNone) {
    const ReplicationQuota& quota = quotas_->Of(outcome.throttle);
    const int64_t admitted = quota.BytesAtOnce() - throttled.Of(outcome.throttle);
    if (admitted <= 0 || quota.IsExceeded(executor_.Now())) return outcome;
    bytes_max = std::min(bytes_max, admitted);
  }
  auto read = replica.log->Read(part.fetch_offset, upper,
                                static_cast<size_t>(std::max<int64_t>(bytes_max, 0)), nothing_yet);
  if (!read) {
    OnReadFailed(part.partition, part.fetch_offset, read.error());
    outcome.error = ErrorCode::kKafkaStorageError;
    return outcome;
  }
  outcome.records = std::move(read->records);
  outcome.bytes = read->bytes;
  if (outcome.throttle != ThrottleKind::kNone) {
    throttled.Of(outcome.throttle) += static_cast<int64_t>(read->bytes);
  }
  return outcome;
}

bool PartitionTable::TellsMore(const std::vector<FetchPart>& parts,
                               const std::vector<FetchOutcome>& outcomes) {
  for (size_t i = 0; i < parts.size(); ++i) {
    if (outcomes[i].high_watermark > parts[i].follower_high_watermark) return true;
  }
  return false;
}

WaitQueue::WaitId PartitionTable::Watch(const std::vector<FetchPart>& parts, int64_t bytes,
                                        MonoTime deadline, const Reader& reader, Task wake) {
  std::vector<log::PartitionHandle> partitions;
  partitions.reserve(parts.size());
  const MonoTime now = executor_.Now();
  for (const FetchPart& part : parts) {
    const auto found = Find(part.partition);
    if (!found) continue;
    const ThrottleKind throttle = ThrottleOf(**found, reader);
    const MonoTime ready_at =
        throttle == ThrottleKind::kNone ? now : quotas_->Of(throttle).ReadyAt(now);
    if (ready_at > now) {
      // Its records would only be left out again.
      deadline = std::min(deadline, ready_at);
    } else {
      partitions.push_back((*found)->log->handle());
    }
  }
  WaitQueue& waits = reader.is_follower() ? log_end_waits_ : visible_waits_;
  const WaitQueue::WaitId id = waits.WaitForBytes(partitions, bytes, deadline, std::move(wake));
  ArmTimer();
  return id;
}

// ---- Offsets --------------------------------------------------------------------------

std::vector<ListOffsetsOutcome> PartitionTable::ListOffsets(
    const std::vector<ListOffsetsPart>& parts) const {
  std::vector<ListOffsetsOutcome> outcomes;
  outcomes.reserve(parts.size());
  for (const ListOffsetsPart& part : parts) outcomes.push_back(ListOne(part));
  return outcomes;
}

ErrorCode PartitionTable::CheckNewest(const Partition& partition) const {
  if (!partition.high_watermark_is_current()) return ErrorCode::kOffsetNotAvailable;
  if (port_ == nullptr || !partition.replicated()) return ErrorCode::kNone;
  // Without a quorum nobody is elected, and the followers go on fetching.
  const bool leads =
      Now() < port_->LeadsUntil() || partition.IsFollowedSince(Now() - kFollowersSilentMax);
  return leads ? ErrorCode::kNone : ErrorCode::kNotLeaderOrFollower;
}

ListOffsetsOutcome PartitionTable::ListOne(const ListOffsetsPart& part) const {
  const Result<Replica*> found = FindServing(part.partition, part.current_leader_epoch);
  if (!found) return {.error = found.error().code};
  const log::PartitionLog& log = *(*found)->log;
  const Offset high_watermark = (*found)->partition.high_watermark();
  const auto at = [&](Offset offset, WallTime timestamp) {
    LeaderEpoch epoch = log.epochs().EpochAt(offset);
    if (offset >= log.log_end_offset()) epoch = log.epochs().Latest().value_or(kNoLeaderEpoch);
    return ListOffsetsOutcome{.offset = offset, .timestamp = timestamp, .leader_epoch = epoch};
  };
  switch (part.timestamp) {
    case kLatestTimestamp:
      if (const ErrorCode error = CheckNewest((*found)->partition); error != ErrorCode::kNone) {
        return {.error = error};
      }
      return at(high_watermark, kNoTimestamp);
    case kEarliestTimestamp:
    case kEarliestLocalTimestamp:
      return at(log.log_start_offset(), kNoTimestamp);
    case kLatestTieredTimestamp:
      return {};
    default:
      break;
  }
  if (part.timestamp < 0 && part.timestamp != kMaxTimestamp) {
    return {.error = ErrorCode::kInvalidRequest};
  }
  const auto record = part.timestamp == kMaxTimestamp
                          ? log.MaxTimestamp(high_watermark)
                          : log.FindTimestamp(part.timestamp, high_watermark);
  if (!record) return {.error = ErrorCode::kKafkaStorageError};
  if (!*record) return {};
  return at((*record)->offset, (*record)->timestamp);
}

std::vector<EpochEndOutcome> PartitionTable::EpochEnd(
    const std::vector<EpochEndPart>& parts) const {
  std::vector<EpochEndOutcome> outcomes;
  outcomes.reserve(parts.size());
  for (const EpochEndPart& part : parts) {
    const Result<Replica*> found = FindServing(part.partition, part.current_leader_epoch);
    if (!found) {
      outcomes.push_back({.error = found.error().code});
      continue;
    }
    const log::PartitionLog& log = *(*found)->log;
    const log::EpochEnd end = log.epochs().EndOf(part.leader_epoch, log.log_end_offset());
    outcomes.push_back({.leader_epoch = end.epoch, .end_offset = end.end_offset});
  }
  return outcomes;
}

// ---- DeleteRecords --------------------------------------------------------------------

void PartitionTable::DeleteRecords(const std::vector<DeleteRecordsPart>& parts,
                                   DeleteRecordsDone done) {
  struct Pending {
    std::vector<DeleteRecordsOutcome> outcomes;
    size_t unsynced = 1;  // this call itself
    DeleteRecordsDone done;
  };
  auto pending = std::make_shared<Pending>();
  pending->outcomes.resize(parts.size());
  pending->done = std::move(done);
  const auto finish_one = [pending] {
    if (--pending->unsynced == 0) pending->done(std::move(pending->outcomes));
  };
  for (size_t i = 0; i < parts.size(); ++i) {
    DeleteRecordsOutcome& outcome = pending->outcomes[i];
    const Result<Replica*> found = FindServing(parts[i].partition, kNoLeaderEpoch);
    if (!found) {
      outcome.error = found.error().code;
      continue;
    }
    Replica& replica = **found;
    const Offset high_watermark = replica.partition.high_watermark();
    const Offset target =
        parts[i].before_offset == kNoOffset ? high_watermark : parts[i].before_offset;
    if (target < Offset(0) || target > high_watermark) {
      outcome.error = ErrorCode::kOffsetOutOfRange;
      continue;
    }
    const bool moves = target > replica.log->log_start_offset();
    replica.log->SetLogStart(target);
    outcome.low_watermark = replica.log->log_start_offset();
    if (!moves) continue;
    MarkDirty(replica);
    ++pending->unsynced;
    StoreOf(replica).MoveLogStart(
        parts[i].partition, target, [this, finish_one] { executor_.Post(finish_one); },
        [this, finish_one, pending, i] {
          executor_.Post([finish_one, pending, i] {
            pending->outcomes[i] = {.error = ErrorCode::kKafkaStorageError};
            finish_one();
          });
        });
  }
  finish_one();
}

}  // namespace weir::replica
