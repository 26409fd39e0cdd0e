// Decoder: the visitor that fills a described struct from bytes of outside.
//
// Laws:
//  1. Every length is checked against the bytes that remain, divided by the least size of an
//     element, before anything is allocated.
//  2. One message allocates at most kAllocationFloor + kAmplificationMax times its bytes:
//     an array of a million empty strings is refused, not built.
//  3. Tagged fields ascend, are bounded in number, and fill their size exactly; unknown ones are
//     skipped (KIP-482).
//  4. Strings are valid UTF-8 of at most kStringBytesMax bytes; null is accepted only where
//     the version allows it; bytes after the message are an error.
// Structs and arrays are functions of their own, never inlined into each other: a hundred messages
// would otherwise become functions that take minutes to compile and gain nothing. Thread rule: one
// owner.
#pragma once

#include <algorithm>

#include "broker/wire/describe.h"
#include "broker/wire/reader.h"
#include "common/base/error_code.h"
#include "common/base/limits.h"
#include "common/base/uuid.h"

namespace weir::wire {

// Whether `text` is well-formed UTF-8 (no surrogates, no overlong forms).
bool IsValidUtf8(std::string_view text);

// The least number of bytes that a value of a type takes on the wire.
template <class T>
size_t MinWireSize(int16_t version, bool flexible);

// Adds up the least size of a struct's fields.
class MinSizeVisitor {
 public:
  MinSizeVisitor(int16_t version, bool flexible) : version_(version), flexible_(flexible) {}

  template <class T, class... Default>
  void operator()(const char*, const T&, const FieldSpec& spec, const Default&...) {
    if (spec.IsTagged() || !spec.versions.Contains(version_)) return;
    size_ += MinWireSize<T>(version_, flexible_);
  }
  size_t size() const { return size_ + (flexible_ ? 1 : 0); }

 private:
  int16_t version_;
  bool flexible_;
  size_t size_ = 0;
};

template <class T>
size_t MinWireSize(int16_t version, bool flexible) {
  if constexpr (kIsOptional<T>) {
    if constexpr (Described<typename T::value_type>) return 1;
    return MinWireSize<typename T::value_type>(version, flexible);
  } else if constexpr (kIsArray<T> || std::same_as<T, Bytes> || std::same_as<T, Records>) {
    return flexible ? 1 : 4;
  } else if constexpr (kIsString<T>) {
    return flexible ? 1 : 2;
  } else if constexpr (Described<T>) {
    const T value{};
    MinSizeVisitor visit(version, flexible);
    T::Describe(visit, value);
    return visit.size();
  } else {
    return sizeof(T);
  }
}

class Decoder {
 public:
  static constexpr size_t kAllocationFloor = 64 * 1024;
  static constexpr size_t kAmplificationMax = 16;
  // What an int16 can say; Kafka keeps to it where the length is a varint too.
  static constexpr size_t kStringBytesMax = 32'767;

  // `frame` holds what is decoded; views and record slices of the result point into it.
  Decoder(const SharedBytes& frame, int16_t version, bool flexible)
      : frame_(frame),
        reader_(frame.view()),
        version_(version),
        flexible_(flexible),
        allocation_left_(kAllocationFloor + kAmplificationMax * frame.size()) {}

  Reader& reader() { return reader_; }

  // Fields of `object`, then the tagged section of a flexible version.
  template <Described T>
  [[gnu::noinline]] void ReadStruct(T& object) {
    T::Describe(*this, object);
    if (flexible_) ReadTaggedFields(object);
  }

  // The visitor: reads one field if the version carries it.
  template <class T, class... Default>
  void operator()(const char*, T& field, const FieldSpec& spec, const Default&...) {
    if (spec.IsTagged() || !spec.versions.Contains(version_)) return;
    ReadField(field, spec);
  }

 private:
  // Picks the field of one tag out of a description.
  struct TagVisitor {
    Decoder& decoder;
    int64_t tag;
    bool found = false;

    template <class T, class... Default>
    void operator()(const char*, T& field, const FieldSpec& spec, const Default&...) {
      if (spec.tag != tag || !spec.versions.Contains(decoder.version_)) return;
      found = true;
      decoder.ReadField(field, spec);
    }
  };

  template <class T>
  void ReadField(T& field, const FieldSpec& spec) {
    const bool compact = flexible_ && !spec.always_plain;
    if constexpr (kIsOptional<T>) {
      ReadNullable(field, spec.nullable.Contains(version_), compact);
    } else {
      ReadValue(field, compact);
    }
  }

