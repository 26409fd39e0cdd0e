#include "broker/replica/wait_queue.h"

#include <algorithm>

#include "common/base/check.h"

namespace weir::replica {
namespace {
constexpr Offset kForBytes{-1};
}  // namespace

WaitQueue::WaitId WaitQueue::WaitForOffsets(const std::vector<Target>& targets, MonoTime deadline,
                                            Task wake) {
  WEIR_CHECK(!targets.empty());
  Wait wait{.missing = static_cast<int64_t>(targets.size()), .deadline = deadline};
  wait.wake = std::move(wake);
  return Add(std::move(wait), targets);
}

WaitQueue::WaitId WaitQueue::WaitForBytes(const std::vector<log::PartitionHandle>& partitions,
                                          int64_t bytes, MonoTime deadline, Task wake) {
  WEIR_CHECK(bytes > 0);
  std::vector<Target> targets;
  targets.reserve(partitions.size());
  for (const log::PartitionHandle partition : partitions) targets.push_back({partition, kForBytes});
  Wait wait{.missing = bytes, .deadline = deadline};
  wait.wake = std::move(wake);
  return Add(std::move(wait), targets);
}

WaitQueue::WaitId WaitQueue::Add(Wait wait, const std::vector<Target>& targets) {
  const WaitId id = next_id_++;
  wait.partitions.reserve(targets.size());
  for (const Target& target : targets) {
    wait.partitions.push_back(target.partition);
    watchers_[target.partition].push_back({id, target.offset});
  }
  if (wait.deadline != MonoTime::max()) deadlines_.insert({wait.deadline, id});
  waits_.emplace(id, std::move(wait));
  return id;
}

Task WaitQueue::Remove(WaitId id) {
  const auto found = waits_.find(id);
  if (found == waits_.end()) return nullptr;
  Wait wait = std::move(found->second);
  waits_.erase(found);
  deadlines_.erase({wait.deadline, id});
  for (const log::PartitionHandle partition : wait.partitions) {
    const auto watchers = watchers_.find(partition);
    if (watchers == watchers_.end()) continue;
    std::erase_if(watchers->second, [&](const Watcher& watcher) { return watcher.id == id; });
    if (watchers->second.empty()) watchers_.erase(watchers);
  }
  return std::move(wait.wake);
}

void WaitQueue::Cancel(WaitId id) { Remove(id); }

void WaitQueue::Wake(std::vector<WaitId>& ids) {
  std::vector<Task> wakes;
  wakes.reserve(ids.size());
  for (const WaitId id : ids) {
    if (Task wake = Remove(id)) wakes.push_back(std::move(wake));
  }
  for (Task& wake : wakes) wake();
}

void WaitQueue::OnMoved(log::PartitionHandle partition, Offset offset, int64_t bytes) {
  const auto found = watchers_.find(partition);
  if (found == watchers_.end()) return;
  std::vector<WaitId> over;
  std::erase_if(found->second, [&](const Watcher& watcher) {
    const bool for_bytes = watcher.target == kForBytes;
    if (!for_bytes && watcher.target > offset) return false;
    Wait& wait = waits_.at(watcher.id);
    wait.missing -= for_bytes ? bytes : 1;
    if (wait.missing <= 0) over.push_back(watcher.id);
    return !for_bytes;
  });
  if (found->second.empty()) watchers_.erase(found);
  Wake(over);
}

void WaitQueue::OnGone(log::PartitionHandle partition) {
  const auto found = watchers_.find(partition);
  if (found == watchers_.end()) return;
  std::vector<WaitId> over;
  for (const Watcher& watcher : found->second) {
    Wait& wait = waits_.at(watcher.id);
    if (watcher.target == kForBytes || --wait.missing <= 0) over.push_back(watcher.id);
  }
  watchers_.erase(found);
  Wake(over);
}

void WaitQueue::Hasten(log::PartitionHandle partition, MonoTime now, Duration pause,
                       Duration pause_per_partition) {
  const auto found = watchers_.find(partition);
  if (found == watchers_.end()) return;
  for (const Watcher& watcher : found->second) {
    Wait& wait = waits_.at(watcher.id);
    const auto partitions = static_cast<int64_t>(wait.partitions.size());
    const MonoTime deadline = now + pause + partitions * pause_per_partition;
    if (deadline >= wait.deadline) continue;
    deadlines_.erase({wait.deadline, watcher.id});
    wait.deadline = deadline;
    deadlines_.insert({deadline, watcher.id});
  }
}

MonoTime WaitQueue::Expire(MonoTime now) {
  std::vector<WaitId> over;
  for (const auto& [deadline, id] : deadlines_) {
    if (deadline > now) break;
    over.push_back(id);
  }
  Wake(over);
  return NextDeadline();
}

MonoTime WaitQueue::NextDeadline() const {
  return deadlines_.empty() ? MonoTime::max() : deadlines_.begin()->first;
}

}  // namespace weir::replica
