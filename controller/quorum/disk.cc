#include "controller/quorum/disk.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "common/runtime/files.h"

namespace weir::quorum {
namespace {

using runtime::ErrnoMessage;

tl::unexpected<Error> StorageError(std::string_view action, const std::string& path) {
  const ErrorCode code =
      errno == ENOENT ? ErrorCode::kResourceNotFound : ErrorCode::kKafkaStorageError;
  return Fail(code, ErrnoMessage(action, path));
}

class PosixFile final : public DiskFile {
 public:
  PosixFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  ~PosixFile() override { close(fd_); }

  Status Append(std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t written = write(fd_, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return StorageError("write", path_);
      bytes.remove_prefix(static_cast<size_t>(written));
    }
    return {};
  }

  Status Sync() override {
    if (fdatasync(fd_) != 0) return StorageError("fdatasync", path_);
    return {};
  }

 private:
  const int fd_;
  const std::string path_;
};

class PosixDisk final : public Disk {
 public:
  explicit PosixDisk(std::string path) : path_(std::move(path)) {}

  Result<std::unique_ptr<DiskFile>> Create(const std::string& name) override {
    return Open(name, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND);
  }

  Result<std::unique_ptr<DiskFile>> OpenCutTo(const std::string& name, uint64_t size) override {
    auto file = Open(name, O_WRONLY | O_APPEND);
    if (!file) return file;
    if (truncate(Path(name).c_str(), static_cast<off_t>(size)) != 0) {
      return StorageError("truncate", Path(name));
    }
    return file;
  }

  Result<std::string> Read(const std::string& name, uint64_t offset,
                           size_t bytes_max) const override {
    const std::string path = Path(name);
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return StorageError("open", path);
    std::string bytes(bytes_max, '\0');
    size_t filled = 0;
    ssize_t got = 1;
    while (filled < bytes_max && got > 0) {
      got =
          pread(fd, bytes.data() + filled, bytes_max - filled, static_cast<off_t>(offset + filled));
      if (got < 0 && errno == EINTR) {
        got = 1;
      } else if (got > 0) {
        filled += static_cast<size_t>(got);
      }
    }
    const int read_errno = errno;
    close(fd);
    errno = read_errno;
    if (got < 0) return StorageError("read", path);
    bytes.resize(filled);
    return bytes;
  }

  Result<uint64_t> Size(const std::string& name) const override {
    struct stat info {};
    if (stat(Path(name).c_str(), &info) != 0) return StorageError("stat", Path(name));
    return static_cast<uint64_t>(info.st_size);
  }

  Result<std::vector<std::string>> List() const override {
    DIR* directory = opendir(path_.c_str());
    if (directory == nullptr) return StorageError("open", path_);
    std::vector<std::string> names;
    while (const dirent* entry = readdir(directory)) {
      const std::string name = entry->d_name;
      if (name != "." && name != "..") names.push_back(name);
    }
    closedir(directory);
    std::sort(names.begin(), names.end());
    return names;
  }

  Status Rename(const std::string& from, const std::string& to) override {
    if (rename(Path(from).c_str(), Path(to).c_str()) != 0)
      return StorageError("rename", Path(from));
    return {};
  }

  Status Remove(const std::string& name) override {
    if (unlink(Path(name).c_str()) != 0) return StorageError("remove", Path(name));
    return {};
  }

  Status SyncDirectory() override { return runtime::FsyncDirectory(path_); }

 private:
  std::string Path(const std::string& name) const { return path_ + "/" + name; }

  Result<std::unique_ptr<DiskFile>> Open(const std::string& name, int flags) {
    const int fd = open(Path(name).c_str(), flags | O_CLOEXEC, 0600);
    if (fd < 0) return StorageError("open", Path(name));
    return std::make_unique<PosixFile>(fd, Path(name));
  }

  const std::string path_;
};

}  // namespace

std::unique_ptr<Disk> OpenDisk(std::string path) {
  return std::make_unique<PosixDisk>(std::move(path));
}

Result<std::string> ReadWhole(const Disk& disk, const std::string& name) {
  WEIR_ASSIGN_OR_RETURN(const uint64_t size, disk.Size(name));
  return disk.Read(name, 0, size);
}

Status ReplaceFile(Disk& disk, const std::string& name, std::string_view content) {
  const std::string temporary = name + ".tmp";
  {
    WEIR_ASSIGN_OR_RETURN(const std::unique_ptr<DiskFile> file, disk.Create(temporary));
    WEIR_RETURN_IF_ERROR(file->Append(content));
    WEIR_RETURN_IF_ERROR(file->Sync());
  }
  WEIR_RETURN_IF_ERROR(disk.Rename(temporary, name));
  return disk.SyncDirectory();
}

}  // namespace weir::quorum
