// signature.h: a message's shape at one version as text, in the notation of
// tests/data/wire_signatures.txt:
//
//   0 ProduceRequest v9 flex: TransactionalId:string?, Acks:int16, TopicData:[{Name:string, …}]
//
// `?` nullable, `[T]` array, `{…}` struct, `#n` tagged field n. Compared with the protocol's facts
// by the unit tests. Thread rule: pure functions.
#pragma once

#include <string>

#include "broker/wire/describe.h"
#include "common/base/error_code.h"
#include "common/base/uuid.h"

namespace weir::wire {

class SignatureVisitor {
 public:
  SignatureVisitor(int16_t version, bool flexible) : version_(version), flexible_(flexible) {}

  template <class T, class... Default>
  void operator()(const char* name, const T&, const FieldSpec& spec, const Default&...) {
    if (!spec.versions.Contains(version_)) return;
    if (!text_.empty()) text_ += ", ";
    if (spec.IsTagged()) text_ += "#" + std::to_string(spec.tag) + " ";
    text_ += std::string(name) + ":" + TypeName<T>();
    if (spec.nullable.Contains(version_)) text_ += "?";
    if (spec.always_plain && flexible_) text_ += "!nonflex";
  }
  const std::string& text() const { return text_; }

 private:
  template <class T>
  std::string TypeName() const {
    if constexpr (kIsOptional<T>) return TypeName<typename T::value_type>();
    if constexpr (kIsArray<T>) return "[" + TypeName<typename T::value_type>() + "]";
    if constexpr (Described<T>) {
      const T object{};
      SignatureVisitor inner(version_, flexible_);
      T::Describe(inner, object);
      return "{" + inner.text() + "}";
    }
    if constexpr (kIsString<T>) return "string";
    if constexpr (std::same_as<T, bool>) return "bool";
    if constexpr (std::same_as<T, int8_t>) return "int8";
    if constexpr (std::same_as<T, int16_t> || std::same_as<T, ErrorCode>) return "int16";
    if constexpr (std::same_as<T, uint16_t>) return "uint16";
    if constexpr (std::same_as<T, int32_t>) return "int32";
    if constexpr (std::same_as<T, int64_t>) return "int64";
    if constexpr (std::same_as<T, double>) return "float64";
    if constexpr (std::same_as<T, Uuid>) return "uuid";
    if constexpr (std::same_as<T, Bytes>) return "bytes";
    if constexpr (std::same_as<T, Records>) return "records";
  }

  const int16_t version_;
  const bool flexible_;
  std::string text_;
};

template <Message M>
std::string Signature(int16_t version) {
  const M message{};
  const bool flexible = M::kInfo.IsFlexible(version);
  SignatureVisitor visit(version, flexible);
  M::Describe(visit, message);
  std::string key =
      M::kInfo.api_key == ApiKey::kNone ? "-" : std::to_string(static_cast<int>(M::kInfo.api_key));
  return key + " " + M::kInfo.name + " v" + std::to_string(version) +
         (flexible ? " flex: " : " plain: ") + visit.text();
}

}  // namespace weir::wire
