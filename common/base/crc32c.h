// CRC-32C (Castagnoli), as Kafka record batches, RocksDB blocks and our Raft log use it.
// SSE4.2 with three interleaved streams where the CPU has it; slicing tables elsewhere.
// Thread rule: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weir {

// Continues `crc` (0 to begin) over `size` bytes. Extend(Extend(0, a), b) == crc of a followed by
// b.
uint32_t Crc32cExtend(uint32_t crc, const char* data, size_t size);

inline uint32_t Crc32c(std::string_view bytes) {
  return Crc32cExtend(0, bytes.data(), bytes.size());
}

// The two implementations, for tests and the start-up check. Hardware: REQUIRES Crc32cIsHardware().
uint32_t Crc32cExtendPortable(uint32_t crc, const char* data, size_t size);
uint32_t Crc32cExtendHardware(uint32_t crc, const char* data, size_t size);

// Whether this CPU's instruction is in use.
bool Crc32cIsHardware();

}  // namespace weir
