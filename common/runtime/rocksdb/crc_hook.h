// The CRC-32C hook: the packaged librocksdb computes CRCs in software, which is more than a third
// of what an append costs. Its rocksdb::crc32c::Extend is exported and called through the PLT, so
// the definition in crc_hook.cc, linked into our executables, takes its place for the whole library
// (STORAGE "Measured here first").
//
// Laws:
//  1. Same results as the original: the hook changes speed, never bytes.
//  2. That it is in force is shown at every start by counting calls around RocksDB's own work; a
//     binary in which the linker or loader chose otherwise is slower and says so.
// Thread rule: any thread.
#pragma once

#include <cstdint>

namespace weir::runtime {

// How often RocksDB has called the hook so far.
uint64_t CrcHookCalls();

}  // namespace weir::runtime
