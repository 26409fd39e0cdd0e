#include "controller/quorum/snapshot_store.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "common/base/crc32c.h"
#include "controller/quorum/codec.h"

namespace weir::quorum {
namespace {

constexpr uint64_t kMagic = 0x50414e5352494557;     // "WEIRSNAP"
constexpr uint64_t kEndMagic = 0x444e45504e534557;  // "WESNPEND"
constexpr uint32_t kVersion = 1;
constexpr size_t kFooterBytes = 8 + 4 + 8;
constexpr const char* kTemporary = "snapshot.tmp";
constexpr size_t kSnapshotsKept = 2;

std::string EncodeHeader(const raft::SnapshotMeta& meta) {
  std::string body;
  PutFixed<uint64_t>(body, meta.last_index.value());
  PutFixed<uint64_t>(body, meta.last_term.value());
  body += raft::EncodeConfiguration(meta.configuration);
  std::string out;
  PutFixed<uint64_t>(out, kMagic);
  PutFixed<uint32_t>(out, kVersion);
  PutFixed<uint32_t>(out, static_cast<uint32_t>(body.size()));
  out += body;
  PutFixed<uint32_t>(out, Crc32c(out));
  return out;
}

// The header's size in bytes; none when it does not check.
std::optional<size_t> DecodeHeader(std::string_view bytes, raft::SnapshotMeta* meta) {
  FixedReader reader(bytes);
  const bool known = reader.Get<uint64_t>() == kMagic && reader.Get<uint32_t>() == kVersion;
  if (!known) return std::nullopt;
  const std::string_view body = reader.GetBytes(reader.Get<uint32_t>());
  const size_t before_crc = bytes.size() - reader.left();
  const uint32_t crc = reader.Get<uint32_t>();
  if (!reader.ok() || crc != Crc32c(bytes.substr(0, before_crc))) return std::nullopt;
  FixedReader fields(body);
  meta->last_index = LogIndex(fields.Get<uint64_t>());
  meta->last_term = Term(fields.Get<uint64_t>());
  auto configuration = raft::DecodeConfiguration(fields.GetBytes(fields.left()));
  if (!configuration) return std::nullopt;
  meta->configuration = *std::move(configuration);
  return before_crc + 4;
}

}  // namespace

Result<std::unique_ptr<SnapshotStore>> SnapshotStore::Open(Disk& disk) {
  std::unique_ptr<SnapshotStore> store(new SnapshotStore(disk));
  WEIR_ASSIGN_OR_RETURN(const std::vector<std::string> files, disk.List());
  for (const std::string& file : files) {
    if (file == kTemporary) WEIR_RETURN_IF_ERROR(disk.Remove(file));
    if (const auto name = ParseFileName(file)) store->names_.push_back(*name);
  }
  std::sort(store->names_.begin(), store->names_.end());
  return store;
}

Result<std::optional<SnapshotStore::Loaded>> SnapshotStore::LoadNewest() {
  if (names_.empty()) return std::optional<Loaded>();
  Loaded loaded;
  WEIR_ASSIGN_OR_RETURN(const Layout layout, Verify(names_.back(), &loaded.meta, &loaded.data));
  verified_ = {names_.back(), layout};
  return std::optional<Loaded>(std::move(loaded));
}

Status SnapshotStore::Save(const raft::SnapshotMeta& meta, const std::string& data) {
  WEIR_RETURN_IF_ERROR(Begin(meta));
  WEIR_RETURN_IF_ERROR(Write(data));
  return Finish();
}

Result<bool> SnapshotStore::StoreChunk(const raft::SnapshotChunk& chunk) {
  if (chunk.offset == 0) WEIR_RETURN_IF_ERROR(Begin(chunk.meta));
  if (file_ == nullptr || !(chunk.meta == meta_) || chunk.offset != data_bytes_) {
    return Fail(ErrorCode::kPositionOutOfRange, "snapshot pieces do not fit together");
  }
  if (chunk.data != nullptr) WEIR_RETURN_IF_ERROR(Write(*chunk.data));
  if (!chunk.is_last) return false;
  WEIR_RETURN_IF_ERROR(Finish());
  return true;
}

Result<SnapshotStore::Piece> SnapshotStore::ReadPiece(const raft::SnapshotMeta& meta,
                                                      uint64_t offset, size_t bytes_max) {
  const Name name{meta.last_index, meta.last_term};
  if (std::find(names_.begin(), names_.end(), name) == names_.end()) {
    return Fail(ErrorCode::kSnapshotNotFound, "there is no snapshot " + FileName(name));
  }
  if (!verified_ || !(verified_->first == name)) {
    raft::SnapshotMeta found;
    WEIR_ASSIGN_OR_RETURN(const Layout layout, Verify(name, &found, nullptr));
    verified_ = {name, layout};
  }
  const Layout& layout = verified_->second;
  if (offset > layout.data_bytes) {
    return Fail(ErrorCode::kPositionOutOfRange, FileName(name) + " ends before the offset");
  }
  Piece piece;
  const uint64_t size = std::min<uint64_t>(bytes_max, layout.data_bytes - offset);
  WEIR_ASSIGN_OR_RETURN(piece.data, disk_.Read(FileName(name), layout.data_offset + offset, size));
  piece.is_last = offset + size == layout.data_bytes;
  return piece;
}

LogIndex SnapshotStore::newest_index() const {
  return names_.empty() ? LogIndex(0) : names_.back().index;
}

std::string SnapshotStore::FileName(const Name& name) {
  char text[80];
  std::snprintf(text, sizeof(text), "snapshot-%016llu-%08llu.snap",
                static_cast<unsigned long long>(name.index.value()),
                static_cast<unsigned long long>(name.term.value()));
  return text;
}

std::optional<SnapshotStore::Name> SnapshotStore::ParseFileName(std::string_view file) {
  unsigned long long index = 0;
  unsigned long long term = 0;
  if (std::sscanf(std::string(file).c_str(), "snapshot-%llu-%llu.snap", &index, &term) != 2) {
    return std::nullopt;
  }
  const Name name{LogIndex(index), Term(term)};
  if (FileName(name) != file) return std::nullopt;
  return name;
}

Status SnapshotStore::Begin(const raft::SnapshotMeta& meta) {
  file_ = nullptr;
  WEIR_ASSIGN_OR_RETURN(file_, disk_.Create(kTemporary));
  meta_ = meta;
  data_bytes_ = 0;
  data_crc_ = 0;
  return file_->Append(EncodeHeader(meta));
}

Status SnapshotStore::Write(std::string_view data) {
  data_bytes_ += data.size();
  data_crc_ = Crc32cExtend(data_crc_, data.data(), data.size());
  return file_->Append(data);
}

Status SnapshotStore::Finish() {
  std::string footer;
  PutFixed<uint64_t>(footer, data_bytes_);
  PutFixed<uint32_t>(footer, data_crc_);
  PutFixed<uint64_t>(footer, kEndMagic);
  WEIR_RETURN_IF_ERROR(file_->Append(footer));
  WEIR_RETURN_IF_ERROR(file_->Sync());
  file_ = nullptr;
  const Name name{meta_.last_index, meta_.last_term};
  WEIR_RETURN_IF_ERROR(disk_.Rename(kTemporary, FileName(name)));
  WEIR_RETURN_IF_ERROR(disk_.SyncDirectory());
  if (verified_ && verified_->first == name) verified_.reset();
  std::erase(names_, name);
  names_.insert(std::upper_bound(names_.begin(), names_.end(), name), name);
  return DropOld();
}

Status SnapshotStore::DropOld() {
  while (names_.size() > kSnapshotsKept) {
    WEIR_RETURN_IF_ERROR(disk_.Remove(FileName(names_.front())));
    names_.erase(names_.begin());
  }
  return {};
}

Result<SnapshotStore::Layout> SnapshotStore::Verify(const Name& name, raft::SnapshotMeta* meta,
                                                    std::string* data) const {
  const auto damaged = [&](const char* what) {
    return Fail(ErrorCode::kCorruptMessage,
                "the snapshot " + FileName(name) + " is damaged: " + what +
                    ". Wipe this controller's data directory and replace the voter "
                    "(weir quorum replace)");
  };
  WEIR_ASSIGN_OR_RETURN(std::string bytes, ReadWhole(disk_, FileName(name)));
  const auto header_bytes = DecodeHeader(bytes, meta);
  if (!header_bytes) return damaged("its header does not check");
  const bool same = meta->last_index == name.index && meta->last_term == name.term;
  if (!same) return damaged("its name and its header differ");
  if (bytes.size() < *header_bytes + kFooterBytes) return damaged("its end is missing");
  FixedReader footer(std::string_view(bytes).substr(bytes.size() - kFooterBytes));
  Layout layout;
  layout.data_offset = *header_bytes;
  layout.data_bytes = footer.Get<uint64_t>();
  const uint32_t crc = footer.Get<uint32_t>();
  if (footer.Get<uint64_t>() != kEndMagic) return damaged("its end is missing");
  if (layout.data_bytes != bytes.size() - *header_bytes - kFooterBytes) {
    return damaged("its size is wrong");
  }
  const std::string_view content =
      std::string_view(bytes).substr(layout.data_offset, layout.data_bytes);
  if (Crc32c(content) != crc) return damaged("its checksum is wrong");
  if (data != nullptr) *data = std::string(content);
  return layout;
}

}  // namespace weir::quorum