  template <class T>
  void ReadNullable(std::optional<T>& field, bool may_be_null, bool compact) {
    field.reset();
    if constexpr (Described<T>) {
      // A nullable struct is led by one byte, -1 for null; one that is not nullable here has none.
      if (may_be_null && reader_.Fixed<int8_t>() < 0) return;
      // From a T, not from nothing: clang takes a struct inside its message for one that has no
      // default constructor yet.
      ReadStruct(field.emplace(T{}));
    } else {
      int64_t length = ReadLength(kIsString<T>, compact);
      if (length < 0) {
        if (!may_be_null) reader_.Fail("null in a field that is not nullable");
        return;
      }
      ReadSized(field.emplace(), static_cast<size_t>(length), compact);
    }
    if (reader_.failed()) field.reset();
  }

  template <class T>
  void ReadValue(T& value, bool compact) {
    if constexpr (Described<T>) {
      ReadStruct(value);
    } else if constexpr (std::same_as<T, bool>) {
      value = reader_.Fixed<int8_t>() != 0;
    } else if constexpr (std::same_as<T, ErrorCode>) {
      value = static_cast<ErrorCode>(reader_.Fixed<int16_t>());
    } else if constexpr (std::same_as<T, double>) {
      value = std::bit_cast<double>(reader_.Fixed<int64_t>());
    } else if constexpr (std::integral<T>) {
      value = reader_.Fixed<T>();
    } else if constexpr (std::same_as<T, Uuid>) {
      std::string_view raw = reader_.Take(value.bytes.size());
      if (!reader_.failed()) std::copy(raw.begin(), raw.end(), value.bytes.begin());
    } else {
      int64_t length = ReadLength(kIsString<T>, compact);
      if (length < 0) {
        reader_.Fail("null in a field that is not nullable");
        return;
      }
      ReadSized(value, static_cast<size_t>(length), compact);
    }
  }

  // Strings have an int16 length in plain versions, everything else an int32. -1 for null; fails on
  // any other negative length.
  int64_t ReadLength(bool is_string, bool compact);
  std::string_view ReadText(size_t length);
  // Whether the bytes that remain, and the memory budget, allow an array of that size.
  bool MayHold(size_t count, size_t element_wire_bytes_min, size_t element_memory_bytes);
  bool Charge(size_t bytes);

  template <class T>
  void ReadSized(T& value, size_t length, bool compact) {
    if (reader_.failed()) return;
    if constexpr (kIsString<T>) {
      const std::string_view text = ReadText(length);
      if constexpr (std::same_as<T, std::string>) Charge(length);
      if (!reader_.failed()) value = text;
    } else if constexpr (std::same_as<T, Bytes>) {
      std::string_view taken = reader_.Take(length);
      if (Charge(length)) value.data = taken;
    } else if constexpr (std::same_as<T, Records>) {
      const size_t begin = reader_.offset();
      reader_.Take(length);
      if (!reader_.failed()) value = Records(frame_.Slice(begin, length));
    } else {
      ReadElements(value, length, compact);
    }
  }

  template <class T>
  [[gnu::noinline]] void ReadElements(std::vector<T>& values, size_t count, bool compact) {
    values.clear();
    if (count == 0) return;
    const size_t wire_bytes_min = std::max<size_t>(1, MinWireSize<T>(version_, compact));
    if (!MayHold(count, wire_bytes_min, sizeof(T))) return;
    values.resize(count);
    for (T& value : values) {
      ReadValue(value, compact);
      if (reader_.failed()) break;
    }
    if (reader_.failed()) values.clear();
  }

  template <class T>
  [[gnu::noinline]] void ReadTaggedFields(T& object) {
    const uint32_t count = reader_.UnsignedVarint();
    if (count > limits::kTaggedFieldsMax) {
      reader_.Fail("too many tagged fields");
      return;
    }
    int64_t last_tag = -1;
    for (uint32_t i = 0; i < count && !reader_.failed(); ++i) {
      const int64_t tag = reader_.UnsignedVarint();
      const uint32_t size = reader_.UnsignedVarint();
      if (tag <= last_tag) reader_.Fail("tags do not ascend");
      last_tag = tag;
      const char* end = reader_.Narrow(size);
      TagVisitor visit{*this, tag};
      if (!reader_.failed()) T::Describe(visit, object);
      if (!visit.found) reader_.Take(reader_.remaining());
      reader_.Widen(end);
    }
  }

  const SharedBytes& frame_;
  Reader reader_;
  const int16_t version_;
  const bool flexible_;
  size_t allocation_left_;
};

}  // namespace weir::wire
