#include "common/metadata/broker_records.h"

#include <limits>

namespace weir::metadata {
namespace {

// Drops records in place; false when there is none to drop.
template <class Message>
bool DropRecords(Message* message) {
  auto* records = message->mutable_records();
  int kept = 0;
  for (int i = 0; i < records->size(); ++i) {
    if (!IsForBrokers(records->Get(i))) continue;
    if (kept != i) records->SwapElements(kept, i);
    ++kept;
  }
  if (kept == records->size()) return false;
  records->DeleteSubrange(kept, records->size() - kept);
  return true;
}

template <class Message>
std::string Filtered(std::string_view bytes) {
  Message message;
  const bool fits = bytes.size() <= static_cast<size_t>(std::numeric_limits<int>::max());
  if (!fits || !message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) ||
      !DropRecords(&message)) {
    return std::string(bytes);
  }
  return message.SerializeAsString();
}

}  // namespace

bool IsForBrokers(const v1::MetadataRecord& record) {
  return !record.has_group_subscription() && !record.has_group_assignment();
}

std::string BatchForBrokers(std::string_view batch) { return Filtered<v1::MetadataBatch>(batch); }

std::string ChunkForBrokers(std::string_view chunk) { return Filtered<v1::SnapshotChunk>(chunk); }

}  // namespace weir::metadata
