// Text that must be UTF-8 (JSON, proto3 strings) from bytes that need not be: names in the Kafka
// protocol are what clients say they are.
// Thread rule: pure functions.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace weir {

// `bytes` with '?' for each byte that belongs to no UTF-8 sequence.
std::string ToUtf8(std::string_view bytes);

// The beginning of `text`, at most `bytes_max` bytes of it, cut between two characters.
std::string_view PrefixOf(std::string_view text, size_t bytes_max);

}  // namespace weir
