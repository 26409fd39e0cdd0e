// Lag: how far a group is behind in a partition, from where it has committed and where the
// partition's log stands.
//
// Laws:
//  1. Records: the last stable offset minus the committed one, as read_committed consumers count;
//     never negative. A committed offset below 0, which clients may commit, counts as 0.
//  2. Time: now minus the timestamp of the first record that the group has not consumed and that
//     still exists; 0 without such a record, and never negative. The clock of a record is that of
//     its producer, unless the topic stamps records (message.timestamp.type).
// Thread rule: plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "broker/log/committed_offsets.h"
#include "broker/replica/operations.h"
#include "broker/wire/offset_reset.h"
#include "common/base/error_code.h"
#include "common/base/time.h"

namespace weir::coordinator {

struct Lag {
  int64_t records = 0;
  // Unknown: the record's time could not be read in time.
  std::optional<int64_t> ms;

  friend bool operator==(const Lag&, const Lag&) = default;
};

// `first`: the first record at or after the committed offset; its offset is kNoOffset when the
// question found none, nullopt when it was not answered.
Lag LagOf(Offset committed, Offset end, const std::optional<replica::PositionsOutcome::Time>& first,
          WallTime now);

// One partition that a group has committed an offset of.
struct PartitionLag {
  log::CommittedOffset committed;
  // Of the question about the partition; kNone: what follows is known.
  ErrorCode error = ErrorCode::kNone;
  Offset log_start_offset = replica::kNoOffset;
  Offset end_offset = replica::kNoOffset;
  Lag lag;
};

struct GroupLag {
  std::string group;
  // By topic and partition.
  std::vector<PartitionLag> partitions;
  // Only when one group was asked about.
  std::optional<wire::OffsetReset> last_reset;
};

// The lag of all of them in Prometheus's text format: weir_group_lag_records and
// weir_group_lag_seconds by group, topic and partition, as far as they are known.
std::string LagMetrics(const std::vector<GroupLag>& groups);

}  // namespace weir::coordinator
