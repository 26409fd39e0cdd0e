#include "broker/log/log_writer.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "broker/log/key_format.h"
#include "common/base/check.h"
#include "common/base/limits.h"

namespace weir::log {
namespace {

// Bytes of one batch of the store: bounds its memory, and how long a round takes.
constexpr size_t kWriteBytesMax = 4 * 1024 * 1024;

}  // namespace

LogWriter::LogWriter(KvStore& store, Executor& writer, Executor& syncer)
    : store_(store), writer_(writer), syncer_(syncer), batch_(store.NewBatch()) {}

size_t LogWriter::AddShard(Executor& executor, OnPersisted on_persisted) {
  shards_.push_back({&executor, std::make_shared<OnPersisted>(std::move(on_persisted))});
  return shards_.size() - 1;
}

void LogWriter::Append(size_t shard, std::vector<LogAppend> appends) {
  std::vector<Item> items;
  items.reserve(appends.size());
  size_t bytes = 0;
  for (LogAppend& append : appends) {
    bytes += append.bytes.size();
    items.push_back({.shard = shard, .append = std::move(append)});
  }
  Enqueue(std::move(items), bytes);
}

void LogWriter::WriteMeta(FillMeta fill, Task synced, Task lost) {
  std::vector<Item> items;
  items.push_back({.fill = std::move(fill), .synced = std::move(synced), .lost = std::move(lost)});
  Enqueue(std::move(items), 0);
}

void LogWriter::Enqueue(std::vector<Item> items, size_t bytes) {
  if (items.empty()) return;
  appended_bytes_.fetch_add(bytes, std::memory_order_relaxed);
  queued_bytes_.fetch_add(bytes, std::memory_order_relaxed);
  if (queue_.Put(std::move(items))) writer_.Post([this] { WriteQueued(); });
}

void LogWriter::WriteQueued() {
  std::vector<Item> items = queue_.TakeAll();
  for (size_t begin = 0; begin < items.size();) {
    size_t end = begin;
    for (size_t bytes = 0; end < items.size() && (end == begin || bytes < kWriteBytesMax); ++end) {
      bytes += items[end].append.bytes.size();
      // Rows come after the entries queued before them, never after those queued later: they may
      // delete entries.
      if (items[end].fill) {
        ++end;
        break;
      }
    }
    if (!WriteSome(items, begin, end)) return Lose(items, begin);
    begin = end;
  }
}

bool LogWriter::WriteSome(std::vector<Item>& items, size_t begin, size_t end) {
  if (failed_.load()) return false;
  batch_->Clear();
  PutEntries(items, begin, end);
  for (size_t i = begin; i < end; ++i) {
    if (items[i].fill) items[i].fill(*batch_);
  }
  if (batch_->count() > 0 && !store_.Write(*batch_)) {
    failed_.store(true);
    return false;
  }
  counters_.writes.fetch_add(1, std::memory_order_relaxed);
  AfterWrite(items, begin, end);
  return true;
}

void LogWriter::PutEntries(std::vector<Item>& items, size_t begin, size_t end) {
  // Gathers each partition's appends; stable, so that they stay in order.
  std::vector<const LogAppend*> appends;
  for (size_t i = begin; i < end; ++i) {
    if (!items[i].fill) appends.push_back(&items[i].append);
  }
  std::stable_sort(appends.begin(), appends.end(), [](const LogAppend* a, const LogAppend* b) {
    return a->partition < b->partition;
  });
  std::vector<std::string_view> parts;
  for (size_t i = 0; i < appends.size();) {
    const LogAppend& first = *appends[i];
    size_t bytes = 0;
    parts.clear();
    size_t last = i;
    for (; i < appends.size() && appends[i]->partition == first.partition; ++i) {
      const LogAppend& append = *appends[i];
      if (!parts.empty() && bytes + append.bytes.size() > limits::kLogEntryBytesTarget) break;
      parts.push_back(append.bytes.view());
      bytes += append.bytes.size();
      last = i;
      if (append.new_epoch >= LeaderEpoch(0)) {
        batch_->KvBatch::Put(KvFamily::kMeta, MakeEpochKey(append.partition, append.new_epoch),
                             EncodeNumber(append.new_epoch_start.value()));
      }
    }
    const LogKey key = MakeLogKey(first.partition, appends[last]->last_offset);
    const std::string_view key_view = View(key);
    batch_->Put(first.family, KvParts(&key_view, 1), parts);
    counters_.entries.fetch_add(1, std::memory_order_relaxed);
    counters_.bytes.fetch_add(bytes, std::memory_order_relaxed);
  }
  counters_.appends.fetch_add(appends.size(), std::memory_order_relaxed);
}

void LogWriter::AfterWrite(std::vector<Item>& items, size_t begin, size_t end) {
  ByShard now(shards_.size());
  std::vector<Written> written;
  size_t bytes = 0;
  for (size_t i = begin; i < end; ++i) {
    Item& item = items[i];
    if (item.fill) {
      if (!item.synced && !item.lost) continue;
      written.push_back({.synced = std::move(item.synced), .lost = std::move(item.lost)});
      continue;
    }
    LogAppend& append = item.append;
    bytes += append.bytes.size();
    append.bytes = SharedBytes();
    const Persisted persisted{append.partition, append.last_offset + 1};
    if (append.durability == Durability::kOs) {
      now[item.shard].push_back(persisted);
    } else {
      written.push_back({.shard = item.shard, .persisted = persisted});
    }
  }
  queued_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  Report(std::move(now));
  if (written.empty()) return;
  if (unsynced_.Put(std::move(written))) syncer_.Post([this] { SyncWritten(); });
}

void LogWriter::SyncWritten() {
  // Taken before the sync begins: what is written meanwhile waits for the next one.
  std::vector<Written> covered = unsynced_.TakeAll();
  if (failed_.load()) return Lose(covered);
  if (!store_.Sync()) {
    failed_.store(true);
    return Lose(covered);
  }
  counters_.syncs.fetch_add(1, std::memory_order_relaxed);
  ByShard by_shard(shards_.size());
  for (const Written& written : covered) {
    if (!written.synced && !written.lost) by_shard[written.shard].push_back(written.persisted);
  }
  Report(std::move(by_shard));
  for (Written& written : covered) {
    if (written.synced) written.synced();
  }
}

void LogWriter::Lose(std::vector<Item>& items, size_t begin) {
  size_t bytes = 0;
  for (size_t i = begin; i < items.size(); ++i) {
    bytes += items[i].append.bytes.size();
    if (items[i].lost) items[i].lost();
  }
  queued_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
}

void LogWriter::Lose(std::vector<Written>& written) {
  for (Written& each : written) {
    if (each.lost) each.lost();
  }
}

void LogWriter::Report(ByShard by_shard) {
  for (size_t shard = 0; shard < by_shard.size(); ++shard) {
    if (by_shard[shard].empty()) continue;
    shards_[shard].executor->Post([call = shards_[shard].on_persisted,
                                   persisted = std::move(by_shard[shard])] { (*call)(persisted); });
  }
}

}  // namespace weir::log
