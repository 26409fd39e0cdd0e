// Fields of the keys and values that records of committed offsets and of their resets are made of,
// as Kafka's generated messages of a version that is not flexible write them: big-endian numbers,
// and strings after their length.

#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "broker/wire/offset_records.h"
#include "broker/wire/reader.h"
#include "common/base/check.h"

namespace weir::wire {

template <class Integer>
void AppendFixed(std::string& to, Integer value) {
  char raw[sizeof value];
  StoreBigEndian(raw, value);
  to.append(raw, sizeof value);
}

// REQUIRES: `text` of at most kOffsetKeyStringBytesMax bytes.
inline void AppendString(std::string& to, std::string_view text) {
  WEIR_CHECK(text.size() <= kOffsetKeyStringBytesMax);
  AppendFixed(to, static_cast<int16_t>(text.size()));
  to.append(text);
}

// Fails `reader` when the string is null. The text lies in what is read.
inline std::string_view ReadString(Reader& reader) {
  const auto size = reader.Fixed<int16_t>();
  if (size < 0) reader.Fail("null string");
  return reader.Take(static_cast<size_t>(std::max<int16_t>(size, 0)));
}

}  // namespace weir::wire
