// Shard: the Executor's laws on a real event loop.
#include "broker/net/shard.h"

#include <gtest/gtest.h>

#include <future>
#include <vector>

namespace weir::net {
namespace {

using std::chrono::milliseconds;

// Runs `task` on the shard and waits for it.
void RunOn(Shard& shard, Task task) {
  auto done = std::make_shared<std::promise<void>>();
  std::future<void> future = done->get_future();
  shard.Post([&task, done] {
    task();
    done->set_value();
  });
  future.wait();
}

TEST(Shard, PostsKeepTheirOrder) {
  Shard shard(0);
  shard.Start();
  std::vector<int> seen;
  for (int i = 0; i < 1000; ++i) shard.Post([&seen, i] { seen.push_back(i); });
  RunOn(shard, [] {});
  ASSERT_EQ(seen.size(), 1000u);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(seen[static_cast<size_t>(i)], i);
}

TEST(Shard, TimersFireInOrderOfDeadlineAndCancelledOnesDoNot) {
  Shard shard(0);
  shard.Start();
  std::promise<void> done;
  std::vector<int> fired;
  RunOn(shard, [&] {
    const MonoTime now = shard.Now();
    shard.PostAt(now + milliseconds(20), [&] {
      fired.push_back(20);
      done.set_value();
    });
    shard.PostAt(now + milliseconds(5), [&] { fired.push_back(5); });
    const auto cancelled = shard.PostAt(now + milliseconds(10), [&] { fired.push_back(10); });
    shard.Cancel(cancelled);
    shard.Cancel(12345);
  });
  done.get_future().wait();
  RunOn(shard, [] {});
  EXPECT_EQ(fired, (std::vector<int>{5, 20}));
}

TEST(Shard, EndOfRoundRunsAfterWhatIsDue) {
  Shard shard(0);
  std::vector<int> seen;
  std::promise<void> ended;
  shard.Post([&] {
    shard.AtEndOfRound([&] {
      seen.push_back(3);
      ended.set_value();
    });
    seen.push_back(1);
  });
  shard.Post([&] { seen.push_back(2); });
  shard.Start();
  ended.get_future().wait();
  shard.Stop();
  EXPECT_EQ(seen, (std::vector<int>{1, 2, 3}));
}

TEST(Shard, NothingRunsAfterStop) {
  Shard shard(0);
  shard.Start();
  bool ran = false;
  shard.Stop();
  auto kept = std::make_shared<int>(1);
  shard.Post([&ran, kept] { ran = true; });
  EXPECT_FALSE(ran);
  EXPECT_EQ(kept.use_count(), 1) << "a dropped task gives back what it holds";
}

}  // namespace
}  // namespace weir::net
