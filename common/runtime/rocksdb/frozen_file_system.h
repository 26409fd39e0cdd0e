// FrozenFileSystem: a file system that stands still once the store on it has failed. The files stay
// as they were at that moment, as if the process had died then; RocksDB is told that all is well.
//
// It has to be: Debian builds RocksDB with its assertions, and one of them ends the process when a
// file is used again after a failed write, which a sync beside that write, or closing the database,
// does. The store's owner is told by the switch instead, before the failed call returns.
//
// Laws:
//  1. The first failed write or sync of a file trips the switch.
//  2. Once the switch is tripped nothing on the disk changes any more, and no call that would do so
//     fails. Reads go on: what was never written cannot be read.
// Thread rule: any thread.
#pragma once

#include <rocksdb/file_system.h>

#include <memory>
#include <string>

#include "common/runtime/rocksdb/fatal_switch.h"

namespace weir::runtime {

class FrozenFileSystem : public rocksdb::FileSystemWrapper {
 public:
  FrozenFileSystem(const std::shared_ptr<rocksdb::FileSystem>& base,
                   std::shared_ptr<FatalSwitch> fatal)
      : FileSystemWrapper(base), fatal_(std::move(fatal)) {}
  static const char* kClassName() { return "WeirFrozen"; }
  const char* Name() const override { return kClassName(); }

  using Options = rocksdb::IOOptions;
  using Context = rocksdb::IODebugContext;

  rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    Context* context) override;
  rocksdb::IOStatus ReopenWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                       std::unique_ptr<rocksdb::FSWritableFile>* result,
                                       Context* context) override;
  rocksdb::IOStatus DeleteFile(const std::string& path, const Options& options,
                               Context* context) override;
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to,
                               const Options& options, Context* context) override;
  rocksdb::IOStatus LinkFile(const std::string& from, const std::string& to, const Options& options,
                             Context* context) override;
  rocksdb::IOStatus Truncate(const std::string& path, size_t size, const Options& options,
                             Context* context) override;

 private:
  bool frozen() const { return fatal_->poisoned(); }

  std::shared_ptr<FatalSwitch> fatal_;
};

}  // namespace weir::runtime
