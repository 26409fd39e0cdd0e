#include "common/runtime/log.h"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <memory>
#include <string>

#include "common/base/utf8.h"

namespace weir {
namespace {

std::atomic<bool> json_lines{false};

spdlog::level::level_enum SpdlogLevel(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarn:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

// As ParseLogLevel takes it; spdlog's own is "warning".
std::string_view LevelName(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarn:
      return "warn";
    case LogLevel::kError:
      return "error";
  }
  return "info";
}

// The pattern's %v is the level and the line; time is UTC with milliseconds.
void SetPattern(spdlog::logger& logger, bool json) {
  logger.set_pattern(json ? R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ",%v)" : "%Y-%m-%dT%H:%M:%S.%eZ %v",
                     spdlog::pattern_time_type::utc);
}

spdlog::logger& Logger() {
  static const bool initialized = [] {
    auto logger =
        std::make_shared<spdlog::logger>("weir", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    SetPattern(*logger, false);
    spdlog::set_default_logger(std::move(logger));
    return true;
  }();
  (void)initialized;
  return *spdlog::default_logger_raw();
}

void AppendEscaped(std::string& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out += '"';
  for (char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += "\\u00";
      out += kHex[static_cast<unsigned char>(c) >> 4];
      out += kHex[c & 15];
    } else {
      out += c;
    }
  }
  out += '"';
}

// Names are what clients say they are: of any length, and of any bytes. A line must stay one that
// collectors take.
std::string Shown(std::string_view value) {
  constexpr size_t kValueBytesMax = 4096;
  const std::string_view prefix = PrefixOf(value, kValueBytesMax);
  return ToUtf8(prefix) + (prefix.size() < value.size() ? "..." : "");
}

bool NeedsQuotes(std::string_view text) {
  if (text.empty()) return true;
  for (char c : text) {
    if (static_cast<unsigned char>(c) <= ' ' || c == '"' || c == '=' || c == '\\') return true;
  }
  return false;
}

}  // namespace

Result<LogLevel> ParseLogLevel(std::string_view name) {
  if (name == "debug") return LogLevel::kDebug;
  if (name == "info") return LogLevel::kInfo;
  if (name == "warn") return LogLevel::kWarn;
  if (name == "error") return LogLevel::kError;
  return Fail(ErrorCode::kInvalidConfig,
              "log level " + std::string(name) + ": choose debug, info, warn or error");
}

Status InitLog(const LogOptions& options) {
  Logger();
  try {
    spdlog::sink_ptr sink;
    if (options.file.empty()) {
      sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    } else {
      sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(options.file);
    }
    auto logger = std::make_shared<spdlog::logger>("weir", std::move(sink));
    logger->set_level(SpdlogLevel(options.level));
    logger->flush_on(spdlog::level::info);
    json_lines = options.json;
    SetPattern(*logger, options.json);
    spdlog::set_default_logger(std::move(logger));
  } catch (const spdlog::spdlog_ex& failure) {
    return Fail(ErrorCode::kKafkaStorageError, failure.what());
  }
  return {};
}

bool LogEnabled(LogLevel level) { return Logger().should_log(SpdlogLevel(level)); }

std::string FormatLogLine(bool json, std::string_view room, std::string_view event,
                          LogFields fields) {
  std::string line;
  if (json) {
    line += "\"room\":";
    AppendEscaped(line, room);
    line += ",\"event\":";
    AppendEscaped(line, event);
  } else {
    line += "room=";
    line += room;
    line += " event=";
    AppendEscaped(line, event);
  }
  for (const LogField& field : fields) {
    line += json ? ",\"" : " ";
    line += field.name();
    line += json ? "\":" : "=";
    if (!field.quoted()) {
      line += field.text();
      continue;
    }
    const std::string text = Shown(field.text());
    if (json || NeedsQuotes(text)) {
      AppendEscaped(line, text);
    } else {
      line += text;
    }
  }
  if (json) line += '}';
  return line;
}

void LogLine(LogLevel level, std::string_view room, std::string_view event, LogFields fields) {
  spdlog::logger& logger = Logger();
  const auto spdlog_level = SpdlogLevel(level);
  if (!logger.should_log(spdlog_level)) return;
  const std::string line = FormatLogLine(json_lines, room, event, fields);
  if (json_lines) {
    logger.log(spdlog_level, R"("level":"{}",{})", LevelName(level), line);
  } else {
    logger.log(spdlog_level, "{:5} {}", LevelName(level), line);
  }
}

}  // namespace weir
