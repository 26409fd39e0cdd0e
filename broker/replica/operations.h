// What handlers ask of partitions and what they get back, in the words of the Kafka protocol. One
// request names many partitions; outcomes come in the order of its parts.
// Thread rule: plain values that move between threads.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "broker/log/leader_epoch_cache.h"
#include "broker/log/log_config.h"
#include "broker/log/topic_partition.h"
#include "broker/replica/replication_quota.h"
#include "common/base/bytes.h"
#include "common/base/error_code.h"
#include "common/base/ids.h"
#include "common/base/time.h"

namespace weir::replica {

using log::TopicPartition;

inline constexpr LeaderEpoch kNoLeaderEpoch{-1};
inline constexpr Offset kNoOffset{-1};
inline constexpr WallTime kNoTimestamp{-1};

// ---- Produce --------------------------------------------------------------------------

struct AppendPart {
  TopicPartition partition;
  // Exactly the record set of the request. The bytes must not be read by anyone else until the
  // outcome is there: base offset and leader epoch are written into them in place.
  SharedBytes records;
};

struct AppendRequest {
  // 0, 1 or -1 (all).
  int16_t acks = -1;
  // Version of the Produce API, which decides the codecs allowed (zstd from 7).
  int16_t api_version = 0;
  // When acks=all gives up with REQUEST_TIMED_OUT.
  MonoTime deadline;
  std::vector<AppendPart> parts;
};

struct AppendOutcome {
  ErrorCode error = ErrorCode::kNone;
  std::string message;
  // Of the batch as it is in the log: for a batch sent before, that of the first time.
  Offset base_offset = kNoOffset;
  // Set when the topic stamps records with LogAppendTime.
  WallTime log_append_time = kNoTimestamp;
  Offset log_start_offset = kNoOffset;
};

using AppendDone = absl::AnyInvocable<void(std::vector<AppendOutcome>)>;

// ---- Fetch ----------------------------------------------------------------------------

struct FetchPart {
  TopicPartition partition;
  Offset fetch_offset;
  int32_t bytes_max = 0;
  // What the client believes; -1 skips the check (KIP-320).
  LeaderEpoch current_leader_epoch = kNoLeaderEpoch;
  // Of the record before fetch_offset; -1 skips the check for divergence (KIP-595).
  LeaderEpoch last_fetched_epoch = kNoLeaderEpoch;
  // Of the follower that asks.
  Offset follower_log_start = kNoOffset;
  // What the follower that asks takes for the high watermark (KIP-1166); the largest offset there
  // is when it does not say.
  Offset follower_high_watermark = Offset(std::numeric_limits<int64_t>::max());
};

struct FetchRequest {
  std::vector<FetchPart> parts;
  // The follower that asks, and its epoch; kNoNode for a client. A follower reads to the log's end,
  // and its fetch offsets are its acknowledgements.
  NodeId replica = kNoNode;
  BrokerEpoch replica_epoch = kNoBrokerEpoch;
  // The follower sent this after then (fetch_clock.h); min(): unknown.
  MonoTime sent_after = MonoTime::min();
  // The client may read from a follower (KIP-392).
  bool any_replica = false;
  // The answer waits until it has this much, an error, or the deadline.
  int64_t bytes_min = 1;
  // Of all parts together. The first batch of the answer comes whole even if it is larger.
  int64_t bytes_max = 0;
  MonoTime deadline;
};

struct FetchOutcome {
  ErrorCode error = ErrorCode::kNone;
  Offset high_watermark = kNoOffset;
  Offset last_stable_offset = kNoOffset;
  Offset log_start_offset = kNoOffset;
  // Set: the asker's log parts from this one here; nothing is sent (KIP-595).
  std::optional<log::EpochEnd> diverging;
  // Whole record batches in wire form, to be sent as they are. The first may begin before
  // fetch_offset, as the protocol allows.
  std::vector<SharedBytes> records;
  size_t bytes = 0;
  // What throttles these records: they go to a replica that catches up.
  ThrottleKind throttle = ThrottleKind::kNone;
};

using FetchDone = absl::AnyInvocable<void(std::vector<FetchOutcome>)>;

// ---- ListOffsets, DeleteRecords, OffsetForLeaderEpoch ---------------------------------

// The protocol's special timestamps.
inline constexpr int64_t kLatestTimestamp = -1;
inline constexpr int64_t kEarliestTimestamp = -2;
inline constexpr int64_t kMaxTimestamp = -3;
inline constexpr int64_t kEarliestLocalTimestamp = -4;
inline constexpr int64_t kLatestTieredTimestamp = -5;
// Between brokers only (the asker names itself as replica id): with this plus an offset as
// timestamp, ListOffsets finds the first record at or after that offset instead.
inline constexpr int64_t kOffsetAsTimestamp = std::numeric_limits<int64_t>::min();

struct ListOffsetsPart {
  TopicPartition partition;
  // Milliseconds, or one of the special values.
  int64_t timestamp = kLatestTimestamp;
  LeaderEpoch current_leader_epoch = kNoLeaderEpoch;
};

struct ListOffsetsOutcome {
  ErrorCode error = ErrorCode::kNone;
  // -1 where no record is that young.
  Offset offset = kNoOffset;
  WallTime timestamp = kNoTimestamp;
  LeaderEpoch leader_epoch = kNoLeaderEpoch;
};

using ListOffsetsDone = absl::AnyInvocable<void(std::vector<ListOffsetsOutcome>)>;

// Where a partition's log begins and ends for those who read it, and how old the records at some
// offsets are: what the lag of consumers is made of.
struct PositionsPart {
  TopicPartition partition;
  std::vector<Offset> offsets;
};

struct PositionsOutcome {
  // As ListOffsetsOutcome's.
  ErrorCode error = ErrorCode::kNone;
  Offset log_start_offset = kNoOffset;
  // The last stable offset: what read_committed consumers read up to.
  Offset end_offset = kNoOffset;
  // The first record at or after each offset that can be read; kNoOffset when there is none.
  struct Time {
    Offset offset = kNoOffset;
    WallTime timestamp = kNoTimestamp;

