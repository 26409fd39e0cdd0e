// Reading entries of one partition from the store, with every batch checked before anyone sees it
// (D-17).
//
// Laws:
//  1. What is returned is whole batches, CRC and offsets verified, in order, the first one holding
//     the offset asked for or the next that exists.
//  2. Damage is an error, never an empty answer.
// Thread rule: any thread; reads may wait for the disk.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "broker/log/tail_cache.h"
#include "broker/log/topic_partition.h"
#include "broker/wire/record_batch.h"
#include "common/base/ids.h"
#include "common/base/kv_store.h"
#include "common/base/result.h"

namespace weir::log {

// Where a partition's entries are.
struct LogPlace {
  KvFamily family = KvFamily::kLogLong;
  PartitionLocalId partition;
};

// Entries from the one that holds `from` on, below `upper`, until `bytes_max` is reached or passed.
// Errors: kKafkaStorageError, kCorruptMessage.
Result<std::vector<TailCache::Run>> ReadEntries(KvStore& store, LogPlace place, Offset from,
                                                Offset upper, size_t bytes_max);

// Calls `visit` with every batch of the entries from the one that holds `from` on, to the end;
// stops when it returns false. Errors: those of ReadEntries.
using VisitBatch = std::function<bool(const wire::RecordBatchView&)>;
Status VisitBatches(KvStore& store, LogPlace place, Offset from, const VisitBatch& visit);

}  // namespace weir::log
