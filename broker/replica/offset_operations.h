// What handlers ask of partitions of __consumer_offsets and what they get back (DESIGN D7).
// Thread rule: plain values that move between threads.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "broker/log/committed_offsets.h"
#include "broker/log/topic_partition.h"
#include "broker/replica/operations.h"
#include "common/base/error_code.h"
#include "common/base/time.h"

namespace weir::replica {

// One record of __consumer_offsets (wire/offset_records.h).
struct OffsetRecord {
  std::string key;
  std::string value;
};

// A commit of one group: what Append with acks=all does, after one more question. Its records are
// in one batch, perhaps with those of other commits that came with it.
struct OffsetCommit {
  // Of __consumer_offsets.
  TopicPartition partition;
  // At least one.
  std::vector<OffsetRecord> records;
  // Asked on the partition's shard, in the moment of the append: an error other than kNone is the
  // outcome, and nothing is appended. What has been checked there cannot be overtaken by a change
  // of the metadata that this shard knows of (the fence of D7).
  std::function<ErrorCode(size_t shard)> check;
  MonoTime deadline;
  // Set for a commit without a member: the group, whose last reset this may become
  // (log/offset_history.h).
  std::optional<std::string> reset_of = std::nullopt;
};
// kNone, what `check` said, or an error of Append.
using OffsetCommitDone = absl::AnyInvocable<void(ErrorCode)>;

// Committed offsets of one group.
struct OffsetQuery {
  struct Topic {
    std::string name;
    std::vector<int32_t> partitions;
  };

  // Of __consumer_offsets.
  TopicPartition partition;
  std::string group;
  // nullopt: all there are, and the group's last reset.
  std::optional<std::vector<Topic>> topics;
};

struct OffsetQueryOutcome {
  // kNotLeaderOrFollower, kKafkaStorageError; kCoordinatorLoadInProgress: the new leader does not
  // know yet what was committed before it.
  ErrorCode error = ErrorCode::kNone;
  // Those that exist, by topic and partition or in the order asked for.
  std::vector<log::CommittedOffset> offsets;
  std::optional<wire::OffsetReset> last_reset;
};
using OffsetQueryDone = absl::AnyInvocable<void(std::vector<OffsetQueryOutcome>)>;

// Committed offsets of all groups in partitions that this broker leads.
struct GroupOffset {
  std::string group;
  log::CommittedOffset offset;
};
using GroupIdsDone = absl::AnyInvocable<void(std::vector<std::string>)>;
using GroupOffsetsDone = absl::AnyInvocable<void(std::vector<GroupOffset>)>;

// Offsets to forget: tombstones are appended as a commit would be. Forgetting some is a reset.
struct OffsetForget {
  // Of __consumer_offsets.
  TopicPartition partition;
  std::string group;
  // nullopt: all of the group.
  std::optional<std::vector<std::pair<std::string, int32_t>>> topic_partitions;
  MonoTime deadline;
};

struct OffsetForgetOutcome {
  // As OffsetQueryOutcome's, and those of Append.
  ErrorCode error = ErrorCode::kNone;
  // How many there were.
  size_t forgotten = 0;
};
using OffsetForgetDone = absl::AnyInvocable<void(OffsetForgetOutcome)>;

}  // namespace weir::replica
