#include "controller/state/groups/group_timers.h"

#include "common/base/check.h"

namespace weir::state {

void GroupTimers::Set(const GroupTimer& timer, MonoTime deadline) {
  const auto [found, is_new] = states_.try_emplace(timer, State{deadline, deadline});
  found->second.deadline = deadline;
  if (!is_new) {
    if (found->second.queued_at <= deadline) return;
    queue_.erase({found->second.queued_at, timer});
    found->second.queued_at = deadline;
  }
  queue_.emplace(deadline, timer);
}

bool GroupTimers::Extend(const GroupTimer& timer, MonoTime deadline) {
  const auto found = states_.find(timer);
  if (found == states_.end()) return false;
  if (deadline > found->second.deadline) found->second.deadline = deadline;
  return true;
}

void GroupTimers::Cancel(const GroupTimer& timer) {
  const auto found = states_.find(timer);
  if (found == states_.end()) return;
  queue_.erase({found->second.queued_at, timer});
  states_.erase(found);
}

void GroupTimers::Clear() {
  states_.clear();
  queue_.clear();
}

std::optional<GroupTimer> GroupTimers::PopDue(MonoTime now) {
  while (!queue_.empty() && queue_.begin()->first <= now) {
    auto [at, timer] = std::move(queue_.extract(queue_.begin()).value());
    const auto found = states_.find(timer);
    WEIR_CHECK(found != states_.end() && found->second.queued_at == at, "places are of timers");
    if (found->second.deadline > now) {
      found->second.queued_at = found->second.deadline;
      queue_.emplace(found->second.deadline, std::move(timer));
      continue;
    }
    states_.erase(found);
    return timer;
  }
  return std::nullopt;
}

std::optional<MonoTime> GroupTimers::Next() const {
  if (queue_.empty()) return std::nullopt;
  return queue_.begin()->first;
}

}  // namespace weir::state
