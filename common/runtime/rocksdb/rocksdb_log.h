// RocksDbLog: RocksDB's errors, as lines of this node's own log. Its warnings are left out: under
// load they come with every stall.
//
// It must not have a file of its own beside the data, as it would by default: that file stands on
// the machine's file system directly, not on FrozenFileSystem, and once a line of it cannot be
// written, on a full disk, an assertion of Debian's RocksDB ends the process at the next line.
// Thread rule: any thread.
#pragma once

#include <rocksdb/env.h>

#include <string>
#include <utility>

namespace weir::runtime {

class RocksDbLog : public rocksdb::Logger {
 public:
  // `directory`: the store's, to tell one from another.
  explicit RocksDbLog(std::string directory)
      : Logger(rocksdb::InfoLogLevel::ERROR_LEVEL), directory_(std::move(directory)) {}

  using rocksdb::Logger::Logv;
  void Logv(rocksdb::InfoLogLevel level, const char* format, va_list arguments) override;

 private:
  const std::string directory_;
};

}  // namespace weir::runtime
