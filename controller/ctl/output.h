// What `weir` prints: tables for people, protobuf's JSON mapping for programs.
//
// Laws:
//  1. Text columns are stable: a new column is added at the right, never in between.
//  2. JSON keeps the admin API's field names (leader_id) and prints fields that are 0 or empty too.
// Thread rule: pure functions and plain values.
#pragma once

#include <google/protobuf/message.h>

#include <string>
#include <string_view>
#include <vector>

namespace weir::ctl {

enum class OutputFormat { kText, kJson };

// Rows under a header, columns padded to their widest cell and parted by two spaces. The last
// column is not padded.
class Table {
 public:
  explicit Table(std::vector<std::string> header);

  // REQUIRES: as many cells as the header has.
  void AddRow(std::vector<std::string> cells);
  bool empty() const { return rows_.size() == 1; }
  // Every line ends with a newline.
  std::string ToText() const;

 private:
  std::vector<std::vector<std::string>> rows_;  // the header first
};

// Indented, with a newline at the end.
std::string ToJson(const google::protobuf::Message& message);

// "1,2,3"; "-" when there is none, so that a column is never blank.
std::string JoinIds(const google::protobuf::RepeatedField<int32_t>& ids);

// `text`, or "-" when it is empty.
std::string OrDash(std::string_view text);

}  // namespace weir::ctl
