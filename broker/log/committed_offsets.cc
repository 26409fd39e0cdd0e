#include "broker/log/committed_offsets.h"

#include <algorithm>
#include <set>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "broker/log/key_format.h"
#include "broker/log/offset_history.h"
#include "broker/wire/compression.h"
#include "broker/wire/record_reader.h"
#include "common/base/check.h"
#include "common/base/limits.h"
#include "common/runtime/log.h"

namespace weir::log {
namespace {

using wire::OffsetCommitKey;
using wire::OffsetCommitValue;

// Rows and pending records know keys without their version: both versions mean the same row.
std::string_view WithoutVersion(std::string_view key) {
  return key.substr(wire::kOffsetVersionBytes);
}

// Rows of resets stand behind those of offsets, whose keys begin with a length.
constexpr std::string_view kResetRowPrefix = "\xff\xff";

std::string ResetRowKey(std::string_view group) {
  return std::string(kResetRowPrefix).append(group);
}

bool IsResetRow(std::string_view row_key) { return row_key.starts_with(kResetRowPrefix); }

Result<OffsetCommitKey> DecodeKey(std::string_view row_key) {
  // Any version that is a committed offset's.
  const std::string bytes = std::string(wire::kOffsetVersionBytes, '\0') + std::string(row_key);
  WEIR_ASSIGN_OR_RETURN(const auto key, wire::DecodeOffsetKey(bytes));
  WEIR_CHECK(key.has_value());
  // Views must point into the caller's bytes.
  const std::string_view group = row_key.substr(sizeof(int16_t), key->group.size());
  const std::string_view topic =
      row_key.substr(2 * sizeof(int16_t) + group.size(), key->topic.size());
  return OffsetCommitKey{group, topic, key->partition};
}

Result<CommittedOffset> DecodeRow(const OffsetCommitKey& key, std::string_view row) {
  WEIR_ASSIGN_OR_RETURN(CommittedRow decoded, DecodeCommittedRow(row));
  WEIR_ASSIGN_OR_RETURN(OffsetCommitValue value, wire::DecodeOffsetValue(decoded.value));
  return CommittedOffset{.topic = std::string(key.topic),
                         .partition = key.partition,
                         .value = std::move(value),
                         .log_offset = decoded.log_offset};
}

}  // namespace

CommittedOffsets::CommittedOffsets(KvStore& store, PartitionLocalId partition, Offset rows_end,
                                   Offset log_start)
    : store_(store),
      partition_(partition),
      end_(std::max(rows_end, log_start)),
      written_(std::make_shared<std::atomic<uint64_t>>(0)) {}

// ---- From records to rows ---------------------------------------------------------------

void CommittedOffsets::Append(const wire::RecordBatchView& batch) {
  if (batch.is_control() || Offset(batch.last_offset()) < end_) return;
  std::string decompressed;
  std::string_view records = batch.records_section();
  if (batch.compression_id() != 0) {
    auto plain = wire::Decompress(batch.compression(), records, limits::kDecompressedBytesMax);
    if (!plain) {
      LogError("log", "committed offsets cannot be read",
               {{"offset", batch.base_offset()}, {"error", plain.error().message}});
      return;
    }
    decompressed = *std::move(plain);
    records = decompressed;
  }
  wire::RecordReader reader(records);
  wire::Record record;
  while (true) {
    const Result<bool> more = reader.Next(record);
    if (!more) {
      LogError("log", "committed offsets cannot be read",
               {{"offset", batch.base_offset()}, {"error", more.error().message}});
    }
    if (!more || !*more) return;
    const Offset offset(batch.base_offset() + record.offset_delta);
    if (record.key && offset >= end_) AppendRecord(offset, *record.key, record.value);
  }
}

void CommittedOffsets::AppendRecord(Offset offset, std::string_view key,
                                    std::optional<std::string_view> value) {
  const auto decoded = wire::DecodeOffsetKey(key);
  const auto reset_of = wire::DecodeOffsetResetKey(key);
  bool readable = decoded.has_value() && reset_of.has_value();
  const bool is_reset = readable && *reset_of;
  // Of a group, a member or what else Kafka keeps there.
  if (readable && !*decoded && !is_reset) return;
  if (readable && value) {
    readable = is_reset ? wire::DecodeOffsetReset(*value).has_value()
                        : wire::DecodeOffsetValue(*value).has_value();
  }
  if (!readable) {
    LogError("log", "a committed offset cannot be read", {{"offset", offset.value()}});
    return;
  }
  Pending& pending = pending_.emplace_back();
  pending.offset = offset;
  pending.key = is_reset ? ResetRowKey(**reset_of) : std::string(WithoutVersion(key));
  if (value) pending.value = std::string(*value);
}

bool CommittedOffsets::Advance(Offset high_watermark) {
  if (high_watermark <= end_) return false;
  end_ = high_watermark;
  while (!pending_.empty() && pending_.front().offset < high_watermark) {
    Pending& pending = pending_.front();
    Unwritten& row = rows_[std::move(pending.key)];
    row.fill = 0;
    row.row.reset();
    if (pending.value) row.row = Encode(CommittedRow{pending.offset, *std::move(pending.value)});
    pending_.pop_front();
    unwritten_ = true;
  }
  return unwritten_;
}

bool CommittedOffsets::TruncateFrom(Offset offset, Offset log_start) {
  while (!pending_.empty() && pending_.back().offset >= offset) pending_.pop_back();
  if (offset >= end_) return true;
  Clear(log_start);
  return false;
}

void CommittedOffsets::Clear(Offset log_start) {
  pending_.clear();
  rows_.clear();
  clear_ = true;
  unwritten_ = true;
  end_ = log_start;
}

LogWriter::FillMeta CommittedOffsets::Take() {
  const uint64_t written = written_->load();
  std::erase_if(
      rows_, [&](const auto& row) { return row.second.fill != 0 && row.second.fill <= written; });
  ++fill_;
  std::vector<std::pair<std::string, std::optional<std::string>>> changes;
  for (auto& [key, row] : rows_) {
    if (row.fill != 0) continue;
    row.fill = fill_;
    changes.emplace_back(MakeCommittedKey(partition_, key), row.row);
  }
  unwritten_ = false;
  const bool clear = std::exchange(clear_, false);
  if (clear) clear_fill_ = fill_;
  return [partition = partition_, changes = std::move(changes), clear, end = end_, fill = fill_,
          all_written = written_](KvBatch& batch) {
    all_written->store(fill - 1);
    if (clear) {
      batch.DeleteRange(KvFamily::kMeta, MakeRowKey(RowKind::kCommitted, partition),
                        MakeRowKeyEnd(RowKind::kCommitted, partition));
    }
    for (const auto& [key, row] : changes) {
      if (row) {
        batch.Put(KvFamily::kMeta, key, *row);
      } else {
        batch.Delete(KvFamily::kMeta, key);
      }
    }
    batch.Put(KvFamily::kMeta, MakeRowKey(RowKind::kCommittedEnd, partition),
              EncodeNumber(end.value()));
  };
}

// ---- Reading ------------------------------------------------------------------------------

Result<std::optional<CommittedOffset>> CommittedOffsets::Find(std::string_view group,
                                                              std::string_view topic,
                                                              int32_t partition) const {
  if (std::max(group.size(), topic.size()) > wire::kOffsetKeyStringBytesMax) return std::nullopt;
  const OffsetCommitKey key{group, topic, partition};
  const std::string encoded = wire::EncodeOffsetKey(key);
  WEIR_ASSIGN_OR_RETURN(const auto row, FindRow(WithoutVersion(encoded)));
  if (!row) return std::nullopt;
  return DecodeRow(key, *row);
}

Result<std::optional<std::string>> CommittedOffsets::FindRow(std::string_view row_key) const {
  if (const auto found = rows_.find(row_key); found != rows_.end()) return found->second.row;
  if (DiskIsVoid()) return std::nullopt;
  return store_.Get(KvFamily::kMeta, MakeCommittedKey(partition_, row_key));
}

// Rows in memory and rows on disk, in one order; memory is newer.
Status CommittedOffsets::VisitRows(std::string_view prefix, const Visit& visit) const {
  auto in_memory = rows_.lower_bound(prefix);
  const auto visit_memory = [&](std::optional<std::string_view> before) -> Status {
    for (; in_memory != rows_.end() && in_memory->first.starts_with(prefix) &&
           (!before || in_memory->first < *before);
         ++in_memory) {
      if (in_memory->second.row) {
        WEIR_RETURN_IF_ERROR(visit(in_memory->first, *in_memory->second.row));
      }
    }
    return {};
  };
  if (!DiskIsVoid()) {
    const std::string lower = MakeCommittedKey(partition_, prefix);
    const size_t before_key = lower.size() - prefix.size();
    const auto it =
        store_.Scan(KvFamily::kMeta, lower, MakeRowKeyEnd(RowKind::kCommitted, partition_));
    for (it->Seek(lower); it->Valid() && it->key().starts_with(lower); it->Next()) {
      const std::string_view key = it->key().substr(before_key);
      WEIR_RETURN_IF_ERROR(visit_memory(key));
      if (in_memory != rows_.end() && in_memory->first == key) continue;
      WEIR_RETURN_IF_ERROR(visit(key, it->value()));
    }
    WEIR_RETURN_IF_ERROR(it->status());
  }
  return visit_memory(std::nullopt);
}

Result<std::vector<std::string>> CommittedOffsets::Groups() const {
  std::set<std::string> groups;
  for (const auto& [row_key, row] : rows_) {
    if (!row.row || IsResetRow(row_key)) continue;
    WEIR_ASSIGN_OR_RETURN(const OffsetCommitKey key, DecodeKey(row_key));
    groups.emplace(key.group);
  }
  if (DiskIsVoid()) return std::vector<std::string>(groups.begin(), groups.end());
  const std::string first = MakeCommittedKey(partition_, "");
  const auto it =
      store_.Scan(KvFamily::kMeta, first, MakeRowKeyEnd(RowKind::kCommitted, partition_));
  it->Seek(first);
  while (it->Valid()) {
    const std::string row_key(it->key().substr(first.size()));
    if (IsResetRow(row_key)) break;
    const auto newer = rows_.find(row_key);
    if (newer != rows_.end() && !newer->second.row) {
      it->Next();
      continue;
    }
    WEIR_ASSIGN_OR_RETURN(const OffsetCommitKey key, DecodeKey(row_key));
    groups.emplace(key.group);
    // Behind the group's other rows: a topic's length begins with a smaller byte.
    const std::string prefix = wire::EncodeOffsetKeyPrefix(key.group);
    it->Seek(MakeCommittedKey(partition_, std::string(WithoutVersion(prefix)) + '\xff'));
  }
  WEIR_RETURN_IF_ERROR(it->status());
  return std::vector<std::string>(groups.begin(), groups.end());
}

Result<std::vector<CommittedOffset>> CommittedOffsets::FindAll(std::string_view group) const {
  std::vector<CommittedOffset> found;
  if (group.size() > wire::kOffsetKeyStringBytesMax) return found;
  const std::string prefix = wire::EncodeOffsetKeyPrefix(group);
  WEIR_RETURN_IF_ERROR(VisitRows(
      WithoutVersion(prefix), [&](std::string_view row_key, std::string_view row) -> Status {
        WEIR_ASSIGN_OR_RETURN(const OffsetCommitKey key, DecodeKey(row_key));
        WEIR_ASSIGN_OR_RETURN(CommittedOffset offset, DecodeRow(key, row));
        found.push_back(std::move(offset));
        return {};
      }));
  std::sort(found.begin(), found.end(), [](const CommittedOffset& a, const CommittedOffset& b) {
    return std::tie(a.topic, a.partition) < std::tie(b.topic, b.partition);
  });
  return found;
}

Status CommittedOffsets::VisitAll(const VisitOffset& visit) const {
  return VisitRows("", [&](std::string_view row_key, std::string_view row) -> Status {
    if (IsResetRow(row_key)) return {};
    WEIR_ASSIGN_OR_RETURN(const OffsetCommitKey key, DecodeKey(row_key));
    WEIR_ASSIGN_OR_RETURN(CommittedOffset offset, DecodeRow(key, row));
    return visit(key.group, std::move(offset));
  });
}

Result<std::vector<std::string>> CommittedOffsets::KeysToForget(
    std::optional<std::string_view> group, const Matches& matches) const {
  std::map<std::string, bool, std::less<>> wanted;
  const auto consider = [&](std::string_view row_key, std::string_view value) -> Status {
    if (IsResetRow(row_key)) return {};
    WEIR_ASSIGN_OR_RETURN(const OffsetCommitKey key, DecodeKey(row_key));
    WEIR_ASSIGN_OR_RETURN(const OffsetCommitValue decoded, wire::DecodeOffsetValue(value));
    wanted[std::string(row_key)] = (!group || key.group == *group) && matches(key, decoded);
    return {};
  };
  std::string prefix;
  if (group) {
    if (group->size() > wire::kOffsetKeyStringBytesMax) return std::vector<std::string>();
    prefix = WithoutVersion(wire::EncodeOffsetKeyPrefix(*group));
  }
  WEIR_RETURN_IF_ERROR(VisitRows(prefix, [&](std::string_view key, std::string_view row) -> Status {
    WEIR_ASSIGN_OR_RETURN(const CommittedRow decoded, DecodeCommittedRow(row));
    return consider(key, decoded.value);
  }));
  for (const Pending& pending : pending_) {
    if (!pending.key.starts_with(prefix)) continue;
    if (pending.value) {
      WEIR_RETURN_IF_ERROR(consider(pending.key, *pending.value));
    } else {
      wanted[pending.key] = false;
    }
  }
  std::vector<std::string> keys;
  for (const auto& [row_key, is_wanted] : wanted) {
    if (!is_wanted) continue;
    WEIR_ASSIGN_OR_RETURN(const OffsetCommitKey key, DecodeKey(row_key));
    keys.push_back(wire::EncodeOffsetKey(key));
  }
  return keys;
}

// ---- Resets -------------------------------------------------------------------------------

Result<std::optional<wire::OffsetReset>> CommittedOffsets::FindReset(std::string_view group) const {
  WEIR_ASSIGN_OR_RETURN(const auto row, FindRow(ResetRowKey(group)));
  if (!row) return std::nullopt;
  WEIR_ASSIGN_OR_RETURN(const CommittedRow decoded, DecodeCommittedRow(*row));
  return wire::DecodeOffsetReset(decoded.value);
}

Result<bool> CommittedOffsets::HasReset(std::string_view group) const {
  WEIR_ASSIGN_OR_RETURN(const auto values, NewestOf({ResetRowKey(group)}));
  return values[0].has_value();
}

Result<std::vector<std::optional<std::string>>> CommittedOffsets::NewestOf(
    const std::vector<std::string>& row_keys) const {
  std::unordered_map<std::string_view, const Pending*> newest;
  for (const Pending& pending : pending_) newest[pending.key] = &pending;
  std::vector<std::optional<std::string>> values;
  values.reserve(row_keys.size());
  for (const std::string& row_key : row_keys) {
    if (const auto found = newest.find(row_key); found != newest.end()) {
      values.push_back(found->second->value);
      continue;
    }
    WEIR_ASSIGN_OR_RETURN(const auto row, FindRow(row_key));
    values.emplace_back();
    if (!row) continue;
    WEIR_ASSIGN_OR_RETURN(CommittedRow decoded, DecodeCommittedRow(*row));
    values.back() = std::move(decoded.value);
  }
  return values;
}

Result<std::optional<wire::OffsetReset>> CommittedOffsets::ResetBy(
    std::string_view group, std::span<const SharedBytes> batches, WallTime now,
    size_t bytes_max) const {
  std::vector<OffsetChange> changes;
  // The group's last reset, then what each change is about.
  std::vector<std::string> row_keys = {ResetRowKey(group)};
  for (const SharedBytes& records : batches) {
    WEIR_ASSIGN_OR_RETURN(const auto batch, wire::RecordBatchView::Parse(records.view()));
    wire::RecordReader reader(batch.records_section());
    wire::Record record;
    while (true) {
      WEIR_ASSIGN_OR_RETURN(const bool more, reader.Next(record));
      if (!more) break;
      WEIR_ASSIGN_OR_RETURN(const auto key, wire::DecodeOffsetKey(record.key.value_or("")));
      if (!key) continue;
      OffsetChange& change = changes.emplace_back();
      change.topic = std::string(key->topic);
      change.partition = key->partition;
      row_keys.emplace_back(WithoutVersion(*record.key));
      if (!record.value) continue;
      WEIR_ASSIGN_OR_RETURN(change.after, wire::DecodeOffsetValue(*record.value));
    }
  }
  WEIR_ASSIGN_OR_RETURN(const auto values, NewestOf(row_keys));
  std::optional<wire::OffsetReset> last;
  if (values[0]) {
    WEIR_ASSIGN_OR_RETURN(last, wire::DecodeOffsetReset(*values[0]));
  }
  for (size_t i = 0; i < changes.size(); ++i) {
    if (!values[i + 1]) continue;
    WEIR_ASSIGN_OR_RETURN(changes[i].before, wire::DecodeOffsetValue(*values[i + 1]));
  }
  return ResetOf(std::move(changes), last, now, bytes_max);
}

}  // namespace weir::log
