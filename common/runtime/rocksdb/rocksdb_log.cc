#include "common/runtime/rocksdb/rocksdb_log.h"

#include <array>
#include <cstdio>

#include "common/runtime/log.h"

namespace weir::runtime {

void RocksDbLog::Logv(rocksdb::InfoLogLevel level, const char* format, va_list arguments) {
  if (level < GetInfoLogLevel() || level == rocksdb::InfoLogLevel::HEADER_LEVEL) return;
  // What is longer is cut.
  std::array<char, 1024> text{};
  std::vsnprintf(text.data(), text.size(), format, arguments);
  LogError("storage", "rocksdb", {{"directory", directory_}, {"text", text.data()}});
}

}  // namespace weir::runtime
