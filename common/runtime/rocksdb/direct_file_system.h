// DirectFileSystem: RocksDB's files without the kernel's page cache. What a broker writes once and
// rarely reads again costs more there, in copies and in freshly zeroed pages, than all the rest of
// an append; what is read again soon is in the tail cache.
//
//   write-ahead log   direct writes; the last page is padded, and written again by the next append
//   blob files        direct writes (RocksDB's own option); direct reads with readahead here, since
//                     RocksDB 7.8 has none for them
//   everything else   as the base file system does it
//
// Laws:
//  1. Reads give the bytes that the base file system would give, at any offset and size.
//  2. Readahead holds at most kStreamsMax * kStreamBytes, however many files are open.
//  3. A reader that goes through a file from one record to the next reads twice as much each time,
//     up to kStreamBytes; one that jumps reads what it asked for.
// Thread rule: any thread.
#pragma once

#include <rocksdb/file_system.h>

#include <memory>
#include <string>

namespace weir::runtime {

// Whether files in `directory` can be opened for direct writing and reading.
bool SupportsDirectIo(const std::string& directory);

// One read of a disk that costs little beside its bytes.
constexpr size_t kStreamBytes = 1024 * 1024;
// Readers at different places that do not push each other out.
constexpr size_t kStreamsMax = 16;

class ReadStreams;

class DirectFileSystem : public rocksdb::FileSystemWrapper {
 public:
  explicit DirectFileSystem(const std::shared_ptr<rocksdb::FileSystem>& base);
  ~DirectFileSystem() override;
  static const char* kClassName() { return "WeirDirect"; }
  const char* Name() const override { return kClassName(); }

  rocksdb::FileOptions OptimizeForLogWrite(const rocksdb::FileOptions& options,
                                           const rocksdb::DBOptions& db_options) const override;
  rocksdb::IOStatus NewRandomAccessFile(const std::string& path,
                                        const rocksdb::FileOptions& options,
                                        std::unique_ptr<rocksdb::FSRandomAccessFile>* result,
                                        rocksdb::IODebugContext* context) override;

 private:
  std::shared_ptr<ReadStreams> streams_;
};

}  // namespace weir::runtime
