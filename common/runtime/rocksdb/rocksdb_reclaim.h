// Giving back the disk space of dead entries (STORAGE 2.1).
//
// The index of a family is rewritten, which drops dead keys and counts their values as garbage; a
// blob file that is all garbage dies at once, without being read. A blob file that also holds
// living values stays until they are copied out of it: that is done only when asked for, oldest
// files first, a bounded number of bytes at a time, because on a disk that is nearly full the copy
// must fit before the original goes.
// Thread rule: any one thread; takes as long as the disk does.
#pragma once

#include <rocksdb/status.h>

#include <cstdint>
#include <vector>

namespace rocksdb {
class ColumnFamilyHandle;
class DB;
}  // namespace rocksdb

namespace weir::runtime {

// Of one blob file.
struct BlobFileUse {
  uint64_t number = 0;
  uint64_t bytes = 0;
  uint64_t garbage_bytes = 0;
};

// How many of the oldest files to copy the living values out of in one go: as many as have at most
// `copy_bytes_max` of them, up to the last with garbage; where the garbage lies behind those, all
// of them, which brings it nearer. Only files numbered up to `last_number` count. `files` is sorted
// by number. 0: nothing to gain, or a file is too large.
size_t ChooseFilesToCopy(const std::vector<BlobFileUse>& files, uint64_t last_number,
                         uint64_t copy_bytes_max);

// See KvStore::Reclaim.
rocksdb::Status ReclaimSpace(rocksdb::DB& db, rocksdb::ColumnFamilyHandle& family,
                             uint64_t copy_bytes_max);

}  // namespace weir::runtime
