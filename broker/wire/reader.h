// Reader: a bounded cursor over bytes from outside, big-endian as Kafka writes them.
//
// Laws:
//  1. Nothing is read past the end. A failed read returns zero or empty, the Reader stays failed
//     with the first reason, and its remaining size is 0: a caller checks once, after any number
//     of reads.
//  2. A varint has at most 5 (32 bit) or 10 (64 bit) bytes and must not overflow.
// Thread rule: one owner. Does not own the bytes.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "common/base/check.h"

namespace weir::wire {

// Big-endian integer at an address that need not be aligned.
template <class Integer>
Integer LoadBigEndian(const char* from) {
  Integer value;
  std::memcpy(&value, from, sizeof value);
  if constexpr (sizeof value == 1 || std::endian::native == std::endian::big) return value;
  if constexpr (sizeof value == 2) return static_cast<Integer>(__builtin_bswap16(value));
  if constexpr (sizeof value == 4) return static_cast<Integer>(__builtin_bswap32(value));
  if constexpr (sizeof value == 8) return static_cast<Integer>(__builtin_bswap64(value));
}

template <class Integer>
void StoreBigEndian(char* to, Integer value) {
  if constexpr (std::endian::native == std::endian::little) {
    if constexpr (sizeof value == 2) value = static_cast<Integer>(__builtin_bswap16(value));
    if constexpr (sizeof value == 4) value = static_cast<Integer>(__builtin_bswap32(value));
    if constexpr (sizeof value == 8) value = static_cast<Integer>(__builtin_bswap64(value));
  }
  std::memcpy(to, &value, sizeof value);
}

class Reader {
 public:
  explicit Reader(std::string_view bytes)
      : begin_(bytes.data()), at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  size_t remaining() const { return static_cast<size_t>(end_ - at_); }
  size_t offset() const { return static_cast<size_t>(at_ - begin_); }
  bool failed() const { return reason_ != nullptr; }
  // The first failure; null when none. A static text.
  const char* reason() const { return reason_; }

  void Fail(const char* reason) {
    if (reason_ == nullptr) reason_ = reason;
    at_ = end_;
  }

  template <class Integer>
  Integer Fixed() {
    if (remaining() < sizeof(Integer)) {
      Fail("truncated");
      return Integer{};
    }
    Integer value = LoadBigEndian<Integer>(at_);
    at_ += sizeof(Integer);
    return value;
  }

  // The next `size` bytes as a view into the input.
  std::string_view Take(size_t size) {
    if (remaining() < size) {
      Fail("length beyond the end");
      return {};
    }
    std::string_view taken(at_, size);
    at_ += size;
    return taken;
  }

  uint32_t UnsignedVarint() { return static_cast<uint32_t>(Base128(5, UINT32_MAX)); }
  // Zigzag-coded, as in record bodies (KIP-98).
  int32_t Varint() {
    uint32_t raw = UnsignedVarint();
    return static_cast<int32_t>((raw >> 1) ^ (~(raw & 1) + 1));
  }
  int64_t Varlong() {
    uint64_t raw = Base128(10, UINT64_MAX);
    return static_cast<int64_t>((raw >> 1) ^ (~(raw & 1) + 1));
  }

  // Narrows the reader to its next `size` bytes; gives the old end, to be handed to Widen.
  const char* Narrow(size_t size) {
    const char* old_end = end_;
    if (remaining() < size) {
      Fail("length beyond the end");
    } else {
      end_ = at_ + size;
    }
    return old_end;
  }
  // Ends a Narrow: every byte of it must have been read.
  void Widen(const char* old_end) {
    if (at_ != end_) Fail("bytes left over in a sized field");
    end_ = old_end;
    if (failed()) at_ = end_;
  }

 private:
  uint64_t Base128(int bytes_max, uint64_t value_max) {
    uint64_t value = 0;
    for (int i = 0; i < bytes_max; ++i) {
      uint8_t byte = static_cast<uint8_t>(Fixed<int8_t>());
      uint64_t bits = byte & 0x7f;
      if (bits > (value_max >> (7 * i))) break;
      value |= bits << (7 * i);
      if ((byte & 0x80) == 0) return value;
    }
    Fail("varint too long");
    return 0;
  }

  const char* begin_;
  const char* at_;
  const char* end_;
  const char* reason_ = nullptr;
};

}  // namespace weir::wire
