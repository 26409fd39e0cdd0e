#include "broker/log/log_store.h"

#include <algorithm>
#include <set>
#include <utility>

#include "common/base/check.h"
#include "common/runtime/log.h"

namespace weir::log {

// `dead` is sorted. Runs of neighbouring ids, as one topic's partitions have them, share one range
// tombstone: thousands of those would slow every read of the meta family.
void LogStore::DeleteRows(KvBatch& batch, const std::vector<Dead>& dead) {
  for (size_t begin = 0; begin < dead.size();) {
    size_t end = begin + 1;
    while (end < dead.size() && dead[end].id == dead[end - 1].id + 1) ++end;
    for (const RowKind kind : {RowKind::kEpoch, RowKind::kSegment, RowKind::kCommitted}) {
      batch.DeleteRange(KvFamily::kMeta, MakeRowKey(kind, dead[begin].id),
                        MakeRowKeyEnd(kind, dead[end - 1].id));
    }
    begin = end;
  }
  for (const Dead& partition : dead) {
    batch.Delete(KvFamily::kMeta, MakeRowKey(RowKind::kPartition, partition.id));
    batch.Delete(KvFamily::kMeta, MakeRowKey(RowKind::kProducers, partition.id));
    batch.Delete(KvFamily::kMeta, MakeRowKey(RowKind::kCommittedEnd, partition.id));
    batch.Put(KvFamily::kMeta, MakeRowKey(RowKind::kDeleted, partition.id),
              EncodeNumber(static_cast<int64_t>(partition.family)));
  }
}

LogStore::LogStore(KvStore& store, Executor& writer, Executor& syncer,
                   std::shared_ptr<LogStartMap> starts, uint32_t directory)
    : kv_(store),
      directory_(directory),
      starts_(std::move(starts)),
      writer_(store, writer, syncer) {}

Result<std::unique_ptr<LogStore>> LogStore::Open(KvStore& store, Executor& writer, Executor& syncer,
                                                 std::shared_ptr<LogStartMap> starts,
                                                 uint32_t directory) {
  std::unique_ptr<LogStore> opened(
      new LogStore(store, writer, syncer, std::move(starts), directory));
  WEIR_RETURN_IF_ERROR(opened->Load());
  return opened;
}

Status LogStore::Load() {
  Partitions partitions;
  WEIR_RETURN_IF_ERROR(LoadBrokerRows(partitions));
  Loaded loaded;
  auto it = kv_.Scan(KvFamily::kMeta, "", "");
  // P rows first: the others belong to a partition.
  const std::string partition_prefix(1, static_cast<char>(RowKind::kPartition));
  for (it->Seek(partition_prefix); it->Valid() && it->key().starts_with(partition_prefix);
       it->Next()) {
    WEIR_RETURN_IF_ERROR(LoadRow(it->key(), it->value(), partitions, loaded));
  }
  // Committed offsets stay where they are: there may be millions.
  const std::string committed_prefix(1, static_cast<char>(RowKind::kCommitted));
  const std::string committed_end(1, static_cast<char>(RowKind::kCommitted) + 1);
  it->Seek("");
  while (it->Valid()) {
    if (it->key().starts_with(committed_prefix)) {
      it->Seek(committed_end);
      continue;
    }
    if (!it->key().starts_with(partition_prefix)) {
      WEIR_RETURN_IF_ERROR(LoadRow(it->key(), it->value(), partitions, loaded));
    }
    it->Next();
  }
  WEIR_RETURN_IF_ERROR(it->status());
  starts_->Publish(loaded.starts);
  AddDead(loaded.dead);
  LogInfo("log", "directory read",
          {{"directory", directory_},
           {"partitions", partitions.known.size()},
           {"clean", previous_broker_epoch_ != kNoBrokerEpoch},
           {"previous_broker_epoch", previous_broker_epoch_}});
  partitions_.With([&](Partitions& own) { own = std::move(partitions); });
  return {};
}

Status LogStore::LoadBrokerRows(Partitions& partitions) {
  WEIR_ASSIGN_OR_RETURN(const auto next,
                        kv_.Get(KvFamily::kMeta, MakeBrokerKey(BrokerRow::kNextPartition)));
  if (next) {
    WEIR_ASSIGN_OR_RETURN(const int64_t id, DecodeNumber(*next));
    partitions.next_local_id = PartitionLocalId(static_cast<uint32_t>(id));
  }
  const std::string clean_key = MakeBrokerKey(BrokerRow::kCleanShutdown);
  WEIR_ASSIGN_OR_RETURN(const auto clean, kv_.Get(KvFamily::kMeta, clean_key));
  if (!clean) return {};
  WEIR_ASSIGN_OR_RETURN(const int64_t epoch, DecodeNumber(*clean));
  previous_broker_epoch_ = BrokerEpoch(epoch);
  auto batch = kv_.NewBatch();
  batch->Delete(KvFamily::kMeta, clean_key);
  WEIR_RETURN_IF_ERROR(kv_.Write(*batch));
  return kv_.Sync();
}

Status LogStore::LoadRow(std::string_view key, std::string_view value, Partitions& partitions,
                         Loaded& loaded) {
  const auto kind = static_cast<RowKind>(key.empty() ? '\0' : key[0]);
  if (kind == RowKind::kBroker) return {};
  WEIR_ASSIGN_OR_RETURN(const PartitionLocalId id, PartitionOfRow(key));
  if (kind == RowKind::kPartition) {
    WEIR_ASSIGN_OR_RETURN(const PartitionRow row, DecodePartitionRow(value));
    partitions.known[row.partition] = {id, row.family, row.log_start_offset};
    partitions.recovered[id] = std::make_unique<RecoveredRows>();
    if (row.log_start_offset > Offset(0)) loaded.starts.emplace_back(id, row.log_start_offset);
    return {};
  }
  if (kind == RowKind::kDeleted) {
    WEIR_ASSIGN_OR_RETURN(const int64_t family, DecodeNumber(value));
    if (family < 0 || family >= static_cast<int64_t>(KvFamily::kMeta)) {
      return Fail(ErrorCode::kKafkaStorageError, "the store names an unknown family");
    }
    loaded.dead.push_back({id, static_cast<KvFamily>(family)});
    return {};
  }
  const auto found = partitions.recovered.find(id);
  if (found == partitions.recovered.end()) return {};
  RecoveredRows& rows = *found->second;
  if (kind == RowKind::kEpoch) {
    WEIR_ASSIGN_OR_RETURN(const LeaderEpoch epoch, EpochOfKey(key));
    WEIR_ASSIGN_OR_RETURN(const int64_t first_offset, DecodeNumber(value));
    rows.epochs.push_back({epoch, Offset(first_offset)});
  } else if (kind == RowKind::kSegment) {
    WEIR_ASSIGN_OR_RETURN(const Offset first_offset, SegmentOfKey(key));
    WEIR_ASSIGN_OR_RETURN(const SegmentRow row, DecodeSegmentRow(first_offset, value));
    rows.segments.push_back(row);
  } else if (kind == RowKind::kProducers) {
    rows.producers = std::string(value);
  } else if (kind == RowKind::kCommittedEnd) {
    WEIR_ASSIGN_OR_RETURN(const int64_t end, DecodeNumber(value));
    rows.committed_end = Offset(end);
  } else {
    return Fail(ErrorCode::kKafkaStorageError,
                "the store holds a row of unknown kind " + std::to_string(key[0]));
  }
  return {};
}

std::vector<TopicPartition> LogStore::Stored() const {
  std::vector<TopicPartition> stored;
  partitions_.With([&](const Partitions& partitions) {
    stored.reserve(partitions.known.size());
    for (const auto& [partition, known] : partitions.known) stored.push_back(partition);
  });
  std::sort(stored.begin(), stored.end());
  return stored;
}

bool LogStore::Holds(const TopicPartition& partition) const {
  return partitions_.With([&](const Partitions& own) { return own.known.contains(partition); });
}

size_t LogStore::partition_count() const {
  return partitions_.With([](const Partitions& own) { return own.known.size(); });
}

StoredPartition LogStore::OpenKnown(Partitions& partitions, const Known& known) const {
  const auto rows = partitions.recovered.find(known.local_id);
  WEIR_CHECK(rows != partitions.recovered.end(), "a partition is opened once in a life");
  StoredPartition stored{known.local_id,
                         known.family,
                         known.log_start_offset,
                         std::move(rows->second),
                         previous_broker_epoch_ != kNoBrokerEpoch,
                         directory_};
  partitions.recovered.erase(rows);
  return stored;
}

std::vector<StoredPartition> LogStore::OpenOrCreate(const std::vector<TopicPartition>& partitions,
                                                    const std::vector<KvFamily>& families) {
  WEIR_CHECK(partitions.size() == families.size());
  std::vector<StoredPartition> opened;
  opened.reserve(partitions.size());
  std::vector<std::pair<PartitionLocalId, PartitionRow>> created;
  partitions_.With([&](Partitions& own) {
    for (size_t i = 0; i < partitions.size(); ++i) {
      const auto found = own.known.find(partitions[i]);
      if (found != own.known.end()) {
        opened.push_back(OpenKnown(own, found->second));
        continue;
      }
      const Known known{own.next_local_id, families[i], Offset(0)};
      ++own.next_local_id;
      own.known[partitions[i]] = known;
      opened.push_back(
          {known.local_id, known.family, known.log_start_offset, nullptr, false, directory_});
      created.push_back({known.local_id, {partitions[i], known.family, Offset(0)}});
    }
    if (created.empty()) return;
    writer_.WriteMeta(
        [created = std::move(created), next = own.next_local_id](KvBatch& batch) {
          for (const auto& [id, row] : created) {
            batch.Put(KvFamily::kMeta, MakeRowKey(RowKind::kPartition, id), Encode(row));
          }
          batch.Put(KvFamily::kMeta, MakeBrokerKey(BrokerRow::kNextPartition),
                    EncodeNumber(next.value()));
        },
        nullptr);
  });
  return opened;
}

void LogStore::Delete(const std::vector<TopicPartition>& partitions) {
  if (failed()) return;
  std::vector<Dead> dead;
  partitions_.With([&](Partitions& own) {
    for (const TopicPartition& partition : partitions) {
      const auto found = own.known.find(partition);
      if (found == own.known.end()) continue;
      dead.push_back({found->second.local_id, found->second.family});
      own.recovered.erase(found->second.local_id);
      own.known.erase(found);
    }
    if (dead.empty()) return;
    std::sort(dead.begin(), dead.end(), [](const Dead& a, const Dead& b) { return a.id < b.id; });
    writer_.WriteMeta([dead](KvBatch& batch) { DeleteRows(batch, dead); },
                      [this, dead] { AddDead(dead); });
  });
}

void LogStore::AddDead(const std::vector<Dead>& dead) {
  std::vector<PartitionLocalId> ids;
  ids.reserve(dead.size());
  for (const Dead& partition : dead) ids.push_back(partition.id);
  starts_->PublishDead(ids);
  dead_.With([&](std::vector<Dead>& own) { own.insert(own.end(), dead.begin(), dead.end()); });
  ++death_count_;
}

size_t LogStore::deleted_count() const {
  return dead_.With([](const std::vector<Dead>& dead) { return dead.size(); });
}

Result<bool> LogStore::HasEntries(const Dead& dead) {
  const LogKey lower = MakeLogKey(dead.id, Offset(0));
  const LogKey upper = MakeLogKeyEnd(dead.id);
  const auto entries = kv_.Scan(dead.family, View(lower), View(upper));
  entries->Seek(View(lower));
  if (entries->Valid()) return true;
  const Status status = entries->status();
  // A damaged entry is one all the same.
  if (!status && status.error().code == ErrorCode::kCorruptMessage) return true;
  WEIR_RETURN_IF_ERROR(status);
  return false;
}

Result<size_t> LogStore::Reclaim(uint64_t copy_bytes_max) {
  const std::vector<Dead> dead = dead_.With([](std::vector<Dead>& own) { return own; });
  std::set<KvFamily> families;
  for (const Dead& partition : dead) families.insert(partition.family);
  if (copy_bytes_max > 0) {
    families = {KvFamily::kLogShort, KvFamily::kLogLong, KvFamily::kLogCompacted};
  }
  for (const KvFamily family : families) {
    WEIR_RETURN_IF_ERROR(kv_.Reclaim(family, copy_bytes_max));
  }
  std::vector<PartitionLocalId> gone;
  for (const Dead& partition : dead) {
    WEIR_ASSIGN_OR_RETURN(const bool left, HasEntries(partition));
    if (!left) gone.push_back(partition.id);
  }
  if (gone.empty()) return 0;
  const std::set<PartitionLocalId> ids(gone.begin(), gone.end());
  dead_.With([&](std::vector<Dead>& own) {
    std::erase_if(own, [&](const Dead& partition) { return ids.contains(partition.id); });
  });
  writer_.WriteMeta(
      [gone](KvBatch& batch) {
        for (const PartitionLocalId id : gone) {
          batch.Delete(KvFamily::kMeta, MakeRowKey(RowKind::kDeleted, id));
        }
      },
      nullptr);
  starts_->Forget(gone);
  return gone.size();
}

void LogStore::MoveLogStart(const TopicPartition& partition, Offset log_start_offset, Task done,
                            Task lost) {
  partitions_.With([&](Partitions& own) {
    const auto found = own.known.find(partition);
    WEIR_CHECK(found != own.known.end(), "an open partition is stored");
    Known& known = found->second;
    known.log_start_offset = std::max(known.log_start_offset, log_start_offset);
    const PartitionRow row{partition, known.family, known.log_start_offset};
    writer_.WriteMeta(
        [id = known.local_id, row](KvBatch& batch) {
          batch.Put(KvFamily::kMeta, MakeRowKey(RowKind::kPartition, id), Encode(row));
        },
        [this, id = known.local_id, row, done = std::move(done)]() mutable {
          starts_->Publish({{id, row.log_start_offset}});
          ++death_count_;
          if (done) done();
        },
        std::move(lost));
  });
}

Status LogStore::CloseCleanly(BrokerEpoch epoch) {
  auto batch = kv_.NewBatch();
  batch->Put(KvFamily::kMeta, MakeBrokerKey(BrokerRow::kCleanShutdown),
             EncodeNumber(epoch.value()));
  WEIR_RETURN_IF_ERROR(kv_.Write(*batch));
  return kv_.Sync();
}

}  // namespace weir::log
