// The rows of structures and requests, and the lookups.
#include "tests/fuzz/message_table.h"

#include "tests/fuzz/message_rows.h"

namespace weir::wire {
namespace {

std::vector<MessageRow> MakeTable() {
  std::vector<MessageRow> rows;
  AppendRows<AllStructures>(MessageRole::kStructure, rows);
  AppendRows<AllRequests>(MessageRole::kRequest, rows);
  AppendResponses(rows);
  return rows;
}

}  // namespace

std::span<const MessageRow> AllMessages() {
  static const std::vector<MessageRow> kRows = MakeTable();
  return kRows;
}

const MessageRow* FindMessage(ApiKey key, MessageRole role) {
  for (const MessageRow& row : AllMessages()) {
    if (row.info.api_key == key && row.role == role) return &row;
  }
  return nullptr;
}

const MessageRow* FindMessage(std::string_view name) {
  for (const MessageRow& row : AllMessages()) {
    if (name == row.info.name) return &row;
  }
  return nullptr;
}

}  // namespace weir::wire
