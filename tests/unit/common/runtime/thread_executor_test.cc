// ThreadExecutor: order, timers, cancellation, and nothing after Stop.
#include "common/runtime/thread_executor.h"

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <vector>

namespace weir::runtime {
namespace {

TEST(ThreadExecutor, TasksKeepTheirOrder) {
  ThreadExecutor executor("order");
  std::vector<int> seen;
  std::promise<void> done;
  for (int i = 0; i < 100; ++i) executor.Post([&seen, i] { seen.push_back(i); });
  executor.Post([&] { done.set_value(); });
  done.get_future().wait();
  ASSERT_EQ(seen.size(), 100u);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(seen[static_cast<size_t>(i)], i);
}

TEST(ThreadExecutor, TimersFireInOrderOfDeadlineThenAge) {
  ThreadExecutor executor("timers");
  std::vector<int> seen;
  std::promise<void> done;
  executor.Post([&] {
    const MonoTime now = executor.Now();
    executor.PostAt(now + Duration(2000), [&] { seen.push_back(3); });
    executor.PostAt(now + Duration(1000), [&] { seen.push_back(1); });
    executor.PostAt(now + Duration(1000), [&] { seen.push_back(2); });
    executor.PostAt(now + Duration(3000), [&] { done.set_value(); });
  });
  done.get_future().wait();
  EXPECT_EQ(seen, (std::vector<int>{1, 2, 3}));
}

TEST(ThreadExecutor, ACancelledTimerDoesNotRun) {
  ThreadExecutor executor("cancel");
  bool ran = false;
  std::promise<void> done;
  executor.Post([&] {
    const auto id = executor.PostAt(executor.Now(), [&] { ran = true; });
    executor.Cancel(id);
    executor.Cancel(id);
    executor.PostAt(executor.Now() + Duration(1000), [&] { done.set_value(); });
  });
  done.get_future().wait();
  EXPECT_FALSE(ran);
}

TEST(ThreadExecutor, StopDropsWhatIsQueuedAndLaterPosts) {
  auto held = std::make_shared<int>(1);
  ThreadExecutor executor("stop");
  executor.PostAt(executor.Now() + std::chrono::hours(1), [held] {});
  executor.Stop();
  EXPECT_EQ(held.use_count(), 1);
  executor.Post([held] { FAIL() << "ran after Stop"; });
  EXPECT_EQ(held.use_count(), 1);
}

}  // namespace
}  // namespace weir::runtime
