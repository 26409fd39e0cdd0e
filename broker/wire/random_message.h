// random_message.h: random values of a message at one version, for round-trip tests and fuzzing
//
//
// Laws:
//  1. Only fields that the version carries are filled; the others keep their defaults, as after
//     decoding.
//  2. Every field that may be null sometimes is; arrays are short, so that deep messages stay
//     small.
// Thread rule: one owner of the Prng and of the text store.
#pragma once

#include <bit>
#include <deque>
#include <string>

#include "broker/wire/describe.h"
#include "common/base/error_code.h"
#include "common/base/prng.h"
#include "common/base/uuid.h"

namespace weir::wire {

// Owns the text behind the string views of random messages.
using TextStore = std::deque<std::string>;

class RandomFiller {
 public:
  RandomFiller(Prng& prng, TextStore& texts, int16_t version)
      : prng_(prng), texts_(texts), version_(version) {}

  template <class T, class... Default>
  void operator()(const char*, T& field, const FieldSpec& spec, const Default&...) {
    if (!spec.versions.Contains(version_)) return;
    if constexpr (kIsOptional<T>) {
      field.reset();
      if (spec.nullable.Contains(version_) && prng_.Chance(1, 4)) return;
      Fill(field.emplace(typename T::value_type{}));
    } else {
      Fill(field);
    }
  }

 private:
  template <class T>
  [[gnu::noinline]] void Fill(T& value) {
    if constexpr (Described<T>) {
      T::Describe(*this, value);
    } else if constexpr (kIsArray<T>) {
      value.resize(prng_.Below(4));
      for (auto& element : value) Fill(element);
    } else if constexpr (std::same_as<T, std::string>) {
      value = Text();
    } else if constexpr (std::same_as<T, std::string_view>) {
      value = texts_.emplace_back(Text());
    } else if constexpr (std::same_as<T, bool>) {
      value = prng_.Chance(1, 2);
    } else if constexpr (std::same_as<T, double>) {
      value = static_cast<double>(prng_.Between(-1'000'000, 1'000'000)) / 64;
    } else if constexpr (std::same_as<T, ErrorCode>) {
      value = static_cast<ErrorCode>(prng_.Between(-1, 133));
    } else if constexpr (std::same_as<T, Uuid>) {
      value = Uuid::Random(prng_);
    } else if constexpr (std::same_as<T, Bytes>) {
      value.data = Opaque(40);
    } else if constexpr (std::same_as<T, Records>) {
      value = Records(SharedBytes::Copy(Opaque(2000)));
    } else {
      // Small and extreme values are where encodings break.
      value = static_cast<T>(prng_.Next() >> prng_.Below(64));
    }
  }

  std::string Text() {
    constexpr const char* kPieces[] = {"a", "topic", "-", ".", "é", "漢", "😀", "0", "_"};
    std::string text;
    for (uint64_t left = prng_.Below(6); left > 0; --left) {
      text += kPieces[prng_.Below(std::size(kPieces))];
    }
    if (prng_.Chance(1, 20)) text.append(300, 'x');
    return text;
  }
  std::string Opaque(uint64_t bytes_max) {
    std::string bytes(prng_.Below(bytes_max + 1), '\0');
    for (char& byte : bytes) byte = static_cast<char>(prng_.Next());
    return bytes;
  }

  Prng& prng_;
  TextStore& texts_;
  const int16_t version_;
};

// A random message of that version; its views point into `texts`.
template <Message M>
M RandomMessage(Prng& prng, TextStore& texts, int16_t version) {
  M message;
  RandomFiller fill(prng, texts, version);
  M::Describe(fill, message);
  return message;
}

}  // namespace weir::wire
