// CHECK: assertions that stay on in release.
//
// Laws:
//  1. A CHECK states an invariant of our own code; it is never reached by outside input, which
//     gets a Result instead.
//  2. One condition per CHECK, so that the line number names the broken law.
//  3. A failing CHECK prints file, line, expression and message to stderr and aborts: continuing
//     with broken invariants loses data.
// Thread rule: callable from any thread.
#pragma once

namespace weir {

// Prints "CHECK failed file:line: expression message" and aborts. `message` may be empty, never
// null.
[[noreturn]] void CheckFailed(const char* file, int line, const char* expression,
                              const char* message);

}  // namespace weir

#define WEIR_CHECK_2(condition, message)                            \
  do {                                                              \
    if (!(condition)) [[unlikely]]                                  \
      ::weir::CheckFailed(__FILE__, __LINE__, #condition, message); \
  } while (false)
#define WEIR_CHECK_1(condition) WEIR_CHECK_2(condition, "")
#define WEIR_CHECK_PICK(_1, _2, name, ...) name
// WEIR_CHECK(condition) or WEIR_CHECK(condition, "why it must hold").
#define WEIR_CHECK(...) WEIR_CHECK_PICK(__VA_ARGS__, WEIR_CHECK_2, WEIR_CHECK_1)(__VA_ARGS__)
// Marks a point that no valid state reaches.
#define WEIR_UNREACHABLE(message) ::weir::CheckFailed(__FILE__, __LINE__, "unreachable", message)
