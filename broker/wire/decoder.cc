// The parts of the decoder that do not depend on a field's type.
#include "broker/wire/decoder.h"

namespace weir::wire {
namespace {

// Bytes that a UTF-8 sequence with this first byte has; 0 when no sequence starts so.
size_t SequenceSize(uint8_t lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead < 0xe0) return 2;
  if (lead >= 0xe0 && lead < 0xf0) return 3;
  if (lead >= 0xf0 && lead < 0xf5) return 4;
  return 0;
}

// Whether the second byte rules out overlong forms, surrogates and what lies past U+10FFFF.
bool IsValidSecond(uint8_t lead, uint8_t second) {
  if (lead == 0xe0) return second >= 0xa0;
  if (lead == 0xed) return second < 0xa0;
  if (lead == 0xf0) return second >= 0x90;
  if (lead == 0xf4) return second < 0x90;
  return true;
}

}  // namespace

bool IsValidUtf8(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    const uint8_t lead = static_cast<uint8_t>(text[at]);
    const size_t size = SequenceSize(lead);
    if (size == 0 || size > text.size() - at) return false;
    for (size_t i = 1; i < size; ++i) {
      const uint8_t next = static_cast<uint8_t>(text[at + i]);
      if ((next & 0xc0) != 0x80) return false;
      if (i == 1 && !IsValidSecond(lead, next)) return false;
    }
    at += size;
  }
  return true;
}

int64_t Decoder::ReadLength(bool is_string, bool compact) {
  if (compact) return static_cast<int64_t>(reader_.UnsignedVarint()) - 1;
  const int64_t length = is_string ? reader_.Fixed<int16_t>() : reader_.Fixed<int32_t>();
  if (length < -1) reader_.Fail("negative length");
  return length;
}

bool Decoder::Charge(size_t bytes) {
  if (bytes > allocation_left_) {
    reader_.Fail("message needs too much memory for its size");
    return false;
  }
  allocation_left_ -= bytes;
  return true;
}

std::string_view Decoder::ReadText(size_t length) {
  if (length > kStringBytesMax) reader_.Fail("string is too long");
  std::string_view text = reader_.Take(length);
  if (!IsValidUtf8(text)) reader_.Fail("text is not UTF-8");
  return reader_.failed() ? std::string_view() : text;
}

bool Decoder::MayHold(size_t count, size_t element_wire_bytes_min, size_t element_memory_bytes) {
  if (count > reader_.remaining() / element_wire_bytes_min) {
    reader_.Fail("array longer than its bytes");
    return false;
  }
  return Charge(count * element_memory_bytes);
}

}  // namespace weir::wire
