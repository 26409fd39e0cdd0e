#include "common/runtime/rocksdb/crc_hook.h"

#include <atomic>
#include <cstddef>

#include "common/base/crc32c.h"

namespace {
std::atomic<uint64_t> calls{0};
}  // namespace

namespace weir::runtime {

uint64_t CrcHookCalls() { return calls.load(std::memory_order_relaxed); }

}  // namespace weir::runtime

// The name, namespace and signature are RocksDB's: this is the symbol its library calls.
namespace rocksdb::crc32c {

__attribute__((visibility("default"))) uint32_t Extend(uint32_t initial, const char* data,
                                                       size_t size);

uint32_t Extend(uint32_t initial, const char* data, size_t size) {
  calls.fetch_add(1, std::memory_order_relaxed);
  return weir::Crc32cExtend(initial, data, size);
}

}  // namespace rocksdb::crc32c
