// Disk: the port through which the log, the vote file and the snapshots reach one data directory,
// so that tests can take the power away between any two operations.
//
// What a power cut leaves: of a file, the bytes present at its last Sync and any part of those
// written since; of names, those present at the last SyncDirectory and any of the changes since.
//
// Laws:
//  1. After Append, Sync or SyncDirectory has failed the state on disk is unknown: the caller
//     stops.
// Thread rule: one file is used by one thread at a time; the directory from any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace weir::quorum {

class DiskFile {
 public:
  virtual ~DiskFile() = default;
  // Writes at the end. Errors of all: kKafkaStorageError.
  virtual Status Append(std::string_view bytes) = 0;
  virtual Status Sync() = 0;
};

// All names are plain file names inside the directory.
class Disk {
 public:
  virtual ~Disk() = default;
  // A new empty file, replacing one of that name.
  virtual Result<std::unique_ptr<DiskFile>> Create(const std::string& name) = 0;
  // The existing file, cut to `size` bytes. REQUIRES: size <= its size.
  virtual Result<std::unique_ptr<DiskFile>> OpenCutTo(const std::string& name, uint64_t size) = 0;
  // Up to `bytes_max` bytes from `offset` on; fewer at the end.
  // Errors: kResourceNotFound, kKafkaStorageError.
  virtual Result<std::string> Read(const std::string& name, uint64_t offset,
                                   size_t bytes_max) const = 0;
  // Errors: kResourceNotFound, kKafkaStorageError.
  virtual Result<uint64_t> Size(const std::string& name) const = 0;
  // In order of name.
  virtual Result<std::vector<std::string>> List() const = 0;
  virtual Status Rename(const std::string& from, const std::string& to) = 0;
  virtual Status Remove(const std::string& name) = 0;
  // Makes creations, renames and removals durable (D-06).
  virtual Status SyncDirectory() = 0;
};

// The real one. `path` must exist.
std::unique_ptr<Disk> OpenDisk(std::string path);

// The whole file.
Result<std::string> ReadWhole(const Disk& disk, const std::string& name);
// Afterwards `name` holds exactly `content`, across a power cut too; before, what it held.
Status ReplaceFile(Disk& disk, const std::string& name, std::string_view content);

}  // namespace weir::quorum
