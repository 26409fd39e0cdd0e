// ProducerIdPool: ids are handed out once, and before the controllers are missed.
#include "broker/metadata/producer_id_pool.h"

#include <gtest/gtest.h>

#include <memory>
#include <utility>
#include <vector>

#include "tests/support/manual_executor.h"
#include "tests/unit/broker/handlers/fake_controllers.h"

namespace weir::broker {
namespace {

constexpr int64_t kBlockSize = 4;

// Answers AllocateProducerIds with consecutive blocks, when told to.
class BlockSource : public handlers::FakeControllers {
 public:
  using FakeControllers::FakeControllers;
  void AllocateProducerIds(broker::v1::AllocateProducerIdsRequest request, Duration,
                           ReplyDone<broker::v1::AllocateProducerIdsReply> done) override {
    EXPECT_EQ(request.broker_epoch(), 7);
    asked.push_back(std::move(done));
  }
  void Answer() {
    broker::v1::AllocateProducerIdsReply reply;
    reply.set_first_producer_id(next);
    reply.set_count(kBlockSize);
    next += kBlockSize;
    std::exchange(asked, {}).at(0)(std::move(reply));
  }
  void FailAll() {
    for (auto& done : std::exchange(asked, {})) done(Fail(ErrorCode::kRequestTimedOut, "no one"));
  }

  std::vector<ReplyDone<broker::v1::AllocateProducerIdsReply>> asked;
  int64_t next = 0;
};

class ProducerIdPoolTest : public testing::Test {
 protected:
  void Take(int count) {
    for (int i = 0; i < count; ++i) {
      pool_.Take([this](Result<ProducerId> id) {
        if (id) taken_.push_back(id->value());
        if (!id) errors_.push_back(id.error().code);
      });
    }
    thread_->Run();
  }

  std::shared_ptr<test::ManualExecutor> thread_ = std::make_shared<test::ManualExecutor>();
  BlockSource controllers_{thread_, NodeId(1)};
  ProducerIdPool pool_{thread_, controllers_, NodeId(1), [] { return BrokerEpoch(7); }};
  std::vector<int64_t> taken_;
  std::vector<ErrorCode> errors_;
};

TEST_F(ProducerIdPoolTest, ABrokerThatWasReadyServesWithoutControllers) {
  pool_.Prefetch();
  ASSERT_EQ(controllers_.asked.size(), 1u);
  controllers_.Answer();
  Take(kBlockSize);  // no answer comes any more
  EXPECT_EQ(taken_, (std::vector<int64_t>{0, 1, 2, 3}));
  Take(1);
  EXPECT_TRUE(errors_.empty());
  controllers_.FailAll();
  EXPECT_EQ(errors_, std::vector{ErrorCode::kCoordinatorLoadInProgress});
}

TEST_F(ProducerIdPoolTest, TheNextBlockIsAskedForAtHalfOfTheLast) {
  pool_.Prefetch();
  controllers_.Answer();
  Take(1);
  EXPECT_TRUE(controllers_.asked.empty());
  Take(1);
  ASSERT_EQ(controllers_.asked.size(), 1u);
  controllers_.Answer();
  Take(6);
  EXPECT_EQ(taken_, (std::vector<int64_t>{0, 1, 2, 3, 4, 5, 6, 7}));
  EXPECT_EQ(controllers_.asked.size(), 1u);
}

TEST_F(ProducerIdPoolTest, WaitersShareOneRequest) {
  Take(3);
  ASSERT_EQ(controllers_.asked.size(), 1u);
  controllers_.Answer();
  EXPECT_EQ(taken_, (std::vector<int64_t>{0, 1, 2}));
}

TEST_F(ProducerIdPoolTest, AFirstBlockThatWasMissedIsAskedForAgain) {
  pool_.Prefetch();
  controllers_.FailAll();
  EXPECT_TRUE(controllers_.asked.empty());
  thread_->Advance(std::chrono::seconds(1));
  ASSERT_EQ(controllers_.asked.size(), 1u);
  controllers_.Answer();
  EXPECT_EQ(thread_->timers(), 0u);
}

}  // namespace
}  // namespace weir::broker
