// A leader whose followers are throttled: who gets records, how fast, and what is not held up.
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "broker/log/log_start_map.h"
#include "broker/log/log_store.h"
#include "broker/replica/partition_router.h"
#include "tests/support/batches.h"
#include "tests/support/broker_log_world.h"
#include "tests/support/manual_executor.h"
#include "tests/support/mem_kv_store.h"

namespace weir::replica {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr NodeId kLeader{1};
constexpr NodeId kInSync{2};
constexpr NodeId kBehind{3};
constexpr int64_t kRate = 1000;

class ThrottleTest : public testing::Test {
 protected:
  ThrottleTest() : writer(world), syncer(world), shard(world) {
    auto starts = std::make_shared<log::LogStartMap>();
    store.set_drop_rules(log::LogStartMap::DropRules(starts));
    log_store = log::LogStore::Open(store, writer, syncer, starts).value();
    router = std::make_unique<PartitionRouter>(kLeader, *log_store, std::vector<Executor*>{&shard},
                                               16 * 1024 * 1024);
    router->quotas().SetRates({.leader_configured = kRate, .moves = kRate});
  }

  void Run() { test::RunAll({&writer, &syncer, &shard}); }
  void Lead(int partition, ReplicaThrottle throttle) {
    router->Assign({{.partition = test::MakePartition(partition),
                     .leader = kLeader,
                     .leader_epoch = LeaderEpoch(0),
                     .partition_epoch = PartitionEpoch(++partition_epoch),
                     .throttle = std::move(throttle),
                     .replicas = {kLeader, kInSync, kBehind},
                     .isr = {kLeader, kInSync},
                     .config = std::make_shared<log::LogConfig>()}},
                   nullptr);
    Run();
  }
  // One batch of about 100 bytes each.
  void Append(int partition, int batches) {
    for (int i = 0; i < batches; ++i) {
      AppendRequest request;
      request.acks = 1;
      request.api_version = 9;
      request.deadline = world.now + seconds(30);
      request.parts.push_back({test::MakePartition(partition), test::MakeBatch("some value")});
      router->Append(0, std::move(request), [](const auto&) {});
      Run();
    }
    // All of it is readable: whoever has less is behind.
    Fetch(kInSync, {{partition, ends[partition] += batches}});
  }

  using Answer = std::shared_ptr<std::optional<std::vector<FetchOutcome>>>;
  Answer Fetch(NodeId replica, std::vector<std::pair<int, int64_t>> from,
               Duration wait = Duration(0)) {
    auto answer = std::make_shared<std::optional<std::vector<FetchOutcome>>>();
    FetchRequest request;
    request.replica = replica;
    request.replica_epoch = BrokerEpoch(7);
    request.bytes_min = 1;
    request.bytes_max = 1 << 20;
    request.deadline = world.now + wait;
    for (const auto& [partition, offset] : from) {
      request.parts.push_back({.partition = test::MakePartition(partition),
                               .fetch_offset = Offset(offset),
                               .bytes_max = 1 << 20,
                               .current_leader_epoch = LeaderEpoch(0),
                               .last_fetched_epoch = LeaderEpoch(offset > 0 ? 0 : -1)});
    }
    router->Fetch(0, std::move(request),
                  [answer](std::vector<FetchOutcome> outcomes) { *answer = std::move(outcomes); });
    Run();
    return answer;
  }
  // Fetches one batch after the other until the quota is exceeded; how many bytes came.
  int64_t Exhaust(NodeId replica, int partition, int64_t& offset) {
    int64_t bytes = 0;
    while (true) {
      const Answer answer = Fetch(replica, {{partition, offset}});
      const FetchOutcome& outcome = answer->value().at(0);
      EXPECT_EQ(outcome.error, ErrorCode::kNone);
      if (outcome.bytes == 0) return bytes;
      bytes += static_cast<int64_t>(outcome.bytes);
      std::vector<SharedBytes> runs = outcome.records;
      offset += static_cast<int64_t>(test::RecordsIn(runs).size());
    }
  }

