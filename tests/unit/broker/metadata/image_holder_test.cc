// ImageHolder: images of all shards, and what waits for them.
#include "broker/metadata/image_holder.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "common/metadata/apply.h"
#include "tests/support/manual_executor.h"

namespace weir::broker {
namespace {

class ImageHolderTest : public testing::Test {
 protected:
  static ImagePtr ImageAt(uint64_t offset) {
    metadata::MetadataImage image;
    metadata::Apply(image, metadata::v1::MetadataBatch(), LogIndex(offset));
    return std::make_shared<const metadata::MetadataImage>(std::move(image));
  }
  void Publish(uint64_t offset) {
    images_.Publish(ImageAt(offset), [this, offset] { published_ = offset; });
  }
  // Each says its number when it runs.
  void Wait(int first, int count, uint64_t offset) {
    for (int number = first; number < first + count; ++number) {
      images_.WhenReached(0, LogIndex(offset), [this, number] { ran_.push_back(number); });
    }
  }
  static std::vector<int> Numbers(int end) {
    std::vector<int> numbers;
    for (int number = 0; number < end; ++number) numbers.push_back(number);
    return numbers;
  }

  test::ManualExecutor metadata_;
  test::ManualExecutor first_;
  test::ManualExecutor second_;
  ImageHolder images_{metadata_, {&first_, &second_}};
  uint64_t published_ = 0;
  std::vector<int> ran_;
};

TEST_F(ImageHolderTest, PublishedWhenEveryShardHasIt) {
  Publish(3);
  first_.Run();
  metadata_.Run();
  EXPECT_EQ(images_.At(0)->offset(), LogIndex(3));
  EXPECT_EQ(images_.At(1)->offset(), LogIndex(0));
  EXPECT_EQ(published_, 0u);
  second_.Run();
  metadata_.Run();
  EXPECT_EQ(published_, 3u);
  EXPECT_EQ(images_.Newest()->offset(), LogIndex(3));
}

TEST_F(ImageHolderTest, WhatWaitsRunsWhenItsOffsetIsReached) {
  Wait(0, 1, 0);
  EXPECT_TRUE(ran_.empty());
  first_.Run();
  EXPECT_EQ(ran_, Numbers(1)) << "reached already";
  Wait(2, 1, 5);
  Wait(1, 1, 4);
  Publish(4);
  first_.Run();
  EXPECT_EQ(ran_, Numbers(2));
  Publish(6);
  first_.Run();
  EXPECT_EQ(ran_, Numbers(3));
}

// All members of a group may wait for its new generation: an image is not held up by their answers,
// and neither is what else the shard has to do.
TEST_F(ImageHolderTest, ThousandsThatWaitAreWorkedOffInBetween) {
  constexpr int kMany = 1000;
  Wait(0, kMany, 4);
  Publish(4);
  size_t ran_before = kMany;
  first_.Post([&] { ran_before = ran_.size(); });
  second_.Run();
  while (published_ == 0) {
    ASSERT_TRUE(first_.RunOne());
    metadata_.Run();
  }
  EXPECT_EQ(ran_.size(), 0u) << "the image is published first";
  first_.Run();
  EXPECT_EQ(ran_before, 0u) << "posted before they were due";
  EXPECT_EQ(ran_, Numbers(kMany));
}

TEST_F(ImageHolderTest, WhatComesWhileOthersAreDueGoesAfterThem) {
  constexpr int kMany = 200;
  Wait(0, kMany, 4);
  Publish(4);
  while (ran_.empty()) ASSERT_TRUE(first_.RunOne());
  ASSERT_LT(ran_.size(), static_cast<size_t>(kMany));
  Wait(kMany, 1, 4);
  Publish(5);
  first_.Run();
  EXPECT_EQ(ran_, Numbers(kMany + 1));
}

TEST_F(ImageHolderTest, AWaitingTaskMayWaitAgain) {
  images_.WhenReached(0, LogIndex(4), [this] {
    ran_.push_back(0);
    Wait(2, 1, 5);
    Wait(1, 1, 4);
  });
  Publish(4);
  first_.Run();
  EXPECT_EQ(ran_, Numbers(2));
  Publish(5);
  first_.Run();
  EXPECT_EQ(ran_, Numbers(3));
}

}  // namespace
}  // namespace weir::broker
