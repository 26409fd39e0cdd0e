// The RocksDB options of Weir (STORAGE 2.2 gives the reason of each), apart from the code that uses
// the database.
//
// Thread rule: pure functions.
#pragma once

#include <rocksdb/db.h>
#include <rocksdb/listener.h>

#include <memory>
#include <vector>

#include "common/base/kv_store.h"
#include "common/runtime/rocksdb/rocksdb_store.h"

namespace weir::runtime {

// `env` outlives the database.
rocksdb::DBOptions MakeDbOptions(const RocksDbOptions& options,
                                 std::shared_ptr<rocksdb::EventListener> listener,
                                 rocksdb::Env* env);

// In the order of KvFamily. The meta rows live in RocksDB's default family, which exists anyway.
std::vector<rocksdb::ColumnFamilyDescriptor> MakeFamilies(const RocksDbOptions& options);

}  // namespace weir::runtime
