#include "common/runtime/rocksdb/direct_file_system.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/check.h"

namespace weir::runtime {
namespace {

// A multiple of what every device asks for.
constexpr size_t kPageBytes = 4096;
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

// What was read last at up to kStreamsMax places.
class ReadStreams {
 public:
  struct Stream {
    uint64_t file = 0;
    // The bytes of the file that `memory` holds; begin is a page's.
    uint64_t begin = 0;
    uint64_t end = 0;
    size_t capacity = 0;
    PageMemory memory;

    bool Holds(uint64_t offset, size_t size) const {
      return offset >= begin && offset + size <= end;
    }
    bool Reaches(uint64_t of_file, uint64_t offset) const {
      return file == of_file && offset >= begin && offset <= end;
    }
  };

  uint64_t NewFile() { return next_file_.fetch_add(1); }

  // The stream that has come to `offset` of `file`, or one to begin anew. The caller owns it until
  // it gives it back.
  Stream Take(uint64_t file, uint64_t offset) {
    const std::lock_guard lock(mutex_);
    auto found = std::find_if(streams_.begin(), streams_.end(),
                              [&](const Stream& s) { return s.Reaches(file, offset); });
    if (found == streams_.end()) {
      if (streams_.size() < kStreamsMax) return {};
      // The longest unused one stands first.
      found = streams_.begin();
    }
    Stream stream = std::move(*found);
    streams_.erase(found);
    return stream;
  }

  void GiveBack(Stream stream) {
    if (stream.capacity > kReadaheadBytes + kPageBytes) return;
    const std::lock_guard lock(mutex_);
    if (streams_.size() == kStreamsMax) streams_.erase(streams_.begin());
    streams_.push_back(std::move(stream));
  }

 private:
  std::atomic<uint64_t> next_file_{1};
  std::mutex mutex_;
  std::vector<Stream> streams_;  // least recently used first
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
    ReadStreams::Stream stream = streams_->Take(id_, offset);
    if (stream.file != id_ || !stream.Holds(offset, size)) {
      const rocksdb::IOStatus status = Fill(stream, offset, size, options, context);
      if (!status.ok()) return status;
    }
    // Less than asked for at the end of the file.
    const size_t found = offset >= stream.end ? 0 : std::min<size_t>(size, stream.end - offset);
    if (found > 0) std::memcpy(scratch, stream.memory.get() + (offset - stream.begin), found);
    *result = {scratch, found};
    streams_->GiveBack(std::move(stream));
    return rocksdb::IOStatus::OK();
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
  // Reads [offset, offset + size) into the stream, and twice what it held if it only goes on.
  rocksdb::IOStatus Fill(ReadStreams::Stream& stream, uint64_t offset, size_t size,
                         const rocksdb::IOOptions& options,
                         rocksdb::IODebugContext* context) const {
    const bool goes_on = stream.Reaches(id_, offset);
    const size_t ahead =
        goes_on ? std::min<size_t>(2 * (stream.end - stream.begin), kReadaheadBytes) : 0;
    const uint64_t begin = PageBegin(offset);
    const size_t wanted = PageEnd(offset + std::max(size, ahead)) - begin;
    if (stream.capacity < wanted) {
      const size_t capacity = std::max<size_t>(wanted, kReadaheadBytes + kPageBytes);
      stream.memory.reset(static_cast<char*>(std::aligned_alloc(kPageBytes, capacity)));
      stream.capacity = capacity;
    }
    rocksdb::Slice read;
    const rocksdb::IOStatus status =
        target()->Read(begin, wanted, options, &read, stream.memory.get(), context);
    if (!status.ok()) return status;
    WEIR_CHECK(read.empty() || read.data() == stream.memory.get());
    stream.file = id_;
    stream.begin = begin;
    stream.end = begin + read.size();
    return status;
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
