// RocksDbStore: the KvStore of production, one RocksDB per data directory.
//
// Laws:
//  1. One shared write-ahead log; values of the log families live in blob files, meta rows do not.
//  2. A failed write or sync of any file, or any background error (a damaged file met by compaction
//     is one), poisons the store for good: on_fatal is called once, every later Write and Sync
//     fails (D-13), the disk is left as it is (FrozenFileSystem). There is no auto-resume.
//  3. Memory grows with use: an idle store holds a few MiB.
// Thread rule: that of KvStore. on_fatal runs on whichever thread met the error.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "common/base/kv_store.h"

namespace rocksdb {
class FileSystem;
}

namespace weir::runtime {

struct RocksDbOptions {
  // Memory bound of all memtables together, and of one log family's memtable.
  size_t memtable_bytes_total = 256 * 1024 * 1024;
  size_t memtable_bytes = 64 * 1024 * 1024;
  size_t block_cache_bytes = 64 * 1024 * 1024;
  // Past the page cache, where the directory's file system can (DirectFileSystem).
  bool direct_io = true;
  // Bounds the replay after a kill.
  size_t wal_bytes_max = 512 * 1024 * 1024;
  // Nothing is stored any more: `message` says why. Unset: the process aborts.
  std::function<void(const std::string& message)> on_fatal;
  // Which entries of the log families are dead. Unset: none.
  KvDropRuleFactory drop_rules;
  // Null: the machine's file system.
  std::shared_ptr<rocksdb::FileSystem> file_system_for_test;
};

// Opens or creates the store in `directory` (which must exist), and logs how CRCs are computed.
// Errors: kKafkaStorageError when files are missing, damaged or in use.
Result<std::unique_ptr<KvStore>> OpenRocksDb(const std::string& directory, RocksDbOptions options);

}  // namespace weir::runtime
