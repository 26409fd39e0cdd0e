// The log: one line per event, `time level room event key=value …`, or the same as JSON. spdlog
// writes it; nothing else includes spdlog.
//
//   LogInfo("quorum", "became leader", {{"term", term}, {"voters", 3}});
//
// Laws:
//  1. An event is a fixed phrase; what varies stands in fields, so that lines can be counted and
//     searched.
//  2. No secrets and no record contents in fields.
// Thread rule: callable from any thread after InitLog; before it lines go to stderr as text.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>

#include "common/base/ids.h"
#include "common/base/result.h"
#include "common/base/uuid.h"

namespace weir {

enum class LogLevel { kDebug, kInfo, kWarn, kError };

struct LogOptions {
  LogLevel level = LogLevel::kInfo;
  bool json = false;
  // Empty: stderr.
  std::string file;
};

// "debug", "info", "warn", "error". Errors: kInvalidConfig for another word.
Result<LogLevel> ParseLogLevel(std::string_view name);

// Errors: kKafkaStorageError when the file cannot be opened.
Status InitLog(const LogOptions& options);

// Whether a line of that level would be written: guards the making of costly fields.
bool LogEnabled(LogLevel level);

// A field's value, turned into text when the field is made.
class LogField {
 public:
  template <class T>
  LogField(const char* name, const T& value) : name_(name) {
    if constexpr (std::is_same_v<T, bool>) {
      text_ = value ? "true" : "false";
      quoted_ = false;
    } else if constexpr (std::is_arithmetic_v<T>) {
      text_ = std::to_string(value);
      quoted_ = false;
    } else if constexpr (std::is_convertible_v<const T&, std::string_view>) {
      text_ = std::string(std::string_view(value));
    } else if constexpr (requires { value.ToString(); }) {
      text_ = value.ToString();
    } else {
      text_ = ToString(value);
      quoted_ = !IsStrongInt<T>::value;
    }
  }

  const char* name() const { return name_; }
  const std::string& text() const { return text_; }
  // Whether the value is text (quoted where it needs to be) rather than a number or bool.
  bool quoted() const { return quoted_; }

 private:
  template <class T>
  struct IsStrongInt : std::false_type {};
  template <class Tag, class Rep>
  struct IsStrongInt<StrongInt<Tag, Rep>> : std::true_type {};

  const char* name_;
  std::string text_;
  bool quoted_ = true;
};

using LogFields = std::initializer_list<LogField>;

void LogLine(LogLevel level, std::string_view room, std::string_view event, LogFields fields);

inline void LogDebug(std::string_view room, std::string_view event, LogFields fields = {}) {
  LogLine(LogLevel::kDebug, room, event, fields);
}
inline void LogInfo(std::string_view room, std::string_view event, LogFields fields = {}) {
  LogLine(LogLevel::kInfo, room, event, fields);
}
inline void LogWarn(std::string_view room, std::string_view event, LogFields fields = {}) {
  LogLine(LogLevel::kWarn, room, event, fields);
}
inline void LogError(std::string_view room, std::string_view event, LogFields fields = {}) {
  LogLine(LogLevel::kError, room, event, fields);
}

// The text of one line without time and level, for tests. JSON: an object with "room", "event" and
// the fields.
std::string FormatLogLine(bool json, std::string_view room, std::string_view event,
                          LogFields fields);

}  // namespace weir
