#include "common/runtime/rocksdb/direct_file_system.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/check.h"

namespace weir::runtime {
namespace {

// A multiple of what every device asks for.
constexpr size_t kPageBytes = 4096;
constexpr size_t kLargePageBytes = 2 * 1024 * 1024;
constexpr std::string_view kBlobSuffix = ".blob";

uint64_t PageBegin(uint64_t offset) { return offset / kPageBytes * kPageBytes; }
uint64_t PageEnd(uint64_t offset) { return PageBegin(offset + kPageBytes - 1); }

struct FreeMemory {
  void operator()(char* memory) const { std::free(memory); }
};
using PageMemory = std::unique_ptr<char, FreeMemory>;

}  // namespace

bool SupportsDirectIo(const std::string& directory) {
  const std::string path = directory + "/direct-io-probe";
  const int file = ::open(path.c_str(), O_CREAT | O_RDWR | O_DIRECT | O_CLOEXEC, 0600);
  if (file < 0) {
    ::unlink(path.c_str());
    return false;
  }
  // Some file systems take the flag and refuse the write.
  const PageMemory page(static_cast<char*>(std::aligned_alloc(kPageBytes, kPageBytes)));
  std::memset(page.get(), 0, kPageBytes);
  const bool written = ::pwrite(file, page.get(), kPageBytes, 0) == ssize_t{kPageBytes};
  const bool read = ::pread(file, page.get(), kPageBytes, 0) == ssize_t{kPageBytes};
  ::close(file);
  ::unlink(path.c_str());
  return written && read;
}

// What was read last, at up to kStreamsMax places.
class ReadStreams {
 public:
  struct Stream {
    // The pages of `file` that `memory` holds.
    uint64_t file = 0;
    uint64_t begin = 0;
    uint64_t end = 0;
    char* memory = nullptr;

    bool Holds(uint64_t of_file, uint64_t offset, size_t size) const {
      return file == of_file && offset >= begin && offset + size <= end;
    }
    bool Reaches(uint64_t of_file, uint64_t offset) const {
      return file == of_file && offset >= begin && offset <= end;
    }
  };

  uint64_t NewFile() { return next_file_.fetch_add(1); }

  // The stream that has come to `offset` of `file`, otherwise the longest unused one; nullopt when
  // others use all. The caller owns it until it gives it back.
  std::optional<Stream> Take(uint64_t file, uint64_t offset) {
    const std::lock_guard lock(mutex_);
    if (!memory_) Allocate();
    if (unused_.empty()) return std::nullopt;
    auto found = std::find_if(unused_.begin(), unused_.end(),
                              [&](const Stream& s) { return s.Reaches(file, offset); });
    if (found == unused_.end()) found = unused_.begin();
    const Stream stream = *found;
    unused_.erase(found);
    return stream;
  }

  void GiveBack(const Stream& stream) {
    const std::lock_guard lock(mutex_);
    unused_.push_back(stream);
  }

 private:
  // Large pages halve what the kernel does per read; they become real when they are used.
  void Allocate() {
    constexpr size_t kBytes = kStreamsMax * kStreamBytes;
    static_assert(kBytes % kLargePageBytes == 0);
    memory_.reset(static_cast<char*>(std::aligned_alloc(kLargePageBytes, kBytes)));
    ::madvise(memory_.get(), kBytes, MADV_HUGEPAGE);
    for (size_t i = 0; i < kStreamsMax; ++i) {
      unused_.push_back({.memory = memory_.get() + i * kStreamBytes});
    }
  }

  std::atomic<uint64_t> next_file_{1};
  std::mutex mutex_;
  PageMemory memory_;
  std::vector<Stream> unused_;  // least recently used first
};

namespace {

// A blob file opened for direct reading; aligns, and reads ahead.
class DirectBlobFile : public rocksdb::FSRandomAccessFileOwnerWrapper {
 public:
  DirectBlobFile(std::unique_ptr<rocksdb::FSRandomAccessFile> file,
                 std::shared_ptr<ReadStreams> streams)
      : FSRandomAccessFileOwnerWrapper(std::move(file)),
        streams_(std::move(streams)),
        id_(streams_->NewFile()) {}

  // RocksDB must not align a second time.
  bool use_direct_io() const override { return false; }

