// KvStore: the port to an ordered key-value store with one write-ahead log. RocksDB stands behind
// it in production, tests put a store in its place that forgets what was not synced.
//
// Laws:
//  1. A batch is applied whole or not at all, and batches become durable in the order they were
//     written: what survives a power cut is a prefix of the writes, over all families together.
//  2. Write returns when the batch survives the death of the process; Sync returns when everything
//     written before the call survives a power cut.
//  3. After a failed Write or Sync nothing is known about what is on disk: the owner must stop.
//  4. Reclaim takes away only what the drop rule called dead when it began, and leaves no such key
//     behind.
// Thread rule: Write from one thread at a time; Sync beside it from another; reads from any.
// Flush and Reclaim may take minutes: from a thread that may wait, one at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace weir {

// Groups of keys that are stored, and reclaimed, apart. The numbers name families on disk
// (key_format).
enum class KvFamily : uint8_t {
  // Partition data that lives for a day at most.
  kLogShort = 0,
  // Partition data that lives longer, or is bounded by size.
  kLogLong = 1,
  // Partition data with cleanup.policy=compact.
  kLogCompacted = 2,
  // Small rows about partitions and the broker.
  kMeta = 3,
};
inline constexpr size_t kKvFamilyCount = 4;

// A value or key given in pieces, so that nobody needs to join them first.
using KvParts = std::span<const std::string_view>;

// Changes to apply together. Keys and values are copied in: parts may go after the call.
class KvBatch {
 public:
  virtual ~KvBatch() = default;
  virtual void Put(KvFamily family, KvParts key, KvParts value) = 0;
  virtual void Delete(KvFamily family, std::string_view key) = 0;
  // Deletes keys in [begin, end).
  virtual void DeleteRange(KvFamily family, std::string_view begin, std::string_view end) = 0;
  virtual void Clear() = 0;
  // Bytes held, an estimate that includes bookkeeping.
  virtual size_t bytes() const = 0;
  virtual size_t count() const = 0;

  void Put(KvFamily family, std::string_view key, std::string_view value) {
    Put(family, KvParts(&key, 1), KvParts(&value, 1));
  }
};

// A cursor over one family, in key order, at the state of the store when it was made.
class KvIterator {
 public:
  virtual ~KvIterator() = default;
  // False before the first seek, past either end, and after an error.
  virtual bool Valid() const = 0;
  // To the first key >= `key`.
  virtual void Seek(std::string_view key) = 0;
  // To the last key <= `key`.
  virtual void SeekForPrev(std::string_view key) = 0;
  // REQUIRES for the rest: Valid(). Views hold until the next move.
  virtual void Next() = 0;
  virtual std::string_view key() const = 0;
  virtual std::string_view value() const = 0;
  // An error that made the iterator invalid: kKafkaStorageError, or kCorruptMessage where what is
  // stored is damaged.
  virtual Status status() const = 0;
};

class KvStore {
 public:
  virtual ~KvStore() = default;
  virtual std::unique_ptr<KvBatch> NewBatch() = 0;
  // Errors: kKafkaStorageError; see law 3.
  virtual Status Write(KvBatch& batch) = 0;
  virtual Status Sync() = 0;
  // Errors: as KvIterator::status. Absent keys give nullopt.
  virtual Result<std::optional<std::string>> Get(KvFamily family, std::string_view key) = 0;
  // Keys in [lower, upper); empty bounds are open. Bounds are copied.
  virtual std::unique_ptr<KvIterator> Scan(KvFamily family, std::string_view lower,
                                           std::string_view upper) = 0;

  // Bytes in memory that have yet to go into data files: disk that is spoken for.
  virtual uint64_t unflushed_bytes() const = 0;
  // Writes out what is in memory, so that the write-ahead log gives its space back.
  // Errors: kKafkaStorageError.
  virtual Status Flush() = 0;
  // Drops the dead entries of `family` and gives back the space of files that hold nothing else.
  // Files that hold living entries too are copied without the dead ones, oldest first, when that
  // takes no more than `copy_bytes_max` at a time; 0: never. Errors: kKafkaStorageError.
  virtual Status Reclaim(KvFamily family, uint64_t copy_bytes_max) = 0;
};

// Decides from the key alone whether an entry of a log family is dead and may be forgotten. The
// store asks for a rule when it begins to rewrite files, and uses that rule from one background
// thread.
using KvDropRule = std::function<bool(std::string_view key)>;
using KvDropRuleFactory = std::function<KvDropRule()>;

}  // namespace weir
