// RaftLog and Progress by themselves.
#include "controller/raft/log.h"

#include <gtest/gtest.h>

#include "controller/raft/progress.h"
#include "tests/unit/controller/raft/cluster.h"

namespace weir::raft {
namespace {

RaftLog LogWithTerms(std::vector<uint64_t> terms) {
  RaftLog log;
  for (size_t i = 0; i < terms.size(); ++i) {
    log.Append({Term(terms[i]), LogIndex(i + 1), EntryType::kNormal, TestPayload("ab")});
  }
  return log;
}

TEST(RaftLog, KnowsTermsFromBaseToEnd) {
  RaftLog log = LogWithTerms({1, 1, 2});
  EXPECT_EQ(log.TermAt(LogIndex(0)), Term(0));
  EXPECT_EQ(log.TermAt(LogIndex(3)), Term(2));
  EXPECT_EQ(log.TermAt(LogIndex(4)), std::nullopt);
  log.TakeUnpersisted();
  log.MarkPersisted(LogIndex(3));
  log.CompactThrough(LogIndex(2));
  EXPECT_EQ(log.TermAt(LogIndex(1)), std::nullopt);
  EXPECT_EQ(log.TermAt(LogIndex(2)), Term(1));
  EXPECT_EQ(log.bytes(), 2u);
}

TEST(RaftLog, R47_TruncationTakesBackWhatWasPersisted) {
  RaftLog log = LogWithTerms({1, 1, 1});
  EXPECT_EQ(log.TakeUnpersisted().size(), 3u);
  log.MarkPersisted(LogIndex(3));
  const uint64_t generation = log.generation();
  log.TruncateFrom(LogIndex(2));
  EXPECT_GT(log.generation(), generation);
  EXPECT_EQ(log.persisted_index(), LogIndex(1));
  log.Append({Term(2), LogIndex(2), EntryType::kNormal, TestPayload("x")});
  log.MarkPersisted(LogIndex(2));
  EXPECT_EQ(log.persisted_index(), LogIndex(1)) << "not handed out yet, cannot be on disk";
  EXPECT_EQ(log.TakeUnpersisted().size(), 1u);
}

TEST(RaftLog, SliceIsBoundedByBytesButNeverEmpty) {
  const RaftLog log = LogWithTerms({1, 1, 1, 1});
  EXPECT_EQ(log.Slice(LogIndex(1), LogIndex(4), 5).size(), 2u);
  EXPECT_EQ(log.Slice(LogIndex(2), LogIndex(4), 0).size(), 1u);
  EXPECT_EQ(log.Slice(LogIndex(5), LogIndex(9), 100).size(), 0u);
}

TEST(RaftLog, CompactionPointKeepsATail) {
  const RaftLog log = LogWithTerms({1, 1, 1, 1, 1});
  EXPECT_EQ(log.CompactionPoint(LogIndex(4), 0, 100), LogIndex(4));
  EXPECT_EQ(log.CompactionPoint(LogIndex(4), 2, 100), LogIndex(2));
  EXPECT_EQ(log.CompactionPoint(LogIndex(4), 9, 3), LogIndex(3)) << "one entry fits into 3 bytes";
  EXPECT_EQ(log.CompactionPoint(LogIndex(4), 9, 100), LogIndex(0));
}

TEST(RaftLog, FindsTheLastPlaceOfATerm) {
  const RaftLog log = LogWithTerms({1, 1, 3, 3, 5});
  EXPECT_EQ(log.LastWithTermAtMost(Term(4), LogIndex(9)), LogIndex(4));
  EXPECT_EQ(log.LastWithTermAtMost(Term(2), LogIndex(4)), LogIndex(2));
  EXPECT_EQ(log.LastWithTermAtMost(Term(0), LogIndex(4)), LogIndex(0));
}

TEST(RaftProgress, ProbesOneByOneThenStreams) {
  Progress progress(LogIndex(10));
  ASSERT_TRUE(progress.MaySend(2));
  progress.Sent(LogIndex(9), LogIndex(0));
  EXPECT_FALSE(progress.MaySend(2)) << "one probe at a time";
  EXPECT_TRUE(progress.Refused(LogIndex(9), LogIndex(4)));
  EXPECT_EQ(progress.next(), LogIndex(5));
  progress.Sent(LogIndex(7), LogIndex(0));
  EXPECT_TRUE(progress.Accepted(LogIndex(7)));
  EXPECT_EQ(progress.state(), ProgressState::kReplicate);
  progress.Sent(LogIndex(8), LogIndex(0));
  progress.Sent(LogIndex(9), LogIndex(0));
  EXPECT_FALSE(progress.MaySend(2)) << "the window is full";
  progress.Accepted(LogIndex(8));
  EXPECT_TRUE(progress.MaySend(2));
}

TEST(RaftProgress, R52_OldRefusalsSayNothing) {
  Progress progress(LogIndex(5));
  progress.Sent(LogIndex(4), LogIndex(0));
  progress.Accepted(LogIndex(4));
  EXPECT_FALSE(progress.Refused(LogIndex(3), LogIndex(0)));
  EXPECT_EQ(progress.state(), ProgressState::kReplicate);
  progress.Sent(LogIndex(6), LogIndex(0));
  EXPECT_TRUE(progress.Refused(LogIndex(6), LogIndex(0)));
  EXPECT_EQ(progress.next(), LogIndex(5)) << "back to what is known";
  EXPECT_FALSE(progress.Refused(LogIndex(9), LogIndex(0))) << "not the probe under way";
}

TEST(RaftProgress, AFullWindowOfLostAppendsOpensAgain) {
  Progress progress(LogIndex(1));
  progress.Sent(LogIndex(0), LogIndex(0));
  progress.Accepted(LogIndex(0));
  progress.Sent(LogIndex(1), LogIndex(0));
  ASSERT_FALSE(progress.MaySend(1));
  progress.HeartbeatAnswered(1);
  EXPECT_TRUE(progress.MaySend(1));
}

}  // namespace
}  // namespace weir::raft
