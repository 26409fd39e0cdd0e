#include "broker/net/shard.h"

#include <pthread.h>

#include <asio/executor_work_guard.hpp>
#include <asio/post.hpp>

#include "common/base/check.h"
#include "common/runtime/clock.h"

namespace weir::net {
namespace {

// Asio hands out up to 128 readable sockets at a time. So long may what the first of them gave wait
// for others to be written with.
constexpr Duration kRoundMax = std::chrono::milliseconds(1);

// The shard whose loop this thread runs.
thread_local const Shard* current_shard = nullptr;

}  // namespace

Shard::Shard(int index) : index_(index), context_(1), timer_(context_) {}

Shard::~Shard() { Stop(); }

void Shard::Start() {
  WEIR_CHECK(!thread_.joinable());
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), ("shard-" + std::to_string(index_)).c_str());
    current_shard = this;
    const auto keep_running = asio::make_work_guard(context_);
    context_.run();
  });
}

bool Shard::IsCurrentThread() const { return current_shard == this; }

void Shard::Stop() {
  stopped_.store(true);
  context_.stop();
  if (thread_.joinable()) thread_.join();
  DropEverything();
}

void Shard::DropEverything() {
  // Dropping a task may post (a given-up request answers): until nothing is left.
  for (Posted* next = TakePosted(); next != nullptr; next = TakePosted()) {
    while (next != nullptr) delete std::exchange(next, next->next);
  }
  timers_.clear();
  deadlines_.clear();
  end_of_round_.clear();
}

void Shard::Post(Task task) {
  if (stopped_.load(std::memory_order_acquire)) return;
  auto* posted = new Posted{std::move(task)};
  Posted* top = posted_.load(std::memory_order_relaxed);
  do {
    posted->next = top;
  } while (!posted_.compare_exchange_weak(top, posted, std::memory_order_acq_rel));
  if (top == nullptr) asio::post(context_, [this] { RunPosted(); });
}

Shard::Posted* Shard::TakePosted() {
  Posted* newest = posted_.exchange(nullptr, std::memory_order_acq_rel);
  Posted* oldest = nullptr;
  while (newest != nullptr) {
    Posted* older = newest->next;
    newest->next = oldest;
    oldest = newest;
    newest = older;
  }
  return oldest;
}

void Shard::RunPosted() {
  Posted* next = TakePosted();
  while (next != nullptr) {
    const std::unique_ptr<Posted> posted(next);
    next = posted->next;
    posted->task();
  }
}

Executor::TimerId Shard::PostAt(MonoTime deadline, Task task) {
  const TimerId id = next_timer_id_++;
  timers_.emplace(TimerKey{deadline, id}, std::move(task));
  deadlines_.emplace(id, deadline);
  ArmTimer();
  return id;
}

void Shard::Cancel(TimerId id) {
  const auto found = deadlines_.find(id);
  if (found == deadlines_.end()) return;
  timers_.erase({found->second, id});
  deadlines_.erase(found);
  // The asio timer stays set: a wake-up for nothing is cheaper than re-arming for every answered
  // long poll.
}

void Shard::ArmTimer() {
  if (timers_.empty()) return;
  const MonoTime earliest = timers_.begin()->first.first;
  if (earliest >= armed_for_) return;
  armed_for_ = earliest;
  const Duration wait = std::max(Duration::zero(), earliest - Now());
  timer_.expires_after(wait);
  timer_.async_wait([this](const asio::error_code& error) {
    if (error) return;  // replaced by an earlier deadline
    armed_for_ = MonoTime::max();
    FireTimers();
    ArmTimer();
  });
}

void Shard::FireTimers() {
  const MonoTime now = Now();
  while (!timers_.empty() && timers_.begin()->first.first <= now) {
    auto node = timers_.extract(timers_.begin());
    deadlines_.erase(node.key().second);
    node.mapped()();
  }
}

MonoTime Shard::Now() const { return runtime::SteadyNow(); }

WallTime Shard::WallNow() const { return runtime::WallNow(); }

void Shard::AtEndOfRound(Task task) {
  end_of_round_.push_back(std::move(task));
  if (end_of_round_.size() > 1) return;
  round_began_ = Now();
  asio::post(context_, [this] { RunEndOfRound(); });
}

void Shard::RunEndOfRound() {
  std::vector<Task> tasks = std::move(end_of_round_);
  end_of_round_.clear();
  for (Task& each : tasks) each();
}

void Shard::BeforeRead() {
  if (posted_.load(std::memory_order_relaxed) != nullptr) RunPosted();
  if (!end_of_round_.empty() && Now() - round_began_ >= kRoundMax) RunEndOfRound();
}

ShardSet::ShardSet(int count) {
  WEIR_CHECK(count >= 1);
  for (int i = 0; i < count; ++i) shards_.push_back(std::make_unique<Shard>(i));
}

std::vector<Executor*> ShardSet::Executors() {
  std::vector<Executor*> executors;
  for (const auto& shard : shards_) executors.push_back(shard.get());
  return executors;
}

void ShardSet::Start() {
  for (const auto& shard : shards_) shard->Start();
}

void ShardSet::Stop() {
  for (const auto& shard : shards_) shard->Stop();
}

}  // namespace weir::net
