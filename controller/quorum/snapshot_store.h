// SnapshotStore: snapshots of the metadata image on disk, and the one that is arriving.
//
// A file "snapshot-<index>-<term>.snap": magic u64 | version u32 | size of meta u32 | meta | crc32c
// of all before u32 | data | size of data u64 | crc32c of data u32 | end magic u64. Offsets in Raft
// messages count data bytes.
//
// Laws:
//  1. A snapshot has its name only when it is complete, checked and durable: it is written under
//     another name, synced, renamed, and the directory synced (D-06).
//  2. Data is given out only after its checksum was verified once; a damaged snapshot is never
//     loaded, never sent, never deleted by us (J-26).
//  3. The newest two are kept.
// Thread rule: one owner (the snapshot thread after Open).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controller/quorum/disk.h"
#include "controller/raft/ready.h"
#include "controller/raft/types.h"

namespace weir::quorum {

class SnapshotStore {
 public:
  struct Loaded {
    raft::SnapshotMeta meta;
    std::string data;
  };

  // Removes leftovers of unfinished snapshots. `disk` must outlive the store. Errors:
  // kKafkaStorageError.
  static Result<std::unique_ptr<SnapshotStore>> Open(Disk& disk);

  // The newest snapshot. None when there is none. Errors: kCorruptMessage when the newest is
  // damaged: an older one would take back acknowledged state.
  Result<std::optional<Loaded>> LoadNewest();

  // Writes a snapshot of our own in one go; durable on return. Errors: kKafkaStorageError.
  Status Save(const raft::SnapshotMeta& meta, const std::string& data);

  // Stores a piece of an arriving snapshot: piece 0 begins anew. True when it was the last one and
  // the snapshot is complete and durable. Errors: kPositionOutOfRange (pieces do not fit together),
  // kKafkaStorageError.
  Result<bool> StoreChunk(const raft::SnapshotChunk& chunk);

  // Up to bytes_max bytes of the data of the snapshot `meta` from `offset`, and whether they are
  // its last. Errors: kSnapshotNotFound, kCorruptMessage, kKafkaStorageError.
  struct Piece {
    std::string data;
    bool is_last = false;
  };
  Result<Piece> ReadPiece(const raft::SnapshotMeta& meta, uint64_t offset, size_t bytes_max);

  // 0 when there is none.
  LogIndex newest_index() const;

 private:
  struct Name {
    LogIndex index;
    Term term;
    auto operator<=>(const Name&) const = default;
  };
  struct Layout {
    uint64_t data_offset = 0;
    uint64_t data_bytes = 0;
  };

  explicit SnapshotStore(Disk& disk) : disk_(disk) {}
  static std::string FileName(const Name& name);
  static std::optional<Name> ParseFileName(std::string_view file);
  Status Begin(const raft::SnapshotMeta& meta);
  Status Write(std::string_view data);
  Status Finish();
  Status DropOld();
  // The layout of a whole and correct file; verifies every byte.
  Result<Layout> Verify(const Name& name, raft::SnapshotMeta* meta, std::string* data) const;

  Disk& disk_;
  std::vector<Name> names_;  // oldest first
  // The snapshot being written.
  std::unique_ptr<DiskFile> file_;
  raft::SnapshotMeta meta_;
  uint64_t data_bytes_ = 0;
  uint32_t data_crc_ = 0;
  // The one that pieces were last read from.
  std::optional<std::pair<Name, Layout>> verified_;
};

}  // namespace weir::quorum
