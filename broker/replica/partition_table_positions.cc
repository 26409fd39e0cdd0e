// PartitionTable's answers about positions: what the lag of consumer groups is made of.
#include <algorithm>

#include "broker/log/timestamp_search.h"
#include "broker/replica/partition_table.h"
#include "broker/wire/record_batch.h"
#include "common/runtime/log.h"

namespace weir::replica {
namespace {

// Any timestamp will do.
constexpr int64_t kAnyTimestamp = std::numeric_limits<int64_t>::min();

// The first record in [from, end): in the batch that holds `from`, or in one that follows when
// that batch has no record there any more.
Result<PositionsOutcome::Time> TimeAt(const log::PartitionLog& log, Offset from, Offset end) {
  while (from < end) {
    WEIR_ASSIGN_OR_RETURN(const log::LogRead read, log.Read(from, end, 1, true));
    if (read.records.empty()) break;
    for (const SharedBytes& batches : read.records) {
      WEIR_ASSIGN_OR_RETURN(const auto found,
                            log::FirstAtOrAfter(batches.view(), kAnyTimestamp, from, end));
      if (found) return PositionsOutcome::Time{found->offset, found->timestamp};
      for (std::string_view left = batches.view(); !left.empty();) {
        WEIR_ASSIGN_OR_RETURN(const auto batch, wire::RecordBatchView::Parse(left));
        from = std::max(from, Offset(batch.last_offset() + 1));
        left.remove_prefix(batch.size());
      }
    }
  }
  return PositionsOutcome::Time{};
}

}  // namespace

std::vector<PositionsOutcome> PartitionTable::Positions(
    const std::vector<PositionsPart>& parts) const {
  std::vector<PositionsOutcome> outcomes;
  outcomes.reserve(parts.size());
  for (const PositionsPart& part : parts) outcomes.push_back(PositionsOfOne(part));
  return outcomes;
}

PositionsOutcome PartitionTable::PositionsOfOne(const PositionsPart& part) const {
  PositionsOutcome outcome;
  const Result<Replica*> found = FindServing(part.partition, kNoLeaderEpoch);
  outcome.error = found ? CheckNewest((*found)->partition) : found.error().code;
  if (outcome.error != ErrorCode::kNone) return outcome;
  const log::PartitionLog& log = *(*found)->log;
  outcome.log_start_offset = log.log_start_offset();
  // Without transactions every record below the high watermark is stable.
  outcome.end_offset = (*found)->partition.high_watermark();
  const Offset readable = std::min(outcome.end_offset, log.persisted_end_offset());
  for (const Offset offset : part.offsets) {
    const auto time = TimeAt(log, std::max(offset, log.log_start_offset()), readable);
    outcome.times.push_back(time ? *time : PositionsOutcome::Time{});
    if (time) continue;
    LogWarn("replica", "the time of a record cannot be read",
            {{"partition", part.partition.ToString()},
             {"offset", offset.value()},
             {"error", ToString(time.error())}});
  }
  return outcome;
}

}  // namespace weir::replica
