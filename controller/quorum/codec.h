// Fixed-width little-endian integers for the files of this room, and a reader that never runs past
// its end. Thread rule: pure functions and values.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

namespace weir::quorum {

template <class T>
void PutFixed(std::string& out, T value) {
  static_assert(std::is_unsigned_v<T>);
  for (size_t i = 0; i < sizeof(T); ++i) {
    out.push_back(static_cast<char>(value >> (8 * i)));
  }
}

// Reads what PutFixed and raw bytes wrote. After a read past the end `ok` is false and values are
// 0.
class FixedReader {
 public:
  explicit FixedReader(std::string_view bytes) : bytes_(bytes) {}

  template <class T>
  T Get() {
    static_assert(std::is_unsigned_v<T>);
    if (bytes_.size() < sizeof(T)) return Fail<T>();
    T value = 0;
    for (size_t i = 0; i < sizeof(T); ++i) {
      value |= static_cast<T>(static_cast<T>(static_cast<uint8_t>(bytes_[i])) << (8 * i));
    }
    bytes_.remove_prefix(sizeof(T));
    return value;
  }

  std::string_view GetBytes(size_t size) {
    if (bytes_.size() < size) return Fail<std::string_view>();
    const std::string_view taken = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return taken;
  }

  bool ok() const { return ok_; }
  size_t left() const { return bytes_.size(); }
  bool AtEnd() const { return ok_ && bytes_.empty(); }

 private:
  template <class T>
  T Fail() {
    ok_ = false;
    bytes_ = {};
    return T{};
  }

  std::string_view bytes_;
  bool ok_ = true;
};

}  // namespace weir::quorum
