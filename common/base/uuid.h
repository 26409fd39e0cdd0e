// Uuid: 128 bits that name a cluster, a directory or a topic. Printed as Kafka prints them: 22
// characters of URL-safe base64 without padding. Thread rule: plain value.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <ostream>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace weir {

class Prng;

struct Uuid {
  std::array<uint8_t, 16> bytes{};

  bool IsZero() const { return *this == Uuid{}; }

  // 22 characters, e.g. "xtzWWN4bTjitpL3kfd9s5g".
  std::string ToString() const;
  // The 16 raw bytes, as protobuf `bytes` fields carry them.
  std::string ToBytes() const;

  // Errors: kInvalidRequest when the text is not 22 characters of URL-safe base64.
  static Result<Uuid> Parse(std::string_view text);
  // Errors: kInvalidRequest when the size is not 16.
  static Result<Uuid> FromBytes(std::string_view raw);
  // A random (version 4) id that never prints with a leading '-', so that it can stand on a command
  // line.
  static Uuid Random(Prng& prng);

  friend auto operator<=>(const Uuid&, const Uuid&) = default;
  friend std::ostream& operator<<(std::ostream& out, const Uuid& id) {
    return out << id.ToString();
  }
};

}  // namespace weir

template <>
struct std::hash<weir::Uuid> {
  size_t operator()(const weir::Uuid& id) const {
    return std::hash<std::string_view>()(
        std::string_view(reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()));
  }
};
