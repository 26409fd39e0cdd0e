// The router on real threads: what the sanitizers watch, and what order of completion clients may
// rely on.
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "broker/log/log_store.h"
#include "broker/replica/partition_router.h"
#include "common/runtime/thread_executor.h"
#include "tests/support/batches.h"
#include "tests/support/broker_log_world.h"
#include "tests/support/mem_kv_store.h"

namespace weir::replica {
namespace {

constexpr int kPartitions = 8;
constexpr int kRequests = 60;

class ThreadsTest : public ::testing::Test {
 protected:
  ThreadsTest() {
    log_store =
        log::LogStore::Open(store, writer, syncer, std::make_shared<log::LogStartMap>()).value();
    router = std::make_unique<PartitionRouter>(
        test::kSelf, *log_store, std::vector<Executor*>{&shards[0], &shards[1]}, 1'000'000);
    std::vector<Assignment> assignments;
    for (int i = 0; i < kPartitions; ++i) {
      assignments.push_back({.partition = test::MakePartition(i),
                             .leader = test::kSelf,
                             .leader_epoch = LeaderEpoch(0),
                             .partition_epoch = PartitionEpoch(0),
                             .replicas = {test::kSelf},
                             .isr = {test::kSelf},
                             .config = std::make_shared<log::LogConfig>()});
    }
    std::promise<void> opened;
    router->Assign(std::move(assignments), [&] { opened.set_value(); });
    opened.get_future().wait();
  }
  ~ThreadsTest() override {
    for (auto& shard : shards) shard.Stop();
    writer.Stop();
    syncer.Stop();
  }

  test::MemKvStore store;
  runtime::ThreadExecutor shards[2] = {runtime::ThreadExecutor("shard-0"),
                                       runtime::ThreadExecutor("shard-1")};
  runtime::ThreadExecutor writer{"log-writer"};
  runtime::ThreadExecutor syncer{"log-sync"};
  std::unique_ptr<log::LogStore> log_store;
  std::unique_ptr<PartitionRouter> router;
};

// A connection on `home` that sends idempotent, pipelined requests to every partition.
class Producer {
 public:
  Producer(PartitionRouter& router, Executor& shard, size_t home)
      : router_(router), shard_(shard), home_(home) {}

  std::future<void> Run() {
    shard_.Post([this] {
      for (int request = 0; request < kRequests; ++request) Send(request);
    });
    return done_.get_future();
  }

 private:
  void Send(int request) {
    AppendRequest append;
    append.api_version = 9;
    append.deadline = MonoTime::max();
    const auto id = static_cast<int64_t>(home_ + 1);
    for (int i = 0; i < kPartitions; ++i) {
      append.parts.push_back(
          {test::MakePartition(i), test::MakeProducerBatch("v", id, 0, request)});
    }
    router_.Append(home_, std::move(append), [this](std::vector<AppendOutcome> outcomes) {
      for (const AppendOutcome& outcome : outcomes) {
        // Out of order if requests overtook one another.
        EXPECT_EQ(outcome.error, ErrorCode::kNone) << outcome.message;
      }
      if (++answered_ == kRequests) done_.set_value();
    });
  }

  PartitionRouter& router_;
  Executor& shard_;
  size_t home_;
  int answered_ = 0;
  std::promise<void> done_;
};

// Long-polls all partitions on `home` until it has seen every record.
class Consumer {
 public:
  Consumer(PartitionRouter& router, Executor& shard, size_t home)
      : router_(router), shard_(shard), home_(home), positions_(kPartitions, Offset(0)) {}

  std::future<void> Run() {
    shard_.Post([this] { Fetch(); });
    return done_.get_future();
  }

 private:
  void Fetch() {
    FetchRequest request;
    request.bytes_min = 1;
    request.bytes_max = 20'000;
    request.deadline = shard_.Now() + std::chrono::seconds(20);
    for (int i = 0; i < kPartitions; ++i) {
      request.parts.push_back({test::MakePartition(i), positions_[static_cast<size_t>(i)], 5'000});
    }
    router_.Fetch(home_, std::move(request), [this](std::vector<FetchOutcome> outcomes) {
      int64_t total = 0;
      for (size_t i = 0; i < outcomes.size(); ++i) {
        ASSERT_EQ(outcomes[i].error, ErrorCode::kNone);
        for (const std::string& record : test::RecordsIn(outcomes[i].records)) {
          ASSERT_EQ(Offset(std::stoll(record)), positions_[i]);
          ++positions_[i];
        }
        total += positions_[i].value();
      }
      if (total == 2 * kRequests * kPartitions) {
        done_.set_value();
      } else {
        shard_.Post([this] { Fetch(); });
      }
    });
  }

  PartitionRouter& router_;
  Executor& shard_;
  size_t home_;
  std::vector<Offset> positions_;
  std::promise<void> done_;
};

TEST_F(ThreadsTest, ProducersAndConsumersOnBothShards) {
  Producer p0(*router, shards[0], 0);
  Producer p1(*router, shards[1], 1);
  Consumer c0(*router, shards[0], 0);
  Consumer c1(*router, shards[1], 1);
  std::vector<std::future<void>> all;
  all.push_back(c0.Run());
  all.push_back(p0.Run());
  all.push_back(p1.Run());
  all.push_back(c1.Run());
  for (std::future<void>& one : all) {
    ASSERT_EQ(one.wait_for(std::chrono::seconds(60)), std::future_status::ready);
  }
  std::promise<void> written;
  router->Checkpoint([&] { written.set_value(); });
  written.get_future().wait();
  EXPECT_EQ(log_store->writer().queued_bytes(), 0u);
  // Group commit: far fewer syncs than requests times partitions.
  EXPECT_LT(store.syncs(), 2u * kRequests * kPartitions);
}

}  // namespace
}  // namespace weir::replica
