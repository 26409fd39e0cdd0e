#include "common/runtime/rocksdb/rocksdb_reclaim.h"

#include <rocksdb/db.h>
#include <rocksdb/metadata.h>
#include <rocksdb/options.h>

#include <algorithm>
#include <string>

namespace weir::runtime {
namespace {

// Copying pays when at least this share of a family's bytes is garbage.
constexpr uint64_t kGarbageShareMin = 10;  // one tenth

std::vector<BlobFileUse> BlobFiles(rocksdb::DB& db, rocksdb::ColumnFamilyHandle& family) {
  rocksdb::ColumnFamilyMetaData metadata;
  db.GetColumnFamilyMetaData(&family, &metadata);
  std::vector<BlobFileUse> files;
  files.reserve(metadata.blob_files.size());
  for (const rocksdb::BlobMetaData& file : metadata.blob_files) {
    files.push_back({file.blob_file_number, file.total_blob_bytes, file.garbage_blob_bytes});
  }
  std::sort(files.begin(), files.end(),
            [](const BlobFileUse& a, const BlobFileUse& b) { return a.number < b.number; });
  return files;
}

bool CopyingPays(const std::vector<BlobFileUse>& files) {
  uint64_t bytes = 0;
  uint64_t garbage = 0;
  for (const BlobFileUse& file : files) {
    bytes += file.bytes;
    garbage += file.garbage_bytes;
  }
  return garbage > 0 && garbage >= bytes / kGarbageShareMin;
}

rocksdb::CompactRangeOptions WholeFamily() {
  rocksdb::CompactRangeOptions options;
  options.exclusive_manual_compaction = false;
  options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
  return options;
}

}  // namespace

size_t ChooseFilesToCopy(const std::vector<BlobFileUse>& files, uint64_t last_number,
                         uint64_t copy_bytes_max) {
  size_t with_garbage = 0;
  size_t affordable = 0;
  uint64_t living = 0;
  for (const BlobFileUse& file : files) {
    if (file.number > last_number) break;
    living += file.bytes - file.garbage_bytes;
    if (living <= copy_bytes_max) {
      ++affordable;
      if (file.garbage_bytes > 0) with_garbage = affordable;
    } else if (with_garbage > 0) {
      break;
    } else if (file.garbage_bytes > 0) {
      return affordable;
    }
  }
  return with_garbage;
}

rocksdb::Status ReclaimSpace(rocksdb::DB& db, rocksdb::ColumnFamilyHandle& family,
                             uint64_t copy_bytes_max) {
  rocksdb::Status status = db.CompactRange(WholeFamily(), &family, nullptr, nullptr);
  if (!status.ok() || copy_bytes_max == 0) return status;
  std::vector<BlobFileUse> files = BlobFiles(db, family);
  if (!CopyingPays(files)) return status;
  // Copies get higher numbers: each file is copied once, and the loop ends.
  const uint64_t last_number = files.back().number;
  while (const size_t count = ChooseFilesToCopy(files, last_number, copy_bytes_max)) {
    rocksdb::CompactRangeOptions options = WholeFamily();
    options.blob_garbage_collection_policy = rocksdb::BlobGarbageCollectionPolicy::kForce;
    // RocksDB rounds share * files down.
    options.blob_garbage_collection_age_cutoff =
        std::min(1.0, (static_cast<double>(count) + 0.5) / static_cast<double>(files.size()));
    const uint64_t copied_up_to = files[count - 1].number;
    status = db.CompactRange(options, &family, nullptr, nullptr);
    if (!status.ok()) return status;
    files = BlobFiles(db, family);
    // A reader holds an old file: it goes when the reader does.
    if (!files.empty() && files.front().number <= copied_up_to) return status;
  }
  return status;
}

}  // namespace weir::runtime
