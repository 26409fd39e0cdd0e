// DiskSpace: whether there is room on a data directory's file system for more records.
//
// A part of the disk, the reserve, is kept free of records, so that RocksDB never meets a full disk
// (which would end the process): what is in memory must still reach the data files, and reclaiming
// copies before it deletes. Free is therefore what the file system has, less what is already spoken
// for: memtables, and queued appends twice, once for the write-ahead log and once for data files.
//
//   room --(free < reserve, or room spent)--> full --(free >= reserve + a quarter)--> room
//
// Laws:
//  1. Between the two marks nothing changes: a disk at the edge does not flap.
// Thread rule: plain values; no clock, no file.
#pragma once

#include <cstdint>

namespace weir::log {

// What is known of the disk at one moment.
struct DiskSample {
  // Of the file system, as a process without privileges sees it.
  uint64_t total_bytes = 0;
  uint64_t available_bytes = 0;
  // Not in data files yet.
  uint64_t unflushed_bytes = 0;
  uint64_t queued_bytes = 0;
  // All the room that the sample before found has been given away: records are refused already.
  bool room_spent = false;
};

// The reserve when none is configured: a twentieth of the disk, 256 MiB at least and 4 GiB at most.
// The least is what 1 GB/s write between two looks at the disk, the most an hour's warning is not
// worth more.
uint64_t DefaultReserve(uint64_t total_bytes);

class DiskSpace {
 public:
  // `reserve_bytes` 0: DefaultReserve of the disk as it is.
  explicit DiskSpace(uint64_t reserve_bytes) : configured_reserve_bytes_(reserve_bytes) {}

  // True when full() has changed.
  bool Update(const DiskSample& sample);

  bool full() const { return full_; }
  uint64_t reserve_bytes() const { return reserve_bytes_; }
  // Bytes of the disk that records may still take; 0 below the reserve.
  uint64_t room_bytes() const {
    return free_bytes_ < reserve_bytes_ ? 0 : free_bytes_ - reserve_bytes_;
  }
  // Bytes of entries that fit there.
  uint64_t entry_bytes() const { return room_bytes() / kCopies; }

 private:
  // In the write-ahead log and in a data file.
  static constexpr uint64_t kCopies = 2;

  uint64_t configured_reserve_bytes_;
  uint64_t reserve_bytes_ = 0;
  uint64_t free_bytes_ = 0;
  bool full_ = false;
};

}  // namespace weir::log
