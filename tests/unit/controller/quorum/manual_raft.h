// A loop and a log that do what a test says, when it says so. Thread rule: one owner.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "controller/quorum/raft_node.h"

namespace weir::quorum {

// Posted tasks are not run. Timers are, by Advance.
class ManualExecutor : public Executor {
 public:
  void Post(Task task) override { tasks_.push_back(std::move(task)); }
  TimerId PostAt(MonoTime deadline, Task task) override {
    timers_.emplace(std::pair(deadline, ++last_timer_), std::move(task));
    return last_timer_;
  }
  void Cancel(TimerId id) override {
    std::erase_if(timers_, [id](const auto& timer) { return timer.first.second == id; });
  }
  MonoTime Now() const override { return now; }
  WallTime WallNow() const override { return WallTime(1'700'000'000'000); }

  // Time passes; each timer runs at its deadline. Returns how many did.
  int Advance(Duration duration) {
    const MonoTime end = now + duration;
    int fired = 0;
    while (!timers_.empty() && timers_.begin()->first.first <= end) {
      auto timer = timers_.extract(timers_.begin());
      now = std::max(now, timer.key().first);
      timer.mapped()();
      ++fired;
    }
    now = end;
    return fired;
  }
  size_t timer_count() const { return timers_.size(); }

  MonoTime now{std::chrono::seconds(100)};

 private:
  std::deque<Task> tasks_;
  TimerId last_timer_ = 0;
  std::map<std::pair<MonoTime, TimerId>, Task> timers_;
};

// A log that commits when told to, and confirms reads when told to.
class FakeRaft : public RaftPort {
 public:
  Result<LogIndex> Propose(std::shared_ptr<const std::string> payload) override {
    if (refuse) return Fail(ErrorCode::kThrottlingQuotaExceeded, "full");
    log.push_back({term, LogIndex(log.size() + 1), raft::EntryType::kNormal, std::move(payload)});
    return log.back().index;
  }
  Status ReadIndex(uint64_t request_id) override {
    reads.push_back(request_id);
    return {};
  }

  Term term{1};
  std::vector<raft::Entry> log;
  std::vector<uint64_t> reads;
  bool refuse = false;
};

}  // namespace weir::quorum
