#include "controller/quorum/raft_log_store.h"

#include <algorithm>
#include <utility>

#include "common/base/check.h"
#include "controller/quorum/log_format.h"

namespace weir::quorum {

// Reads the segments in order and rebuilds the log that their batches describe.
class LogRecovery {
 public:
  LogRecovery(Disk& disk, RaftLogStore& store, RecoveredLog& out)
      : disk_(disk), store_(store), out_(out) {}

  Status Run() {
    WEIR_ASSIGN_OR_RETURN(const std::vector<std::string> names, disk_.List());
    std::vector<uint64_t> numbers;
    for (const std::string& name : names) {
      if (const auto number = ParseSegmentName(name)) numbers.push_back(*number);
    }
    WEIR_RETURN_IF_ERROR(DropVoidSegments(numbers));
    for (const uint64_t number : numbers) {
      WEIR_RETURN_IF_ERROR(ReadSegment(number, number == numbers.back()));
    }
    return {};
  }

 private:
  // Removes what the newest reset made void and a crash kept from being deleted: a power cut may
  // have left any of it.
  Status DropVoidSegments(std::vector<uint64_t>& numbers) {
    auto live = numbers.begin();
    for (auto it = numbers.begin(); it != numbers.end(); ++it) {
      WEIR_ASSIGN_OR_RETURN(const std::string bytes,
                            disk_.Read(SegmentName(*it), 0, kSegmentHeaderBytes));
      const auto header = DecodeSegmentHeader(bytes);
      if (header && header->reset) live = it;
    }
    for (auto it = numbers.begin(); it != live; ++it) {
      WEIR_RETURN_IF_ERROR(disk_.Remove(SegmentName(*it)));
    }
    numbers.erase(numbers.begin(), live);
    return {};
  }

  Status ReadSegment(uint64_t number, bool is_last) {
    const std::string name = SegmentName(number);
    WEIR_ASSIGN_OR_RETURN(const std::string bytes, ReadWhole(disk_, name));
    const auto header = DecodeSegmentHeader(bytes);
    if (!header || header->number != number) {
      // A segment's header is synced before its first batch is written: a torn one holds nothing.
      if (is_last && !ContainsBatch(bytes)) return RemoveTornSegment(name, bytes.size());
      return Damaged(name, 0, "its header is not readable");
    }
    WEIR_RETURN_IF_ERROR(CheckOrder(*header, name));
    store_.segments_.push_back({number, bytes.size(), LogIndex(0)});
    return ReadBatches(name, bytes, is_last);
  }

  Status CheckOrder(const SegmentHeader& header, const std::string& name) {
    if (header.reset) {
      began_ = true;
      after_ = header.base_index;
      reset_base_ = header.base_index;
      return {};
    }
    if (!store_.segments_.empty() && header.number != store_.segments_.back().number + 1) {
      return Damaged(name, 0, "the segment before it is missing");
    }
    return {};
  }

  Status ReadBatches(const std::string& name, const std::string& bytes, bool is_last) {
    size_t at = kSegmentHeaderBytes;
    bool first_of_log = store_.segments_.size() == 1;
    while (at < bytes.size()) {
      const std::string_view rest = std::string_view(bytes).substr(at);
      std::optional<DecodedBatch> batch = DecodeBatch(rest);
      if (!batch) {
        if (is_last && !ContainsBatch(rest)) return CutTail(name, at, rest.size());
        return Damaged(name, at, "acknowledged entries stand behind an unreadable place");
      }
      // The chain shows a batch that was replaced by an older copy of itself; before the oldest
      // segment it begins with whatever was deleted.
      if (!first_of_log && batch->previous_crc != store_.previous_crc_) {
        return Damaged(name, at, "this batch does not follow the one before it");
      }
      first_of_log = false;
      WEIR_RETURN_IF_ERROR(Take(*batch, name, at));
      at += batch->bytes;
    }
    return {};
  }

  Status Take(DecodedBatch& batch, const std::string& name, size_t at) {
    store_.previous_crc_ = batch.crc;
    for (raft::Entry& entry : batch.entries) {
      if (!began_) {
        began_ = true;
        after_ = LogIndex(entry.index.value() - 1);
      }
      const LogIndex last = after_ + out_.entries.size();
      if (entry.index > last + 1 || entry.index <= reset_base_) {
        return Damaged(
            name, at,
            "entry " + ToString(entry.index) + " does not follow entry " + ToString(last));
      }
      // Replaced from before the oldest segment that is left on.
      if (entry.index <= after_) {
        out_.entries.clear();
        after_ = entry.index - 1;
      }
      out_.entries.resize(entry.index - after_ - 1);
      RaftLogStore::Segment& segment = store_.segments_.back();
      segment.highest = std::max(segment.highest, entry.index);
      out_.entries.push_back(std::move(entry));
    }
    return {};
  }