  rocksdb::IOStatus Read(uint64_t offset, size_t size, const rocksdb::IOOptions& options,
                         rocksdb::Slice* result, char* scratch,
                         rocksdb::IODebugContext* context) const override {
    const size_t pages = PageEnd(offset + size) - PageBegin(offset);
    if (pages <= kStreamBytes) {
      if (std::optional<ReadStreams::Stream> stream = streams_->Take(id_, offset)) {
        rocksdb::IOStatus status;
        if (!stream->Holds(id_, offset, size)) {
          const bool goes_on = stream->Reaches(id_, offset);
          const size_t ahead = goes_on ? 2 * PageEnd(stream->end - stream->begin) : 0;
          status = Fill(*stream, offset, std::min(std::max(pages, ahead), kStreamBytes), options,
                        context);
        }
        if (status.ok()) *result = CopyOut(*stream, offset, size, scratch);
        streams_->GiveBack(*stream);
        return status;
      }
    }
    const PageMemory memory(static_cast<char*>(std::aligned_alloc(kPageBytes, pages)));
    ReadStreams::Stream once{.memory = memory.get()};
    const rocksdb::IOStatus status = Fill(once, offset, pages, options, context);
    if (status.ok()) *result = CopyOut(once, offset, size, scratch);
    return status;
  }
  rocksdb::IOStatus MultiRead(rocksdb::FSReadRequest* requests, size_t count,
                              const rocksdb::IOOptions& options,
                              rocksdb::IODebugContext* context) override {
    for (size_t i = 0; i < count; ++i) {
      rocksdb::FSReadRequest& request = requests[i];
      request.status =
          Read(request.offset, request.len, options, &request.result, request.scratch, context);
    }
    return rocksdb::IOStatus::OK();
  }
  rocksdb::IOStatus Prefetch(uint64_t /*offset*/, size_t /*size*/,
                             const rocksdb::IOOptions& /*options*/,
                             rocksdb::IODebugContext* /*context*/) override {
    return rocksdb::IOStatus::NotSupported("direct reads read ahead themselves");
  }

 private:
  // Makes `stream` hold `bytes`, whole pages, from the page of `offset` on.
  rocksdb::IOStatus Fill(ReadStreams::Stream& stream, uint64_t offset, size_t bytes,
                         const rocksdb::IOOptions& options,
                         rocksdb::IODebugContext* context) const {
    stream.file = 0;
    rocksdb::Slice read;
    const uint64_t begin = PageBegin(offset);
    const rocksdb::IOStatus status =
        target()->Read(begin, bytes, options, &read, stream.memory, context);
    if (!status.ok()) return status;
    WEIR_CHECK(read.empty() || read.data() == stream.memory);
    stream.file = id_;
    stream.begin = begin;
    stream.end = begin + read.size();
    return status;
  }

  // Less than asked for at the end of the file.
  static rocksdb::Slice CopyOut(const ReadStreams::Stream& stream, uint64_t offset, size_t size,
                                char* scratch) {
    const size_t found = offset >= stream.end ? 0 : std::min<size_t>(size, stream.end - offset);
    if (found > 0) std::memcpy(scratch, stream.memory + (offset - stream.begin), found);
    return {scratch, found};
  }

  std::shared_ptr<ReadStreams> streams_;
  uint64_t id_;
};

}  // namespace

DirectFileSystem::DirectFileSystem(const std::shared_ptr<rocksdb::FileSystem>& base)
    : FileSystemWrapper(base), streams_(std::make_shared<ReadStreams>()) {}

DirectFileSystem::~DirectFileSystem() = default;

rocksdb::FileOptions DirectFileSystem::OptimizeForLogWrite(
    const rocksdb::FileOptions& options, const rocksdb::DBOptions& db_options) const {
  rocksdb::FileOptions direct = FileSystemWrapper::OptimizeForLogWrite(options, db_options);
  direct.use_direct_writes = true;
  return direct;
}

rocksdb::IOStatus DirectFileSystem::NewRandomAccessFile(
    const std::string& path, const rocksdb::FileOptions& options,
    std::unique_ptr<rocksdb::FSRandomAccessFile>* result, rocksdb::IODebugContext* context) {
  if (!std::string_view(path).ends_with(kBlobSuffix)) {
    return FileSystemWrapper::NewRandomAccessFile(path, options, result, context);
  }
  rocksdb::FileOptions direct = options;
  direct.use_direct_reads = true;
  std::unique_ptr<rocksdb::FSRandomAccessFile> file;
  const rocksdb::IOStatus status =
      FileSystemWrapper::NewRandomAccessFile(path, direct, &file, context);
  if (status.ok()) *result = std::make_unique<DirectBlobFile>(std::move(file), streams_);
  return status;
}

}  // namespace weir::runtime
