#include "common/runtime/rocksdb/frozen_file_system.h"

#include <utility>

namespace weir::runtime {
namespace {

using rocksdb::FSWritableFile;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

// Takes everything and keeps nothing.
class NoFile : public FSWritableFile {
 public:
  using FSWritableFile::Append;
  IOStatus Append(const Slice& data, const IOOptions&, IODebugContext*) override {
    size_ += data.size();
    return IOStatus::OK();
  }
  IOStatus Close(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  IOStatus Flush(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  IOStatus Sync(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  bool IsSyncThreadSafe() const override { return true; }
  uint64_t GetFileSize(const IOOptions&, IODebugContext*) override { return size_; }

 private:
  uint64_t size_ = 0;
};

class FreezingFile : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  FreezingFile(std::unique_ptr<FSWritableFile> file, std::string path,
               std::shared_ptr<FatalSwitch> fatal)
      : FSWritableFileOwnerWrapper(std::move(file)),
        path_(std::move(path)),
        fatal_(std::move(fatal)) {}

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* context) override {
    return Guarded([&] { return target()->Append(data, options, context); });
  }
  IOStatus Append(const Slice& data, const IOOptions& options,
                  const rocksdb::DataVerificationInfo& verification,
                  IODebugContext* context) override {
    return Guarded([&] { return target()->Append(data, options, verification, context); });
  }
  IOStatus PositionedAppend(const Slice& data, uint64_t offset, const IOOptions& options,
                            IODebugContext* context) override {
    return Guarded([&] { return target()->PositionedAppend(data, offset, options, context); });
  }
  IOStatus PositionedAppend(const Slice& data, uint64_t offset, const IOOptions& options,
                            const rocksdb::DataVerificationInfo& verification,
                            IODebugContext* context) override {
    return Guarded(
        [&] { return target()->PositionedAppend(data, offset, options, verification, context); });
  }
  IOStatus Truncate(uint64_t size, const IOOptions& options, IODebugContext* context) override {
    return Guarded([&] { return target()->Truncate(size, options, context); });
  }
  IOStatus Close(const IOOptions& options, IODebugContext* context) override {
    const IOStatus status = target()->Close(options, context);
    return fatal_->poisoned() ? IOStatus::OK() : status;
  }
  IOStatus Flush(const IOOptions& options, IODebugContext* context) override {
    return Guarded([&] { return target()->Flush(options, context); });
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* context) override {
    return Guarded([&] { return target()->Sync(options, context); });
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* context) override {
    return Guarded([&] { return target()->Fsync(options, context); });
  }
  IOStatus RangeSync(uint64_t offset, uint64_t size, const IOOptions& options,
                     IODebugContext* context) override {
    return Guarded([&] { return target()->RangeSync(offset, size, options, context); });
  }
  IOStatus Allocate(uint64_t offset, uint64_t size, const IOOptions& options,
                    IODebugContext* context) override {
    if (fatal_->poisoned()) return IOStatus::OK();
    return target()->Allocate(offset, size, options, context);
  }

 private:
  template <class Call>
  IOStatus Guarded(Call call) {
    if (fatal_->poisoned()) return IOStatus::OK();
    const IOStatus status = call();
    if (!status.ok()) fatal_->Trip(path_ + ": " + status.ToString());
    return IOStatus::OK();
  }

  const std::string path_;
  std::shared_ptr<FatalSwitch> fatal_;
};

}  // namespace

IOStatus FrozenFileSystem::NewWritableFile(const std::string& path,
                                           const rocksdb::FileOptions& options,
                                           std::unique_ptr<FSWritableFile>* result,
                                           Context* context) {
  if (frozen()) {
    *result = std::make_unique<NoFile>();
    return IOStatus::OK();
  }
  std::unique_ptr<FSWritableFile> file;
  IOStatus status = FileSystemWrapper::NewWritableFile(path, options, &file, context);
  if (status.ok()) *result = std::make_unique<FreezingFile>(std::move(file), path, fatal_);
  return status;
}

IOStatus FrozenFileSystem::ReopenWritableFile(const std::string& path,
                                              const rocksdb::FileOptions& options,
                                              std::unique_ptr<FSWritableFile>* result,
                                              Context* context) {
  if (frozen()) {
    *result = std::make_unique<NoFile>();
    return IOStatus::OK();
  }
  std::unique_ptr<FSWritableFile> file;
  IOStatus status = FileSystemWrapper::ReopenWritableFile(path, options, &file, context);
  if (status.ok()) *result = std::make_unique<FreezingFile>(std::move(file), path, fatal_);
  return status;
}

IOStatus FrozenFileSystem::DeleteFile(const std::string& path, const Options& options,
                                      Context* context) {
  return frozen() ? IOStatus::OK() : FileSystemWrapper::DeleteFile(path, options, context);
}

IOStatus FrozenFileSystem::RenameFile(const std::string& from, const std::string& to,
                                      const Options& options, Context* context) {
  return frozen() ? IOStatus::OK() : FileSystemWrapper::RenameFile(from, to, options, context);
}

IOStatus FrozenFileSystem::LinkFile(const std::string& from, const std::string& to,
                                    const Options& options, Context* context) {
  return frozen() ? IOStatus::OK() : FileSystemWrapper::LinkFile(from, to, options, context);
}

IOStatus FrozenFileSystem::Truncate(const std::string& path, size_t size, const Options& options,
                                    Context* context) {
  return frozen() ? IOStatus::OK() : FileSystemWrapper::Truncate(path, size, options, context);
}

}  // namespace weir::runtime
