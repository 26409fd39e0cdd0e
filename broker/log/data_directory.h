// DataDirectory: one of a broker's data directories, open: its identity, its RocksDB, its log
// store, and the threads that write, sync and look after its space. A slow disk holds up nothing on
// others.
//
// Laws:
//  1. All directories that the broker had are there, or it does not start: a partition that is not
//     found would begin empty, and be taken for a replica that has everything.
//  2. Stop ends the threads; only CloseCleanly of the store may come after it.
// Thread rule: Open and Stop from the main thread, blocking; the parts have their own rules.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "broker/log/disk_keeper.h"
#include "broker/log/log_directories.h"
#include "broker/log/log_store.h"
#include "common/base/ids.h"
#include "common/base/kv_store.h"
#include "common/base/result.h"
#include "common/base/uuid.h"
#include "common/runtime/node_directory.h"
#include "common/runtime/thread_executor.h"

namespace weir::log {

class DataDirectory {
 public:
  struct Options {
    NodeId node_id;
    // Format an empty directory.
    bool bootstrap = false;
    bool direct_io = true;
    // 0: DefaultReserve.
    uint64_t disk_reserve_bytes = 0;
    // The store has failed: what is acknowledged from now on could be lost. Any thread.
    std::function<void(const std::string& reason)> on_fatal;
  };

  // `number`: its place among the broker's directories. Errors: those of NodeDirectory::Open and
  // OpenRocksDb, kKafkaStorageError.
  static Result<std::unique_ptr<DataDirectory>> Open(const std::string& path, uint32_t number,
                                                     const Options& options);
  ~DataDirectory() { Stop(); }
  DataDirectory(const DataDirectory&) = delete;
  DataDirectory& operator=(const DataDirectory&) = delete;

  void Stop();

  const std::string& path() const { return node_->path(); }
  runtime::NodeDirectory& node() { return *node_; }
  const Uuid& id() const { return node_->identity().directory_id; }
  LogStore& store() { return *store_; }
  const DiskKeeper& disk() const { return *disk_; }

 private:
  DataDirectory(std::unique_ptr<runtime::NodeDirectory> node, uint32_t number);
  Status OpenStore(uint32_t number, const Options& options);

  std::unique_ptr<runtime::NodeDirectory> node_;
  runtime::ThreadExecutor writer_;
  runtime::ThreadExecutor syncer_;
  runtime::ThreadExecutor disk_sampler_;
  runtime::ThreadExecutor disk_reclaimer_;
  std::unique_ptr<KvStore> kv_;
  std::unique_ptr<LogStore> store_;
  std::unique_ptr<DiskKeeper> disk_;
};

using DataDirectories = std::vector<std::unique_ptr<DataDirectory>>;

// Opens them in their order. Errors: those of Open; kInvalidConfig when one is missing that was
// there before, kKafkaStorageError when a partition is in two of them.
Result<DataDirectories> OpenDataDirectories(const std::vector<std::string>& paths,
                                            const DataDirectory::Options& options);
LogDirectories ViewOf(const DataDirectories& directories);
// No room for records in one of them at least.
bool AnyFull(const DataDirectories& directories);

}  // namespace weir::log
