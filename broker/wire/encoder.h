// Encoder: the visitor that writes a described struct, and Frame, what it writes to.
//
// Laws:
//  1. A message is walked twice: once to count, once to write into one buffer of exactly that size.
//  2. Runs of a Records field are appended to the frame as they are (gather output), except runs
//  shorter than
//     Frame::kGatherBytesMin, which cost less to copy than to send as a part of their own.
//  3. A field that the version does not carry is left out. A null where the version knows none is
//  written as the
//     empty value; a string beyond int16 is cut: an answer that says a little less is better than
//     none.
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

// Counts what BufferSink will write into its buffer.
class CountingSink {
 public:
  void Write(const char*, size_t size) { bytes_ += size; }
  void WriteRun(const SharedBytes& run) {
    if (run.size() < Frame::kGatherBytesMin) {
      bytes_ += run.size();
    } else {
      gathered_ += run.size();
    }
  }
  size_t bytes() const { return bytes_; }
  size_t total() const { return bytes_ + gathered_; }

 private:
  size_t bytes_ = 0;
  size_t gathered_ = 0;
};

// Writes into one buffer of `bytes`, cutting it into parts where record runs go between.
class BufferSink {
 public:
  explicit BufferSink(size_t bytes) : buffer_(Buffer::Allocate(bytes)) {}

  void Write(const char* from, size_t size) {
    WEIR_CHECK(size <= buffer_->size() - written_);
    std::memcpy(buffer_->data() + written_, from, size);
    written_ += size;
  }
  void WriteRun(const SharedBytes& run);
  // REQUIRES: everything that was counted has been written.
  Frame Finish();

 private:
  void CutPart();

  std::shared_ptr<Buffer> buffer_;
  size_t written_ = 0;
  size_t part_begin_ = 0;
  Frame frame_;
};

template <class Sink>
class Encoder {
 public:
  Encoder(Sink& sink, int16_t version, bool flexible)
      : sink_(sink), version_(version), flexible_(flexible) {}

  template <class Integer>
  void Fixed(Integer value) {
    char raw[sizeof(Integer)];
    StoreBigEndian(raw, value);
    sink_.Write(raw, sizeof raw);
  }
  void UnsignedVarint(uint32_t value) {
    char raw[5];
    size_t size = 0;
    for (; value >= 0x80; value >>= 7) raw[size++] = static_cast<char>(value | 0x80);
    raw[size++] = static_cast<char>(value);
    sink_.Write(raw, size);
  }

  template <Described T>
  void WriteStruct(const T& object) {
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

    template <class T>
    void operator()(const char* name, const T& field, const FieldSpec& spec) {
      if (spec.IsTagged()) (*this)(name, field, spec, T{});
    }
    template <class T, class Default>
    void operator()(const char*, const T& field, const FieldSpec& spec, const Default& otherwise) {
      if (spec.IsTagged() && spec.versions.Contains(version) && field != otherwise) ++count;
    }
  };
  struct TaggedWriter {
    Encoder& encoder;

    template <class T>
    void operator()(const char* name, const T& field, const FieldSpec& spec) {
      if (spec.IsTagged()) (*this)(name, field, spec, T{});
    }
    template <class T, class Default>
    void operator()(const char*, const T& field, const FieldSpec& spec, const Default& otherwise) {
      if (!spec.IsTagged() || !spec.versions.Contains(encoder.version_)) return;
      if (field == otherwise) return;
      CountingSink size;
      Encoder<CountingSink>(size, encoder.version_, true).WriteField(field, spec);
      encoder.UnsignedVarint(static_cast<uint32_t>(spec.tag));
      encoder.UnsignedVarint(static_cast<uint32_t>(size.total()));
      encoder.WriteField(field, spec);
    }
  };

  template <class T>
  void WriteTaggedFields(const T& object) {
    TaggedCounter counter{version_};
    T::Describe(counter, object);
    UnsignedVarint(counter.count);
    if (counter.count == 0) return;
    TaggedWriter writer{*this};
    T::Describe(writer, object);
  }

  void WriteNull(bool is_string, bool compact) {
    if (compact) {
      UnsignedVarint(0);
    } else if (is_string) {
      Fixed<int16_t>(-1);
    } else {
      Fixed<int32_t>(-1);
    }
  }

  void WriteLength(size_t length, bool compact) {
    if (compact) {
      UnsignedVarint(static_cast<uint32_t>(length + 1));
    } else {
      Fixed(static_cast<int32_t>(length));
    }
  }

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

  void WriteString(std::string_view text, bool compact) {
    if (compact) {
      UnsignedVarint(static_cast<uint32_t>(text.size() + 1));
    } else {
      text = text.substr(0, INT16_MAX);
      Fixed(static_cast<int16_t>(text.size()));
    }
    sink_.Write(text.data(), text.size());
  }

  Sink& sink_;
  const int16_t version_;
  const bool flexible_;
};

}  // namespace weir::wire
