// print.h: a message as one line of JSON-like text, for logs and debugging.
//
//   {"TransactionalId":null,"Acks":-1,"TopicData":[{"Name":"orders","PartitionData":[…]}]}
//
// Laws:
//  1. Opaque bytes and records are printed as their size only: they may hold secrets, and they
//     are long.
//  2. The text is cut at `bytes_max`, so that a log line stays a line.
// Thread rule: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "broker/wire/describe.h"
#include "common/base/error_code.h"
#include "common/base/uuid.h"

namespace weir::wire {

// `text` in double quotes, with control characters escaped.
void AppendQuoted(std::string& out, std::string_view text);

class Printer {
 public:
  Printer(std::string& out, int16_t version, size_t bytes_max)
      : out_(out), version_(version), bytes_max_(bytes_max) {}

  template <Described T>
  [[gnu::noinline]] void Struct(const T& object) {
    out_ += '{';
    first_ = true;
    T::Describe(*this, object);
    first_ = false;
    out_ += '}';
  }

  template <class T, class... Default>
  void operator()(const char* name, const T& field, const FieldSpec& spec, const Default&...) {
    if (!spec.versions.Contains(version_) || out_.size() > bytes_max_) return;
    if (!first_) out_ += ',';
    AppendQuoted(out_, name);
    out_ += ':';
    Value(field);
    first_ = false;
  }

 private:
  template <class T>
  void Value(const T& value) {
    if constexpr (kIsOptional<T>) {
      if (value) {
        Value(*value);
      } else {
        out_ += "null";
      }
    } else if constexpr (Described<T>) {
      Struct(value);
    } else if constexpr (kIsArray<T>) {
      Array(value);
    } else if constexpr (kIsString<T>) {
      AppendQuoted(out_, value);
    } else if constexpr (std::same_as<T, bool>) {
      out_ += value ? "true" : "false";
    } else if constexpr (std::same_as<T, ErrorCode>) {
      AppendQuoted(out_, ErrorName(value));
    } else if constexpr (std::same_as<T, Uuid>) {
      AppendQuoted(out_, value.ToString());
    } else if constexpr (std::same_as<T, Bytes>) {
      out_ += "\"<" + std::to_string(value.data.size()) + " bytes>\"";
    } else if constexpr (std::same_as<T, Records>) {
      out_ += "\"<" + std::to_string(value.size()) + " bytes>\"";
    } else {
      out_ += std::to_string(value);
    }
  }

  template <class T>
  void Array(const std::vector<T>& values) {
    out_ += '[';
    bool first = true;
    for (const T& value : values) {
      if (out_.size() > bytes_max_) break;
      if (!first) out_ += ',';
      first = false;
      Value(value);
    }
    out_ += ']';
  }

  std::string& out_;
  const int16_t version_;
  const size_t bytes_max_;
  bool first_ = true;
};

// Ends with "…" when it was cut.
template <Message M>
std::string Print(const M& message, int16_t version, size_t bytes_max = 4096) {
  std::string out;
  Printer(out, version, bytes_max).Struct(message);
  if (out.size() > bytes_max) {
    out.resize(bytes_max);
    out += "…";
  }
  return out;
}

}  // namespace weir::wire
