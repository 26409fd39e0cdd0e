// Shard: the Executor's laws on a real event loop.
#include "broker/net/shard.h"

#include <gtest/gtest.h>

#include <future>
#include <vector>

#include <asio/post.hpp>

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

// As when a hundred sockets are readable at once: each of them asks before it reads.
TEST(Shard, WhatWasPostedGoesBeforeTheNextRead) {
  Shard shard(0);
  std::vector<int> seen;
  std::promise<void> ended;
  const auto read = [&](int number) {
    asio::post(shard.context(), [&, number] {
      shard.BeforeRead();
      seen.push_back(number);
      if (number == 1) shard.Post([&] { seen.push_back(10); });
      if (number == 3) ended.set_value();
    });
  };
  for (const int number : {1, 2, 3}) read(number);
  shard.Start();
  ended.get_future().wait();
  shard.Stop();
  EXPECT_EQ(seen, (std::vector<int>{1, 10, 2, 3}));
}

TEST(Shard, ARoundThatTakesLongEndsBeforeTheNextRead) {
  Shard shard(0);
  std::vector<int> seen;
  std::promise<void> ended;
  for (const int number : {1, 2, 3}) {
    asio::post(shard.context(), [&, number] {
      // The first one has something to write; reading takes its time.
      if (number == 1) shard.AtEndOfRound([&] { seen.push_back(10); });
      for (const MonoTime until = shard.Now() + milliseconds(2); shard.Now() < until;) {
      }
      shard.BeforeRead();
      seen.push_back(number);
      if (number == 3) ended.set_value();
    });
  }
  shard.Start();
  ended.get_future().wait();
  shard.Stop();
  EXPECT_EQ(seen, (std::vector<int>{10, 1, 2, 3}));
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
