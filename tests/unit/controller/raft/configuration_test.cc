// Configurations: their bytes, their history, and the steps of a replacement.
#include <gtest/gtest.h>

#include "controller/raft/configuration_history.h"
#include "tests/unit/controller/raft/cluster.h"

namespace weir::raft {
namespace {

TEST(RaftConfiguration, RoundTrip) {
  Configuration configuration = TestVoters({1, 2, 5});
  configuration.members.push_back(TestMember(7, false));
  for (const Configuration& c : {Configuration{}, configuration}) {
    EXPECT_EQ(DecodeConfiguration(EncodeConfiguration(c)), c);
  }
}

// The bytes are on disks and must stay readable.
TEST(RaftConfiguration, GoldenBytes) {
  const std::string bytes = EncodeConfiguration(TestVoters({1}));
  const std::string expected = std::string("\x01\x01\0\0\0\x01\0\0\0", 9) +
                               std::string("\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01", 16) +
                               std::string("\x01\x07\0", 3) + "c1:9090";
  EXPECT_EQ(bytes, expected);
}

TEST(RaftConfiguration, DamagedBytesAreRefused) {
  const std::string bytes = EncodeConfiguration(TestVoters({1, 2}));
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(DecodeConfiguration(bytes.substr(0, size))) << size;
  }
  EXPECT_FALSE(DecodeConfiguration(bytes + "x"));
  std::string huge = bytes;
  huge[4] = '\x7f';  // two billion members
  EXPECT_FALSE(DecodeConfiguration(huge));
  Configuration twice = TestVoters({2, 2});
  EXPECT_FALSE(DecodeConfiguration(EncodeConfiguration(twice)));
}

TEST(RaftConfigurationHistory, R37_TruncationBringsBackTheOneBefore) {
  ConfigurationHistory history(LogIndex(3), TestVoters({1}));
  history.Add(LogIndex(5), EntryType::kLeaderStart, TestVoters({1}));
  history.Add(LogIndex(7), EntryType::kConfiguration, TestVoters({1, 2}));
  EXPECT_EQ(history.latest_change_index(), LogIndex(7));
  EXPECT_EQ(history.At(LogIndex(6)), TestVoters({1}));
  EXPECT_EQ(history.At(LogIndex(7)), TestVoters({1, 2}));
  EXPECT_FALSE(history.TruncateFrom(LogIndex(8)));
  EXPECT_TRUE(history.TruncateFrom(LogIndex(7)));
  EXPECT_EQ(history.latest(), TestVoters({1}));
  EXPECT_EQ(history.latest_change_index(), LogIndex(0));
}

TEST(RaftConfigurationHistory, CompactionKeepsWhatIsInEffect) {
  ConfigurationHistory history(LogIndex(0), TestVoters({1}));
  history.Add(LogIndex(4), EntryType::kConfiguration, TestVoters({1, 2}));
  history.Add(LogIndex(9), EntryType::kConfiguration, TestVoters({1, 2, 3}));
  history.CompactThrough(LogIndex(6));
  EXPECT_EQ(history.At(LogIndex(6)), TestVoters({1, 2}));
  EXPECT_EQ(history.latest(), TestVoters({1, 2, 3}));
}

// Runs a replacement through a real leader until it is over; returns the number of steps.
int Replace(Cluster& cluster, const VoterKey& from, const Member& to) {
  int steps = 0;
  while (const auto change = NextReplaceStep(cluster.raft(1).configuration(), from, to)) {
    const auto index = cluster.raft(1).ProposeMembershipChange(*change);
    EXPECT_TRUE(index) << ToString(index.error());
    if (!index || ++steps > 5) break;
    cluster.Stabilize();
  }
  return steps;
}

TEST(RaftReplace, OtherNodeJoinsBeforeTheOldOneLeaves) {
  Cluster cluster;
  cluster.AddVoters(3);
  cluster.Elect(1);
  cluster.AddJoiner(4);
  EXPECT_EQ(Replace(cluster, TestKey(3), TestMember(4)), 3);
  EXPECT_EQ(cluster.raft(1).configuration(), TestVoters({1, 2, 4}));
  EXPECT_EQ(cluster.raft(4).commit_index(), cluster.raft(1).commit_index());
}

TEST(RaftReplace, R39_SameNodeWithAnotherDiskLeavesFirst) {
  Cluster cluster;
  cluster.AddVoters(3);
  cluster.Elect(1);
  cluster.Wipe(3);
  cluster.Start(3);
  EXPECT_EQ(Replace(cluster, TestKey(3), TestMember(3, true, 1)), 3);
  EXPECT_TRUE(cluster.raft(1).configuration().IsVoter(TestKey(3, 1)));
  EXPECT_EQ(Replace(cluster, TestKey(3), TestMember(3, true, 1)), 0) << "nothing is left to do";
}

}  // namespace
}  // namespace weir::raft
