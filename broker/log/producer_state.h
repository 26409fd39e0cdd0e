// ProducerStates: what one partition remembers of its idempotent producers (KIP-98), so that a
// batch sent twice is stored once.
//
// Laws:
//  1. The last limits::kProducerBatchesRemembered batches of a producer are recognised; one that
//     comes again gets the offsets of the first time.
//  2. Sequence numbers of one producer epoch have no gap and wrap from 2^31-1 to 0; a new epoch
//     begins at 0. A producer that the partition does not know may begin anywhere (KIP-360).
//  3. A producer is forgotten only after its configured idle time (G-29). After recovery the idle
//     time begins again: forgetting late is safe, forgetting early is not.
//  4. An empty table costs one pointer.
//  5. A cut leaves what the log before it knew: twice as many batches are kept as a producer may
//     have in flight, so that one whose whole window is cut still has its sequence.
//  6. What a producer had sent behind a batch that was refused for now is refused with the same
//     error until that batch is there: it comes again, in order. Called out of order, librdkafka
//     would begin a new epoch, and send what other partitions may have already once more
//     (librdkafka issue 4953).
// Thread rule: its partition's shard.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "broker/wire/record_batch.h"
#include "common/base/ids.h"
#include "common/base/limits.h"
#include "common/base/result.h"
#include "common/base/time.h"

namespace weir::log {

// One remembered batch.
struct ProducerBatch {
  int32_t first_sequence = -1;
  int32_t last_sequence = -1;
  Offset base_offset{-1};
  Offset last_offset{-1};
  int64_t timestamp_max_ms = -1;

  friend bool operator==(const ProducerBatch&, const ProducerBatch&) = default;
};

class ProducerStates {
 public:
  // Producers whose batch was refused and has not come again. With more, all of them are forgotten:
  // what they sent behind it is then out of order.
  static constexpr size_t kRefusedMax = 1'000;
  // A producer that has not sent it again by then has given it up. Clients wait a second between
  // two attempts.
  static constexpr Duration kRefusalLasts = std::chrono::seconds(10);

  // What to do with a batch of a producer. `duplicate_of` is set when it is already in the log.
  // Errors: kInvalidProducerEpoch (an older epoch than known), kOutOfOrderSequenceNumber, that of
  // the refused batch before it (law 6).
  struct Verdict {
    std::optional<ProducerBatch> duplicate_of;
  };
  Result<Verdict> Check(const wire::RecordBatchView& batch, WallTime now) const;

  // The batch was refused for a reason that passes, before it was checked.
  void Refuse(const wire::RecordBatchView& batch, ErrorCode error, WallTime now);

  // The batch is in the log, offsets given. Also the replay of what is on disk.
  void Append(const wire::RecordBatchView& batch, WallTime now);

  // The log ends at `log_end_offset` now: forgets batches beyond it, and producers that have none
  // left.
  void TruncateFrom(Offset log_end_offset);

  // Forgets producers idle for `expiration_ms` and more.
  void Expire(WallTime now, int64_t expiration_ms);

  size_t size() const { return producers_ ? producers_->size() : 0; }

  // The table as of `offset`, for the N row.
  std::string Encode(Offset offset) const;
  struct Decoded;
  // Errors: kKafkaStorageError.
  static Result<Decoded> Decode(std::string_view bytes, WallTime now);

 private:
  struct Producer {
    ProducerEpoch epoch{-1};
    WallTime last_used{-1};
    // The newest `count` batches, oldest first. Only the last kProducerBatchesRemembered of them
    // are recognised.
    uint8_t count = 0;
    std::array<ProducerBatch, 2 * limits::kProducerBatchesRemembered> batches;

    const ProducerBatch* Find(const wire::RecordBatchView& batch) const;
    void Remember(const ProducerBatch& batch);
  };
  using Table = std::unordered_map<ProducerId, Producer>;

  // The first batch of a producer that was refused and is not in the log since.
  struct Refusal {
    ProducerEpoch epoch;
    int32_t first_sequence;
    ErrorCode error;
    // When it came last.
    WallTime at;

    bool IsBefore(const wire::RecordBatchView& batch, WallTime now) const;
  };
  using Refusals = std::unordered_map<ProducerId, Refusal>;

  std::unique_ptr<Table> producers_;
  std::unique_ptr<Refusals> refusals_;
};

struct ProducerStates::Decoded {
  ProducerStates states;
  Offset offset;
};

}  // namespace weir::log
