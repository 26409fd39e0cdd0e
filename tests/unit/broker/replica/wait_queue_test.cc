// WaitQueue: each wait ends once and leaves nothing behind.
#include "broker/replica/wait_queue.h"

#include <gtest/gtest.h>

#include <chrono>
#include <map>

#include "common/base/prng.h"

namespace weir::replica {
namespace {

constexpr log::PartitionHandle kOne{1};
constexpr log::PartitionHandle kTwo{2};
const MonoTime kSoon{std::chrono::seconds(5)};

TEST(WaitQueue, OffsetsOfAllPartitionsAreAwaited) {
  WaitQueue queue;
  int woken = 0;
  queue.WaitForOffsets({{kOne, Offset(5)}, {kTwo, Offset(3)}}, kSoon, [&] { ++woken; });
  queue.OnMoved(kOne, Offset(4), 100);
  queue.OnMoved(kOne, Offset(9), 100);
  queue.OnMoved(kOne, Offset(10), 100);
  EXPECT_EQ(woken, 0);
  queue.OnMoved(kTwo, Offset(3), 1);
  EXPECT_EQ(woken, 1);
  EXPECT_EQ(queue.size(), 0u);
  EXPECT_EQ(queue.NextDeadline(), MonoTime::max());
}

TEST(WaitQueue, BytesOfAllPartitionsAddUp) {
  WaitQueue queue;
  int woken = 0;
  queue.WaitForBytes({kOne, kTwo}, 100, kSoon, [&] { ++woken; });
  queue.OnMoved(kOne, Offset(1), 60);
  EXPECT_EQ(woken, 0);
  queue.OnMoved(kTwo, Offset(1), 40);
  EXPECT_EQ(woken, 1);
  queue.OnMoved(kTwo, Offset(2), 400);
  EXPECT_EQ(woken, 1);
}

TEST(WaitQueue, DeadlinesEndWaitsInTime) {
  WaitQueue queue;
  int woken = 0;
  queue.WaitForBytes({kOne}, 1, kSoon, [&] { ++woken; });
  queue.WaitForOffsets({{kOne, Offset(9)}}, kSoon + std::chrono::seconds(1), [&] { ++woken; });
  EXPECT_EQ(queue.Expire(kSoon - Duration(1)), kSoon);
  EXPECT_EQ(woken, 0);
  EXPECT_EQ(queue.Expire(kSoon), kSoon + std::chrono::seconds(1));
  EXPECT_EQ(woken, 1);
  queue.OnMoved(kOne, Offset(9), 1);
  EXPECT_EQ(woken, 2);
}

TEST(WaitQueue, AHastenedWaitEndsSooner) {
  WaitQueue queue;
  int woken = 0;
  queue.WaitForBytes({kOne, kTwo}, 1, kSoon, [&] { ++woken; });
  queue.WaitForBytes({kTwo}, 1, kSoon, [&] { ++woken; });
  const MonoTime now = kSoon - std::chrono::seconds(1);
  queue.Hasten(kOne, now, Duration(10), Duration(3));
  EXPECT_EQ(queue.NextDeadline(), now + Duration(16)) << "two partitions";
  queue.Hasten(kOne, now + Duration(1), Duration(10), Duration(3));
  EXPECT_EQ(queue.NextDeadline(), now + Duration(16)) << "never later";
  queue.Expire(now + Duration(16));
  EXPECT_EQ(woken, 1);
  EXPECT_EQ(queue.NextDeadline(), kSoon);
}

TEST(WaitQueue, ACancelledWaitIsNotWoken) {
  WaitQueue queue;
  const auto id = queue.WaitForBytes({kOne}, 1, kSoon, [] { FAIL(); });
  queue.Cancel(id);
  queue.Cancel(id);
  queue.OnMoved(kOne, Offset(1), 1);
  queue.Expire(kSoon);
  EXPECT_EQ(queue.size(), 0u);
}

TEST(WaitQueue, AGonePartitionEndsWhatWaitsForIt) {
  WaitQueue queue;
  int bytes = 0;
  int offsets = 0;
  queue.WaitForBytes({kOne, kTwo}, 100, kSoon, [&] { ++bytes; });
  queue.WaitForOffsets({{kOne, Offset(5)}, {kTwo, Offset(3)}}, kSoon, [&] { ++offsets; });
  queue.OnGone(kOne);
  EXPECT_EQ(bytes, 1);
  EXPECT_EQ(offsets, 0);
  queue.OnMoved(kTwo, Offset(3), 1);
  EXPECT_EQ(offsets, 1);
}

TEST(WaitQueue, AWakeUpMayAddWaitsAndMovePartitions) {
  WaitQueue queue;
  int rounds = 0;
  std::function<void()> again = [&] {
    if (++rounds == 5) return;
    queue.WaitForBytes({kOne}, 1, kSoon, [&] { again(); });
    queue.OnMoved(kOne, Offset(rounds), 1);
  };
  queue.WaitForBytes({kOne}, 1, kSoon, [&] { again(); });
  queue.OnMoved(kOne, Offset(1), 1);
  EXPECT_EQ(rounds, 5);
  EXPECT_EQ(queue.size(), 0u);
}

// Random waits against the plainest account of what each still misses.
TEST(WaitQueue, EveryWaitEndsExactlyOnce) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Prng prng(seed);
    WaitQueue queue;
    std::map<WaitQueue::WaitId, int> ended;
    std::map<uint32_t, int64_t> ends;
    MonoTime now{std::chrono::seconds(1)};
    size_t added = 0;
    for (int step = 0; step < 500; ++step) {
      const auto p = static_cast<uint32_t>(prng.Below(4));
      const auto q = static_cast<uint32_t>(4 + prng.Below(4));
      const MonoTime deadline = now + Duration(prng.Between(1, 200));
      const auto id = std::make_shared<WaitQueue::WaitId>();
      const auto wake = [&ended, id] { ++ended[*id]; };
      switch (prng.Below(4)) {
        case 0:
          *id = queue.WaitForOffsets(
              {{log::PartitionHandle(p), Offset(ends[p] + prng.Between(1, 5))},
               {log::PartitionHandle(q), Offset(ends[q] + prng.Between(1, 5))}},
              deadline, wake);
          ++added;
          break;
        case 1:
          *id = queue.WaitForBytes({log::PartitionHandle(p), log::PartitionHandle(q)},
                                   prng.Between(1, 50), deadline, wake);
          ++added;
          break;
        case 2:
          queue.OnMoved(log::PartitionHandle(p), Offset(ends[p] += prng.Between(1, 3)), 10);
          break;
        default:
          now += Duration(prng.Between(0, 20));
          EXPECT_GT(queue.Expire(now), now);
      }
    }
    queue.Expire(MonoTime::max());
    EXPECT_EQ(queue.size(), 0u);
    EXPECT_EQ(ended.size(), added);
    for (const auto& [id, times] : ended) EXPECT_EQ(times, 1);
  }
}

}  // namespace
}  // namespace weir::replica
