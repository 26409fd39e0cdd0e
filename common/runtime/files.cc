#include "common/runtime/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace weir::runtime {
namespace {

class FileDescriptor {
 public:
  FileDescriptor(const std::string& path, int flags, int mode = 0)
      : fd_(open(path.c_str(), flags | O_CLOEXEC, mode)) {}
  ~FileDescriptor() {
    if (fd_ >= 0) close(fd_);
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }

 private:
  int fd_;
};

tl::unexpected<Error> StorageError(std::string_view action, const std::string& path) {
  return Fail(ErrorCode::kKafkaStorageError, ErrnoMessage(action, path));
}

Status WriteAll(int fd, std::string_view content, const std::string& path) {
  while (!content.empty()) {
    const ssize_t written = write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return StorageError("write", path);
    content.remove_prefix(static_cast<size_t>(written));
  }
  return {};
}

}  // namespace

std::string ErrnoMessage(std::string_view action, const std::string& path) {
  const int error = errno;
  return std::string(action) + " " + path + ": " +
         std::error_code(error, std::generic_category()).message();
}

Result<std::string> ReadFile(const std::string& path) {
  const FileDescriptor file(path, O_RDONLY);
  if (!file.valid()) {
    const ErrorCode code =
        errno == ENOENT ? ErrorCode::kResourceNotFound : ErrorCode::kKafkaStorageError;
    return Fail(code, ErrnoMessage("open", path));
  }
  std::string content;
  char chunk[16384];
  while (true) {
    const ssize_t got = read(file.get(), chunk, sizeof(chunk));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return StorageError("read", path);
    if (got == 0) return content;
    content.append(chunk, static_cast<size_t>(got));
  }
}

Status WriteFileAtomically(const std::string& path, std::string_view content, int mode) {
  const std::string temporary = path + ".tmp";
  {
    const FileDescriptor file(temporary, O_WRONLY | O_CREAT | O_TRUNC, mode);
    if (!file.valid()) return StorageError("create", temporary);
    WEIR_RETURN_IF_ERROR(WriteAll(file.get(), content, temporary));
    if (fsync(file.get()) != 0) return StorageError("fsync", temporary);
  }
  if (rename(temporary.c_str(), path.c_str()) != 0) return StorageError("rename to", path);
  const std::string directory = std::filesystem::path(path).parent_path().string();
  return FsyncDirectory(directory.empty() ? "." : directory);
}

Status FsyncDirectory(const std::string& path) {
  const FileDescriptor directory(path, O_RDONLY | O_DIRECTORY);
  if (!directory.valid()) return StorageError("open", path);
  if (fsync(directory.get()) != 0) return StorageError("fsync", path);
  return {};
}

Status MakeDirectories(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return Fail(ErrorCode::kKafkaStorageError, "mkdir " + path + ": " + error.message());
  return {};
}

Result<FileSystemSpace> ReadFileSystemSpace(const std::string& path) {
  struct statvfs space {};
  if (::statvfs(path.c_str(), &space) != 0) {
    return Fail(ErrorCode::kKafkaStorageError, ErrnoMessage("statvfs", path));
  }
  const uint64_t block_bytes = space.f_frsize;
  return FileSystemSpace{.total_bytes = space.f_blocks * block_bytes,
                         .available_bytes = space.f_bavail * block_bytes};
}

}  // namespace weir::runtime
