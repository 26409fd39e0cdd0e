#include "broker/log/disk_keeper.h"

#include <algorithm>
#include <utility>

#include "common/runtime/log.h"

namespace weir::log {
namespace {
// On a full disk: between two attempts when entries died since, and when none did (a reader may
// have held files).
constexpr Duration kPauseAfterDeaths = std::chrono::seconds(1);
constexpr Duration kPauseWithoutDeaths = std::chrono::minutes(1);
// What flushing and rewriting take beside the entries themselves: indexes, manifest, file ends.
constexpr uint64_t kMarginBytes = 16 * 1024 * 1024;
}  // namespace

DiskKeeper::DiskKeeper(LogStore& store, Executor& sampler, Executor& reclaimer,
                       ReadSpace read_space, uint64_t reserve_bytes)
    : store_(store),
      sampler_(sampler),
      reclaimer_(reclaimer),
      read_space_(std::move(read_space)),
      space_(reserve_bytes) {}

Status DiskKeeper::Start() {
  if (const Result<DiskSample> sampled = Sample(); !sampled) {
    return tl::unexpected<Error>(sampled.error());
  }
  sampler_.Post([this] { SampleAgain(); });
  return {};
}

Result<DiskSample> DiskKeeper::Sample() {
  // Read before the disk is: what comes between the two counts twice, not never.
  const uint64_t appended_bytes = store_.writer().appended_bytes();
  WEIR_ASSIGN_OR_RETURN(DiskSample sample, read_space_());
  sample.unflushed_bytes = store_.kv().unflushed_bytes();
  sample.queued_bytes = store_.writer().queued_bytes();
  sample.room_spent = store_.full();
  const bool changed = space_.Update(sample);
  room_bytes_.store(space_.room_bytes(), std::memory_order_relaxed);
  store_.SetAppendLimit(space_.full() ? 0 : appended_bytes + space_.entry_bytes());
  if (!changed) return sample;
  const LogFields fields = {{"available_bytes", sample.available_bytes},
                            {"unflushed_bytes", sample.unflushed_bytes},
                            {"reserve_bytes", space_.reserve_bytes()},
                            {"total_bytes", sample.total_bytes}};
  if (space_.full()) {
    LogError("log", "disk full: produce to its partitions is refused until there is space again",
             fields);
  } else {
    LogInfo("log", "disk has room again: produce is served", fields);
  }
  return sample;
}

void DiskKeeper::SampleAgain() {
  if (store_.failed()) return;
  const MonoTime now = sampler_.Now();
  bool quiet = false;
  if (const Result<DiskSample> sampled = Sample(); sampled) {
    const uint64_t before = std::exchange(unflushed_bytes_, sampled->unflushed_bytes);
    quiet = !full() && sampled->queued_bytes == 0 && sampled->unflushed_bytes == before;
    ReclaimIfDue(*sampled, now);
  } else {
    LogWarn("log", "disk space unknown", {{"reason", sampled.error().message}});
  }
  sampler_.PostAt(now + (quiet ? kQuietSampleEvery : kDiskSampleEvery), [this] { SampleAgain(); });
}

bool DiskKeeper::IsReclaimDue(MonoTime now) {
  const bool deleted = store_.deleted_count() > 0;
  if (!deleted) deleted_since_ = MonoTime::max();
  if (deleted && deleted_since_ == MonoTime::max()) deleted_since_ = now;
  if (full()) {
    const bool died = store_.death_count() != deaths_reclaimed_;
    return now - reclaimed_at_ >= (died ? kPauseAfterDeaths : kPauseWithoutDeaths);
  }
  return deleted && now - std::max(deleted_since_, reclaimed_at_) >= kReclaimDelay;
}

void DiskKeeper::ReclaimIfDue(const DiskSample& sample, MonoTime now) {
  if (reclaiming_.load() || !IsReclaimDue(now)) return;
  if (sample.available_bytes < sample.unflushed_bytes + kMarginBytes) return;
  reclaiming_.store(true);
  reclaimed_at_ = now;
  deaths_reclaimed_ = store_.death_count();
  const uint64_t spare_bytes = sample.available_bytes - sample.unflushed_bytes - kMarginBytes;
  const uint64_t copy_bytes_max = std::min(space_.reserve_bytes() / 2, spare_bytes / 2);
  reclaimer_.Post([this, full = full(), copy_bytes_max = full() ? copy_bytes_max : 0] {
    Reclaim(full, copy_bytes_max);
    reclaiming_.store(false);
  });
}

void DiskKeeper::Reclaim(bool full, uint64_t copy_bytes_max) {
  if (full) {
    if (const Status flushed = store_.kv().Flush(); !flushed) {
      LogWarn("log", "flush failed", {{"reason", flushed.error().message}});
      return;
    }
  }
  const Result<size_t> reclaimed = store_.Reclaim(copy_bytes_max);
  if (!reclaimed) {
    LogWarn("log", "reclaim failed", {{"reason", reclaimed.error().message}});
  } else if (*reclaimed > 0) {
    LogInfo("log", "deleted partitions reclaimed", {{"partitions", *reclaimed}});
  }
}

}  // namespace weir::log
