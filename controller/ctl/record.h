// A record as `weir topic produce` and `consume` handle it. Thread rule: plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace weir::ctl {

struct RecordHeader {
  std::string key;
  // Absent: null.
  std::optional<std::string> value;

  friend bool operator==(const RecordHeader&, const RecordHeader&) = default;
};

struct Record {
  std::string topic;
  // -1: the partitioner chooses (produce).
  int32_t partition = -1;
  // -1: not stored yet.
  int64_t offset = -1;
  // Milliseconds since 1970; -1: none.
  int64_t timestamp_ms = -1;
  // Absent: null.
  std::optional<std::string> key;
  std::optional<std::string> value;
  std::vector<RecordHeader> headers;
};

}  // namespace weir::ctl
