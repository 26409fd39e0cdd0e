// DataDirectory: one of a broker's data directories, open: its identity, its RocksDB, its log
// store, and the threads that write, sync and look after its space. A slow disk holds up nothing on
// others.
//
// Laws:
//  1. All directories that the broker had are accounted for, or it does not start: a partition that
//     is not found would begin empty, and be taken for a replica that has everything. One that is
//     there and cannot be read or opened is accounted for while another one can.
//  2. A directory that was not among them before must open.
//  3. One that is lost for good is forgotten only when the operator names it, and for ever: what is
//     not found from then on is never begun empty while the metadata relies on it.
//  4. Stop ends the threads; only CloseCleanly of the store may come after it.
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
    // Directories that were there before and are lost.
    std::vector<Uuid> forget;
    // The store of the directory with that number has failed: nothing more is stored there. Any
    // thread, perhaps before OpenDataDirectories returns.
    std::function<void(uint32_t number, const std::string& reason)> on_failed;
  };

  // `number`: its place among the broker's open directories. Errors: those of OpenRocksDb,
  // kKafkaStorageError.
  static Result<std::unique_ptr<DataDirectory>> Open(std::unique_ptr<runtime::NodeDirectory> node,
                                                     uint32_t number, const Options& options);
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

struct UnopenedDirectory {
  std::string path;
  Error error;
  // Zero when not even that can be read.
  Uuid id;
};

struct DataDirectories {
  // At least one; their places are their numbers.
  std::vector<std::unique_ptr<DataDirectory>> opened;
  std::vector<UnopenedDirectory> unopened;
  // Of all of them.
  std::vector<Uuid> ids;
  // Those that the broker had and has no more.
  std::vector<Uuid> forgotten;
};

// Opens them in their order. Errors: those of NodeDirectory::Open, save what laws 1 and 2 let pass;
// those of Open when none can be opened; kInvalidConfig when one is missing that was there before,
// or one is to be forgotten that is there or never was; kKafkaStorageError when a partition is in
// two of them.
Result<DataDirectories> OpenDataDirectories(const std::vector<std::string>& paths,
                                            const DataDirectory::Options& options);
LogDirectories ViewOf(const DataDirectories& directories);

}  // namespace weir::log
