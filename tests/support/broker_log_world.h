// BrokerLogWorld: a log store and a partition router on stores and executors that the test drives,
// with the crashes that a data directory must survive.
// Thread rule: the test's one thread.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/log/log_start_map.h"
#include "broker/log/log_store.h"
#include "broker/replica/partition_router.h"
#include "common/base/kv_store.h"
#include "tests/support/batches.h"
#include "tests/support/manual_executor.h"

namespace weir::test {

inline constexpr NodeId kSelf{1};

inline replica::TopicPartition MakePartition(int index, uint8_t topic = 7) {
  replica::TopicPartition partition;
  partition.topic_id.bytes.fill(topic);
  partition.partition = PartitionIndex(index);
  return partition;
}

class BrokerLogWorld {
 public:
  explicit BrokerLogWorld(KvStore& store, int shards = 2) : store_(&store) {
    for (int i = 0; i < shards; ++i) {
      shards_.push_back(std::make_unique<ManualExecutor>(world));
    }
  }

  // Opens the directory: a new life of the process.
  void Start() {
    starts = std::make_shared<log::LogStartMap>();
    auto opened = log::LogStore::Open(*store_, writer, syncer, starts);
    ASSERT_TRUE(opened.has_value()) << opened.error().message;
    log_store = std::move(*opened);
    std::vector<Executor*> executors;
    for (auto& shard : shards_) executors.push_back(shard.get());
    router = std::make_unique<replica::PartitionRouter>(kSelf, *log_store, executors, cache_bytes);
  }
  // The process is gone, with everything it had queued.
  void Crash() {
    for (ManualExecutor* executor : Executors()) executor->Clear();
    router.reset();
    log_store.reset();
  }
  void StopCleanly(BrokerEpoch epoch) {
    bool done = false;
    router->Checkpoint([&] { done = true; });
    Run();
    ASSERT_TRUE(done);
    ASSERT_TRUE(log_store->CloseCleanly(epoch).has_value());
    Crash();
  }
  void set_store(KvStore& store) { store_ = &store; }

  std::vector<ManualExecutor*> Executors() {
    std::vector<ManualExecutor*> all = {&writer, &syncer};
    for (auto& shard : shards_) all.push_back(shard.get());
    return all;
  }
  void Run() { RunAll(Executors()); }
  void Advance(Duration by) {
    world.now += by;
    world.wall_now = world.wall_now + by / std::chrono::milliseconds(1);
    Run();
  }

  replica::Assignment Leading(const replica::TopicPartition& partition, int epoch = 0) {
    return {.partition = partition,
            .leader = kSelf,
            .leader_epoch = LeaderEpoch(epoch),
            .partition_epoch = PartitionEpoch(epoch),
            .replicas = {kSelf},
            .isr = {kSelf},
            .config = config};
  }
  void Lead(const std::vector<replica::TopicPartition>& partitions, int epoch = 0) {
    std::vector<replica::Assignment> assignments;
    for (const auto& partition : partitions) assignments.push_back(Leading(partition, epoch));
    Assign(std::move(assignments));
  }
  void Assign(std::vector<replica::Assignment> assignments) {
    bool done = false;
    router->Assign(std::move(assignments), [&] { done = true; });
    Run();
    ASSERT_TRUE(done);
  }

  // Starts an append; the outcome is there once its promise holds.
  using Pending = std::shared_ptr<std::optional<replica::AppendOutcome>>;
  Pending StartAppend(const replica::TopicPartition& partition, SharedBytes batch, int acks = -1) {
    auto outcome = std::make_shared<std::optional<replica::AppendOutcome>>();
    replica::AppendRequest request;
    request.acks = static_cast<int16_t>(acks);
    request.api_version = 9;
    request.deadline = world.now + std::chrono::seconds(30);
    request.parts.push_back({partition, std::move(batch)});
    router->Append(0, std::move(request), [outcome](std::vector<replica::AppendOutcome> outcomes) {
      *outcome = std::move(outcomes.at(0));
    });
    return outcome;
  }
  replica::AppendOutcome Append(const replica::TopicPartition& partition, SharedBytes batch,
                                int acks = -1) {
    const Pending outcome = StartAppend(partition, std::move(batch), acks);
    Run();
    EXPECT_TRUE(outcome->has_value());
    return outcome->value_or(replica::AppendOutcome{ErrorCode::kUnknownServerError});
  }

  replica::FetchRequest FetchFrom(const replica::TopicPartition& partition, int64_t offset) {
    replica::FetchRequest request;
    request.bytes_min = 0;
    request.bytes_max = 50 * 1024 * 1024;
    request.deadline = world.now;
    request.parts.push_back({partition, Offset(offset), 1024 * 1024});
    return request;
  }
  using PendingFetch = std::shared_ptr<std::optional<std::vector<replica::FetchOutcome>>>;
  PendingFetch StartFetch(replica::FetchRequest request, size_t home = 0) {
    auto outcome = std::make_shared<std::optional<std::vector<replica::FetchOutcome>>>();
    router->Fetch(home, std::move(request), [outcome](std::vector<replica::FetchOutcome> outcomes) {
      *outcome = std::move(outcomes);
    });
    return outcome;
  }
  replica::FetchOutcome Fetch(const replica::TopicPartition& partition, int64_t offset) {
    const PendingFetch outcome = StartFetch(FetchFrom(partition, offset));
    Run();
    EXPECT_TRUE(outcome->has_value());
    return outcome->value().at(0);
  }
  // Everything readable from `offset` on, fetch by fetch.
  std::vector<std::string> ReadAll(const replica::TopicPartition& partition, int64_t offset = 0) {
    std::vector<std::string> records;
    while (true) {
      const replica::FetchOutcome outcome = Fetch(partition, offset);
      EXPECT_EQ(outcome.error, ErrorCode::kNone);
      const std::vector<std::string> some = RecordsIn(outcome.records);
      if (some.empty()) return records;
      for (const std::string& record : some) {
        const int64_t at = std::stoll(record);
        if (at >= offset) records.push_back(record);
      }
      offset = std::stoll(some.back()) + 1;
    }
  }
  replica::ListOffsetsOutcome ListOffset(const replica::TopicPartition& partition, int64_t time) {
    std::optional<replica::ListOffsetsOutcome> outcome;
    router->ListOffsets(0, {{partition, time}},
                        [&](std::vector<replica::ListOffsetsOutcome> o) { outcome = o.at(0); });
    Run();
    return outcome.value();
  }

  ManualWorld world;
  ManualExecutor writer{world};
  ManualExecutor syncer{world};
  size_t cache_bytes = 64 * 1024 * 1024;
  log::LogConfigPtr config = std::make_shared<log::LogConfig>();
  std::shared_ptr<log::LogStartMap> starts;
  std::unique_ptr<log::LogStore> log_store;
  std::unique_ptr<replica::PartitionRouter> router;

 private:
  KvStore* store_;
  std::vector<std::unique_ptr<ManualExecutor>> shards_;
};

}  // namespace weir::test
