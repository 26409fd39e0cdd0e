// SimDisk: see sim_disk.h.
#include "tests/sim/sim_disk.h"

#include <utility>

#include "common/base/check.h"

namespace weir::sim {

void SimDisk::ApplyEntry(const raft::Entry& entry) {
  while (!entries_.empty() && entries_.back().index >= entry.index) entries_.pop_back();
  WEIR_CHECK(entries_.empty() || entries_.back().index + 1 == entry.index, "gap on disk");
  entries_.push_back(entry);
}

DiskWrite SimDisk::Finish() {
  WEIR_CHECK(!pending_.empty());
  DiskWrite write = std::move(pending_.front());
  pending_.pop_front();
  if (write.reset_log_to) entries_.clear();
  if (write.hard_state) hard_state_ = *write.hard_state;
  for (const raft::Entry& entry : write.entries) ApplyEntry(entry);
  return write;
}

void SimDisk::SetSnapshot(raft::SnapshotMeta meta, std::string bytes) {
  snapshot_ = std::move(meta);
  snapshot_bytes_ = std::move(bytes);
}

void SimDisk::EraseBefore(LogIndex first) {
  while (!entries_.empty() && entries_.front().index < first) entries_.pop_front();
}

void SimDisk::Crash(Prng& prng) {
  const uint64_t whole = prng.Below(pending_.size() + 1);
  for (uint64_t i = 0; i < whole; ++i) Finish();
  if (!pending_.empty()) {
    const DiskWrite torn = std::move(pending_.front());
    const uint64_t steps = prng.Below(torn.entries.size() + 3);
    if (steps >= 1 && torn.reset_log_to) entries_.clear();
    if (steps >= 2 && torn.hard_state) hard_state_ = *torn.hard_state;
    for (uint64_t i = 0; i + 2 < steps; ++i) ApplyEntry(torn.entries[i]);
  }
  pending_.clear();
}

void SimDisk::LoseEntriesFrom(LogIndex index) {
  while (!entries_.empty() && entries_.back().index >= index) entries_.pop_back();
}

raft::RestoredState SimDisk::Restored() const {
  raft::RestoredState restored;
  restored.hard_state = hard_state_;
  restored.snapshot = snapshot_;
  restored.entries.assign(entries_.begin(), entries_.end());
  restored.recorded_commit_for_test = recorded_commit_;
  return restored;
}

LogIndex SimDisk::last_index() const {
  return entries_.empty() ? snapshot_.last_index
                          : std::max(entries_.back().index, snapshot_.last_index);
}

raft::Configuration SimDisk::configuration() const {
  for (auto entry = entries_.rbegin(); entry != entries_.rend(); ++entry) {
    if (entry->index <= snapshot_.last_index) break;
    if (entry->type == raft::EntryType::kNormal) continue;
    return *raft::DecodeConfiguration(*entry->payload);
  }
  return snapshot_.configuration;
}

bool SimDisk::Holds(Term term, LogIndex index) const {
  if (index <= snapshot_.last_index) return true;
  if (entries_.empty() || index < entries_.front().index) return false;
  const auto slot = static_cast<size_t>(index - entries_.front().index);
  return slot < entries_.size() && entries_[slot].term == term;
}

}  // namespace weir::sim
