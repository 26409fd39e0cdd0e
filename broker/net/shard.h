// Shard: one event loop on one thread (D10). It owns its connections and its partitions' state, and
// is the Executor of both.
//
// Laws:
//  1. Everything a shard owns is touched on its thread only; others Post.
//  2. Work that is cheap to gather (socket writes) is done once per round of the loop through
//     AtEndOfRound.
//  3. Stop joins and drops what is queued; nothing runs after it returns, and later posts are
//     dropped.
//  4. A burst of posts from other threads costs one wake-up.
//  5. What has been posted, and what is to be written, goes before the next request is read: with
//     thousands of sockets readable at once, what was begun is finished before more is begun.
// Thread rule: Post from any thread; PostAt, Cancel and AtEndOfRound on the shard's thread or
// before Start.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>

#include "common/base/executor.h"

namespace weir::net {

class Shard : public Executor {
 public:
  explicit Shard(int index);
  ~Shard() override;
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  int index() const { return index_; }
  asio::io_context& context() { return context_; }

  void Start();
  // Idempotent. Not from the shard's own thread.
  void Stop();
  bool IsCurrentThread() const;

  void Post(Task task) override;
  TimerId PostAt(MonoTime deadline, Task task) override;
  void Cancel(TimerId id) override;
  MonoTime Now() const override;
  WallTime WallNow() const override;

  // Runs `task` once, after the tasks that are already due. Tasks of one round run together, in
  // order.
  void AtEndOfRound(Task task);
  // Law 5: called before a connection reads. It may end connections.
  void BeforeRead();

 private:
  using TimerKey = std::pair<MonoTime, TimerId>;
  // A posted task; posts stack up, newest first, and are taken all at once.
  struct Posted {
    Task task;
    Posted* next = nullptr;
  };

  void RunPosted();
  void RunEndOfRound();
  // Takes what has been posted, oldest first.
  Posted* TakePosted();
  void DropEverything();
  void ArmTimer();
  void FireTimers();

  int index_;
  asio::io_context context_;
  asio::steady_timer timer_;
  std::map<TimerKey, Task> timers_;
  std::unordered_map<TimerId, MonoTime> deadlines_;
  TimerId next_timer_id_ = 1;
  // What timer_ is set to; max() when it is not running.
  MonoTime armed_for_ = MonoTime::max();
  std::vector<Task> end_of_round_;
  // When the first of them came.
  MonoTime round_began_;
  std::atomic<Posted*> posted_ = nullptr;
  std::atomic<bool> stopped_ = false;
  std::thread thread_;
};

// All shards of a broker, started and stopped together.
class ShardSet {
 public:
  // REQUIRES: count >= 1.
  explicit ShardSet(int count);
  ~ShardSet() { Stop(); }

  int size() const { return static_cast<int>(shards_.size()); }
  Shard& at(int index) { return *shards_[static_cast<size_t>(index)]; }
  // The shards as the ports that other rooms know.
  std::vector<Executor*> Executors();
  void Start();
  void Stop();

 private:
  std::vector<std::unique_ptr<Shard>> shards_;
};

}  // namespace weir::net
