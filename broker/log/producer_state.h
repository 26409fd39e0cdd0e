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
//  have
//     in flight, so that one whose whole window is cut still has its sequence.
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
  // What to do with a batch of a producer. `duplicate_of` is set when it is already in the log.
  // Errors: kInvalidProducerEpoch (an older epoch than known), kOutOfOrderSequenceNumber.
  struct Verdict {
    std::optional<ProducerBatch> duplicate_of;
  };
  Result<Verdict> Check(const wire::RecordBatchView& batch) const;

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

  std::unique_ptr<Table> producers_;
};

struct ProducerStates::Decoded {
  ProducerStates states;
  Offset offset;
};

}  // namespace weir::log
