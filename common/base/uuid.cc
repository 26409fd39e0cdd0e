#include "common/base/uuid.h"

#include <cstring>

#include "common/base/prng.h"

namespace weir {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr size_t kTextSize = 22;

}  // namespace

std::string Uuid::ToString() const {
  std::string text;
  text.reserve(kTextSize);
  uint32_t buffer = 0;
  int bits = 0;
  for (uint8_t byte : bytes) {
    buffer = (buffer << 8) | byte;
    for (bits += 8; bits >= 6; bits -= 6) text += kAlphabet[(buffer >> (bits - 6)) & 63];
  }
  text += kAlphabet[(buffer << (6 - bits)) & 63];
  return text;
}

std::string Uuid::ToBytes() const {
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

Result<Uuid> Uuid::Parse(std::string_view text) {
  if (text.size() != kTextSize) {
    return Fail(ErrorCode::kInvalidRequest, "an id has 22 characters: " + std::string(text));
  }
  Uuid id;
  uint32_t buffer = 0;
  int bits = 0;
  size_t filled = 0;
  for (char c : text) {
    const size_t digit = kAlphabet.find(c);
    if (digit == std::string_view::npos) {
      return Fail(ErrorCode::kInvalidRequest, "not URL-safe base64: " + std::string(text));
    }
    buffer = (buffer << 6) | static_cast<uint32_t>(digit);
    bits += 6;
    if (bits >= 8 && filled < id.bytes.size()) {
      id.bytes[filled++] = static_cast<uint8_t>(buffer >> (bits - 8));
      bits -= 8;
    }
  }
  return id;
}

Result<Uuid> Uuid::FromBytes(std::string_view raw) {
  Uuid id;
  if (raw.size() != id.bytes.size()) {
    return Fail(ErrorCode::kInvalidRequest,
                "an id has 16 bytes, not " + std::to_string(raw.size()));
  }
  std::memcpy(id.bytes.data(), raw.data(), raw.size());
  return id;
}

Uuid Uuid::Random(Prng& prng) {
  Uuid id;
  do {
    for (size_t i = 0; i < id.bytes.size(); i += 8) {
      const uint64_t word = prng.Next();
      std::memcpy(id.bytes.data() + i, &word, sizeof(word));
    }
    id.bytes[6] = static_cast<uint8_t>((id.bytes[6] & 0x0f) | 0x40);
    id.bytes[8] = static_cast<uint8_t>((id.bytes[8] & 0x3f) | 0x80);
  } while (id.ToString().front() == '-');
  return id;
}

}  // namespace weir