  test::ManualWorld world;
  test::MemKvStore store;
  test::ManualExecutor writer;
  test::ManualExecutor syncer;
  test::ManualExecutor shard;
  std::unique_ptr<log::LogStore> log_store;
  std::unique_ptr<PartitionRouter> router;
  int partition_epoch = 0;
  std::map<int, int64_t> ends;
};

TEST_F(ThrottleTest, AReplicaThatCatchesUpGetsTheRate) {
  Lead(0, {.leader = true});
  Append(0, 500);
  int64_t offset = 0;
  int64_t bytes = Exhaust(kBehind, 0, offset);
  EXPECT_GE(bytes, kRate);
  for (int i = 0; i < 10; ++i) {
    world.now += seconds(1);
    bytes += Exhaust(kBehind, 0, offset);
  }
  ASSERT_LT(offset, 500) << "the test must have more than it lets through";
  EXPECT_LE(bytes, 11 * kRate + 2 * kRate) << "the rate, one sample, and what was read at once";
  EXPECT_GE(bytes, 10 * kRate);
  EXPECT_EQ(router->quotas().leader.bytes_total(), bytes);
}

TEST_F(ThrottleTest, WhoIsInSyncIsNeverThrottledNorCounted) {
  Lead(0, {.leader = true});
  Append(0, 100);
  int64_t offset = 0;
  Exhaust(kInSync, 0, offset);
  EXPECT_EQ(offset, 100);
  EXPECT_EQ(router->quotas().leader.bytes_total(), 0);
}

TEST_F(ThrottleTest, OtherPartitionsOfTheSameFetchAreNotHeldUp) {
  Lead(0, {.leader = true});
  Lead(1, {});
  Append(0, 100);
  Append(1, 3);
  int64_t offset = 0;
  Exhaust(kBehind, 0, offset);
  const Answer answer = Fetch(kBehind, {{0, offset}, {1, 0}});
  ASSERT_TRUE(answer->has_value());
  EXPECT_EQ((*answer)->at(0).bytes, 0u);
  EXPECT_GT((*answer)->at(1).bytes, 0u);
  // And when it waits, it wakes for them.
  const Answer waiting = Fetch(kBehind, {{0, offset}, {1, 3}}, milliseconds(100));
  EXPECT_FALSE(waiting->has_value());
  Append(0, 1);
  EXPECT_FALSE(waiting->has_value()) << "that would be left out again";
  Append(1, 1);
  ASSERT_TRUE(waiting->has_value());
  EXPECT_GT((*waiting)->at(1).bytes, 0u);
}

TEST_F(ThrottleTest, ALongPollGoesOnWhenItsQuotaAdmitsMore) {
  Lead(0, {.leader = true});
  Append(0, 100);
  int64_t offset = 0;
  Exhaust(kBehind, 0, offset);
  const MonoTime ready = router->quotas().leader.Of(ThrottleKind::kConfigured).ReadyAt(world.now);
  ASSERT_GT(ready, world.now);
  const Answer waiting = Fetch(kBehind, {{0, offset}}, seconds(30));
  ASSERT_FALSE(waiting->has_value());
  shard.Advance(ready - world.now);
  Run();
  ASSERT_TRUE(waiting->has_value());
  EXPECT_GT((*waiting)->at(0).bytes, 0u);
}

TEST_F(ThrottleTest, AMoveThrottlesTheReplicasItAddsOnly) {
  Lead(0, {.moves_to = {kBehind}});
  Append(0, 100);
  int64_t offset = 0;
  Exhaust(kBehind, 0, offset);
  EXPECT_LT(offset, 100);
  EXPECT_GT(router->quotas().leader.Of(ThrottleKind::kMove).bytes_total(), 0);
  // The move is over: nothing is throttled any more.
  Lead(0, {});
  Exhaust(kBehind, 0, offset);
  EXPECT_EQ(offset, 100);
}

}  // namespace
}  // namespace weir::replica
