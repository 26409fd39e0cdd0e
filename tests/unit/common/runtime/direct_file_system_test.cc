#include "common/runtime/rocksdb/direct_file_system.h"

#include <gtest/gtest.h>
#include <rocksdb/env.h>

#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/base/prng.h"
#include "tests/support/scratch_directory.h"

namespace weir::runtime {
namespace {

// Counts what reaches the disk.
class CountingFileSystem : public rocksdb::FileSystemWrapper {
 public:
  CountingFileSystem() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}
  static const char* kClassName() { return "Counting"; }
  const char* Name() const override { return kClassName(); }
  rocksdb::IOStatus NewRandomAccessFile(const std::string& path,
                                        const rocksdb::FileOptions& options,
                                        std::unique_ptr<rocksdb::FSRandomAccessFile>* result,
                                        rocksdb::IODebugContext* context) override {
    std::unique_ptr<rocksdb::FSRandomAccessFile> file;
    auto status = target()->NewRandomAccessFile(path, options, &file, context);
    if (status.ok()) *result = std::make_unique<File>(std::move(file), *this);
    return status;
  }

  std::atomic<int> reads = 0;
  std::atomic<size_t> bytes = 0;

 private:
  class File : public rocksdb::FSRandomAccessFileOwnerWrapper {
   public:
    File(std::unique_ptr<rocksdb::FSRandomAccessFile> file, CountingFileSystem& counts)
        : FSRandomAccessFileOwnerWrapper(std::move(file)), counts_(counts) {}
    rocksdb::IOStatus Read(uint64_t offset, size_t size, const rocksdb::IOOptions& options,
                           rocksdb::Slice* result, char* scratch,
                           rocksdb::IODebugContext* context) const override {
      auto status = target()->Read(offset, size, options, result, scratch, context);
      counts_.reads++;
      counts_.bytes += result->size();
      return status;
    }

   private:
    CountingFileSystem& counts_;
  };
};

class DirectBlobRead : public ::testing::Test {
 protected:
  static constexpr size_t kFileBytes = 3'000'000;

  DirectBlobRead() {
    if (!SupportsDirectIo(scratch_.path())) return;
    Prng prng(1);
    content_.resize(kFileBytes);
    for (char& c : content_) c = static_cast<char>(prng.Next());
    rocksdb::WriteStringToFile(rocksdb::Env::Default(), content_, Path());
    EXPECT_TRUE(direct_.NewRandomAccessFile(Path(), rocksdb::FileOptions(), &file_, nullptr).ok());
  }
  void SetUp() override {
    if (!file_) GTEST_SKIP() << "no direct I/O in " << scratch_.path();
  }

  std::string Path() const { return scratch_.path() + "/000001.blob"; }
  std::string Read(uint64_t offset, size_t size) const {
    std::string scratch(size, '\0');
    rocksdb::Slice result;
    EXPECT_TRUE(
        file_->Read(offset, size, rocksdb::IOOptions(), &result, scratch.data(), nullptr).ok());
    return result.ToString();
  }
  std::string Expected(uint64_t offset, size_t size) const {
    return offset >= kFileBytes ? "" : content_.substr(offset, size);
  }

  test::ScratchDirectory scratch_;
  std::shared_ptr<CountingFileSystem> disk_ = std::make_shared<CountingFileSystem>();
  DirectFileSystem direct_{disk_};
  std::string content_;
  std::unique_ptr<rocksdb::FSRandomAccessFile> file_;
};

TEST_F(DirectBlobRead, GivesTheFilesBytesAtAnyOffsetAndSize) {
  Prng prng(2);
  for (int i = 0; i < 500; ++i) {
    const uint64_t offset = prng.Below(kFileBytes + 10'000);
    const size_t size = prng.Chance(1, 20) ? 1'500'000 : prng.Below(20'000);
    ASSERT_EQ(Read(offset, size), Expected(offset, size)) << offset << " + " << size;
  }
}

TEST_F(DirectBlobRead, GoingThroughAFileReadsAheadAndNothingTwice) {
  constexpr size_t kRecord = 16'000;
  for (uint64_t offset = 0; offset < kFileBytes; offset += kRecord) {
    ASSERT_EQ(Read(offset, kRecord), Expected(offset, kRecord));
  }
  EXPECT_LT(disk_->reads, 15);
  EXPECT_LT(disk_->bytes, kFileBytes + kStreamBytes);
}

TEST_F(DirectBlobRead, JumpsReadWhatTheyAskFor) {
  for (uint64_t offset = 2'900'000; offset > 100'000; offset -= 100'000) Read(offset, 1000);
  EXPECT_LE(disk_->bytes, 28u * 8192);
}

TEST_F(DirectBlobRead, ReadersOfManyPlacesGetTheirOwnBytes) {
  std::vector<std::thread> readers;
  std::atomic<int> wrong = 0;
  for (uint64_t reader = 0; reader < 4; ++reader) {
    readers.emplace_back([this, reader, &wrong] {
      Prng prng(reader);
      for (int i = 0; i < 30; ++i) {
        uint64_t offset = prng.Below(kFileBytes);
        for (int step = 0; step < 20; ++step, offset += 7000) {
          wrong += Read(offset, 7000) != Expected(offset, 7000);
        }
      }
    });
  }
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace weir::runtime
