#include "common/base/crc32c.h"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace weir {
namespace {

constexpr uint32_t kPolynomial = 0x82f63b78;  // Castagnoli, reflected

using Table = std::array<uint32_t, 256>;

constexpr std::array<Table, 8> MakeTables() {
  std::array<Table, 8> tables{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) ? kPolynomial : 0);
    tables[0][i] = crc;
  }
  for (uint32_t i = 0; i < 256; ++i) {
    for (size_t t = 1; t < 8; ++t) {
      tables[t][i] = (tables[t - 1][i] >> 8) ^ tables[0][tables[t - 1][i] & 0xff];
    }
  }
  return tables;
}

constexpr std::array<Table, 8> kTables = MakeTables();

uint64_t Load64(const char* data) {
  uint64_t word;
  std::memcpy(&word, data, sizeof(word));
  return word;
}

// Multiplication modulo the polynomial, bit-reflected: advances a CRC over zero bytes.
constexpr uint32_t MultiplyModP(uint32_t a, uint32_t b) {
  uint32_t product = 0;
  for (uint32_t mask = 1u << 31; mask != 0; mask >>= 1) {
    if (a & mask) product ^= b;
    b = (b >> 1) ^ ((b & 1) ? kPolynomial : 0);
  }
  return product;
}

// x^(8 * bytes) modulo the polynomial.
constexpr uint32_t PowerOfBytes(uint64_t bytes) {
  uint32_t power = 1u << 31;
  uint32_t square = 1u << 23;  // x^8
  for (; bytes != 0; bytes >>= 1) {
    if (bytes & 1) power = MultiplyModP(power, square);
    square = MultiplyModP(square, square);
  }
  return power;
}

// Lookup tables that shift a CRC over one stripe of zero bytes.
using ShiftTables = std::array<Table, 4>;

constexpr ShiftTables MakeShiftTables(uint64_t bytes) {
  ShiftTables tables{};
  const uint32_t power = PowerOfBytes(bytes);
  for (size_t t = 0; t < 4; ++t) {
    for (uint32_t i = 0; i < 256; ++i) tables[t][i] = MultiplyModP(power, i << (8 * t));
  }
  return tables;
}

// Three streams hide the 3-cycle latency of the instruction. Long stripes for batches, short ones
// for headers and small records.
constexpr size_t kLongStripe = 4096;
constexpr size_t kShortStripe = 256;
const ShiftTables kShiftLong = MakeShiftTables(kLongStripe);
const ShiftTables kShiftShort = MakeShiftTables(kShortStripe);

uint32_t Shift(const ShiftTables& tables, uint32_t crc) {
  return tables[0][crc & 0xff] ^ tables[1][(crc >> 8) & 0xff] ^ tables[2][(crc >> 16) & 0xff] ^
         tables[3][crc >> 24];
}

}  // namespace

uint32_t Crc32cExtendPortable(uint32_t crc, const char* data, size_t size) {
  crc = ~crc;
  for (; size >= 8; data += 8, size -= 8) {
    const uint64_t word = Load64(data) ^ crc;
    crc = kTables[7][word & 0xff] ^ kTables[6][(word >> 8) & 0xff] ^
          kTables[5][(word >> 16) & 0xff] ^ kTables[4][(word >> 24) & 0xff] ^
          kTables[3][(word >> 32) & 0xff] ^ kTables[2][(word >> 40) & 0xff] ^
          kTables[1][(word >> 48) & 0xff] ^ kTables[0][word >> 56];
  }
  for (; size > 0; ++data, --size) {
    crc = (crc >> 8) ^ kTables[0][(crc ^ static_cast<uint8_t>(*data)) & 0xff];
  }
  return ~crc;
}

#if defined(__x86_64__)

__attribute__((target("sse4.2"))) static uint64_t ThreeStripes(const ShiftTables& shift,
                                                               size_t stripe, uint64_t crc,
                                                               const char* data) {
  uint64_t second = 0;
  uint64_t third = 0;
  for (size_t i = 0; i < stripe; i += 8) {
    crc = _mm_crc32_u64(crc, Load64(data + i));
    second = _mm_crc32_u64(second, Load64(data + stripe + i));
    third = _mm_crc32_u64(third, Load64(data + 2 * stripe + i));
  }
  crc = Shift(shift, static_cast<uint32_t>(crc)) ^ second;
  return Shift(shift, static_cast<uint32_t>(crc)) ^ third;
}

__attribute__((target("sse4.2"))) uint32_t Crc32cExtendHardware(uint32_t initial, const char* data,
                                                                size_t size) {
  uint64_t crc = static_cast<uint32_t>(~initial);
  for (; size >= 3 * kLongStripe; data += 3 * kLongStripe, size -= 3 * kLongStripe) {
    crc = ThreeStripes(kShiftLong, kLongStripe, crc, data);
  }
  for (; size >= 3 * kShortStripe; data += 3 * kShortStripe, size -= 3 * kShortStripe) {
    crc = ThreeStripes(kShiftShort, kShortStripe, crc, data);
  }
  for (; size >= 8; data += 8, size -= 8) crc = _mm_crc32_u64(crc, Load64(data));
  for (; size > 0; ++data, --size) {
    crc = _mm_crc32_u8(static_cast<uint32_t>(crc), static_cast<uint8_t>(*data));
  }
  return ~static_cast<uint32_t>(crc);
}

bool Crc32cIsHardware() {
  static const bool supported = __builtin_cpu_supports("sse4.2");
  return supported;
}

#else

uint32_t Crc32cExtendHardware(uint32_t crc, const char* data, size_t size) {
  return Crc32cExtendPortable(crc, data, size);
}

bool Crc32cIsHardware() { return false; }

#endif

uint32_t Crc32cExtend(uint32_t crc, const char* data, size_t size) {
  return Crc32cIsHardware() ? Crc32cExtendHardware(crc, data, size)
                            : Crc32cExtendPortable(crc, data, size);
}

}  // namespace weir
