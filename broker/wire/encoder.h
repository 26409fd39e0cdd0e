// Encoder: the visitor that writes a described struct, and Frame, what it writes to.
//
// Laws:
//  1. A message is walked twice: once to count, once to write into one buffer of exactly that size.
//  2. Runs of a Records field are appended to the frame as they are (gather output), except runs
//     shorter than Frame::kGatherBytesMin, which cost less to copy than to send as a part of
//     their own.
//  3. A field that the version does not carry is left out. A null where the version knows none is
//     written as the empty value; a string beyond int16 is cut: an answer that says a little less
//     is better than none.
// Thread rule: one owner.
#pragma once

#include <memory>
#include <utility>

#include "broker/wire/describe.h"
#include "broker/wire/reader.h"
#include "common/base/error_code.h"
#include "common/base/uuid.h"

namespace weir::wire {

// Bytes to send, in parts that are written one after another.
struct Frame {
  static constexpr size_t kGatherBytesMin = 512;

  std::vector<SharedBytes> parts;

  size_t size() const;
  // All parts in one run: copies. For tests and small frames that must be contiguous.
  SharedBytes Flatten() const;
};

// Where an Encoder writes: first it only counts, then it fills one buffer of the counted size and
// cuts it into parts where record runs go between.
class FrameSink {
 public:
  // Counts only.
  FrameSink() = default;
  // Writes; `counted` has seen the same writes before.
  explicit FrameSink(const FrameSink& counted, size_t extra_bytes)
      : buffer_(Buffer::Allocate(counted.own_bytes_ + extra_bytes)) {}

  void Write(const char* from, size_t size) {
    if (buffer_ != nullptr) {
      WEIR_CHECK(size <= buffer_->size() - own_bytes_);
      std::memcpy(buffer_->data() + own_bytes_, from, size);
    }
    own_bytes_ += size;
  }
  void WriteRun(const SharedBytes& run);

  // Bytes so far, gathered runs included.
  size_t total() const { return own_bytes_ + gathered_bytes_; }
  // REQUIRES: writing, and everything that was counted has been written.
  Frame Finish();

 private:
  void CutPart();

  std::shared_ptr<Buffer> buffer_;  // null while counting
  size_t own_bytes_ = 0;
  size_t gathered_bytes_ = 0;
  size_t part_begin_ = 0;
  Frame frame_;
};

class Encoder {
 public:
  Encoder(FrameSink& sink, int16_t version, bool flexible)
      : sink_(sink), version_(version), flexible_(flexible) {}

  template <class Integer>
  void Fixed(Integer value) {
    char raw[sizeof(Integer)];
    StoreBigEndian(raw, value);
    sink_.Write(raw, sizeof raw);
  }
  void UnsignedVarint(uint32_t value);

  template <Described T>
  [[gnu::noinline]] void WriteStruct(const T& object) {
    T::Describe(*this, object);
    if (flexible_) WriteTaggedFields(object);
  }

  // The visitor: writes one field if the version carries it.
  template <class T, class... Default>
  void operator()(const char*, const T& field, const FieldSpec& spec, const Default&...) {
    if (spec.IsTagged() || !spec.versions.Contains(version_)) return;
    WriteField(field, spec);
  }

  template <class T>
  void WriteField(const T& field, const FieldSpec& spec) {
    const bool compact = flexible_ && !spec.always_plain;
    if constexpr (!kIsOptional<T>) {
      WriteValue(field, compact);
    } else if constexpr (Described<typename T::value_type>) {
      const bool may_be_null = spec.nullable.Contains(version_);
      if (may_be_null) Fixed<int8_t>(field ? 1 : -1);
      if (field) {
        WriteStruct(*field);
      } else if (!may_be_null) {
        WriteStruct(typename T::value_type{});
      }
    } else if (field) {
      WriteValue(*field, compact);
    } else if (spec.nullable.Contains(version_)) {
      WriteNull(kIsString<typename T::value_type>, compact);
    } else {
      WriteValue(typename T::value_type{}, compact);
    }
  }

 private:
  // Counts the tagged fields that differ from their default, or writes them.
  struct TaggedCounter {
    int16_t version;
    uint32_t count = 0;

    template <class T, class... Default>
    void operator()(const char*, const T& field, const FieldSpec& spec, const Default&... value) {
      if (!spec.IsTagged() || !spec.versions.Contains(version)) return;
      if (!IsDefault(field, value...)) ++count;
    }
  };
  struct TaggedWriter {
    Encoder& encoder;

    template <class T, class... Default>
    void operator()(const char*, const T& field, const FieldSpec& spec, const Default&... value) {
      if (!spec.IsTagged() || !spec.versions.Contains(encoder.version_)) return;
      if (IsDefault(field, value...)) return;
      FrameSink size;
      Encoder(size, encoder.version_, true).WriteField(field, spec);
      encoder.UnsignedVarint(static_cast<uint32_t>(spec.tag));
      encoder.UnsignedVarint(static_cast<uint32_t>(size.total()));
      encoder.WriteField(field, spec);
    }
  };

  template <class T, class Default>
  static bool IsDefault(const T& field, const Default& value) {
    return field == value;
  }
  // The default that stands unwritten in a description: null, empty, zero.
  template <class T>
  static bool IsDefault(const T& field) {
    if constexpr (kIsOptional<T>) {
      return !field.has_value();
    } else if constexpr (kIsArray<T> || kIsString<T> || std::same_as<T, Records>) {
      return field.empty();
    } else if constexpr (std::same_as<T, Bytes>) {
      return field.data.empty();
    } else {
      return field == T{};
    }
  }

  template <class T>
  [[gnu::noinline]] void WriteTaggedFields(const T& object) {
    TaggedCounter counter{version_};
    T::Describe(counter, object);
    UnsignedVarint(counter.count);
    if (counter.count == 0) return;
    TaggedWriter writer{*this};
    T::Describe(writer, object);
  }

  void WriteNull(bool is_string, bool compact);
  // The length of anything but a string: an int32 in plain versions.
  void WriteLength(size_t length, bool compact);
  void WriteString(std::string_view text, bool compact);

  template <class T>
  void WriteValue(const T& value, bool compact) {
    if constexpr (Described<T>) {
      WriteStruct(value);
    } else if constexpr (std::same_as<T, bool>) {
      Fixed<int8_t>(value ? 1 : 0);
    } else if constexpr (std::same_as<T, ErrorCode>) {
      Fixed(static_cast<int16_t>(value));
    } else if constexpr (std::same_as<T, double>) {
      Fixed(std::bit_cast<int64_t>(value));
    } else if constexpr (std::integral<T>) {
      Fixed(value);
    } else if constexpr (std::same_as<T, Uuid>) {
      sink_.Write(reinterpret_cast<const char*>(value.bytes.data()), value.bytes.size());
    } else if constexpr (kIsString<T>) {
      WriteString(value, compact);
    } else if constexpr (std::same_as<T, Bytes>) {
      WriteLength(value.data.size(), compact);
      sink_.Write(value.data.data(), value.data.size());
    } else if constexpr (std::same_as<T, Records>) {
      WriteLength(value.size(), compact);
      value.ForEachRun([&](const SharedBytes& run) { sink_.WriteRun(run); });
    } else {
      WriteLength(value.size(), compact);
      for (const auto& element : value) WriteValue(element, compact);
    }
  }

  FrameSink& sink_;
  const int16_t version_;
  const bool flexible_;
};

}  // namespace weir::wire
