#include "controller/ctl/output.h"

#include <google/protobuf/util/json_util.h>

#include <algorithm>

#include "common/base/check.h"

namespace weir::ctl {
namespace {

// Columns are counted in code points, so that names beyond ASCII line up.
size_t DisplayWidth(std::string_view text) {
  return static_cast<size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<uint8_t>(c) & 0xc0) != 0x80; }));
}

}  // namespace

Table::Table(std::vector<std::string> header) { rows_.push_back(std::move(header)); }

void Table::AddRow(std::vector<std::string> cells) {
  WEIR_CHECK(cells.size() == rows_[0].size(), "a cell per column");
  rows_.push_back(std::move(cells));
}

std::string Table::ToText() const {
  const size_t columns = rows_[0].size();
  std::vector<size_t> widths(columns, 0);
  for (const auto& row : rows_)
    for (size_t i = 0; i < columns; ++i) widths[i] = std::max(widths[i], DisplayWidth(row[i]));
  std::string text;
  for (const auto& row : rows_) {
    for (size_t i = 0; i < columns; ++i) {
      text += row[i];
      if (i + 1 < columns) text.append(widths[i] - DisplayWidth(row[i]) + 2, ' ');
    }
    text += '\n';
  }
  return text;
}

std::string ToJson(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.always_print_primitive_fields = true;
  options.preserve_proto_field_names = true;
  std::string json;
  const auto status = google::protobuf::util::MessageToJsonString(message, &json, options);
  WEIR_CHECK(status.ok(), "our own messages print");
  if (!json.ends_with('\n')) json += '\n';
  return json;
}

std::string JoinIds(const google::protobuf::RepeatedField<int32_t>& ids) {
  std::string text;
  for (const int32_t id : ids) text += (text.empty() ? "" : ",") + std::to_string(id);
  return OrDash(text);
}

std::string OrDash(std::string_view text) { return text.empty() ? "-" : std::string(text); }

}  // namespace weir::ctl