  Status CutTail(const std::string& name, size_t at, size_t bytes) {
    WEIR_ASSIGN_OR_RETURN(const std::unique_ptr<DiskFile> file, disk_.OpenCutTo(name, at));
    WEIR_RETURN_IF_ERROR(file->Sync());
    store_.segments_.back().bytes = at;
    out_.cut_bytes = bytes;
    return {};
  }

  Status RemoveTornSegment(const std::string& name, size_t bytes) {
    out_.cut_bytes = bytes;
    WEIR_RETURN_IF_ERROR(disk_.Remove(name));
    return disk_.SyncDirectory();
  }

  Status Damaged(const std::string& name, size_t at, const std::string& what) const {
    return Fail(ErrorCode::kCorruptMessage,
                "the metadata log is damaged: " + name + " at byte " + std::to_string(at) + ": " +
                    what + ". This controller must not vote with it: wipe its data directory and " +
                    "replace the voter (weir quorum replace)");
  }

  Disk& disk_;
  RaftLogStore& store_;
  RecoveredLog& out_;
  bool began_ = false;
  LogIndex after_;       // the index before the first entry
  LogIndex reset_base_;  // no entry may stand at or before it
};

Result<std::unique_ptr<RaftLogStore>> RaftLogStore::Open(Disk& disk, LogStoreOptions options,
                                                         RecoveredLog* recovered) {
  std::unique_ptr<RaftLogStore> store(new RaftLogStore(disk, options));
  *recovered = {};
  WEIR_RETURN_IF_ERROR(LogRecovery(disk, *store, *recovered).Run());
  if (!store->segments_.empty()) {
    const Segment& last = store->segments_.back();
    WEIR_ASSIGN_OR_RETURN(store->file_, disk.OpenCutTo(SegmentName(last.number), last.bytes));
  }
  return store;
}

Status RaftLogStore::Append(const std::vector<raft::Entry>& entries) {
  if (!sticky_) return sticky_;
  if (entries.empty()) return {};
  if (file_ == nullptr || segments_.back().bytes >= options_.segment_bytes) {
    WEIR_RETURN_IF_ERROR(Note(StartSegment(false, Term(0), LogIndex(0))));
  }
  const std::string batch = EncodeBatch(entries, previous_crc_);
  WEIR_RETURN_IF_ERROR(Note(file_->Append(batch)));
  WEIR_RETURN_IF_ERROR(Note(file_->Sync()));
  previous_crc_ = BatchCrc(batch);
  Segment& segment = segments_.back();
  segment.bytes += batch.size();
  segment.highest = std::max(segment.highest, entries.back().index);
  return {};
}

Status RaftLogStore::ResetTo(Term base_term, LogIndex base_index) {
  if (!sticky_) return sticky_;
  const size_t before = segments_.size();
  WEIR_RETURN_IF_ERROR(Note(StartSegment(true, base_term, base_index)));
  for (size_t i = 0; i < before; ++i) {
    WEIR_RETURN_IF_ERROR(Note(disk_.Remove(SegmentName(segments_.front().number))));
    segments_.pop_front();
  }
  return Note(disk_.SyncDirectory());
}

Status RaftLogStore::DeleteBefore(LogIndex index) {
  if (!sticky_) return sticky_;
  while (segments_.size() > 1 && segments_.front().highest < index) {
    WEIR_RETURN_IF_ERROR(Note(disk_.Remove(SegmentName(segments_.front().number))));
    // One at a time, so that a power cut cannot take a later name and leave an earlier one.
    WEIR_RETURN_IF_ERROR(Note(disk_.SyncDirectory()));
    segments_.pop_front();
  }
  return {};
}

uint64_t RaftLogStore::bytes() const {
  uint64_t sum = 0;
  for (const Segment& segment : segments_) sum += segment.bytes;
  return sum;
}

Status RaftLogStore::StartSegment(bool reset, Term base_term, LogIndex base_index) {
  SegmentHeader header;
  header.number = segments_.empty() ? 1 : segments_.back().number + 1;
  header.reset = reset;
  header.base_term = base_term;
  header.base_index = base_index;
  WEIR_ASSIGN_OR_RETURN(std::unique_ptr<DiskFile> file, disk_.Create(SegmentName(header.number)));
  WEIR_RETURN_IF_ERROR(file->Append(EncodeSegmentHeader(header)));
  WEIR_RETURN_IF_ERROR(file->Sync());
  WEIR_RETURN_IF_ERROR(disk_.SyncDirectory());
  if (reset) previous_crc_ = 0;
  segments_.push_back({header.number, kSegmentHeaderBytes, LogIndex(0)});
  file_ = std::move(file);
  return {};
}

Status RaftLogStore::Note(Status status) {
  if (!status && sticky_) sticky_ = status;
  return status;
}

}  // namespace weir::quorum
