// PowerCutFileSystem: a file system for RocksDB that knows which bytes an fsync has covered, and
// can forget the others.
//
//   Cut()      from now on nothing can be written: the machine is off
//   (destroy the database)
//   Restore()  every file is cut back to what was synced, plus a random part of what was not;
//              files whose directory entry was not synced may be gone
//
// Laws:
//  1. Synced bytes of a file whose directory was synced since its creation always survive.
//  2. Of unsynced bytes a prefix survives, its last page perhaps garbled, as torn writes are.
// Thread rule: any thread; one mutex.
#pragma once

#include <rocksdb/file_system.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "common/base/prng.h"

namespace weir::test {

class PowerCutFileSystem : public rocksdb::FileSystemWrapper {
 public:
  explicit PowerCutFileSystem(uint64_t seed)
      : FileSystemWrapper(rocksdb::FileSystem::Default()), prng_(seed) {}
  static const char* kClassName() { return "WeirPowerCut"; }
  const char* Name() const override { return kClassName(); }

  void Cut() {
    const std::lock_guard lock(mutex_);
    off_ = true;
  }

  // Call when no database uses the files any more.
  void Restore() {
    const std::lock_guard lock(mutex_);
    for (auto& [path, file] : files_) {
      if (!std::filesystem::exists(path)) continue;
      if (!file.entry_synced && prng_.Chance(1, 2)) {
        std::filesystem::remove(path);
        continue;
      }
      const auto size = static_cast<uint64_t>(std::filesystem::file_size(path));
      const uint64_t written = std::min(size, file.written);
      if (written <= file.synced) continue;
      const uint64_t kept = file.synced + prng_.Below(written - file.synced + 1);
      std::filesystem::resize_file(path, kept);
      if (kept > file.synced && prng_.Chance(1, 3)) Garble(path, file.synced, kept);
    }
    files_.clear();
    off_ = false;
  }

  rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    rocksdb::IODebugContext* context) override {
    if (IsOff()) return Off();
    std::unique_ptr<rocksdb::FSWritableFile> file;
    const rocksdb::IOStatus status = target()->NewWritableFile(path, options, &file, context);
    if (!status.ok()) return status;
    const std::lock_guard lock(mutex_);
    files_[path] = {};
    *result = std::make_unique<File>(std::move(file), *this, path);
    return status;
  }
  rocksdb::IOStatus NewDirectory(const std::string& path, const rocksdb::IOOptions& options,
                                 std::unique_ptr<rocksdb::FSDirectory>* result,
                                 rocksdb::IODebugContext* context) override {
    std::unique_ptr<rocksdb::FSDirectory> directory;
    const rocksdb::IOStatus status = target()->NewDirectory(path, options, &directory, context);
    if (status.ok()) *result = std::make_unique<Directory>(std::move(directory), *this);
    return status;
  }
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to,
                               const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* context) override {
    if (IsOff()) return Off();
    const rocksdb::IOStatus status = target()->RenameFile(from, to, options, context);
    const std::lock_guard lock(mutex_);
    if (auto node = files_.extract(from)) {
      // Which of the two names survives is the file system's journal's business; contents are ours.
      node.mapped().entry_synced = true;
      files_.erase(to);
      node.key() = to;
      files_.insert(std::move(node));
    }
    return status;
  }
  rocksdb::IOStatus DeleteFile(const std::string& path, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* context) override {
    if (IsOff()) return Off();
    const rocksdb::IOStatus status = target()->DeleteFile(path, options, context);
    const std::lock_guard lock(mutex_);
    files_.erase(path);
    return status;
  }

 private:
  struct State {
    uint64_t written = 0;
    uint64_t synced = 0;
    bool entry_synced = false;
  };

  class File : public rocksdb::FSWritableFileOwnerWrapper {
   public:
    File(std::unique_ptr<rocksdb::FSWritableFile> file, PowerCutFileSystem& system,
         std::string path)
        : FSWritableFileOwnerWrapper(std::move(file)), system_(system), path_(std::move(path)) {}

    rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* context) override {
      if (system_.IsOff()) return Off();
      const rocksdb::IOStatus status = FSWritableFileWrapper::Append(data, options, context);
      if (status.ok()) system_.Wrote(path_, system_.Written(path_) + data.size());
      return status;
    }
    rocksdb::IOStatus PositionedAppend(const rocksdb::Slice& data, uint64_t offset,
                                       const rocksdb::IOOptions& options,
                                       rocksdb::IODebugContext* context) override {
      if (system_.IsOff()) return Off();
      const rocksdb::IOStatus status =
          FSWritableFileWrapper::PositionedAppend(data, offset, options, context);
      if (status.ok()) system_.Wrote(path_, offset + data.size());
      return status;
    }
    rocksdb::IOStatus PositionedAppend(const rocksdb::Slice& data, uint64_t offset,
                                       const rocksdb::IOOptions& options,
                                       const rocksdb::DataVerificationInfo& /*verification*/,
                                       rocksdb::IODebugContext* context) override {
      return PositionedAppend(data, offset, options, context);
    }
    rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                             const rocksdb::DataVerificationInfo& /*verification*/,
                             rocksdb::IODebugContext* context) override {
      return Append(data, options, context);
    }
    rocksdb::IOStatus Sync(const rocksdb::IOOptions& options,
                           rocksdb::IODebugContext* context) override {
      return SyncWith([&] { return FSWritableFileWrapper::Flush(options, context); });
    }
    rocksdb::IOStatus Fsync(const rocksdb::IOOptions& options,
                            rocksdb::IODebugContext* context) override {
      return SyncWith([&] { return FSWritableFileWrapper::Flush(options, context); });
    }
    rocksdb::IOStatus Truncate(uint64_t size, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* context) override {
      if (system_.IsOff()) return Off();
      return FSWritableFileWrapper::Truncate(size, options, context);
    }

   private:
    // The real fsync is left out: what counts is what this class remembers.
    template <class Flush>
    rocksdb::IOStatus SyncWith(Flush flush) {
      const uint64_t covered = system_.Written(path_);
      if (system_.IsOff()) return Off();
      rocksdb::IOStatus status = flush();
      if (status.ok()) system_.Synced(path_, covered);
      return status;
    }

    PowerCutFileSystem& system_;
    std::string path_;
  };

  class Directory : public rocksdb::FSDirectory {
   public:
    Directory(std::unique_ptr<rocksdb::FSDirectory> directory, PowerCutFileSystem& system)
        : directory_(std::move(directory)), system_(system) {}
    rocksdb::IOStatus Fsync(const rocksdb::IOOptions& options,
                            rocksdb::IODebugContext* context) override {
      (void)options;
      (void)context;
      return system_.SyncEntries();
    }
    rocksdb::IOStatus FsyncWithDirOptions(const rocksdb::IOOptions& options,
                                          rocksdb::IODebugContext* context,
                                          const rocksdb::DirFsyncOptions& /*which*/) override {
      return Fsync(options, context);
    }
    size_t GetUniqueId(char* id, size_t size) const override {
      return directory_->GetUniqueId(id, size);
    }

   private:
    std::unique_ptr<rocksdb::FSDirectory> directory_;
    PowerCutFileSystem& system_;
  };

  static rocksdb::IOStatus Off() { return rocksdb::IOStatus::IOError("the power is off"); }
  bool IsOff() {
    const std::lock_guard lock(mutex_);
    return off_;
  }
  void Wrote(const std::string& path, uint64_t end) {
    const std::lock_guard lock(mutex_);
    State& file = files_[path];
    file.written = std::max(file.written, end);
  }
  uint64_t Written(const std::string& path) {
    const std::lock_guard lock(mutex_);
    return files_[path].written;
  }
  void Synced(const std::string& path, uint64_t size) {
    const std::lock_guard lock(mutex_);
    State& file = files_[path];
    file.synced = std::max(file.synced, size);
  }
  rocksdb::IOStatus SyncEntries() {
    const std::lock_guard lock(mutex_);
    if (off_) return Off();
    for (auto& [path, file] : files_) file.entry_synced = true;
    return rocksdb::IOStatus::OK();
  }
  void Garble(const std::string& path, uint64_t from, uint64_t to) {
    const uint64_t begin = std::max(from, to - std::min<uint64_t>(to, 4096));
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(begin));
    const std::string zeros(to - begin, '\0');
    file.write(zeros.data(), static_cast<std::streamsize>(zeros.size()));
  }

  std::mutex mutex_;
  Prng prng_;
  bool off_ = false;
  std::map<std::string, State> files_;
};

}  // namespace weir::test
