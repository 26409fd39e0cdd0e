// What classic consumers put into JoinGroup (protocol type "consumer"), version 1: for tests that
// play them. Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <type_traits>
#include <vector>

namespace weir::test {

namespace consumer_protocol {

template <class Int>
void Put(Int value, std::string* out) {
  for (int shift = static_cast<int>(sizeof(Int)) * 8 - 8; shift >= 0; shift -= 8) {
    out->push_back(static_cast<char>(static_cast<std::make_unsigned_t<Int>>(value) >> shift));
  }
}

inline void PutText(const std::string& text, std::string* out) {
  Put(static_cast<int16_t>(text.size()), out);
  *out += text;
}

}  // namespace consumer_protocol

// `owned`: by topic; empty for eager consumers, which have given all up.
inline std::string ClassicSubscriptionOf(
    const std::vector<std::string>& topics,
    const std::map<std::string, std::vector<int32_t>>& owned = {}) {
  using consumer_protocol::Put;
  using consumer_protocol::PutText;
  std::string out;
  Put(int16_t{1}, &out);
  Put(static_cast<int32_t>(topics.size()), &out);
  for (const std::string& topic : topics) PutText(topic, &out);
  // No user data.
  Put(int32_t{-1}, &out);
  Put(static_cast<int32_t>(owned.size()), &out);
  for (const auto& [topic, partitions] : owned) {
    PutText(topic, &out);
    Put(static_cast<int32_t>(partitions.size()), &out);
    for (const int32_t partition : partitions) Put(partition, &out);
  }
  return out;
}

}  // namespace weir::test
