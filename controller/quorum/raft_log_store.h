// RaftLogStore: the Raft log on disk, in segment files of batches that are only ever appended to.
//
// A segment "log-<number>.seg" is a header and then batches. A batch is what one fsync made
// durable:
//   magic u32 | size of body u32 | crc32c of magic, size and body u32 | body
//   body: crc of the batch before it u32 | count u32 | count x { term u64, index u64, type u8, size
//   u32, payload } header: magic u64 | version u32 | number u64 | flags u32 | base index u64 | base
//   term u64 | crc32c u32
// An entry whose index is not above the last one replaces it and everything after it: overwriting
// is appending, so no write ever touches bytes that were acknowledged.
//
// Laws:
//  1. Nothing is acknowledged before its fsync, and the next batch is written only after it
//
//  2. Therefore an unreadable batch with nothing readable behind it, at the end of the last
//     segment, is a torn tail and is cut; an unreadable one with something readable behind it is
//     damage to acknowledged data: the store does not open. It never drops a readable
//     entry.
//  3. A failed write or fsync is final: every later call fails too.
//  4. A segment is deleted only when every entry in it is older than asked for; the oldest first.
// Thread rule: one owner (the log writer thread after Open).
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "controller/quorum/disk.h"
#include "controller/raft/types.h"

namespace weir::quorum {

struct LogStoreOptions {
  // A new segment begins when the current one has grown to this.
  uint64_t segment_bytes = 4 * 1024 * 1024;
};

// What a log on disk holds.
struct RecoveredLog {
  std::vector<raft::Entry> entries;
  // Bytes of a torn tail that were cut; 0 normally.
  uint64_t cut_bytes = 0;
};

class RaftLogStore {
 public:
  // Reads and checks everything, cuts a torn tail. `disk` must outlive the store.
  // Errors: kCorruptMessage naming file, offset and what to do; kKafkaStorageError.
  static Result<std::unique_ptr<RaftLogStore>> Open(Disk& disk, LogStoreOptions options,
                                                    RecoveredLog* recovered);

  // Appends `entries` (contiguous; the first may lie at or below the last one stored and then
  // replaces from there on) and returns when they are durable. No entries: nothing. Errors:
  // kKafkaStorageError.
  Status Append(const std::vector<raft::Entry>& entries);
  // Voids everything stored; the next entry will follow (base_term, base_index). Durable on return.
  Status ResetTo(Term base_term, LogIndex base_index);
  // Deletes the oldest segments whose entries are all before `index`.
  Status DeleteBefore(LogIndex index);

  uint64_t bytes() const;
  size_t segment_count() const { return segments_.size(); }

 private:
  struct Segment {
    uint64_t number = 0;
    uint64_t bytes = 0;
    // The highest index that any entry in it has or had.
    LogIndex highest;
  };

  RaftLogStore(Disk& disk, LogStoreOptions options) : disk_(disk), options_(options) {}
  friend class LogRecovery;

  Status StartSegment(bool reset, Term base_term, LogIndex base_index);
  // Remembers a failure for good (law 3).
  Status Note(Status status);

  Disk& disk_;
  const LogStoreOptions options_;
  std::deque<Segment> segments_;
  std::unique_ptr<DiskFile> file_;
  uint32_t previous_crc_ = 0;
  Status sticky_;
};

}  // namespace weir::quorum
