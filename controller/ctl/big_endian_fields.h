// Reads the big-endian fields of a Kafka message that a broker answered, for the few commands of
// `weir` that ask one.

#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weir::ctl {

// Fields one after the other. Once one is missing, it and all that follow read as 0 or "", and `ok`
// says so.
class BigEndianFields {
 public:
  // `bytes` must outlive this and what Text returned.
  explicit BigEndianFields(std::string_view bytes) : bytes_(bytes) {}

  // A signed integer of `size` bytes, 1 to 8.
  int64_t Integer(size_t size) {
    const std::string_view raw = Take(size);
    uint64_t value = raw.empty() || (raw[0] & 0x80) == 0 ? 0 : ~uint64_t{0};
    for (const char byte : raw) value = value << 8 | static_cast<unsigned char>(byte);
    return static_cast<int64_t>(value);
  }
  // A STRING: its length as two bytes, then UTF-8. A null is not one.
  std::string_view Text() {
    const int64_t size = Integer(2);
    if (size < 0) ok_ = false;
    return Take(static_cast<size_t>(std::max<int64_t>(size, 0)));
  }
  bool ok() const { return ok_; }

 private:
  std::string_view Take(size_t size) {
    if (size > bytes_.size()) ok_ = false;
    if (!ok_) return {};
    const std::string_view taken = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return taken;
  }

  std::string_view bytes_;
  bool ok_ = true;
};

}  // namespace weir::ctl
