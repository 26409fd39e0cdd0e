#include "controller/quorum/metadata_machine.h"

#include <algorithm>
#include <utility>

#include "common/base/crc32c.h"
#include "common/metadata/apply.h"
#include "common/metadata/snapshot.h"
#include "controller/quorum/codec.h"

namespace weir::quorum {
namespace {

struct ParsedImage : ParsedSnapshot {
  metadata::MetadataImage image;
};

}  // namespace

std::string SerializeImage(const metadata::MetadataImage& image) {
  std::string out;
  for (const std::string& chunk : metadata::WriteSnapshot(image)) {
    if (chunk.empty()) continue;  // an empty image; size 0 ends the list
    PutFixed<uint32_t>(out, static_cast<uint32_t>(chunk.size()));
    out += chunk;
  }
  PutFixed<uint32_t>(out, 0);
  PutFixed<uint32_t>(out, Crc32c(out));
  return out;
}

Result<metadata::MetadataImage> ParseImage(std::string_view data, LogIndex offset) {
  const auto damaged = [](const char* what) {
    return Fail(ErrorCode::kCorruptMessage, std::string("a snapshot of the metadata ") + what);
  };
  if (data.size() < 8) return damaged("is too short");
  const std::string_view content = data.substr(0, data.size() - 4);
  if (FixedReader(data.substr(content.size())).Get<uint32_t>() != Crc32c(content)) {
    return damaged("has a wrong checksum");
  }
  metadata::SnapshotLoader loader;
  FixedReader reader(content);
  while (const uint32_t size = reader.Get<uint32_t>()) {
    const std::string_view chunk = reader.GetBytes(size);
    if (!reader.ok()) return damaged("ends inside a chunk");
    WEIR_RETURN_IF_ERROR(loader.Add(chunk));
  }
  if (!reader.AtEnd()) return damaged("does not end where it should");
  return loader.Finish(offset);
}

void MetadataMachine::Apply(const std::vector<raft::Entry>& committed) {
  for (const raft::Entry& entry : committed) {
    const bool normal = entry.type == raft::EntryType::kNormal;
    metadata::ApplyBytes(committed_, normal ? std::string_view(*entry.payload) : "", entry.index,
                         nullptr);
  }
  for (MetadataListener* listener : listeners_) listener->OnCommitted(committed);
}

Result<std::unique_ptr<ParsedSnapshot>> MetadataMachine::Parse(const raft::SnapshotMeta& meta,
                                                               std::string_view data) const {
  WEIR_ASSIGN_OR_RETURN(metadata::MetadataImage image, ParseImage(data, meta.last_index));
  auto parsed = std::make_unique<ParsedImage>();
  parsed->image = std::move(image);
  return parsed;
}

void MetadataMachine::Install(const raft::SnapshotMeta&, std::unique_ptr<ParsedSnapshot> parsed) {
  committed_ = std::move(static_cast<ParsedImage&>(*parsed).image);
  for (MetadataListener* listener : listeners_) listener->OnInstalled();
}

std::function<std::string()> MetadataMachine::Capture() {
  return [image = std::make_shared<const metadata::MetadataImage>(committed_)] {
    return SerializeImage(*image);
  };
}

void MetadataMachine::OnRoleChange(const raft::RoleChange& change) {
  for (MetadataListener* listener : listeners_) listener->OnRoleChange(change);
}

void MetadataMachine::OnReadState(const raft::ReadState& read) {
  for (MetadataListener* listener : listeners_) listener->OnReadState(read);
}

void MetadataMachine::OnTick() {
  for (MetadataListener* listener : listeners_) listener->OnTick();
}

bool MetadataMachine::Waits() const {
  return std::any_of(listeners_.begin(), listeners_.end(),
                     [](const MetadataListener* listener) { return listener->Waits(); });
}

}  // namespace weir::quorum