    friend bool operator==(const Time&, const Time&) = default;
  };
  std::vector<Time> times;
};

using PositionsDone = absl::AnyInvocable<void(std::vector<PositionsOutcome>)>;

struct DeleteRecordsPart {
  TopicPartition partition;
  // The new log start; -1 stands for the high watermark.
  Offset before_offset;
};

struct DeleteRecordsOutcome {
  ErrorCode error = ErrorCode::kNone;
  // The log start from now on.
  Offset low_watermark = kNoOffset;
};

using DeleteRecordsDone = absl::AnyInvocable<void(std::vector<DeleteRecordsOutcome>)>;

struct EpochEndPart {
  TopicPartition partition;
  LeaderEpoch current_leader_epoch = kNoLeaderEpoch;
  LeaderEpoch leader_epoch;
};

struct EpochEndOutcome {
  ErrorCode error = ErrorCode::kNone;
  // The largest epoch <= the one asked for, and the offset after its last record; -1 if unknown.
  LeaderEpoch leader_epoch = kNoLeaderEpoch;
  Offset end_offset = kNoOffset;
};

using EpochEndDone = absl::AnyInvocable<void(std::vector<EpochEndOutcome>)>;

// ---- What the reconciler wants --------------------------------------------------------

// A partition that this broker holds a replica of, as the metadata image has it.
struct Assignment {
  TopicPartition partition;
  NodeId leader = kNoNode;
  LeaderEpoch leader_epoch;
  PartitionEpoch partition_epoch;
  ReplicaThrottle throttle;
  // The preferred leader first.
  std::vector<NodeId> replicas;
  std::vector<NodeId> isr;
  // Nobody leads, and this replica's log is wanted as evidence for the choice of a leader (I-18).
  bool log_end_wanted = false;
  log::LogConfigPtr config;
  // The metadata relies on what this replica has stored: it leads, or is in the ISR, the ELR or the
  // last known ELR.
  bool relied_on = false;
  // The metadata counts this broker's replica among the offline ones.
  bool marked_offline = false;
  // As the metadata made it first: this broker cannot have stored anything of it before it began
  // to follow the metadata.
  bool is_new = false;
};

// What the controller said to a replica that wants to be given up.
struct GivenUpAnswer {
  // Anything but kNone: nothing is known to have changed.
  ErrorCode error = ErrorCode::kNone;
  // From this epoch on the replica is in no list of the partition.
  LeaderEpoch leader_epoch = kNoLeaderEpoch;
};

// The state of an open partition, for metrics, pages and DescribeLogDirs.
struct PartitionInfo {
  TopicPartition partition;
  bool leading = false;
  LeaderEpoch leader_epoch;
  Offset log_start_offset;
  Offset high_watermark;
  Offset log_end_offset;
  int64_t bytes = 0;
  // The number of the data directory it is in.
  uint32_t directory = 0;
};

using PartitionInfosDone = absl::AnyInvocable<void(std::vector<PartitionInfo>)>;

}  // namespace weir::replica
