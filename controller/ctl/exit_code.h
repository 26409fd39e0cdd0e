// How a command of `weir` ends: the process's exit code, and what a failed one tells its user.
//
// Laws:
//  1. Every failure says its cause and, where one helps, the next command to type.
//  2. The numbers are part of the interface; `weir --help` lists them.
// Thread rule: plain values.
#pragma once

#include <string>
#include <utility>

#include "common/base/result.h"

namespace weir::ctl {

enum class ExitCode {
  kOk = 0,
  // The cluster refused, or one of several parts failed.
  kRefused = 1,
  // The command line is wrong; nothing was sent.
  kUsage = 2,
  // No answer: no controller or broker could be reached, or the time ran out.
  kUnreachable = 3,
  // Something on this machine failed: a file, a port, a child process.
  kLocal = 4,
  // Ctrl-C.
  kInterrupted = 130,
};

struct Failure {
  ExitCode exit_code = ExitCode::kRefused;
  Error error;
  // A command to type next; empty: the one that belongs to the error code (NextCommand).
  std::string next;
};

// A command's end: an exit code whose output has been printed, or a Failure still to be printed.
using Outcome = tl::expected<ExitCode, Failure>;

inline tl::unexpected<Failure> FailWith(ExitCode exit_code, Error error, std::string next = {}) {
  return tl::unexpected<Failure>(Failure{exit_code, std::move(error), std::move(next)});
}
inline tl::unexpected<Failure> UsageError(std::string message, std::string next = {}) {
  return FailWith(ExitCode::kUsage, {ErrorCode::kInvalidRequest, std::move(message)},
                  std::move(next));
}

// kUnreachable for errors of the connection and of time, kRefused for the rest.
ExitCode ExitCodeOf(ErrorCode code);

// What somebody who met this error would type next; empty when nothing helps in general.
std::string NextCommand(ErrorCode code);

}  // namespace weir::ctl

// For functions that return Outcome or tl::expected<T, Failure>: passes a Result's error on, with
// the exit code that fits it.
#define WEIR_CTL_ASSIGN_OR_RETURN(declaration, expression) \
  WEIR_CTL_ASSIGN_INNER(WEIR_CONCAT(weir_result_, __LINE__), declaration, expression)
#define WEIR_CTL_ASSIGN_INNER(temporary, declaration, expression)                 \
  auto temporary = (expression);                                                  \
  if (!temporary)                                                                 \
    return ::weir::ctl::FailWith(::weir::ctl::ExitCodeOf(temporary.error().code), \
                                 std::move(temporary).error());                   \
  declaration = *std::move(temporary)
