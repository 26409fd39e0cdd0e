// describe.h: the vocabulary in which a Kafka message is described once (D9).
//
// A message is a struct with `static constexpr MessageInfo kInfo` and a static member template
//
//   template <class Visitor, class Self>
//   static void Describe(Visitor& visit, Self& self) {
//     visit("Name", self.name, Always());
//     visit("Rack", self.rack, Since(1).Nullable());
//     visit("LeaderEpoch", self.leader_epoch, Since(10).Tagged(0), -1);
//   }
//
// Decoding, encoding, printing, random generation and the signature dump are visitors of it.
// Laws:
//  1. Fields stand in wire order; tagged fields after all others, by ascending tag.
//  2. The member initialiser is the protocol's default: what a version without the field means. A
//     tagged field whose default is not the empty value of its type repeats it as the fourth
//     argument.
//  3. A field that is nullable in any version is a std::optional.
// Thread rule: plain values and pure functions.
#pragma once

#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "broker/wire/api_keys.h"
#include "broker/wire/field_types.h"

namespace weir::wire {

// What a message is: its API, its name in the protocol, its versions and the first flexible one
// (KIP-482).
struct MessageInfo {
  ApiKey api_key;
  const char* name;
  VersionRange versions;
  int16_t flexible_from;

  constexpr bool IsFlexible(int16_t version) const { return version >= flexible_from; }
};

// How a field stands on the wire, by version.
struct FieldSpec {
  VersionRange versions;
  VersionRange nullable = kNoVersions;
  int16_t tag = -1;           // -1: not a tagged field
  bool always_plain = false;  // int16 length even in flexible versions (the header's client id)

  constexpr FieldSpec Nullable() const { return WithNullable({}); }
  constexpr FieldSpec NullableSince(int16_t first) const { return WithNullable({first}); }
  constexpr FieldSpec NullableUntil(int16_t last) const { return WithNullable({0, last}); }
  constexpr FieldSpec Tagged(int16_t number) const {
    FieldSpec spec = *this;
    spec.tag = number;
    return spec;
  }
  constexpr FieldSpec AlwaysPlain() const {
    FieldSpec spec = *this;
    spec.always_plain = true;
    return spec;
  }
  constexpr bool IsTagged() const { return tag >= 0; }

 private:
  constexpr FieldSpec WithNullable(VersionRange range) const {
    FieldSpec spec = *this;
    spec.nullable = range;
    return spec;
  }
};

constexpr FieldSpec Always() { return {}; }
constexpr FieldSpec Since(int16_t first) { return {.versions = {first}}; }
constexpr FieldSpec Until(int16_t last) { return {.versions = {0, last}}; }
constexpr FieldSpec Between(int16_t first, int16_t last) { return {.versions = {first, last}}; }

// Visits nothing; serves the concept below.
struct NullVisitor {
  template <class... Arguments>
  void operator()(Arguments&&...) {}
};

// A struct with a description, message or part of one.
template <class T>
concept Described = requires(NullVisitor& visit, T& value) {
  T::Describe(visit, value);
};

// A whole message: it also has a name and versions.
template <class T>
concept Message = Described<T> && requires {
  { T::kInfo } -> std::convertible_to<MessageInfo>;
};

template <class T>
inline constexpr bool kIsOptional = false;
template <class T>
inline constexpr bool kIsOptional<std::optional<T>> = true;

template <class T>
inline constexpr bool kIsArray = false;
template <class T>
inline constexpr bool kIsArray<std::vector<T>> = true;

template <class T>
inline constexpr bool kIsString = std::same_as<T, std::string> || std::same_as<T, std::string_view>;

}  // namespace weir::wire
