// StuckReplicas: who is given up while the disk is full, and how often.
#include "broker/metadata/stuck_replicas.h"

#include <gtest/gtest.h>

namespace weir::broker {
namespace {

const log::TopicPartition kOne{Uuid{{1}}, PartitionIndex(0)};
const log::TopicPartition kTwo{Uuid{{1}}, PartitionIndex(1)};

TEST(StuckReplicas, EachIsGivenUpOnceWhileTheDiskIsFull) {
  StuckReplicas stuck;
  EXPECT_TRUE(stuck.OnNoRoom(kOne));
  EXPECT_FALSE(stuck.OnNoRoom(kOne)) << "asked already";
  EXPECT_TRUE(stuck.OnNoRoom(kTwo));
  stuck.OnAnswer(kOne, ErrorCode::kNone);
  EXPECT_FALSE(stuck.OnNoRoom(kOne)) << "each time the leader epoch would grow";
}

TEST(StuckReplicas, ARefusalIsNotTheLastWord) {
  StuckReplicas stuck;
  EXPECT_TRUE(stuck.OnNoRoom(kOne));
  stuck.OnAnswer(kOne, ErrorCode::kIneligibleReplica);
  EXPECT_TRUE(stuck.OnNoRoom(kOne)) << "another replica may be in sync by now";
  stuck.OnAnswer(kOne, ErrorCode::kRequestTimedOut);
  EXPECT_TRUE(stuck.OnNoRoom(kOne));
}

TEST(StuckReplicas, ADiskThatFillsUpAgainBeginsAnew) {
  StuckReplicas stuck;
  EXPECT_TRUE(stuck.OnNoRoom(kOne));
  stuck.OnAnswer(kOne, ErrorCode::kNone);
  stuck.OnRoom();
  EXPECT_TRUE(stuck.OnNoRoom(kOne));
}

TEST(StuckReplicas, OneDiskWithRoomSaysNothingAboutAnother) {
  StuckReplicas stuck;
  EXPECT_TRUE(stuck.OnNoRoom(kOne));
  stuck.OnRoom(kTwo);
  EXPECT_FALSE(stuck.OnNoRoom(kOne));
  stuck.OnRoom(kOne);
  EXPECT_TRUE(stuck.OnNoRoom(kOne));
}

}  // namespace
}  // namespace weir::broker
