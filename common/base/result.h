// Result<T>: a value or an Error. Everything that outside input, a disk or a peer can make fail
// returns one; exceptions do not cross rooms.
//
//   Result<Topic> FindTopic(std::string_view name);
//   WEIR_ASSIGN_OR_RETURN(Topic topic, FindTopic(name));
//   WEIR_RETURN_IF_ERROR(Validate(topic));
//
// Thread rule: plain values.
#pragma once

#include <string>
#include <utility>

#include <tl/expected.hpp>

#include "common/base/error_code.h"

namespace weir {

// What went wrong: the protocol's code, and one sentence for the person who reads it (cause, and
// where there is one the remedy). The message reaches clients: no secrets in it.
struct Error {
  ErrorCode code = ErrorCode::kUnknownServerError;
  std::string message;

  friend bool operator==(const Error&, const Error&) = default;
};

template <class T>
using Result = tl::expected<T, Error>;

using Status = Result<void>;

inline tl::unexpected<Error> Fail(ErrorCode code, std::string message) {
  return tl::unexpected<Error>(Error{code, std::move(message)});
}

// "UNKNOWN_TOPIC_OR_PARTITION: topic orders does not exist"
std::string ToString(const Error& error);

}  // namespace weir

#define WEIR_CONCAT_INNER(a, b) a##b
#define WEIR_CONCAT(a, b) WEIR_CONCAT_INNER(a, b)
#define WEIR_RETURN_IF_ERROR(expression)                                      \
  do {                                                                        \
    if (auto weir_status = (expression); !weir_status) [[unlikely]]           \
      return ::tl::unexpected<::weir::Error>(std::move(weir_status).error()); \
  } while (false)
#define WEIR_ASSIGN_OR_RETURN_INNER(temporary, declaration, expression)   \
  auto temporary = (expression);                                          \
  if (!temporary) [[unlikely]]                                            \
    return ::tl::unexpected<::weir::Error>(std::move(temporary).error()); \
  declaration = *std::move(temporary)
#define WEIR_ASSIGN_OR_RETURN(declaration, expression) \
  WEIR_ASSIGN_OR_RETURN_INNER(WEIR_CONCAT(weir_result_, __LINE__), declaration, expression)
