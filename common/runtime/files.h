// Small files that must survive a power cut, and what goes with them.
// Thread rule: blocking calls; not on event loops after start-up.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace weir::runtime {

// The whole file. Errors: kResourceNotFound when it does not exist, kKafkaStorageError otherwise.
Result<std::string> ReadFile(const std::string& path);

// After it returns the file holds exactly `content`, across power loss too: temporary file, fsync,
// rename, fsync of the directory (D-06). `mode` as in open(2). Errors: kKafkaStorageError.
Status WriteFileAtomically(const std::string& path, std::string_view content, int mode = 0644);

// Errors: kKafkaStorageError.
Status FsyncDirectory(const std::string& path);

// mkdir -p. Errors: kKafkaStorageError.
Status MakeDirectories(const std::string& path);

// Of the file system that holds `path`; available is what a process without privileges may take.
struct FileSystemSpace {
  uint64_t total_bytes = 0;
  uint64_t available_bytes = 0;
};
// Errors: kKafkaStorageError.
Result<FileSystemSpace> ReadFileSystemSpace(const std::string& path);

// "open /data/vote: Permission denied", from errno.
std::string ErrnoMessage(std::string_view action, const std::string& path);

}  // namespace weir::runtime
